"""Contamination: exam questions that occur in nearly the same words in the training data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from probes.normaliser import normalise

NEAR = 0.8
"""Two prompts whose shingles overlap by this much ask the same; a true paraphrase overlaps by far less."""
_WORDS = 2


@dataclass(frozen=True, slots=True)
class Near:
    """An exam item (`item`) and the training row nearest to it, with the overlap of their prompts, 0–1."""

    item: str
    row: str
    prompt: str
    trained: str
    overlap: float

    def to_dict(self) -> dict[str, Any]:
        """Return the pair as plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


def near_duplicates(
    exam: Iterable[tuple[str, str, str]], trained: Sequence[tuple[str, str, str]], *, threshold: float = NEAR
) -> list[Near]:
    """Return each exam item with the trained row that asks nearly the same and has the same answer, the nearest first.

    Both are given as (id, prompt, answer). The overlap is the resemblance of the prompts' word pairs, shared over all,
    with the sentence's ends as words. Paraphrases of a fact are meant to occur on both sides, since that is what
    generalization tests: only wording that is nearly the same is reported. Time grows with the rows that share a word
    pair, not with exam × training. Source: A. Broder (1997), "On the resemblance and containment of documents".
    """
    shingles = [_shingles(prompt) for _, prompt, _ in trained]
    rows_with: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, found in enumerate(shingles):
        for shingle in found:
            rows_with[shingle].append(number)
    near: list[Near] = []
    for item, prompt, answer in exam:
        mine, wanted = _shingles(prompt), normalise(answer)
        shared: dict[int, int] = defaultdict(int)
        for shingle in mine:
            for number in rows_with.get(shingle, ()):
                shared[number] += 1
        best: Near | None = None
        for number, count in shared.items():
            overlap = count / (len(mine) + len(shingles[number]) - count)
            if overlap < threshold or (best is not None and overlap <= best.overlap):
                continue
            row, other, other_answer = trained[number]
            if normalise(other_answer) == wanted:
                best = Near(item, row, prompt, other, overlap)
        if best is not None:
            near.append(best)
    return sorted(near, key=lambda pair: (-pair.overlap, pair.item))


def _shingles(prompt: str) -> frozenset[tuple[str, ...]]:
    words = ["<", *normalise(prompt).split(), ">"]
    return frozenset(tuple(words[at : at + _WORDS]) for at in range(len(words) - _WORDS + 1))
