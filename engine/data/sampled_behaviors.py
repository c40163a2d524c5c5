"""Tone examples that a generation itself answers, filtered by the checks that the persona's own answers pass."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence

from engine.core.errors import UsageError
from engine.data.persona import Persona
from engine.data.rows import canonical_text
from engine.data.template_behaviors import Behavior, BehaviorReport, forbidden, make_behaviors, report_on
from probes.base import Generation, Model
from probes.phrases import find_corporate

MORE = 2
"""Prompts per wanted pair, where the persona yields as many: some answers are left out."""


def sample_behaviors(
    persona: Persona,
    model: Model,
    count: int,
    seed: int = 0,
    *,
    temperature: float = 0.7,
    on_done: Callable[[int, int], None] | None = None,
) -> tuple[list[Behavior], BehaviorReport]:
    """Return `count` pairs, balanced over the situations: the persona's prompts, the model's answers to them.

    An answer is left out if it does not end by itself, has no letters or digits, has more words than the persona's
    `max_words`, contains a corporate phrase, or was kept three times already. The same model, persona, count and seed
    give the same pairs. `on_done(done, total)` counts answers. Raises UsageError when too few are left, with the
    reasons why the others were left out.
    """
    pairs = _prompts(persona, count, seed)
    done = 0

    def count_answer(_index: int, _answer: Generation) -> None:
        nonlocal done
        done += 1
        if on_done is not None:
            on_done(done, len(pairs))

    # Words have about four and a half letters; three tokens per word leave room for names.
    answers = model.generate(
        [row.prompt for row in pairs],
        max_tokens=8 + 3 * persona.max_words,
        temperature=temperature,
        seeds=[seed * 1_000_003 + number for number in range(len(pairs))],
        on_done=count_answer,
    )
    kept, left_out = _filter(persona, pairs, answers)
    chosen = _balanced(persona, kept, count)
    if len(chosen) < count:
        wrong = ", ".join(f"{times} {why}" for why, times in left_out.most_common()) or "none left out"
        raise UsageError(
            f"of {len(pairs)} answers {len(kept)} can be used, {len(chosen)} of them balanced over the situations, and "
            f"{count} are wanted (left out: {wrong})",
            where=persona.name,
            hint="ask for fewer with --count, take a generation nearer to the persona, or add prompts to it",
        )
    random.Random(f"{seed}:order").shuffle(chosen)
    return chosen, report_on(chosen, persona, left_out)


def _prompts(persona: Persona, count: int, seed: int) -> list[Behavior]:
    """Return as many of the persona's pairs as it yields, up to MORE for each wanted."""
    for wanted in (MORE * count, count + count // 4):
        try:
            return make_behaviors(persona, wanted, seed)[0]
        except UsageError:
            continue
    return make_behaviors(persona, count, seed)[0]


def _filter(
    persona: Persona, pairs: Sequence[Behavior], answers: Sequence[Generation]
) -> tuple[list[Behavior], Counter[str]]:
    phrases = forbidden(persona)
    kept: list[Behavior] = []
    left_out: Counter[str] = Counter()
    said: Counter[str] = Counter()
    for row, answer in zip(pairs, answers, strict=True):
        text = canonical_text(answer.text)
        if answer.stop_reason != "eos":
            left_out["did not end"] += 1
        elif not any(mark.isalnum() for mark in text):
            left_out["said nothing"] += 1
        elif len(text.split()) > persona.max_words:
            left_out["too long"] += 1
        elif find_corporate(text, phrases):
            left_out["corporate phrase"] += 1
        elif said[text] >= 3:
            left_out["said before"] += 1
        else:
            said[text] += 1
            kept.append(Behavior(row.prompt, text, row.situation))
    return kept, left_out


def _balanced(persona: Persona, kept: Sequence[Behavior], count: int) -> list[Behavior]:
    share, rest = divmod(count, len(persona.situations))
    chosen: list[Behavior] = []
    for place, situation in enumerate(persona.situations):
        of_it = [row for row in kept if row.situation == situation.name]
        chosen += of_it[: share + (place < rest)]
    return chosen
