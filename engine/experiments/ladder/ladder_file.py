"""The results of a ladder run: a report on every rung, a verdict with its evidence, and `ladder/ladder.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Any, Literal, cast

from engine.evaluation.challenge_cards import CardAnswers, CardsFile
from engine.experiments.ladder.rung_workspace import LADDER
from engine.experiments.ladder.rungs import Rung
from engine.experiments.ladder.train_rung import RungTraining
from engine.workspace.layout import Workspace
from ledger.hashing import write_durable
from ledger.lineage import Node
from probes.challenge import CardResult, score_cards
from probes.statistics.intervals import Score

Verdict = Literal["enough", "not_enough", "stopped"]

_FILE = "ladder.json"
_EXIT_CODES: Mapping[Verdict, int] = {"enough": 0, "not_enough": 0, "stopped": 3}


@dataclass(frozen=True, slots=True)
class RungReport:
    """One rung: its model, what its training cost, and which cards the model solved.

    `folder` is its workspace, relative to the enclosing one; `minutes` is the sum over its generations, rejected ones
    included; `tokens_per_s` counts the generated tokens of all cards that are answered in parallel; sizes are in bytes.
    """

    name: str
    folder: str
    taken: bool
    parameters: int
    size_bytes: int
    memory_bytes: int
    minutes: float
    tokens_per_s: float
    asked: str
    why_asked: str
    generations: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]
    stopped: str
    score: Score
    kinds: dict[str, Score]
    failed: tuple[CardResult, ...]

    @classmethod
    def of(cls, workspace: Workspace, rung: Rung, evolution: RungTraining, asked: CardAnswers) -> RungReport:
        """Build the report from a rung's training and its model's answers to the cards."""
        score, kinds = score_cards(asked.results)
        folder = evolution.workspace.root.relative_to(workspace.root).as_posix()
        return cls(
            name=rung.name,
            folder=folder,
            taken=evolution.taken,
            parameters=rung.parameters,
            size_bytes=asked.size_bytes,
            memory_bytes=asked.memory_bytes,
            minutes=round(sum(node.row.walltime_min or 0.0 for node in evolution.nodes), 3),
            tokens_per_s=asked.tokens / asked.seconds if asked.seconds > 0 else 0.0,
            asked=f"G{evolution.gen}",
            why_asked=evolution.why,
            generations=tuple(_facts(node) for node in evolution.nodes),
            notes=evolution.notes,
            stopped=evolution.stopped,
            score=score,
            kinds=kinds,
            failed=tuple(result for result in asked.results if not result.right),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the rung as plain JSON values."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        return plain | {
            "generations": list(self.generations),
            "notes": list(self.notes),
            "score": self.score.to_dict(),
            "kinds": {kind: score.to_dict() for kind, score in self.kinds.items()},
            "failed": [result.to_dict() for result in self.failed],
        }


@dataclass(frozen=True, slots=True)
class LadderReport:
    """How a ladder run ended: the rungs that were tried, smallest first, and those that were not (`untried`)."""

    verdict: Verdict
    target: float
    generations: int
    cards: CardsFile
    rungs: tuple[RungReport, ...]
    untried: tuple[str, ...]
    created: str

    @classmethod
    def of(
        cls,
        verdict: Verdict,
        cards: CardsFile,
        target: float,
        generations: int,
        tried: tuple[RungReport, ...],
        untried: tuple[str, ...],
    ) -> LadderReport:
        """Return the report of a ladder run that ends now."""
        created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return cls(verdict, target, generations, cards, tried, untried, created)

    @property
    def exit_code(self) -> int:
        """The command's exit code: 0, or 3 when the stop rule ended the run."""
        return _EXIT_CODES[self.verdict]

    def sentence(self) -> str:
        """Return the verdict in plain words, for a person."""
        last = self.rungs[-1]
        if self.verdict == "enough":
            return f"{last.name} is enough: {_solved(last)}; nothing bigger is needed."
        if self.verdict == "stopped":
            return f"stopped: the data is at fault, not the size of {last.name}. Fix the data, do not scale up."
        best = max(self.rungs, key=lambda rung: rung.score.value)
        return (
            f"not enough: no rung solves the {needed(self.target, best.score.n)} cards it takes. "
            f"The best, {best.name}, solves {_solved(best)}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return {
            "verdict": self.verdict,
            "sentence": self.sentence(),
            "target": self.target,
            "needed": needed(self.target, len(self.cards.cards)),
            "generations": self.generations,
            "cards": {"file": self.cards.name, "sha": self.cards.sha, "n": len(self.cards.cards)},
            "rungs": [rung.to_dict() for rung in self.rungs],
            "untried": list(self.untried),
            "created": self.created,
        }


def needed(target: float, cards: int) -> int:
    """Return how many cards must be solved to reach the target share."""
    return ceil(target * cards - 1e-9)


def is_enough(score: Score, target: float) -> bool:
    """Return whether a rung's score reaches the target share; a score without cards never does."""
    return score.n > 0 and score.value * score.n + 1e-9 >= needed(target, score.n)


def write_report(workspace: Workspace, report: LadderReport) -> None:
    """Write the report durably to `ladder/ladder.json`."""
    path = workspace.root / LADDER / _FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durable(path, (json.dumps(report.to_dict(), ensure_ascii=False, indent=1) + "\n").encode("utf-8"))


def read_ladder(workspace: Workspace) -> dict[str, Any] | None:
    """Return the last report as `LadderReport.to_dict` wrote it; None when there is none that can be read."""
    try:
        data: object = json.loads((workspace.root / LADDER / _FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return cast("dict[str, Any]", data) if isinstance(data, dict) and "verdict" in data and "rungs" in data else None


def _solved(rung: RungReport) -> str:
    score = rung.score
    return (
        f"{round(score.value * score.n)} of {score.n} cards ({score.value:.2f}, 95 % {score.low:.2f}–{score.high:.2f})"
    )


def _facts(node: Node) -> dict[str, Any]:
    row, manifest = node.row, node.manifest
    return {
        "gen": node.gen,
        "phase": manifest.phase if manifest is not None else "",
        "verdict": node.verdict,
        "reasons": list(manifest.verdict_reasons) if manifest is not None else [],
        "minutes": row.walltime_min,
        "recall": row.eval_recall,
        "generalization": row.eval_generalization,
        "drift": row.eval_style_drift,
    }
