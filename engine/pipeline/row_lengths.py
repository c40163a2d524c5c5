"""Find the answers that are longer than the context, before anything depends on them.

What counts is an answer with its prompt; a conversation may be longer, since it is cut between its turns. A token
stands for at least one byte, so most rows are known to fit without a tokenizer. Only the others are tokenized, by the
base's own GGUF, and their lengths are cached: a meter that is read every few seconds tokenizes once. Nothing depends on
the cache; a missing or corrupt file costs time only.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from engine.config.config import Config
from engine.core.counted import counted
from engine.core.errors import LunaError, UsageError
from engine.data.rows import BadRow, Row
from engine.workspace.layout import Workspace

if TYPE_CHECKING:
    from engine.runtime.client import Runtime

HINT = "split these rows, or raise [model] context in luna.toml"
_EXTRA = 5
"""Tokens besides those of the row's own bytes.

They are BOS, EOS, the line break before the answer, and a space that some tokenizers put before each of the two texts.
"""


@dataclass(frozen=True, slots=True)
class Lengths:
    """The answers that exceed `context` tokens, and how many rows may hold some that could not be measured.

    `too_long` gives lengths in tokens, each with its prompt, by id; that of a plain text by the row's id.
    """

    context: int
    too_long: Mapping[str, int]
    unmeasured: int = 0

    def fitting(self, rows: Iterable[Row]) -> list[Row]:
        """Return the rows without the answers that are too long; plain texts stay, since they can be cut."""
        return [left for row in rows if (left := row if row.kind == "text" else row.without(self.too_long))]

    def as_bad_rows(self, rows: Iterable[Row]) -> tuple[BadRow, ...]:
        """Return one bad row for each row that has answers which are too long, in the order of `rows`."""
        bad: list[BadRow] = []
        for row in rows:
            long = [self.too_long[id_] for id_ in row.ids if id_ in self.too_long] if row.kind != "text" else []
            if not long:
                continue
            reason = f"{max(long)} tokens, longer than the context of {self.context}"
            if row.size > 1:
                reason = f"{len(long)} of its {counted(row.size, 'answer')}: up to {reason}"
            file, _, line = row.source.rpartition(":")
            bad.append(BadRow(file, int(line) if line.isdigit() else 0, reason))
        return tuple(bad)


@dataclass(slots=True)
class _Kept:
    """Lengths measured with one GGUF: the model's own context window, and tokens by row id."""

    window: int
    tokens: dict[str, int] = field(default_factory=dict[str, int])


def measure(workspace: Workspace, config: Config, rows: Sequence[Row], runtime: Runtime | None = None) -> Lengths:
    """Find the answers and texts that exceed the context, configured or the model's own.

    Rows that may be too long stay unmeasured where the base has no GGUF yet, or none that can be read: training reports
    what is wrong with it. `runtime` is used in place of a subprocess of its own.
    """
    context = config.model.context
    if not rows:
        return Lengths(context, {})
    try:
        return _measure(workspace, config, rows, runtime)
    except LunaError:
        long = sum(any(_most_tokens(part) > context for part in _parts(row)) for row in rows)
        return Lengths(context, {}, long)


def require_fit(workspace: Workspace, config: Config, row: Row) -> None:
    """Raise UsageError for a row that exceeds the context, while the person who wrote it is there to shorten it."""
    found = measure(workspace, config, [row])
    if long := found.as_bad_rows([row]):
        raise UsageError(
            f"this cannot be learnt: prompt and answer take {long[0].reason}",
            where="inbox",
            hint="write a shorter answer, or raise [model] context in luna.toml",
        )


def _measure(workspace: Workspace, config: Config, rows: Sequence[Row], runtime: Runtime | None) -> Lengths:
    from engine.models.base import tokenizer_gguf

    gguf = tokenizer_gguf(workspace, config.model.base)
    if gguf is None:
        raise UsageError("the base has no GGUF yet", where=config.model.base)
    kept = _load(workspace, gguf)
    changed = kept is None
    kept = kept or _Kept(_window(gguf))
    context = min(config.model.context, kept.window)
    longer = [part for row in rows for part in _parts(row) if _most_tokens(part) > context]
    unknown = [row for row in longer if row.id not in kept.tokens]
    if unknown:
        kept.tokens |= _count(gguf, unknown, runtime)
        changed = True
    if changed and workspace.models.is_dir():  # a read must not create a workspace
        _save(workspace, gguf, kept)
    return Lengths(context, {row.id: n for row in longer if (n := kept.tokens[row.id]) > context})


def _parts(row: Row) -> list[Row]:
    """Return what of a row must fit as a whole: itself, or each answer of a conversation with the prompt before it."""
    if row.kind != "chat":
        return [row]
    return [Row(part.id, "qa", part.prompt, part.text) for part in row.learned_answers(with_history=False)]


def _most_tokens(row: Row) -> int:
    return len(row.prompt.encode()) + len(row.response.encode()) + _EXTRA


def _window(gguf: Path) -> int:
    from engine.gguf.header import check_gguf
    from engine.pipeline.steps.encode import UNLIMITED

    header = check_gguf(gguf)
    length = header.metadata.get(f"{header.architecture}.context_length")
    return length if isinstance(length, int) and length > 0 else UNLIMITED


def _count(gguf: Path, rows: Sequence[Row], runtime: Runtime | None) -> dict[str, int]:
    from engine.pipeline.steps.encode import count_tokens
    from engine.runtime.client import Runtime

    if runtime is not None:
        return count_tokens(runtime, gguf, rows)
    with Runtime() as own:
        return count_tokens(own, gguf, rows)


def _identity(gguf: Path) -> list[object]:
    stat = gguf.stat()
    return [stat.st_size, stat.st_mtime_ns]


def _load(workspace: Workspace, gguf: Path) -> _Kept | None:
    """Return the cached lengths of exactly this GGUF, None when there are none or the file is malformed."""
    try:
        kept = cast("dict[str, Any]", json.loads(workspace.row_lengths.read_bytes()))
        if kept["gguf"] != _identity(gguf):
            return None
        return _Kept(int(kept["window"]), {str(name): int(n) for name, n in kept["tokens"].items()})
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _save(workspace: Workspace, gguf: Path, kept: _Kept) -> None:
    """Replace the file atomically, but without fsync: a torn one is noticed and measured again."""
    path = workspace.row_lengths
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    plain = {"gguf": _identity(gguf), "window": kept.window, "tokens": kept.tokens}
    with contextlib.suppress(OSError):  # a read-only or full disk: the next reader measures again
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_text(json.dumps(plain))
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
