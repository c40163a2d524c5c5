"""Rows: what is written reads back equal, what people write is understood, what cannot be is refused."""

from __future__ import annotations

import csv
import io
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import LedgerBadInput, LedgerDamaged
from ledger.row import COLUMNS, LedgerRow

SHA = "ab" * 32
GOOD = ["3", SHA, SHA, SHA, "300", "0.0002", "1.5", "2.5", "0.3", "0.95", "0.9", "0.0"]


def fields(**changes: str) -> list[str]:
    return [changes.get(column, text) for column, text in zip(COLUMNS, GOOD, strict=True)]


hashes = st.text("0123456789abcdef", min_size=4, max_size=64)
words = st.from_regex(r"[g-zG-Z_éßЖ月][\w.-]{0,40}", fullmatch=True).filter(
    lambda word: word.lower() not in ("none", "null", "nan", "base", "base_model") and not re.search(r"[^\w.-]", word)
)
amounts = st.floats(0, 1e12, allow_nan=False)
shares = st.none() | st.floats(0, 1)
rows = st.builds(
    LedgerRow,
    gen_id=st.integers(0, 999_999_999),
    parent_sha=hashes | words | st.just("base_model"),
    child_sha=hashes | words,
    data_delta_sha=hashes | words,
    steps=st.integers(0, 10**9),
    lr=amounts,
    walltime_min=amounts,
    loss_start=st.none() | amounts,
    loss_end=st.none() | amounts,
    eval_recall=shares,
    eval_generalization=shares,
    eval_style_drift=shares,
)


def test_the_columns_are_the_twelve_of_the_contract() -> None:
    assert ",".join(COLUMNS) == (
        "GEN_ID,parent_sha,child_sha,data_delta_sha,steps,lr,walltime_min,"
        "loss_start,loss_end,eval_recall,eval_generalization,eval_style_drift"
    )


@given(rows)
def test_a_row_reads_back_equal_and_any_csv_reader_sees_the_same_fields(row: LedgerRow) -> None:
    assert LedgerRow.from_fields(row.to_csv_fields()) == row
    assert list(csv.reader(io.StringIO(row.to_line()))) == [row.to_csv_fields()]
    assert list(row.to_record()) == list(COLUMNS)


@given(rows)
def test_no_field_can_become_a_formula_or_another_line(row: LedgerRow) -> None:
    for field in row.to_csv_fields():
        assert not field.startswith(("=", "+", "-", "@"))
        assert not set(field) & set('\r\n,"')


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "a\nb",
        "abcd\n",
        "abcd\r",
        "abcd,ef",
        '"abcd',
        "",
        "a" * 65,
        "z" * 64,
        "ab" * 31 + "az",
        "\tabcd",
        "ghi 789",
        "ghi;789",
        "ghi/789",
        "ghi|789",
        "'ghi789'",
        ".hidden",
        "GHI\u202e789",
        "ABCDEF",
        "none",
        "NULL",
    ],
)
@pytest.mark.parametrize("column", ["parent_sha", "child_sha", "data_delta_sha"])
def test_a_hash_that_is_none_is_refused(column: str, text: str) -> None:
    values = dict.fromkeys(("parent_sha", "child_sha", "data_delta_sha"), SHA) | {column: text}
    with pytest.raises(LedgerBadInput) as caught:
        LedgerRow(0, **values, steps=1, lr=0.1, walltime_min=1, loss_start=None, loss_end=None, eval_recall=None,
                  eval_generalization=None, eval_style_drift=None)  # fmt: skip
    assert column in caught.value.title
    assert caught.value.hint


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.5, 1.5])
def test_a_score_is_a_share(value: float) -> None:
    with pytest.raises(LedgerBadInput) as caught:
        LedgerRow(0, SHA, SHA, SHA, 1, 0.1, 1, None, None, value, None, None)
    assert "eval_recall" in caught.value.title


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0])
def test_a_loss_that_is_no_number_must_be_given_as_none(value: float) -> None:
    with pytest.raises(LedgerBadInput) as caught:
        LedgerRow(0, SHA, SHA, SHA, 1, 0.1, 1, None, value, None, None, None)
    assert "loss_end" in caught.value.title


