"""The report's pictures: real SVG, with the numbers in it, the same bytes for the same numbers."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from luna_tui.report.pictures import heat_map, lineage_scores, loss_curves, study_points, trade_off

SPREAD = {"mean": 0.9, "sd": 0.02, "low": 0.88, "high": 0.92, "n": 3}
FINDING = {"what": "the exam of G0", "micro": SPREAD, "one_shot": SPREAD, "base": 0.1}


def words(svg: str) -> str:
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg")
    return " ".join(text.strip() for text in root.itertext() if text.strip())


def test_the_matrix_has_its_numbers_and_a_dot_where_nobody_asked() -> None:
    text = words(heat_map(["base", "G0"], ["G0", "G1"], [[0.01, None], [0.96, 0.3]]))
    for part in ("base", "exam G1", "0.96", "0.30", "0.01", "·"):
        assert part in text


def test_every_curve_is_named() -> None:
    text = words(loss_curves({"G0": [3.0, 2.0, 1.0], "G1": [1.0, 0.5]}))
    assert "G0" in text
    assert "G1" in text
    assert "optimizer step" in text


def test_scores_that_are_not_known_leave_a_gap() -> None:
    assert "recall" in words(lineage_scores(["G0", "G1"], {"recall": [None, 0.9], "drift": [0.0, None]}))


def test_a_study_is_drawn_with_the_base_beside_it() -> None:
    text = words(study_points([FINDING, {**FINDING, "what": "the exam of G1"}]))
    for part in ("micro-generations", "one-shot", "base", "G1"):
        assert part in text
    text = words(trade_off({"micro": [(0.9, 0.8), (0.92, 0.82)], "one-shot": [(0.91, 0.84)], "base": [(0.0, 0.1)]}))
    assert "old knowledge" in text
    assert "(base: 0.00, 0.10)" in text, "said, not drawn: it would press the others into one spot"
    assert "0.92" in text, "the axis is about the trained models"
    assert "0.2" not in text.split(), "and does not reach down to the base"


def test_the_same_numbers_give_the_same_bytes() -> None:
    curves = {"G0": [3.0, 2.0, 1.0]}
    assert loss_curves(curves) == loss_curves(curves)
