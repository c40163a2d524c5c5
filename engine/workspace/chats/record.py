"""One stored conversation, and the lines of its file.

    {"format": 1, "time": …, "label": "G3", "sha": …, "kept": true, "sampling": {…}}       the header
    {"time": …, "prompt": …, "answer": …, "stop_reason": "eos", "gen": 3, "sha": …, …}     a turn, when its answer ends
    {"correct": 1, "answer": …}                                                           turn 1 should have said this

A torn line, as a crash or a full disk leaves it, is skipped and counted: it lacks its line end, or the next append has
closed it with `TORN_MARK`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from engine.core.errors import UsageError
from engine.core.gen_label import gen_label
from ledger.durable import TORN_MARK

FORMAT = 1

Sampling = Mapping[str, float]
"""The sampling options by name: `temperature`, `seed`, `max_tokens`, and `top_p` where it was set."""


@dataclass(frozen=True, slots=True)
class StoredTurn:
    """A prompt and the whole answer to it; `sha` is that of the GGUF that answered (`gen` None: the base).

    `fed` counts the turns before it that the model was given. `correction` is what a person wrote in its place.
    """

    time: str
    prompt: str
    answer: str
    stop_reason: str
    gen: int | None
    sha: str
    sampling: Sampling = field(default_factory=dict[str, float])
    continued: bool = False
    fed: int = 0
    correction: str | None = None

    @property
    def said(self) -> str:
        """The answer as the turns after it were given it: corrected, where a person has done so."""
        return self.answer if self.correction is None else self.correction

    @property
    def usable(self) -> bool:
        """Whether the turn can stand before others: an answer without text never does."""
        return bool(self.prompt.strip() and self.said.strip())

    @property
    def label(self) -> str:
        """The label of the generation that answered."""
        return gen_label(self.gen)

    def to_dict(self) -> dict[str, Any]:
        """Return the turn as plain JSON values."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        if self.correction is None:
            del plain["correction"]
        return {**plain, "sampling": dict(self.sampling)}


@dataclass(frozen=True, slots=True)
class StoredChat:
    """A conversation out of its file: who answered first and when, whether turns were kept, and all whole turns.

    `torn` counts the lines that were skipped.
    """

    path: Path
    time: str
    label: str
    sha: str
    kept: bool
    sampling: Sampling
    turns: tuple[StoredTurn, ...]
    torn: int = 0

    @property
    def id(self) -> str:
        """The name by which a person calls it."""
        return self.path.stem

    @property
    def last_time(self) -> str:
        """When its newest answer ended."""
        return self.turns[-1].time if self.turns else self.time

    @property
    def ref(self) -> str:
        """The label of the generation that answered last."""
        return self.turns[-1].label if self.turns else self.label

    def history(self) -> tuple[str, ...]:
        """Return prompts and answers in order, as the next prompt is given them."""
        return tuple(text for turn in self.turns if turn.usable for text in (turn.prompt, turn.said))

    def contains(self, words: str) -> bool:
        """Return whether its id, a prompt or an answer contains these words, in whatever case."""
        wanted = words.casefold()
        texts = (self.id, *(text for turn in self.turns for text in (turn.prompt, turn.said)))
        return any(wanted in text.casefold() for text in texts)

    def to_dict(self) -> dict[str, Any]:
        """Return the conversation as plain JSON values, for `--json`."""
        return {
            "id": self.id,
            "time": self.time,
            "last_time": self.last_time,
            "label": self.label,
            "sha": self.sha,
            "kept": self.kept,
            "sampling": dict(self.sampling),
            "torn_lines": self.torn,
            "turns": [turn.to_dict() for turn in self.turns],
        }


def header_line(first: StoredTurn, *, kept: bool) -> bytes:
    """Return the header of a conversation that begins with this turn."""
    plain = {"time": first.time, "label": first.label, "sha": first.sha, "kept": kept, "sampling": dict(first.sampling)}
    return _line({"format": FORMAT, **plain})


