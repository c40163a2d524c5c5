"""The files that prepare leaves in a run's staging: the data a generation is trained on, and its exams."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.data.replay import FedRow
from engine.data.rows import Row
from engine.evaluation.items import write_items
from ledger.hashing import canonical_json
from probes.base import Item


@dataclass(frozen=True, slots=True)
class Material:
    """A generation's rows: the new ones, those trained on, held out and replayed, and the feeding order.

    `development` rows are in neither training nor exam: rescue chooses by them.
    """

    new: Sequence[Row]
    train: Sequence[Row]
    holdout: Sequence[Row]
    replay: Sequence[FedRow]
    fed: Sequence[FedRow]
    development: Sequence[Row] = ()


@dataclass(frozen=True, slots=True)
class Exams:
    """What a generation is asked: its exam, its QA set (the exam and some trained rows), and what rescue chooses by."""

    exam: Sequence[Item]
    qa: Sequence[Item]
    development: Sequence[Item]


def write_staging(
    staging: Path,
    material: Material,
    exams: Exams,
) -> None:
    """Write data and exams as they will be recorded; what an earlier attempt left in `staging` is removed."""
    shutil.rmtree(staging, ignore_errors=True)
    data = staging / "data"
    data.mkdir(parents=True)
    _write(data / "new.jsonl", (row.to_json() for row in material.new))
    _write(data / "train.jsonl", (fed.row.to_json() for fed in material.fed))
    _write(data / "holdout.jsonl", (row.to_json() for row in material.holdout))
    _write(data / "replay.jsonl", (canonical_json({"id": f.row.id, "from_gen": f.from_gen}) for f in material.replay))
    if material.development:
        _write(data / "development.jsonl", (row.to_json() for row in material.development))
        write_items(staging / "development.jsonl", exams.development)
    write_items(staging / "exam.jsonl", exams.exam)
    write_items(staging / "qa.jsonl", exams.qa)


def _write(path: Path, lines: Iterable[str]) -> None:
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8", newline="\n")
