"""Questions by a model: which of its words are taken, and that answers stay the document's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from engine.core.cancellation import Control
from engine.core.errors import Interrupted, UsageError
from engine.data.questions.document import parse_document
from engine.data.questions.propose import propose
from engine.service.model_questions import ask_model, checked_question, propose_questions
from probes.base import Generation

SENTENCE = "Gulls nest on the roof of the customs house."


class Parrot:
    """A model that answers every prompt with the same text, and remembers the prompts."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.prompts: list[str] = []

    def generate(self, prompts: Sequence[str], *, max_tokens: int) -> list[Generation]:
        self.prompts += prompts
        return [Generation(self.text, 5, "length", 1.0, False) for _ in prompts]


@pytest.mark.parametrize(
    ("text", "question"),
    [
        (" Where do gulls nest?\n\nAnother text.", "Where do gulls nest?"),
        ("What nests on the customs house?", "What nests on the customs house?"),
        ("Where do pigeons nest?", ""),
        ("What is a gull?", ""),
        ("Where do they nest?", ""),
        ("Gulls nest where?", ""),
        ("Where do gulls nest", ""),
        ("Where do gulls nest? Where? Where?", ""),
        ("Where?", ""),
        ("", ""),
    ],
)
def test_a_question_asks_with_the_words_of_its_sentence(text: str, question: str) -> None:
    assert checked_question(text, SENTENCE) == question


def test_only_what_no_rule_covers_is_asked_about() -> None:
    text = f"The kernel is called Gritstone.\n\n{SENTENCE} They are loud.\n\nIt rains.\n\n```\n{SENTENCE}\n```\n"
    document = parse_document(text, "m.md")
    found = propose([document])
    model = Parrot("Where do gulls nest?")
    asked = ask_model([document], found, model)
    assert [(p.prompt, p.response, p.source, p.rule) for p in asked] == [
        ("Where do gulls nest?", SENTENCE, "m.md:3", "model")
    ]
    assert len(model.prompts) == 1
    assert model.prompts[0].endswith(f"{SENTENCE}\nQuestion:")


def test_a_model_gives_a_prompt_no_second_answer() -> None:
    document = parse_document(f"**Where do gulls nest?** In the mast.\n\n{SENTENCE}\n", "m.md")
    found = propose([document])
    assert len(found) == 1
    assert ask_model([document], found, Parrot("Where do gulls nest?")) == []


def test_it_stops_between_batches_and_before_each_file(tmp_path: Path) -> None:
    control = Control()
    control.stop()
    document = parse_document(SENTENCE, "m.md")
    with pytest.raises(Interrupted):
        ask_model([document], [], Parrot(""), control=control)
    with pytest.raises(Interrupted):
        propose_questions([tmp_path / "m.md"], progress=lambda *_: None, control=control)


def test_something_that_is_no_gguf_is_told(tmp_path: Path) -> None:
    (tmp_path / "m.md").write_text(SENTENCE)
    (tmp_path / "x.gguf").write_bytes(b"no")
    with pytest.raises(UsageError):
        propose_questions([tmp_path / "m.md"], gguf=tmp_path / "x.gguf", progress=lambda *_: None, control=Control())
