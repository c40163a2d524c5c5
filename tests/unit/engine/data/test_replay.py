"""Replay takes equal shares of every ancestor, goes round the topics, and is fed evenly inside its own stage."""

from __future__ import annotations

from collections import Counter
from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from engine.data.messages import Message
from engine.data.replay import AncestorData, FedRow, choose_replay, interleave
from engine.data.rows import Row, make_chat, make_row

STAGES = ("fundamentals", "manual", "conversations")


@cache
def _made(prompt: str, topic: str | None, stage: str) -> Row:
    return make_row(prompt, "r", topic=topic, stage=stage)


def rows(gen: int, count: int, topics: int = 1, stage: str = "manual") -> list[Row]:
    return [_made(f"g{gen} q{number}", f"t{number % topics}" if topics > 1 else None, stage) for number in range(count)]


def lineage(*counts: int) -> list[AncestorData]:
    return [AncestorData(gen, rows(gen, count)) for gen, count in enumerate(counts)]


def shares(fed: list[FedRow]) -> dict[int | None, int]:
    return dict(Counter(item.from_gen for item in fed))


def test_every_ancestor_gives_an_equal_share_and_the_remainder_falls_to_the_oldest() -> None:
    assert shares(choose_replay(lineage(500, 500, 500), 100, child_gen=3)) == {0: 34, 1: 33, 2: 33}


def test_an_ancestor_with_fewer_rows_passes_its_share_on() -> None:
    assert shares(choose_replay(lineage(500, 10, 500), 100, child_gen=3)) == {0: 45, 1: 10, 2: 45}
    assert shares(choose_replay(lineage(10, 0, 20), 100, child_gen=3)) == {0: 10, 2: 20}


def test_the_parent_scope_takes_the_parent_only() -> None:
    assert shares(choose_replay(lineage(500, 500), 100, "parent", child_gen=2)) == {1: 100}


def test_without_ancestors_or_with_replay_off_nothing_is_replayed() -> None:
    assert choose_replay([], 100, child_gen=0) == []
    assert choose_replay(lineage(50), 0, child_gen=1) == []


@given(
    counts=st.lists(st.integers(0, 40), max_size=5),
    count=st.integers(0, 120),
    child=st.integers(0, 50),
    forbidden=st.sets(st.tuples(st.integers(0, 4), st.integers(0, 39))),
    topics=st.integers(1, 9),
)
def test_replay_is_never_held_out_never_twice_and_as_much_as_asked(
    counts: list[int], count: int, child: int, forbidden: set[tuple[int, int]], topics: int
) -> None:
    ancestors = [AncestorData(gen, rows(gen, size, topics)) for gen, size in enumerate(counts)]
    held = {_made(f"g{gen} q{number}", None, "manual").id for gen, number in forbidden}
    fed = choose_replay(ancestors, count, child_gen=child, forbidden_ids=held)
    ids = [item.row.id for item in fed]
    allowed = {row.id for ancestor in ancestors for row in ancestor.rows} - held
    assert len(ids) == len(set(ids)) == min(count, len(allowed))
    assert set(ids) <= allowed
    assert all(item.replay and item.row in ancestors[item.from_gen or 0].rows for item in fed)
    possible = [len([row for row in ancestor.rows if row.id not in held]) for ancestor in ancestors]
    given_by = [shares(fed).get(gen, 0) for gen in range(len(ancestors))]
    fullest = max(given_by, default=0)
    assert all(share >= fullest - 1 or share == most for share, most in zip(given_by, possible, strict=True))


def test_a_row_two_ancestors_learnt_is_replayed_once_as_the_older_ones() -> None:
    same = rows(0, 20)
    fed = choose_replay([AncestorData(0, same), AncestorData(1, same)], 40, child_gen=2)
    assert shares(fed) == {0: 20}


def test_as_many_topics_as_possible_are_refreshed_at_once() -> None:
    fed = choose_replay([AncestorData(0, rows(0, 400, topics=40))], 100, child_gen=1)
    found = Counter(item.row.topic for item in fed)
    assert len(found) == 40
    assert set(found.values()) == {2, 3}


def test_small_topics_do_not_keep_big_ones_from_filling_the_share() -> None:
    uneven = [make_row(f"q{number}", "r", topic="big" if number >= 3 else f"t{number}") for number in range(50)]
    fed = choose_replay([AncestorData(0, uneven)], 20, child_gen=5)
    assert Counter(item.row.topic for item in fed) == {"big": 17, "t0": 1, "t1": 1, "t2": 1}


