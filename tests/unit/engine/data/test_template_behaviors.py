"""Tone examples out of a persona: distinct, balanced, repeatable, and free of what the voice never says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import UsageError
from engine.data.persona import Persona, load_persona
from engine.data.rows import prompt_group
from engine.data.template_behaviors import make_behaviors
from probes.phrases import find_corporate, load_phrases

SAMPLE = Path(__file__).resolve().parents[4] / "examples" / "personas" / "luna.toml"


@pytest.fixture(scope="module")
def sample() -> Persona:
    return load_persona(SAMPLE)


def small(**more: object) -> Persona:
    situation = {
        "name": "help",
        "turns": [{"prompts": ["Mend the {thing}.", "The {thing} broke."], "answers": ["{Thing}? Show me.", "When?"]}],
        "examples": [{"prompt": "Help.", "response": "With what?"}],
    }
    values = {"name": "p", "words": {"thing": ["pump", "lamp", "door"]}, "situations": [situation], **more}
    return Persona.model_validate(values)


def test_a_thousand_distinct_pairs_balanced_over_the_situations(sample: Persona) -> None:
    rows, report = make_behaviors(sample, 1000)
    assert len(rows) == report.rows == 1000
    assert len({prompt_group(row.prompt) for row in rows}) == 1000, "no two prompts differ in punctuation only"
    counts = Counter(row.situation for row in rows)
    assert max(counts.values()) - min(counts.values()) <= 1
    assert set(counts) == {situation.name for situation in sample.situations}


def test_none_says_what_the_voice_never_says(sample: Persona) -> None:
    rows, _ = make_behaviors(sample, 1000)
    phrases = load_phrases(sample.never)
    assert [row for row in rows if find_corporate(row.response, phrases)] == []
    assert max(len(row.response.split()) for row in rows) <= sample.max_words


def test_no_slot_is_left_open(sample: Persona) -> None:
    rows, _ = make_behaviors(sample, 1000)
    assert not [row for row in rows if "{" in row.prompt + row.response]


def test_the_same_seed_gives_the_same_rows_and_another_others(sample: Persona) -> None:
    assert make_behaviors(sample, 300, seed=7) == make_behaviors(sample, 300, seed=7)
    assert make_behaviors(sample, 300, seed=7)[0] != make_behaviors(sample, 300, seed=8)[0]


def test_openings_and_lengths_vary(sample: Persona) -> None:
    _, report = make_behaviors(sample, 1000)
    assert report.commonest_opening_share <= 0.05
    assert report.words[0] <= 3 < 8 <= report.words[2]
    assert 0 < report.distinct_1 < report.distinct_2 < 1


def test_examples_are_in_it_word_for_word(sample: Persona) -> None:
    rows, _ = make_behaviors(sample, 400)
    found = {(row.prompt, row.response) for row in rows}
    for situation in sample.situations:
        assert {(example.prompt, example.response) for example in situation.examples} <= found


def test_an_answer_takes_up_the_word_of_its_prompt() -> None:
    rows, _ = make_behaviors(small(), 7)
    for row in rows:
        if row.response.endswith("? Show me."):
            assert row.response.split("?")[0].lower() in row.prompt


def test_corporate_answers_are_left_out_and_counted() -> None:
    turn = {"prompts": ["Mend the {thing}."], "answers": ["I'd be happy to help!"]}
    situation = {"name": "x", "turns": [turn], "examples": [{"prompt": "a", "response": "b"}]}
    persona = small(situations=[situation])
    with pytest.raises(UsageError, match=r"x yields 1 of 2"):
        make_behaviors(persona, 2)
    rows, report = make_behaviors(persona, 1)
    assert (len(rows), report.left_out) == (1, {})


def test_the_personas_own_phrases_count_too() -> None:
    with pytest.raises(UsageError, match="help yields"):
        make_behaviors(small(never=["when", "show me", "with what"]), 3)


def test_too_many_are_refused_with_the_situation_that_falls_short() -> None:
    with pytest.raises(UsageError, match=r"help yields 7 of 50") as caught:
        make_behaviors(small(), 50)
    assert "--count" in caught.value.hint


def test_fewer_than_the_situations_cannot_be_balanced(sample: Persona) -> None:
    with pytest.raises(UsageError, match="cannot be balanced"):
        make_behaviors(sample, 3)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 7), st.integers(0, 10**6))
def test_whatever_the_count_and_seed_prompts_are_distinct(count: int, seed: int) -> None:
    rows, report = make_behaviors(small(), count, seed)
    assert len({prompt_group(row.prompt) for row in rows}) == count == report.rows


BAD = {
    "no examples": ("examples = [", "exampels = [", "examples"),
    "an empty file": (None, "", "name"),
    "malformed": ("name =", "name", "malformed TOML"),
    "an unknown list": ("{thing} again", "{gadget} again", "no list [words] gadget"),
    "a frame without the prompt": ('"Luna. {prompt}"', '"Luna."', "frame"),
    "an unknown key": ("max_words = 16", "max_word = 16", "max_word"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_persona_is_one_clear_message(case: str, tmp_path: Path) -> None:
    before, after, said = BAD[case]
    text = SAMPLE.read_text()
    path = tmp_path / "me.toml"
    path.write_text(after if before is None else text.replace(before, after, 1))
    with pytest.raises(UsageError) as caught:
        load_persona(path)
    assert said in caught.value.title
    assert caught.value.where == str(path)
    assert caught.value.hint


def test_a_missing_or_binary_persona(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such persona"):
        load_persona(tmp_path / "none.toml")
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="not UTF-8"):
        load_persona(path)


def test_situations_need_names_of_their_own() -> None:
    one = small().situations[0].model_dump()
    with pytest.raises(ValueError, match="differ from each other"):
        small(situations=[one, one])
