"""The forgetting matrix: every generation of a lineage path, and the base, on every exam of that path.

The cells below and on the diagonal were recorded when a generation was judged. Those above it, and the base's row, are
computed once by `fill_matrix` and cached by the SHA-256 of the model and of the exam, so no pair is evaluated twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from engine.config.config import Config
from engine.core.cancellation import Control
from engine.evaluation.items import read_items
from engine.evaluation.matrix import ForgettingMatrix, MatrixExam, MatrixRow, describe_falls
from engine.evaluation.model_ref import ModelRef, generation_ref
from engine.evaluation.result_cache import ResultCache, exam_sha
from engine.models.resolve import name_of
from engine.workspace.base_record import read_base_record
from engine.workspace.layout import Workspace
from probes.base import Item, ItemResult, ProgressCallback
from probes.scoring import score_items
from probes.statistics.intervals import Score

Show = Callable[[ForgettingMatrix], None]


def read_matrix(workspace: Workspace, config: Config, *, ref: str = "HEAD") -> ForgettingMatrix:
    """Return the known part of the matrix of the path from the base to `ref`; loads no model, writes nothing.

    The base has no exam, so a matrix up to it has no columns. Raises LedgerBadInput for an unknown reference.
    """
    return _Board(workspace, config, ref, _unwatched, Control()).matrix()


def fill_matrix(
    workspace: Workspace,
    config: Config,
    ref: str,
    progress: ProgressCallback,
    control: Control,
    *,
    show: Show | None = None,
) -> ForgettingMatrix:
    """Evaluate every missing cell, loading each model once, and return the whole matrix.

    A GGUF that gc has collected is rebuilt from the deltas; a hand-written row without a GGUF keeps its empty cells.
    `progress` counts items; `show` is called with the matrix after each cell. Raises Interrupted on a stop request,
    keeping the finished cells; Damaged when a model is not the recorded one.
    """
    board = _Board(workspace, config, ref, progress, control)
    with board.sittings:
        for _ in board.fill():
            if show is not None:
                show(board.matrix())
    return board.matrix()


@dataclass(slots=True)
class _Line:
    """A row in progress: `answers` holds for each exam one byte an item, 1 if right and 0 if wrong; None if not run."""

    model: ModelRef
    can_sit: bool
    answers: list[bytes | None] = field(default_factory=list[bytes | None])


class _Board:
    """A matrix that is filled cell by cell."""

    def __init__(
        self, workspace: Workspace, config: Config, ref: str, progress: ProgressCallback, control: Control
    ) -> None:
        self.sittings = ResultCache(workspace, config, progress=progress, control=control)
        lineage = workspace.lineage()
        self._named = name_of(lineage, ref)
        gen = self._named.gen
        self._path = [] if gen is None else [*lineage.ancestors(gen), gen]
        exams = {at: read_items(workspace.generation(at) / "exam.jsonl") for at in self._path}
        self._exams: list[tuple[int, list[Item], str]] = [
            (at, items, exam_sha(items)) for at, items in exams.items() if items
        ]
        base = read_base_record(workspace)
        self._lines = [
            _Line(ModelRef("base", base["gguf_sha"] if base else ""), base is not None),
            *(_Line(generation_ref(lineage, at), _has_model(workspace, at)) for at in self._path),
        ]
        for line in self._lines:
            line.answers = [self._known(line, items) for _, items, _ in self._exams]

    def _known(self, line: _Line, items: Sequence[Item]) -> bytes | None:
        found = self.sittings.known(line.model, items) if line.model.sha else None
        return None if found is None else _marks(found)

    def fill(self) -> Iterator[None]:
        """Evaluate the missing cells model by model, and yield after each cell."""
        todo = [(line, [at for at, known in enumerate(line.answers) if known is None]) for line in self._lines]
        todo = [(line, columns) for line, columns in todo if columns and line.can_sit]
        total = sum(len(self._exams[at][1]) for _, columns in todo for at in columns)
        done = 0
        for line, columns in todo:
            self.sittings.progress(done, total, f"loading {line.model.label}")
            with self.sittings.loaded(line.model) as runtime:
                for at in columns:
                    gen, items, sha = self._exams[at]
                    before = done

                    def report(asked: int, _all: int, label: str, before: int = before) -> None:
                        self.sittings.progress(before + asked, total, label)

                    results = score_items(
                        runtime, items, progress=report, label=f"{line.model.label} on the exam of G{gen}"
                    )
                    self.sittings.keep(line.model, sha, [result.to_dict() for result in results])
                    line.answers[at] = _marks(results)
                    done += len(items)
                    yield

    def matrix(self) -> ForgettingMatrix:
        """Return the matrix with the cells that are known so far."""
        taught = {gen: row for row, gen in enumerate(self._path, start=1)}
        rows = tuple(
            MatrixRow(
                line.model.label,
                line.model.gen,
                line.model.sha,
                tuple(None if marks is None else Score.of(sum(marks), len(marks)) for marks in line.answers),
                line.can_sit,
            )
            for line in self._lines
        )
        exams = tuple(MatrixExam(f"G{gen}", gen, sha, len(items), taught[gen]) for gen, items, sha in self._exams)
        bare = ForgettingMatrix(self._named.label, rows, exams, (), self.sittings.unkept)
        return replace(bare, falling=describe_falls(bare, lambda row, column: self._lines[row].answers[column]))


def _has_model(workspace: Workspace, gen: int) -> bool:
    """Return whether a GGUF exists, or should exist: a hand-written row may never have had one here."""
    return workspace.gguf(gen).exists() or workspace.manifest(gen) is not None


def _marks(results: Sequence[ItemResult]) -> bytes:
    return bytes(result.right for result in results)


def _unwatched(_done: int, _total: int, _label: str) -> None:
    """Ignore progress, for work that takes no time."""
