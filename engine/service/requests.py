"""Requests to the engine other than training; each has a label for the person who waits for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.pipeline.request import TrainRequest

if TYPE_CHECKING:
    from engine.core.cancellation import Control
    from engine.evaluation.evaluate import Eval
    from probes.base import ProgressCallback


@dataclass(frozen=True, slots=True)
class EvaluateRequest:
    """Evaluate a generation again as it was exported; `only` names one of the three evals."""

    ref: str
    only: Eval | None = None

    @property
    def label(self) -> str:
        """A short description of the work in progress."""
        return f"examining {self.ref}" + (f": {self.only}" if self.only else "")


@dataclass(frozen=True, slots=True)
class FillMatrixRequest:
    """Compute the missing cells of the forgetting matrix of the path to a generation."""

    ref: str

    @property
    def label(self) -> str:
        """A short description of the work in progress."""
        return f"matrix of {self.ref}"


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """Recompute every recorded hash and compare it with the record."""

    @property
    def label(self) -> str:
        """A short description of the work in progress."""
        return "verifying"


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """Write a generation for another program; `force` replaces files that exist."""

    ref: str
    target: str
    directory: Path
    force: bool = False

    @property
    def label(self) -> str:
        """A short description of the work in progress."""
        return f"exporting {self.ref} for {self.target}"


@dataclass(frozen=True, slots=True)
class PreviewRequest:
    """Decide what a training would learn and take, without training."""

    request: TrainRequest

    @property
    def label(self) -> str:
        """A short description of the work in progress."""
        return "dry run"


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """Look at what a file or folder would bring into the inbox, or into a `stage`; with `write` it comes in.

    `region` and `keep_near` are those of `engine.service.inbox_import.ImportOptions`.
    """

    source: Path
    stage: str = ""
    region: str = ""
    keep_near: bool = False
    write: bool = False

    @property
    def label(self) -> str:
        """A short description of the work in progress."""
        return f"{'importing' if self.write else 'reading'} {self.source.name or self.source}"


@dataclass(frozen=True, slots=True)
class TaskRequest:
    """Other long work that only reads what is recorded, such as a comparison or the evaluation of a study.

    `work(progress, control)` checks the control at its safe points.
    """

    label: str
    work: Callable[[ProgressCallback, Control], Any]


Request = (
    TrainRequest
    | EvaluateRequest
    | FillMatrixRequest
    | VerifyRequest
    | ExportRequest
    | PreviewRequest
    | ImportRequest
    | TaskRequest
)
