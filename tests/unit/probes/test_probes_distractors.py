"""Distractors: fixed by the row, and never an answer that could also be right."""

from __future__ import annotations

import random

import pytest

from probes import distractors
from probes.base import Item
from probes.distractors import DistractorPool, choose_distractors
from probes.scoring import normalise


def row(id_: str, prompt: str, answer: str, topic: str | None = None, stage: str = "talk", **more: object) -> Item:
    return Item(id_, prompt, answer, "choice", topic=topic, stage=stage, **more)  # type: ignore[arg-type]


WORDS = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu"]
COLOURS = ["red", "blue", "green", "grey", "pink", "teal"]

TOPICS = [
    row(f"r{i}", f"question {i}", f"{word} number {i} here", topic=f"t{i % 6}") for i, word in enumerate(WORDS * 3)
]
PLAIN = [row(f"p{i}", f"ask {word}", f"{word} it is") for i, word in enumerate(COLOURS)]


def test_four_by_default_all_different_none_right() -> None:
    for item in TOPICS:
        chosen = choose_distractors(item, TOPICS)
        assert len(chosen) == 4
        assert len({normalise(text) for text in (*chosen, item.expected)}) == 5


def test_the_choice_does_not_depend_on_the_order_of_the_pool() -> None:
    shuffled = TOPICS.copy()
    random.Random(7).shuffle(shuffled)
    assert [choose_distractors(item, TOPICS) for item in TOPICS] == [choose_distractors(i, shuffled) for i in TOPICS]


def test_the_choice_is_fixed_for_all_time() -> None:
    # Recorded exams keep theirs; the same rows must give the same exam on every machine.
    assert choose_distractors(TOPICS[0], TOPICS) == (
        "zeta number 5 here",
        "kappa number 33 here",
        "beta number 1 here",
        "gamma number 2 here",
    )


def test_different_rows_get_different_distractors() -> None:
    assert len({choose_distractors(item, TOPICS) for item in TOPICS}) > len(TOPICS) // 2


def test_an_unrelated_row_more_changes_at_most_one_distractor() -> None:
    more = [*TOPICS, row("new", "question new", "something new entirely", topic="t9")]
    for item in TOPICS:
        assert len(set(choose_distractors(item, TOPICS)) - set(choose_distractors(item, more))) <= 1


def test_never_the_same_topic() -> None:
    for item in TOPICS:
        same = {other.expected for other in TOPICS if other.topic == item.topic}
        assert not same & set(choose_distractors(item, TOPICS, k=20))


@pytest.mark.parametrize("twin", ["With what?", "with what", "“With what?”", "WITH WHAT", "**With what?**"])
def test_never_the_true_answer_in_another_spelling(twin: str) -> None:
    item = row("x", "Can you help me?", "With what?", topic="help")
    pool = [row("y", "Help!", twin, topic="other"), row("z", "Bye.", "Go.", topic="end")]
    assert choose_distractors(item, pool) == ("Go.",)


def test_never_an_accepted_answer() -> None:
    item = row("x", "Can you help me?", "With what?", accept=("State the problem.",))
    pool = [row("y", "Hm", "state the problem"), row("z", "Bye.", "Go.")]
    assert choose_distractors(item, pool) == ("Go.",)


def test_never_another_answer_to_the_same_prompt() -> None:
    item = row("x", "Can you help me?", "With what?", topic="help")
    pool = [
        row("y", "can you help me", "Depends.", topic="other", accept=("Maybe.",)),
        row("w", "So?", "Maybe."),
        row("z", "Bye.", "Go."),
    ]
    assert choose_distractors(item, pool) == ("Go.",)


def test_one_spelling_of_a_distractor_is_enough() -> None:
    item = row("x", "Hello", "What.")
    pool = [row("a", "q1", "Go."), row("b", "q2", "go"), row("c", "q3", "GO!"), row("d", "q4", "Leave.")]
    assert sorted(map(normalise, choose_distractors(item, pool))) == ["go", "leave"]


def test_answers_near_in_words_and_like_in_length_come_before_dissimilar_ones() -> None:
    item = row("x", "where is the red key", "the red key is under the mat")
    plausible = [
        row("n1", "who feeds the cat", "the cat waits under the table"),
        row("n2", "what opens the door", "a red key from the kitchen drawer"),
        row("n3", "how is the soup", "the soup is under a lid"),
        row("n4", "why is it dark", "the mat is in the red window"),
    ]
    far = [
        row(f"f{i}", f"{word}?", f"{word} came and went, then left {i}")
        for i, word in enumerate(["sun", "moon", "star", "sky", "wind", "hail", "rain", "snow"])
    ]
    long = row("l", "tell me", "under the mat lies a red key " * 4 + "and so the tale goes on for a good while longer")
    assert len(set(choose_distractors(item, [*plausible, *far, long])) & {p.expected for p in plausible}) >= 2
    assert long.expected not in choose_distractors(item, [*plausible, *far, long])


