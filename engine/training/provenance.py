"""The package versions that a run's numbers depend on, and the arithmetic of the machine it ran on."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from engine.config.recipe import Precision

# Incremented when luna's own training code sums in another order: the same packages then give other last bits.
_ORDER_OF_SUMS = "2"

_RECORDED = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "gguf", "llama-cpp-python", "numpy")


def package_versions(backend: str) -> dict[str, str]:
    """Return the versions of Python, luna-tui and the packages that affect a training with `backend`."""
    names = (*_RECORDED, *(("unsloth", "unsloth_zoo") if backend == "unsloth" else ()))
    found = {"python": platform.python_version(), "machine": platform.machine()}
    if backend == "trl":
        found["order of sums"] = _ORDER_OF_SUMS
    for name in ("luna-tui", *names):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def arithmetic(precision: Precision) -> dict[str, str]:
    """Return the device that trains and the dtype it will use, since another of either rounds differently."""
    from engine.training.device import device_name, resolve_precision  # torch takes seconds to import

    return {"device": device_name(), "precision": resolve_precision(precision)}
