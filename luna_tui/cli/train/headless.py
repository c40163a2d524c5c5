"""One training request without a console: progress bars on a terminal, lines in a pipe, or JSON events."""

from __future__ import annotations

import time
from queue import SimpleQueue
from typing import TYPE_CHECKING

from luna_tui.cli.calling import Invocation
from luna_tui.cli.jobs import accepted
from luna_tui.cli.train.follow import StopSignals, follow
from luna_tui.common.quiet_output import quiet_output

if TYPE_CHECKING:
    from engine.config.config import Config
    from engine.core.events import Event
    from engine.pipeline.request import TrainRequest
    from engine.service.jobs import JobEvent
    from engine.service.session import TrainOutcome
    from engine.workspace.layout import Workspace
    from luna_tui.cli.train.follow import View
    from luna_tui.common.quiet_output import Streams


def run_headless(
    call: Invocation, workspace: Workspace, config: Config, request: TrainRequest, *, as_json: bool
) -> tuple[TrainOutcome, bool]:
    """Train and show the run, handling Ctrl-C meanwhile.

    Returns the outcome and whether the user asked to stop, a request that may come too late for a run that is just
    ending.
    """
    events: SimpleQueue[Event | JobEvent] = SimpleQueue()
    with quiet_output(workspace.runs / "train.log") as streams:
        engine = call.engine.open(workspace)
        engine.subscribe(events.put)
        view = _view(call, workspace, config, streams, as_json=as_json)
        signals = StopSignals(streams.err)
        with signals.installed():
            job = accepted(engine, request, config=config)
            signals.stops(job.cancel)
            outcome = follow(job, events, view, signals)
            engine.close()
        # Read last of all, so that a Ctrl-C while the engine closes counts as well.
        return outcome, signals.asked


def _view(call: Invocation, workspace: Workspace, config: Config, streams: Streams, *, as_json: bool) -> View:
    from luna_tui.cli.train.result import ResultPrinter
    from luna_tui.cli.train.views import JsonView, PlainView
    from luna_tui.common.terminal import LunaConsole, is_live

    if as_json:
        return JsonView(streams.out, streams.err)

    def earlier() -> dict[int, float | None]:
        return {row.gen_id: row.eval_generalization for row in workspace.ledger.read()}

    err = LunaConsole(streams.err)
    result = ResultPrinter(LunaConsole(streams.out), err, config.eval.targets, call.command, earlier)
    if not is_live(streams.err):
        return PlainView(streams.err, result)
    from luna_tui.cli.train.live import LiveView

    return LiveView(err, time.monotonic, result)
