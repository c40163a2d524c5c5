"""`study/study.json`: what was trained, from which bytes, with which results, and what follows from them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from engine.config.config import Config
from engine.core.errors import Damaged
from engine.experiments.study.analysis import KINDS, conclude
from engine.experiments.study.arms import FOLDER, Arm
from engine.experiments.study.evaluate_arms import Answers
from engine.experiments.study.training_specs import TrainingSpec, count_read_tokens, count_trained_tokens
from engine.workspace.layout import Workspace
from ledger.durable import write_durable

FILE = "study.json"


def write_study(
    workspace: Workspace,
    config: Config,
    lessons: Sequence[TrainingSpec],
    arms: Sequence[Arm],
    answers: Mapping[str, Answers],
    base: Answers,
) -> dict[str, Any]:
    """Conclude a study whose arms are all trained and evaluated, write it and return it.

    `answers` holds the results by the arm's name.
    """
    by_kind = {kind: [answers[arm.name] for arm in arms if arm.kind == kind] for kind in KINDS}
    last = lessons[-1].gen
    facts = [_arm(arm, lessons) for arm in arms]
    conclusion = conclude(by_kind, base)
    conclusion["words"] += [*unlike_arms(facts), *mixed_machines(facts)]
    study: dict[str, Any] = {
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "lineage": [lesson.gen for lesson in lessons],
        "lineage_sha": workspace.lineage().node(last).row.child_sha,
        "base": {"name": config.model.base, **base.to_dict()},
        "seeds": sorted({arm.seed for arm in arms}),
        "rows": {
            "new": sum(len(lesson.rows) for lesson in lessons),
            "held_out": sum(len(lesson.exam) for lesson in lessons),
        },
        "arms": [{**made, **answers[arm.name].to_dict()} for made, arm in zip(facts, arms, strict=True)],
        "conclusion": conclusion,
        "command": f"luna-tui study --seeds {','.join(str(seed) for seed in sorted({arm.seed for arm in arms}))}",
    }
    text = json.dumps(study, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    write_durable(workspace.root / FOLDER / FILE, text.encode("utf-8"))
    return study


def read_study(workspace: Workspace) -> dict[str, Any] | None:
    """Return the finished study of this workspace, None without one; raises Damaged for a file that cannot be read."""
    path = workspace.root / FOLDER / FILE
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Damaged(f"cannot be read: {error}", where=str(path), hint="make it anew: luna-tui study") from error


def unlike_arms(arms: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return in what the arms differ besides the way of training: a gate that only one of them passed, and tokens."""
    words: list[str] = []
    if own := [arm for arm in arms if arm["own_lineage"]]:
        words.append(
            f"The micro-generations of seed {own[0]['seed']} are the lineage that was studied: each of them was judged "
            "by the gate and gone on from knowingly. The replicas and the one-shot runs passed no gate. A lineage is "
            "studied because it went well, so this one seed may be a lucky draw in favour of micro-generations."
        )
    learned = {kind: _learned_share(arms, kind) for kind in KINDS}
    if learned["one-shot"] > learned["micro"] + 0.01:
        words.append(
            "The same number of trained tokens is not the same number of answers: one-shot training had a loss on "
            f"{learned['one-shot']:.0%} of what it read, so part of its tokens went into the prompts; "
            f"micro-generations on {learned['micro']:.0%}, since after the first one the prompts are masked."
        )
    return words


def _learned_share(arms: Sequence[Mapping[str, Any]], kind: str) -> float:
    """Return the share of all tokens read by the arms of a kind that had a loss.

    A row's first token cannot have one.
    """
    chosen = [arm for arm in arms if arm["kind"] == kind]
    return sum(arm["trained_tokens"] for arm in chosen) / max(1, sum(arm["read_tokens"] for arm in chosen))


def mixed_machines(arms: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a caveat when not all arms were trained on one kind of machine, as far as the manifests say."""
    made = {(gen["device"], gen["precision"]) for arm in arms for gen in arm["generations"] if gen["device"]}
    if len(made) < 2:
        return []
    names = " and ".join(sorted(f"{device} in {precision}" for device, precision in made))
    return [
        f"Not all runs were made on one kind of machine ({names}): each rounds otherwise, which is like another seed, "
        "so part of the difference may be that."
    ]


def _arm(arm: Arm, lessons: Sequence[TrainingSpec]) -> dict[str, Any]:
    """Return the facts of an arm's training: its generations with SHA-256, tokens, minutes, and what made them."""
    lineage = arm.workspace.lineage()
    gens = [lesson.gen for lesson in lessons] if arm.own else [node.row.gen_id for node in lineage.nodes()]
    generations: list[dict[str, Any]] = []
    for gen in gens:
        row, manifest = lineage.node(gen).row, arm.workspace.manifest(gen)
        generations.append(
            {
                "gen": gen,
                "child_sha": row.child_sha,
                "steps": row.steps,
                "lr": row.lr,
                "minutes": row.walltime_min,
                "threads": manifest.threads if manifest else None,
                **{key: manifest.versions.get(key) if manifest else None for key in ("device", "precision")},
                "trained_tokens": count_trained_tokens(arm.workspace.generation(gen) / "metrics.jsonl"),
                "read_tokens": count_read_tokens(arm.workspace.generation(gen) / "metrics.jsonl"),
                "recall": row.eval_recall,
                "generalization": row.eval_generalization,
                "by_ancestor": {g: s["value"] for g, s in manifest.scores["by_ancestor"].items()} if manifest else {},
            }
        )
    return {
        "kind": arm.kind,
        "seed": arm.seed,
        "own_lineage": arm.own,
        "generations": generations,
        "steps": sum(generation["steps"] for generation in generations),
        "trained_tokens": sum(generation["trained_tokens"] for generation in generations),
        "read_tokens": sum(generation["read_tokens"] for generation in generations),
        "minutes": round(sum(generation["minutes"] or 0.0 for generation in generations), 1),
    }
