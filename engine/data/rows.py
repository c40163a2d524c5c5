"""The canonical row: one item to train on, its content hash, and the JSON line it is recorded as."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from engine.core.errors import Damaged
from ledger.hashing import canonical_json, sha256_text

Kind = Literal["qa", "text"]
How = Literal["match", "choice"]


@dataclass(frozen=True, slots=True)
class Row:
    """One item to train on; for kind "text" the whole text is in `response` and `prompt` is empty."""

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

    @property
    def text(self) -> str:
        """Return the whole text of a row of kind "text"."""
        return self.response

    def to_json(self) -> str:
        """Return canonical JSON on one line; the same bytes on every machine, since the source is left out."""
        plain: dict[str, object] = {"id": self.id, "kind": self.kind, "stage": self.stage}
        if self.kind == "qa":
            plain |= {"prompt": self.prompt, "response": self.response}
        else:
            plain["text"] = self.response
        optional = {"accept": list(self.accept), "topic": self.topic, "karma": self.karma, "score": self.score}
        plain |= {name: value for name, value in optional.items() if value not in (None, [])}
        if self.group != _default_group(self.id, self.kind, self.prompt):
            plain["group"] = self.group
        return canonical_json(plain)

    @classmethod
    def from_json(cls, line: str, *, source: str = "") -> Row:
        """Parse a line written by `to_json`; raises Damaged if it is none, or if its id does not fit its content."""
        try:
            plain = json.loads(line)
            kind: Kind = "text" if plain["kind"] == "text" else "qa"
            row = make_row(
                "" if kind == "text" else plain["prompt"],
                plain["text"] if kind == "text" else plain["response"],
                kind=kind,
                accept=tuple(plain.get("accept", ())),
                topic=plain.get("topic"),
                karma=plain.get("karma"),
                score=plain.get("score"),
                stage=plain["stage"],
                source=source,
                group=plain.get("group", ""),
            )
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
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


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
    prompt, response = canonical_text(prompt), canonical_text(response)
    content = {"text": response} if kind == "text" else {"prompt": prompt, "response": response}
    row_id = sha256_text(canonical_json(content))
    group = group or _default_group(row_id, kind, prompt)
    return Row(row_id, kind, prompt, response, accept, topic, karma, score, stage, source, group)


def prompt_group(prompt: str) -> str:
    """Return a hash of a prompt's words in lower case.

    Prompts that differ in case or punctuation only are one group.
    """
    words = re.sub(r"[\W_]+", " ", unicodedata.normalize("NFKC", prompt).casefold()).strip()
    return sha256_text(words or prompt)


def _default_group(row_id: str, kind: Kind, prompt: str) -> str:
    return row_id if kind == "text" else prompt_group(prompt)


def excerpt(text: str) -> str:
    """Return the beginning of a bad row for the user to recognise: at most 80 printable characters, on one line."""
    flat = "".join(mark if mark.isprintable() else "�" for mark in " ".join(text[:400].split()))
    return flat if len(flat) <= 80 else flat[:79] + "…"
