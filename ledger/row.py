"""One row of the lineage ledger: twelve columns, written in one form, read also as people write them."""

from __future__ import annotations

import math
import re
import unicodedata
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
"""What hand-written ledgers call the parent of a generation trained from the base model."""

_GEN: Final = re.compile(r"[Gg]?([0-9]{1,9})")
_HEX: Final = re.compile(r"[0-9a-f]{1,64}")
_ID_WORDS: Final = "64 hex digits, or by hand a short word: letters, digits, . _ - and no spaces"
_FULL_SHA: Final = 64
SHORTEST_PREFIX: Final = 4
"""The fewest characters of an id that a person must write."""
_NO_NAMES: Final = frozenset({"none", "null", "nan"})
"""What programs write for an empty field; as an id it would link unrelated rows."""
_WHOLE: Final = re.compile(r"[0-9]{1,12}")
_NUMBER: Final = re.compile(r"[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+\.")


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One generation as the ledger records it.

    Hashes are lower-case hex digits, 64 when luna writes them; by hand fewer, or any word of up to 63 letters, digits
    and `.` `_` `-`, kept as it was written. `parent_sha` may also be `base_model`; `lr` is the learning rate used,
    `walltime_min` minutes, losses mean cross-entropy in nats, the three evals shares from 0 to 1. None stands for an
    empty field. No value can hold a line end, a comma, a quote or a leading = + - @, so a row is safe in any CSV reader
    and spreadsheet. Raises LedgerBadInput for a value outside these bounds.
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
        # Unrolled, since a ledger of ten thousand rows is read while a person waits.
        if not 0 <= self.gen_id <= 999_999_999:
            raise _refused("GEN_ID", self.gen_id, "a whole number from 0")
        if self.parent_sha not in BASE_NAMES and not _is_id(self.parent_sha):
            raise _refused("parent_sha", self.parent_sha, f"base_model, {_ID_WORDS}")
        if not _is_id(self.child_sha):
            raise _refused("child_sha", self.child_sha, _ID_WORDS)
        if not _is_id(self.data_delta_sha):
            raise _refused("data_delta_sha", self.data_delta_sha, _ID_WORDS)
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
        """Return the twelve fields as they are written; reading them back gives an equal row."""
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
        """Return the twelve fields by column name, as a manifest keeps them."""
        return dict(zip(COLUMNS, self.to_csv_fields(), strict=True))

    def to_line(self) -> str:
        """Return the line of the file, without its end; a manifest's `row_sha` is the SHA-256 of it."""
        return ",".join(self.to_csv_fields())

    @classmethod
    def from_fields(cls, fields: Sequence[str], *, where: str = "") -> LedgerRow:
        """Parse twelve fields, also hand-written: `G3`, short hashes, `base_model`, `2e-4`, empty losses and scores.

        Raises LedgerDamaged with `where` when a field is not valid for its column.
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
                _one_case(parent),
                _one_case(child),
                _one_case(data),
                int(steps),
                lr,
                walltime_min,
                *values[2:],
            )
        except LedgerBadInput as error:
            raise LedgerDamaged(error.title, where=where, hint=error.hint or "correct the field") from None


def id_key(text: str) -> str:
    """Return what all spellings of one id share: upper or lower case, composed or combining accents."""
    return text if text.isascii() and text.islower() else unicodedata.normalize("NFC", text).casefold()


def names_id(text: str, recorded: str) -> bool:
    """Return whether a person may mean this id by `text`: the whole of it, or at least its first four characters."""
    key, wanted = id_key(recorded), id_key(text)
    return key == wanted or (len(wanted) >= SHORTEST_PREFIX and key.startswith(wanted))


def is_sha_prefix(text: str) -> bool:
    """Return whether an id may be a SHA-256 or a prefix of one, and not just a person's word.

    A prefix has at least four hex digits.
    """
    return len(text) >= SHORTEST_PREFIX and _HEX.fullmatch(text) is not None


def is_sha256(text: str) -> bool:
    """Return whether this is a whole SHA-256, as luna itself writes every one."""
    return len(text) == _FULL_SHA and _HEX.fullmatch(text) is not None


def contradicts(recorded: str, sha: str) -> bool:
    """Return whether a file with this SHA-256 cannot be the one that a row names.

    A hand-written word says nothing about a file.
    """
    return is_sha_prefix(recorded) and not sha.startswith(recorded)


def _is_id(text: str) -> bool:
    if _HEX.fullmatch(text):
        return True
    if not 0 < len(text) < _FULL_SHA or not (text[0].isalnum() or text[0] == "_"):
        return False
    # Hex digits have one spelling, so that a row reads back equal; a base's name and "none" are no model of their own.
    lowered = text.lower()
    if _HEX.fullmatch(lowered) or lowered in BASE_NAMES or lowered in _NO_NAMES:
        return False
    return all(c.isalnum() or c in "._-" or unicodedata.category(c) in ("Mn", "Mc") for c in text)


def _one_case(text: str) -> str:
    lowered = text.lower()
    return lowered if lowered in BASE_NAMES or _HEX.fullmatch(lowered) else text


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
