"""The file that accepted questions are written to: rows of a curriculum's stage."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from engine.core.errors import UsageError, cannot_write
from engine.data.questions.answers import Proposal
from engine.data.rows import prompt_group
from ledger.durable import write_durable
from ledger.errors import LedgerError


class FileExists(UsageError):
    """Raised when the rows would replace a file that is there."""


def questions_file(curriculum: Path, stages: Sequence[str], stage: str, documents: Sequence[Path]) -> Path:
    """Return the file for the questions out of these documents: `<stage>/questions-<name>.jsonl`.

    An empty stage means the first one. Raises UsageError for a stage that is not among `stages`.
    """
    if stage and stage not in stages:
        raise UsageError(f"there is no stage {stage!r}", where="--stage", hint=f"one of {', '.join(stages)}")
    more = f"-and-{len(documents) - 1}-more" if len(documents) > 1 else ""
    return curriculum / (stage or stages[0]) / f"questions-{documents[0].stem}{more}.jsonl"


def require_new(path: Path, *, force: bool = False) -> None:
    """Raise FileExists if the file is there and `force` is not set, UsageError if it could hold no rows."""
    if path.is_dir():
        raise UsageError("this is a folder", where=str(path), hint="name a file that ends in .jsonl")
    if path.suffix.lower() != ".jsonl":
        raise UsageError("the rows are JSONL", where=str(path), hint="name a file that ends in .jsonl")
    if path.exists() and not force:
        raise FileExists(
            "the file exists", where=str(path), hint="give another name with --out, or replace it with --force"
        )


def write_questions(path: Path, proposals: Sequence[Proposal], *, force: bool = False) -> None:
    """Write the rows `{"prompt", "response", "source"}`, all or none.

    Raises UsageError for no rows, an empty text or two answers to one prompt, what `require_new` raises, and LunaError
    when the file cannot be written.
    """
    if not proposals:
        raise UsageError("no question was accepted: there is nothing to write", where=str(path), hint="accept some")
    answer_of: dict[str, str] = {}
    for proposal in proposals:
        if not proposal.prompt.strip() or not proposal.response.strip():
            raise UsageError("a question or its answer is empty", where=proposal.source, hint="edit or drop it")
        answer = answer_of.setdefault(prompt_group(proposal.prompt), proposal.response)
        if answer != proposal.response:
            title = f"two answers to one question: {proposal.prompt}"
            raise UsageError(title, where=proposal.source, hint="drop or edit one of the two")
    require_new(path, force=force)
    lines = "".join(json.dumps(proposal.to_row(), ensure_ascii=False) + "\n" for proposal in proposals)
    try:
        write_durable(path, lines.encode())
    except (OSError, LedgerError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if not isinstance(cause, OSError):
            raise
        raise cannot_write(cause, path, "the accepted questions") from error
