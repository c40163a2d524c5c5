"""Settings that must stand before numerics or model libraries are imported; what the user has set is left alone."""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping

_QUIET = {
    # OpenMP threads that spin while they wait make everything else on the machine many times slower.
    "OMP_WAIT_POLICY": "PASSIVE",
    # The tokenizers library warns on every fork unless it is told.
    "TOKENIZERS_PARALLELISM": "false",
    # Nothing is fetched unless the user asks for it with HF_HUB_OFFLINE=0.
    "HF_HUB_OFFLINE": "1",
}


def prepare_environment(env: MutableMapping[str, str] = os.environ) -> None:
    """Set the defaults above where the user has not chosen."""
    for name, value in _QUIET.items():
        env.setdefault(name, value)


def require_docstrings() -> None:
    """Raise UsageError under `python -OO`, which strips the texts that help is made of."""
    if sys.flags.optimize >= 2:
        from engine.core.errors import UsageError

        raise UsageError("python -OO strips the texts that luna-tui's help is made of: start it without -OO")


def own_version() -> str:
    """The version of luna-tui that is installed."""
    from importlib.metadata import PackageNotFoundError, version  # a tenth of the console's start, not needed there

    try:
        return version("luna-tui")
    except PackageNotFoundError:
        return "unknown (not installed)"
