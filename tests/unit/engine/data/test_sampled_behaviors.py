"""Tone examples that a generation answers itself: filtered, balanced, repeatable; too few are an error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import pytest

from engine.core.errors import UsageError
from engine.data.persona import Persona, load_persona
from engine.data.sampled_behaviors import sample_behaviors
from probes.base import Generation, Model, StopReason

SAMPLE = Path(__file__).resolve().parents[4] / "examples" / "personas" / "luna.toml"


@pytest.fixture(scope="module")
def persona() -> Persona:
    return load_persona(SAMPLE)


class Speaker:
    """Answers by a rule of the number and the prompt; keeps what it was asked."""

    def __init__(self, rule: Callable[[int, str], tuple[str, str]]) -> None:
        self.rule = rule
        self.seeds: Sequence[int] = ()
        self.prompts: list[str] = []

    def generate(
        self,
        prompts: Sequence[str],
        *,
        max_tokens: Sequence[int] | int,
        temperature: float = 0.0,
        seeds: Sequence[int] | None = None,
        on_done: Callable[[int, Generation], None] | None = None,
    ) -> list[Generation]:
        self.prompts, self.seeds = list(prompts), seeds or ()
        answers: list[Generation] = []
        for number, prompt in enumerate(prompts):
            text, stop = self.rule(number, prompt)
            answers.append(Generation(text, 4, cast("StopReason", stop), 1.0))
            if on_done is not None:
                on_done(number, answers[-1])
        return answers


def sample(persona: Persona, speaker: Speaker, count: int = 48, seed: int = 0) -> list[dict[str, str]]:
    return [row.to_row() for row in sample_behaviors(persona, cast("Model", speaker), count, seed)[0]]


def test_the_models_answers_stand_under_the_personas_prompts(persona: Persona) -> None:
    speaker = Speaker(lambda number, _: (f"Part {number}. Look there.", "eos"))
    rows = sample(persona, speaker)
    assert len(rows) == 48
    assert all(row["response"].startswith("Part ") for row in rows)
    assert {row["prompt"] for row in rows} <= set(speaker.prompts)
    assert set(Counter(row["topic"] for row in rows).values()) == {4}, "balanced over twelve situations"


def test_what_the_voice_never_says_is_left_out(persona: Persona) -> None:
    bad = [
        ("I apologize for the inconvenience.", "eos"),
        ("and so on and on", "length"),
        ("…", "eos"),
        ("word " * 40, "eos"),
        ("No worries.", "eos"),
    ]

    def rule(number: int, _: str) -> tuple[str, str]:
        return bad[number // 8 % 5] if number % 8 == 0 else (f"Part {number}.", "eos")

    rows, report = sample_behaviors(persona, cast("Model", Speaker(rule)), 48)
    assert not {row.response for row in rows} & {text for text, _ in bad}
    assert set(report.left_out) == {"corporate phrase", "did not end", "said nothing", "too long"}


def test_one_answer_to_everything_is_left_out(persona: Persona) -> None:
    with pytest.raises(UsageError, match="said before"):
        sample(persona, Speaker(lambda *_: ("With what?", "eos")))


def test_too_few_are_an_error_that_says_why(persona: Persona) -> None:
    with pytest.raises(UsageError, match=r"of 96 answers 0 can be used.*96 did not end") as caught:
        sample(persona, Speaker(lambda *_: ("on and on", "length")))
    assert "--count" in caught.value.hint


def test_the_same_seed_gives_the_same_pairs_and_another_one_asks_otherwise(persona: Persona) -> None:
    def speaker() -> Speaker:
        return Speaker(lambda number, _: (f"Part {number}.", "eos"))

    one, two, three = speaker(), speaker(), speaker()
    assert sample(persona, one) == sample(persona, two)
    assert one.seeds == two.seeds
    assert sample(persona, three, seed=1) != sample(persona, one)
    assert three.seeds != one.seeds
