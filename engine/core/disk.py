"""Room on a disk."""

from __future__ import annotations

import shutil
from pathlib import Path

GIB = 1024**3


def free_bytes(path: Path) -> int:
    """Return the bytes this user may still write where `path` lies."""
    return shutil.disk_usage(path).free
