"""The record step: the artefact durable first, then the manifest, the row, the log, and HEAD last.

Each part can be finished after a crash.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.core.errors import Damaged, LunaError
from engine.core.events import Recorded
from engine.evaluation.run_eval import style_options
from engine.evaluation.style_eval import asked_sha
from engine.pipeline.context import Context
from engine.pipeline.plan import Plan
from engine.pipeline.steps.export import ExportedModel
from engine.pipeline.steps.interpolate import Rescued
from engine.pipeline.steps.judge import Judgement
from engine.pipeline.steps.train import Trained
from engine.workspace.layout import Workspace
from engine.workspace.runs import Run
from ledger.durable import make_durable
from ledger.hashing import sha256_file, sha256_text
from ledger.manifest import (
    FileFacts,
    Manifest,
    describe_files,
    generation_ids,
    gguf_name,
    manifest_path,
    manifest_sha,
)
from ledger.recording import finish_recording, record_generation
from ledger.row import LedgerRow
from probes.examine import Examination

FINISHED_LATER = "finished after an interruption"


def record(
    context: Context,
    run: Run,
    plan: Plan,
    trained: Trained,
    model: ExportedModel,
    examination: Examination,
    judgement: Judgement,
    seconds: float,
    rescued: Rescued | None = None,
) -> None:
    """Move the staged evidence into place and write manifest, row, log and, if accepted, HEAD.

    What a rescue tried is recorded too. Raises LunaError when another run has recorded this GEN_ID, Damaged when a file
    is not what was trained on and evaluated.
    """
    workspace = context.workspace
    row = LedgerRow(
        gen_id=plan.gen,
        parent_sha=plan.parent_sha,
        child_sha=model.child_sha,
        data_delta_sha=plan.data_delta_sha,
        steps=plan.steps,
        lr=plan.recipe.lr,
        walltime_min=round(seconds / 60, 3),
        loss_start=round(trained.loss_start, 6),
        loss_end=round(trained.loss_end, 6),
        eval_recall=round(examination.recall.value, 6),
        eval_generalization=round(examination.generalization.value, 6),
        eval_style_drift=round(examination.drift.value, 6),
    )
    _require_unrecorded(workspace, plan)
    _place(workspace, run, plan)
    files = describe_files(workspace.models, plan.gen)
    _require_unchanged(plan, model, files)
    parent = manifest_path(workspace.models, plan.parent_gen) if plan.parent_gen is not None else None
    manifest = Manifest(
        gen=plan.gen,
        parent_gen=plan.parent_gen,
        phase=plan.phase,
        created=plan.created,
        verdict=judgement.verdict,
        verdict_reasons=judgement.reasons,
        row=row.to_record(),
        row_sha=sha256_text(row.to_line()),
        base=dict(plan.base),
        recipe={
            **plan.recipe.to_dict(),
            "accumulation": plan.accumulation,
            "quant": plan.quant,
            "blend": plan.recipe.blend * (rescued.alpha if rescued else 1.0),
        },
        versions=dict(plan.versions),
        seed=plan.recipe.seed,
        threads=plan.threads,
        backend=plan.backend,
        data={
            **plan.counts,
            "by_stage": plan.by_stage,
            "selection": plan.selection,
            "curriculum": plan.curriculum,
            "stages": list(plan.stages),
            "tone_asked": asked_sha(examination.tone_answers, style_options(context.config)),
        },
        scores=examination.summary(),
        files=files,
        parent_manifest_sha=manifest_sha(parent) if parent is not None else None,
        extra={
            "run_id": plan.run_id,
            "fingerprint": plan.fingerprint(),
            "stopped_by_eos": model.stopped,
            "parity_rows": model.parity_rows,
            **({"rescue": rescued.facts} if rescued else {}),
        },
    )
    record_generation(workspace.models, manifest, reason=_why(judgement.reasons))
    context.emit(Recorded, gen=plan.gen, row=row.to_record(), head=workspace.head.current())


def finish_leftovers(workspace: Workspace) -> list[int]:
    """Finish recording every generation that a crash left between its manifest and HEAD, and return their GEN_IDs.

    A manifest is written last, after everything it vouches for is durable: a directory that has one is complete and
    only needs its row, one without counts for nothing and is left to the run that made it.
    """
    if not workspace.models.is_dir():
        return []
    finished: list[int] = []
    gen = finish_recording(workspace.models)
    if gen is not None:
        finished.append(gen)
    recorded = {row.gen_id for row in workspace.ledger.read()}
    for leftover in generation_ids(workspace.models):
        manifest = workspace.manifest(leftover) if leftover not in recorded else None
        if manifest is not None:
            record_generation(workspace.models, manifest, reason=f"{_why(manifest.verdict_reasons)} ({FINISHED_LATER})")
            finished.append(leftover)
    return finished


def take_back(workspace: Workspace, run: Run, plan: Plan) -> None:
    """Move evidence that a crash left in place without a manifest back into the run's staging, for the run to resume.

    Only this run's own files are moved: their data must have the SHA-256 in the plan.
    """
    if _is_recorded(workspace, plan.gen):
        return
    target, gguf = workspace.generation(plan.gen), workspace.gguf(plan.gen)
    if not run.staging.exists():
        new, train = target / "data" / "new.jsonl", target / "data" / "train.jsonl"
        if _has_sha(new, plan.data_delta_sha) and _has_sha(train, plan.train_sha):
            target.rename(run.staging)
    staged = run.staging / gguf.name
    if run.staging.exists() and not staged.exists() and gguf.exists():
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            if _has_sha(gguf, str(json.loads(run.exported.read_text())["child_sha"])):
                os.replace(gguf, staged)


def _has_sha(path: Path, sha: str) -> bool:
    return path.is_file() and sha256_file(path) == sha


def _require_unchanged(plan: Plan, model: ExportedModel, files: Mapping[str, FileFacts]) -> None:
    """Raise Damaged when what is about to be recorded is not what was trained on and evaluated."""
    directory = f"generations/{plan.gen}"
    wanted = {
        gguf_name(plan.gen): model.child_sha,
        f"{directory}/data/new.jsonl": plan.data_delta_sha,
        f"{directory}/data/train.jsonl": plan.train_sha,
    }
    for name, sha in wanted.items():
        if name not in files or files[name]["sha256"] != sha:
            raise Damaged(
                "changed after it was made, so nothing was recorded",
                where=f"models/{name}",
                hint="start the generation anew: luna-tui train",
            )


def _require_unrecorded(workspace: Workspace, plan: Plan) -> None:
    """Raise LunaError when another run has recorded this GEN_ID: files that a record vouches for are never replaced.

    A manifest is written last, so where there is one the generation is complete though its row may not be there yet.
    """
    if _is_recorded(workspace, plan.gen):
        raise LunaError(
            f"G{plan.gen} was recorded by another process while this run was training; its files stay as they are",
            where=str(workspace.generation(plan.gen)),
            hint="two processes trained here at once: run luna-tui doctor, which checks the locks, then train again",
        )


def _is_recorded(workspace: Workspace, gen: int) -> bool:
    recorded = any(row.gen_id == gen for row in workspace.ledger.read())
    return recorded or manifest_path(workspace.models, gen).exists()


def _why(reasons: Sequence[str]) -> str:
    return "; ".join(reasons) or "all targets met"


def _place(workspace: Workspace, run: Run, plan: Plan) -> None:
    """Move the GGUF and the evidence durably to their final place."""
    gguf, target = workspace.gguf(plan.gen), workspace.generation(plan.gen)
    os.replace(run.staging / gguf.name, gguf)
    make_durable(gguf)
    # What is there was left by a run that died before its manifest was written: no record refers to it.
    shutil.rmtree(target, ignore_errors=True)
    run.staging.rename(target)
    make_durable(target)
