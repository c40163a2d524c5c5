"""The parent's end of the pipes: starts the child, sends and receives lines, detects its death and reports why."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, cast

from engine.core.child_environment import child_environment
from engine.core.errors import RuntimeChildError
from engine.core.log_tail import log_tail
from engine.runtime.protocol import Reply, Request, decode_reply, encode

TAIL_BYTES = 1_500


class ChildProcess:
    """A running child process.

    Every failure of the pipe raises RuntimeChildError, and the process is gone afterwards.
    """

    def __init__(self, log: Path | None) -> None:
        # Append mode: the child's writes and our reads at an offset never move each other's position.
        self.log = cast("BinaryIO", log.open("ab+") if log else tempfile.TemporaryFile("ab+"))  # noqa: SIM115
        self.log_start = os.fstat(self.log.fileno()).st_size
        self.log_name = str(log) if log else ""
        # -P: a file in the working directory must not stand in for a module of the child.
        command = [sys.executable, "-P", "-m", "engine.runtime.child"]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            env=_environment(),
            # Its own session: Ctrl-C or a terminal hang-up reaches the engine only, which decides what to do.
            start_new_session=True,
        )
        self.stdin = cast("BinaryIO", self.process.stdin)
        self.stdout = cast("BinaryIO", self.process.stdout)
        self._poll = select.poll()
        self._poll.register(self.stdout.fileno(), select.POLLIN | select.POLLHUP)
        self._write_lock = threading.Lock()
        self._lines: list[bytes] = []
        self._rest = bytearray()
        self._abandoned = False

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def send(self, request: Request) -> None:
        """Write one request; safe from any thread. Raises RuntimeChildError when the child is gone."""
        line = encode(request)
        with self._write_lock:
            try:
                self.stdin.write(line)
                self.stdin.flush()
            except (OSError, ValueError) as error:
                raise self.death(request.op) from error

    def receive(self, op: str, timeout: float | None = None) -> Reply:
        """Return the next reply.

        Raises RuntimeChildError when the child dies, gives an unreadable reply, or has given none after `timeout`
        seconds.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._lines:
            left = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
            if not self._poll.poll(left):
                self.kill()
                raise RuntimeChildError(
                    f"llama.cpp did not finish {op} within {timeout:g} seconds; its process was stopped",
                    hint=self._hint() or "try again, or allow it more time",
                )
            data = os.read(self.stdout.fileno(), 1 << 20)
            if not data:
                raise self.death(op)
            self._rest += data
            if b"\n" in data:
                *lines, rest = bytes(self._rest).split(b"\n")
                self._lines = lines[::-1]
                self._rest = bytearray(rest)
        try:
            return decode_reply(self._lines.pop())
        except (ValueError, KeyError, TypeError) as error:
            self.kill()
            raise RuntimeChildError(f"llama.cpp's process gave an unreadable reply to {op}: {error}") from error

    def death(self, op: str) -> RuntimeChildError:
        """Make sure the child is gone and return an error with its signal or exit status and the end of its stderr."""
        # After end of file the child exits by itself, and its own status says more than that of a kill.
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        hint = self._hint()
        self.kill()
        if self._abandoned:
            return RuntimeChildError(f"the runtime was closed while it worked on {op}")
        code = self.process.returncode
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit status {code}"
        return RuntimeChildError(
            f"llama.cpp's process {how} while it worked on {op}",
            where=self.log_name,
            hint=hint or "the next request starts a new one",
        )

    def kill(self) -> None:
        """Kill the child at once and close its pipes; safe to call twice."""
        with suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        for pipe in (self.stdin, self.stdout, self.log):
            with suppress(OSError):
                pipe.close()

    def abandon(self) -> None:
        """Kill the child during a request of another thread, which then reads end of file."""
        self._abandoned = True
        with suppress(ProcessLookupError):
            self.process.kill()

    def close(self) -> None:
        """Close the child's stdin so that it exits, and kill it if it does not within two seconds."""
        with self._write_lock, suppress(OSError):
            self.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(2)
        self.kill()

    def _hint(self) -> str:
        """Return the end of what this child wrote to stderr."""
        try:
            tail = log_tail(self.log.fileno(), self.log_start, TAIL_BYTES)
        except (OSError, ValueError):
            return ""
        return f"its last words: {tail}" if tail else ""


def _environment() -> dict[str, str]:
    """Return the child's environment: `engine` is importable, and OpenMP threads sleep while they wait.

    Spinning OpenMP threads beside another busy process made llama.cpp up to 80 times slower on two cores; sleeping ones
    have no measurable cost alone.
    """
    return {
        **child_environment(),
        "OMP_WAIT_POLICY": "PASSIVE",
        # An assertion that fails would otherwise start a debugger on the child and bury the message in its output.
        "GGML_NO_BACKTRACE": "1",
    }
