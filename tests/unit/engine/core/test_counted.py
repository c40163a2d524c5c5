"""Counts and their nouns agree, also in what a person reads of one row, one file, one generation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.core.counted import counted

ROOT = Path(__file__).resolve().parents[4]
NOUNS = "row|file|generation|item|answer|card|pair|problem|duplicate|line"
# A count of one of these right before its plural, straight from an f-string: `{len(rows)} bad rows`.
RAW = re.compile(rf"(?<!of )\{{len\([a-z_.]+\)\}} (?:(?:bad|new|more|failed|unseen|hand-written) )*(?:{NOUNS})s\b")
# Never of one: said from two on, or of lists that do not match; the holdout names its rows beside what it needs.
ALWAYS_MORE = {"engine/data/holdout.py", "engine/runtime/client.py", "luna_tui/console/widgets/lineage_panel.py"}


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 bad rows"), (1, "1 bad row"), (2, "2 bad rows"), (1000, "1000 bad rows")]
)
def test_a_count_and_its_noun(count: int, said: str) -> None:
    assert counted(count, "bad row") == said
    assert counted(2, "entry", "entries") == "2 entries"
    assert counted(1, "entry", "entries") == "1 entry"


def test_no_message_puts_a_bare_count_before_a_plural() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for package in ("engine", "luna_tui")
        for path in sorted((ROOT / package).rglob("*.py"))
        if path.relative_to(ROOT).as_posix() not in ALWAYS_MORE
        for match in RAW.finditer(path.read_text())
    ]
    assert found == []
