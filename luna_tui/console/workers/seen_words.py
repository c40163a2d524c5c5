"""The observations of the engine's poller as events for the screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.service.poller import Earned, MachineSeen, Seen, WorkspaceSeen
from luna_tui.console.state.events import ConsoleEvent, KarmaRead, MachineSampled, Noted, WorkspaceMissing
from luna_tui.console.workers.trouble import told


def poller_events(seen: Seen, root: Path, log: Path) -> Iterator[ConsoleEvent]:
    """Yield the console events for something observed in the workspace at `root`."""
    if isinstance(seen, MachineSeen):
        yield MachineSampled(seen.sample, seen.warnings)
    elif isinstance(seen, Earned):
        decision = seen.decision
        meter = decision.meter
        yield KarmaRead(meter.karma, meter.needed, decision.action, decision.why, seen.starts, decision.request)
    elif isinstance(seen, WorkspaceSeen):
        yield WorkspaceMissing(not seen.there)
        if seen.there:
            yield Noted("info", f"{root} is there again")
        else:
            hint = "put it back where it was, or leave and open it where it is now: luna-tui -w DIR"
            yield Noted("error", f"{root}: the workspace was moved or deleted", hint)
    else:
        yield told(seen.error, log)
