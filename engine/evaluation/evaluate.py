"""`luna-tui eval GEN`: evaluate a generation again, or evaluate the base on the exams of HEAD's lineage."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any, Literal

from engine.config.config import Config
from engine.core.cancellation import Control
from engine.core.cpu import default_threads
from engine.core.errors import UsageError
from engine.evaluation.context_check import exam_window
from engine.evaluation.gate import passes, scores_when_new
from engine.evaluation.items import questions, read_items
from engine.evaluation.run_eval import (
    exams_of,
    phrases,
    read_examination,
    stored_results,
    style_options,
    tone_probes,
    watch,
)
from engine.models.base import prepare_base
from engine.models.resolve import Named, gguf_of, name_of, require_recorded
from engine.runtime.client import Runtime
from engine.workspace.layout import Workspace
from ledger.lineage import Lineage
from probes.base import Item, ProgressCallback, by_id
from probes.examine import Examination, share_continued
from probes.examine import examine as run_exams
from probes.generalization import generalization
from probes.recall import recall
from probes.scoring import score_items
from probes.style import run_style
from probes.typed import run_as_typed, typed_score

Eval = Literal["recall", "generalization", "drift"]


def evaluate(
    workspace: Workspace, config: Config, ref: str, *, progress: ProgressCallback, control: Control
) -> dict[str, Any]:
    """Evaluate the GGUF of `ref` now and return scores, targets and every item as JSON values; no record is changed.

    The base is evaluated on the exams of all generations on the way to HEAD: its recall is on the QA set of HEAD's
    parent and its generalization on HEAD's own exam, so that both are comparable with HEAD's. Raises UsageError when
    there is no exam yet, Damaged when the file is not the recorded one.
    """
    lineage = workspace.lineage()
    named = name_of(lineage, ref)
    as_gen = named.gen if named.gen is not None else lineage.head
    if as_gen is None:
        raise UsageError(
            "there is no exam yet: HEAD is at the base", hint="train first, or name a generation: luna-tui eval GEN"
        )
    path = _path(lineage, as_gen)
    exam = read_items(workspace.generation(as_gen) / "exam.jsonl")
    if not exam:
        raise UsageError(f"G{as_gen} has no exam in this workspace", where=str(workspace.generation(as_gen)))
    parent = path[-1] if path else None
    parent_qa = read_items(workspace.generation(parent) / "qa.jsonl") if parent is not None else []
    began = time.monotonic()
    with _loaded(workspace, config, lineage, named, progress, control) as (runtime, sha):
        examination = run_exams(
            runtime,
            parent_qa=parent_qa,
            exam=exam,
            ancestor_exams=exams_of(workspace, path),
            tone_probes=tone_probes(workspace, config),
            phrases=phrases(workspace, config),
            parent_results=stored_results(workspace.generation(parent)) if parent is not None else None,
            style_options=style_options(config),
            progress=watch(progress, control, config.eval.max_seconds),
            own_qa=read_items(workspace.generation(as_gen) / "qa.jsonl"),
            as_typed=questions([*exam, *parent_qa]),
        )
    note = f"the base on the exams of G{as_gen}'s lineage" if named.gen is None else ""
    return report(
        workspace, config, lineage, named.gen, named.label, sha, as_gen, examination, note, time.monotonic() - began
    )


def evaluate_one(
    workspace: Workspace, config: Config, ref: str, only: Eval, *, progress: ProgressCallback, control: Control
) -> dict[str, Any]:
    """Run one of the three evals of a generation again and return its recorded evaluation with that part replaced.

    The result has the form of `evaluate`; no record is changed. Raises UsageError for the base, where there is no
    recorded evaluation, and for the recall of a first generation; Damaged when the GGUF is not the recorded one.
    """
    lineage = workspace.lineage()
    named = name_of(lineage, ref)
    gen, recorded = _recorded(workspace, named)
    path = _path(lineage, gen)
    parent = workspace.generation(path[-1]) if path else None
    if only == "recall" and parent is None:
        raise UsageError(f"G{gen} has no parent whose QA set it could recall", hint="run another eval, or all of them")
    watched = watch(progress, control, config.eval.max_seconds)
    began = time.monotonic()
    with _loaded(workspace, config, lineage, named, progress, control) as (runtime, sha):
        if only == "drift":
            style = run_style(
                runtime,
                tone_probes(workspace, config),
                phrases(workspace, config),
                **asdict(style_options(config)),
                progress=watched,
            )
            now = replace(
                recorded,
                drift=style.drift,
                answered=style.answered,
                tone_answers=style.answers,
                continued=share_continued(style.answers, recorded.typed_results),
            )
        else:
            items = read_items(workspace.generation(gen) / "exam.jsonl")
            if only == "recall":
                items = read_items(parent / "qa.jsonl") if parent is not None else []
            results = by_id(score_items(runtime, items, progress=watched, label=only))
            merged = tuple(results.get(result.id, result) for result in recorded.results)
            typed = {result.id: result for result in recorded.typed_results}
            typed |= {
                result.id: result for result in run_as_typed(runtime, questions(items), progress=watched, label=only)
            }
            now = replace(
                recorded,
                results=merged,
                typed_results=tuple(typed.values()),
                continued=share_continued(recorded.tone_answers, tuple(typed.values())),
            )
            if only == "recall":
                again = recall(results, items, stored_results(parent) if parent is not None else None)
                now = replace(now, recall=again.score, retention=again.retention, lost=again.lost, gained=again.gained)
                now = replace(now, typed_recall=typed_score(typed, items))
            else:
                now = replace(now, generalization=generalization(results, items))
                now = replace(now, typed_generalization=typed_score(typed, items))
    note = f"{only} examined again; the rest as recorded"
    return report(workspace, config, lineage, gen, f"G{gen}", sha, gen, now, note, time.monotonic() - began)


def recorded_evaluation(workspace: Workspace, config: Config, ref: str) -> dict[str, Any]:
    """Return the recorded evaluation of a generation in the form of `evaluate`, without running a model.

    Raises UsageError where none is recorded.
    """
    lineage = workspace.lineage()
    gen, examination = _recorded(workspace, name_of(lineage, ref))
    seconds = sum(examination.seconds.values())
    sha = lineage.node(gen).row.child_sha
    note = "as recorded when the generation was judged"
    return report(workspace, config, lineage, gen, f"G{gen}", sha, gen, examination, note, seconds)


def _recorded(workspace: Workspace, named: Named) -> tuple[int, Examination]:
    if named.gen is None:
        raise UsageError("the base has no recorded examination", hint="run it: luna-tui eval base")
    if not (workspace.generation(named.gen) / "evals.json").exists():
        raise UsageError(f"{named.label} has no recorded examination", where=str(workspace.generation(named.gen)))
    return named.gen, read_examination(workspace.generation(named.gen))


@contextmanager
def _loaded(
    workspace: Workspace, config: Config, lineage: Lineage, named: Named, progress: ProgressCallback, control: Control
) -> Generator[tuple[Runtime, str]]:
    """Yield the runtime, with the GGUF of `named` verified and loaded for exams, and the GGUF's SHA-256."""
    base = prepare_base(workspace, config, progress=progress, weights=False)
    with Runtime(log=workspace.log("eval.log")) as runtime:
        gguf = gguf_of(workspace, base, named, runtime)
        require_recorded(workspace, base, named, gguf)
        control.check()
        threads = config.train.threads or default_threads()
        runtime.load(gguf, n_ctx=exam_window(config), n_parallel=config.eval.parallel, threads=threads)
        sha = base.gguf_sha if named.gen is None else lineage.node(named.gen).row.child_sha
        yield runtime, sha


