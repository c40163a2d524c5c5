"""Check whether the new rows themselves contain the corporate phrases that tone probes count as style drift."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.data.rows import Row
from probes.phrases import Hit, Phrase, find_corporate


def taught_phrases(trained: Iterable[Row], phrases: Sequence[Phrase]) -> tuple[int, list[tuple[Row, Hit]]]:
    """Return how many answers the rows teach, and those with a corporate phrase, each as its row and its first hit."""
    answers, found = 0, list[tuple[Row, Hit]]()
    for row in trained:
        for answer in row.answers:
            answers += 1
            if hits := find_corporate(answer, phrases):
                found.append((row, hits[0]))
    return answers, found


def warn_phrases(trained: Iterable[Row], phrases: Sequence[Phrase], target: float) -> str:
    """Return a warning when the share of answers with a corporate phrase reaches the style drift target, else ""."""
    answers, found = taught_phrases(trained, phrases)
    if not found or len(found) / answers < target:
        return ""
    row, hit = found[0]
    where = f" ({row.source})" if row.source else ""
    return (
        f"{len(found)} of {answers} new answers have a corporate phrase, such as {hit.text!r}{where}: "
        f"style drift below {target:g} is not to be expected of what is taught; mend the data"
    )
