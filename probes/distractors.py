"""Wrong candidates for `choice` items: plausible answers of the same kind of row that could not also be right.

A distractor that is off topic, or far longer than the true answer, is recognised by any model that knows the language;
one that reads like the answer to a neighbouring question is not. So of the answers of the same stage those are
preferred that are about as long and share words with the question or its answer.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import chain

from probes.base import Item
from probes.normaliser import normalise

NEAR_COPY = 0.5
"""Answers sharing more than this much of their words may mean the same, whatever their topics say."""
SAME_QUESTION = 0.8
"""Prompts sharing this much of their words are the same question, unless their topics say otherwise."""
SIMILAR_QUESTION = 0.5
"""Prompts sharing more than this much of their words may be the same question: their answers are taken last."""
SHORTLIST = 8
"""The distractors are drawn by hash from this many most plausible answers."""

_BY_WORDS = 64
"""How many answers are looked up through an item's words, the rarest words first."""
_BY_PROMPT = 48
"""How many prompts are compared with an item's prompt."""
_BY_LENGTH = 16
"""How many neighbours by length are considered on either side."""


@dataclass(slots=True)
class _Answer:
    """One answer in all its spellings: its words, and the topics and groups that give it.

    `order` is its hash, `weight` the summed rarity of its words.
    """

    normalised: str
    text: str
    order: int
    words: frozenset[str]
    weight: int = 0
    topics: set[str | None] = field(default_factory=set[str | None])
    groups: set[str] = field(default_factory=set[str])


@dataclass(frozen=True, slots=True)
class _Question:
    """A prompt's words, and the answers that rows with it accept."""

    words: frozenset[str]
    right: set[str]
    topics: set[str | None]


class DistractorPool:
    """The rows that distractors are taken from, indexed once: choosing for an item looks at a bounded number of them.

    `groups`, one a row, name what belongs together (a conversation): its answers are never each other's distractors.
    What is chosen depends on the rows and the item, never on the rows' order. A stage is indexed when it is first
    needed; `on_row` is called for each row then, and may raise to stop.
    """

    def __init__(
        self, pool: Iterable[Item], groups: Iterable[str] = (), on_row: Callable[[], None] = lambda: None
    ) -> None:
        rows = list(pool)
        given = list(groups) or [""] * len(rows)
        by_stage: dict[str, list[tuple[Item, str]]] = defaultdict(list)
        for row, group in zip(rows, given, strict=True):
            by_stage[row.stage].append((row, group))
        self._size = len(rows)
        self._on_row = on_row
        self._rows = by_stage
        self._stages: dict[str | None, _Stage] = {}

    def choose(self, item: Item, k: int = 4, group: str = "") -> tuple[str, ...]:
        """Return up to `k` wrong answers for an item, fixed by its id.

        Rows of the same stage are preferred as a whole: others are used only if no other row has this stage. With a
        topic, answers of the same topic are never taken, and those of rows without a topic come after those of other
        topics. Never taken: an answer that normalises to the true or an accepted one, an answer to the same prompt, or
        to nearly the same one unless both rows' topics differ, and an answer of the same group. Answers that share most
        of their words with the true one are taken last. Fewer than `k` are returned where there are no more. Raises
        ValueError naming the row when there is none, or when k < 1.
        """
        if k < 1:
            raise ValueError(f"row {item.id}: k={k} distractors; ask for at least 1")
        chosen = self._kind(item).choose(item, k, group)
        if not chosen:
            raise ValueError(
                f"row {item.id} ({item.prompt[:60]!r}): none of {self._size} other rows has an answer that could not "
                "also be right; add rows of other topics, or score this row by 'match'"
            )
        return chosen

    def _kind(self, item: Item) -> _Stage:
        """Return the index of the item's stage, or of all rows together where the item is alone in its stage."""
        alone = all(row.id == item.id for row, _ in self._rows.get(item.stage, ()))
        name = None if alone else item.stage
        if name not in self._stages:
            rows = self._rows[name] if name is not None else list(chain.from_iterable(self._rows.values()))
            self._stages[name] = _Stage(rows, self._on_row)
        return self._stages[name]


