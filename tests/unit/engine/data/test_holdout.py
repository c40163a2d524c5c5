"""The holdout is a share of every stratum, the same one in any order, and no question stands on both sides."""

from __future__ import annotations

import random
from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import UsageError
from engine.data.holdout import clusters_needed, count_clusters, split
from engine.data.rows import Row, make_row


def facts(topics: int, phrasings: int, stage: str = "manual") -> list[Row]:
    return [
        make_row(f"Question {number} about topic {topic}?", f"t{topic}", topic=f"t{topic}", stage=stage)
        for topic in range(topics)
        for number in range(phrasings)
    ]


_row = st.builds(
    lambda prompt, response, topic, stage, turn: make_row(
        f"p{prompt}", f"r{response}", topic=topic, stage=stage, group=f"{turn:064x}" if turn else ""
    ),
    prompt=st.integers(0, 60),
    response=st.integers(0, 3),
    topic=st.none() | st.sampled_from("abcdef"),
    stage=st.sampled_from(["fundamentals", "manual"]),
    turn=st.just(0) | st.integers(1, 8),
)
_rows = st.lists(_row, max_size=80, unique_by=lambda row: row.id)
_fraction = st.sampled_from([0.1, 0.2, 0.25, 0.5])


def split_or_skip(rows: list[Row], fraction: float, salt: str = "") -> tuple[list[Row], list[Row]] | None:
    if count_clusters(rows) >= clusters_needed(fraction):
        return split(rows, fraction, salt)
    with pytest.raises(UsageError, match="too few rows"):
        split(rows, fraction, salt)
    return None


@given(_rows, _fraction)
def test_each_row_is_on_one_side_in_its_old_order_and_neither_side_is_empty(rows: list[Row], fraction: float) -> None:
    if sides := split_or_skip(rows, fraction):
        train, holdout = sides
        assert train
        assert holdout
        held = {row.id for row in holdout}
        assert train == [row for row in rows if row.id not in held]
        assert holdout == [row for row in rows if row.id in held]


@given(_rows, _fraction)
def test_no_prompt_and_no_conversation_is_on_both_sides(rows: list[Row], fraction: float) -> None:
    if sides := split_or_skip(rows, fraction):
        train, holdout = sides
        assert not {row.prompt for row in train} & {row.prompt for row in holdout}
        assert not {row.group for row in train} & {row.group for row in holdout}


