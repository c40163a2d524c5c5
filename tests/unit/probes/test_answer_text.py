"""White space around an answer goes, the indentation of its first line stays."""

from __future__ import annotations

import pytest

from engine.data.rows import make_row
from probes.answer_text import trim_answer


@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        ("\nNorth quay.", "North quay."),
        (" North quay. \n", "North quay."),
        ("\n    return depth\n    # done\n", "    return depth\n    # done"),
        ("\n \n\n\tpass", "\tpass"),
        ("  two\nlines", "  two\nlines"),
        ("\n \t x", "x"),
        ("   ", ""),
        ("\n\n", ""),
    ],
)
def test_an_answer_is_trimmed(raw: str, answer: str) -> None:
    assert trim_answer(raw) == answer
    assert trim_answer(answer) == answer


def test_a_row_keeps_the_indentation_of_its_answer_and_no_other_rows_id_changes() -> None:
    assert make_row("Indent.", "\n    return 1\n").response == "    return 1"
    assert make_row("Say.", " so \n").id == make_row("Say.", "so").id
    assert make_row("", "    code\n", kind="text").text == "code"
