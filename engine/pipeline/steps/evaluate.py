"""The examine step: evaluate the exported GGUF through llama.cpp, with raw prompts.

It is run on its own exam, its parent's QA set and every ancestor's exam.
"""

from __future__ import annotations

import time

from engine.core.events import Examined, ProgressReporter
from engine.evaluation.context_check import exam_window
from engine.evaluation.items import questions, read_items
from engine.evaluation.run_eval import (
    exams_of,
    phrases,
    read_examination,
    stored_results,
    style_options,
    tone_probes,
    watch,
    write_examination,
)
from engine.pipeline.context import Context
from engine.pipeline.plan import Plan
from engine.pipeline.steps.export import ExportedModel
from engine.workspace.runs import Run
from probes.examine import Examination
from probes.examine import examine as run_exams


def examine(context: Context, run: Run, plan: Plan, model: ExportedModel) -> Examination:
    """Evaluate the exported model on every exam and write scores, items and tone answers into the run's staging."""
    began = time.monotonic()
    examination = sit(context, run, plan, model)
    write_examination(run.staging, examination)
    context.emit(Examined, gen=plan.gen, scores=examination.summary(), seconds=time.monotonic() - began)
    return examination


def sit(context: Context, run: Run, plan: Plan, model: ExportedModel) -> Examination:
    """Evaluate a GGUF on every exam of a prepared generation; nothing is written."""
    config, workspace = context.config, context.workspace
    parent = workspace.generation(plan.path[-1]) if plan.path else None
    parent_qa = read_items(parent / "qa.jsonl") if parent else []
    exam = read_items(run.staging / "exam.jsonl")
    context.runtime.load(model.gguf, n_ctx=exam_window(config), n_parallel=config.eval.parallel, threads=plan.threads)
    return run_exams(
        context.runtime,
        parent_qa=parent_qa,
        exam=exam,
        ancestor_exams=exams_of(workspace, plan.path),
        tone_probes=tone_probes(workspace, config),
        phrases=phrases(workspace, config),
        parent_results=stored_results(parent) if parent else None,
        style_options=style_options(config),
        progress=watch(ProgressReporter(context.emit), context.control, config.eval.max_seconds),
        own_qa=read_items(run.staging / "qa.jsonl"),
        as_typed=questions([*exam, *parent_qa]),
    )


def examined(run: Run) -> Examination:
    """Return the finished evaluation in the run's staging; raises Damaged when it cannot be read."""
    return read_examination(run.staging)
