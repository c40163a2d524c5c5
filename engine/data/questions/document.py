"""Parse a Markdown or plain-text file into the blocks that questions are made from, each with its source line.

Markdown is parsed by markdown-it-py. Plain text goes through the same parser with code, HTML and links switched off,
so indented lines, lists and underlined headings are understood the same way. Code, HTML and quotations are not kept.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from mdit_py_plugins.deflist import deflist_plugin

from engine.core.errors import UsageError
from engine.data.folders import printable

SUFFIXES = (".md", ".txt")

# Of plain text only what its lines themselves show is taken: `http://` and `*` in it are ordinary characters.
_NOT_IN_PLAIN_TEXT = ("code", "fence", "html_block", "reference", "blockquote", "table", "heading")
_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(?:.*\n)*?(?:---|\.\.\.)[ \t]*\r?\n")
_INLINE_OF_PLAIN_TEXT = ("text", "newline")


@dataclass(frozen=True, slots=True)
class Passage:
    """A run of text without its markup, on one line; `line` is its first source line, counted from 1.

    `breaks` are the offsets in `text` at which a further source line begins, `code` the spans of inline code. `lead` is
    the bold text or code that the passage begins with, `lead_kind` which of the two.
    """

    text: str
    line: int
    breaks: tuple[int, ...] = ()
    lead: str = ""
    lead_kind: str = ""
    code: tuple[tuple[int, int], ...] = ()

    def has_code_at(self, offset: int) -> bool:
        """Return whether the character at an offset belongs to inline code."""
        return any(start <= offset < end for start, end in self.code)

    @property
    def mostly_code(self) -> bool:
        """Return whether more than half of the passage is inline code: a command, no prose."""
        return 2 * sum(end - start for start, end in self.code) > len(self.text)

    def line_at(self, offset: int) -> int:
        """Return the source line of the character at an offset."""
        return self.line + bisect_right(self.breaks, offset)

    def part(self, start: int, end: int | None = None) -> Passage:
        """Return a part of the passage, without the white space around it, at its own line."""
        end = len(self.text) if end is None else end
        while start < end and self.text[start].isspace():
            start += 1
        while end > start and self.text[end - 1].isspace():
            end -= 1
        inside = tuple(at - start for at in self.breaks if start < at < end)
        code = tuple((max(a, start) - start, min(b, end) - start) for a, b in self.code if a < end and b > start)
        return Passage(self.text[start:end], self.line_at(start), inside, code=code)


@dataclass(frozen=True, slots=True)
class HeadingBlock:
    """A heading of a level from 1 to 6."""

    level: int
    passage: Passage


@dataclass(frozen=True, slots=True)
class ParagraphBlock:
    """A paragraph of prose."""

    passage: Passage


@dataclass(frozen=True, slots=True)
class ListBlock:
    """A list of which every item is kept by its first paragraph; `simple` if no item has more than that."""

    items: tuple[Passage, ...]
    ordered: bool
    simple: bool


@dataclass(frozen=True, slots=True)
class DefinitionBlock:
    """A term of a definition list with its first definition."""

    term: Passage
    details: Passage


@dataclass(frozen=True, slots=True)
class TableBlock:
    """A table: the cells of its header and of each row, as many as the header has."""

    header: tuple[Passage, ...]
    rows: tuple[tuple[Passage, ...], ...]


@dataclass(frozen=True, slots=True)
class SkippedBlock:
    """Code, HTML, a quotation or a rule: nothing is asked about it, and it separates what stands around it."""


Block = HeadingBlock | ParagraphBlock | ListBlock | DefinitionBlock | TableBlock | SkippedBlock


@dataclass(frozen=True, slots=True)
class Document:
    """The blocks of one file in order; `name` is the file's name in messages."""

    name: str
    blocks: tuple[Block, ...]

    @property
    def passages(self) -> Iterator[Passage]:
        """Yield every passage of prose: paragraphs, items and definitions, no headings."""
        for block in self.blocks:
            if isinstance(block, ParagraphBlock):
                yield block.passage
            elif isinstance(block, ListBlock):
                yield from block.items
            elif isinstance(block, DefinitionBlock):
                yield block.details
            elif isinstance(block, TableBlock):
                yield from (cell for row in block.rows for cell in row)

    def source(self, line: int) -> str:
        """Return `file:line`."""
        return f"{self.name}:{line}"


def read_document(path: Path, *, max_bytes: int = 50_000_000) -> Document:
    """Read and parse a file; its name in sources is the path as it was given, of an absolute one the last part.

    Raises UsageError for a file that is missing, too big, not UTF-8, or neither Markdown nor plain text.
    """
    if path.suffix.lower() not in SUFFIXES:
        hint = f"known: {' '.join(SUFFIXES)}; save another format as one of them"
        raise UsageError("not a document that questions can be made from", where=str(path), hint=hint)
    try:
        if path.stat().st_size > max_bytes:
            raise UsageError(f"longer than {max_bytes} bytes", where=str(path), hint="split it into chapters")
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise UsageError("there is no such file", where=str(path), hint="check its name") from None
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror or error}", where=str(path), hint="check it") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"not UTF-8 (byte {error.start + 1})", where=str(path), hint="save it as UTF-8") from error
    name = path.name if path.is_absolute() else path.as_posix()
    return parse_document(text, printable(name), markdown=path.suffix.lower() == ".md")


