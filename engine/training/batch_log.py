"""The log of the rows fed and of each step's metrics: two files that can be truncated to a checkpoint."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import SupportsFloat

from engine.core.errors import Damaged
from engine.training.job import Example
from ledger.durable import write_durable


class BatchLog:
    """Writes `fed.jsonl` (the rows of each optimizer step, and how their prompts were typed) and `metrics.jsonl`.

    Both are first truncated to `resume_step`; raises Damaged when they do not hold every step up to there.
    """

    def __init__(self, work_dir: Path, examples: Sequence[Example], resume_step: int) -> None:
        self._examples = examples
        self._pending: list[int] = []
        self._losses: list[SupportsFloat] = []
        self._loss_tokens = 0
        self.fed_path = work_dir / "fed.jsonl"
        self.metrics_path = work_dir / "metrics.jsonl"
        _cut_after(self.fed_path, resume_step)
        earlier = _cut_after(self.metrics_path, resume_step)
        self.trained_tokens = sum(int(json.loads(line)["trained_tokens"]) for line in earlier)
        self._fed = self.fed_path.open("a")
        self._metrics = self.metrics_path.open("a")

    def consume(self, rows: Sequence[int], loss_sum: SupportsFloat, loss_tokens: int) -> None:
        """Record that a forward pass consumed these examples (positions in the feeding order), with its summed loss.

        `loss_sum` is in nats over `loss_tokens` tokens. It may be a tensor on a GPU: it is read when the step ends, so
        that a pass need not wait for it.
        """
        self._pending.extend(rows)
        self._losses.append(loss_sum)
        self._loss_tokens += loss_tokens

    def finish_step(self, step: int, lr: float, grad_norm: float, seconds: float) -> dict[str, float | int | str]:
        """Write the metrics of the step that just ended and return them; `loss` is in nats per trained token."""
        rows, self._pending = self._pending, []
        losses, self._losses = self._losses, []
        loss_tokens, self._loss_tokens = self._loss_tokens, 0
        self.trained_tokens += loss_tokens
        numbers: dict[str, float | int | str] = {
            "step": step,
            "loss": sum(float(loss) for loss in losses) / loss_tokens if loss_tokens else float("nan"),
            "lr": lr,
            "grad_norm": grad_norm,
            "tokens": sum(len(self._examples[i].ids) for i in rows),
            "trained_tokens": loss_tokens,
            "rows": len(rows),
            "seconds": round(seconds, 4),
            "stage": Counter(self._examples[i].stage for i in rows).most_common(1)[0][0] if rows else "",
        }
        fed = {"step": step, "rows": [self._examples[i].row_id for i in rows]}
        if any(habits := [self._examples[i].habit for i in rows]):
            fed["as_typed"] = habits
        self._fed.write(json.dumps(fed) + "\n")
        self._metrics.write(json.dumps(numbers) + "\n")
        self._fed.flush()
        self._metrics.flush()
        return numbers

    def close(self) -> None:
        """Close both files; nothing can be recorded afterwards."""
        self._fed.close()
        self._metrics.close()


def read_losses(metrics_path: Path) -> list[float]:
    """Return the loss of every step in order, in nats per trained token."""
    return [float(json.loads(line)["loss"]) for line in metrics_path.read_text().splitlines()]


def start_end_losses(losses: Sequence[float], window: int = 10) -> tuple[float, float]:
    """Return the ledger's `loss_start` and `loss_end`: the means over the first and over the last `window` steps."""
    head, tail = losses[:window], losses[-window:]
    return sum(head) / len(head), sum(tail) / len(tail)


def _cut_after(path: Path, last: int) -> list[str]:
    """Drop the lines of steps after `last`, which will be run again, and return the lines kept.

    Raises Damaged when a step up to `last` is missing.
    """
    kept: list[str] = []
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            step = int(json.loads(line)["step"])
        except (ValueError, KeyError, TypeError):
            continue  # torn by a crash; its step is run again
        if step <= last:
            kept.append(line)
    steps = [int(json.loads(line)["step"]) for line in kept]
    if steps != list(range(1, last + 1)):
        raise Damaged(
            f"it does not hold every step up to {last}, where the checkpoint was made",
            where=str(path),
            hint="this run cannot be resumed; start the generation anew: luna-tui train",
        )
    write_durable(path, "".join(line + "\n" for line in kept).encode())
    return kept
