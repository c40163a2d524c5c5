"""Exam items: which rows become items and how each is scored, fixed when the generation is prepared."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from engine.core.errors import Damaged
from engine.data.messages import LearnedAnswer
from engine.data.rows import How, Row, count_answers, make_row
from probes.base import Item
from probes.distractors import DistractorPool
from probes.qa_set import fixed_sample

_VERIFY = "luna-tui verify shows what else is hurt"

MATCH_WORDS = 12
"""A knowledge answer of at most this many words is a fact with one right wording (`match`); a longer one is not."""

MOST_TURNS = 512
"""The turns of history an item is made with; it is even, so that a history still begins with a person's turn."""


def make_items(
    rows: Sequence[Row],
    pool_rows: Sequence[Row],
    gen: int,
    last_stage: str,
    on_done: Callable[[int, int], None] = lambda _done, _total: None,
    *,
    only: Collection[str] | None = None,
) -> list[Item]:
    """Return one item for each answer of the rows and for each text, or only for those with the ids of `only`.

    An answer of a conversation has the turns before it as its history. `choice` items get distractors from `pool_rows`
    (the generation's new rows); one without a possible distractor (no other topic, no other wording) is scored by
    `match` instead. `on_done(done, total)` counts the answers processed, those of the pool included, and may raise to
    stop.
    """
    done, total = 0, count_answers(pool_rows) + count_answers(rows)

    def looked_at() -> None:
        nonlocal done
        done = min(done + 1, total - 1)
        on_done(done, total)

    is_text = {False: _pool([r for r in pool_rows if r.kind != "text"], gen, last_stage, looked_at)}
    is_text[True] = _pool([r for r in pool_rows if r.kind == "text"], gen, last_stage, looked_at)
    items: list[Item] = []
    for row in rows:
        for item in _bare_items(row, gen, last_stage):
            looked_at()
            if only is not None and item.id not in only:
                continue
            chosen = item if item.how == "match" else _with_distractors(item, is_text[row.kind == "text"], row.group)
            items.append(chosen)
    on_done(total, total)
    return items


def make_exams(
    held_out: Sequence[Row],
    trained: Sequence[Row],
    new: Sequence[Row],
    trained_items: int,
    gen: int,
    last_stage: str,
    on_done: Callable[[int, int], None] = lambda _done, _total: None,
) -> tuple[list[Item], list[Item]]:
    """Return a generation's exam and its QA set.

    The exam holds an item for each answer held out, the QA set these and up to `trained_items` of what it was trained
    on, selected by hash. `new` are all new rows, of which distractors are taken.
    """
    chosen = fixed_sample([id_ for row in trained for id_ in row.ids], trained_items, f"qa-set G{gen}")
    wanted = {*chosen, *(id_ for row in held_out for id_ in row.ids)}
    items = make_items([*held_out, *trained], new, gen, last_stage, on_done, only=wanted)
    return items[: count_answers(held_out)], items


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
    return [item for item in items if item.history or make_row(item.prompt, item.expected).id == item.id]


def how_scored(row: Row, answer: str, last_stage: str, accept: Sequence[str]) -> How:
    """Return `match` or `choice` for an answer of a row, by the scoring rules of the product page."""
    if row.kind == "text":
        return "choice"
    if row.score is not None:
        return row.score
    if row.stage == last_stage:
        return "match" if accept else "choice"
    return "match" if len(answer.split()) <= MATCH_WORDS else "choice"


def _bare_items(row: Row, gen: int, last_stage: str, *, with_history: bool = True) -> Iterator[Item]:
    """Yield the items of a row without distractors; other wordings are accepted for its last answer only."""
    if row.kind == "text":
        prompt, expected = _halves(row.response)
        asked: Iterable[LearnedAnswer] = [LearnedAnswer(row.id, (), prompt, expected)]
    else:
        asked = row.learned_answers(with_history=with_history)
    for number, answer in enumerate(asked, start=1):
        accept = row.accept if number == row.size else ()
        yield Item(
            id=answer.id,
            prompt=answer.prompt,
            expected=answer.text,
            how=how_scored(row, answer.text, last_stage, accept),
            accept=accept,
            stage=row.stage,
            topic=row.topic,
            gen=gen,
            history=answer.history[-MOST_TURNS:],
        )


def _halves(text: str) -> tuple[str, str]:
    """Split a paragraph after half of its words: the first half is the prompt, the second the answer."""
    words = text.split()
    middle = max(1, len(words) // 2)
    return " ".join(words[:middle]), " ".join(words[middle:]) or words[-1]


def _pool(rows: Sequence[Row], gen: int, last_stage: str, looked_at: Callable[[], None]) -> DistractorPool:
    items = [(item, row.group) for row in rows for item in _bare_items(row, gen, last_stage, with_history=False)]
    return DistractorPool((item for item, _ in items), (group for _, group in items), looked_at)


def _with_distractors(item: Item, pool: DistractorPool, group: str) -> Item:
    try:
        return replace(item, distractors=pool.choose(item, group=group))
    except ValueError:
        return replace(item, how="match")
