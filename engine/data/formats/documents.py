"""Records of documents: the paragraphs of .txt and .md files."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.data.formats.records import FileNote, Found, Record
from engine.data.formats.source_file import SourceFile, decode


def read_paragraphs(file: SourceFile) -> Iterator[Found]:
    """Yield {"text": paragraph} for each run of lines without an empty line between them.

    In Markdown a fenced block stays whole, headings belong to the paragraph after them, and a line of rule marks
    separates like an empty one.
    """
    text, encoding = decode(file.read())
    if encoding:
        yield FileNote(f"{file.shown} is not UTF-8: read as {encoding}")
    for line, lines in _runs(text, markdown=file.kind == ".md"):
        paragraph = "\n".join(lines)
        yield Record(line, {"text": paragraph}, paragraph[:200], file.shown)


def _runs(text: str, *, markdown: bool) -> Iterator[tuple[int, list[str]]]:
    begun, held, fence = 1, list[str](), ""
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), start=1):
        if fence:
            held.append(line)
            if re.fullmatch(rf" {{0,3}}{re.escape(fence[0])}{{{len(fence)},}}\s*", line):
                fence = ""
            continue
        separates = not line.strip() or (markdown and not held and re.fullmatch(r"\s{0,3}([-*_])(\s*\1){2,}\s*", line))
        if not separates:
            if not held:
                begun = number
            held.append(line)
            opened = re.match(r" {0,3}(`{3,}|~{3,})", line) if markdown else None
            fence = opened[1] if opened else ""
        elif markdown and held and _is_heading(held):
            held += [] if held[-1] == "" else [""]
        elif held:
            yield begun, held
            held = []
    if held:
        yield begun, held


def _is_heading(lines: list[str]) -> bool:
    """Return whether the last block of these lines is a heading, `# so` or underlined, that waits for its paragraph."""
    block = [line for line in lines if line.strip()]
    if re.fullmatch(r" {0,3}(=+|-{2,})\s*", block[-1]):
        return True
    return re.match(r" {0,3}#{1,6}(\s|$)", block[-1]) is not None
