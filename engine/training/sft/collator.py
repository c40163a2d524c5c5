"""Examples in the trainer's form: a data set of ids and labels, and batches that are packed or padded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from datasets import Dataset

from engine.training.job import IGNORED, Example


def make_dataset(examples: Sequence[Example]) -> Dataset:
    """Return the examples as a data set in their order; `row` is an example's position in it."""
    ids, labels = [list(e.ids) for e in examples], [list(e.labels) for e in examples]
    return Dataset.from_dict({"input_ids": ids, "labels": labels, "row": list(range(len(ids)))})


@dataclass(frozen=True, slots=True)
class Collator:
    """Makes a batch of examples: packed without padding (`joined`), or padded to the longest."""

    pad_id: int
    joined: bool

    def __call__(self, features: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Return the tensors of a batch: `input_ids`, `labels`, `row`, and what describes its layout.

        That is `position_ids` and `lengths` for a packed batch, else `attention_mask`. The tokens of a packed batch
        have the shape (1, tokens), those of a padded one (rows, longest).
        """
        ids: list[list[int]] = [f["input_ids"] for f in features]
        labels: list[list[int]] = [f["labels"] for f in features]
        rows = torch.tensor([f["row"] for f in features])
        lengths = [len(i) for i in ids]
        if self.joined:
            return {
                "input_ids": torch.tensor([[t for i in ids for t in i]]),
                "labels": torch.tensor([[t for i in labels for t in i]]),
                "position_ids": torch.cat([torch.arange(n) for n in lengths])[None],
                "row": rows,
                "lengths": torch.tensor(lengths),
            }
        longest = max(lengths)
        return {
            "input_ids": torch.tensor([i + [self.pad_id] * (longest - len(i)) for i in ids]),
            "labels": torch.tensor([i + [IGNORED] * (longest - len(i)) for i in labels]),
            "attention_mask": torch.tensor([[1] * n + [0] * (longest - n) for n in lengths]),
            "row": rows,
        }
