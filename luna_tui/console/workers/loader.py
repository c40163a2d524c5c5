"""What the console reads of a workspace off the screen's path: lineage, settings, evaluations, curves, manifests."""

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

# Up to this many generations every row brings its scores on all ancestors' exams; beyond, only those looked at do.
_WITH_SCORES = 300


class Loader:
    """Every method returns at once; what was read is told as an event."""

    def __init__(
        self,
        engine: EngineFacade,
        workspace: Workspace,
        read: Callable[[Callable[[], None]], None],
        tell: Callable[[ConsoleEvent], object],
        log: Path,
    ) -> None:
        self._engine, self._workspace, self._read = engine, workspace, read
        self._tell, self._log = tell, log
        self._generations = 0

    def do(self, task: Callable[[], None]) -> None:
        """Do this when all before it is done; what it raises is told."""

        def guarded() -> None:
            try:
                task()
            except Exception as error:
                self._tell(told(error, self._log))

        self._read(guarded)

    def outline(self) -> None:
        """The lineage without its manifests, for the first sight."""
        self.do(self._read_outline)

    def lineage(self) -> None:
        """The whole lineage."""
        self.do(self.read_lineage)

    def settings(self) -> None:
        """What luna.toml says that the screen shows."""
        self.do(self._read_settings)

    def _read_outline(self) -> None:
        rows = self._engine.lineage_outline(self._workspace)
        self._generations = len(rows)
        self._tell(LineageLoaded(tuple(rows), self._head(rows), complete=False))

    def read_lineage(self) -> None:
        """Read it now, in the thread that calls."""
        rows = self._engine.lineage_rows(self._workspace, scores=self._generations <= _WITH_SCORES)
        self._generations = len(rows)
        gen, parent = self._engine.unfinished(self._workspace) or (None, None)
        self._tell(LineageLoaded(tuple(rows), self._head(rows), unfinished=gen, unfinished_parent=parent))

    @staticmethod
    def _head(rows: Sequence[Mapping[str, Any]]) -> int | None:
        return next((int(row["GEN_ID"]) for row in rows if row["head"]), None)

    def _read_settings(self) -> None:
        config = self._engine.config(self._workspace.root)
        targets = config.eval.targets
        phases = {"base": config.train.base, "align": config.train.align, "converse": config.train.converse}
        plans = {name: {"steps": p.steps, "lr": p.lr, "method": p.method} for name, p in phases.items()}
        self._tell(SettingsLoaded(targets, config.model.base, plans))

    def evaluation(self, ref: str) -> None:
        """The recorded examination."""
        self.do(lambda: self._read_evaluation(ref))

    def _read_evaluation(self, ref: str) -> None:
        try:
            found = self._engine.recorded_evaluation(self._workspace, self._engine.config(self._workspace.root), ref)
        except Exception as error:
            problem = told(error, self._log)
            self._tell(EvaluationLoaded(ref, None, f"{problem.text} {problem.hint}".strip()))
        else:
            self._tell(EvaluationLoaded(ref, found))

    def matrix(self, ref: str) -> None:
        """The forgetting matrix, as far as it is known."""
        self.do(lambda: self._read_matrix(ref))

    def _read_matrix(self, ref: str) -> None:
        try:
            found = self._engine.read_matrix(self._workspace, self._engine.config(self._workspace.root), ref)
        except Exception as error:
            problem = told(error, self._log)
            self._tell(MatrixLoaded(ref, None, f"{problem.text} {problem.hint}".strip()))
        else:
            self._tell(MatrixLoaded(ref, found))

    def curve(self, gen: int) -> None:
        """Loss curve and voice out of the journal of the run that made a generation."""
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
            self._tell(CurveLoaded(gen, curve, tuple(voices)))
        except Exception as error:
            self._tell(CurveLoaded(gen, None))
            self._tell(told(error, self._log))

    def details(self, gen: int) -> None:
        """The manifest."""
        self.do(lambda: self._read_details(gen))

    def _read_details(self, gen: int) -> None:
        manifest = self._workspace.manifest(gen)
        self._tell(DetailsLoaded(gen, dataclasses.asdict(manifest) if manifest else None))
