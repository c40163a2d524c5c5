"""The decisions of a run: written once it is prepared, read back by a resume, never made twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, cast

from engine.config.recipe import PhaseRecipe
from engine.config.schema import Quant
from engine.core.errors import Damaged
from ledger.hashing import canonical_json, sha256_text, write_durable


@dataclass(frozen=True, slots=True)
class Plan:
    """A prepared generation: its ancestors, the data it is fed, its recipe, and the versions it depends on.

    `by_stage` counts the rows of one pass; `path` lists the ancestors, root first.
    """

    run_id: str
    gen: int
    parent_gen: int | None
    path: tuple[int, ...]
    phase: str
    backend: str
    recipe: PhaseRecipe
    steps: int
    accumulation: int
    threads: int
    quant: Quant
    base: dict[str, str]
    parent_sha: str
    data_delta_sha: str
    train_sha: str
    counts: dict[str, int]
    by_stage: dict[str, int]
    selection: dict[str, Any]
    curriculum: dict[str, Any]
    stages: tuple[str, ...]
    versions: dict[str, str]
    created: str

    def fingerprint(self) -> str:
        """Return the SHA-256 of everything the child depends on: equal fingerprints mean equal bytes."""
        plain = asdict(self)
        for key in ("run_id", "created", "selection", "curriculum", "counts", "by_stage"):
            plain.pop(key)
        return sha256_text(canonical_json(plain))

    def write(self, path: Path) -> None:
        """Write the plan durably as a JSON file."""
        write_durable(path, (json.dumps(asdict(self), indent=1, sort_keys=True) + "\n").encode())

    @classmethod
    def read(cls, path: Path) -> Plan:
        """Read a plan from its file; raises Damaged when it is missing or malformed."""
        try:
            data = cast("Mapping[str, Any]", json.loads(path.read_text()))
            values = {f.name: data[f.name] for f in fields(cls)}
            recipe = PhaseRecipe.complete(values["recipe"])
            recipe["targets"] = recipe["targets"] if isinstance(recipe["targets"], str) else tuple(recipe["targets"])
            values["recipe"] = PhaseRecipe(**recipe)
            values["path"], values["stages"] = tuple(values["path"]), tuple(values["stages"])
            return cls(**values)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Damaged(
                f"this run's plan cannot be read: {error}", where=str(path), hint="start anew: luna-tui train"
            ) from error
