"""A scripted engine for the command line's tests: it trains nothing, loads nothing, and tells what a real one tells."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from unit.cli.cli_matrix import matrix
from unit.cli.cli_script import SCORES, SHA, FakeSession, play_accepted

from engine.core.cancellation import Control
from engine.core.errors import UsageError
from engine.core.events import Event, RunFinished
from engine.evaluation.evaluate import Eval
from engine.runtime.protocol import StreamEvent, StreamStats
from engine.workspace.create import create_workspace
from engine.workspace.layout import Workspace
from ledger.verify import Problem, VerifyReport
from luna_tui.common.engine_facade import EngineFacade


@dataclass
class FakeTalker:
    """Answers every prompt in the same voice; a prompt with `long` in it goes on until it is cancelled."""

    label: str = "G1"
    gen: int | None = 1
    closed: bool = False

    def __post_init__(self) -> None:
        self._cancelled = threading.Event()
        self.asked: list[dict[str, Any]] = []

    def stream(
        self, prompt: str, *, max_tokens: int, temperature: float, seed: int, top_p: float = 1.0
    ) -> Iterator[StreamEvent]:
        self.asked.append({"prompt": prompt, "max_tokens": max_tokens, "temperature": temperature, "seed": seed})
        self._cancelled.clear()
        if "long" in prompt:
            yield StreamEvent("and on")
            self._cancelled.wait(60)
            yield StreamEvent("", StreamStats(2, 5.0, 100.0, "stopped", 3, 3))
            return
        pieces = ["With ", "what?"] if "evil" not in prompt else ["\x1b", "[31mred\x1b]0;title\x07", "\u202eoff"]
        if "lines" in prompt:
            pieces = ["one\n", "two"]
        for piece in pieces:
            yield StreamEvent(piece)
        yield StreamEvent("", StreamStats(3, 12.5, 182.0, "eos", 6, 6))

    def newest_turns(self, turns: Sequence[str], max_tokens: int) -> tuple[str, ...]:
        return tuple(turns)

    def cancel(self) -> None:
        self._cancelled.set()

    def close(self) -> None:
        self.closed = True


class FakeEngine(EngineFacade):
    """The engine with everything that needs a model replaced; config, workspace and ledger are the real ones."""

    def __init__(self, play: Callable[[FakeSession], list[RunFinished]] = play_accepted) -> None:
        self._play = play
        self.sessions: list[FakeSession] = []
        self.talkers: list[FakeTalker] = []
        self.rows: list[dict[str, Any]] | None = None
        self.report = VerifyReport(True, 12, [], [])
        self.matrix: dict[str, Any] | None = None
        self.filled: list[str] = []

    def session(
        self, workspace: Workspace, config: object, events: SimpleQueue[Event], *, polite: bool = False
    ) -> FakeSession:
        self.sessions.append(FakeSession(events, self._play))
        return self.sessions[-1]

    def evaluate(
        self,
        workspace: Workspace,
        config: object,
        ref: str,
        *,
        progress: Any,
        control: Control,
        only: Eval | None = None,
    ) -> dict[str, Any]:
        progress(1, 2, only or "generalization")
        control.check()
        return {**evaluation(ref), "note": f"{only} examined again; the rest as recorded"} if only else evaluation(ref)

    def recorded_evaluation(self, workspace: Workspace, config: object, ref: str) -> dict[str, Any]:
        return {**evaluation(ref), "note": "as recorded when the generation was judged"}

    def read_matrix(self, workspace: Workspace, config: object, ref: str) -> dict[str, Any]:
        return super().read_matrix(workspace, config, ref) if self.matrix is None else self.matrix  # type: ignore[arg-type]

    def fill_matrix(
        self, workspace: Workspace, config: object, ref: str, *, progress: Any, control: Control, show: Any = None
    ) -> dict[str, Any]:
        progress(1, 2, "base on the exam of G0")
        control.check()
        self.filled.append(ref)
        return matrix()

    def open_chat(self, workspace: Workspace, config: object, ref: str, *, progress: Any = None) -> FakeTalker:
        if ref == "0":
            raise UsageError("G0 is a row without its GGUF", where="models", hint="put the file there")
        self.talkers.append(FakeTalker() if ref in ("1", "G1", "HEAD") else FakeTalker("base", None))
        return self.talkers[-1]

    def lineage_rows(self, workspace: Workspace, *, scores: bool = True) -> list[dict[str, Any]]:
        return super().lineage_rows(workspace, scores=scores) if self.rows is None else self.rows

    def verify(self, workspace: Workspace, *, progress: Any = None) -> VerifyReport:
        if progress is not None:
            progress(1, 12, "luna_age_0.gguf")
        return self.report


def evaluation(ref: str) -> dict[str, Any]:
    corporate = "I'd be\u200b happy to assist you!"
    hit = {"phrase": "happy to assist", "start": 8, "end": 23, "text": "happy to assist"}
    items = [item(f"i{number}", 1.0 if number % 5 else 0.0) for number in range(60)]
    return {
        "gen": 1,
        "label": ref,
        "sha": SHA,
        "scores": {name: value for name, value in SCORES.items() if name != "by_ancestor"},
        "by_ancestor": [{"gen": int(gen), **value} for gen, value in SCORES["by_ancestor"].items()],
        "targets": {"recall": 0.9, "generalization": 0.85, "drift": 0.2, "answered": 0.9},
        "passes": {"recall": True},
        "items": items,
        "tone": [
            tone("Can you help me?", "With what?", []),
            tone("Who are you?", corporate, [hit]),
            tone("Thank you!", "", []),
        ],
        "seconds": 31.0,
        "note": "",
    }


def item(identifier: str, value: float) -> dict[str, Any]:
    return {
        "id": identifier,
        "prompt": f"Which port is {identifier} on? [bold]",
        "expected": "Port 318.",
        "output": "Port 318." if value else "\x1b[2JPort 7.",
        "score": value,
        "how": "match",
        "ms": 3.0,
        "stop_reason": "eos",
        "detail": {},
        "sets": ["exam:G0"],
    }


def tone(prompt: str, text: str, hits: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "probe_id": "t01",
        "prompt": prompt,
        "text": text,
        "sample": 0,
        "seed": 0,
        "hits": hits,
        "answered": bool(text),
        "stop_reason": "eos",
        "tokens": 3,
        "ms": 5.0,
    }


def problems() -> VerifyReport:
    found = [
        Problem(2, "models/luna_age_2.gguf", "SHA-256 is 00000000…, recorded c71f20b9…"),
        Problem("all", "models/head.log", "x"),
    ]
    return VerifyReport(False, 12, found, ["G3: a leftover of a crash"])


def make_workspace(root: Path, generations: int = 0) -> Path:
    """A real workspace, with hand-written rows in its ledger if asked for."""
    create_workspace(root, demo=False)
    if generations:
        header = "GEN_ID,parent_sha,child_sha,data_delta_sha,steps,lr,walltime_min,loss_start,loss_end,"
        lines = [header + "eval_recall,eval_generalization,eval_style_drift"]
        for gen in range(generations):
            parent = "base_model" if gen == 0 else f"{gen - 1:x}aaaaaaa"
            lines.append(f"{gen},{parent},{gen:x}aaaaaaa,dddddddd,300,2e-4,41.5,2.9,0.4,1.0,0.97,0.0")
        (root / "models").mkdir(exist_ok=True)
        (root / "models" / "lineage_ledger.csv").write_text("\n".join(lines) + "\n")
    return root


def branched_rows() -> list[dict[str, Any]]:
    """base → G0 → G1 → (G2 rejected, G3 → G5, G4 HEAD → G6 rejected)."""
    shape = [(0, None), (1, 0), (2, 1), (3, 1), (4, 1), (5, 3), (6, 4)]
    return [row(gen, parent, gen == 4, "rejected" if gen in (2, 6) else "accepted") for gen, parent in shape]


def row(gen: int, parent: int | None, head: bool, verdict: str) -> dict[str, Any]:
    return {
        "GEN_ID": gen,
        "parent_sha": "0" * 64,
        "child_sha": f"{gen:02x}" * 32,
        "data_delta_sha": "1" * 64,
        "steps": 300,
        "lr": 2e-4,
        "walltime_min": 3.2,
        "loss_start": 2.9,
        "loss_end": 0.412,
        "eval_recall": 0.976,
        "eval_generalization": 0.61 if verdict == "rejected" else 0.912,
        "eval_style_drift": 0.0,
        "verdict": verdict,
        "head": head,
        "parent_gen": parent,
        "children": [],
        "phase": ["base", "align"][gen] if gen < 2 else "converse",
        "created": "2026-01-01T00:00:00Z",
        "reasons": [],
        "base": "smollm2-135m",
    }
