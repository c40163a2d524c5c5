"""Replay: which earlier rows a generation is trained on again, and the order in which old and new rows are fed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from engine.data.rows import Row, count_answers
from ledger.hashing import sha256_text


@dataclass(frozen=True, slots=True)
class AncestorData:
    """The new rows an ancestor was trained on, without its holdout and its own replayed rows."""

    gen: int
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class FedRow:
    """A row in the feeding order: new, or replayed from generation `from_gen`."""

    row: Row
    replay: bool = False
    from_gen: int | None = None


def choose_replay(
    ancestors: Sequence[AncestorData],
    count: int = 100,
    scope: Literal["lineage", "parent"] = "lineage",
    *,
    child_gen: int,
    seed: int = 0,
    forbidden_ids: Collection[str] = (),
) -> list[FedRow]:
    """Choose rows of the ancestors (root first) that teach up to `count` answers, in the ancestors' order.

    They are for generation `child_gen`. Of the last conversation that an ancestor gives only as many answers are
    replayed as its share has left.

    With the scope "parent" only the last ancestor counts. Every ancestor gives an equal share, the remainder falls to
    the oldest, and one with fewer rows passes its share on. Within an ancestor the rows form a wheel that cycles
    through its (stage, topic) pairs, and each generation takes the stretch after the last one's: as many topics as
    possible each time, all of them after a few generations. No id of `forbidden_ids` (every ancestor's holdout) is
    chosen, and no id twice.
    """
    taken = set(forbidden_ids)
    sources: list[tuple[int, list[Row]]] = []
    for ancestor in ancestors[-1:] if scope == "parent" else ancestors:
        rows = [row for row in {row.id: row for row in ancestor.rows}.values() if taken.isdisjoint(row.ids)]
        taken.update(id_ for row in rows for id_ in row.ids)
        sources.append((ancestor.gen, rows))
    shares = _shares([count_answers(rows) for _, rows in sources], count)
    return [
        FedRow(row, replay=True, from_gen=gen)
        for (gen, rows), share in zip(sources, shares, strict=True)
        for row in _turn_wheel(rows, share, start=child_gen * share, salt=f"{seed}\0{gen}")
    ]


def interleave(new_rows: Iterable[Row], replay: Iterable[FedRow], stages: Sequence[str]) -> list[FedRow]:
    """Put new and replayed rows into feeding order: by stage, and in each stage the replayed ones spread evenly.

    Rows of a stage that is no longer configured are fed first, so that the last stage stays last.
    """
    fed = [*(FedRow(row) for row in new_rows), *replay]
    found = dict.fromkeys(item.row.stage for item in fed)
    order = [*(stage for stage in found if stage not in stages), *stages]
    ordered: list[FedRow] = []
    for stage in order:
        here = [item for item in fed if item.row.stage == stage]
        new, old = [item for item in here if not item.replay], [item for item in here if item.replay]
        places = [(_place(index, len(group)), item) for group in (new, old) for index, item in enumerate(group)]
        ordered += [item for _, item in sorted(places, key=lambda placed: placed[0])]
    return ordered


def _place(index: int, count: int) -> float:
    """Return the position between 0 and 1 of the index-th of `count` evenly spread items."""
    return (index + 0.5) / count


def _shares(available: Sequence[int], count: int) -> list[int]:
    """Split `count` equally: a source with no more than the equal share gives all, the remainder falls to the first."""
    shares = [0] * len(available)
    left = min(count, sum(available))
    dealing: list[int] = list(range(len(available)))
    while dealing:
        each, extra = divmod(left, len(dealing))
        poor = [place for place in dealing if available[place] <= each]
        for number, place in enumerate(poor or dealing):
            shares[place] = available[place] if poor else each + (number < extra)
            left -= shares[place]
        dealing = [place for place in dealing if available[place] > each] if poor else []
    return shares


def _turn_wheel(rows: Sequence[Row], share: int, *, start: int, salt: str) -> list[Row]:
    """Take rows with `share` answers from position `start` of an endless wheel: topic after topic, then other rows."""
    by_topic: dict[tuple[str, str], list[Row]] = {}
    for row in sorted(rows, key=lambda row: sha256_text(f"{salt}\0{row.id}")):
        by_topic.setdefault((row.stage, row.topic or ""), []).append(row)
    wheel = [by_topic[topic] for topic in sorted(by_topic, key=lambda topic: sha256_text(f"{salt}\0{topic}"))]
    chosen: list[Row] = []
    rounds = [0] * len(wheel)
    position = start
    answers = 0
    while answers < share and len(chosen) < len(rows):
        spoke, turn = position % len(wheel), position // len(wheel)
        if rounds[spoke] < len(wheel[spoke]):
            chosen.append(wheel[spoke][turn % len(wheel[spoke])].first_answers(share - answers))
            answers += chosen[-1].size
            rounds[spoke] += 1
        position += 1
    return chosen
