"""The end of a log that something else writes."""

from __future__ import annotations

import os


def log_tail(fd: int, begins: int, most: int = 16_384) -> str:
    """Return what was written to an open log from byte `begins` on, its last `most` bytes, stripped.

    Bytes that are no UTF-8 are replaced. Raises OSError when the log cannot be read.
    """
    size = os.fstat(fd).st_size
    start = max(begins, size - most)
    return os.pread(fd, max(0, size - start), start).decode("utf-8", "replace").strip()
