"""An exam that asks what nobody taught is told before training, not found out after it."""

from __future__ import annotations

from engine.data.rows import Row
from engine.evaluation.coverage_check import untaught, warn_untaught
from probes.base import Item


def item(number: int, expected: str, *accept: str) -> Item:
    return Item(id=f"i{number}", prompt=f"question {number}?", expected=expected, how="match", accept=accept)


def row(response: str, *accept: str, kind: str = "qa") -> Row:
    return Row(id=response, kind=kind, prompt="" if kind == "text" else "asked?", response=response, accept=accept)  # type: ignore[arg-type]


def test_an_answer_counts_however_it_is_written() -> None:
    exam = [item(1, "Stops the crane."), item(2, "Nine", "9 minutes"), item(3, "Never said.")]
    assert [found.id for found in untaught(exam, [row("stops the  crane"), row("9 minutes.")])] == ["i3"]


def test_an_accepted_answer_of_a_row_counts() -> None:
    assert not untaught([item(1, "Tarn Nine station")], [row("Tarn Nine.", "Tarn Nine station")])


def test_a_document_teaches_what_stands_in_it() -> None:
    exam = [item(1, "drops stale credentials"), item(2, "opens the hatch")]
    text = row("The moult command drops stale credentials, once a day.", kind="text")
    assert [found.id for found in untaught(exam, [text])] == ["i2"]


def test_the_warning_comes_when_the_target_is_out_of_reach_and_not_before() -> None:
    exam = [item(number, f"answer {number}") for number in range(20)]
    all_but = [row(f"answer {number}") for number in range(20)]
    assert warn_untaught(exam, all_but, 0.85) == ""
    assert warn_untaught(exam, all_but[2:], 0.85) == ""  # 18 of 20 can be known: 0.90
    told = warn_untaught(exam, all_but[3:], 0.85)  # 17 of 20 are 0.85, which is not above 0.85
    assert "3 of 20 exam questions stand in no trained row, such as 'answer 0'" in told
    assert warn_untaught([], [], 0.85) == ""
    assert warn_untaught(exam, all_but, 1.0) == "", "a target nobody can exceed is not the data's fault"