def report(
    workspace: Workspace,
    config: Config,
    lineage: Lineage,
    gen: int | None,
    label: str,
    sha: str,
    as_gen: int,
    examination: Examination,
    note: str,
    seconds: float,
) -> dict[str, Any]:
    """Return an evaluation as JSON values with its targets and, for each item, the sets it belongs to."""
    path = _path(lineage, as_gen)
    sets: dict[str, list[str]] = {}

    def note_set(name: str, items: list[Item]) -> None:
        for item in items:
            sets.setdefault(item.id, []).append(name)

    for ancestor in (*path, as_gen):
        note_set(f"exam:G{ancestor}", read_items(workspace.generation(ancestor) / "exam.jsonl"))
    if path:
        note_set(f"qa:G{path[-1]}", read_items(workspace.generation(path[-1]) / "qa.jsonl"))
    note_set(f"qa:G{as_gen}", read_items(workspace.generation(as_gen) / "qa.jsonl"))
    summary = examination.summary()
    by_ancestor = summary.pop("by_ancestor")
    names = ("recall", "retention", "generalization", "drift", "answered", "continued")
    scores = {key: summary[key] for key in (*names, "typed_recall", "typed_generalization")}
    typed = {result.id: result.to_dict() for result in examination.typed_results}
    return {
        "gen": gen,
        "label": label,
        "sha": sha,
        "scores": scores,
        "by_ancestor": [{"gen": int(g), **score} for g, score in by_ancestor.items()],
        "targets": config.eval.targets,
        "passes": passes(examination, config.eval, when_new=scores_when_new(lineage, path)),
        "items": [
            {**result.to_dict(), "sets": sets.get(result.id, []), "as_typed": typed.get(result.id)}
            for result in examination.results
        ],
        "tone": [answer.to_dict() for answer in examination.tone_answers],
        "lost": summary["lost"],
        "gained": summary["gained"],
        "seconds": seconds,
        "note": note,
    }


def _path(lineage: Lineage, gen: int) -> tuple[int, ...]:
    return tuple(lineage.ancestors(gen))
