"""The canonical row: one item to train on, its content hash, and the JSON line it is recorded as."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

from engine.core.errors import Damaged
from engine.data.messages import LearnedAnswer, Message, answer_ids, is_learned, plain_message, read_message
from ledger.hashing import canonical_json, sha256_text
from probes.answer_text import trim_answer

Kind = Literal["qa", "text", "chat"]
How = Literal["match", "choice"]


@dataclass(frozen=True, slots=True)
class Row:
    """One item to train on.

    A question ("qa") has a prompt and a response. Of a plain text ("text") the whole is in `response`, and `prompt` is
    empty. A conversation ("chat") has `turns`; `prompt` is the first of them and `response` the last learned answer.
    """

    id: str
    kind: Kind
    prompt: str
    response: str
    accept: tuple[str, ...] = ()
    topic: str | None = None
    karma: float | None = None
    score: How | None = None
    stage: str = ""
    source: str = ""
    group: str = ""
    turns: tuple[Message, ...] = ()

    @property
    def text(self) -> str:
        """Return the whole text of a row of kind "text"."""
        return self.response

    @property
    def answers(self) -> tuple[str, ...]:
        """Return the answers that are learned from this row, in order; a plain text has none."""
        if self.kind == "chat":
            return tuple(turn.text for turn in self.turns if is_learned(turn))
        return (self.response,) if self.kind == "qa" else ()

    @property
    def size(self) -> int:
        """Return how many answers the row teaches; a plain text counts as one."""
        return sum(map(is_learned, self.turns)) if self.kind == "chat" else 1

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the ids of what is learned from the row: those of a conversation's answers, else its own.

        They stay the same when a conversation goes on later, so that what is added to it is new and the rest is not.
        """
        return tuple(answer_ids(self.turns).values()) if self.kind == "chat" else (self.id,)

    @property
    def texts(self) -> tuple[str, ...]:
        """Return the texts of the row, each of which is tokenized by itself."""
        if self.kind == "chat":
            return tuple(turn.text for turn in self.turns)
        return (self.response,) if self.kind == "text" else (self.prompt, self.response)

    def without(self, ids: Collection[str]) -> Row | None:
        """Return the row without the answers of these ids, which stay as history; None if no other answer is left."""
        if self.kind != "chat":
            return None if self.id in ids else self
        left = [at for at, id_ in answer_ids(self.turns).items() if id_ not in ids]
        return self._with_answers(left) if left else None

    def first_answers(self, count: int) -> Row:
        """Return the row with no more than its first `count` answers, which must be 1 or more."""
        return self._with_answers(list(answer_ids(self.turns))[:count]) if self.size > count else self

    def _with_answers(self, learned: Sequence[int]) -> Row:
        """Return the conversation with the answers at these turns as the only ones that are learned."""
        if len(learned) == self.size:
            return self
        turns = [replace(turn, learned=at in learned) for at, turn in enumerate(self.turns)]
        accept = self.accept if learned[-1] == len(turns) - 1 else ()
        return make_chat(
            turns,
            accept=accept,
            topic=self.topic,
            karma=self.karma,
            score=self.score,
            stage=self.stage,
            source=self.source,
            group=self.group,
        )

    def learned_answers(self, *, with_history: bool = True) -> Iterator[LearnedAnswer]:
        """Yield each answer that is learned; nothing for a plain text.

        Without the history, which takes memory that grows with the square of a conversation, `history` is empty.
        """
        if self.kind == "qa":
            yield LearnedAnswer(self.id, (), self.prompt, self.response)
        elif self.kind == "chat":
            texts = [turn.text for turn in self.turns]
            for at, id_ in answer_ids(self.turns).items():
                yield LearnedAnswer(id_, tuple(texts[: at - 1]) if with_history else (), texts[at - 1], texts[at], at)

    def content(self) -> dict[str, object]:
        """Return the fields that a person writes, as plain values that are read as the same row again."""
        plain: dict[str, object] = {}
        if self.kind == "chat":
            plain["messages"] = [plain_message(turn) for turn in self.turns]
        elif self.kind == "qa":
            plain |= {"prompt": self.prompt, "response": self.response}
        else:
            plain["text"] = self.response
        optional = {"accept": list(self.accept), "topic": self.topic, "karma": self.karma, "score": self.score}
        return plain | {name: value for name, value in optional.items() if value not in (None, [])}

    def to_json(self) -> str:
        """Return canonical JSON on one line; the same bytes on every machine, since the source is left out."""
        plain: dict[str, object] = {"id": self.id, "kind": self.kind, "stage": self.stage, **self.content()}
        if self.group != _default_group(self.id, self.kind, self.prompt):
            plain["group"] = self.group
        return canonical_json(plain)

    @classmethod
    def from_json(cls, line: str, *, source: str = "") -> Row:
        """Parse a line written by `to_json`; raises Damaged if it is none, or if its id does not fit its content."""
        try:
            plain = json.loads(line)
            common: dict[str, Any] = {
                "accept": tuple(plain.get("accept", ())),
                "topic": plain.get("topic"),
                "karma": plain.get("karma"),
                "score": plain.get("score"),
                "stage": plain["stage"],
                "source": source,
                "group": plain.get("group", ""),
            }
            if plain["kind"] == "chat":
                row = make_chat([read_message(one) for one in plain["messages"]], **common)
            elif plain["kind"] == "text":
                row = make_row("", plain["text"], kind="text", **common)
            else:
                row = make_row(plain["prompt"], plain["response"], **common)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise Damaged(f"not a recorded row: {line[:80]}", where=source) from error
        if row.id != plain.get("id"):
            raise Damaged(
                f"the recorded row {str(plain.get('id'))[:12]} has other content than its id says", where=source
            )
        return row


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be trained on: where it is, why, and how it begins.

    `line` is a record number in .json and .parquet files.
    """

    file: str
    line: int
    reason: str
    excerpt: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}" + (f" · {self.excerpt}" if self.excerpt else "")


def canonical_text(text: str) -> str:
    """Return the form of a text that is hashed and trained on: Unicode NFC, `\\n` line ends, no space around."""
    return _normalized(text).strip()


def canonical_answer(text: str) -> str:
    """Return the canonical form of an answer: as `canonical_text`, but code keeps the indentation of its first line."""
    return trim_answer(_normalized(text))


def make_row(
    prompt: str,
    response: str,
    *,
    kind: Kind = "qa",
    accept: tuple[str, ...] = (),
    topic: str | None = None,
    karma: float | None = None,
    score: How | None = None,
    stage: str = "",
    source: str = "",
    group: str = "",
) -> Row:
    """Return a row of canonical text with its content hash.

    `group` defaults to `prompt_group` of the prompt, and to the row's id for a plain text.
    """
    prompt, response = (
        canonical_text(prompt),
        canonical_text(response) if kind == "text" else canonical_answer(response),
    )
    content = {"text": response} if kind == "text" else {"prompt": prompt, "response": response}
    row_id = sha256_text(canonical_json(content))
    group = group or _default_group(row_id, kind, prompt)
    return Row(row_id, kind, prompt, response, accept, topic, karma, score, stage, source, group)


def make_chat(
    turns: Sequence[Message],
    *,
    accept: tuple[str, ...] = (),
    topic: str | None = None,
    karma: float | None = None,
    score: How | None = None,
    stage: str = "",
    source: str = "",
    group: str = "",
) -> Row:
    """Return the row of a conversation, its turns in canonical text.

    `accept` holds other right wordings of its last answer. Where there is one learned answer and nothing before its
    prompt, that is a question row. `group` defaults to `prompt_group` of the first turn. Raises ValueError when no
    answer that has a prompt is learned, for an empty turn, or when two turns of one role follow each other.
    """
    said = tuple(
        Message("user", canonical_text(turn.text))
        if turn.role == "user"
        else Message("assistant", canonical_answer(turn.text), turn.learned)
        for turn in turns
    )
    if any(left.role == right.role for left, right in pairwise(said)):
        raise ValueError("two turns of one role follow each other: join them")
    if not all(turn.text for turn in said):
        raise ValueError("a turn is empty")
    if said and said[0].role == "assistant":
        said = (Message("assistant", said[0].text, learned=False), *said[1:])
    answers = [at for at, turn in enumerate(said) if is_learned(turn)]
    if not answers:
        raise ValueError("no answer that has a prompt is to be learned")
    said = said[: answers[-1] + 1]
    group = group or prompt_group(said[0].text)
    first, last = said[0].text, said[-1].text
    if len(said) == 2:
        return make_row(
            first, last, accept=accept, topic=topic, karma=karma, score=score, stage=stage, source=source, group=group
        )
    row_id = sha256_text(canonical_json({"messages": [plain_message(turn) for turn in said]}))
    return Row(row_id, "chat", first, last, accept, topic, karma, score, stage, source, group, said)


def prompt_group(prompt: str) -> str:
    """Return a hash of a prompt's words in lower case.

    Prompts that differ in case or punctuation only are one group.
    """
    words = re.sub(r"[\W_]+", " ", unicodedata.normalize("NFKC", prompt).casefold()).strip()
    return sha256_text(words or prompt)


def count_answers(rows: Iterable[Row]) -> int:
    """Return how many answers the rows teach together; a plain text counts as one."""
    return sum(row.size for row in rows)


def _normalized(text: str) -> str:
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))


def _default_group(row_id: str, kind: Kind, prompt: str) -> str:
    return row_id if kind == "text" else prompt_group(prompt)


def excerpt(text: str) -> str:
    """Return the beginning of a bad row for the user to recognise: at most 80 printable characters, on one line."""
    flat = "".join(mark if mark.isprintable() else "�" for mark in " ".join(text[:400].split()))
    return flat if len(flat) <= 80 else flat[:79] + "…"
