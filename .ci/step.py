"""A step of the set-up: commands one after the other, their output in a log, and a phrase that says where they are."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from pathlib import Path


class StepFailed(Exception):
    """A command of a step ended with an error; the message is what it said."""


class Step:
    """Runs commands for one purpose; `now` says what it does at the moment."""

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.now = "waiting"
        self._log = log
        self._child: subprocess.Popen[str] | None = None
        self._stopped = False
        self._lock = threading.Lock()  # a stop must not slip in between the look at `_stopped` and the start of a child

    def run(self, now: str, command: list[str], env: dict[str, str]) -> None:
        """Run `command` to its end. Raises StepFailed with its error text when it does not end with 0."""
        self.now = now
        with self._lock:
            if self._stopped:
                raise StepFailed("stopped")
            # A session of its own, so that a stop reaches the compilers under it too.
            self._child = child = subprocess.Popen(
                command,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        assert child.stdout is not None
        said: list[str] = []
        got = 0
        with self._log.open("a", encoding="utf-8") as log:
            for line in child.stdout:
                log.write(f"{self.name}: {line}")
                said.append(line.rstrip())
                if at := progress(line):
                    got += at.startswith("getting ")
                    self.now = f"{at}, package {got}" if at.startswith("getting ") and got > 1 else at
        if child.wait() != 0:
            raise StepFailed(errors_of(said))

    def stop(self) -> None:
        """End what runs, compilers included, and start nothing more."""
        with self._lock:
            self._stopped = True
            if self._child is not None and self._child.poll() is None:
                os.killpg(self._child.pid, signal.SIGTERM)


def progress(line: str) -> str:
    """What a line of pip, cmake or ninja says about how far it is; empty where it says nothing about that."""
    line = line.strip()
    if done := re.match(r"\[(\d+)/(\d+)\]", line):
        return f"compiled {done[1]} of {done[2]}"
    if got := re.match(r"(?:Downloading|Using cached|Processing) (?:\S*/)?([^\s/]+)(?: \(([\d.]+ \w+)\))?", line):
        name = re.split(r"-\d", got[1])[0]
        return f"getting {name} ({got[2]})" if got[2] else f"getting {name}"
    if line.startswith("Installing collected packages:"):
        return f"installing {line.count(',') + 1} packages"
    return "configuring" if line.startswith("*** Configuring CMake") else ""


def errors_of(said: list[str]) -> str:
    """The lines from the first error on, or the last thirty where none is marked; notes on indexes are left out."""
    lines = [line for line in said if not line.startswith("WARNING: Location")]
    error = re.compile(r"\s*(ERROR|FAILED|Traceback|CMake Error|error)\b|.*\b(fatal )?error: ")
    first = next((at for at, line in enumerate(lines) if error.match(line)), max(0, len(lines) - 30))
    return "\n".join(lines[first:])
