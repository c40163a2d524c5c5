"""The texts of a dry run that command and console share: what would be learned and taken, and sequences by token.

Styles are names: `good` is trained, `dim` masked, `bad` and `warn` what needs attention, `title` a heading.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from engine.core.counted import counted
from engine.core.gen_label import gen_label
from luna_tui.common.figures import duration, size
from luna_tui.common.safe_text import safe_line
from luna_tui.common.terminal import ASCII, Glyphs, ascii_text

if TYPE_CHECKING:
    from engine.pipeline.memory_preview import MemoryPreview
    from engine.pipeline.preview import Preview, TokenView

_DEVICES = {"cpu": "on this machine", "cuda": "on the GPU"}


def summary_lines(found: Preview, most: int) -> list[Text]:
    """Return what would be learned, left out and taken, at most `most` sentences about data of each kind."""
    return [
        *_learned(found),
        Text(),
        *_taken(found),
        Text(),
        *_memory(found),
        *_sentences("Left out", found.left_out, most),
        *_sentences("To know", found.warnings, most),
    ]


def sequence_title(view: TokenView, glyphs: Glyphs) -> list[Text]:
    """Return where a sequence comes from, and how many of its tokens are trained."""
    trained = sum(is_trained for _, is_trained in view.pieces)
    what = f"{safe_line(view.stage)} {glyphs.dot} {trained} of {counted(len(view.pieces), 'token')} trained"
    return [Text().append(safe_line(view.source or view.row_id[:12]), "title"), Text().append(what, "dim")]


def legend(glyphs: Glyphs) -> Text:
    """Return how trained and masked tokens are told apart, without relying on colours."""
    trained, masked, end, line = _marks(glyphs)
    words = Text().append(trained + trained[-1:] if len(trained) > 1 else trained, "good").append(" trained  ", "dim")
    words.append(f"{masked} masked  ", "dim").append(end, "good").append(" end (EOS)  ", "dim")
    return words.append(f"{line} new line", "dim")


def token_lines(view: TokenView, width: int, glyphs: Glyphs) -> list[Text]:
    """Return a sequence in lines of at most `width` cells, each above a line that marks where its tokens begin.

    Under a trained token the mark is as long as the token; under a masked one it is a dot.
    """
    trained_mark, masked_mark, end, line_end = _marks(glyphs)
    page = _TokenPage(width, trained_mark, masked_mark)
    for piece, trained in view.pieces:
        shown = safe_line(piece) if piece else end
        if glyphs is ASCII:
            shown = ascii_text(shown.replace("⏎", line_end))
        page.add(shown, trained, breaks=piece.endswith("\n"))
    return page.lines()


class _TokenPage:
    """Fills pairs of lines, text and marks, with one token after the other."""

    def __init__(self, width: int, trained_mark: str, masked_mark: str) -> None:
        self._width = max(8, width)
        self._trained, self._masked = trained_mark, masked_mark
        self._done: list[Text] = []
        self._text, self._marks = Text(), Text()

    def add(self, shown: str, trained: bool, *, breaks: bool) -> None:
        style, first = ("good", True) if trained else ("dim", True)
        if self._text.cell_len and self._text.cell_len + cell_len(shown) > self._width:
            self._turn()
        for character in shown if cell_len(shown) else shown + " ":
            cells = cell_len(character)
            if self._text.cell_len + cells > self._width:
                self._turn()
            self._text.append(character, style)
            self._marks.append(self._mark(trained, first, cells), style)
            first = False
        if breaks:
            self._turn()

    def lines(self) -> list[Text]:
        if self._text.plain:
            self._turn()
        return self._done

    def _mark(self, trained: bool, first: bool, cells: int) -> str:
        if not cells:
            return ""
        begun, went_on = (self._trained[0], self._trained[-1]) if trained else (self._masked, " ")
        return (begun if first else went_on) + went_on * (cells - 1)

    def _turn(self) -> None:
        self._done += [self._text, self._marks]
        self._text, self._marks = Text(), Text()


def _marks(glyphs: Glyphs) -> tuple[str, str, str, str]:
    """Return the marks of a trained token (its beginning, then the rest) and of a masked one, EOS, and a line's end."""
    return ("^-", ".", "<EOS>", "\\n") if glyphs is ASCII else ("╰─", "·", "∎", "⏎")


def _learned(found: Preview) -> Iterator[Text]:
    counts = found.counts
    parent = "the base" if found.parent is None else gen_label(found.parent)
    yield Text().append(f"{gen_label(found.gen)} from {parent}", "title").append(f", {safe_line(found.reason)}")
    yield Text().append(
        f"new {counts['new']}, held out {counts['holdout']}, replayed {counts['replay']}: "
        f"{counts['train']} to train on, {counted(found.exam_items, 'question')} to be asked"
    )
    for stage, parts in found.by_stage.items():
        yield Text().append(
            f"  {safe_line(stage)}: {parts['rows']} in {counted(parts['sequences'], 'sequence')}, "
            f"{parts['tokens']:,} tokens, {parts['tokens_trained']:,} of them trained"
        )


def _taken(found: Preview) -> Iterator[Text]:
    counts = found.counts
    passes = found.steps * found.batch_size * found.accumulation / max(1, counts["sequences"])
    repeated = f", {counts['tokens_repeated']:,} repeated as history" if counts["tokens_repeated"] else ""
    yield Text().append(
        f"{counted(found.steps, 'step')} of {found.batch_size * found.accumulation} sequences: {passes:.1f} passes "
        f"through {counts['tokens']:,} tokens{repeated}"
    )
    pace = found.pace
    if pace is None:
        yield Text().append("time: not known, since nothing was trained on such a machine here yet")
        return
    total = pace.train + pace.export + pace.evaluate
    yield Text().append(
        f"time: about {duration(total)} ({duration(pace.train)} of training, {duration(pace.export)} export, "
        f"{duration(pace.evaluate)} exam, by the pace of {gen_label(pace.of)} on such a machine)"
    )


def _memory(found: Preview) -> Iterator[Text]:
    memory = found.memory
    where = _DEVICES[memory.device]
    free = "" if memory.free is None else f", {size(memory.free)} is free {where}"
    yield Text().append(f"memory: about {size(memory.total)} in {memory.precision}{free}")
    if memory.measured is not None:
        yield Text().append(f"  measured in {gen_label(memory.measured_in)}: {size(memory.measured)}")
    if not memory.fits:
        yield Text().append(f"  it does not fit: lower [train] batch_size, now {found.batch_size}, or context", "bad")
    width = max(len(part.name) for part in memory.parts)
    for part in memory.parts:
        yield Text().append(f"  {part.name:<{width}}  {size(part.bytes):>7}{_why(part.name, memory)}", "dim")


def _why(part: str, memory: MemoryPreview) -> str:
    batch = memory.batch
    words = {
        "activations": f"{batch.tokens:,} tokens in the largest batch",
        "logits": f"{batch.counted:,} of them with a loss",
    }
    return f"  {words[part]}" if part in words else ""


def _sentences(title: str, lines: Sequence[str], most: int) -> Iterator[Text]:
    if not lines:
        return
    yield Text()
    yield Text().append(title, "title")
    for line in lines[:most]:
        yield Text().append(f"- {safe_line(line)}")
    if len(lines) > most:
        yield Text().append(f"- {len(lines) - most} more: luna-tui train --dry-run --json has all", "dim")
