"""The challenge cards of a workspace: read and validated before anything is trained, answered once by each model."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import psutil

from engine.config.config import Config
from engine.core.cancellation import Control
from engine.core.counted import counted
from engine.core.errors import UsageError
from engine.evaluation.model_ref import ModelRef, generation_ref
from engine.evaluation.result_cache import ProgressCallback, ResultCache
from engine.evaluation.run_eval import phrases
from engine.workspace.layout import Workspace
from ledger.hashing import canonical_json, sha256_file, sha256_text
from probes.base import Generation
from probes.challenge import BadCards, Card, CardResult, ask_cards, judge_cards, load_cards

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class CardsFile:
    """A file of cards: its name for messages, its SHA-256, and its cards."""

    name: str
    sha: str
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class CardAnswers:
    """A model's results on the cards, and what they cost.

    `results` are in the order of the cards; `tokens` counts generated tokens; `seconds` leaves out loading;
    `memory_bytes` is the resident memory of the model's process afterwards, and `size_bytes` the size of its GGUF.
    """

    results: tuple[CardResult, ...]
    tokens: int
    seconds: float
    memory_bytes: int
    size_bytes: int


def read_cards(workspace: Workspace, config: Config, file: Path | None = None) -> CardsFile:
    """Read the workspace's cards, or those in `file`.

    Raises UsageError naming the file and the lines that cannot be used.
    """
    path = file or workspace.root / config.ladder.cards
    shown = str(file or config.ladder.cards)
    setting = "the file given with --cards" if file else "luna.toml [ladder] cards"
    hint = f'one JSON object a line in {setting}: {{"id": "c1", "kind": "lookup", "prompt": "…", "expected": "…"}}'
    try:
        cards = load_cards(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError("there are no challenge cards: no such file", where=str(path), hint=hint) from None
    except OSError as error:
        raise UsageError(f"the cards cannot be read: {error.strerror or error}", where=str(path)) from error
    except UnicodeDecodeError:
        raise UsageError("not UTF-8 text", where=str(path), hint="save the file as UTF-8") from None
    except BadCards as error:
        raise _bad(error, str(path), hint) from error
    return CardsFile(shown, sha256_file(path), tuple(cards))


def cards_if_any(workspace: Workspace, config: Config) -> CardsFile | None:
    """Read the workspace's cards, None where it has no such file; raises UsageError for a file that cannot be used."""
    return read_cards(workspace, config) if (workspace.root / config.ladder.cards).is_file() else None


def ask(
    workspace: Workspace,
    config: Config,
    gen: int,
    cards: Sequence[Card],
    *,
    progress: ProgressCallback,
    control: Control,
) -> CardAnswers:
    """Prompt a generation with the cards, or reuse its cached answers, and score them; changes no lineage.

    Raises Interrupted on a stop request, Damaged when the generation's GGUF is not the recorded one.
    """
    model = generation_ref(workspace.lineage(), gen)
    with ResultCache(workspace, config, progress=progress, control=control) as sittings:
        return ask_model(sittings, model, cards)


def ask_model(sittings: ResultCache, model: ModelRef, cards: Sequence[Card]) -> CardAnswers:
    """Prompt any model with the cards, or reuse its cached answers, and score them.

    Raises as `ask` does.
    """
    # The name covers the questions, not the right answers: cards whose answers were corrected need no new generation.
    name = "cards-" + sha256_text(canonical_json([[card.prompt, card.max_tokens] for card in cards]))[:18]
    known = _known(sittings.kept(model, name), len(cards))
    if known is None:
        with sittings.loaded(model) as runtime:
            began = time.monotonic()
            answers = ask_cards(runtime, cards, progress=sittings.progress)
            seconds = time.monotonic() - began
            memory = _memory(runtime.pid)
        known = (answers, seconds, memory, sittings.loaded_bytes)
        kept = {
            "answers": [asdict(answer) for answer in answers],
            "seconds": seconds,
            "memory_bytes": memory,
            "size_bytes": sittings.loaded_bytes,
        }
        sittings.keep(model, name, kept)
    answers, seconds, memory, size = known
    results = judge_cards(cards, answers, phrases(sittings.workspace, sittings.config))
    return CardAnswers(tuple(results), sum(answer.tokens for answer in answers), seconds, memory, size)


def _known(kept: object, count: int) -> tuple[list[Generation], float, int, int] | None:
    """Return a model's cached answers; None when there are none, or when the cache is corrupt."""
    try:
        data = cast("Mapping[str, Any]", kept)
        answers = [Generation(**answer) for answer in data["answers"]]
        if len(answers) != count:
            return None
        return answers, float(data["seconds"]), int(data["memory_bytes"]), int(data["size_bytes"])
    except (KeyError, TypeError, ValueError):
        return None


def _memory(pid: int | None) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def _bad(error: BadCards, where: str, hint: str) -> UsageError:
    (line, text), *others = error.problems
    if not others:
        return UsageError(text, where=f"{where}:{line}" if line else where, hint=hint)
    lines = "".join(f"\n  line {number}: {problem}" for number, problem in error.problems[:_SHOWN])
    more = f"\n  … and {len(error.problems) - _SHOWN} more" if len(error.problems) > _SHOWN else ""
    lines_are = counted(len(error.problems), "line is no card", "lines are no cards")
    return UsageError(f"{lines_are}:{lines}{more}", where=where, hint=hint)
