"""The connection to the child: one child and one request at a time, started when needed, replaced when dead.

A child is never left in the middle of an answer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from engine.core.errors import RuntimeChildError, UsageError
from engine.runtime.process import ChildProcess
from engine.runtime.protocol import Reply, Request


class Connection:
    """Holds the current child process, if any; `request()` must be held around `call` and `exchange`."""

    def __init__(self, log: Path | None) -> None:
        self.log = log
        self.child: ChildProcess | None = None
        self._lock = threading.Lock()
        self._owner = 0
        self._id = 0
        self._cancelled = False

    def close(self) -> None:
        """End the child, whatever it is doing; a thread that waits for it gets a RuntimeChildError."""
        child, self.child = self.child, None
        if child and self._lock.locked():
            child.abandon()  # the waiting thread owns the pipes and frees them
        elif child:
            child.close()

    def cancel(self) -> None:
        """Ask the child to end the current request early, and any that follows under the same hold (after a load)."""
        if not self._lock.locked():
            return
        self._cancelled = True
        child, request_id = self.child, self._id
        if child:
            with suppress(RuntimeChildError):  # the thread that waits for the answer reports the death
                child.send(Request(request_id, "cancel"))

    def call(
        self,
        op: str,
        args: dict[str, Any],
        item: Callable[[dict[str, Any]], None] | None = None,
        timeout: float | None = None,
    ) -> dict[str, Any]:
        """Run one whole request: call `item(data)` for every event before the last, and return the data of the last.

        Raises UsageError or RuntimeChildError for an error reply, and as ChildProcess.receive does.
        """
        with self.exchange(op, args, timeout) as next_reply:
            while (reply := next_reply()).event != "done":
                if item:
                    item(reply.data)
            return reply.data

    @contextmanager
    def exchange(self, op: str, args: dict[str, Any], timeout: float | None = None) -> Generator[Callable[[], Reply]]:
        """Send a request and yield the function that returns its next reply; leaving early ends the request too.

        That function raises as `call` does.
        """
        if self.child is None or not self.child.alive:
            if self.child:
                self.child.kill()
            self.child = ChildProcess(self.log)
        child = self.child
        self._id += 1
        request_id, finished = self._id, False

        def next_reply() -> Reply:
            nonlocal finished
            reply = child.receive(op, timeout)
            finished = reply.event in ("done", "error")
            if reply.event == "error":
                data = reply.data
                kind = UsageError if data["kind"] == "usage" else RuntimeChildError
                raise kind(data["title"], where=data["where"], hint=data["hint"])
            return reply

        child.send(Request(request_id, op, args))
        if self._cancelled:
            child.send(Request(request_id, "cancel"))
        try:
            yield next_reply
        except GeneratorExit:
            # The stream is no longer read: to keep the model loaded, the answer is cancelled and its end awaited.
            child.send(Request(request_id, "cancel"))
            while not finished:
                finished = child.receive(op, 10).event in ("done", "error")
            raise
        finally:
            # Any other way out before the answer's end (Ctrl-C, an error in a callback): the next request must not
            # receive its replies.
            if not finished:
                child.kill()

    @contextmanager
    def request(self) -> Generator[None]:
        """Hold the connection for one request, or several that belong together.

        Raises RuntimeChildError when this thread holds it already, as a stream does.
        """
        if self._lock.locked() and self._owner == threading.get_ident():
            raise RuntimeChildError(
                "this runtime is still streaming an answer in this thread", hint="finish or close the stream first"
            )
        with self._lock:
            self._owner = threading.get_ident()
            self._cancelled = False
            try:
                yield
            finally:
                self._owner = 0
