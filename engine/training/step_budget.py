"""The step budget: every row is fed at least once, or the run is refused with the numbers."""

from __future__ import annotations

from math import ceil

from engine.core.counted import counted
from engine.core.errors import UsageError

MAX_ACCUMULATION = 64


def plan_accumulation(rows: int, steps: int, batch_size: int, accumulation: int) -> int:
    """Return the accumulation with which `steps` steps feed all `rows` once: the configured one, or the next that does.

    Raises UsageError when even MAX_ACCUMULATION would leave rows unfed: the last stage, the personality, would be among
    them.
    """
    passes = ceil(rows / batch_size)  # forward passes of one time through the data
    needed = max(accumulation, ceil(passes / steps))
    if needed > MAX_ACCUMULATION:
        raise UsageError(
            f"{counted(steps, 'step')} of {counted(batch_size, 'row')} cannot feed {counted(rows, 'row')} once, "
            f"even with {MAX_ACCUMULATION} forward passes a step",
            where="luna.toml [train]",
            hint=f"give at least {counted(ceil(passes / MAX_ACCUMULATION), 'step')}, or a bigger batch_size",
        )
    return needed
