"""Questions from headings, definitions, tables and FAQs, and what all proposals have in common."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import UsageError
from engine.data.questions.answers import Proposal
from engine.data.questions.document import parse_document, read_document
from engine.data.questions.propose import propose, uncovered

ROOT = Path(__file__).resolve().parents[4]
MANUAL = ROOT / "examples" / "ferry" / "manual.md"


def proposed(text: str, rule: str = "", *, markdown: bool = True) -> dict[str, str]:
    """Prompt → answer of a text's proposals, of one rule only if named."""
    found = propose([parse_document(text, "x.md" if markdown else "x.txt", markdown=markdown)])
    return {proposal.prompt: proposal.response for proposal in found if rule in ("", proposal.rule)}


@pytest.mark.parametrize(
    ("heading", "question"),
    [
        ("Refunds", "What about refunds?"),
        ("2.1 Opening hours", "What about opening hours?"),
        ("Lost Property", "What about lost property?"),
        ("LOST PROPERTY", "What about lost property?"),
        ("How to book a crossing", "How do I book a crossing?"),
        ("How to reset your card", "How do I reset my card?"),
        ("Where to wait", "Where do I wait?"),
        ("Booking a crossing", "How do I book a crossing?"),
        ("Putting the boat away", "How do I put the boat away?"),
        ("Reset the pump", "How do I reset the pump?"),
        ("How the lift works", "How does the lift work?"),
        ("What if I miss the boat?", "What if I miss the boat?"),
        ("Why is the ramp wet", "Why is the ramp wet?"),
    ],
)
def test_a_heading_gives_the_question_that_people_type(heading: str, question: str) -> None:
    assert proposed(f"# The manual\n\n## {heading}\n\nRing the quay bell twice.\n") == {
        question: "Ring the quay bell twice."
    }


@pytest.mark.parametrize(
    "heading",
    [
        "Overview",
        "Notes",
        "See also",
        "Added",
        "[1.2.3]",
        "2026-01-02",
        "foo(bar)",
        "How it works",
        "A change",
        "Install",
        "Understanding PATH",
        "Building for speed",
        "What's new",
        "List existing boats",
        "Two modes",
        "Which of them",
        "If nothing moves",
        "How to know you are late",
    ],
)
def test_a_heading_that_says_nothing_by_itself_is_left_alone(heading: str) -> None:
    assert proposed(f"# The manual\n\n## {heading}\n\nRing the quay bell twice.\n") == {}


def test_the_title_of_a_document_is_no_subject() -> None:
    assert proposed("# The ferry\n\nRing the quay bell twice.\n") == {}


@pytest.mark.parametrize(
    "below",
    [
        "See the next chapter.",
        "This section tells of refunds.",
        "However, there are none.",
        "They are listed below.",
        "Do one of these:\n\n- a\n- b",
        "```\ncode\n```",
        "> quoted",
        "- a\n- b",
        "### Deeper",
        "",
    ],
)
def test_a_heading_without_an_answer_right_below_it_is_left_alone(below: str) -> None:
    assert "What about refunds?" not in proposed(f"## Refunds\n\n{below}\n")


def test_the_answer_ends_where_the_text_leads_over_to_something_else() -> None:
    text = "## Refunds\n\nYou get all of it back. There is one exception, though. For example:\n\n- a\n"
    assert proposed(text) == {"What about refunds?": "You get all of it back. There is one exception, though."}


def test_the_steps_of_a_short_list_answer_what_to_do() -> None:
    text = "## How to land\n\n1. Blow the horn.\n2. Throw the line.\n"
    assert proposed(text) == {"How do I land?": "Blow the horn. Throw the line."}
    assert proposed("## How to land\n\nIt is easy to land.\n") == {}


