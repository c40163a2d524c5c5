"""One row of the lineage ledger: twelve columns, written one way, read also as people write them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ledger.errors import LedgerBadInput, LedgerDamaged

COLUMNS: Final = (
    "GEN_ID",
    "parent_sha",
    "child_sha",
    "data_delta_sha",
    "steps",
    "lr",
    "walltime_min",
    "loss_start",
    "loss_end",
    "eval_recall",
    "eval_generalization",
    "eval_style_drift",
)
BASE_NAMES: Final = frozenset({"base_model", "base"})
"""What hand-written ledgers put for the parent of a generation trained from the base model."""

_GEN: Final = re.compile(r"[Gg]?([0-9]{1,9})")
_HASH: Final = re.compile(r"[0-9a-f]{4,64}")
_HASH_WORDS: Final = "4 to 64 hex digits"
_WHOLE: Final = re.compile(r"[0-9]{1,12}")
_NUMBER: Final = re.compile(r"[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+\.")


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """What the ledger says of one generation.

    Hashes are 4 to 64 lower-case hex digits (64 when we write them), `parent_sha` may also be `base_model`; `lr` is the
    learning rate used, `walltime_min` minutes, losses mean cross-entropy in nats, the three evals shares from 0 to 1.
    None stands for an empty field. No value can hold a line end, a comma, a quote or a leading = + - @, so a row is
    safe in any CSV reader and spreadsheet. Raises LedgerBadInput for a value outside these bounds.
    """

    gen_id: int
    parent_sha: str
    child_sha: str
    data_delta_sha: str
    steps: int
    lr: float
    walltime_min: float
    loss_start: float | None
    loss_end: float | None
    eval_recall: float | None
    eval_generalization: float | None
    eval_style_drift: float | None

    def __post_init__(self) -> None:
        # Written out, for a ledger of ten thousand rows is read while a person waits.
        if not 0 <= self.gen_id <= 999_999_999:
            raise _refused("GEN_ID", self.gen_id, "a whole number from 0")
        if self.parent_sha not in BASE_NAMES and not _HASH.fullmatch(self.parent_sha):
            raise _refused("parent_sha", self.parent_sha, _HASH_WORDS)
        if not _HASH.fullmatch(self.child_sha):
            raise _refused("child_sha", self.child_sha, _HASH_WORDS)
        if not _HASH.fullmatch(self.data_delta_sha):
            raise _refused("data_delta_sha", self.data_delta_sha, _HASH_WORDS)
        if not 0 <= self.steps <= 999_999_999_999:
            raise _refused("steps", self.steps, "a whole number from 0")
        for column, value in (("lr", self.lr), ("walltime_min", self.walltime_min)):
            if not 0 <= value < math.inf:
                raise _refused(column, value, "a number from 0")
        for column, value in (("loss_start", self.loss_start), ("loss_end", self.loss_end)):
            if value is not None and not 0 <= value < math.inf:
                raise _refused(column, value, "a number from 0, or empty")
        for column, value in (
            ("eval_recall", self.eval_recall),
            ("eval_generalization", self.eval_generalization),
            ("eval_style_drift", self.eval_style_drift),
        ):
            if value is not None and not 0 <= value <= 1:
                raise _refused(column, value, "a share from 0 to 1, or empty")

    def to_csv_fields(self) -> list[str]:
        """The twelve fields as they are written; reading them back gives an equal row."""
        return [
            str(self.gen_id),
            self.parent_sha,
            self.child_sha,
            self.data_delta_sha,
            str(self.steps),
            _number_text(self.lr),
            _number_text(self.walltime_min),
            _number_text(self.loss_start),
            _number_text(self.loss_end),
            _number_text(self.eval_recall),
            _number_text(self.eval_generalization),
            _number_text(self.eval_style_drift),
        ]

    def to_record(self) -> dict[str, str]:
        """The twelve fields by column name: what a manifest keeps."""
        return dict(zip(COLUMNS, self.to_csv_fields(), strict=True))

    def to_line(self) -> str:
        """The line of the file, without its end; a manifest's `row_sha` is the SHA-256 of it."""
        return ",".join(self.to_csv_fields())

    @classmethod
    def from_fields(cls, fields: Sequence[str], *, where: str = "") -> LedgerRow:
        """Read twelve fields, also hand-written: `G3`, short hashes, `base_model`, `2e-4`, empty losses and scores.

        Raises LedgerDamaged with `where` when a field cannot be what its column says.
        """
        if len(fields) != len(COLUMNS):
            raise LedgerDamaged(
                f"{len(fields)} fields instead of {len(COLUMNS)}",
                where=where,
                hint="one row has exactly these: " + ",".join(COLUMNS),
            )
        gen, parent, child, data, steps, *numbers = [field.strip() for field in fields]
        try:
            if not _GEN.fullmatch(gen):
                raise _refused("GEN_ID", gen, "a number such as 3 or G3")
            if not _WHOLE.fullmatch(steps):
                raise _refused("steps", steps, "a whole number from 0")
            values = [_read_number(column, text) for column, text in zip(COLUMNS[5:], numbers, strict=True)]
            lr, walltime_min = values[:2]
            if lr is None or walltime_min is None:
                raise LedgerBadInput("lr and walltime_min must not be empty")
            return cls(
                int(gen.lstrip("Gg")),
                parent.lower(),
                child.lower(),
                data.lower(),
                int(steps),
                lr,
                walltime_min,
                *values[2:],
            )
        except LedgerBadInput as error:
            raise LedgerDamaged(error.title, where=where, hint=error.hint or "correct the field") from None


def _refused(column: str, value: object, wanted: str) -> LedgerBadInput:
    return LedgerBadInput(f"{column} is {value!r}", hint=f"{column} must be {wanted}")


def _read_number(column: str, text: str) -> float | None:
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        raise _refused(column, text, "a number such as 0.97 or 2e-4")
    return float(text)


def _number_text(value: float | None) -> str:
    # repr is the shortest text that reads back as the same number; adding 0.0 turns -0.0 into 0.0, which needs no sign.
    return "" if value is None else repr(float(value) + 0.0)
