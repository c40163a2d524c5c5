"""Reports `LUNA_*` environment variables that look like settings but set nothing, with the likely intended name."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

_OWN = ("LUNA_WORKSPACE", "LUNA_CACHE", "LUNA_THEME")
_PREFIX = "LUNA_"


def print_unused_variables() -> None:
    """Print on stderr which of this process's `LUNA_*` variables set nothing."""
    for note in idle_variables(os.environ):
        print(note, file=sys.stderr)


def idle_variables(env: Mapping[str, str]) -> Iterator[str]:
    """Yield one line for each `LUNA_*` variable that nothing reads. Those with a double underscore are keys of
    luna.toml, and wrong ones are rejected when luna.toml is read.
    """
    from luna_tui.common.safe_text import safe_line

    for name in sorted(env):
        if not name.startswith(_PREFIX) or "__" in name or name in _OWN or not env[name].strip():
            continue
        from engine.config.sources import variable_names

        known = [*_OWN, *variable_names()]
        # `[train] batch_size` is LUNA_TRAIN__BATCH_SIZE: usually the second underscore is missing, or the table.
        near = [other for other in known if other.replace("__", "_") == name]
        near = near or [other for other in known if other.rpartition("__")[2] == name.removeprefix(_PREFIX)]
        near = near or get_close_matches(name, known, n=1)
        meant = f"did you mean {near[0]}?" if near else "a key of luna.toml is written LUNA_SECTION__KEY"
        yield f"note: {safe_line(name)} sets nothing; {meant}"
