"""A yes-or-no question on the terminal; the answer is no unless it is yes."""

from __future__ import annotations

import sys


def confirmed(question: str) -> bool:
    """Ask on stderr, so that stdout stays data; end of input means no."""
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        print(file=sys.stderr)
    return answer.strip().lower() in ("y", "yes")
