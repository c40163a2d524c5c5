"""Handles one key after the other: a key typed ahead waits until the previous one has had its whole effect.

Textual sends a key to whatever has the focus when the key is read, while the previous key may still be bubbling up
through the widgets: of `c` and `hello` in one packet of an SSH connection, `hel` would go to the previous pane.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from textual import events, on
from textual.app import ReturnType
from textual.dom import DOMNode
from textual.driver import Driver
from textual.message import Message
from textual.widget import AwaitMount

from luna_tui.console.clipboard import ClipboardApp

# A widget may be removed before it has passed the mark on; the wait for that must stay unnoticeable.
_PATIENCE_S = 0.2


@dataclass
class KeyDone(Message):
    """A mark sent up the widgets after a key: where it arrives, the key and its effects have been handled."""

    key: int


class OrderedKeys(ClipboardApp[ReturnType]):
    """An app that handles its keys one at a time."""

    def __init__(self, driver: type[Driver] | None = None) -> None:
        super().__init__(driver_class=driver)
        self._waiting: deque[events.Key] = deque()
        self._number = 0
        self._busy = False
        self._target: DOMNode | None = None
        self._mounting: AwaitMount | None = None

    def push_screen(self, screen: Any, *arguments: Any, **more: Any) -> Any:
        """Push a screen; keys wait until it is mounted."""
        pushed = super().push_screen(screen, *arguments, **more)
        if isinstance(pushed, AwaitMount):
            self._mounting = pushed
        return pushed

    async def on_event(self, event: events.Event) -> None:
        """Hold back keys that were typed ahead."""
        if isinstance(event, events.MouseDown):
            self.before(event)
        if not isinstance(event, events.Key):
            await super().on_event(event)
        elif event.is_forwarded:
            await super().on_event(event)
            self._mark()
        elif self._busy or self._mounting is not None:
            self._waiting.append(event)
            if not self._busy:
                self._busy = True
                await self._next()
            elif len(self._waiting) == 1:
                self._watch()
        else:
            await self._hand_on(event)

    async def _hand_on(self, event: events.Key) -> None:
        self._busy = True
        self._target = self.focused or self.screen
        self.before(event)
        await super().on_event(event)
        self._mark()

    def before(self, event: events.Event) -> None:
        """Called with a key or a mouse button before it is handled; subclasses may override it."""

    def _mark(self) -> None:
        """Send the mark after the key, from the widget that got the key, or from the current focus if that widget is
        gone.
        """
        target = self._target
        if target is None or not target.is_attached or target.screen is not self.screen:
            target = self.focused or self.screen
        self._number += 1
        if not target.post_message(KeyDone(self._number)):
            self.call_later(self._next)

    def _watch(self) -> None:
        number = self._number

        def gone() -> None:
            if self._number == number and self._busy:
                self.call_later(self._next)

        self.set_timer(_PATIENCE_S, gone)

    @on(KeyDone)
    def _done(self, mark: KeyDone) -> None:
        mark.stop()
        if mark.key == self._number:
            self.call_later(self._next)

    async def _next(self) -> None:
        """Handle the next key, once the newest screen is mounted and its focus is set."""
        self._number += 1  # invalidates older marks and watches
        if self._mounting is not None:
            mounting, self._mounting = self._mounting, None
            await mounting
            self.call_later(self._next)
        elif not self._waiting:
            self._busy = False
        else:
            event = self._waiting.popleft()
            if self._waiting:
                self._watch()
            await self._hand_on(event)
