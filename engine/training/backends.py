"""Choose the training backend: the one requested, or the best that works on this machine."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import Any

from engine.config.recipe import BACKENDS
from engine.core.child_environment import child_environment
from engine.core.errors import UsageError
from engine.training.job import TrainingBackend

NAMES = tuple(name for name in BACKENDS if name != "auto")
_REMEDIES = {
    "unsloth": "GPU box: pip install 'luna-tui[unsloth]'; CPU box: make unsloth-cpu; or use --backend trl",
    "trl": "install luna-tui again: its own packages (torch, transformers, trl, peft) do not fit together here",
}


def pick_backend(name: str) -> TrainingBackend:
    """Return the backend called `name`; `auto` is Unsloth where it is installed and CUDA is available, else TRL.

    Raises UsageError for an unknown name, and, with the import's error, when the backend does not load here.
    """
    name = resolve_backend(name)
    try:
        if name == "unsloth":
            from engine.training.sft.unsloth_backend import UnslothBackend

            return UnslothBackend()
        from engine.training.sft.trl_backend import TrlBackend

        return TrlBackend()
    except Exception as error:
        # An import may raise anything (missing packages, drivers, versions); the user gets one error with a remedy.
        said = str(error).strip().splitlines() or [""]
        raise UsageError(
            f"the {name} backend does not load here: {type(error).__name__}: {said[0]}",
            where=f"--backend {name}",
            hint=_REMEDIES[name],
        ) from error


def resolve_backend(name: str) -> str:
    """Return the backend that `name` stands for, without loading it; raises UsageError for an unknown name."""
    if name not in (*NAMES, "auto"):
        raise UsageError(f"there is no backend {name!r}", where="--backend", hint=f"one of auto, {', '.join(NAMES)}")
    if name != "auto":
        return name
    return "unsloth" if _has_cuda() and importlib.util.find_spec("unsloth") else "trl"


def backend_status() -> list[dict[str, Any]]:
    """Return for each backend whether it imports here (tried in a subprocess), its version, and why not."""
    return [_status(name) for name in NAMES]


def _status(name: str) -> dict[str, Any]:
    module = {"trl": "engine.training.sft.trl_backend", "unsloth": "engine.training.sft.unsloth_backend"}[name]
    if importlib.util.find_spec(name) is None:
        return {"name": name, "available": False, "version": "", "why": "not installed"}
    code = f"import {module}; from importlib.metadata import version; print('LUNA', version({name!r}))"
    try:
        # -P: a torch.py in the user's working directory must not shadow torch.
        done = subprocess.run(
            [sys.executable, "-P", "-c", code],
            env=child_environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"name": name, "available": False, "version": "", "why": "importing it took more than 120 s"}
    marked = [line for line in done.stdout.splitlines() if line.startswith("LUNA ")]
    if done.returncode == 0 and marked:
        return {"name": name, "available": True, "version": marked[0].split()[1], "why": ""}
    lines = done.stderr.strip().splitlines()
    return {"name": name, "available": False, "version": "", "why": lines[-1] if lines else f"exit {done.returncode}"}


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()
