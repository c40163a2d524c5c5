"""What an import brings in and leaves out, as the lines that command and console share.

Styles are names: `dim` is an example, `warn` what was left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from engine.core.counted import counted
from luna_tui.common.safe_text import safe_line
from luna_tui.common.terminal import Glyphs

if TYPE_CHECKING:
    from engine.service.inbox_import import Imported

_BAD_SHOWN = 10
_KINDS = {
    "chat": ("answer in conversations", "answers in conversations"),
    "qa": ("question with its answer", "questions with their answers"),
    "text": ("plain text", "plain texts"),
}
_SAMPLE_CHARS = 200


def imported_lines(
    one: Imported, root: Path, region: str, glyphs: Glyphs, *, take_near: str, see_all: str = ""
) -> Iterator[Text]:
    """Yield what a source brings: counts by kind, its first rows, and everything that is left out and why.

    `region` is the country of masked phone numbers, empty if nothing is masked. `take_near` says how near duplicates
    are taken, `see_all` where all bad rows are shown.
    """
    tally = one.tally
    known = f", {tally.known} known already" if tally.known else ""
    name = safe_line(str(one.path.relative_to(root) if one.path else one.source))
    glyph = glyphs.accepted if not one.empty else glyphs.dot
    yield Text(f"{glyph} {name}: {counted(one.rows, 'new row')}{known}")
    if tally.taken:
        kinds = [counted(count, *_KINDS[kind]) for kind, count in tally.taken.items()]
        yield Text(f"  {', '.join(kinds)}", "dim")
    for row in tally.samples:
        asked = f"{row.prompt} {glyphs.arrow} " if row.prompt else ""
        shown = f"  {safe_line(asked + row.response)[:_SAMPLE_CHARS]}"
        yield Text(shown, "dim", no_wrap=True, overflow="ellipsis")
    if tally.repeated:
        yield Text(f"  {counted(tally.repeated, 'row')} twice in it, left out")
    if tally.near:
        first = f", such as {tally.examples[0][0]}, like {tally.examples[0][1]}"
        yield Text(f"  {counted(tally.near, 'near duplicate')} left out{safe_line(first)}; {take_near}", "warn")
    if region:
        masked = ", ".join(counted(count, kind, _plural(kind)) for kind, count in one.redacted.items()) or "nothing"
        yield Text(f"  masked: {masked}; national phone numbers of {region}")
    yield from _left_out(one, see_all)


def _left_out(one: Imported, see_all: str) -> Iterator[Text]:
    for note in one.notes:
        yield Text(f"  {safe_line(note)}", "warn")
    for bad in one.bad[:_BAD_SHOWN]:
        where = f"{safe_line(bad.file)} " if one.source.is_dir() else ""
        yield Text(f"  {where}line {bad.line} left out: {safe_line(bad.reason)}", "warn")
    if len(one.bad) > _BAD_SHOWN:
        more = f"; {see_all}" if see_all else ""
        yield Text(f"  and {len(one.bad) - _BAD_SHOWN} more left out{more}", "warn")
    if one.unmeasured:
        long = counted(one.unmeasured, "long row is", "long rows are")
        why = f"  {long} not measured, since the base model has no tokenizer here yet; training leaves out what is"
        yield Text(f"{why} longer than the context", "warn")


def _plural(kind: str) -> str:
    return f"{kind}es" if kind.endswith("s") else f"{kind}s"