@pytest.mark.parametrize(
    ("text", "question", "answer"),
    [
        ("Painter\n:   the rope of a boat\n", "What is painter?", "the rope of a boat"),
        ("**Slack water** — the tide stands still.\n", "What is slack water?", "the tide stands still."),
        ("**Fenders:** old tyres at the hull\n", "What are fenders?", "old tyres at the hull"),
        ("- `--json`: print JSON\n- `--list`: print a table\n", "What does --json do?", "print JSON"),
        ("- Ebb: falling water\n- Flood: rising water\n", "What is ebb?", "falling water"),
        ("Price: 4 crowns\n\nOpening hours: 9 to 17\n", "What are the opening hours?", "9 to 17"),
        ("A gunwale is wet.\n\n**Gunwale** — the upper edge\n", "What is a gunwale?", "the upper edge"),
    ],
)
def test_a_term_is_asked_for(text: str, question: str, answer: str) -> None:
    assert proposed(text, "definition")[question] == answer


@pytest.mark.parametrize(
    "text",
    [
        "Ebb: falling water, and nothing beside it.\n",
        "- Ebb: falling water\n- one\n- two\n- three\n",
        "- Note: wear shoes\n- Warning: wet paint\n",
        "- Support for `file:` loading\n- Support for `http:` loading\n",
        "- Linux: `apt install it`\n- Other: `make it`\n",
        "- cargo: fix the build\n- rustc: fix the tests\n",
        "**Never shuffle** — the order is what counts.\n",
        "**Ebb** — see below.\n",
        "**Speed** — 7 knots and then some, if the wind is right and nobody looks at the engine\n",
        "**To** — the mate; From: the captain\n",
        "- Trott: Rich <rich@example.org>\n- MoLow: Moshe <m@example.org>\n",
    ],
)
def test_what_only_looks_like_a_definition_is_left_alone(text: str) -> None:
    assert proposed(text, "definition") == {}


def table(header: str, *rows: str) -> str:
    lines = [header, "|".join(["---"] * (header.count("|") + 1)), *rows]
    return "\n".join(f"| {line} |" for line in lines) + "\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (table("boat|fare", "Marrow Gull|4 crowns"), {"What is the fare of Marrow Gull?": "4 crowns"}),
        (table("boat|captain", "Tansy|Ewan Pike"), {"Who is the captain of Tansy?": "Ewan Pike"}),
        (table("boat|seats", "Tansy|6"), {"How many seats does Tansy have?": "6"}),
        (table("word|meaning", "ebb|falling water"), {"What does ebb mean?": "falling water"}),
        (table("command|what it does", "`verify`|checks every hash"), {"What does verify do?": "checks every hash"}),
        (table("command|what it does", "`lineage`|the tree"), {"What is lineage?": "the tree"}),
        (
            table("variable|default|description", "`LUNA_DIR`|`~/luna`|Where it looks"),
            {"What is the default of LUNA_DIR?": "~/luna", "What is LUNA_DIR?": "Where it looks"},
        ),
    ],
)
def test_a_table_is_asked_by_subject_and_attribute(text: str, found: dict[str, str]) -> None:
    assert proposed(text) == found


@pytest.mark.parametrize(
    "text",
    [
        table("|as written|no mark", "neither|40 (0)|0 (40)"),
        table("you see|do", "a red light|stop"),
        table("boat|fare", "Tansy|–"),
        table("boat|fare", "Tansy|1 crown", "Tansy|2 crowns"),
        table("boat|notes", "Tansy|small"),
        table("boat|where it went", "Tansy|out"),
        table("step|time", "1|4"),
        table("boat|fare and seats", "Tansy|1 and 6"),
    ],
)
def test_a_table_that_lists_no_attributes_is_left_alone(text: str) -> None:
    assert proposed(text) == {}


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("Q: Who pays?\nA: The rower pays.\n", True),
        ("Q: Who pays?\n\nA: The rower pays.\n", True),
        ("Question 1: Who pays? Answer: The rower pays.\n", False),
        ("**Who pays?** The rower pays.\n", True),
        ("**Who pays?**\n\nThe rower pays.\n", True),
        ("Who pays?\n\nThe rower pays.\n\nWho else?\n\n- nobody\n", False),
        ("* Q: Who pays?\n* A: The rower pays.\n", True),
    ],
)
def test_the_questions_of_the_document_itself_are_taken_as_they_stand(text: str, *, markdown: bool) -> None:
    assert proposed(text, "faq", markdown=markdown) == {"Who pays?": "The rower pays."}


