"""Rows become the ids the runtime would see, and steps are a budget that must feed them all."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from engine.core.errors import UsageError
from engine.data.rows import make_row
from engine.training.job import IGNORED
from engine.training.step_budget import MAX_ACCUMULATION, plan_accumulation
from engine.training.tokenize_rows import Specials, encode_rows

BOS, EOS = 1, 2


def tokenize(texts: Sequence[str]) -> list[list[int]]:
    """One id a character, but `?` and a line break behind it merge into one, as in some real vocabularies."""
    return [[63_000 if piece == "?\n" else ord(piece) for piece in pieces(text)] for text in texts]


def pieces(text: str) -> list[str]:
    found = list(text.replace("?\n", "\0"))
    return ["?\n" if piece == "\0" else piece for piece in found]


QA = make_row("Who?", "I.", stage="conversations", source="a.jsonl:1")
TEXT = make_row("", "A law.", kind="text", stage="fundamentals", source="b.md:1")


def test_prompt_and_answer_are_cut_separately() -> None:
    ((example,),) = encode_rows([QA], tokenize, Specials(None, EOS), 64)
    assert example.ids == (*map(ord, "Who?"), ord("\n"), *map(ord, "I."), EOS)
    assert 63_000 not in example.ids
    assert tokenize(["Who?\nI."]) != [list(example.ids[:-1])]


@pytest.mark.parametrize(("prompts_count", "ignored"), [(True, 1), (False, 4)])
def test_a_prompt_counts_only_where_it_is_asked_for(prompts_count: bool, ignored: int) -> None:
    ((example,),) = encode_rows([QA], tokenize, Specials(None, EOS), 64, prompts_count=prompts_count)
    assert example.labels == (*[IGNORED] * ignored, *example.ids[ignored:])
    assert example.counted == len(example.ids) - ignored


@pytest.mark.parametrize("prompts_count", [True, False])
def test_plain_text_counts_whole_and_ends_with_eos(prompts_count: bool) -> None:
    ((example,),) = encode_rows([TEXT], tokenize, Specials(None, EOS), 64, prompts_count=prompts_count)
    assert example.ids == (*map(ord, "A law."), EOS)
    assert example.labels == (IGNORED, *example.ids[1:]), "nothing predicts the first token"
    assert (example.row_id, example.stage) == (TEXT.id, "fundamentals")


def test_bos_comes_first_only_where_the_runtime_adds_it() -> None:
    with_bos = encode_rows([QA, TEXT], tokenize, Specials(BOS, EOS), 64)
    without = encode_rows([QA, TEXT], tokenize, Specials(None, EOS), 64)
    assert [e.ids for (e,) in with_bos] == [(BOS, *e.ids) for (e,) in without]
    assert [e.labels.count(IGNORED) for (e,) in with_bos] == [5, 1]


def test_rows_longer_than_the_context_are_refused_by_name() -> None:
    long = make_row("x" * 60, "y", source="long.jsonl:7")
    with pytest.raises(UsageError) as raised:
        encode_rows([QA, long], tokenize, Specials(None, EOS), 62)
    assert "1 row is longer than the context of 62 tokens: long.jsonl:7 (63 tokens)" in str(raised.value)
    assert encode_rows([long], tokenize, Specials(None, EOS), 63)


def test_accumulation_stays_where_it_is_enough() -> None:
    assert plan_accumulation(rows=600, steps=300, batch_size=2, accumulation=1) == 1
    assert plan_accumulation(rows=10, steps=300, batch_size=2, accumulation=4) == 4


def test_accumulation_is_raised_until_every_row_is_fed_once() -> None:
    raised = plan_accumulation(rows=601, steps=300, batch_size=2, accumulation=1)
    assert raised == 2
    assert 300 * 2 * raised >= 601


def test_too_few_steps_are_refused_with_the_numbers() -> None:
    with pytest.raises(UsageError) as raised:
        plan_accumulation(rows=10_000, steps=10, batch_size=2, accumulation=1)
    message = str(raised.value)
    assert "10 steps of 2 rows cannot feed 10000 rows once" in message
    assert "at least 79 steps" in message
    assert plan_accumulation(rows=10_000, steps=79, batch_size=2, accumulation=1) <= MAX_ACCUMULATION
