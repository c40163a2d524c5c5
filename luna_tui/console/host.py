"""The interface through which the controller uses the app, so that neither imports the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from luna_tui.common.terminal import Glyphs
from luna_tui.console.state.console_state import ConsoleState

if TYPE_CHECKING:
    from textual.screen import Screen


class Host(Protocol):
    """The parts of the app that the controller needs."""

    state: ConsoleState
    theme: str

    @property
    def glyphs(self) -> Glyphs: ...

    @property
    def screen(self) -> Screen[Any]: ...

    @property
    def screen_stack(self) -> Sequence[Screen[Any]]: ...

    def change(self, state: ConsoleState, *, first: str | None = None) -> None: ...

    def push_screen(self, screen: Any, callback: Callable[[Any], Any] | None = None) -> Any: ...

    def pop_screen(self) -> Any: ...

    def notify(self, message: str, *, title: str, severity: Any, timeout: float, markup: bool) -> None: ...

    def exit(self, result: Any = None) -> None: ...

    def save_screenshot(self, filename: str | None = None, path: str | None = None) -> str: ...

    def action_command_palette(self) -> None: ...

    def call_later(self, callback: Callable[..., Any]) -> bool: ...
