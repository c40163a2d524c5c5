"""An engine whose every word is an attack on the terminal: titles, colours, hidden text, C1, markup, bidi."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from unit.cli.cli_fakes import FakeEngine, FakeTalker, evaluation
from unit.cli.cli_script import FakeSession, Script

from engine.core.events import LogLine, Progress, RunFinished, TrainStep, VoiceSampled
from engine.runtime.protocol import StreamEvent, StreamStats
from engine.workspace.layout import Workspace
from luna_tui.common.engine_facade import EngineFacade

PAYLOAD = (
    "LUNA\x1b]0;LUNAPWN\x07\x1b[8mLUNAHIDE\x9b31mLUNAC1[@click=app.quit]LUNACLICK[/][/foo][bold\u202eLUNABIDI\u200b\x7f"
)
# What must never reach the terminal, as bytes.
FORBIDDEN = (b"\x1b]0;LUNA", b"\x1b[8mLUNA", "\x9b31m".encode(), b"\x9b31m", "\u202eLUNA".encode(), b"\x07\x1b[8m")


class HostileTalker(FakeTalker):
    """Says it in pieces that are cut in the middle of a sequence."""

    def stream(
        self, prompt: str, *, max_tokens: int, temperature: float, seed: int, top_p: float = 1.0
    ) -> Iterator[StreamEvent]:
        for start in range(0, len(PAYLOAD), 3):
            yield StreamEvent(PAYLOAD[start : start + 3])
        yield StreamEvent("", StreamStats(3, 12.5, 182.0, "eos", 6, 6))


def play_hostile(session: FakeSession) -> list[RunFinished]:
    """A run that goes on until it is stopped, and whose every label is hostile."""
    script = Script(session.events.put, gen=2, steps=50)
    script.begin()
    script.emit(LogLine, level="warning", text=PAYLOAD)
    for number in range(1, 20):
        script.emit(
            TrainStep,
            step=number,
            total=50,
            loss=3.0 / number,
            lr=1e-3,
            grad_norm=1.0,
            tokens=100,
            tokens_per_s=100.0,
            stage=PAYLOAD,
            epoch=0.1,
            eta_s=10.0,
        )
    script.emit(VoiceSampled, step=5, prompt=PAYLOAD, text=PAYLOAD, stop_reason="eos", seconds=0.1)
    session.stopped.wait(120)
    script.emit(Progress, label=PAYLOAD, done=1, total=2, eta_s=1.0)
    return [script.finish("failed", [PAYLOAD], 1, 1, error=PAYLOAD, hint=PAYLOAD)]


class HostileEngine(FakeEngine):
    """Config, workspace and ledger are real; all that is told of them is hostile."""

    def __init__(self) -> None:
        super().__init__(play_hostile)

    def lineage_rows(self, workspace: Workspace, *, scores: bool = True) -> list[dict[str, Any]]:
        rows = EngineFacade.lineage_rows(self, workspace, scores=scores)
        for row in rows:
            row |= {"phase": PAYLOAD, "reasons": [PAYLOAD], "base": PAYLOAD, "verdict": "rejected", "scores": {}}
        return rows

    def recorded_evaluation(self, workspace: Workspace, config: object, ref: str) -> dict[str, Any]:
        found = evaluation(ref)
        for item in found["items"]:
            item |= {"prompt": PAYLOAD, "output": PAYLOAD, "expected": PAYLOAD, "sets": [PAYLOAD, f"exam:{ref}"]}
        for answer in found["tone"]:
            answer |= {"prompt": PAYLOAD, "text": PAYLOAD, "hits": [{"phrase": PAYLOAD, "start": 0, "end": 30}]}
        return found | {"note": PAYLOAD}

    def open_chat(self, workspace: Workspace, config: object, ref: str, *, progress: Any = None) -> FakeTalker:
        return HostileTalker(ref, None)


def run() -> None:
    """The command line with this engine."""
    from luna_tui.cli.app import main

    main(HostileEngine())