def turn_line(turn: StoredTurn) -> bytes:
    """Return the line of a turn."""
    return _line(turn.to_dict())


def correction_line(number: int, answer: str) -> bytes:
    """Return the line that corrects the answer of a turn, counted from 1."""
    return _line({"correct": number, "answer": answer})


def parse_chat(path: Path, content: bytes) -> StoredChat:
    """Return the conversation in a file's content; raises UsageError that names the first line which is none."""
    *whole, rest = content.split(b"\n")
    lines = [(number, line) for number, line in enumerate(whole, start=1) if not line.endswith(TORN_MARK)]
    torn = len(whole) - len(lines) + bool(rest)
    if not lines:
        raise _malformed(path, 1, "nothing of this conversation was written whole")
    header = _object(path, *lines[0])
    if isinstance(header.get("format"), int) and header["format"] > FORMAT:
        raise UsageError("a newer luna-tui wrote this", where=str(path), hint="read it with that version")
    try:
        if header["format"] != FORMAT:
            raise ValueError(f"format {header['format']!r}")
        chat = StoredChat(
            path=path,
            time=_text(header, "time"),
            label=_text(header, "label"),
            sha=_text(header, "sha"),
            kept=bool(header["kept"]),
            sampling=_sampling(header),
            turns=(),
            torn=torn,
        )
    except (KeyError, ValueError, TypeError) as error:
        raise _malformed(path, lines[0][0], f"no header of a conversation: {_reason(error)}") from None
    return replace(chat, turns=_turns(path, lines[1:]))


def _turns(path: Path, lines: Sequence[tuple[int, bytes]]) -> tuple[StoredTurn, ...]:
    turns: list[StoredTurn] = []
    for number, line in lines:
        plain = _object(path, number, line)
        try:
            if "correct" in plain:
                at = int(plain["correct"]) - 1
                if not 0 <= at < len(turns):
                    raise ValueError(f"there is no turn {at + 1} before it")
                turns[at] = replace(turns[at], correction=_text(plain, "answer"))
            else:
                turns.append(_turn(plain))
        except (KeyError, ValueError, TypeError) as error:
            raise _malformed(path, number, f"no turn of a conversation: {_reason(error)}") from None
    return tuple(turns)


def _turn(plain: dict[str, Any]) -> StoredTurn:
    gen = plain["gen"]
    if gen is not None and not isinstance(gen, int):
        raise TypeError("gen is no number")
    return StoredTurn(
        time=_text(plain, "time"),
        prompt=_text(plain, "prompt"),
        answer=_text(plain, "answer"),
        stop_reason=_text(plain, "stop_reason"),
        gen=gen,
        sha=_text(plain, "sha"),
        sampling=_sampling(plain),
        continued=bool(plain.get("continued", False)),
        fed=int(plain.get("fed", 0)),
        correction=_text(plain, "correction") if "correction" in plain else None,
    )


def _line(plain: Mapping[str, object]) -> bytes:
    return json.dumps(plain, ensure_ascii=True).encode("ascii") + b"\n"


def _object(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise _malformed(path, number, "no JSON object")
    return cast("dict[str, Any]", value)


def _text(plain: Mapping[str, Any], name: str) -> str:
    value = plain[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is no text")
    return value


def _sampling(plain: Mapping[str, Any]) -> Sampling:
    value = plain.get("sampling", {})
    if not isinstance(value, dict):
        raise TypeError("sampling is no object")
    found = cast("dict[str, Any]", value)
    if not all(isinstance(number, int | float) for number in found.values()):
        raise TypeError("sampling holds something that is no number")
    return found


def _reason(error: Exception) -> str:
    return f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)


def _malformed(path: Path, line: int, why: str) -> UsageError:
    return UsageError(
        why, where=f"{path}:{line}", hint="mend or delete that line; without a header, move the file away"
    )