def parse_document(text: str, name: str, *, markdown: bool = True) -> Document:
    """Parse a document's text; `name` is its file's name in sources."""
    if markdown and (matter := _FRONT_MATTER.match(text)):
        text = "\n" * matter[0].count("\n") + text[matter.end() :]  # the lines below it keep their numbers
    return Document(name, tuple(_blocks(SyntaxTreeNode(_parser(markdown=markdown).parse(text)).children)))


def _parser(*, markdown: bool) -> MarkdownIt:
    if markdown:
        return MarkdownIt("commonmark").enable("table").use(deflist_plugin)
    parser = MarkdownIt("commonmark").disable(list(_NOT_IN_PLAIN_TEXT))
    parser.inline.ruler.enableOnly(list(_INLINE_OF_PLAIN_TEXT))
    parser.inline.ruler2.enableOnly([])
    return parser.use(deflist_plugin)


def _blocks(nodes: Iterable[SyntaxTreeNode]) -> Iterator[Block]:
    for node in nodes:
        if node.type == "heading":
            yield HeadingBlock(int(node.tag[1:]), _passage(node))
        elif node.type == "paragraph":
            yield ParagraphBlock(_passage(node))
        elif node.type in ("bullet_list", "ordered_list"):
            yield from _list(node)
        elif node.type == "dl":
            yield from _definitions(node)
        elif node.type == "table":
            yield from _table(node)
        else:
            yield SkippedBlock()


def _list(node: SyntaxTreeNode) -> Iterator[Block]:
    firsts: list[Passage] = []
    inner: list[SyntaxTreeNode] = []
    simple = True
    for item in node.children:
        first = item.children[0] if item.children else None
        if first is not None and first.type == "paragraph":
            firsts.append(_passage(first))
            inner += [child for child in item.children if child.type in ("bullet_list", "ordered_list")]
        simple = simple and first is not None and first.type == "paragraph" and len(item.children) == 1
    if firsts:
        yield ListBlock(tuple(firsts), node.type == "ordered_list", simple)
    for below in inner:
        yield from _list(below)


def _definitions(node: SyntaxTreeNode) -> Iterator[Block]:
    term: Passage | None = None
    for child in node.children:
        if child.type == "dt":
            term = _passage(child)
        elif child.type == "dd" and term is not None:
            first = child.children[0] if child.children else None
            if first is not None and first.type == "paragraph":
                yield DefinitionBlock(term, _passage(first))
            term = None  # a second definition would give the same question another answer


def _table(node: SyntaxTreeNode) -> Iterator[Block]:
    lines = [
        tuple(_passage(cell, row) for cell in row.children)
        for part in node.children
        for row in part.children
        if row.type == "tr"
    ]
    if lines:
        yield TableBlock(lines[0], tuple(row for row in lines[1:] if len(row) == len(lines[0])))


def _passage(node: SyntaxTreeNode, placed: SyntaxTreeNode | None = None) -> Passage:
    """Return the text of a block; `placed` is the node that knows the line where the block itself does not."""
    inline = next((child for child in node.children if child.type == "inline"), None)
    if inline is None:
        return Passage("", 1)
    at = (placed.map if placed is not None else None) or inline.map or node.map or (0, 1)
    pieces: list[str] = []
    breaks: list[int] = []
    code: list[tuple[int, int]] = []
    _write(inline.children, pieces, breaks, code)
    text = "".join(pieces)
    exact = len(breaks) == inline.content.count("\n")  # code and links may run over a line end without a trace
    lead, kind = _lead(inline.children)
    start = len(text) - len(text.lstrip())
    kept = tuple(offset - start for offset in breaks) if exact else ()
    return Passage(text.strip(), at[0] + 1, kept, lead, kind, tuple((a - start, b - start) for a, b in code))


def _write(nodes: Iterable[SyntaxTreeNode], pieces: list[str], breaks: list[int], code: list[tuple[int, int]]) -> None:
    for node in nodes:
        if node.type in ("softbreak", "hardbreak"):
            pieces.append(" ")
            breaks.append(sum(map(len, pieces)))
        elif node.type in ("text", "code_inline"):
            if node.type == "code_inline":
                start = sum(map(len, pieces))
                code.append((start, start + len(node.content)))
            pieces.append(node.content if node.type == "code_inline" else re.sub(r"[ \t]+", " ", node.content))
        elif node.type in ("strong", "em", "link", "s"):
            _write(node.children, pieces, breaks, code)
        elif node.type == "html_inline" and node.content.lower().startswith("<br"):
            pieces.append(" ")


def _lead(nodes: list[SyntaxTreeNode]) -> tuple[str, str]:
    shown = [node for node in nodes if node.type != "text" or node.content]
    if not shown or shown[0].type not in ("strong", "code_inline"):
        return "", ""
    if shown[0].type == "code_inline":
        return shown[0].content.strip(), "code"
    pieces: list[str] = []
    _write(shown[0].children, pieces, [], [])
    return "".join(pieces).strip(), "strong"
