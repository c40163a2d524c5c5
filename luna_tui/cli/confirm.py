"""A yes-or-no question on the terminal; every answer except yes means no."""

from __future__ import annotations

import sys


def confirmed(question: str) -> bool:
    """Print the question on stderr, so that stdout stays data, and return whether the answer is yes; end of input means
    no.
    """
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        print(file=sys.stderr)
    return answer.strip().lower() in ("y", "yes")
