"""Record a session with the real console as an asciinema v2 file: `asciinema play docs/pictures/session.cast`.

`python docs/record_cast.py WORKSPACE [OUT.cast]`. The pace is that of an SSH line.
A person looks at the lineage, begins the next generation, watches it
learn, talks to HEAD meanwhile and stops. WORKSPACE is copied; every byte in the file is one the console wrote.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from terminal import Terminal, console_env, luna

COLUMNS, LINES = 120, 36


class Recorder(Terminal):
    """A terminal that remembers when what it was sent came."""

    def __init__(self, command: list[str], **more: object) -> None:
        self.events: list[tuple[float, str]] = []
        self._began = time.monotonic()
        self._seen = 0
        super().__init__(command, **more)  # type: ignore[arg-type]

    def pump(self, seconds: float = 0.05) -> bool:
        """Take in what came, with its time."""
        going = super().pump(seconds)
        new = bytes(self.raw[self._seen :])
        if new and (whole := _whole_characters(new)):
            self._seen += len(whole)
            self.events.append((round(time.monotonic() - self._began, 3), whole.decode()))
        return going

    def look(self, seconds: float) -> None:
        """What a person does between two keys."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.pump()

    def type(self, text: str) -> None:
        """Letter by letter."""
        for letter in text:
            self.press(letter)
            self.look(0.06)


def _whole_characters(data: bytes) -> bytes:
    """The bytes up to the last complete UTF-8 character."""
    for cut in range(len(data), max(0, len(data) - 4), -1):
        try:
            data[:cut].decode()
        except UnicodeDecodeError:
            continue
        return data[:cut]
    return b""


def play(terminal: Recorder) -> None:
    """The session."""
    terminal.see(r"HEAD G\d+")
    terminal.look(2.5)
    terminal.press("right")
    terminal.look(2.0)
    terminal.press("left", "t")
    terminal.see(r"(?i)generations")
    terminal.look(1.5)
    terminal.press("enter")
    terminal.see(r"▸ G\d+ \w+ · step \d+/", timeout=300)
    terminal.look(12)
    terminal.press("c")
    terminal.type("Can you help me?")
    terminal.press("enter")
    terminal.see(r"tok/s · eos|eos", timeout=120)
    terminal.look(5)
    terminal.press("escape", "escape", "w")
    terminal.see(r"│ +\d+  \S", timeout=300)
    terminal.look(4)
    terminal.press("escape", "s")
    terminal.see(r"interrupted", timeout=120)
    terminal.look(2)
    terminal.press("q")
    terminal.ended()


def main() -> None:
    source = Path(sys.argv[1]).resolve()
    out = Path(sys.argv[2] if len(sys.argv) > 2 else Path(__file__).parent / "pictures" / "session.cast")
    with tempfile.TemporaryDirectory() as scratch:
        workspace = Path(shutil.copytree(source, Path(scratch) / "demo"))
        terminal = Recorder(luna(workspace), columns=COLUMNS, lines=LINES, env=console_env(SSH_TTY="/dev/pts/1"))
        play(terminal)
    header = {"version": 2, "width": COLUMNS, "height": LINES, "title": "luna-tui", "env": {"TERM": "xterm-256color"}}
    lines = [header, *([at, "o", text] for at, text in terminal.events)]
    if scratch in "".join(text for _, text in terminal.events):
        raise SystemExit("a path of this machine stands in the recording")
    out.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    print(f"{out}: {terminal.events[-1][0]:.0f} s, {out.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
