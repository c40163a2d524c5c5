"""Free disk space as the current user may use it."""

from __future__ import annotations

import shutil
from pathlib import Path

GIB = 1024**3


def free_bytes(path: Path) -> int:
    """Return the bytes that this user can still write on the file system that holds `path`."""
    return shutil.disk_usage(path).free
