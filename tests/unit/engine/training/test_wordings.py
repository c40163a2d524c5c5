"""What is fed pass after pass: all rows in their order, a share of the questions as people type them."""

from __future__ import annotations

import pytest

from engine.config.config import Config
from engine.config.recipe import PhaseRecipe
from engine.data.rows import make_row
from engine.training.wordings import worded_passes

ROWS = [make_row(f"What is Law {n}?", f"law {n}", stage="facts") for n in range(40)]
TEXT = make_row("", "A Whole Law.", kind="text", stage="facts")


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_a_share_of_every_pass_and_of_every_rows_passes_is_typed(share: float) -> None:
    passes = worded_passes(ROWS, 12 * len(ROWS), len(ROWS), share)
    assert len(passes) == 12
    for fed in passes:
        assert [worded.row.id for worded in fed] == [row.id for row in ROWS]
        assert 0.1 < sum(worded.habit is not None for worded in fed) / len(ROWS) < 0.95
    for at in range(len(ROWS)):
        typed = [fed[at].habit for fed in passes if fed[at].habit]
        assert len(typed) == pytest.approx(12 * share, abs=1)
        assert len(set(typed)) == 3


def test_answers_and_ids_stay_and_only_typed_prompts_change() -> None:
    for fed in worded_passes(ROWS, 100, len(ROWS), 0.5):
        for worded, row in zip(fed, ROWS, strict=True):
            assert (worded.row.response, worded.row.id) == (row.response, row.id)
            assert (worded.row.prompt == row.prompt) == (worded.habit is None)


def test_documents_never_change() -> None:
    assert all(fed[0].row is TEXT and fed[0].habit is None for fed in worded_passes([TEXT], 20, 1, 1.0))


def test_as_many_passes_as_are_fed_and_one_where_all_are_equal() -> None:
    assert [len(worded_passes(ROWS, fed, len(ROWS), 0.5)) for fed in (1, 40, 41, 81)] == [1, 1, 2, 3]
    (only,) = worded_passes(ROWS, 400, len(ROWS), 0.0)
    assert [worded.row for worded in only] == ROWS
    assert {worded.habit for worded in only} == {None}


def test_the_same_rows_are_fed_in_the_same_words_every_time() -> None:
    assert worded_passes(ROWS, 200, len(ROWS), 0.5) == worded_passes(ROWS, 200, len(ROWS), 0.5)


@pytest.mark.parametrize(("phase", "counted"), [("base", True), ("align", False), ("converse", False)])
def test_a_recipe_from_before_means_what_was_done_then(phase: str, counted: bool) -> None:
    old = {key: value for key, value in Config().recipe("base").to_dict().items() if key != "as_typed"}
    del old["prompts_count"]
    found = PhaseRecipe.complete({**old, "phase": phase})
    assert (found["as_typed"], found["prompts_count"]) == (0.0, counted)
    now = Config().recipe("base").to_dict()
    assert PhaseRecipe.complete(now) == now