@given(_rows, _fraction, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(rows: list[Row], fraction: float, shuffler: random.Random) -> None:
    if sides := split_or_skip(rows, fraction):
        mixed = list(rows)
        shuffler.shuffle(mixed)
        assert {row.id for row in split(mixed, fraction)[1]} == {row.id for row in sides[1]}


def biggest_cluster(rows: list[Row]) -> int:
    """The most rows tied together by prompts or groups, found by growing each set until nothing is added."""
    left, biggest = list(rows), 0
    while left:
        cluster = [left.pop()]
        for member in cluster:
            tied = [row for row in left if row.prompt == member.prompt or row.group == member.group]
            cluster += tied
            left = [row for row in left if row not in tied]
        biggest = max(biggest, len(cluster))
    return biggest


@given(_rows, _fraction)
def test_the_holdout_is_never_bigger_than_its_share_and_half_a_cluster(rows: list[Row], fraction: float) -> None:
    if sides := split_or_skip(rows, fraction):
        assert len(sides[1]) <= max(1, fraction * len(rows)) + biggest_cluster(rows)


@given(st.integers(1, 12), st.integers(1, 12), _fraction, st.text(max_size=3))
def test_single_questions_are_held_out_to_within_one(topics: int, phrasings: int, fraction: float, salt: str) -> None:
    rows = facts(topics, phrasings)
    if sides := split_or_skip(rows, fraction, salt):
        assert abs(len(sides[1]) - fraction * len(rows)) <= 1


@given(st.integers(2, 12), st.integers(2, 12), _fraction, st.text(max_size=3))
def test_every_topic_with_two_questions_keeps_one_in_training(
    topics: int, phrasings: int, fraction: float, salt: str
) -> None:
    if sides := split_or_skip(facts(topics, phrasings), fraction, salt):
        assert {row.topic for row in sides[0]} == {f"t{topic}" for topic in range(topics)}


@given(_rows, _fraction)
def test_no_topic_with_two_clusters_leaves_training_even_where_prompts_are_shared(
    rows: list[Row], fraction: float
) -> None:
    if sides := split_or_skip(rows, fraction):
        by_topic: dict[tuple[str, str | None], list[Row]] = defaultdict(list)
        for row in rows:
            by_topic[(row.stage, row.topic)].append(row)
        trained = {(row.stage, row.topic) for row in sides[0]}
        for topic, members in by_topic.items():
            tied = {row.id for row in _tied(rows, members[0])}
            if any(row.id not in tied for row in members):
                assert topic in trained


def _tied(rows: list[Row], first: Row) -> list[Row]:
    cluster, left = [first], [row for row in rows if row is not first]
    for member in cluster:
        tied = [row for row in left if row.prompt == member.prompt or row.group == member.group]
        cluster += tied
        left = [row for row in left if row not in tied]
    return cluster


def test_every_stratum_gives_its_share() -> None:
    rows = facts(10, 10, "fundamentals") + facts(10, 10, "manual")
    _, holdout = split(rows, 0.2)
    found = Counter((row.stage, row.topic) for row in holdout)
    assert len(found) == 20
    assert set(found.values()) == {2}


def test_topics_with_a_single_question_share_a_stratum() -> None:
    rows = [make_row(f"q{number}", "r", topic=f"only{number}", stage="manual") for number in range(50)]
    assert len(split(rows, 0.2)[1]) == 10


def test_the_choice_depends_on_the_salt_and_on_nothing_else() -> None:
    rows = facts(10, 10)
    assert split(rows, 0.2, "a") == split(rows, 0.2, "a")
    assert split(rows, 0.2, "a") != split(rows, 0.2, "b")


def test_this_choice_is_the_same_on_every_machine() -> None:
    held = [row.prompt for row in split(facts(2, 5), 0.2)[1]]
    assert held == ["Question 1 about topic 0?", "Question 2 about topic 1?"]


def test_rows_that_differ_in_punctuation_stay_together() -> None:
    rows = [make_row(prompt, answer) for answer in ("x", "y") for prompt in ("Who?", "who", "WHO!", "When?", "What?")]
    rows += [make_row(f"other {number}", "z") for number in range(4)]
    for salt in "abcdefgh":
        train, holdout = split(rows, 0.2, salt)
        assert not {row.group for row in train} & {row.group for row in holdout}


@pytest.mark.parametrize(
    ("count", "fraction", "needed"), [(4, 0.2, 5), (0, 0.2, 5), (1, 0.5, 2), (9, 0.1, 10), (3, 0.3, 4)]
)
def test_too_few_rows_are_refused_with_the_numbers(count: int, fraction: float, needed: int) -> None:
    rows = [make_row(f"q{number}", "r") for number in range(count)]
    with pytest.raises(UsageError) as caught:
        split(rows, fraction)
    assert caught.value.exit_code == 2
    assert f"{count} new rows" in caught.value.title
    assert f"at least {needed}" in caught.value.title
    enough = [make_row(f"q{number}", "r") for number in range(needed)]
    assert len(split(enough, fraction)[1]) >= 1


def test_many_rows_that_ask_the_same_are_too_few() -> None:
    with pytest.raises(UsageError, match="20 new rows ask 1 different things"):
        split([make_row("same", f"r{number}") for number in range(20)], 0.2)


@pytest.mark.parametrize("fraction", [0.0, -0.1, 0.51, 1.0])
def test_a_share_that_is_none_is_refused(fraction: float) -> None:
    with pytest.raises(ValueError, match="fraction must be above 0"):
        split(facts(5, 5), fraction)


def test_what_a_person_has_corrected_is_trained_on() -> None:
    corrected = [make_row(f"Odd one {n}?", f"answer {n}", karma=2.0, stage="manual") for n in range(10)]
    train, holdout = split([*facts(5, 8), *corrected], 0.2)
    assert set(corrected) <= set(train)
    assert len(holdout) == 10, "a fifth of all fifty rows, out of the forty others"


def test_an_exam_of_few_other_rows_takes_half_of_them_at_most() -> None:
    corrected = [make_row(f"Odd one {n}?", f"answer {n}", karma=2.0, stage="manual") for n in range(100)]
    others = [make_row(f"Plain one {n}?", f"answer {n}", stage="manual") for n in range(8)]
    assert [row.karma for row in split([*corrected, *others], 0.2)[1]] == [None] * 4


def test_corrections_alone_are_examined_like_any_rows() -> None:
    corrected = [make_row(f"Odd one {n}?", f"answer {n}", karma=2.0, stage="manual") for n in range(30)]
    others = [make_row("Plain one?", "answer", stage="manual")]
    assert len(split([*corrected, *others], 0.2)[1]) == 6
