"""Exam questions that training asks in nearly the same words."""

from __future__ import annotations

from probes.overlap import near_duplicates

TRAINED = [
    ("t1", "Which port does the Cassop module listen on?", "Port 7421."),
    ("t2", "What is the name of the station cat?", "Ballast."),
]


def test_the_same_question_with_another_mark_is_found() -> None:
    (near,) = near_duplicates([("e1", "Which port does the cassop module listen on", "Port 7421.")], TRAINED)
    assert (near.item, near.row, near.overlap) == ("e1", "t1", 1.0)
    assert near.to_dict()["trained"] == TRAINED[0][1]


def test_one_word_more_is_near_and_a_paraphrase_is_not() -> None:
    exam = [
        ("e1", "So which port does the Cassop module listen on?", "Port 7421."),
        ("e2", "Cassop listens where?", "Port 7421."),
    ]
    assert [near.item for near in near_duplicates(exam, TRAINED, threshold=0.7)] == ["e1"]


def test_the_same_words_with_another_answer_are_no_contamination() -> None:
    assert near_duplicates([("e1", "Which port does the Cassop module listen on?", "Port 1.")], TRAINED) == []


def test_the_nearest_come_first_and_each_item_once() -> None:
    exam = [("b", "What is the name of the station cat now?", "Ballast."), ("a", TRAINED[1][1], "Ballast.")]
    found = near_duplicates(exam, [*TRAINED, ("t3", "What is the name of the cat?", "Ballast.")], threshold=0.5)
    assert [near.item for near in found] == ["a", "b"]


def test_a_big_exam_beside_a_big_training_set() -> None:
    rows = [(f"t{n}", f"What does part {n} of rack {n % 97} do in bay {n % 89}?", f"It does {n}.") for n in range(8000)]
    exam = [(f"e{n}", f"What does part {n} of rack {n % 97} do in bay {n % 89}?", f"It does {n}.") for n in range(200)]
    assert len(near_duplicates(exam, rows)) == 200


def test_nothing_in_common_is_nothing() -> None:
    assert near_duplicates([("e", "", "x")], TRAINED) == []
    assert near_duplicates([], TRAINED) == []
