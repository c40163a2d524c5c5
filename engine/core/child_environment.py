"""The environment of children that run Python: they find luna's packages, and nothing in the working directory."""

from __future__ import annotations

import os
from pathlib import Path

import engine


def child_environment() -> dict[str, str]:
    """Ours, with luna's packages first on PYTHONPATH, then the entries given there on purpose.

    Children start with `python -P`, which keeps PYTHONPATH and leaves the working directory out; an empty entry, as in
    `PYTHONPATH=lib:`, would bring it in again and is dropped.
    """
    packages = str(Path(engine.__file__ or "").resolve().parents[1])
    given = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    return {**os.environ, "PYTHONPATH": os.pathsep.join([packages, *given])}
