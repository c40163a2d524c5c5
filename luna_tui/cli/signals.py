"""Ctrl-C during long work that can be stopped in order."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.core.cancellation import Control


@contextlib.contextmanager
def stops_by_ctrl_c(control: Control) -> Iterator[None]:
    """Let the first Ctrl-C stop the work in order; the second one interrupts it anywhere."""

    def handle(number: int, frame: FrameType | None) -> None:
        if control.stopping:
            raise KeyboardInterrupt
        control.stop()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