class _Stage:
    """The answers and prompts of one stage, with the indexes that find similar ones."""

    def __init__(self, rows: Sequence[tuple[Item, str]], on_row: Callable[[], None]) -> None:
        answers: dict[str, _Answer] = {}
        questions: dict[str, _Question] = {}
        # In hash order, so that neither the spelling nor the place of a row decides.
        for row, group in sorted(rows, key=lambda pair: (_hash(pair[0].id, pair[0].expected), pair[1])):
            on_row()
            normalised, prompt = normalise(row.expected), normalise(row.prompt)
            question = questions.get(prompt) or _Question(_words(prompt), set(), set())
            questions[prompt] = question
            question.right.update((normalised, *map(normalise, row.accept)))
            question.topics.add(row.topic)
            if not row.expected.strip():
                continue
            answer = answers.get(normalised)
            if answer is None:
                words = _words(normalised)
                answer = answers[normalised] = _Answer(normalised, row.expected, _hash(normalised), words)
            answer.topics.add(row.topic)
            if group:
                answer.groups.add(group)
        self._answers = sorted(answers.values(), key=lambda answer: answer.order)
        self._questions = questions
        self._prompts = sorted(questions)
        self._answers_with = _Index(answer.words for answer in self._answers)
        self._prompts_with = _Index(questions[prompt].words for prompt in self._prompts)
        lengths = [(len(answer.words), answer.order, place) for place, answer in enumerate(self._answers)]
        self._by_length = sorted(lengths)
        for answer in self._answers:
            answer.weight = self._answers_with.weight(answer.words)
        self._outside: dict[tuple[str | None, str], list[_Answer]] = {}

    def choose(self, item: Item, k: int, group: str) -> tuple[str, ...]:
        expected, prompt = normalise(item.expected), normalise(item.prompt)
        right = {expected, *map(normalise, item.accept)}
        maybe_right: set[str] = set()
        right |= self._right_for(item, prompt, maybe_right)
        own = _words(expected)
        asked, salt = own | _words(prompt), _hash(item.id)

        def possible(answer: _Answer) -> bool:
            return not (
                answer.normalised in right
                or (item.topic is not None and item.topic in answer.topics)
                or (group and group in answer.groups)
            )

        found = {a.order: a for a in self._like(salt, asked, len(own)) if possible(a)}
        if len(found) < k:
            found |= {a.order: a for a in self._elsewhere(item.topic, group) if possible(a)}
        ranked: list[tuple[tuple[int, int], int, int, int, _Answer]] = []
        for answer in found.values():
            doubt = int(_shared(own, answer.words) > NEAR_COPY or answer.normalised in maybe_right)
            tier = (doubt, int(item.topic is not None and answer.topics == {None}))
            length = _length_class(len(own), len(answer.words))
            related = 1000 * self._answers_with.weight(answer.words & asked) // (answer.weight or 1)
            ranked.append((tier, length, -related, answer.order ^ salt, answer))
        ranked.sort(key=lambda entry: entry[:4])
        likely = sorted(ranked[: max(k, SHORTLIST)], key=lambda entry: (entry[0], entry[3]))
        return tuple(entry[4].text for entry in likely[:k])

    def _right_for(self, item: Item, prompt: str, maybe_right: set[str]) -> set[str]:
        """Return the answers to the same or nearly the same prompt; those to a similar one go into `maybe_right`."""
        same, words = self._questions.get(prompt), _words(prompt)
        right = set(same.right) if same else set[str]()
        for place in self._prompts_with.near(words, _BY_PROMPT, _hash(item.id)):
            other = self._questions[self._prompts[place]]
            if item.topic is not None and None not in other.topics and item.topic not in other.topics:
                continue  # their author says that they ask different things
            shared = _shared(words, other.words)
            if shared >= SAME_QUESTION:
                right |= other.right
            elif shared > SIMILAR_QUESTION:
                maybe_right |= other.right
        return right

    def _like(self, salt: int, words: frozenset[str], length: int) -> Iterator[_Answer]:
        """Yield the answers that share words with the item, then those of about the same length."""
        for place in self._answers_with.near(words, _BY_WORDS, salt):
            yield self._answers[place]
        start = bisect_left(self._by_length, (length, salt, 0))
        for _, _, place in self._by_length[max(0, start - _BY_LENGTH) : start + _BY_LENGTH]:
            yield self._answers[place]

    def _elsewhere(self, topic: str | None, group: str) -> list[_Answer]:
        """Return every answer outside a topic that fills nearly the whole stage, or, without one, outside a group."""
        key = (topic, "") if topic is not None else (None, group)
        if key not in self._outside:
            self._outside[key] = [
                answer
                for answer in self._answers
                if (topic not in answer.topics if topic is not None else group not in answer.groups)
            ]
        return self._outside[key]


class _Index:
    """An inverted index: which texts contain a word, in the order of the texts."""

    def __init__(self, texts: Iterable[frozenset[str]]) -> None:
        places: dict[str, list[int]] = defaultdict(list)
        count = 0
        for count, words in enumerate(texts, start=1):
            for word in words:
                places[word].append(count - 1)
        self._places = dict(places)
        # The bit length of (texts / texts with the word): whole numbers, so that no machine rounds otherwise.
        self._rarity = {word: (count // len(found)).bit_length() for word, found in places.items()}

    def weight(self, words: Iterable[str]) -> int:
        """Return the summed rarity of these words; each of them must occur in one of the texts."""
        rarity = self._rarity
        return sum([rarity[word] for word in words])

    def near(self, words: Iterable[str], limit: int, salt: int) -> list[int]:
        """Return the places of at most `limit` texts that share words with these, rare words first.

        Where more texts have a word than are still wanted, `salt` decides where the stretch taken begins.
        """
        found: dict[int, None] = {}
        known = [word for word in words if word in self._places]
        for word in sorted(known, key=lambda word: (len(self._places[word]), word)):
            places, wanted = self._places[word], limit - len(found)
            if wanted <= 0:
                break
            start = salt % len(places) if len(places) > wanted else 0
            taken = places[start : start + wanted]
            found.update(dict.fromkeys([*taken, *places[: wanted - len(taken)]]))
        return list(found)


def choose_distractors(row: Item, pool: Sequence[Item], k: int = 4) -> tuple[str, ...]:
    """Choose distractors for one row from a pool that is used once; see `DistractorPool`."""
    return DistractorPool(pool).choose(row, k)


def _hash(*parts: str) -> int:
    return int.from_bytes(sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()[:8])


def _words(normalised: str) -> frozenset[str]:
    return frozenset(normalised.split())


def _length_class(own: int, other: int) -> int:
    """Return 0 for lengths within a third of each other, 1 within double, 2 beyond."""
    short, long = sorted((max(1, own), max(1, other)))
    return 0 if 3 * long <= 4 * short + 3 else 1 if long <= 2 * short + 1 else 2


def _shared(left: frozenset[str], right: frozenset[str]) -> float:
    """Return the shared words over all words, 0–1 (P. Jaccard 1901)."""
    both = len(left & right)
    return both / (len(left) + len(right) - both) if left or right else 1.0
