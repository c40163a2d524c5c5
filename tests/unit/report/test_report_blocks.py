"""The report's blocks: the same document as Markdown and as one HTML page, whatever a model has said in it."""

from __future__ import annotations

from html.parser import HTMLParser

from luna_tui.report.blocks import Code, Heading, Paragraph, Picture, Points, Table, to_html, to_markdown

HOSTILE = "<script>alert(1)</script> | [x](http://e.vil) `code` \x1b]0;owned\x07 **b**"
SVG = '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"><text>loss</text></svg>\n'


class Tags(HTMLParser):
    """Collects the tags of a page and what it would fetch."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetched: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href")]


def test_markdown_of_every_block() -> None:
    text = to_markdown(
        [
            Heading("Report", 1),
            Paragraph("Better.", strong=True),
            Points(["one", "two"]),
            Table(("", "n"), [["G0", "1"], ["G1", "22"]], "a note"),
            Code(["luna-tui train"]),
            Picture("loss.svg", SVG, "The loss."),
        ]
    )
    assert text.startswith("# Report\n")
    assert "**Better.**" in text
    assert "- one\n- two\n" in text
    assert "|  | n |\n| --- | ---: |\n| G0 | 1 |" in text
    assert "```console\nluna-tui train\n```" in text
    assert "![The loss.](loss.svg)" in text


def test_what_a_model_said_stays_text_in_html() -> None:
    page = to_html([Paragraph(HOSTILE), Table(("said",), [[HOSTILE]]), Points([HOSTILE]), Heading(HOSTILE)], HOSTILE)
    found = Tags(page)
    assert "script" not in found.tags
    assert found.fetched == []
    assert "\x1b" not in page
    assert "\x07" not in page


def test_what_a_model_said_stays_text_in_markdown() -> None:
    text = to_markdown([Table(("said",), [[HOSTILE + "\nnext line"]])])
    (row,) = [line for line in text.splitlines() if "alert" in line]
    assert row.replace("\\|", "").count("|") == 2, "it stays in its cell"
    assert "\\<script\\>" in row
    assert "\\[x\\]" in row
    assert "\x1b" not in text


def test_a_page_needs_nothing_else() -> None:
    page = to_html([Heading("Report", 1), Picture("loss.svg", SVG, "The loss.")], "Report")
    assert Tags(page).fetched == []
    assert "<svg" in page
    assert "<?xml" not in page
    assert page.count("<html") == 1


def test_columns_of_figures_stand_to_the_right() -> None:
    page = to_html([Table(("who", "score"), [["G0", "0.95"], ["G1", "–"]])], "t")
    assert '<td class="n">0.95</td>' in page
    assert "<td>G0</td>" in page
