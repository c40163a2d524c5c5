"""The verdict on a generation's page: a rescued one is told as such, and not as if it had failed."""

from __future__ import annotations

from typing import Any

from luna_tui.common.terminal import UNICODE
from luna_tui.console.render.generation_verdict import draw_verdict


def drawn(verdict: str, reasons: list[str]) -> tuple[str, set[str]]:
    row: dict[str, Any] = {"GEN_ID": 4, "verdict": verdict, "parent_gen": 3, "reasons": reasons}
    lines = draw_verdict(row, {}, {"items": [], "tone": []}, {}, 4, 100, UNICODE)
    return "\n".join(line.plain for line in lines), {str(span.style) for line in lines for span in line.spans}


def test_a_rescued_generation_is_no_failure() -> None:
    text, styles = drawn("accepted", ["rescued: 0.5 of the change is kept"])
    assert "rescued: 0.5 of the change is kept" in text
    assert UNICODE.rejected not in text
    assert "bad" not in styles


def test_a_rejected_one_is() -> None:
    text, styles = drawn("rejected", ["recall 0.800 is not above 0.9 (n 100)"])
    assert f"{UNICODE.rejected} recall 0.800" in text
    assert "bad" in styles
