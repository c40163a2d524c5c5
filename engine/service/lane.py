"""A worker thread that runs one task after another."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

Task = Callable[[], None]


class Lane:
    """Runs tasks one by one in a thread that starts with the first.

    What a task raises goes to `trouble`, and the lane goes on.
    """

    def __init__(self, name: str, trouble: Callable[[BaseException], None]) -> None:
        self._name, self._trouble = name, trouble
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._guard = threading.Lock()

    def do(self, task: Task) -> None:
        """Queue a task to run after all earlier ones; returns at once."""
        self._tasks.put(task)
        with self._guard:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()

    def close(self, timeout_s: float) -> bool:
        """Accept no more tasks and wait for the queued ones; return whether they ended within `timeout_s` seconds."""
        self._tasks.put(None)
        if self._thread is None or self._thread is threading.current_thread():
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                task()
            except Exception as error:  # one task's failure must not end the lane of all others
                self._trouble(error)
