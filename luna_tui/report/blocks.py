"""A document as blocks, written once and rendered twice: Markdown for a repository, HTML for a browser."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from luna_tui.common.safe_text import safe_text


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 is the document's title."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Plain text; `strong` marks the answer that a reader looks for."""

    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Points:
    """A bullet list of short statements."""

    items: Sequence[str]


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a title per column and text cells; columns whose cells begin with a number are aligned right."""

    titles: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """Lines of shell commands for the reader to copy."""

    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class Picture:
    """An SVG with its file name and a caption that also serves as the alternative text."""

    name: str
    svg: str
    caption: str


Block = Heading | Paragraph | Points | Table | Code | Picture

_MARKS = re.compile(r"([\\`*_\[\]<>|#])")
_STYLE = """
:root{color-scheme:light dark;--line:#8884;--soft:#8882}
body{font:16px/1.55 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.7rem}h2{font-size:1.25rem;margin-top:2.2rem;border-bottom:1px solid var(--line)}
table{border-collapse:collapse;margin:1rem 0;display:block;overflow-x:auto;font-size:.92rem}
td,th{padding:.25rem .7rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
pre{background:var(--soft);padding:.8rem 1rem;overflow-x:auto;border-radius:.4rem}
.strong{font-size:1.1rem;font-weight:600;border-left:.3rem solid #4a8;padding-left:.9rem}
figure{margin:1.2rem 0}figure svg{max-width:100%;height:auto;background:#fff;border-radius:.4rem}
figcaption,.note{color:#888;font-size:.9rem}
"""


def to_markdown(blocks: Sequence[Block]) -> str:
    """Render as Markdown; pictures are referenced as files in the same folder."""
    return "\n".join(_markdown(block) for block in blocks).rstrip() + "\n"


def to_html(blocks: Sequence[Block], title: str) -> str:
    """Render as one HTML page with its style and pictures inlined; all text is escaped."""
    body = "\n".join(_html(block) for block in blocks)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{_text(title)}</title><style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _markdown(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {_mark(text)}\n"
        case Paragraph(text, strong):
            return f"**{_mark(text)}**\n" if strong else f"{_mark(text)}\n"
        case Points(items):
            return "".join(f"- {_mark(item)}\n" for item in items)
        case Code(lines):
            return "```console\n" + "".join(f"{safe_text(line)}\n" for line in lines) + "```\n"
        case Picture(name, _, caption):
            return f"![{_mark(caption)}]({name})\n"
        case Table(titles, rows, note):
            right = _numeric(rows, len(titles))
            lines = [_row(titles), _row(["---:" if number else "---" for number in right], marked=False)]
            lines += [_row(row) for row in rows]
            return "\n".join(lines) + "\n" + (f"\n{_mark(note)}\n" if note else "")


def _row(cells: Sequence[str], *, marked: bool = True) -> str:
    return "| " + " | ".join(_mark(cell) if marked else cell for cell in cells) + " |"


def _mark(text: str) -> str:
    """Escape text so that Markdown shows it literally, on one line."""
    return _MARKS.sub(r"\\\1", " ".join(safe_text(text).split()))


def _html(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"<h{level}>{_text(text)}</h{level}>"
        case Paragraph(text, strong):
            return f'<p class="strong">{_text(text)}</p>' if strong else f"<p>{_text(text)}</p>"
        case Points(items):
            return "<ul>" + "".join(f"<li>{_text(item)}</li>" for item in items) + "</ul>"
        case Code(lines):
            return "<pre>" + _text("\n".join(lines)) + "</pre>"
        case Picture(_, svg, caption):
            inside = svg[svg.index("<svg") :]
            return f"<figure>{inside}<figcaption>{_text(caption)}</figcaption></figure>"
        case Table(titles, rows, note):
            kinds = [' class="n"' if number else "" for number in _numeric(rows, len(titles))]
            head = "".join(f"<th{kind}>{_text(title)}</th>" for kind, title in zip(kinds, titles, strict=True))
            body = "".join(
                "<tr>"
                + "".join(f"<td{kind}>{_text(cell)}</td>" for kind, cell in zip(kinds, row, strict=True))
                + "</tr>"
                for row in rows
            )
            below = f'<p class="note">{_text(note)}</p>' if note else ""
            return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{below}"


def _text(text: str) -> str:
    return html.escape(safe_text(text), quote=True)


def _numeric(rows: Sequence[Sequence[str]], columns: int) -> list[bool]:
    """Return which columns are numeric: every cell that is not empty begins with a number."""
    found: list[bool] = []
    for place in range(columns):
        cells = [row[place] for row in rows if row[place] not in ("", "–", "·")]
        found.append(bool(cells) and all(cell[0].isdigit() or cell[0] in "+−-." for cell in cells))
    return found
