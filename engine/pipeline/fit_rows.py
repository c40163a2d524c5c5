"""Make rows fit the context before any is selected: long texts are cut, answers that cannot fit are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.config.config import Config
from engine.core.counted import counted
from engine.data.cut_text import cut_text
from engine.data.rows import BadRow, Row, make_row
from engine.pipeline.row_lengths import measure
from engine.runtime.client import Runtime
from engine.workspace.layout import Workspace

_SPECIALS = 2
"""Tokens of a text's sequence besides its own: BOS and EOS."""


@dataclass(frozen=True, slots=True)
class FittedRows:
    """Rows of which every answer and text fits the context, what was left out, and what was cut.

    `too_long` are the ids of the answers left out; `cut` are sentences for the log.
    """

    rows: tuple[Row, ...]
    left_out: tuple[BadRow, ...] = ()
    too_long: frozenset[str] = frozenset()
    cut: tuple[str, ...] = field(default=())


def fit_rows(
    workspace: Workspace, config: Config, rows: Sequence[Row], runtime: Runtime, *, keep_questions: bool = False
) -> FittedRows:
    """Return the rows without the answers that exceed the context, and with long texts in pieces.

    The pieces of a text stay together: they are all trained on, or all held out. With `keep_questions` questions that
    are too long stay among the rows, for the caller to leave out.
    """
    lengths = measure(workspace, config, rows, runtime)
    if not lengths.too_long:
        return FittedRows(tuple(rows))

    def count(texts: Sequence[str]) -> list[int]:
        return list(map(len, runtime.tokenize(texts)))

    fitted: list[Row] = []
    cut: list[str] = []
    for row in rows:
        if row.kind == "text" and row.id in lengths.too_long:
            pieces = cut_text(row.text, lengths.context - _SPECIALS, count)
            fitted += (_piece(row, text) for text in pieces)
            cut.append(f"{row.source}: {lengths.too_long[row.id]} tokens, cut into {counted(len(pieces), 'piece')}")
        else:
            fitted += [row] if keep_questions and row.kind == "qa" else lengths.fitting([row])
    answers = {id_ for row in rows if row.kind != "text" for id_ in row.ids if id_ in lengths.too_long}
    return FittedRows(tuple(fitted), lengths.as_bad_rows(rows), frozenset(answers), tuple(cut))


def _piece(row: Row, text: str) -> Row:
    return make_row(
        "",
        text,
        kind="text",
        topic=row.topic,
        karma=row.karma,
        score=row.score,
        stage=row.stage,
        source=row.source,
        group=row.group,
    )