def test_a_rhetorical_question_and_an_unanswered_one_are_left_alone() -> None:
    assert proposed("Who pays?\n\nThe rower pays.\n") == {}
    assert proposed("How about a lock?\n\nNobody asked.\n\nbe able to land?\n\nIt would help.\n", markdown=False) == {}
    assert proposed("Q: Who pays?\n\n## Next\n\nA: Nobody.\n", "faq") == {}


def test_code_quotations_and_front_matter_are_not_mined() -> None:
    text = "---\ntitle: The bell is a casting.\n---\n\n```\nThe bell is a casting.\n```\n\n> The bell is a casting.\n"
    assert proposed(f"{text}\n    The bell is a casting.\n\n<div>The bell is a casting.</div>\n") == {}


def test_one_prompt_has_one_answer() -> None:
    twice = "## Refunds\n\nYou get it back.\n\n# Other\n\n## Refunds\n\nYou never get it back.\n"
    assert proposed(twice) == {}
    assert proposed("The bell is a casting.\n\nThe bell is a gift of the town.\n") == {
        "What is the bell?": "The bell is a casting."
    }
    better = "**What is the bell?** It is rung in fog.\n\nThe bell is a casting.\n"
    assert proposed(better) == {"What is the bell?": "It is rung in fog."}
    documents = [parse_document("## Refunds\n\nYou get it back.\n", name) for name in ("a.md", "b.md")]
    assert [proposal.source for proposal in propose(documents)] == ["a.md:3"]


def test_what_about_gives_way_to_more_exact_questions() -> None:
    text = "## Customs\n\nThe hull is made of larch. The kernel is called Gritstone.\n"
    assert set(proposed(text)) == {"What is the hull made of?", "What is the kernel called?"}


def test_the_example_gives_every_kind_and_answers_in_the_documents_words() -> None:
    document = read_document(MANUAL)
    found = propose([document])
    assert {proposal.rule for proposal in found} == {"faq", "heading", "definition", "table", "sentence"}
    assert len({proposal.prompt for proposal in found}) == len(found) > 20
    lines = MANUAL.read_text().splitlines()
    for proposal in found:
        assert _words(proposal.response) <= _words(" ".join(lines[_line(proposal) - 1 : _line(proposal) + 3])), proposal
    assert uncovered(document, found)[0].text.startswith("This manual is short")


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "docs/typing.md", "docs/exams.md"])
def test_real_documents_are_answered_in_their_own_words(name: str) -> None:
    said = _words((ROOT / name).read_text())
    for proposal in propose([read_document(ROOT / name)]):
        assert _words(proposal.response) <= said, proposal
        assert proposal.prompt.endswith("?")


@given(st.text(alphabet="ab. :|-#*`>?\nThe is a\r[]()<&\t", max_size=200), st.booleans())
def test_no_text_breaks_it(text: str, markdown: bool) -> None:
    for proposal in propose([parse_document(text, "x.md", markdown=markdown)]):
        assert proposal.prompt.strip()
        assert proposal.response.strip()


def test_what_cannot_be_read_is_one_clear_message(tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    for name, said in (("latin.txt", "not UTF-8 (byte 4)"), ("a.pdf", "not a document"), ("no.md", "no such file")):
        with pytest.raises(UsageError) as error:
            read_document(tmp_path / name)
        assert said in error.value.title
        assert error.value.hint


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


def _line(proposal: Proposal) -> int:
    return int(proposal.source.rpartition(":")[2])
