"""Which rows a generation learns, by phase, and what is said when there are none or too few."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.config import Config
from engine.config.curriculum import CurriculumSection
from engine.core.errors import UsageError
from engine.data.curriculum import Curriculum
from engine.data.messages import Message
from engine.data.rows import Row, make_chat, make_row
from engine.data.selection import PhaseRequest, Selection, phase_of_depth, select_new

STAGES = ("fundamentals", "manual", "conversations")


def rows(file: str, count: int) -> list[Row]:
    stage = PurePosixPath(file).parts[0]
    return [
        make_row(f"{file} {number}", "r", stage=stage, source=f"curriculum/{file}:{number + 1}")
        for number in range(count)
    ]


def curriculum(*parts: list[Row], stages: tuple[str, ...] = STAGES) -> Curriculum:
    return Curriculum(stages, tuple(row for part in parts for row in part))


FULL = curriculum(
    rows("fundamentals/a.jsonl", 10),
    rows("manual/a.jsonl", 20),
    rows("conversations/a.jsonl", 250),
    rows("conversations/behaviors1.jsonl", 30),
)


def select(
    source: Curriculum = FULL,
    requested: PhaseRequest = "auto",
    depth: int = 0,
    inbox: list[Row] | None = None,
    seen: set[str] | None = None,
    data: list[Row] | None = None,
    config: Config | None = None,
) -> Selection:
    return select_new(requested, source, inbox or [], seen or set(), depth, config or Config(), data)


def test_g0_learns_every_stage_but_the_last_in_order() -> None:
    found = select()
    assert (found.phase, found.counts) == ("base", {"fundamentals": 10, "manual": 20})
    assert found.rows == FULL.rows[:30]
    assert (found.considered, found.seen, found.left) == (30, 0, 0)
    assert found.reason == "base: all 30 unseen rows of fundamentals, manual"


def test_g0_of_a_curriculum_with_one_stage_learns_that_one() -> None:
    single = curriculum(rows("conversations/a.jsonl", 9), stages=("conversations",))
    assert select(single).counts == {"conversations": 9}


def test_g1_learns_the_behaviour_files() -> None:
    found = select(depth=1)
    assert found.phase == "align"
    assert {row.source.split(":")[0] for row in found.rows} == {"curriculum/conversations/behaviors1.jsonl"}
    assert len(found.rows) == 30


def test_g1_without_behaviour_files_learns_all_of_the_last_stage() -> None:
    plain = curriculum(rows("fundamentals/behaviors.jsonl", 5), rows("conversations/a.jsonl", 150))
    assert select(plain, depth=1).counts == {"conversations": 150}


@pytest.mark.parametrize("depth", [2, 3, 17])
def test_later_generations_learn_the_oldest_unseen_rows_of_the_last_stage_then_the_inbox(depth: int) -> None:
    inbox = rows("conversations/inbox.jsonl", 40)
    talk = [row for row in FULL.rows if row.stage == "conversations"]
    seen = {row.id for row in talk[:200]}
    found = select(depth=depth, inbox=inbox, seen=seen)
    assert found.phase == "converse"
    assert found.rows == tuple([*talk[200:], *inbox][:100])
    assert (found.considered, found.seen, found.left) == (320, 200, 20)
    assert found.reason == "converse: the oldest 100 of 120 unseen rows of conversations and the inbox"


def test_successive_generations_use_up_the_rows_without_repeating_one() -> None:
    seen: set[str] = set()
    fed: list[str] = []
    for size in (100, 100, 80):
        found = select(depth=5, seen=seen)
        assert len(found.rows) == size
        fed += [row.id for row in found.rows]
        seen |= set(fed)
    assert len(fed) == len(set(fed)) == 280
    with pytest.raises(UsageError, match="nothing new to learn"):
        select(depth=5, seen=seen)


def test_the_size_of_a_converse_generation_is_configured() -> None:
    config = Config(curriculum=CurriculumSection(converse_rows=12))
    assert len(select(depth=2, config=config).rows) == 12


def test_an_inbox_row_that_the_curriculum_has_too_counts_once() -> None:
    talk = rows("conversations/a.jsonl", 8)
    found = select(curriculum(talk), depth=2, inbox=[*talk[:3], *rows("conversations/b.jsonl", 2)])
    assert len(found.rows) == found.considered == 10


def chat(name: str, answers: int) -> Row:
    """A conversation with so many answers."""
    said = [Message(role, f"{name} {number}") for number in range(answers) for role in ("user", "assistant")]
    return make_chat(said, stage="conversations", source=f"x.jsonl:{name}")


def test_a_conversation_is_not_parted_between_generations() -> None:
    config = Config(curriculum=CurriculumSection(converse_rows=10, holdout=0.5))
    source = curriculum(rows("conversations/a.jsonl", 8), [chat("one", 5)])
    first = select(source, depth=2, config=config)
    assert first.counts == {"conversations": 8}
    assert (first.considered, first.left) == (13, 5)
    assert "the oldest 8 of 13 unseen rows" in first.reason


def test_conversations_longer_than_a_generation_are_taken_until_an_exam_can_be_made_of_them() -> None:
    config = Config(curriculum=CurriculumSection(converse_rows=10, holdout=0.5))
    source = curriculum([chat("one", 15), chat("two", 15), chat("three", 15)])
    first = select(source, depth=2, config=config)
    assert [row.source for row in first.rows] == ["x.jsonl:one", "x.jsonl:two"]
    assert first.counts == {"conversations": 30}


def test_a_conversation_that_went_on_is_learned_from_where_it_was_left() -> None:
    config = Config(curriculum=CurriculumSection(holdout=0.5))
    seen = set(chat("one", 3).ids)
    source = curriculum([chat("one", 5), *rows("conversations/a.jsonl", 2)])
    found = select(source, depth=2, seen=seen, config=config)
    assert [turn.learned for turn in found.rows[0].turns[1::2]] == [False, False, False, True, True]
    assert found.counts == {"conversations": 4}
    assert found.seen == 3


def test_an_answer_rated_down_is_left_out_of_its_conversation_and_the_others_stay() -> None:
    one = chat("one", 3)
    second = list(one.learned_answers())[1]
    rated = make_row("\n".join((*second.history, second.prompt)), second.text, karma=-1, stage="conversations")
    config = Config(curriculum=CurriculumSection(holdout=0.5))
    found = select(curriculum([one, *rows("conversations/a.jsonl", 2)]), depth=2, inbox=[rated], config=config)
    assert [turn.learned for turn in found.rows[0].turns[1::2]] == [True, False, True]


def test_what_was_learned_as_a_row_an_answer_is_seen_as_a_conversation() -> None:
    one = chat("one", 3)
    expanded = [make_row("\n".join((*answer.history, answer.prompt)), answer.text) for answer in one.learned_answers()]
    config = Config(curriculum=CurriculumSection(holdout=0.5))
    found = select(
        curriculum([one, *rows("conversations/a.jsonl", 4)]), depth=2, seen={row.id for row in expanded}, config=config
    )
    assert one.source not in {row.source for row in found.rows}


def test_an_explicit_phase_wins_over_the_depth() -> None:
    assert select(requested="base", depth=4).counts == {"fundamentals": 10, "manual": 20}
    assert select(requested="converse", depth=0).phase == "converse"
    assert select(requested="align", depth=0).counts == {"conversations": 30}


def test_given_data_replaces_the_curriculum_and_is_not_cut() -> None:
    data = [*rows("conversations/d.jsonl", 150), *rows("fundamentals/d.jsonl", 5)]
    found = select(depth=3, data=data)
    assert found.phase == "converse"
    assert found.counts == {"fundamentals": 5, "conversations": 150}
    assert found.rows[:5] == tuple(data[150:])
    assert found.reason == "converse: all 155 unseen rows of the data given"


def test_nothing_new_is_refused_with_counts_and_where_there_is_more() -> None:
    seen = {row.id for row in FULL.rows if row.stage != "conversations"}
    with pytest.raises(UsageError) as caught:
        select(requested="base", seen=seen)
    error = caught.value
    assert error.exit_code == 2
    assert error.title == "nothing new to learn: all 30 rows of fundamentals, manual were seen by an ancestor"
    assert error.where == "phase base"
    assert "30 unseen rows for --phase align or 280 unseen rows for --phase converse" in error.hint


def test_no_rows_at_all_is_not_called_seen() -> None:
    with pytest.raises(UsageError, match="nothing new to learn: no rows in conversations and the inbox"):
        select(curriculum(rows("fundamentals/a.jsonl", 9)), depth=2)


def test_given_data_that_is_all_seen_is_refused() -> None:
    data = rows("conversations/d.jsonl", 7)
    with pytest.raises(UsageError, match="all 7 rows of the data given were seen"):
        select(data=data, seen={row.id for row in data})


@pytest.mark.parametrize("count", [1, 4])
def test_too_few_rows_for_a_holdout_are_refused_with_the_numbers(count: int) -> None:
    with pytest.raises(UsageError) as caught:
        select(curriculum(rows("fundamentals/a.jsonl", count)))
    expected = f"too few new rows: {count} in fundamentals, manual, but a holdout of 20% needs at least 5"
    assert caught.value.title == expected
    assert caught.value.hint == f"add {5 - count} or more rows with other prompts"
    assert caught.value.exit_code == 2


def test_five_rows_are_enough() -> None:
    assert len(select(curriculum(rows("fundamentals/a.jsonl", 5))).rows) == 5


@given(seen=st.sets(st.integers(0, 309)), depth=st.integers(0, 4), count=st.integers(0, 60))
def test_no_selection_ever_holds_a_seen_row_or_one_twice(seen: set[int], depth: int, count: int) -> None:
    known = {FULL.rows[number].id for number in seen}
    inbox = rows("conversations/in.jsonl", count)
    wanted = ("fundamentals", "manual") if depth == 0 else ("conversations",)
    pool = [row for row in FULL.rows if row.stage in wanted and (depth != 1 or "behaviors" in row.source)]
    unseen = [row for row in [*pool, *(inbox if depth > 1 else [])] if row.id not in known]
    if len(unseen) < 5:
        with pytest.raises(UsageError, match="too few" if unseen else "nothing new"):
            select(depth=depth, inbox=inbox, seen=known)
        return
    found = select(depth=depth, inbox=inbox, seen=known)
    ids = [row.id for row in found.rows]
    assert len(ids) == len(set(ids))
    assert not set(ids) & known
    assert ids == [row.id for row in unseen][: len(ids)]
    assert found.considered == found.seen + found.left + len(ids)
    assert [STAGES.index(row.stage) for row in found.rows] == sorted(STAGES.index(row.stage) for row in found.rows)


def test_the_phase_of_each_depth() -> None:
    assert [phase_of_depth(depth) for depth in range(5)] == ["base", "align", "converse", "converse", "converse"]


def test_a_selection_is_told_in_plain_values() -> None:
    plain = select(depth=1).to_dict()
    assert plain["by_stage"] == {"conversations": 30}
    assert (plain["phase"], plain["rows"], plain["left"]) == ("align", 30, 0)
