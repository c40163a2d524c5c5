"""Whether an exam can be passed at all: what it asks must be said somewhere in what is trained, in other words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.rows import Row
from probes.base import Item
from probes.normaliser import normalise


def untaught(exam: Iterable[Item], trained: Iterable[Row]) -> list[Item]:
    """Return the exam items of which no right answer stands in any trained row: no model could have learned them."""
    rows = list(trained)
    answers = {normalise(answer) for row in rows if row.kind == "qa" for answer in (row.response, *row.accept)}
    texts = [normalise(row.text) for row in rows if row.kind == "text"]

    def taught(item: Item) -> bool:
        right = [wanted for answer in (item.expected, *item.accept) if (wanted := normalise(answer))]
        return any(wanted in answers or any(wanted in text for text in texts) for wanted in right)

    return [item for item in exam if not taught(item)]


def warn_untaught(exam: Sequence[Item], trained: Iterable[Row], target: float) -> str:
    """Return a warning when so many items are untaught that knowing all the others misses the target, else nothing."""
    missing = untaught(exam, trained)
    if not missing or 1 - len(missing) / len(exam) > target:
        return ""
    return (
        f"the answers to {len(missing)} of {len(exam)} exam questions stand in no trained row, such as "
        f"{missing[0].expected!r}: generalization above {target:g} is not to be expected; teach each answer in several "
        "wordings"
    )
