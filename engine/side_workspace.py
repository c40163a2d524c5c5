"""A workspace inside the workspace, for lineages that are evidence and not its own: replicas of a study, rungs of a
ladder.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from engine.config import CONFIG_NAME, Config, load_config
from engine.config_text import default_toml
from engine.workspace import Workspace
from ledger.durable import write_durable

IGNORED = ("models/*.gguf", "models/.lock", "models/base/", "models/cache/", "models/sittings/", "runs/")
"""What of a side workspace is big or can be made again, as patterns for a .gitignore."""


def side_workspace(workspace: Workspace, name: str, changes: Mapping[str, object]) -> tuple[Workspace, Config]:
    """Make or open the side workspace `name` (such as `study/micro-seed1`) and return it with its configuration.

    Its luna.toml is the workspace's own with `changes` (dotted keys) laid over it, written anew each time; paths in it
    are relative, so that the whole can be moved. Raises UsageError for a change that luna.toml would refuse.
    """
    root = workspace.root / name
    values = _leaves(load_config(workspace.root, env={}).model_dump(exclude_none=True))
    up = os.path.relpath(workspace.root, root)
    values["curriculum.path"] = os.path.join(up, str(values["curriculum.path"]))
    values["model.base"] = str(changes.get("model.base", values["model.base"]))
    if not Path(values["model.base"]).is_absolute() and (workspace.root / values["model.base"]).exists():
        values["model.base"] = os.path.join(up, values["model.base"])
    for key in ("eval.tone_probes", "eval.phrases", "ladder.cards"):
        if values[key]:
            values[key] = os.path.join(up, str(values[key]))
    values |= {key: value for key, value in changes.items() if key != "model.base"}
    text = default_toml(f"made for {name}", values)
    root.mkdir(parents=True, exist_ok=True)
    write_durable(root / CONFIG_NAME, text.encode("utf-8"))
    side = Workspace.open(root)
    return side, load_config(side.root, env={})


def _leaves(table: Mapping[str, object], above: str = "") -> dict[str, object]:
    """Dotted keys of nested tables."""
    flat: dict[str, object] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            flat |= _leaves(value, f"{above}{key}.")  # pyright: ignore[reportUnknownArgumentType]
        else:
            flat[f"{above}{key}"] = value
    return flat
