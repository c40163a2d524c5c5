"""The cyclic garbage collector while a model trains."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def loaded_objects_left_alone() -> Generator[None]:
    """Take what is loaded by now out of the collector's sight until the block ends.

    torch, transformers and TRL bring over a million objects, none of which is garbage before the training ends; a full
    collection looks at each of them and stops every thread of the process meanwhile, a screen's too, for 0.3 to 0.5 s
    on two cores.
    """
    gc.collect()  # what is garbage already must not be kept
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
