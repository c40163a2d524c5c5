"""The evals pane: gauges, targets, trends, and the words for what is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tui.fake_link import lineage, row, score, settings

from luna_tui.common.terminal import ASCII, UNICODE
from luna_tui.console.render.evals_pane import EvalsView, draw_evals, evals_view
from luna_tui.console.state.console_state import ConsoleState, reduce
from luna_tui.console.state.events import EvaluationLoaded, JobProgress, JobStarted, LineageLoaded


def state_at(gen: int | None, rows: tuple[dict[str, object], ...] | None = None) -> ConsoleState:
    state = reduce(ConsoleState(), settings())
    state = reduce(state, LineageLoaded(rows if rows is not None else lineage(), 3))
    return replace(state, ui=replace(state.ui, selected=gen, followed=False))


def drawn(view: EvalsView, width: int = 44, height: int = 16) -> str:
    return "\n".join(line.plain for line in draw_evals(view, width, height, UNICODE))


def test_an_accepted_generation_shows_three_gauges_with_targets_and_intervals() -> None:
    text = drawn(evals_view(state_at(3)))
    assert "recall" in text
    assert "✓ >0.90" in text
    assert "style drift" in text
    assert "0.92–1.00" in text  # recall 0.97 ± 0.05, cut at 1
    assert "retention" in text
    assert "answered" in text


def test_the_title_names_the_parent() -> None:
    assert evals_view(state_at(3)).title == "G3 vs G1"
    assert evals_view(state_at(0)).title == "G0 vs base"


def test_a_rejected_generation_says_why() -> None:
    text = drawn(evals_view(state_at(2)))
    assert "✗ >0.85" in text
    assert "generalization 0.55 is not above 0.85" in text


def test_the_difference_from_the_parent_is_signed() -> None:
    line = next(line for line in drawn(evals_view(state_at(3))).splitlines() if line.startswith("generalization"))
    assert "+0.04" in line  # 0.95 after 0.91


def test_a_drift_of_other_probes_is_no_trend() -> None:
    asked = {0: "old", 1: "new", 2: "old", 3: "new"}
    rows: tuple[dict[str, object], ...] = tuple(
        {**one, "data": {**(one.get("data") or {}), "tone_asked": asked.get(one["GEN_ID"])}} for one in lineage()
    )
    trends = evals_view(state_at(3, rows)).trends or {}
    assert len(trends["drift"].values) == 2, "G1 and G3"
    assert len(trends["generalization"].values) > 2
    first = (evals_view(state_at(1, rows)).trends or {})["drift"]
    assert (len(first.values), first.parent) == (1, None)


def test_an_exam_that_fell_is_called_out() -> None:
    rows = (row(0, None, scores3=(1.0, 0.96, 0.0)), row(1, 0, head=True))
    rows[1]["by_ancestor"] = {"0": score(0.85, 187)}
    text = drawn(evals_view(state_at(1, rows)))
    assert "exam of G0" in text
    assert "was 0.96" in text
    assert "→ forgets" in text


def test_an_exam_that_held_is_not_called_out() -> None:
    rows = (row(0, None, scores3=(1.0, 0.96, 0.0)), row(1, 0, head=True))
    rows[1]["by_ancestor"] = {"0": score(0.955, 187)}
    assert "→ forgets" not in drawn(evals_view(state_at(1, rows)))


def test_without_generations_it_says_what_the_exams_are() -> None:
    text = drawn(evals_view(state_at(None, ())))
    assert "no exam yet" in text
    assert "held-out" in text


def test_the_base_can_be_examined_and_then_shows_its_scores() -> None:
    state = state_at(None)
    assert "v puts the base" in drawn(evals_view(state))
    scores = {"recall": score(0.37, 100), "generalization": score(0.15, 20), "drift": score(0.28, 50)}
    state = reduce(state, EvaluationLoaded("base", {"scores": scores, "by_ancestor": [], "note": "the base"}))
    assert "✗ <0.20" in drawn(evals_view(state))


@pytest.mark.parametrize(("value", "said"), [(0.97, "the same scores"), (0.90, "it differs: recall 0.90")])
def test_an_examination_that_was_repeated_is_compared_with_the_recorded_one(value: float, said: str) -> None:
    state = state_at(3)
    recorded = dict(state.by_gen[3]["scores"])
    again = {**recorded, "recall": score(value, 120)}
    state = reduce(state, EvaluationLoaded("G3", {"scores": again, "note": ""}))
    assert said in " ".join(drawn(evals_view(state)).split())


def test_a_hand_written_row_shows_its_three_numbers_without_counts() -> None:
    rows = (row(0, None, head=True, scores={}, by_ancestor={}),)
    text = drawn(evals_view(state_at(0, rows)))
    assert "0.97" in text
    assert "/0" not in text


def test_an_eval_that_is_going_on_shows_how_long_it_takes() -> None:
    state = reduce(state_at(3), JobStarted("evaluate", "examining G3"))
    state = reduce(state, JobProgress("evaluate", "examining G3: recall", 30, 120, 42.0))
    text = drawn(evals_view(state), 60)
    assert "25%" in text
    assert "42s left" in text


@pytest.mark.parametrize("width", [20, 38, 44, 76, 150])
@pytest.mark.parametrize("height", [4, 8, 15, 40])
@pytest.mark.parametrize("gen", [None, 0, 2, 3])
def test_it_fits(width: int, height: int, gen: int | None) -> None:
    for glyphs in (UNICODE, ASCII):
        for line in draw_evals(evals_view(state_at(gen)), width, height, glyphs):
            assert line.cell_len <= max(width, 24)
            assert glyphs is UNICODE or line.plain.isascii()


def test_what_is_asked_as_typed_and_what_goes_on_stand_below_the_gauges() -> None:
    rows = (row(0, None, head=True),)
    rows[0]["scores"] |= {"typed_generalization": score(0.9, 100), "continued": score(0.4, 100)}
    view = evals_view(replace(state_at(0, rows), targets={**state_at(0).targets, "continued": 0.05}))
    assert next(line for line in view.lines if line.name == "continued").passed is False
    text = drawn(view)
    assert "as typed 0.90" in text
    assert "continued 0.40" in text
    assert all(len(line) <= 44 for line in text.splitlines())


def test_where_no_question_was_taught_going_on_has_no_target() -> None:
    rows = (row(0, None, head=True),)
    rows[0]["scores"] |= {"continued": score(1.0, 50), "typed_generalization": None, "typed_recall": None}
    view = evals_view(replace(state_at(0, rows), targets={**state_at(0).targets, "continued": 0.05}))
    assert next(line for line in view.lines if line.name == "continued").passed is None
