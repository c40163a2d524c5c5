"""The arms of a study: what each trains with which seed, where it is stored, and what it has to train next."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.config.config import Config
from engine.core.errors import UsageError
from engine.data.replay import interleave
from engine.data.rows import Row
from engine.experiments.nested_workspace import make_nested
from engine.experiments.study.training_specs import TrainingSpec
from engine.pipeline.request import FixedRows, TrainRequest
from engine.runtime.client import Runtime
from engine.workspace.attach import unfinished
from engine.workspace.layout import Workspace

Kind = Literal["micro", "one-shot"]

FOLDER = "study"
_HEADING = "an arm of a study; luna-tui study writes this file anew, so change the luna.toml two folders up"

# Replicas are measured, not gated: a seed that does worse is a finding, and its lineage must go on.
_NO_GATE: dict[str, object] = {
    "eval.recall_target": 0.0,
    "eval.generalization_target": 0.0,
    "eval.drift_target": 1.0,
    "eval.answered_target": 0.0,
    "eval.continued_target": 1.0,
    "eval.recall_scope": "parent",
    "stop_rule.enabled": False,
    "rescue.enabled": False,
    "age_up.in_console": False,
    "voice.while_training": False,
}


@dataclass(frozen=True, slots=True)
class Arm:
    """One training of the study: `micro` repeats the lineage, `one-shot` trains on all its rows in a single generation.

    `own` marks the studied lineage itself, which has its seed already.
    """

    kind: Kind
    seed: int
    workspace: Workspace
    config: Config
    own: bool = False

    @property
    def name(self) -> str:
        return f"{self.kind}, seed {self.seed}"


def make_arms(workspace: Workspace, config: Config, lessons: Sequence[TrainingSpec], seeds: Sequence[int]) -> list[Arm]:
    """Return the arms, micro and one-shot for each seed, with their workspaces created; nothing is trained yet.

    Raises UsageError without at least two seeds, all different and none negative: one run says nothing about chance.
    """
    if len(set(seeds)) < 2 or len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise UsageError(
            f"{', '.join(map(str, seeds)) or 'no seed'}: a study needs at least two different seeds",
            where="--seeds",
            hint="five or more tell what is chance: --seeds 0,1,2,3,4",
        )
    arms: list[Arm] = []
    own_seeds = {lesson.seed for lesson in lessons}
    for kind in ("micro", "one-shot"):
        for seed in seeds:
            if kind == "micro" and own_seeds == {seed}:
                arms.append(Arm(kind, seed, workspace, config, own=True))
                continue
            changes = {**_NO_GATE, "train.seed": seed}
            side, side_config = make_nested(workspace, config, f"{FOLDER}/{kind}-seed{seed}", changes, _HEADING)
            arms.append(Arm(kind, seed, side, side_config))
    return arms


def next_request(arm: Arm, lessons: Sequence[TrainingSpec], runtime_log: Path | None) -> TrainRequest | None:
    """Return what the arm has to train next, None when it is finished.

    Raises UsageError when its folder holds another study's training.
    """
    if arm.own:
        return None
    done = _recorded(arm, lessons)
    total = len(lessons) if arm.kind == "micro" else 1
    if done >= total:
        return None
    left = unfinished(arm.workspace)
    if left is not None:
        return TrainRequest(resume=True, run=left[0])
    if arm.kind == "micro":
        lesson = lessons[done]
        return TrainRequest(
            phase=lesson.phase,
            parent=f"G{done - 1}" if done else None,
            taught=FixedRows(lesson.rows, lesson.held_out),
        )
    return _one_shot(arm, lessons, runtime_log)


def all_rows(lessons: Sequence[TrainingSpec]) -> tuple[Row, ...]:
    """Return every new row of the lineage, held-out ones included, in the order they were trained on."""
    return tuple({row.id: row for lesson in lessons for row in lesson.rows}.values())


def _one_shot(arm: Arm, lessons: Sequence[TrainingSpec], log: Path | None) -> TrainRequest:
    """Return all rows as one `base` generation.

    Its steps feed as many trained tokens as the whole lineage was fed.
    """
    rows = all_rows(lessons)
    held_out = frozenset(row for lesson in lessons for row in lesson.held_out)
    tokens = _tokens(arm, [row for row in rows if row.id not in held_out], log)
    recipe = arm.config.recipe("base")
    wanted = sum(lesson.trained_tokens for lesson in lessons)
    steps = steps_for(wanted, tokens, recipe.batch_size, recipe.accumulation, joined_passes=recipe.as_typed > 0)
    return TrainRequest(phase="base", taught=FixedRows(rows, held_out), steps=steps)


def steps_for(
    wanted: int, tokens: Sequence[int], batch_size: int, accumulation: int = 1, *, joined_passes: bool = False
) -> int:
    """Return how many steps feed nearest to `wanted` trained tokens, with rows of `tokens` tokens, pass after pass.

    A step takes `accumulation` batches. A pass ends with a batch that may be short; with `joined_passes`, as where each
    pass has its own wordings, that batch is filled with the rows of the next pass.
    """
    batches = [sum(tokens[start : start + batch_size]) for start in range(0, len(tokens), batch_size)]

    def batch(number: int) -> int:
        if not joined_passes:
            return batches[number % len(batches)]
        return sum(tokens[(number * batch_size + at) % len(tokens)] for at in range(batch_size))

    fed, steps = 0, 0
    while True:
        step = sum(batch(steps * accumulation + number) for number in range(accumulation))
        if steps and abs(fed - wanted) <= abs(fed + step - wanted):
            return steps
        fed, steps = fed + step, steps + 1


def _tokens(arm: Arm, rows: Sequence[Row], log: Path | None) -> list[int]:
    """Return the number of tokens with a loss of every row as it is written, in the feeding order of phase `base`."""
    from engine.models.base import prepare_base
    from engine.pipeline.steps.encode import encode

    fed = [item.row for item in interleave(rows, [], arm.config.curriculum.stages)]
    base = prepare_base(arm.workspace, arm.config, weights=False)
    with Runtime(log=log) as runtime:
        examples = encode(runtime, base, fed, arm.config.recipe("base"))
    return [example.counted for sequences in examples for example in sequences]


def _recorded(arm: Arm, lessons: Sequence[TrainingSpec]) -> int:
    """Return how many generations the arm has.

    Raises UsageError unless each was trained on what this study feeds it.
    """
    rows = arm.workspace.ledger.read()
    for row in rows:
        manifest = arm.workspace.manifest(row.gen_id)
        wanted = lessons[row.gen_id].data_sha if arm.kind == "micro" and row.gen_id < len(lessons) else ""
        if manifest is None or manifest.seed != arm.seed or (wanted and row.data_delta_sha != wanted):
            raise _other_study(arm)
    if arm.kind == "one-shot" and rows and not _same_rows(arm, lessons):
        raise _other_study(arm)
    return len(rows)


def _same_rows(arm: Arm, lessons: Sequence[TrainingSpec]) -> bool:
    path = arm.workspace.generation(0) / "data" / "new.jsonl"
    try:
        ids = {json.loads(line)["id"] for line in path.read_text(encoding="utf-8").split("\n") if line}
    except (OSError, ValueError, KeyError):
        return False
    return ids == {row.id for row in all_rows(lessons)}


def _other_study(arm: Arm) -> UsageError:
    return UsageError(
        "there is another study's training here: other rows, or another seed",
        where=str(arm.workspace.root),
        hint=f"move the folder {FOLDER}/ away to begin this study, or name the lineage it belongs to",
    )