def test_minus_zero_is_written_without_a_sign() -> None:
    assert LedgerRow(0, SHA, SHA, SHA, 1, 0.1, 1, None, None, None, None, -0.0).to_csv_fields()[-1] == "0.0"


@pytest.mark.parametrize(
    ("column", "text", "attribute", "value"),
    [
        ("GEN_ID", "G3", "gen_id", 3),
        ("GEN_ID", "g12", "gen_id", 12),
        ("GEN_ID", " 7 ", "gen_id", 7),
        ("GEN_ID", "0", "gen_id", 0),
        ("parent_sha", "base_model", "parent_sha", "base_model"),
        ("parent_sha", "BASE_MODEL", "parent_sha", "base_model"),
        ("parent_sha", "a1b2", "parent_sha", "a1b2"),
        ("child_sha", "A1B2C3D4", "child_sha", "a1b2c3d4"),
        ("parent_sha", "ghi789", "parent_sha", "ghi789"),
        ("child_sha", " jkl012 ", "child_sha", "jkl012"),
        ("child_sha", "GHI789", "child_sha", "GHI789"),
        ("child_sha", "x", "child_sha", "x"),
        ("child_sha", "v1.2-rc_3", "child_sha", "v1.2-rc_3"),
        ("child_sha", "_first", "child_sha", "_first"),
        ("child_sha", "größe", "child_sha", "größe"),
        ("child_sha", "月光", "child_sha", "月光"),
        ("child_sha", "ab" * 31 + "c", "child_sha", "ab" * 31 + "c"),
        ("data_delta_sha", "mno345", "data_delta_sha", "mno345"),
        ("lr", "2e-4", "lr", 2e-4),
        ("lr", "2E-04", "lr", 2e-4),
        ("lr", ".0002", "lr", 2e-4),
        ("lr", "1", "lr", 1.0),
        ("walltime_min", "45", "walltime_min", 45.0),
        ("loss_start", "", "loss_start", None),
        ("loss_end", "  ", "loss_end", None),
        ("eval_recall", "", "eval_recall", None),
        ("eval_recall", "1", "eval_recall", 1.0),
        ("eval_style_drift", "0", "eval_style_drift", 0.0),
    ],
)
def test_hand_written_forms_are_read(column: str, text: str, attribute: str, value: object) -> None:
    assert getattr(LedgerRow.from_fields(fields(**{column: text})), attribute) == value


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("GEN_ID", "three"),
        ("GEN_ID", "-1"),
        ("GEN_ID", "3.0"),
        ("GEN_ID", "٣"),
        ("GEN_ID", "GG3"),
        ("GEN_ID", ""),
        ("parent_sha", "none"),
        ("parent_sha", ""),
        ("child_sha", "base_model"),
        ("data_delta_sha", "=cmd|' /C calc'!A0"),
        ("steps", "300.5"),
        ("steps", "1_000"),
        ("steps", ""),
        ("lr", ""),
        ("lr", "nan"),
        ("lr", "-1e-4"),
        ("lr", "1_0"),
        ("lr", "0x10"),
        ("lr", "2e-4x"),
        ("walltime_min", "inf"),
        ("loss_start", "1e999"),
        ("loss_end", "∞"),
        ("eval_recall", "97"),
        ("eval_generalization", "-0.1"),
        ("eval_style_drift", "+0.1"),
    ],
)
def test_a_field_that_cannot_be_names_its_column_and_place(column: str, text: str) -> None:
    with pytest.raises(LedgerDamaged) as caught:
        LedgerRow.from_fields(fields(**{column: text}), where="ledger line 4")
    assert column in caught.value.title
    assert caught.value.where == "ledger line 4"
    assert caught.value.hint


@pytest.mark.parametrize("count", [0, 1, 11, 13])
def test_another_number_of_fields_is_damage(count: int) -> None:
    with pytest.raises(LedgerDamaged, match=f"{count} fields instead of 12"):
        LedgerRow.from_fields((GOOD * 2)[:count])
