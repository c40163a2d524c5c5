"""The Textual app: a timer drains the link, the reducer folds the events, and the top screen receives one frozen state.

It owns no engine: the user's intents go through the controller to the link.
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

# How long the first paint waits for the lineage: repainting costs more than reading the rest of a long lineage, but a
# slow disk must not leave the screen dark.
_DARK_S = 0.35

# With no activity and no key press for this long, the link is polled once a second only, not at every frame.
_CALM_AFTER_S = 10.0
_CALM_EVERY_S = 1.0

# Keys that only ever move a cursor.
_MOVES = frozenset({"up", "down", "j", "k"})


@dataclass(frozen=True, slots=True)
class FrameRate:
    """The display options: how often the screen follows the engine, in frames per second; whether only ASCII can be
    drawn; and the theme.
    """

    frames: float = 10.0
    ascii: bool = False
    theme: str = "luna-dark"


class LunaApp(OrderedKeys[Leave]):
    """The console's Textual app: dispatches actions and intents, and shows each new state."""

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
        self.controller: Controller | None = None
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
        """Return the dashboard with what is read so far, for one paint; a blank screen where there is no workspace."""
        if self.link is None:
            return Screen(id="_default")
        deadline = time.monotonic() + _DARK_S
        while not self._unheeded and time.monotonic() < deadline:
            time.sleep(0.002)
            self._take_in()
        return Dashboard(self.glyphs, self.state)

    @property
    def glyphs(self) -> Glyphs:
        """The symbols that this terminal can show."""
        return ASCII if self.pace.ascii else UNICODE

    def on_mount(self) -> None:
        """Show the workspace, or the first-run page where there is none."""
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            # A hangup must end the screen, not the process: the engine's thread finishes its generation.
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
        self.controller = Controller(self, link)
        self.state = replace(ConsoleState(), name=link.name)
        link.start()

    def _follow_eagerly(self) -> None:
        """Follow the link at a short interval until the lineage is on the screen, instead of waiting for frames."""
        self.follow()
        if self._eager is not None and (self.link is None or self.state.rows is not None):
            self._eager.pause()

    def follow(self) -> None:
        """Process all events since the last call and show the result in one frame."""
        if self.link is None or self.controller is None or not self._dashboard_is_ready():
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
            self.controller.heed(event)

    def _stir(self) -> None:
        """Poll the link at every frame again until activity stops."""
        self._stirred = time.monotonic()
        if self._frames is not None:
            self._frames.resume()

    def _take_in(self) -> None:
        """Fold new events into the state without showing or handling them yet."""
        if self.link is not None:
            for event in self.link.poll():
                self.state = reduce(self.state, event)
                self._unheeded.append(event)

    def _dashboard_is_ready(self) -> bool:
        return any(isinstance(screen, Dashboard) and screen.ready for screen in self.screen_stack)

    def change(self, state: ConsoleState, *, first: str | None = None) -> None:
        """Set the state and show it on every screen that shows states.

        `first` names a pane that is painted before all others: after a cursor move the user should not wait for what
        the other panes show of the new place.
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
        """Update the panes that `change` left for after the first one."""
        if self._behind:
            self.change(self.state)

    def before(self, event: events.Event) -> None:
        """Bring all panes to the same state before a key or a click is handled; a mere cursor move need not wait."""
        self._stir()
        if isinstance(event, events.MouseDown) or (isinstance(event, events.Key) and event.key not in _MOVES):
            self.settle()

    def action_act(self, name: str) -> None:
        """Carry out an action of the list, or show why it is refused."""
        if self.controller is None:
            if name == "quit":
                self.exit("done")
            return
        if isinstance(self.screen, ModalScreen) and name != "quit":
            # The palette opens over a dialog too, and would open a second dialog above the first.
            self.controller.tell("answer what is asked first; esc leaves it", "warning")
            return
        self._take_in()  # includes what the previous key started, so that refusals are decided on the current state
        refusal = BY_NAME[name].refusal(self.state)
        if refusal:
            self.controller.tell(refusal, "warning")
            return
        getattr(self.controller, f"do_{name}")()

    def action_pane(self, pane: str) -> None:
        """Bring a pane of the dashboard to the screen and focus it."""
        if isinstance(self.screen, Dashboard):
            self.screen.go_to(pane)

    def get_system_commands(self, screen: Screen[Any]) -> Any:
        """Yield the command palette's entries: every action with its key, and none of Textual's own."""
        for action in ACTIONS:
            if action.name == "palette" or (self.controller is None and action.name != "quit"):
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
        if message.own_files and self.controller is not None:
            self.controller.import_into_curriculum()

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
        """Carry out an intent that a widget posted."""
        if self.controller is not None:
            self._take_in()
            self.controller.hear(message)


def _collect_garbage_from_now_on() -> None:
    gc.freeze()  # objects made at start-up live to the end, so no collection need scan them
    gc.enable()


def _later(function: Callable[[str], None], name: str) -> Callable[[], None]:
    return lambda: function(name)
