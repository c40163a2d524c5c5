"""Scripted runs: the events a real run tells, one method a moment, and a session that plays them in its own thread."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any

from engine.core.events import (
    DataPrepared,
    Emitter,
    Event,
    Examined,
    Exported,
    Judged,
    LogLine,
    Progress,
    Recorded,
    RunFinished,
    RunStarted,
    StepChanged,
    TrainStep,
)
from engine.pipeline.request import TrainRequest
from engine.service.session import TrainOutcome

SHA = "c71f20b9" + "0" * 56


def score(value: float, n: int, low: float, high: float) -> dict[str, Any]:
    return {"value": value, "n": n, "low": low, "high": high}


SCORES: dict[str, Any] = {
    "recall": score(0.9667, 120, 0.92, 0.99),
    "retention": score(0.98, 118, 0.94, 0.99),
    "generalization": score(0.9125, 80, 0.83, 0.96),
    "drift": score(0.0, 50, 0.0, 0.07),
    "answered": score(1.0, 50, 0.93, 1.0),
    "by_ancestor": {"0": score(0.85, 100, 0.77, 0.91), "1": score(0.97, 60, 0.89, 0.99)},
}


class Script:
    """The events of one run, one method a moment."""

    def __init__(self, put: Callable[[Event], None], gen: int = 2, steps: int = 20, loss: float = 2.0) -> None:
        self.emit = Emitter(f"20260101-000000-G{gen}", put)
        self.gen = gen
        self.steps = steps
        self.loss = loss

    def begin(self) -> None:
        self.step("prepare", 1)
        self.emit(LogLine, level="warning", text="bad row left out: conversations/a.jsonl:7 no \x1b[31mprompt")
        self.emit(
            DataPrepared,
            new_rows=104,
            train_rows=84,
            holdout_rows=20,
            replay_rows=100,
            by_stage={"fundamentals": 40, "conversations": 144},
            bad_rows=1,
            duplicates=0,
            data_delta_sha="d" * 64,
        )
        self.emit(
            RunStarted,
            gen=self.gen,
            parent_gen=self.gen - 1,
            phase="converse",
            backend="trl",
            method="lora",
            base="smollm2-135m",
            steps=self.steps,
            lr=1e-3,
            seed=0,
            threads=2,
            resumed=False,
        )
        self.step("train", 2)

    def train_step(self, number: int) -> None:
        self.emit(
            TrainStep,
            step=number,
            total=self.steps,
            loss=self.loss / number,
            lr=1e-3,
            grad_norm=0.8,
            tokens=4096,
            tokens_per_s=412.0,
            stage="conversations",
            epoch=number / self.steps,
            eta_s=float(self.steps - number),
        )

    def ship(self) -> None:
        self.step("export", 3)
        self.emit(
            Exported,
            gen=self.gen,
            child_sha=SHA,
            quant="q8_0",
            size_bytes=144_000_000,
            seconds=2.9,
            parity_rows=204,
            stopped_by_eos=True,
        )
        self.step("examine", 4)
        for done in (50, 100, 200):
            self.emit(Progress, label="ancestors", done=done, total=200, eta_s=(200 - done) / 10)
        self.emit(Examined, gen=self.gen, scores=SCORES, seconds=31.0)

    def end(self, verdict: str, reasons: list[str]) -> RunFinished:
        self.step("judge", 5)
        self.emit(Judged, gen=self.gen, verdict=verdict, reasons=reasons)
        self.step("record", 6)
        accepted = verdict == "accepted"
        head = self.gen if accepted else self.gen - 1
        self.emit(Recorded, gen=self.gen, row={"GEN_ID": str(self.gen)}, head=head)
        return self.finish(verdict, reasons, 0 if accepted else 3, head)

    def finish(self, verdict: str, reasons: list[str], code: int, head: int | None = None, **more: Any) -> RunFinished:
        return self.emit(
            RunFinished,
            gen=self.gen,
            verdict=verdict,
            reasons=reasons,
            exit_code=code,
            head=head,
            scores=SCORES if code in (0, 3) else {},
            seconds=192.0,
            **more,
        )

    def step(self, name: str, index: int) -> None:
        self.emit(StepChanged, step=name, index=index, total=6, label=f"doing {name}")


class FakeSession:
    """Plays a script in its own thread; `play` gets this session and returns the finished runs."""

    def __init__(self, events: SimpleQueue[Event], play: Callable[[FakeSession], list[RunFinished]]) -> None:
        self.events = events
        self.stopped = threading.Event()
        self.request = TrainRequest()
        self.closed = False
        self._play = play

    def start(self) -> None:
        pass

    def train(self, request: TrainRequest) -> Future[TrainOutcome]:
        self.request = request
        future: Future[TrainOutcome] = Future()

        def work() -> None:
            finished = self._play(self)
            gave_way = not finished
            future.set_result(TrainOutcome(1 if gave_way else finished[-1].exit_code, finished, gave_way))

        threading.Thread(target=work, daemon=True).start()
        return future

    def stop(self) -> None:
        self.stopped.set()

    def close(self, timeout_s: float = 30) -> None:
        self.closed = True


def play_accepted(session: FakeSession) -> list[RunFinished]:
    script = Script(session.events.put)
    script.begin()
    print("noise of a library on stdout")
    sys.stderr.write("noise of a library on stderr\n")
    for number in range(1, script.steps + 1):
        script.train_step(number)
    script.ship()
    return [script.end("accepted", ["every target is met"])]


def play_rejected(session: FakeSession) -> list[RunFinished]:
    script = Script(session.events.put)
    script.begin()
    script.train_step(script.steps)
    script.ship()
    return [script.end("rejected", ["generalization 0.61 is not above 0.85"])]


def play_until_stopped(session: FakeSession) -> list[RunFinished]:
    script = Script(session.events.put)
    script.begin()
    for number in (1, 2, 3):
        script.train_step(number)
    session.stopped.wait(60)
    return [script.finish("interrupted", ["stopped on request"], 130, 1, hint="go on with: luna-tui train --resume")]


def play_deaf(session: FakeSession) -> list[RunFinished]:
    """A step that never ends, whatever is asked."""
    script = Script(session.events.put)
    script.begin()
    script.train_step(1)
    threading.Event().wait(60)
    return [script.finish("failed", [], 1)]


def play_nan(session: FakeSession) -> list[RunFinished]:
    script = Script(session.events.put, loss=float("nan"))
    script.begin()
    script.train_step(1)
    return [script.finish("failed", ["the loss is not a number"], 1)]


def play_refused(session: FakeSession) -> list[RunFinished]:
    script = Script(session.events.put)
    script.step("prepare", 1)
    return [script.finish("failed", ["1 row is longer"], 2, 1, error="1 row is longer", hint="split these rows")]


def play_gave_way(session: FakeSession) -> list[RunFinished]:
    """Another process began a generation first."""
    return []


def play_failed(session: FakeSession) -> list[RunFinished]:
    script = Script(session.events.put)
    script.begin()
    script.train_step(1)
    return [script.finish("failed", ["no space"], 1, error="no space left on the disk", hint="make room: luna-tui gc")]
