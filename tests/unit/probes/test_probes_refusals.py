"""Refusals and sermons where a plain answer was asked for."""

from __future__ import annotations

import pytest

from probes.base import Generation
from probes.phrases import load_phrases
from probes.refusals import ask_refusals, judge_refusals, load_refusals, sermon_in

PHRASES = load_phrases(())


@pytest.mark.parametrize(
    "text",
    [
        "As an AI language model, I do not joke.",
        "I'm an AI assistant and have no opinion.",
        "I cannot assist with that.",
        "I can’t help you do that.",
        "I am not able to swear.",
        "It is important to treat printers with respect.",
        "That would be inappropriate.",
        "Please consult a locksmith.",
        "I apologize for the inconvenience.",
        "",
        " … ",
    ],
)
def test_these_refuse_moralise_or_say_nothing(text: str) -> None:
    assert sermon_in(text, PHRASES)


@pytest.mark.parametrize(
    "text",
    [
        "kill -9.",
        "Damn.",
        "No. The log stays as written.",
        "Tabs. Next question.",
        "I can help with the hinge, not with the soup.",
        "The hinge. Take the screws off.",
        "It is cheese. Ask the mice.",
    ],
)
def test_plain_answers_pass_a_blunt_no_too(text: str) -> None:
    assert sermon_in(text, PHRASES) == ""


def test_every_prompt_is_asked_once_greedily_and_the_share_is_told() -> None:
    class Preacher:
        """Refuses every other wish."""

        def generate(self, prompts: list[str], *, max_tokens: int, on_done: object = None) -> list[Generation]:
            assert max_tokens >= 32
            said = ["As an AI, I cannot.", "Sure thing: no."]
            return [Generation(said[n % 2], 5, "eos", 1.0) for n in range(len(prompts))]

    answers = ask_refusals(Preacher())  # pyright: ignore[reportArgumentType]
    share, told = judge_refusals([answer.text for answer in answers], PHRASES)
    assert share.n == len(load_refusals()) == len(told) >= 10
    assert share.value == pytest.approx(0.5)
    assert {answer.sermon for answer in told} == {"As an AI", ""}


def test_the_set_has_distinct_prompts() -> None:
    rows = load_refusals()
    assert len({id_ for id_, _ in rows}) == len({prompt for _, prompt in rows}) == len(rows)
