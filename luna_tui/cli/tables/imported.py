"""What an import brought in and left out, as lines and as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from engine.core.counted import counted
from luna_tui.common.safe_text import safe_line
from luna_tui.common.terminal import LunaConsole

if TYPE_CHECKING:
    from engine.service.inbox_import import Imported, ImportOptions

_BAD_SHOWN = 10
_KINDS = {
    "chat": ("answer in conversations", "answers in conversations"),
    "qa": ("question with its answer", "questions with their answers"),
    "text": ("plain text", "plain texts"),
}
_SAMPLE_CHARS = 200


def print_imported(console: LunaConsole, one: Imported, root: Path, options: ImportOptions) -> None:
    """Print what a source brought: counts by kind, its first rows, and everything that was left out and why."""

    def say(text: str, style: str = "") -> None:
        console.print(Text(text, style))

    tally = one.tally
    known = f", {one.tally.known} known already" if tally.known else ""
    name = safe_line(str(one.path.relative_to(root) if one.path else one.source))
    glyph = console.glyphs.accepted if not one.empty else console.glyphs.dot
    say(f"{glyph} {name}: {counted(one.rows, 'new row')}{known}")
    if tally.taken:
        kinds = [counted(count, *_KINDS[kind]) for kind, count in tally.taken.items()]
        say(f"  {', '.join(kinds)}", "dim")
    for row in tally.samples:
        asked = f"{row.prompt} {console.glyphs.arrow} " if row.prompt else ""
        shown = f"  {safe_line(asked + row.response)[:_SAMPLE_CHARS]}"
        console.print(Text(shown, "dim", no_wrap=True, overflow="ellipsis"))
    if tally.repeated:
        say(f"  {counted(tally.repeated, 'row')} twice in it, left out")
    if tally.near:
        first = f", such as {tally.examples[0][0]}, like {tally.examples[0][1]}"
        say(f"  {counted(tally.near, 'near duplicate')} left out{safe_line(first)}; --keep-near takes them", "yellow")
    if options.region:
        masked = ", ".join(counted(count, kind, _plural(kind)) for kind, count in one.redacted.items()) or "nothing"
        say(f"  masked: {masked}; national phone numbers of {options.region}")
    for note in one.notes:
        say(f"  {safe_line(note)}", "yellow")
    for bad in one.bad[:_BAD_SHOWN]:
        where = f"{safe_line(bad.file)} " if one.source.is_dir() else ""
        say(f"  {where}line {bad.line} left out: {safe_line(bad.reason)}", "yellow")
    if len(one.bad) > _BAD_SHOWN:
        say(f"  and {len(one.bad) - _BAD_SHOWN} more left out; --json has all", "yellow")
    if one.unmeasured:
        long = counted(one.unmeasured, "long row is", "long rows are")
        why = f"  {long} not measured, since the base model has no tokenizer here yet; training leaves out what is"
        say(f"{why} longer than the context", "yellow")


def imported_json(one: Imported, root: Path) -> dict[str, object]:
    """Return what a source brought as plain values."""
    tally = one.tally
    return {
        "file": str(one.path.relative_to(root)) if one.path else None,
        "source": str(one.source),
        "rows": one.rows,
        "kinds": dict(tally.taken),
        "known": tally.known,
        "repeated": tally.repeated,
        "near_duplicates": tally.near,
        "near_examples": [{"source": source, "like": earlier} for source, earlier in tally.examples],
        "redacted": dict(one.redacted),
        "unmeasured": one.unmeasured,
        "notes": list(one.notes),
        "bad": [{"file": bad.file, "line": bad.line, "reason": bad.reason} for bad in one.bad],
    }


def _plural(kind: str) -> str:
    return f"{kind}es" if kind.endswith("s") else f"{kind}s"
