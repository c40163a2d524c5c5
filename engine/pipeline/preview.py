"""What a training would be fed and would take, without training: decided as it would be, with nothing written."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from engine.config.config import Config
from engine.core.cancellation import Control
from engine.core.events import Emitter, Event, Examined, Exported, LogLine, Progress
from engine.core.journal import read_journal
from engine.data.left_out import left_out_lines
from engine.data.rows import count_answers
from engine.evaluation.items import read_items
from engine.models.base import prepare_base
from engine.pipeline.context import Context
from engine.pipeline.memory_preview import MemoryPreview, memory_preview
from engine.pipeline.request import TrainRequest, with_request
from engine.pipeline.steps.decide import Preparation, decide
from engine.runtime.client import Runtime
from engine.training.job import IGNORED, Example
from engine.training.provenance import arithmetic
from engine.workspace.layout import Workspace
from engine.workspace.runs import Run
from probes.base import ProgressCallback

SHOWN = 10
"""How many sequences are shown token by token."""


@dataclass(frozen=True, slots=True)
class TokenView:
    """A training sequence token by token: each its text, and whether the model is trained to write it.

    An answer's end is a piece of its own with the text "", for EOS.
    """

    row_id: str
    source: str
    stage: str
    pieces: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Pace:
    """The seconds a generation is expected to take, from what one took on this machine before (`of`, its GEN_ID)."""

    of: int
    train: float
    export: float
    evaluate: float


@dataclass(frozen=True, slots=True)
class Preview:
    """What `decide` decided, in numbers and words; `counts` as in `Preparation`, `by_stage` of one pass.

    `left_out` are sentences and bad rows, `warnings` what would be logged besides. `pace` is None where no generation
    was trained on such a machine yet.
    """

    gen: int
    parent: int | None
    phase: str
    reason: str
    counts: dict[str, int]
    by_stage: dict[str, dict[str, int]]
    exam_items: int
    steps: int
    batch_size: int
    accumulation: int
    left_out: tuple[str, ...]
    warnings: tuple[str, ...]
    sequences: tuple[TokenView, ...]
    pace: Pace | None
    memory: MemoryPreview

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for `--json`."""
        plain = asdict(self)
        plain["memory"] = self.memory.to_dict()
        plain["sequences"] = [
            {**asdict(view), "pieces": [{"text": text, "trained": trained} for text, trained in view.pieces]}
            for view in self.sequences
        ]
        return plain


def preview(
    workspace: Workspace, config: Config, request: TrainRequest, *, progress: ProgressCallback, control: Control
) -> Preview:
    """Return what the next generation would be trained on; raises as the training itself would, before it trains."""
    logged: list[LogLine] = []

    def sink(event: Event) -> None:
        if isinstance(event, LogLine):
            logged.append(event)
        elif isinstance(event, Progress):
            progress(event.done, event.total, event.label)

    config = with_request(config, request)
    base = prepare_base(workspace, config, progress=progress, weights=False)
    lineage = workspace.lineage()
    with Runtime(log=workspace.log("runtime.log")) as runtime:
        context = Context(workspace, config, base, runtime, _no_backend, Emitter("", sink), control)
        made = decide(context, request, lineage, lineage.next_gen_id())
        views = _views(runtime, made)
    left_out = [*left_out_lines(made.curriculum.left_out, made.curriculum.marker), *made.curriculum.notes]
    return Preview(
        gen=made.gen,
        parent=made.descent.parent,
        phase=made.selection.phase,
        reason=made.selection.reason,
        counts=made.counts,
        by_stage=_by_stage(made),
        exam_items=len(made.exams.qa),
        steps=made.recipe.steps,
        batch_size=made.recipe.batch_size,
        accumulation=made.accumulation,
        left_out=(*left_out, *map(str, made.curriculum.bad)),
        warnings=tuple(line.text for line in logged if line.text not in left_out and "left out" not in line.text),
        sequences=views,
        pace=_pace(workspace, made),
        memory=memory_preview(workspace, config, request, base, made),
    )


def _no_backend(_name: str) -> Any:
    raise AssertionError("a preview trains nothing")


def _by_stage(made: Preparation) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = {}
    for fed in made.material.fed:
        counts = found.setdefault(fed.row.stage, Counter())
        sequences = made.sequences[fed.row.id]
        counts["rows"] += count_answers([fed.row])
        counts["sequences"] += len(sequences)
        counts["tokens"] += sum(len(example.ids) for example in sequences)
        counts["tokens_trained"] += sum(example.counted for example in sequences)
    return {stage: dict(counts) for stage, counts in found.items()}


def _views(runtime: Runtime, made: Preparation) -> tuple[TokenView, ...]:
    """Return sequences spread evenly over one pass, token by token."""
    rows = [(fed.row, example) for fed in made.material.fed for example in made.sequences[fed.row.id]]
    chosen = rows[:: max(1, len(rows) // SHOWN)][:SHOWN]
    texts = [iter(runtime.detokenize([[id_] for id_ in example.ids])) for _, example in chosen]
    return tuple(
        TokenView(row.id, row.source, row.stage, tuple(_pieces(example, list(written))))
        for (row, example), written in zip(chosen, texts, strict=True)
    )


def _pieces(example: Example, texts: Sequence[str]) -> list[tuple[str, bool]]:
    end = example.ids[-1]
    pieces: list[tuple[str, bool]] = []
    for id_, label, text in zip(example.ids, example.labels, texts, strict=True):
        if label == end and id_ != end:
            pieces.append(("", True))  # an answer of a conversation ends here, and the input goes on
            label = IGNORED
        pieces.append(("" if id_ == end else text, label != IGNORED))
    return pieces


def _pace(workspace: Workspace, made: Preparation) -> Pace | None:
    """Return the time expected, from the newest generation that was trained on a machine that rounds as this one."""
    machine = arithmetic(made.recipe.precision)
    for gen in reversed(range(made.gen)):
        manifest = workspace.manifest(gen)
        if manifest is None or any(manifest.versions.get(name) != value for name, value in machine.items()):
            continue
        journal = Run.at(workspace, str(manifest.extra.get("run_id", ""))).journal
        steps = _metrics(workspace.generation(gen) / "metrics.jsonl")
        seconds = sum(step["seconds"] for step in steps)
        if not seconds or not journal.is_file():
            continue
        ended = [event for event in read_journal(journal) if isinstance(event, Exported | Examined)]
        took = {type(event): event.seconds for event in ended}
        fed = made.fed
        wanted = made.recipe.steps * made.recipe.batch_size * made.accumulation
        tokens = sum(len(example.ids) for example in fed) / max(1, len(fed)) * wanted
        # An exam takes about as long as it has questions, of which the QA set is the newest part.
        before = len(read_items(workspace.generation(gen) / "qa.jsonl"))
        return Pace(
            of=gen,
            train=tokens * seconds / max(1, sum(step["tokens"] for step in steps)),
            export=took.get(Exported, 0.0),
            evaluate=took.get(Examined, 0.0) * len(made.exams.qa) / max(1, before),
        )
    return None


def _metrics(path: Path) -> list[dict[str, float]]:
    try:
        return [cast("dict[str, float]", json.loads(line)) for line in path.read_text().splitlines()]
    except (OSError, ValueError):
        return []
