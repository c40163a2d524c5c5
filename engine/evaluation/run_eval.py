"""How an evaluation is run and stored: exams, probes and phrases, its time limit, and its result files."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.config.config import Config
from engine.core.cancellation import Control
from engine.core.errors import Damaged, LunaError, UsageError
from engine.evaluation.items import read_items
from engine.workspace.layout import Workspace
from probes.base import Item, ItemResult, ProgressCallback
from probes.examine import Examination
from probes.style import Phrase, StyleOptions, ToneProbe, load_phrases, load_tone_probes

VERIFY_HINT = "luna-tui verify shows what else is hurt"


def exams_of(workspace: Workspace, path: Sequence[int]) -> dict[int, list[Item]]:
    """Return the exam of every generation of `path`, by GEN_ID."""
    return {gen: read_items(workspace.generation(gen) / "exam.jsonl") for gen in path}


def tone_probes(workspace: Workspace, config: Config) -> list[ToneProbe]:
    """Return the configured tone probes; raises UsageError when the file cannot be used."""
    try:
        return load_tone_probes(workspace.root / config.eval.tone_probes if config.eval.tone_probes else None)
    except (OSError, ValueError) as error:
        raise UsageError(f"the tone probes cannot be used: {error}", where="luna.toml [eval] tone_probes") from error


def phrases(workspace: Workspace, config: Config) -> list[Phrase]:
    """Return the built-in corporate phrases and the user's own; raises UsageError when their file cannot be used."""
    try:
        extra = (
            (workspace.root / config.eval.phrases).read_text(encoding="utf-8").splitlines()
            if config.eval.phrases
            else ()
        )
        return load_phrases(extra)
    except (OSError, ValueError) as error:
        raise UsageError(f"the phrase list cannot be used: {error}", where="luna.toml [eval] phrases") from error


def style_options(config: Config) -> StyleOptions:
    """Return the sampling options of the tone probes; the seed is fixed, so that every generation is probed alike."""
    section = config.eval
    return StyleOptions(section.tone_samples, section.tone_temperature, 0, section.tone_max_tokens)


def watch(report: ProgressCallback, control: Control, max_seconds: float) -> ProgressCallback:
    """Return a progress callback that also raises on a stop request, and when one part takes longer than its limit.

    `max_seconds` is the limit of each part, by label. Raises Interrupted or LunaError.
    """
    began: dict[str, float] = {}

    def progress(done: int, total: int, label: str) -> None:
        control.check()
        spent = time.monotonic() - began.setdefault(label, time.monotonic())
        if spent > max_seconds:
            raise LunaError(
                f"the exam part {label!r} took more than {max_seconds:g} s",
                where="luna.toml [eval] max_seconds",
                hint="raise it, or make the exams smaller ([curriculum] holdout, [eval] qa_trained_rows)",
            )
        report(done, total, label)

    return progress


def stored_results(directory: Path) -> Mapping[str, ItemResult]:
    """Return a generation's recorded item results by id, empty when it has none.

    Raises Damaged when they cannot be read.
    """
    path = directory / "eval_items.jsonl"
    if not path.exists():
        return {}
    try:
        results = [ItemResult.from_dict(line) for line in _lines(path)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Damaged(f"cannot be read: {error}", where=str(path), hint=VERIFY_HINT) from error
    return {result.id: result for result in results}


def read_examination(directory: Path) -> Examination:
    """Return a generation's recorded evaluation; raises Damaged when it cannot be read."""
    try:
        data = json.loads((directory / "evals.json").read_text(encoding="utf-8"))
        data["results"] = _lines(directory / "eval_items.jsonl")
        data["tone_answers"] = _lines(directory / "tone_answers.jsonl")
        # Generations recorded before items were evaluated as typed have no such file, and are shown as they were.
        typed = directory / "typed_items.jsonl"
        data["typed_results"] = _lines(typed) if typed.exists() else []
        return Examination.from_dict(data)
    except (OSError, ValueError) as error:
        raise Damaged(
            f"the recorded examination cannot be read: {error}", where=str(directory), hint=VERIFY_HINT
        ) from error


def write_examination(directory: Path, examination: Examination) -> None:
    """Write scores, items and tone answers in the form that `read_examination` reads."""
    data = examination.to_dict()
    for key, name in (
        ("results", "eval_items.jsonl"),
        ("typed_results", "typed_items.jsonl"),
        ("tone_answers", "tone_answers.jsonl"),
    ):
        lines = [json.dumps(entry, ensure_ascii=False, sort_keys=True) for entry in data.pop(key)]
        (directory / name).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    text = json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    (directory / "evals.json").write_text(text, encoding="utf-8")


def _lines(path: Path) -> list[Any]:
    # Not splitlines: an answer may hold U+2028 or U+0085, which JSON leaves as they are.
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
