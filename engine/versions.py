"""The versions a run's numbers depend on."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

_RECORDED = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "gguf", "llama-cpp-python", "numpy")


def package_versions(backend: str) -> dict[str, str]:
    """Return the versions of Python, luna-tui and the packages that shape a training with `backend`."""
    names = (*_RECORDED, *(("unsloth", "unsloth_zoo") if backend == "unsloth" else ()))
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for name in ("luna-tui", *names):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
