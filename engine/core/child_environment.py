"""The environment of child Python processes: luna's packages are importable, the working directory is not."""

from __future__ import annotations

import os
from pathlib import Path

import engine


def child_environment() -> dict[str, str]:
    """Return this process's environment with luna's packages first on PYTHONPATH, before the entries already there.

    Children start with `python -P`, which keeps PYTHONPATH and leaves the working directory out; an empty entry, as in
    `PYTHONPATH=lib:`, would bring it back and is dropped.
    """
    packages = str(Path(engine.__file__ or "").resolve().parents[1])
    given = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    return {**os.environ, "PYTHONPATH": os.pathsep.join([packages, *given])}
