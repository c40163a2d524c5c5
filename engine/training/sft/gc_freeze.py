"""The cyclic garbage collector in a process that trains."""

from __future__ import annotations

import gc

_left_alone = False


def leave_loaded_objects_alone() -> None:
    """Take what is loaded by now out of the collector's sight, the first time it is called in a process.

    torch, transformers and TRL bring over a million objects that live as long as the process. A full collection looks
    at each of them and stops every thread meanwhile, a screen's too, for 0.3 to 0.5 s on two cores. Called before there
    is a model, so that what a training makes is collected as ever. Once only: whatever is alive at that moment is never
    collected, and each further time would add to it.
    """
    global _left_alone
    if not _left_alone:
        _left_alone = True
        gc.freeze()
