"""Environment variables that must be set before numeric or model libraries are imported; values set by the user are
kept.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, MutableMapping

_DEFAULTS = {
    # OpenMP threads that busy-wait make everything else on the machine many times slower.
    "OMP_WAIT_POLICY": "PASSIVE",
    # On a processor with bf16, oneDNN compiles code for every shape of a batch and keeps 1024 of them, which grows to
    # half a gigabyte and more over a few generations. Kept to 32, training takes the same time.
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "32",
    # The tokenizers library warns on every fork unless this is set.
    "TOKENIZERS_PARALLELISM": "false",
    # Nothing is downloaded unless the user asks for it with HF_HUB_OFFLINE=0.
    "HF_HUB_OFFLINE": "1",
}


def prepare_environment(env: MutableMapping[str, str] = os.environ) -> None:
    """Set the default environment variables above where the user has not set them."""
    for name, value in _DEFAULTS.items():
        env.setdefault(name, value)


def own_region(env: Mapping[str, str] = os.environ) -> str:
    """Return the country of the locale, such as AT of de_AT.UTF-8; US where it names none."""
    locale = next((env[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if env.get(name)), "")
    territory = locale.partition(".")[0].partition("_")[2][:2]
    return territory.upper() if territory.isalpha() and len(territory) == 2 else "US"


def require_docstrings() -> None:
    """Raise UsageError under `python -OO`, which strips the docstrings that the help pages are made of."""
    if sys.flags.optimize >= 2:
        from engine.core.errors import UsageError

        raise UsageError("python -OO strips the texts that luna-tui's help is made of: start it without -OO")


def own_version() -> str:
    """Return the version of the installed luna-tui package."""
    from importlib.metadata import (
        PackageNotFoundError,
        version,
    )  # a tenth of the console's start time; not needed there

    try:
        return version("luna-tui")
    except PackageNotFoundError:
        return "unknown (not installed)"
