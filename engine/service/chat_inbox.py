"""Puts a stored conversation into the inbox as a whole."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from engine.config.config import Config
from engine.core.errors import UsageError
from engine.data.conversations import rows_of
from engine.data.curriculum import read_files
from engine.data.inbox import append_rows
from engine.data.read_rules import ReadRules
from engine.data.rows import count_answers
from engine.pipeline.row_lengths import HINT, measure
from engine.workspace.chats.record import StoredChat
from engine.workspace.layout import Workspace


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What a conversation brought: how many rows with how many answers.

    `known` answers are in the inbox already, and `left_out` ones are no examples: they did not end by themselves, have
    no text, or exceed the context with their prompts.
    """

    rows: int
    answers: int
    known: int
    left_out: int

    def to_dict(self) -> dict[str, int]:
        """Return the counts for `--json`."""
        return asdict(self)


def chat_to_inbox(workspace: Workspace, config: Config, chat: StoredChat) -> TakenIn:
    """Append a conversation to the inbox: one row, or one for each prompt that was asked on its own.

    Answers that the inbox has, rated down or not, stay in it as history only. Raises UsageError when nothing is left
    to be learnt, LedgerError when the row cannot be written.
    """
    rows, unfit = rows_of(chat)
    section = config.curriculum
    there = read_files(
        [workspace.root / section.inbox], section.stages[-1], rules=ReadRules.of(section), missing_ok=True
    )
    ids = {id_ for row in there.rows for id_ in row.ids}
    new = [left for row in rows if (left := row.without(ids))]
    lengths = measure(workspace, config, new)
    fitting = lengths.fitting(new)
    if not rows:
        hint = "correct one in the console (e), or ask again with more tokens"
        raise UsageError("no answer of it ended by itself, so none is an example", where=chat.id, hint=hint)
    if not new:
        raise UsageError("all its answers are in the inbox already", where=chat.id, hint="luna-tui inbox list")
    if not fitting:
        raise UsageError("its answers are longer than the context with their prompts", where=chat.id, hint=HINT)
    append_rows(workspace, fitting, folder=section.inbox, keep_markers=section.markers == "keep")
    answers = count_answers(fitting)
    return TakenIn(
        rows=len(fitting),
        answers=answers,
        known=count_answers(rows) - count_answers(new),
        left_out=unfit + count_answers(new) - answers,
    )