def test_successive_generations_go_through_all_topics_and_then_all_rows() -> None:
    ancestor = [AncestorData(0, rows(0, 120, topics=40))]
    fed = [choose_replay(ancestor, 20, child_gen=child) for child in range(1, 7)]
    assert len({item.row.topic for one in fed[:2] for item in one}) == 40
    assert len({item.row.id for one in fed for item in one}) == 120


def test_the_same_generation_replays_the_same_rows_whatever_their_order() -> None:
    mixed = [AncestorData(0, rows(0, 300, topics=7)[::-1])]
    straight = [AncestorData(0, rows(0, 300, topics=7))]
    assert choose_replay(mixed, 50, child_gen=4) == choose_replay(straight, 50, child_gen=4)
    assert choose_replay(mixed, 50, child_gen=4, seed=1) != choose_replay(mixed, 50, child_gen=4)


def mark(fed: list[FedRow]) -> str:
    return "".join("r" if item.replay else "n" for item in fed)


def replayed(count: int, stage: str) -> list[FedRow]:
    return [FedRow(row, replay=True, from_gen=0) for row in rows(0, count, stage=stage)]


def test_replay_is_spread_evenly_inside_its_stage() -> None:
    assert mark(interleave(rows(1, 8, stage="manual"), replayed(2, "manual"), STAGES)) == "nnrnnnnrnn"
    assert mark(interleave(rows(1, 2, stage="manual"), replayed(2, "manual"), STAGES)) == "nrnr"
    assert mark(interleave(rows(1, 0, stage="manual"), replayed(3, "manual"), STAGES)) == "rrr"
    assert mark(interleave(rows(1, 3, stage="manual"), [], STAGES)) == "nnn"


def test_stages_keep_their_order_with_replay_in_its_own_stage() -> None:
    fed = interleave(rows(2, 4, stage="conversations"), [*replayed(2, "manual"), *replayed(3, "fundamentals")], STAGES)
    assert [item.row.stage for item in fed] == ["fundamentals"] * 3 + ["manual"] * 2 + ["conversations"] * 4


def test_rows_of_a_stage_no_longer_configured_are_fed_first() -> None:
    fed = interleave(rows(2, 2, stage="conversations"), replayed(2, "retired"), STAGES)
    assert [item.row.stage for item in fed] == ["retired"] * 2 + ["conversations"] * 2


@given(
    new=st.lists(st.sampled_from(STAGES), max_size=40),
    old=st.lists(st.sampled_from(STAGES), max_size=40),
)
def test_weaving_loses_nothing_and_shuffles_neither_new_nor_replayed_rows(new: list[str], old: list[str]) -> None:
    new_rows = [make_row(f"new {number}", "r", stage=stage) for number, stage in enumerate(new)]
    replay = [
        FedRow(make_row(f"old {number}", "r", stage=stage), replay=True, from_gen=0) for number, stage in enumerate(old)
    ]
    fed = interleave(new_rows, replay, STAGES)
    assert len(fed) == len(new) + len(old)
    assert [item.row.stage for item in fed] == sorted((item.row.stage for item in fed), key=STAGES.index)
    for stage in STAGES:
        here = [item for item in fed if item.row.stage == stage]
        assert [item.row for item in here if not item.replay] == [row for row in new_rows if row.stage == stage]
        assert [item for item in here if item.replay] == [item for item in replay if item.row.stage == stage]
        gaps = mark(here)
        if gaps.count("r") >= 2:
            between = [len(part) for part in gaps.split("r")[1:-1]]
            assert max(between) - min(between) <= 1


def chat(name: str, answers: int) -> Row:
    said = [Message(role, f"{name} {number}") for number in range(answers) for role in ("user", "assistant")]
    return make_chat(said, stage="manual")


def test_conversations_count_by_their_answers_and_the_last_one_is_replayed_in_part() -> None:
    ancestor = AncestorData(0, [chat(f"c{number}", 6) for number in range(5)])
    fed = choose_replay([ancestor], 16, child_gen=1)
    assert [item.row.size for item in fed] == [6, 6, 4]
    whole = {row.ids[:4]: row for row in ancestor.rows}
    assert fed[-1].row.ids in whole
    assert fed[-1].row.turns == whole[fed[-1].row.ids].turns[:8]


def test_a_conversation_with_an_answer_that_is_held_out_is_not_replayed() -> None:
    talk = [chat("a", 3), chat("b", 3)]
    fed = choose_replay([AncestorData(0, talk)], 10, child_gen=1, forbidden_ids={talk[0].ids[1]})
    assert [item.row for item in fed] == [talk[1]]
