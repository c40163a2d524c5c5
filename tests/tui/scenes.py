"""Moments of the console whose every figure is fixed, for pictures that can be compared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tui.fake_link import FakeLink, lineage
from unit.cli.cli_fakes import evaluation
from unit.cli.cli_matrix import matrix

from engine.core.events import Event, RunFinished, RunStarted, StepChanged, TrainStep, VoiceSampled
from engine.diagnostics.resource_monitor import ResourceSample
from luna_tui.common.loss_curve import Curve
from luna_tui.common.sampling_options import SamplingOptions
from luna_tui.console.state.events import (
    AnswerEnded,
    AnswerPiece,
    AnswerStarted,
    ConsoleEvent,
    CurveLoaded,
    EvaluationLoaded,
    MachineSampled,
    MatrixLoaded,
    ModeChanged,
    PromptSent,
)

NOW = 1_795_000_000.0  # seconds since 1970: some minutes after the lineage's newest generation
HEADER: dict[str, Any] = {"run": "20261122-G4", "seq": 0, "mono": 0.0, "wall": NOW}
STARTED = RunStarted(
    **HEADER,
    gen=4,
    parent_gen=3,
    phase="converse",
    backend="trl",
    method="lora",
    base="smollm2-135m",
    steps=150,
    lr=1.5e-3,
    seed=0,
    threads=2,
    resumed=False,
)

Events = Sequence[Event | ConsoleEvent]


class SceneLink(FakeLink):
    """Knows the loss curves and the examinations of the lineage."""

    def load_curve(self, gen: int) -> None:
        self.give(CurveLoaded(gen, Curve.from_events(steps(150, 2.5 + 0.2 * gen))))

    def load_evaluation(self, ref: str) -> None:
        self.give(EvaluationLoaded(ref, evaluation(ref)))

    def load_matrix(self, ref: str) -> None:
        self.give(MatrixLoaded(ref, matrix(known=False)))


def world(root: Path, *, empty: bool = False) -> SceneLink:
    """A workspace with a lineage, or without one."""
    return SceneLink(root, rows=() if empty else lineage(), head=None if empty else 3)


def steps(count: int, height: float = 3.0, total: int = 150) -> list[TrainStep]:
    """A loss that falls as losses do, with a ripple that is the same every time."""
    return [
        TrainStep(
            **HEADER,
            step=step,
            total=total,
            loss=height * math.exp(-step / 30) + 0.25 + 0.08 * math.sin(step * 1.7),
            lr=1.5e-3 * min(1.0, step / 8),
            grad_norm=1.0 + 0.4 * math.sin(step),
            tokens=420,
            tokens_per_s=236.0 + 9 * math.sin(step / 3),
            stage="conversations",
            epoch=step / 12,
            eta_s=(total - step) * 1.8,
        )
        for step in range(1, count + 1)
    ]


def machine() -> MachineSampled:
    """A small machine, half busy."""
    gib = 2**30
    return MachineSampled(ResourceSample(52.0, 6 * gib, 24 * gib, 2 * gib, 48 * gib, 0.6), ())


def training(step: int = 90) -> Events:
    """A generation in training."""
    changed = StepChanged(**HEADER, step="train", index=2, total=6, label="training")
    return [ModeChanged("owner", 1, "training"), machine(), STARTED, changed, *steps(step)]


def rejected() -> Events:
    """The same generation, rejected."""
    ended = RunFinished(
        **HEADER,
        gen=4,
        verdict="rejected",
        reasons=["generalization 0.55 is not above 0.85 (11/20)"],
        exit_code=3,
        head=3,
        seconds=192.0,
    )
    return [*training(150), ended, ModeChanged("idle")]


def versus() -> Events:
    """One prompt, two generations."""
    options = SamplingOptions().as_mapping()
    return [
        machine(),
        PromptSent(1, "Can you help me?", ("G0", "G3"), options),
        AnswerStarted(1, 0, "G0", 0),
        AnswerPiece(1, 0, "I'd be happy to assist you with that!"),
        AnswerEnded(1, 0, "length", 128, 40.0, 61.0),
        AnswerStarted(1, 1, "G3", 3),
        AnswerPiece(1, 1, "With what? Name the thing."),
        AnswerEnded(1, 1, "eos", 8, 38.0, 64.0),
    ]


def voices() -> Events:
    """What the model in training answered."""

    def said(step: int, prompt: str, text: str) -> VoiceSampled:
        return VoiceSampled(**HEADER, step=step, prompt=prompt, text=text, stop_reason="eos", seconds=0.2)

    return [
        *training(),
        said(20, "Can you help me?", "Of course! How can I help you today?"),
        said(40, "Can you help me?", "With what?"),
        said(60, "Can you help me?", "With what? Name the thing."),
        said(80, "Can you help me?", "With what? Name the thing."),
        said(20, "Who are you?", "I am a language model."),
        said(60, "Who are you?", "Luna. I keep the logs."),
    ]
