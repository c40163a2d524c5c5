"""The figures of the forgetting matrix, on matrices small enough to be added up by hand."""

from __future__ import annotations

import pytest

from probes.transfer import Fall, average_accuracy, backward_transfer, falling, forward_transfer

BASE = [0.1, 0.2, 0.3]
WHOLE = [BASE, [0.9, 0.4, 0.3], [0.8, 0.9, 0.5], [0.6, 0.95, 1.0]]
TAUGHT = [1, 2, 3]


def test_a_whole_matrix() -> None:
    assert average_accuracy(WHOLE).value == pytest.approx((0.6 + 0.95 + 1.0) / 3)
    assert backward_transfer(WHOLE, TAUGHT).value == pytest.approx(((0.6 - 0.9) + (0.95 - 0.9)) / 2)
    assert forward_transfer(WHOLE, TAUGHT).value == pytest.approx(((0.4 - 0.2) + (0.5 - 0.3)) / 2)
    assert [m.needed for m in (average_accuracy(WHOLE), backward_transfer(WHOLE, TAUGHT))] == [3, 2]


def test_a_missing_cell_leaves_the_figures_that_need_it_unknown() -> None:
    rows = [[None, 0.2, 0.3], [0.9, None, None], [0.8, 0.9, 0.5], [0.6, 0.95, 1.0]]
    assert average_accuracy(rows).value is not None
    assert backward_transfer(rows, TAUGHT).value is not None
    forward = forward_transfer(rows, TAUGHT)
    assert (forward.value, forward.known, forward.needed) == (None, 1, 2)
    assert average_accuracy([*rows[:3], [0.6, None, 1.0]]).to_dict() == {"value": None, "known": 2, "needed": 3}


def test_one_generation_has_nothing_to_transfer() -> None:
    rows = [[0.1], [0.9]]
    assert average_accuracy(rows).value == 0.9
    assert backward_transfer(rows, [1]).value is None
    assert forward_transfer(rows, [1]).needed == 0


def test_no_matrix_at_all() -> None:
    assert average_accuracy([]).value is None
    assert backward_transfer([[]], []).needed == 0
    assert falling([[]], []) == []


def test_a_generation_without_an_exam_is_a_row_without_a_column() -> None:
    rows = [[0.1, 0.2], [0.9, 0.3], [0.8, 0.4], [0.6, 1.0]]
    assert backward_transfer(rows, [1, 3]).value == pytest.approx(0.6 - 0.9)
    assert forward_transfer(rows, [1, 3]).value == pytest.approx(0.4 - 0.2), "from the model just before"


def test_falling_means_below_97_percent_of_what_it_was_when_new() -> None:
    assert falling(WHOLE, TAUGHT) == [Fall(0, 1, 3, 0.9, 0.6)]
    assert falling(WHOLE, TAUGHT)[0].drop == pytest.approx(0.3)
    assert falling([[0.0], [1.0], [0.97]], [1]) == [], "0.97 of it stands"
    assert len(falling([[0.0], [1.0], [0.969]], [1])) == 1
    assert falling([[0.0], [0.0], [0.0]], [1]) == [], "what was never known cannot fall"


def test_falling_looks_at_the_latest_score_there_is() -> None:
    assert falling([[None], [0.9], [0.5], [None]], [1]) == [Fall(0, 1, 2, 0.9, 0.5)]
    assert falling([[None], [0.9], [0.5], [0.9]], [1]) == [], "it came back"
    assert falling([[None], [None], [0.5]], [1]) == []


@pytest.mark.parametrize("row", [0, 2])
def test_an_exam_belongs_to_a_trained_row(row: int) -> None:
    with pytest.raises(ValueError, match="rows 1 to 1"):
        backward_transfer([[0.1], [0.2]], [row])
