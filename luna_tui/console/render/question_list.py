"""Draws the review of proposed questions: its header, one line for each, and the one under the cursor in full."""

from __future__ import annotations

import textwrap

from rich.text import Text

from engine.core.counted import counted
from luna_tui.common.safe_text import safe_line
from luna_tui.common.terminal import Glyphs
from luna_tui.console.state.question_review import QuestionReview, ReviewedQuestion


def draw_review_header(review: QuestionReview, place: str, width: int, glyphs: Glyphs) -> list[Text]:
    """Return how many questions are decided, and where the accepted ones go."""
    dot = f" {glyphs.dot} "
    head = Text().append(f" {counted(len(review.questions), 'question')}", "title")
    head.append(f"{dot}{review.count('accepted')} accepted", "good").append(f"{dot}{review.count('dropped')} dropped")
    head.append(f"{dot}{review.count('open')} open", "dim")
    where = Text().append(" into ", "dim").append(_truncated(safe_line(place), width - 6, glyphs, keep_end=True), "dim")
    head.truncate(width)
    return [head, where]


def draw_question_line(question: ReviewedQuestion, width: int, glyphs: Glyphs) -> Text:
    """Return one line of the list: mark, question and source line."""
    mark, style = {
        "open": (glyphs.waiting, "dim"),
        "accepted": (glyphs.accepted, "good"),
        "dropped": (glyphs.rejected, "bad"),
    }[question.decision]
    source = _truncated(safe_line(question.proposal.source), max(8, width // 3), glyphs, keep_end=True)
    room = max(8, width - 3 - len(source))
    prompt = _truncated(safe_line(question.proposal.prompt), room, glyphs)
    words = Text().append(prompt, "dim" if question.decision == "dropped" else "")
    return (
        Text()
        .append(f"{mark} ", style)
        .append_text(words)
        .append(" " * (room - words.cell_len + 1))
        .append(source, "dim")
    )


def draw_question(question: ReviewedQuestion, width: int) -> list[Text]:
    """Return a question in full: prompt, answer, rule and source line."""
    proposal = question.proposal
    lines = [*_block("question", proposal.prompt, width), *_block("answer", proposal.response, width), Text()]
    told = f"by a {proposal.rule}" if proposal.rule != "faq" else "the document's own question"
    told = "asked by the model" if proposal.rule == "model" else told
    edited = ", edited" if question.edited else ""
    lines += [
        Text().append(part, "dim") for part in textwrap.wrap(f"{safe_line(proposal.source)}, {told}{edited}", width)
    ]
    return lines


def _block(label: str, words: str, width: int) -> list[Text]:
    folded = [part for line in words.split("\n") for part in textwrap.wrap(safe_line(line), max(8, width - 2)) or [""]]
    return [Text().append(label, "label"), *(Text().append(f"  {part}") for part in folded)]


def _truncated(text: str, width: int, glyphs: Glyphs, *, keep_end: bool = False) -> str:
    if len(text) <= width:
        return text
    kept = max(0, width - len(glyphs.ellipsis))
    return glyphs.ellipsis + text[len(text) - kept :] if keep_end else text[:kept] + glyphs.ellipsis
