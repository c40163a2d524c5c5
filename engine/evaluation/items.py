"""Exam items: which rows become items and how each is scored, fixed when the generation is prepared."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from engine.core.errors import Damaged
from engine.data.rows import How, Row, make_row
from probes.base import Item
from probes.distractors import DistractorPool
from probes.qa_set import fixed_sample

_VERIFY = "luna-tui verify shows what else is hurt"

MATCH_WORDS = 12
"""A knowledge answer of at most this many words is a fact with one right wording (`match`); a longer one is not."""


def make_items(
    rows: Sequence[Row],
    pool_rows: Sequence[Row],
    gen: int,
    last_stage: str,
    on_done: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[Item]:
    """Return one item a row; `choice` items get distractors from `pool_rows` (the generation's new rows).

    `on_done(done, total)` counts the rows processed, those of the pool included, and may raise to stop. A row without a
    possible distractor (no other topic, no other wording) is scored by `match` instead.
    """
    done, total = 0, len(pool_rows) + len(rows)

    def looked_at() -> None:
        nonlocal done
        done = min(done + 1, total - 1)
        on_done(done, total)

    pools = {
        kind: _pool([r for r in pool_rows if r.kind == kind], gen, last_stage, looked_at) for kind in ("qa", "text")
    }
    items: list[Item] = []
    for row in rows:
        looked_at()
        item = _bare_item(row, gen, last_stage)
        if item.how == "choice":
            item = _with_distractors(item, pools[row.kind], row.group)
        items.append(item)
    on_done(total, total)
    return items


def qa_items(
    exam: Sequence[Item],
    trained: Sequence[Row],
    pool_rows: Sequence[Row],
    count: int,
    gen: int,
    last_stage: str,
    on_done: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[Item]:
    """Return a generation's QA set: its exam and up to `count` of the new rows it was trained on, selected by hash."""
    chosen = set(fixed_sample([row.id for row in trained], count, f"qa-set G{gen}"))
    return [*exam, *make_items([row for row in trained if row.id in chosen], pool_rows, gen, last_stage, on_done)]


def write_items(path: Path, items: Iterable[Item]) -> None:
    """Write items to a file as one JSON object a line."""
    lines = [json.dumps(item.to_dict(), ensure_ascii=False, sort_keys=True) for item in items]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8", newline="\n")


def read_items(path: Path) -> list[Item]:
    """Read what `write_items` wrote; a missing file means no items.

    Raises Damaged for a file that cannot be read, or a line that is no item.
    """
    if not path.exists():
        return []
    items: list[Item] = []
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # not splitlines: U+2028 in a prompt is no line end
    except (OSError, UnicodeDecodeError) as error:
        raise Damaged(f"cannot be read: {error}", where=str(path), hint=_VERIFY) from error
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            items.append(Item.from_dict(json.loads(line)))
        except (ValueError, KeyError, TypeError) as error:
            raise Damaged(f"line {number} is no exam item: {error}", where=str(path), hint=_VERIFY) from error
    return items


def questions(items: Iterable[Item]) -> list[Item]:
    """Return the items that a person could ask: not those whose prompt is the first half of a document's paragraph."""
    return [item for item in items if make_row(item.prompt, item.expected).id == item.id]


def how_scored(row: Row, last_stage: str) -> How:
    """Return `match` or `choice` for a row, by the scoring rules of the product page."""
    if row.score is not None and row.kind == "qa":
        return row.score
    if row.kind == "text":
        return "choice"
    if row.stage == last_stage:
        return "match" if row.accept else "choice"
    return "match" if len(row.response.split()) <= MATCH_WORDS else "choice"


def _bare_item(row: Row, gen: int, last_stage: str) -> Item:
    prompt, expected = (row.prompt, row.response) if row.kind == "qa" else _halves(row.response)
    return Item(
        id=row.id,
        prompt=prompt,
        expected=expected,
        how=how_scored(row, last_stage),
        accept=row.accept,
        stage=row.stage,
        topic=row.topic,
        gen=gen,
    )


def _halves(text: str) -> tuple[str, str]:
    """Split a paragraph after half of its words: the first half is the prompt, the second the answer."""
    words = text.split()
    middle = max(1, len(words) // 2)
    return " ".join(words[:middle]), " ".join(words[middle:]) or words[-1]


def _pool(rows: Sequence[Row], gen: int, last_stage: str, looked_at: Callable[[], None]) -> DistractorPool:
    items = (_bare_item(row, gen, last_stage) for row in rows)
    return DistractorPool(items, (row.group for row in rows), looked_at)


def _with_distractors(item: Item, pool: DistractorPool, group: str) -> Item:
    try:
        return replace(item, distractors=pool.choose(item, group=group))
    except ValueError:
        return replace(item, how="match")
