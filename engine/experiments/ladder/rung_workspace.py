"""A rung's own workspace, `ladder/<rung>/`: its own lineage, ledger and lock, and the enclosing one's curriculum.

`rung.json` there records the base, data and recipe that it was trained with. When any of these has changed, the rung is
trained anew: all rungs must have gone through the same curriculum. The old workspace is moved aside, not deleted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.config.config import CONFIG_NAME, Config
from engine.data.curriculum import read_curriculum
from engine.data.read_rules import ReadRules
from engine.experiments.ladder.rungs import Rung
from engine.experiments.nested_workspace import base_seen_from, flat, make_nested
from engine.workspace.layout import Workspace
from ledger.hashing import canonical_json, sha256_file, sha256_text, write_durable

LADDER = "ladder"
_RECORD = "rung.json"
_HEADING = "a rung of the ladder; luna-tui ladder writes this file anew, so change the luna.toml two folders up"
# Settings that change neither a generation nor whether it is accepted.
_WITHOUT_EFFECT = (
    "model.base",
    "model.ladder",
    "model.chat_context",
    "curriculum.path",
    "curriculum.inbox",
    "eval.max_seconds",
    "eval.parallel",
    "ladder.",
    "voice.",
    "age_up.",
)


@dataclass(frozen=True, slots=True)
class RungWorkspace:
    """A rung's workspace and configuration; `set_aside` is where an older training of it was moved to, if any."""

    workspace: Workspace
    config: Config
    set_aside: Path | None = None


def open_side(workspace: Workspace, config: Config, rung: Rung) -> RungWorkspace:
    """Return the rung's workspace, created or brought up to date.

    Raises UsageError when the curriculum cannot be read, LunaError when another process is using the workspace.
    """
    root = workspace.root / LADDER / rung.folder
    fingerprint = fingerprint_of(workspace, config, rung)
    old = _set_aside(root) if (root / CONFIG_NAME).exists() and _recorded(root) != fingerprint else None
    root.mkdir(parents=True, exist_ok=True)
    record = {"base": rung.name, "fingerprint": fingerprint}
    write_durable(root / _RECORD, (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode())
    base = base_seen_from(workspace, root, rung.name)
    side, side_config = make_nested(
        workspace, config, f"{LADDER}/{rung.folder}", {"model.base": base, "model.ladder": (base,)}, _HEADING
    )
    return RungWorkspace(side, side_config, old)


def fingerprint_of(workspace: Workspace, config: Config, rung: Rung) -> str:
    """Return the SHA-256 of what a rung's generations depend on: its base, the curriculum's rows, and the recipe."""
    section = config.curriculum
    curriculum = read_curriculum(workspace.root / section.path, section.stages, rules=ReadRules.of(section))
    files = [workspace.root / name for name in (config.eval.tone_probes, config.eval.phrases) if name]
    return sha256_text(
        canonical_json(
            {
                "base": rung.sha(),
                # The file's name counts too: `behaviors*` are the rows of the second phase.
                "rows": [[row.source.rpartition(":")[0], row.to_json()] for row in curriculum.rows],
                "recipe": {key: value for key, value in flat(config) if not key.startswith(_WITHOUT_EFFECT)},
                "files": [sha256_file(file) if file.is_file() else "" for file in files],
            }
        )
    )


def _recorded(root: Path) -> str:
    try:
        record: Mapping[str, object] = json.loads((root / _RECORD).read_text(encoding="utf-8"))
        return str(record["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _set_aside(root: Path) -> Path:
    number = 1
    while (aside := root.with_name(f"{root.name}-{number}")).exists():
        number += 1
    with Workspace(root).lock("setting the rung aside"):
        root.rename(aside)
    return aside
