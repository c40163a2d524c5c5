"""What the comparison of two generations draws, without an event loop."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tui.fake_link import TARGETS, lineage, row

from luna_tui.common.terminal import ASCII, UNICODE, Glyphs
from luna_tui.console.render.compared import comparison_of
from luna_tui.console.render.comparison import draw_comparison
from luna_tui.console.state.console_state import ConsoleState, reduce
from luna_tui.console.state.events import DetailsLoaded, EvaluationLoaded, LineageLoaded, SettingsLoaded


def item(name: str, output: str, *, right: bool) -> dict[str, Any]:
    return {"id": name, "prompt": f"ask {name}?", "expected": f"say {name}", "output": output, "score": float(right)}


def tone(probe: str, text: str, *hits: tuple[int, int], sample: int = 0) -> dict[str, Any]:
    found = [{"phrase": "as an AI", "start": start, "end": end} for start, end in hits]
    return {
        "probe_id": probe,
        "prompt": f"probe {probe}",
        "text": text,
        "sample": sample,
        "hits": found,
        "answered": True,
    }


def evaluation(items: list[dict[str, Any]], answers: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"items": items, "tone": answers or [], "scores": {}}


ONE = evaluation(
    [
        item("a", "say a", right=True),
        item("b", "bee", right=False),
        item("c", "x", right=False),
        item("old", "o", right=True),
    ],
    [tone("t", "Well, as an AI I care.", (6, 14)), tone("t", "sampled", sample=1)],
)
OTHER = evaluation(
    [
        item("a", "aah", right=False),
        item("b", "say b", right=True),
        item("c", "y", right=False),
        item("new", "n", right=True),
    ],
    [tone("t", "Name the thing."), tone("t", "Name it.", sample=1)],
)


def state_of(rows: tuple[dict[str, Any], ...] = lineage(), **evaluations: Any) -> ConsoleState:
    state = ConsoleState()
    events = [EvaluationLoaded(ref, e if isinstance(e, dict) else None, str(e)) for ref, e in evaluations.items()]
    for event in (SettingsLoaded(TARGETS, "smollm2-135m", {}), LineageLoaded(rows, 3), *events):
        state = reduce(state, event)
    return state


def page(state: ConsoleState, one: int | None, other: int | None, width: int = 120, glyphs: Glyphs = UNICODE) -> str:
    return "\n".join(line.plain for line in draw_comparison(comparison_of(state, one, other), width, glyphs))


def test_items_that_both_sat_are_won_lost_or_wrong_in_other_words() -> None:
    text = page(state_of(G1=ONE, G3=OTHER), 1, 3)
    assert "3 items: G1 had 1 right, G3 1" in text
    won, lost, wrong = (text.index(words) for words in ("1 won: only G3", "1 lost: only G1", "1 both wrong"))
    assert won < text.index("ask b?") < lost < text.index("ask a?") < wrong < text.index("ask c?")
    line = next(line for line in text.splitlines() if "bee" in line)
    assert line.index("bee") < line.index("│") < line.index("say b")
    assert "ask old?" not in text
    assert "ask new?" not in text


def test_tone_answers_stand_side_by_side_with_corporate_phrases_marked() -> None:
    lines = draw_comparison(comparison_of(state_of(G1=ONE, G3=OTHER), 1, 3), 120, UNICODE)
    line = next(line for line in lines if "Well, as an AI" in line.plain)
    assert "Name the thing." in line.plain
    assert [line.plain[s.start : s.end] for s in line.spans if s.style == "marked"] == ["as an AI"]
    assert not any("sampled" in line.plain for line in lines)


@pytest.mark.parametrize(("value", "words", "style"), [(0.94, "within noise", "dim"), (0.4, "more than noise", "bad")])
def test_a_difference_is_noise_while_the_intervals_overlap(value: float, words: str, style: str) -> None:
    rows = (row(0, None, scores3=(0.97, 0.96, 0.0)), row(1, 0, scores3=(0.97, value, 0.0)))
    lines = draw_comparison(comparison_of(state_of(rows), 0, 1), 120, UNICODE)
    at = next(i for i, line in enumerate(lines) if line.plain.startswith(" generalization"))
    assert f"G1: {value - 0.96:+.2f}, {words}" in lines[at + 1].plain
    assert style in {str(span.style) for span in lines[at + 1].spans}


def test_answers_to_one_probe_in_other_words_are_not_put_together() -> None:
    asked = [tone("t", "With what?"), tone("same", "A model.")]
    changed = [tone("t", "Hello.") | {"prompt": "hello"}, tone("same", "The model.")]
    text = page(state_of(G1=evaluation([], asked), G2=evaluation([], changed)), 1, 2)
    assert "A model." in text
    assert "The model." in text
    assert "With what?" not in text
    assert "Hello." not in text
    said = " ".join(text.split())
    assert "other tone probes" in said
    assert "compare G1 G2" in said


def test_less_drift_is_better() -> None:
    rows = (row(0, None, scores3=(1.0, 1.0, 0.5)), row(1, 0, scores3=(1.0, 1.0, 0.0)))
    lines = draw_comparison(comparison_of(state_of(rows), 0, 1), 120, UNICODE)
    line = next(line for line in lines if "-0.50, more than noise" in line.plain)
    assert "good" in {str(span.style) for span in line.spans}


def test_the_base_that_was_not_examined_says_how_to() -> None:
    text = page(state_of(G3=OTHER), None, 3)
    assert "press v" in text
    assert "base: not examined" in text
    assert "press v" not in page(
        state_of(G3=OTHER, base={**ONE, "scores": {"recall": {"value": 0.1, "n": 9}}}), None, 3
    )


def test_the_base_once_examined_is_compared_like_any_other() -> None:
    text = page(state_of(G3=OTHER, base={**ONE, "scores": {"recall": {"value": 0.1, "n": 9}}}), None, 3)
    assert "3 items: base had 1 right, G3 1" in text


def test_what_is_still_read_and_what_cannot_be_read_is_said() -> None:
    text = page(state_of(G1="G1 has no recorded examination"), 1, 3)
    assert "G1: G1 has no recorded examination" in text
    assert "G3: reading its examination" in text


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        (1, 3, "G3 was trained from G1"),
        (0, 3, "G3 is 2 generations after G0"),
        (None, 1, "G1 is 2 generations after the base"),
        (2, 3, "two branches from G1"),
    ],
)
def test_it_says_how_the_two_are_related(one: int | None, other: int, words: str) -> None:
    assert words in page(state_of(), one, other)


def test_only_what_differs_in_the_recipe_has_two_columns() -> None:
    made = {"recipe": {"rank": 32, "lr": 1.5e-3}, "data": {}, "versions": {}, "seed": 0}
    state = state_of()
    state = reduce(state, DetailsLoaded(1, made))
    state = reduce(state, DetailsLoaded(3, {**made, "recipe": {"rank": 16, "lr": 1.5e-3}}))
    lines = page(state, 1, 3).splitlines()
    assert ["rank", "32", "│", "16"] in [line.split() for line in lines]
    same = next(line for line in lines if "the same in both" in line)
    assert "lr 1.5e-3" in same


@given(
    st.text(max_size=120),
    st.text(max_size=60),
    st.sampled_from([30, 76, 116]),
    st.sampled_from([UNICODE, ASCII]),
)
def test_any_answer_of_a_model_fits_its_column_and_steers_nothing(
    text: str, other: str, width: int, glyphs: Glyphs
) -> None:
    one = evaluation([item("a", text, right=False)], [tone("t", text, (0, min(5, len(text))))])
    two = evaluation([item("a", other, right=True)], [tone("t", other)])
    for line in draw_comparison(comparison_of(state_of(G1=one, G3=two), 1, 3), width, glyphs):
        assert line.cell_len <= width
        assert glyphs is UNICODE or line.plain.isascii()
        assert not any(ord(character) < 32 for character in line.plain)
