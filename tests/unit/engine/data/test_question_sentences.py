"""Questions from single sentences: which one a sentence answers, and which sentences are left alone."""

from __future__ import annotations

import pytest

from engine.data.questions.document import parse_document
from engine.data.questions.phrases import Wording
from engine.data.questions.sentence_rule import from_sentences

# Names are told by their capitals inside sentences.
NAMES = "Everybody asks Halden, and Old Tamsin asks nobody. People look for Marrow Gull."


def asked(text: str) -> list[str]:
    """The questions that a text answers."""
    document = parse_document(text, "manual.md")
    wording = Wording([NAMES, *(passage.text for passage in document.passages)])
    return [proposal.prompt for proposal in from_sentences(document, wording)]


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("The ferry bell is kept by Old Tamsin.", "Who is the ferry bell kept by?"),
        ("The ferry bell is a bronze casting from the old mill.", "What is the ferry bell?"),
        ("A generation is a model that was trained once.", "What is a generation?"),
        ("Fenders are tyres that hang between hull and stone.", "What are fenders?"),
        ("The slip was the first landing of the island, and the only dry one.", ""),
        ("The slip was a landing for coal.", "What was the slip?"),
        ("Karma means the points of an answer.", "What does Karma mean?"),
        ("SHA stands for secure hash algorithm.", "What does SHA stand for?"),
        ('A "covered work" means the program or a work based on it.', "What does a covered work mean?"),
        ("The term ebb refers to falling water.", "What does the term ebb refer to?"),
        ("The kernel is called Gritstone.", "What is the kernel called?"),
        ("The chest is used for lost property.", "What is the chest used for?"),
        ("The hull is made of larch.", "What is the hull made of?"),
        ("The spare oars are stored under the bench.", "Where are the spare oars stored?"),
        ("The ticket office is at the end of the jetty.", ""),
        ("The ticket office is beside the bakery.", "Where is the ticket office?"),
        ("The last ferry is at nine.", "When is the last ferry?"),
        ("The ticket office opens at 7:30.", "When does the ticket office open?"),
        ("A crossing costs four crowns.", "How much does a crossing cost?"),
        ("A crossing lasts twenty minutes in good weather.", "How long does a crossing last?"),
        ("The anchor weighs 40 kilograms.", "How much does the anchor weigh?"),
        ("The crane belongs to Vettrick.", "Who does the crane belong to?"),
        ("The ferryman is Old Tamsin.", "Who is the ferryman?"),
        ("Old Tamsin is the keeper of the bell.", "Who is Old Tamsin?"),
        ("Halden keeps the sidereal clock.", "What does Halden do?"),
        ("`luna.toml` is the file that holds every setting.", "What is luna.toml?"),
    ],
)
def test_a_sentence_gives_the_question_that_it_answers(sentence: str, question: str) -> None:
    assert asked(sentence) == ([question] if question else [])


@pytest.mark.parametrize(
    "sentence",
    [
        "It is a bell.",
        "This is the bell that is rung in fog.",
        "They are the keepers of the bell.",
        "There is a bell on the quay.",
        "What you hear is a bell.",
        "If the bell is broken, the horn is a good one.",
        "When the tide is out, the slip is a wall of mud.",
        "Everything on the quay is a gift of the town.",
        "Nobody on board is a good cook.",
        "The bell is red.",
        "The bell is not a toy.",
        "The bell is also a clock.",
        "The bell is kept by the door.",
        "The bell is called loudly by the crew.",
        "The bell is a bit loud.",
        "The bell is the same as before.",
        "The bell is the one shown above.",
        "The reason is a lack of rope.",
        "The result is a list of all boats.",
        "The first is a bell.",
        "The bell of the old church behind the harbour wall at the mill is a casting.",
        "The bell, which is old, is a casting.",
        "The rope they are using is a gift.",
        "Training again after a rollback is a branch.",
        "The bell is a casting; the horn is a toy.",
        "The bell is a casting: it was made here.",
        "Is the bell a casting?",
        "The bell is a casting",
        "See the bell, which is a casting.",
        "However, the bell is a casting.",
        "The exit codes are a contract.",
        "Contributions are under Apache-2.0.",
        "The new version is 2x faster.",
        "The bell is in the way.",
        "Soap makes the ramp slippery.",
        "Fixed the bell is a note in the log.",
        "Old Tamsin supports a number of charities.",
        "The last two lines are the demo as it is.",
        "The sentence is the answer.",
        "The main change is a longer ramp.",
        "The harbour is a joy to see.",
        "Its bell is a casting of bronze.",
    ],
)
def test_what_is_not_certain_is_left_alone(sentence: str) -> None:
    assert asked(sentence) == []


def test_each_sentence_has_its_own_line() -> None:
    text = "Some words come before.\nThe kernel is called\nGritstone. The hull is made of larch.\n"
    document = parse_document(text, "a/manual.md")
    found = list(from_sentences(document, Wording([])))
    assert [(proposal.response, proposal.source) for proposal in found] == [
        ("The kernel is called Gritstone.", "a/manual.md:2"),
        ("The hull is made of larch.", "a/manual.md:3"),
    ]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Dr. Imber is the keeper of the glass. The hull is made of larch.", 2),
        ("It costs e.g. Four crowns. The hull is made of larch.", 1),
        ("Pier No. 4 is a berth for coal.", 0),
    ],
)
def test_abbreviations_do_not_end_a_sentence(text: str, count: int) -> None:
    assert len(asked(text)) == count
