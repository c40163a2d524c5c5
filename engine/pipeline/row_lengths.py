"""Find the inbox rows that are longer than the context, before anything depends on them.

A token stands for at least one byte, so most rows are known to fit without a tokenizer. Only the others are tokenized,
by the base's own GGUF, and their lengths are cached: a meter that is read every few seconds tokenizes once. Nothing
depends on the cache; a missing or corrupt file costs time only.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Mapping, Sequence
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
    """The rows that exceed `context` tokens, and how many may exceed it but could not be measured.

    `too_long` gives lengths in tokens by row id.
    """

    context: int
    too_long: Mapping[str, int]
    unmeasured: int = 0

    def reason(self, row: Row) -> str:
        """Return why a row of `too_long` cannot be trained on."""
        return f"{self.too_long[row.id]} tokens, longer than the context of {self.context}"

    def as_bad_rows(self, rows: Sequence[Row]) -> tuple[BadRow, ...]:
        """Return one bad row for each line of a file that gave rows which are too long, in the order of `rows`."""
        of_line: dict[str, list[Row]] = {}
        for row in rows:
            of_line.setdefault(row.source, []).append(row)
        bad: list[BadRow] = []
        for source, found in of_line.items():
            long = [row for row in found if row.id in self.too_long]
            if not long:
                continue
            reason = self.reason(max(long, key=lambda row: self.too_long[row.id]))
            if len(found) > 1:
                reason = f"{len(long)} of its {counted(len(found), 'answer')}: up to {reason}"
            file, _, line = source.rpartition(":")
            bad.append(BadRow(file, int(line), reason))
        return tuple(bad)


@dataclass(slots=True)
class _Kept:
    """Lengths measured with one GGUF: the model's own context window, and tokens by row id."""

    window: int
    tokens: dict[str, int] = field(default_factory=dict[str, int])


def measure(workspace: Workspace, config: Config, rows: Sequence[Row], runtime: Runtime | None = None) -> Lengths:
    """Find the rows that exceed the context, configured or the model's own.

    Rows that may be too long stay unmeasured where the base has no GGUF yet, or none that can be read: training reports
    what is wrong with it. `runtime` is used in place of a subprocess of its own.
    """
    context = config.model.context
    if not rows:
        return Lengths(context, {})
    try:
        return _measure(workspace, config, rows, runtime)
    except LunaError:
        return Lengths(context, {}, sum(_most_tokens(row) > context for row in rows))


def require_fit(workspace: Workspace, config: Config, row: Row) -> None:
    """Raise UsageError for a row that exceeds the context, while the person who wrote it is there to shorten it."""
    found = measure(workspace, config, [row])
    if row.id in found.too_long:
        raise UsageError(
            f"this cannot be learnt: prompt and answer take {found.reason(row)}",
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
    longer = [row for row in rows if _most_tokens(row) > context]
    unknown = [row for row in longer if row.id not in kept.tokens]
    if unknown:
        kept.tokens |= _count(gguf, unknown, runtime)
        changed = True
    if changed and workspace.models.is_dir():  # a read must not create a workspace
        _save(workspace, gguf, kept)
    return Lengths(context, {row.id: n for row in longer if (n := kept.tokens[row.id]) > context})


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