def test_without_topics_near_copies_of_the_answer_come_last() -> None:
    item = row("x", "where is the red key", "the red key is under the mat")
    near = row("n", "where is the red lock", "the red lock is under the mat")
    far = [row(f"f{i}", f"{word}?", f"{word}!") for i, word in enumerate(["sun", "moon", "star", "sky"])]
    assert choose_distractors(item, [near, *far], k=5)[-1] == near.expected
    assert near.expected not in choose_distractors(item, [near, *far])


def test_never_an_answer_to_nearly_the_same_prompt_unless_topics_differ() -> None:
    asked, nearly = "how do I open the inner door at night", "how do I open the inner door at night please"
    pool = [row("y", nearly, "Turn the wheel."), row("z", "Bye.", "Go.")]
    assert choose_distractors(row("x", asked, "Pull the lever."), pool) == ("Go.",)
    told_apart = [row("y", nearly, "Turn the wheel.", topic="b"), row("z", "Bye.", "Go.", topic="c")]
    assert "Turn the wheel." in choose_distractors(row("x", asked, "Pull the lever.", topic="a"), told_apart)


def test_never_an_answer_that_the_same_topic_gives_too() -> None:
    pool = [
        row("y", "q", "Wait.", topic="other"),
        row("w", "r", "Wait.", topic="help"),
        row("z", "s", "Go.", topic="c"),
    ]
    assert choose_distractors(row("x", "p", "With what?", topic="help"), pool) == ("Go.",)


def test_never_an_answer_of_the_same_conversation() -> None:
    rows = [row("a", "hello", "Speak."), row("b", "hello\nSpeak.\nmy lamp broke", "Which lamp?"), row("c", "so", "Go.")]
    pool = DistractorPool(rows, ["chat", "chat", "other"])
    assert pool.choose(rows[0], group="chat") == ("Go.",)


def test_a_topic_that_fills_nearly_the_whole_stage_finds_the_few_others() -> None:
    crowd = [row(f"c{i}", f"ask {i}", f"crowd answer {i}", topic="crowd") for i in range(600)]
    few = [row(f"o{i}", f"else {i}", f"{word} it is", topic="other") for i, word in enumerate(COLOURS)]
    assert set(choose_distractors(crowd[0], [*crowd, *few])) < {other.expected for other in few}


def test_an_item_is_compared_with_a_bounded_number_of_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []
    shared = distractors._shared

    def counted(left: frozenset[str], right: frozenset[str]) -> float:
        compared.append(1)
        return shared(left, right)

    monkeypatch.setattr(distractors, "_shared", counted)
    draw = random.Random(3)
    rows = [
        row(f"r{i}", " ".join(draw.choices(WORDS, k=6)) + f" {i}", " ".join(draw.choices(WORDS, k=8)) + f" {i}")
        for i in range(3000)
    ]
    pool = DistractorPool(rows)
    for item in rows[:20]:
        assert len(pool.choose(item)) == 4
    assert len(compared) < 20 * 300


def test_with_topics_near_copies_of_the_answer_come_last() -> None:
    item = row("x", "p", "ask the clock again tomorrow", topic="a")
    near = row("n", "q", "ask the clock again today", topic="b")
    far = [row(f"f{i}", f"q{i}", f"{word}.", topic="b") for i, word in enumerate(["no", "later", "never", "wait"])]
    assert near.expected not in choose_distractors(item, [near, *far])
    assert choose_distractors(item, [near, *far], k=5)[-1] == near.expected


def test_rows_of_the_same_stage_are_the_same_kind() -> None:
    item = row("x", "p", "yes indeed", stage="talk")
    pool = [row("a", "q1", "no.", stage="talk"), row("b", "q2", "rm -r x", stage="manual")]
    assert choose_distractors(item, pool) == ("no.",)
    assert choose_distractors(item, pool[1:]) == ("rm -r x",)


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_as_many_as_asked_or_as_there_are(k: int) -> None:
    assert len(choose_distractors(PLAIN[0], PLAIN, k)) == min(k, 5)


@pytest.mark.parametrize(
    "pool",
    [[], [PLAIN[0]], [row("y", "q", "Red, it is!")], [row("y", "q", "  ")]],
    ids=["none", "self", "same", "blank"],
)
def test_no_possible_distractor_names_the_row(pool: list[Item]) -> None:
    with pytest.raises(ValueError, match=r"row p0 .*match"):
        choose_distractors(PLAIN[0], pool)


def test_zero_distractors_are_refused() -> None:
    with pytest.raises(ValueError, match="k=0"):
        choose_distractors(PLAIN[0], PLAIN, 0)
