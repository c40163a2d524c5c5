"""Keeps library output off the terminal: while libraries run, descriptors 1 and 2 lead to a log file and luna draws on
duplicates.

C libraries, warnings and third-party progress bars write to the descriptors themselves; only redirecting these keeps
stdout pure JSON and the progress bars intact. Child processes started meanwhile inherit the log file.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

_LOG_LIMIT = 5_000_000


@dataclass(frozen=True, slots=True)
class Streams:
    """Duplicates of the original stdout and stderr while descriptors 1 and 2 lead to the log."""

    out: TextIO
    err: TextIO


@contextlib.contextmanager
def quiet_output(log: Path) -> Iterator[Streams]:
    """Redirect descriptors 1 and 2 to `log` and yield duplicates of the originals; restore them at the end."""
    sys.stdout.flush()
    sys.stderr.flush()
    if not (_is_descriptor(sys.stdout, 1) and _is_descriptor(sys.stderr, 2)):
        yield Streams(sys.stdout, sys.stderr)  # the streams are already replaced, for example by a test
        return
    log_descriptor = _open_log(log)
    kept_out, kept_err = os.dup(1), os.dup(2)
    out, err = _text_file(os.dup(1), sys.stdout), _text_file(os.dup(2), sys.stderr)
    os.dup2(log_descriptor, 1)
    os.dup2(log_descriptor, 2)
    os.close(log_descriptor)
    try:
        yield Streams(out, err)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(kept_out, 1)
        os.dup2(kept_err, 2)
        os.close(kept_out)
        os.close(kept_err)
        with contextlib.suppress(OSError):
            out.close()
        with contextlib.suppress(OSError):
            err.close()


def _is_descriptor(stream: TextIO, number: int) -> bool:
    try:
        return stream.fileno() == number
    except (OSError, ValueError, AttributeError):
        return False


def _text_file(descriptor: int, like: TextIO) -> TextIO:
    return os.fdopen(descriptor, "w", encoding=like.encoding, errors=like.errors, buffering=1)


def _open_log(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        if path.exists() and path.stat().st_size > _LOG_LIMIT:
            flags |= os.O_TRUNC
        return os.open(path, flags, 0o644)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
