"""Challenge cards: tasks whose answers can be checked without a judge model, and how a model scores on them.

A card is a JSON object: `id`, `kind`, `prompt`, one or more of `expected`, `accept` (a list) and `pattern` (a Python
regular expression that the whole answer must match), and optionally `task` (what it is about) and `never` (phrases that
no answer may contain). A `refusal` must also be free of corporate phrases: it must decline without moralising.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from probes.base import Generation, Model, ProgressCallback
from probes.normaliser import is_match, normalise
from probes.phrases import Phrase, find_corporate
from probes.statistics.intervals import Score

KINDS = ("lookup", "format", "refusal", "multi_step")

MAX_PATTERN = 200
"""Longest pattern that a card may have, in characters."""
MAX_ANSWER = 300
"""Longest answer that may match a pattern, in characters: it bounds the matching time, and cards want short answers."""
_MAX_REPEATS = 3
_OPEN_TOKENS = 40
_KEYS = ("id", "kind", "task", "prompt", "expected", "accept", "pattern", "never")
_CLASS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]")
_REPEAT = re.compile(r"[*+]|\{\d*,\d*\}")
_CHOICE = re.compile(r"[*+{|]|(?<![(*+}])\?")


class BadCards(ValueError):
    """Cards that cannot be used: `problems` has (line, what is wrong with it) for each; line 0 is the whole file."""

    def __init__(self, problems: Sequence[tuple[int, str]]) -> None:
        super().__init__("; ".join(f"line {line}: {text}" if line else text for line, text in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Card:
    """One task: a raw prompt, the right answers, and what no answer may say; `task` describes it in words."""

    id: str
    kind: str
    prompt: str
    task: str = ""
    expected: str = ""
    accept: tuple[str, ...] = ()
    pattern: str = ""
    never: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind {self.kind!r} is unknown; there are {', '.join(KINDS)}")
        if not self.id.strip() or not self.prompt.strip():
            raise ValueError("a card needs an id and a prompt")
        if not self.pattern and not any(normalise(answer) for answer in self.answers):
            raise ValueError("no checkable answer: give expected, accept or pattern")
        _check_pattern(self.pattern)

    @property
    def answers(self) -> tuple[str, ...]:
        """The right answers that are written out."""
        return tuple(answer for answer in (self.expected, *self.accept) if answer)

    @property
    def wanted(self) -> str:
        """The expected answer or pattern, as shown to a person."""
        return self.answers[0] if self.answers else f"/{self.pattern}/"

    @property
    def max_tokens(self) -> int:
        """Tokens an answer may take: room for the longest right one and its EOS, none for rambling."""
        longest = max((len(answer.split()) for answer in self.answers), default=0)
        return max(16 + 3 * longest, _OPEN_TOKENS if self.pattern else 0)


@dataclass(frozen=True, slots=True)
class CardResult:
    """A model's result on a card; `why` says what is wrong with its answer, empty if nothing is."""

    id: str
    kind: str
    task: str
    prompt: str
    wanted: str
    output: str
    right: bool
    why: str

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


def load_cards(text: str) -> list[Card]:
    """Parse cards, one JSON object a line; empty lines are ignored.

    Raises BadCards naming every line without a checkable answer, with an id that was there before, or otherwise not a
    card, and for a text without any.
    """
    cards: dict[str, Card] = {}
    lines: dict[str, int] = {}
    problems: list[tuple[int, str]] = []
    # Not splitlines: U+2028 in a prompt is no line end.
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            card = read_card(json.loads(line))
        except json.JSONDecodeError as error:
            problems.append((number, f"not JSON: {error.msg} at column {error.colno}"))
            continue
        except RecursionError:
            problems.append((number, "nested too deeply"))
            continue
        except ValueError as error:
            problems.append((number, str(error)))
            continue
        if card.id in cards:
            problems.append((number, f"the id {card.id!r} is on line {lines[card.id]} already"))
        cards.setdefault(card.id, card)
        lines.setdefault(card.id, number)
    if problems:
        raise BadCards(problems)
    if not cards:
        raise BadCards([(0, "there are no cards in it")])
    return list(cards.values())


def read_card(data: object) -> Card:
    """Return the card that a JSON value describes; raises ValueError saying what is wrong with it."""
    if not isinstance(data, dict):
        raise ValueError("a card is a JSON object")
    given = cast("dict[str, object]", data)
    unknown = sorted(set(given) - set(_KEYS))
    if unknown:
        raise ValueError(f"unknown key {unknown[0]!r}; a card has {', '.join(_KEYS)}")
    missing = [key for key in ("id", "kind", "prompt") if key not in given]
    if missing:
        raise ValueError(f"{missing[0]!r} is missing")
    return Card(
        id=_text(given, "id"),
        kind=_text(given, "kind"),
        prompt=_text(given, "prompt"),
        task=_text(given, "task"),
        expected=_text(given, "expected"),
        accept=_texts(given, "accept"),
        pattern=_text(given, "pattern"),
        never=_texts(given, "never"),
    )


