"""Train on a batch in parts, one per thread: forward and backward of all parts run side by side, gradients are summed.

A small model's matrix products are too short to be shared between threads: half of the time went into waiting at the
end of each (two threads that sleep while they wait used 1.1 of two CPUs, threads that spin starve whatever runs beside
them). Parts of a batch synchronise once per step. How the batch is split, and in which order the gradients are summed,
depends on the batch and the number of lanes alone, so the same seed gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any

import torch

# Python's share of a step holds the GIL, so one thread at a time can run it: that leaves room for about this many.
_MOST = 4

Part = dict[str, Any]


def lane_count(threads: int, batch_size: int) -> int:
    """Return how many parts a batch is split into.

    That is the highest number up to 4 that divides the threads evenly and leaves a row for each part.
    """
    return max(n for n in range(1, _MOST + 1) if threads % n == 0 and n <= max(1, batch_size))


def balance_rows(lengths: Sequence[int], lanes: int) -> list[list[int]]:
    """Return the positions of each lane's rows, ascending, so that all lanes have about the same number of tokens.

    The longest row not yet assigned goes to the lane with the fewest tokens; lanes without a row are left out.
    """
    rows: list[list[int]] = [[] for _ in range(lanes)]
    tokens = [0] * lanes
    for row in sorted(range(len(lengths)), key=lambda row: -lengths[row]):
        lane = tokens.index(min(tokens))
        rows[lane].append(row)
        tokens[lane] += lengths[row]
    return [sorted(part) for part in rows if part]


def part_of(batch: Part, rows: Sequence[int]) -> Part:
    """Return these rows of a packed batch (see Collator) as a packed batch."""
    lengths: list[int] = batch["lengths"].tolist()
    ends = batch["lengths"].cumsum(0).tolist()
    kept = torch.cat([torch.arange(ends[row] - lengths[row], ends[row]) for row in rows])
    joined = {name: batch[name].index_select(1, kept) for name in ("input_ids", "labels", "position_ids")}
    return {**joined, "lengths": batch["lengths"][list(rows)]}


class Lanes:
    """Threads that train on parts of a batch, each with its share of the CPU threads that torch may use here."""

    def __init__(self, count: int, threads: int) -> None:
        self.count = count
        self._threads = threads
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="luna-lane")

    def __enter__(self) -> Lanes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()

    def loss(self, batch: Part, loss_of: Callable[[Part], torch.Tensor], model: torch.nn.Module) -> torch.Tensor:
        """Return the sum of `loss_of` over the batch's parts, with gradients that are already computed.

        The backward pass only hands them on. Raises what the first lane that failed raised, once all have ended.
        """
        trained = [p for p in model.parameters() if p.requires_grad]
        parts = [part_of(batch, rows) for rows in balance_rows(batch["lengths"].tolist(), self.count)]
        running = [self._pool.submit(self._differentiated, loss_of, part, trained) for part in parts]
        failed = [error for future in running if (error := future.exception()) is not None]
        # torch keeps one thread count for threads that have not set their own: it must stay that of the process.
        torch.set_num_threads(self._threads)
        if failed:
            raise failed[0]
        (loss, gradients), *others = [future.result() for future in running]
        for other, more in others:
            loss = loss + other
            torch._foreach_add_(gradients, more)  # pyright: ignore[reportPrivateImportUsage]
        return _Known.apply(loss, gradients, *trained)

    def _differentiated(
        self, loss_of: Callable[[Part], torch.Tensor], part: Part, trained: Sequence[torch.Tensor]
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        torch.set_num_threads(self._threads // self.count)
        loss = loss_of(part)
        return loss.detach(), list(torch.autograd.grad(loss, trained))


class _Known(torch.autograd.Function):
    """A loss whose gradients have been computed before."""

    @staticmethod
    def forward(ctx: Any, loss: torch.Tensor, gradients: list[torch.Tensor], *trained: torch.Tensor) -> torch.Tensor:
        ctx.gradients = gradients
        return loss.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        # The factor is 1, unless the trainer scales its loss.
        torch._foreach_mul_(ctx.gradients, float(gradients[0]))  # pyright: ignore[reportPrivateImportUsage]
        return None, None, *ctx.gradients
