"""The Textual app: a timer drains the link, the reducer folds, and the screen on top is handed one frozen state.

It owns no engine: what a person wants goes through the conductor to the link.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from textual import events, on
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.screen import ModalScreen, Screen
from textual.timer import Timer

from engine.core.events import Event
from luna_tui.common.safe_text import safe_text
from luna_tui.common.terminal import ASCII, UNICODE, Glyphs
from luna_tui.console import messages
from luna_tui.console.controller import Controller
from luna_tui.console.key_queue import OrderedKeys
from luna_tui.console.screens.dashboard import Dashboard
from luna_tui.console.state.actions import ACTIONS, BY_NAME, PANES
from luna_tui.console.state.console_state import ConsoleState, reduce
from luna_tui.console.state.events import ConsoleEvent, KarmaRead, MachineSampled
from luna_tui.console.themes import THEMES
from luna_tui.console.workers.link import Link

Leave = Literal["done", "headless", "stop", "hangup"]

# How long the first paint waits for the lineage: a paint without it costs more than a long lineage's last part, but
# nobody looks at a dark screen because a disk is slow.
_DARK_S = 0.35

# With nothing going on and no key for so long, the link is asked once a second only, not at every frame.
_CALM_AFTER_S = 10.0
_CALM_EVERY_S = 1.0

# Keys that move a cursor, and do nothing else anywhere.
_MOVES = frozenset({"up", "down", "j", "k"})


@dataclass(frozen=True, slots=True)
class FrameRate:
    """How often the screen follows the engine, in frames a second; `ascii` for terminals that know nothing else."""

    frames: float = 10.0
    ascii: bool = False
    theme: str = "luna-dark"


class LunaApp(OrderedKeys[Leave]):
    """The console."""

    TITLE = "luna"
    CSS_PATH = "luna.tcss"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(a.key, f"act('{a.name}')", a.label, show=False) for a in ACTIONS if a.name != "palette"),
        *(Binding(str(i), f"pane('{pane}')", title, show=False) for i, (pane, title) in enumerate(PANES, start=1)),
        Binding("ctrl+c", "act('quit')", "quit", show=False, priority=True),
        Binding("ctrl+q", "act('quit')", "quit", show=False, priority=True),
    ]

    def __init__(
        self,
        link: Link | None,
        *,
        directory: Path,
        open_link: Callable[[Path], Link],
        make_workspace: Callable[[Path, bool], None],
        pace: FrameRate | None = None,
        driver: type[Driver] | None = None,
    ) -> None:
        super().__init__(driver)
        self.pace = pace or FrameRate()
        self.link: Link | None = None
        self.state = ConsoleState()
        self.conductor: Controller | None = None
        self._directory = directory
        self._open_link = open_link
        self._make_workspace = make_workspace
        self._eager: Timer | None = None
        self._frames: Timer | None = None
        self._stirred = time.monotonic()
        self._unheeded: list[Event | ConsoleEvent] = []
        self._behind = False  # whether panes wait for the next frame to show the state
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = self.pace.theme
        if self.pace.ascii:
            self.add_class("-ascii")
        if link is not None:
            self._connect(link)

    def get_default_screen(self) -> Screen[Any]:
        """The dashboard at once where there is a workspace, with what has been read by now: one paint is enough."""
        if self.link is None:
            return Screen(id="_default")
        deadline = time.monotonic() + _DARK_S
        while not self._unheeded and time.monotonic() < deadline:
            time.sleep(0.002)
            self._take_in()
        return Dashboard(self.glyphs, self.state)

    @property
    def glyphs(self) -> Glyphs:
        """The marks this terminal can show."""
        return ASCII if self.pace.ascii else UNICODE

    def on_mount(self) -> None:
        """Show the workspace, or what can be done where there is none."""
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            # A closed line must end the screen, not the process: the engine's thread finishes its generation.
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self.exit, "hangup")
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.exit, "stop")
        if self.link is None:
            from luna_tui.console.screens.first_run import FirstRun

            self.push_screen(FirstRun(self._directory, self.glyphs))
        self.call_after_refresh(_collect_garbage_from_now_on)
        self._eager = self.set_interval(0.01, self._follow_eagerly)
        self._frames = self.set_interval(1 / self.pace.frames, self.follow)
        self.set_interval(_CALM_EVERY_S, self.follow)

    def _connect(self, link: Link) -> None:
        self.link = link
        self.conductor = Controller(self, link)
        self.state = replace(ConsoleState(), name=link.name)
        link.start()

    def _follow_eagerly(self) -> None:
        """Until the lineage is on the screen nobody waits for a frame."""
        self.follow()
        if self._eager is not None and (self.link is None or self.state.rows is not None):
            self._eager.pause()

    def follow(self) -> None:
        """Take in all that has happened and show it, in one frame."""
        if self.link is None or self.conductor is None or not self._dashboard_is_ready():
            return
        self._take_in()
        if self.state.works or not all(isinstance(e, MachineSampled | KarmaRead) for e in self._unheeded):
            self._stir()
        elif self._frames is not None and time.monotonic() - self._stirred > _CALM_AFTER_S:
            self._frames.pause()
        if not self._unheeded:
            return
        happened, self._unheeded = self._unheeded, []
        self.change(self.state)
        for event in happened:
            self.conductor.heed(event)

    def _stir(self) -> None:
        """Ask the link at every frame again, for a while."""
        self._stirred = time.monotonic()
        if self._frames is not None:
            self._frames.resume()

    def _take_in(self) -> None:
        """Fold what has happened into the state; nothing is shown or done about it yet."""
        if self.link is not None:
            for event in self.link.poll():
                self.state = reduce(self.state, event)
                self._unheeded.append(event)

    def _dashboard_is_ready(self) -> bool:
        return any(isinstance(screen, Dashboard) and screen.ready for screen in self.screen_stack)

    def change(self, state: ConsoleState, *, first: str | None = None) -> None:
        """Make this the state and show it on every screen that shows states.

        `first` names a pane that is painted before all others: where a cursor has moved, nobody should wait for what
        the panes beside it say of its new place.
        """
        self.state = state
        if first is not None and isinstance(self.screen, Dashboard):
            self.screen.show(state, only=first)
            if not self._behind:
                self._behind = True
                self.call_after_refresh(self.settle)
            return
        self._behind = False
        with self.batch_update():
            for screen in self.screen_stack:
                show = getattr(screen, "show", None)
                if callable(show):
                    show(state)

    def settle(self) -> None:
        """Let the panes catch up that were to follow the first one."""
        if self._behind:
            self.change(self.state)

    def before(self, event: events.Event) -> None:
        """A key or a click finds every pane in the same state; only a cursor that moves on need not wait for them."""
        self._stir()
        if isinstance(event, events.MouseDown) or (isinstance(event, events.Key) and event.key not in _MOVES):
            self.settle()

    def action_act(self, name: str) -> None:
        """Do an action, or say why not."""
        if self.conductor is None:
            if name == "quit":
                self.exit("done")
            return
        if isinstance(self.screen, ModalScreen) and name != "quit":
            # The palette opens over a question too, and would begin a second one above the first.
            self.conductor.tell("answer what is asked first; esc leaves it", "warning")
            return
        self._take_in()  # what the key before this one has begun is known to whoever judges this one
        refusal = BY_NAME[name].refusal(self.state)
        if refusal:
            self.conductor.tell(refusal, "warning")
            return
        getattr(self.conductor, f"do_{name}")()

    def action_pane(self, pane: str) -> None:
        """Go to a pane of the dashboard."""
        if isinstance(self.screen, Dashboard):
            self.screen.go_to(pane)

    def get_system_commands(self, screen: Screen[Any]) -> Any:
        """What the palette offers: every action with its key, and nothing of Textual's own."""
        for action in ACTIONS:
            if action.name == "palette" or (self.conductor is None and action.name != "quit"):
                continue
            if action.refusal(self.state):
                continue
            title = f"{action.label}  ({action.shown_key})"
            yield SystemCommand(title[:1].upper() + title[1:], action.help, _later(self.action_act, action.name))

    @on(messages.Act)
    def _act(self, message: messages.Act) -> None:
        self.action_act(message.name)

    @on(messages.MakeWorkspace)
    def _make(self, message: messages.MakeWorkspace) -> None:
        self._enter(message.directory, lambda: self._make_workspace(message.directory, message.demo))

    @on(messages.OpenWorkspace)
    def _open(self, message: messages.OpenWorkspace) -> None:
        self._enter(message.directory, lambda: None)

    def _enter(self, directory: Path, make: Callable[[], None]) -> None:
        from engine.core.errors import LunaError
        from ledger.errors import LedgerError

        try:
            make()
            link = self._open_link(directory)
        except (LunaError, LedgerError) as error:
            self.notify(safe_text(str(error)), severity="error", markup=False, timeout=10)
            return
        self.pop_screen()
        self._connect(link)
        self.push_screen(Dashboard(self.glyphs, self.state))
        if self._eager is not None:
            self._eager.resume()

    @on(messages.Select)
    @on(messages.Mark)
    @on(messages.OpenGeneration)
    @on(messages.OpenItems)
    @on(messages.Examine)
    @on(messages.NeedEvaluation)
    @on(messages.NeedMatrix)
    @on(messages.FillMatrix)
    @on(messages.NeedDetails)
    @on(messages.Ask)
    @on(messages.CancelAnswers)
    @on(messages.Rate)
    @on(messages.Tell)
    def hear(self, message: Any) -> None:
        """Carry out an intent of a widget."""
        if self.conductor is not None:
            self._take_in()
            self.conductor.hear(message)


def _collect_garbage_from_now_on() -> None:
    gc.freeze()  # what the start has made stays to the end: no collection need look at it
    gc.enable()


def _later(function: Callable[[str], None], name: str) -> Callable[[], None]:
    return lambda: function(name)
