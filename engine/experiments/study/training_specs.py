"""What a lineage was trained on, generation by generation, read from its evidence so that it can be repeated."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from engine.config.config import Config
from engine.config.recipe import Phase, PhaseRecipe
from engine.core.errors import Damaged, UsageError
from engine.data.rows import Row
from engine.evaluation.items import read_items
from engine.evaluation.style_eval import Questions, recorded_questions
from engine.models.lineage_weights import development_ids_of, holdout_ids_of, new_rows_of, require_manifest
from engine.workspace.layout import Workspace
from ledger.hashing import sha256_text
from ledger.lineage import Lineage
from ledger.manifest import Manifest
from probes.base import Item


@dataclass(frozen=True, slots=True)
class TrainingSpec:
    """One generation of the studied lineage: its rows, its exam, and what its training cost.

    `trained_tokens` counts the tokens that had a loss, over all steps; `tone` is what its tone was probed with.
    """

    gen: int
    phase: Phase
    seed: int
    steps: int
    rows: tuple[Row, ...]
    data_sha: str
    held_out: frozenset[str]
    exam: tuple[Item, ...]
    trained_tokens: int
    tone: Questions | None = None


def training_specs_of(workspace: Workspace, config: Config, lineage: Lineage, gen: int) -> list[TrainingSpec]:
    """Return the specs of the generations on the path from the base to `gen`.

    Raises UsageError when a generation was trained otherwise than luna.toml says now (its replicas would differ in more
    than their seed), when it was rescued, or when it was not trained here.
    """
    return [_lesson(workspace, config, at) for at in (*lineage.ancestors(gen), gen)]


def _lesson(workspace: Workspace, config: Config, gen: int) -> TrainingSpec:
    # The rows are needed, not the weights: a study also works where a finished lineage's weights were not copied along.
    manifest = require_manifest(workspace, gen)
    _require_same_recipe(config, manifest)
    if manifest.extra.get("rescue", {}).get("confirmed"):
        raise UsageError(
            f"G{gen} was rescued by mixing it with its parent, which a replica would not do in the same way",
            hint="study a lineage without rescued generations: luna-tui study GEN",
        )
    directory, aside = workspace.generation(gen), development_ids_of(workspace, gen)
    rows = tuple(row for row in new_rows_of(workspace, gen) if aside.isdisjoint(row.ids))
    return TrainingSpec(
        gen=gen,
        phase=cast("Phase", manifest.phase),
        seed=manifest.seed,
        steps=int(manifest.row["steps"]),
        rows=rows,
        data_sha=sha256_text("".join(row.to_json() + "\n" for row in rows)),
        held_out=frozenset(holdout_ids_of(workspace, gen)),
        exam=tuple(read_items(directory / "exam.jsonl")),
        trained_tokens=count_trained_tokens(directory / "metrics.jsonl"),
        tone=recorded_questions(workspace, config, gen),
    )


def count_trained_tokens(metrics: Path) -> int:
    """Return how many tokens with a loss a training was fed, from its metrics; raises Damaged for a corrupt file."""
    return _total(metrics, lambda step: int(step["trained_tokens"]))


def count_read_tokens(metrics: Path) -> int:
    """Return how many tokens a training was fed that could have had a loss; raises Damaged for a corrupt file."""
    return _total(metrics, lambda step: int(step["tokens"]) - int(step["rows"]))


def _total(metrics: Path, count: Callable[[Mapping[str, Any]], int]) -> int:
    try:
        return sum(count(json.loads(line)) for line in metrics.read_text(encoding="utf-8").splitlines())
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Damaged(
            f"cannot be read: {error}", where=str(metrics), hint="luna-tui verify shows what else is hurt"
        ) from error


def _require_same_recipe(config: Config, manifest: Manifest) -> None:
    """Raise UsageError unless the lineage's recipe is the one in luna.toml, the seed aside."""
    now = config.recipe(cast("Phase", manifest.phase)).to_dict()
    then = PhaseRecipe.complete(manifest.recipe)
    for key, value in now.items():
        # Accumulation is raised where the data require it; backend and threads depend on the machine.
        if key in ("seed", "accumulation", "backend", "threads"):
            continue
        if then.get(key) != value:
            raise UsageError(
                f"G{manifest.gen} was trained with {key} = {then.get(key)}, luna.toml now says {value}: "
                "its replicas would differ in more than their seed",
                where=f"luna.toml [train] {key}",
                hint="put the value back, or train a lineage with the new one first",
            )
    replayed = int(manifest.data.get("replay", 0))
    if replayed > config.replay.rows:
        raise UsageError(
            f"G{manifest.gen} was fed {replayed} replayed rows, luna.toml now allows {config.replay.rows}",
            where="luna.toml [replay] rows",
            hint="put the value back, or train a lineage with the new one first",
        )
