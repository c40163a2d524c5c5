"""The canonical row: one thing to learn, its content hash, and the one line it is recorded as."""

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
    """One thing to learn. For kind "text" the whole text is in `response` and `prompt` is empty."""

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
        """The text of a plain document."""
        return self.response

    def to_json(self) -> str:
        """Canonical JSON, one line; the same bytes on every machine, since the source is left out."""
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
        """Read a line written by `to_json`; Damaged if it is none, or if its id does not fit its content."""
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
    """A row that cannot be learnt: where it is (line, or record number in .json and .parquet), why, how it begins."""

    file: str
    line: int
    reason: str
    excerpt: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}" + (f" · {self.excerpt}" if self.excerpt else "")


def canonical_text(text: str) -> str:
    """Unicode NFC, `\\n` line ends, no space around: the form that is hashed and trained on."""
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
    """Make a row of canonical text with its content hash; without a `group` its prompt's words are the group."""
    prompt, response = canonical_text(prompt), canonical_text(response)
    content = {"text": response} if kind == "text" else {"prompt": prompt, "response": response}
    row_id = sha256_text(canonical_json(content))
    group = group or _default_group(row_id, kind, prompt)
    return Row(row_id, kind, prompt, response, accept, topic, karma, score, stage, source, group)


def prompt_group(prompt: str) -> str:
    """Hash of a prompt's words in lower case: prompts that differ in case or punctuation only are one group."""
    words = re.sub(r"[\W_]+", " ", unicodedata.normalize("NFKC", prompt).casefold()).strip()
    return sha256_text(words or prompt)


def _default_group(row_id: str, kind: Kind, prompt: str) -> str:
    return row_id if kind == "text" else prompt_group(prompt)


def excerpt(text: str) -> str:
    """The beginning of a bad row for a person to recognise: at most 80 printable characters, on one line."""
    flat = "".join(mark if mark.isprintable() else "�" for mark in " ".join(text[:400].split()))
    return flat if len(flat) <= 80 else flat[:79] + "…"
