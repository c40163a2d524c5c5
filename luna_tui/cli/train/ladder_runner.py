"""A ladder run without a console: one job of the engine, which trains its rungs as jobs of engines of their own.

Each generation is shown on stderr as `train` shows it, and Ctrl-C stops the training or the evaluation in progress.
"""

from __future__ import annotations

import contextlib
import time
from queue import SimpleQueue
from typing import TYPE_CHECKING

from rich.text import Text

from engine.core.cancellation import Control
from luna_tui.cli.calling import Invocation
from luna_tui.cli.jobs import accepted
from luna_tui.cli.progress import bar
from luna_tui.cli.train.follow import StopSignals, follow
from luna_tui.common import figures
from luna_tui.common.safe_text import safe_line
from luna_tui.common.terminal import LunaConsole, is_live

if TYPE_CHECKING:
    from engine.config.config import Config
    from engine.core.events import Event, RunFinished
    from engine.experiments.ladder.ladder_file import LadderReport
    from engine.experiments.ladder.search import Ladder
    from engine.pipeline.request import TrainRequest
    from engine.service.jobs import Job, JobEvent
    from engine.service.work import ProgressCallback
    from engine.workspace.layout import Workspace
    from luna_tui.cli.train.follow import View
    from luna_tui.common.quiet_output import Streams
    from luna_tui.common.run_state import RunState

_MARKED = ("accepted", "rejected", "stopped")


class LadderRunner:
    """Runs a ladder and trains its generations in turn, each in an engine of its own, and reports on `err`."""

    def __init__(self, call: Invocation, streams: Streams) -> None:
        self._call = call
        self._streams = streams
        self._control = Control()
        self._ladder: Job | None = None
        self._job: Job | None = None
        self._signals = StopSignals(streams.err)
        self._signals.stops(self.stop)
        self._console = LunaConsole(streams.err)
        self._bar = contextlib.ExitStack()
        self._report: ProgressCallback | None = None

    def climb(self, ladder: Ladder) -> LadderReport:
        """Run the ladder as a job of the engine and return its report; raises what the job raises.

        The first Ctrl-C or SIGTERM stops it cleanly, the second ends the process.
        """
        from engine.experiments.ladder.search import climb
        from engine.service.requests import TaskRequest

        def work(_progress: ProgressCallback, control: Control) -> LadderReport:
            if self._control.stopping:  # requested while the job was being submitted
                control.stop()
            self._control = control
            return climb(ladder, evolve=self.evolve, progress=self.progress, control=control, tell=self.tell)

        engine = self._call.engine.open(ladder.workspace)
        with self._signals.installed():
            try:
                self._ladder = accepted(engine, TaskRequest("ladder", work), config=ladder.config)
                return self._ladder.result()
            finally:
                self._bar.close()
                engine.close()

    def stop(self) -> None:
        """Stop the ladder run: after the current training step, or between two cards."""
        self._control.stop()
        if self._ladder is not None:
            self._ladder.cancel()
        if self._job is not None:
            self._job.cancel()

    def tell(self, text: str) -> None:
        """Print what the ladder run does now."""
        self._console.print(Text(safe_line(text), "bold"), soft_wrap=True)

    def progress(self, done: int, total: int, label: str) -> None:
        """Show how many cards are answered; the bar exists only meanwhile, since training has its own bars."""
        if self._report is None:
            self._report = self._bar.enter_context(bar("asking", stream=self._streams.err))
        self._report(done, total, label)
        if done == total:
            self._bar.close()
            self._report = None

    def evolve(self, workspace: Workspace, config: Config, request: TrainRequest) -> RunFinished:
        """Train one generation and return the event that ended its run."""
        self._control.check()
        events: SimpleQueue[Event | JobEvent] = SimpleQueue()
        engine = self._call.engine.open(workspace)
        engine.subscribe(events.put)
        try:
            job = self._job = accepted(engine, request, config=config)
            if self._control.stopping:  # requested while the job was being submitted
                job.cancel()
            return follow(job, events, self._view(), self._signals).finished[-1]
        finally:
            self._job = None
            engine.close()

    def _view(self) -> View:
        if not is_live(self._streams.err):
            from luna_tui.cli.train.views import PlainView

            return PlainView(self._streams.err, self._finished)
        from luna_tui.cli.train.live import LiveView

        return LiveView(self._console, time.monotonic, self._finished)

    def _finished(self, state: RunState) -> None:
        """Print in a line how a generation ended; the end of the ladder run reports failures and interruptions."""
        finished = state.finished
        if finished is None or finished.verdict not in _MARKED:
            return
        glyphs = self._console.glyphs
        mark, style = {
            "accepted": (glyphs.accepted, "green"),
            "rejected": (glyphs.rejected, "red"),
            "stopped": (glyphs.stopped, "yellow"),
        }[finished.verdict]
        facts = [f"{mark} G{finished.gen} {finished.verdict}", figures.duration(finished.seconds)]
        self._console.print(Text("  " + f" {glyphs.dot} ".join(facts), style), soft_wrap=True)
        for reason in finished.reasons:
            self._console.print(Text(f"    {glyphs.dash} {safe_line(reason)}"), soft_wrap=True)
