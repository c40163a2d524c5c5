"""A workspace inside the workspace, for lineages that are an experiment's evidence and not its own.

Examples are the replicas of a study and the rungs of a ladder.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel

from engine.config.config import CONFIG_NAME, Config
from engine.config.load import load_config
from engine.config.render import default_toml
from engine.models.base import PACKAGED
from engine.workspace.layout import Workspace
from ledger.durable import write_durable


def make_nested(
    workspace: Workspace, config: Config, name: str, changes: Mapping[str, object], heading: str
) -> tuple[Workspace, Config]:
    """Create or open the nested workspace `name` (such as `study/micro-seed1`) and return it with its configuration.

    Its luna.toml is the workspace's own overlaid with `changes` (dotted keys), written anew each time. Raises
    UsageError for a change that luna.toml would refuse.
    """
    root = workspace.root / name
    root.mkdir(parents=True, exist_ok=True)
    text = default_toml(heading, {**side_values(workspace, config, root), **changes})
    write_durable(root / CONFIG_NAME, text.encode("utf-8"))
    side = Workspace.open(root)
    # Environment variables are left out: they are in the file already, and LUNA_MODEL__BASE names another base.
    return side, load_config(side.root, env={})


def side_values(workspace: Workspace, config: Config, root: Path) -> dict[str, object]:
    """Return the workspace's configuration as dotted keys for a nested workspace at `root`.

    Paths inside the workspace are relative to `root`, so that the whole can be moved. The inbox is its own, and empty:
    rows that arrive in the workspace's inbox meanwhile would change the lineage's data.
    """
    values = dict(flat(config))
    values["curriculum.inbox"] = "inbox"
    values["model.base"] = base_seen_from(workspace, root, config.model.base)
    for key in ("curriculum.path", "eval.tone_probes", "eval.phrases", "ladder.cards"):
        if values[key]:
            values[key] = seen_from(workspace, root, str(values[key]))
    return values


def base_seen_from(workspace: Workspace, root: Path, base: str) -> str:
    """Return a base as a nested workspace names it: a file or folder by its path from there, any other unchanged."""
    if base in PACKAGED:
        return base
    return seen_from(workspace, root, base) if (workspace.root / Path(base).expanduser()).exists() else base


def seen_from(workspace: Workspace, root: Path, path: str) -> str:
    """Return a path of the workspace's configuration as a nested workspace at `root` writes it."""
    place = Path(path).expanduser()
    inside = not place.is_absolute() or place.is_relative_to(workspace.root)
    return Path(os.path.relpath(workspace.root / place, root)).as_posix() if inside else path


def flat(section: BaseModel, above: str = "") -> Iterator[tuple[str, object]]:
    """Yield every value that is set, with its dotted key."""
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            yield from flat(value, f"{above}{name}.")
        elif value is not None:
            yield f"{above}{name}", value
