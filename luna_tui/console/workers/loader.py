"""Reads a workspace off the screen's thread: lineage, settings, evaluations, curves, manifests."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luna_tui.common.engine_facade import EngineFacade
from luna_tui.console.state.events import (
    ConsoleEvent,
    CurveLoaded,
    DetailsLoaded,
    EvaluationLoaded,
    LineageLoaded,
    MatrixLoaded,
    SettingsLoaded,
)
from luna_tui.console.workers.trouble import told

if TYPE_CHECKING:
    from engine.core.events import Event, TrainStep, VoiceSampled
    from engine.workspace.layout import Workspace

# Up to this many generations every row includes its scores on all ancestors' exams; beyond, only selected ones do.
_WITH_SCORES = 300


class Loader:
    """Reads on request; every method but `read_lineage` returns at once, and results are emitted as events."""

    def __init__(
        self,
        engine: EngineFacade,
        workspace: Workspace,
        read: Callable[[Callable[[], None]], None],
        tell: Callable[[ConsoleEvent], object],
        log: Path,
    ) -> None:
        self._engine, self._workspace, self._read = engine, workspace, read
        self._emit, self._log = tell, log
        self._generations = 0

    def do(self, task: Callable[[], None]) -> None:
        """Run a task after all earlier ones; an exception it raises is emitted as a notice."""

        def guarded() -> None:
            try:
                task()
            except Exception as error:
                self._emit(told(error, self._log))

        self._read(guarded)

    def outline(self) -> None:
        """Read the lineage without its manifests, for the first paint."""
        self.do(self._read_outline)

    def lineage(self) -> None:
        """Read the whole lineage with its manifests."""
        self.do(self.read_lineage)

    def settings(self) -> None:
        """Read the parts of luna.toml that the screen shows."""
        self.do(self._read_settings)

    def _read_outline(self) -> None:
        rows = self._engine.lineage_outline(self._workspace)
        self._generations = len(rows)
        self._emit(LineageLoaded(tuple(rows), self._head(rows), complete=False))

    def read_lineage(self) -> None:
        """Read the lineage now, in the calling thread."""
        rows = self._engine.lineage_rows(self._workspace, scores=self._generations <= _WITH_SCORES)
        self._generations = len(rows)
        gen, parent = self._engine.unfinished(self._workspace) or (None, None)
        self._emit(LineageLoaded(tuple(rows), self._head(rows), unfinished=gen, unfinished_parent=parent))

    @staticmethod
    def _head(rows: Sequence[Mapping[str, Any]]) -> int | None:
        return next((int(row["GEN_ID"]) for row in rows if row["head"]), None)

    def _read_settings(self) -> None:
        config = self._engine.config(self._workspace.root)
        targets = config.eval.targets
        phases = {"base": config.train.base, "align": config.train.align, "converse": config.train.converse}
        plans = {name: {"steps": p.steps, "lr": p.lr, "method": p.method} for name, p in phases.items()}
        self._emit(SettingsLoaded(targets, config.model.base, plans))

    def evaluation(self, ref: str) -> None:
        """Read the recorded evaluation of a generation."""
        self.do(lambda: self._read_evaluation(ref))

    def _read_evaluation(self, ref: str) -> None:
        try:
            found = self._engine.recorded_evaluation(self._workspace, self._engine.config(self._workspace.root), ref)
        except Exception as error:
            problem = told(error, self._log)
            self._emit(EvaluationLoaded(ref, None, f"{problem.text} {problem.hint}".strip()))
        else:
            self._emit(EvaluationLoaded(ref, found))

    def matrix(self, ref: str) -> None:
        """Read the forgetting matrix, with the cells that are known so far."""
        self.do(lambda: self._read_matrix(ref))

    def _read_matrix(self, ref: str) -> None:
        try:
            found = self._engine.read_matrix(self._workspace, self._engine.config(self._workspace.root), ref)
        except Exception as error:
            problem = told(error, self._log)
            self._emit(MatrixLoaded(ref, None, f"{problem.text} {problem.hint}".strip()))
        else:
            self._emit(MatrixLoaded(ref, found))

    def curve(self, gen: int) -> None:
        """Read loss curve and voice samples from the journal of the run that made a generation."""
        self.do(lambda: self._read_curve(gen))

    def _read_curve(self, gen: int) -> None:
        from engine.core.events import TrainStep, VoiceSampled
        from luna_tui.common.loss_curve import Curve

        voices: list[VoiceSampled] = []

        def steps(events: Iterable[Event]) -> Iterator[TrainStep]:
            for event in events:
                if isinstance(event, TrainStep):
                    yield event
                elif isinstance(event, VoiceSampled):
                    voices.append(event)

        try:
            events = self._engine.run_events(self._workspace, gen)
            curve = Curve.from_events(steps(events)) if events is not None else None
            self._emit(CurveLoaded(gen, curve, tuple(voices)))
        except Exception as error:
            self._emit(CurveLoaded(gen, None))
            self._emit(told(error, self._log))

    def details(self, gen: int) -> None:
        """Read the manifest of a generation."""
        self.do(lambda: self._read_details(gen))

    def _read_details(self, gen: int) -> None:
        manifest = self._workspace.manifest(gen)
        self._emit(DetailsLoaded(gen, dataclasses.asdict(manifest) if manifest else None))