def ask_cards(model: Model, cards: Sequence[Card], *, progress: ProgressCallback | None = None) -> list[Generation]:
    """Return the model's greedy answer to every card, from its raw prompt, in the cards' order.

    `progress(done, total, label)` counts cards. Raises ValueError when the model returns another number of answers.
    """
    done = 0

    def on_done(_index: int, _generation: Generation) -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, len(cards), "challenge cards")

    answers = model.generate(
        [card.prompt for card in cards],
        max_tokens=[card.max_tokens for card in cards],
        temperature=0.0,
        on_done=on_done,
    )
    if len(answers) != len(cards):
        raise ValueError(f"the model gave {len(answers)} answers to {len(cards)} cards; it must answer each once")
    return answers


def judge_card(card: Card, answer: Generation, phrases: Sequence[Phrase]) -> CardResult:
    """Score an answer: right if the model itself ended it, it is as expected, and it says nothing forbidden."""
    why = _what_is_wrong(card, answer, phrases)
    return CardResult(card.id, card.kind, card.task, card.prompt, card.wanted, answer.text, not why, why)


def judge_cards(cards: Sequence[Card], answers: Sequence[Generation], phrases: Sequence[Phrase]) -> list[CardResult]:
    """Score every card's answer, in the order of the cards."""
    return [judge_card(card, answer, phrases) for card, answer in zip(cards, answers, strict=True)]


def score_cards(results: Iterable[CardResult]) -> tuple[Score, dict[str, Score]]:
    """Return the share of cards that were solved, and the same for each kind that occurs."""
    results = list(results)
    kinds = [kind for kind in KINDS if any(result.kind == kind for result in results)]
    return _share(results), {kind: _share([r for r in results if r.kind == kind]) for kind in kinds}


def _share(results: Sequence[CardResult]) -> Score:
    return Score.of(sum(result.right for result in results), len(results))


def _what_is_wrong(card: Card, answer: Generation, phrases: Sequence[Phrase]) -> str:
    text = answer.text.strip()
    if not text:
        return "said nothing"
    # An answer cut off at the limit is rambling, however well it begins.
    if answer.stop_reason != "eos":
        return "did not stop"
    for phrase in card.never:
        if _says(text, phrase):
            return f"says {phrase!r}"
    if card.kind == "refusal" and (hits := find_corporate(text, phrases)):
        return f"moralises: {hits[0].text!r}"
    if card.answers and is_match(text, card.answers[0], card.answers[1:]):
        return ""
    if card.pattern and len(text) <= MAX_ANSWER and re.fullmatch(card.pattern, text):
        return ""
    return "another answer"


def _says(text: str, phrase: str) -> bool:
    """Return whether the words of a phrase occur in the text, whatever their case and the white space between them."""
    words = r"\s+".join(re.escape(word) for word in phrase.split())
    return re.search(rf"(?<!\w){words}(?!\w)", text, re.IGNORECASE) is not None


def _check_pattern(pattern: str) -> None:
    """Raise ValueError for a pattern that is no regular expression, or whose matching could take forever."""
    if len(pattern) > MAX_PATTERN:
        raise ValueError(f"the pattern has {len(pattern)} characters; at most {MAX_PATTERN}")
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"the pattern is no regular expression: {error}") from None
    plain = _CLASS.sub("x", pattern)
    if _has_nested_repeat(plain):
        raise ValueError(
            "the pattern repeats a group that has a repetition or a choice inside, which could take for ever"
        )
    if len(_REPEAT.findall(plain)) > _MAX_REPEATS:
        raise ValueError(f"the pattern has more than {_MAX_REPEATS} repetitions without an end, which could take long")
    if pattern and re.fullmatch(pattern, ""):
        raise ValueError("the pattern matches an empty answer, so it checks nothing")


def _has_nested_repeat(plain: str) -> bool:
    """Return whether a repeated group can match one text in several ways, and so a long text in very many."""
    opened: list[int] = []
    for at, char in enumerate(plain):
        if char == "(":
            opened.append(at)
        elif char == ")" and opened:
            inside = plain[opened.pop() + 1 : at]
            if plain[at + 1 : at + 2] in ("*", "+", "{") and _CHOICE.search(inside.removeprefix("?")):
                return True
    return False


def _text(given: dict[str, object], key: str) -> str:
    value = given.get(key, "")
    if not isinstance(value, str):
        raise ValueError(f"{key!r} must be a text")
    return value


def _texts(given: dict[str, object], key: str) -> tuple[str, ...]:
    value = given.get(key, [])
    if not isinstance(value, list) or not all(isinstance(text, str) and text.strip() for text in cast("Any", value)):
        raise ValueError(f"{key!r} must be a list of texts")
    return tuple(cast("list[str]", value))
