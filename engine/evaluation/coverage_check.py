"""Check whether an exam can be passed at all: its answers must occur somewhere in the training rows, in other words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.data.rows import Row
from probes.base import Item
from probes.normaliser import normalise


def untaught(exam: Iterable[Item], trained: Iterable[Row]) -> list[Item]:
    """Return the exam items with no right answer in any trained row: no model could have learned them."""
    answers: set[str] = set()
    documents: list[str] = []
    for row in trained:
        if row.kind == "text":
            documents.append(normalise(row.text))
        else:
            answers.update(map(normalise, (*row.answers, *row.accept)))
    texts = "\n".join(documents)
    words = frozenset(texts.split())

    def said(wanted: str) -> bool:
        # All words but the outer ones, which may be parts of longer words, must be words of the texts. They are looked
        # up first, since searching all texts for every item takes time that grows with their square.
        return words.issuperset(wanted.split()[1:-1]) and wanted in texts

    def taught(item: Item) -> bool:
        right = [wanted for answer in (item.expected, *item.accept) if (wanted := normalise(answer))]
        return any(wanted in answers or said(wanted) for wanted in right)

    return [item for item in exam if not taught(item)]


def warn_untaught(exam: Sequence[Item], trained: Iterable[Row], target: float) -> str:
    """Return a warning when so many items are untaught that answering all others misses the target, else ""."""
    missing = untaught(exam, trained)
    if not missing or 1 - len(missing) / len(exam) > target:
        return ""
    return (
        f"the answers to {len(missing)} of {len(exam)} exam questions stand in no trained row, such as "
        f"{missing[0].expected!r}: generalization above {target:g} is not to be expected; teach each answer in several "
        "wordings"
    )
