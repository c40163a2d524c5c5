"""Tone examples for the `align` phase from a persona: distinct, balanced over situations, no corporate phrases.

Every random choice is fixed by the seed: the same persona, count and seed give the same rows.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import Any

from engine.core.errors import UsageError
from engine.data.persona import SLOT, Persona, Situation, Turn
from engine.data.rows import canonical_text, prompt_group
from probes.phrases import Phrase, find_corporate, load_phrases

_PER_TEMPLATE = 2000  # fillings tried for one prompt; a list of a hundred words used twice would give ten thousand


@dataclass(frozen=True, slots=True)
class Behavior:
    """A tone example: a prompt, the answer in the persona's voice, and its situation."""

    prompt: str
    response: str
    situation: str

    def to_row(self) -> dict[str, str]:
        """Return the example as a row of a curriculum, with the topic `behavior.<situation>`."""
        return {"prompt": self.prompt, "response": self.response, "topic": f"behavior.{self.situation}"}


@dataclass(frozen=True, slots=True)
class BehaviorReport:
    """How varied the rows are, and how many were left out for which reason.

    `distinct_1` and `distinct_2` are the numbers of distinct words and word pairs in the answers, divided by the
    numbers of all of them (J. Li et al. 2016, arXiv:1510.03055); an opening is an answer's first two words.
    """

    rows: int
    by_situation: Mapping[str, int]
    distinct_1: float
    distinct_2: float
    commonest_opening: str
    commonest_opening_share: float
    words: tuple[int, int, int]
    left_out: Mapping[str, int] = field(default_factory=dict[str, int])

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values; `words` is the length of the shortest, median and longest answer."""
        shortest, median, longest = self.words
        return {
            "rows": self.rows,
            "by_situation": dict(self.by_situation),
            "distinct_1": self.distinct_1,
            "distinct_2": self.distinct_2,
            "commonest_opening": self.commonest_opening,
            "commonest_opening_share": self.commonest_opening_share,
            "words": {"shortest": shortest, "median": median, "longest": longest},
            "left_out": dict(self.left_out),
        }


def make_behaviors(persona: Persona, count: int, seed: int = 0) -> tuple[list[Behavior], BehaviorReport]:
    """Return `count` rows, shuffled, and the report on them.

    Raises UsageError when there are fewer rows than situations, or when the persona's words do not yield as many
    distinct prompts, naming the situations that fall short.
    """
    if count < len(persona.situations):
        raise UsageError(
            f"{count} rows cannot be balanced over {len(persona.situations)} situations",
            where="--count",
            hint=f"ask for {len(persona.situations)} or more",
        )
    maker = _Maker(persona, seed)
    share, rest = divmod(count, len(persona.situations))
    short: list[str] = []
    for place, situation in enumerate(persona.situations):
        wanted = share + (place < rest)
        made = maker.make(situation, wanted)
        if made < wanted:
            short.append(f"{situation.name} yields {made} of {wanted}")
    if short:
        raise UsageError(
            f"the persona is too small for {count} distinct rows: {'; '.join(short[:3])}"
            + (f"; {len(short) - 3} more" if len(short) > 3 else ""),
            where=persona.name,
            hint="add prompts, words or frames to these situations, or ask for fewer with --count",
        )
    rows = maker.rows
    random.Random(f"{seed}:order").shuffle(rows)
    return rows, report_on(rows, persona, maker.left_out)


def forbidden(persona: Persona) -> list[Phrase]:
    """Return the phrases that no answer may contain: the tone probe's own list and the persona's.

    Raises UsageError when one of the persona's cannot be parsed.
    """
    try:
        return load_phrases(persona.never)
    except ValueError as error:
        raise UsageError(
            str(error), where=f"{persona.name}: never", hint="the language is that of phrases.txt"
        ) from None


class _Maker:
    """Makes rows situation by situation, never the same prompt twice."""

    def __init__(self, persona: Persona, seed: int) -> None:
        self.rows: list[Behavior] = []
        self.left_out: Counter[str] = Counter()
        self._persona, self._seed = persona, seed
        self._phrases = forbidden(persona)
        self._prompts: set[str] = set()
        self._openings: Counter[str] = Counter()
        self._answers: Counter[str] = Counter()

    def make(self, situation: Situation, wanted: int) -> int:
        chance = random.Random(f"{self._seed}:{situation.name}")
        made = 0
        for example in situation.examples:
            made += made < wanted and self._take(example.prompt, example.response, situation.name)
        for prompt, turn, filling in _prompts(self._persona, situation, chance):
            if made == wanted:
                break
            if prompt_group(prompt) in self._prompts:
                self.left_out["prompt twice"] += 1
                continue
            made += self._take(prompt, self._answer(turn, filling, chance), situation.name)
        return made

    def _answer(self, turn: Turn, filling: Mapping[str, str], chance: random.Random) -> str:
        """Return the answer that was used least so far and, among equals, whose opening was used least."""
        filled: list[str] = []
        for answer in turn.answers:
            own = {slot: chance.choice(self._persona.words[slot]) for slot in sorted(_slots(answer))}
            filled.append(_fill(answer, own | dict(filling)))
        chance.shuffle(filled)
        return min(filled, key=lambda text: (self._answers[text], self._openings[_opening(text)]))

    def _take(self, prompt: str, response: str, situation: str) -> bool:
        prompt, response = canonical_text(prompt), canonical_text(response)
        if find_corporate(response, self._phrases):
            self.left_out["corporate phrase"] += 1
        elif len(response.split()) > self._persona.max_words:
            self.left_out["too long"] += 1
        elif prompt_group(prompt) in self._prompts:
            self.left_out["prompt twice"] += 1
        else:
            self._prompts.add(prompt_group(prompt))
            self._answers[response] += 1
            self._openings[_opening(response)] += 1
            self.rows.append(Behavior(prompt, response, situation))
            return True
        return False


def _prompts(
    persona: Persona, situation: Situation, chance: random.Random
) -> Iterator[tuple[str, Turn, Mapping[str, str]]]:
    """Yield every prompt the situation can make, in a shuffled order that takes its templates in turn."""
    queues: list[list[tuple[str, Turn, Mapping[str, str]]]] = []
    templates = [(turn, prompt) for turn in situation.turns for prompt in turn.prompts]
    for (turn, template), frame in product(templates, persona.frames):
        slots = sorted(_slots(template))
        fillings = list(product(*(persona.words[slot] for slot in slots)))
        chance.shuffle(fillings)
        made = [dict(zip(slots, filling, strict=True)) for filling in fillings[:_PER_TEMPLATE]]
        queues.append([(frame.replace("{prompt}", _fill(template, filling)), turn, filling) for filling in made])
    chance.shuffle(queues)
    while queues:
        queues = [queue for queue in queues if queue]
        for queue in queues:
            yield queue.pop()


def _slots(text: str) -> set[str]:
    return {slot.lower() for slot in SLOT.findall(text)}


def _fill(text: str, filling: Mapping[str, str]) -> str:
    """Replace the slots by words; `{Thing}` capitalises its word."""

    def word(found: re.Match[str]) -> str:
        name = found[1]
        value = filling[name.lower()]
        return value[:1].upper() + value[1:] if name[:1].isupper() else value

    return SLOT.sub(word, text)


def _opening(text: str) -> str:
    return " ".join(re.findall(r"[\w']+", text.casefold())[:2])


def report_on(rows: Sequence[Behavior], persona: Persona, left_out: Mapping[str, int]) -> BehaviorReport:
    """Return the report on how varied these rows are; there must be at least one."""
    answers = [re.findall(r"[\w']+", row.response.casefold()) for row in rows]
    words = [word for answer in answers for word in answer]
    pairs = [pair for answer in answers for pair in pairwise(answer)]
    opening, times = Counter(_opening(row.response) for row in rows).most_common(1)[0]
    lengths = sorted(len(row.response.split()) for row in rows)
    counts = Counter(row.situation for row in rows)
    return BehaviorReport(
        rows=len(rows),
        by_situation={situation.name: counts[situation.name] for situation in persona.situations},
        distinct_1=len(set(words)) / max(1, len(words)),
        distinct_2=len(set(pairs)) / max(1, len(pairs)),
        commonest_opening=opening,
        commonest_opening_share=times / len(rows),
        words=(lengths[0], lengths[len(lengths) // 2], lengths[-1]),
        left_out=dict(left_out),
    )
