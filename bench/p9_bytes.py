"""P9: bytes to the terminal while SmolLM2 trains, 120x40, with the settings for SSH; one JSON line.

`python bench/p9_bytes.py [WORKSPACE] [SECONDS]`. Works on a copy; the other figure is the same run with local settings.
"""

from __future__ import annotations

import json
import sys
import time

from pty_console import demo_copy, opened, train_from_form


def rate(source: str | None, seconds: float, **env: str) -> tuple[float, float]:
    """Bytes a second over the time given, and the most in any one second."""
    with demo_copy(source) as workspace, opened(workspace, **env) as terminal:
        train_from_form(terminal)
        began = second = time.monotonic()
        start = last = len(terminal.raw)
        most = 0
        while time.monotonic() - began < seconds:
            terminal.pump(0.05)
            if time.monotonic() - second >= 1:
                second, most, last = time.monotonic(), max(most, len(terminal.raw) - last), len(terminal.raw)
        return (len(terminal.raw) - start) / (time.monotonic() - began), most


def main() -> None:
    source = sys.argv[1] if len(sys.argv) > 1 else None
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 40.0
    ssh, most = rate(source, seconds, SSH_CONNECTION="127.0.0.1 50000 127.0.0.1 22")
    local, _ = rate(source, seconds)
    print(
        json.dumps(
            {
                "claim": "P9",
                "ssh_bytes_per_s": round(ssh),
                "ssh_most_in_a_second": most,
                "local_bytes_per_s": round(local),
                "seconds": seconds,
                "target": {"ssh_bytes_per_s": 15000},
            }
        )
    )


if __name__ == "__main__":
    main()
