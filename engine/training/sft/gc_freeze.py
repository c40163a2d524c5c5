"""Keep the cyclic garbage collector from visiting the training libraries' objects."""

from __future__ import annotations

import gc

_left_alone = False


def freeze_loaded_objects() -> None:
    """Exempt the objects that exist by now from garbage collection, on the first call in a process.

    torch, transformers and TRL bring over a million objects that live as long as the process. A full collection visits
    each of them and stops every thread meanwhile, a screen's too, for 0.3 to 0.5 s on two cores. It is called before
    there is a model, so that what a training makes is collected as ever. Further calls do nothing: whatever is alive at
    the moment of a freeze is never collected, and each further freeze would add to it.
    """
    global _left_alone
    if not _left_alone:
        _left_alone = True
        gc.freeze()
