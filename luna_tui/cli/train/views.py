"""The views of a run that only write lines: JSON objects for programs, plain sentences for logs and pipes."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO

from engine.core.counted import counted
from engine.core.events import (
    DataPrepared,
    Event,
    Exported,
    LogLine,
    Progress,
    RunStarted,
    StepChanged,
    TrainStep,
    to_json_object,
)
from engine.core.gen_label import gen_label
from luna_tui.cli.json_output import write_json
from luna_tui.common import figures
from luna_tui.common.run_state import RunState, reduce
from luna_tui.common.safe_text import safe_line, safe_text
from luna_tui.common.terminal import ascii_text, needs_ascii

STOPPING = "stopping after this step; Ctrl-C again to abandon"

_EVERY_S = 10.0
_EVERY_SHARE = 0.1
_AT_MOST_EVERY_S = 1.0


class JsonView:
    """Writes every event as one line of JSON on stdout."""

    def __init__(self, out: IO[str], err: IO[str]) -> None:
        self._out = out
        self._err = err

    def show(self, event: Event) -> None:
        write_json(to_json_object(event), self._out)

    def tick(self) -> None:
        pass

    def stopping(self) -> None:
        print(STOPPING, file=self._err, flush=True)

    def close(self) -> None:
        self._out.flush()


class PlainView:
    """Writes a line at each step of the method, and during a step every ten seconds or every tenth of it."""

    def __init__(self, err: IO[str], finished: Callable[[RunState], None]) -> None:
        self._err = err
        self._finished = finished
        self._state = RunState()
        self._last_mono = 0.0
        self._last_share = 0.0

    def show(self, event: Event) -> None:
        self._state = reduce(self._state, event)
        if isinstance(event, RunStarted):
            self._say(headline(event))
        elif isinstance(event, StepChanged):
            self._last_mono, self._last_share = event.mono, 0.0
            self._say(event.step)
        elif isinstance(event, DataPrepared):
            self._say(data_sentence(event))
        elif isinstance(event, Exported):
            self._say(export_sentence(event))
        elif isinstance(event, LogLine):
            self._say(event.text if event.level == "info" else f"{event.level}: {event.text}")
        elif isinstance(event, TrainStep) and self._due(event.mono, event.step / max(1, event.total)):
            self._say(train_sentence(event, self._state.smoothed))
        elif isinstance(event, Progress) and self._due(event.mono, event.done / max(1, event.total)):
            self._say(progress_sentence(self._state.step, event))
        if self._state.finished is not None:
            self._finished(self._state)
            self._state = RunState()

    def tick(self) -> None:
        pass

    def stopping(self) -> None:
        self._say(STOPPING)

    def close(self) -> None:
        self._err.flush()

    def _due(self, mono: float, share: float) -> bool:
        if share < self._last_share:  # the step's next part begins
            self._last_share = 0.0
        waited = mono - self._last_mono
        if waited < _AT_MOST_EVERY_S and share < 1 and self._last_share > 0:
            return False
        if waited < _EVERY_S and share - self._last_share < _EVERY_SHARE and share < 1:
            return False
        self._last_mono, self._last_share = mono, share
        return True

    def _say(self, text: str) -> None:
        name = f"[{self._state.name}] " if self._state.started else ""
        line = name + safe_line(text)
        print(
            ascii_text(line) if needs_ascii(getattr(self._err, "encoding", None)) else line, file=self._err, flush=True
        )


def headline(started: RunStarted) -> str:
    """Return in one line what this run trains, from which parent, and how."""
    parent = gen_label(started.parent_gen)
    how = f"{started.backend} {started.method}, {counted(started.steps, 'step')} at {figures.learning_rate(started.lr)}"
    again = "going on with" if started.resumed else "from"
    return safe_text(f"{again} {parent} · {started.base} · {how} · seed {started.seed} · {started.threads} threads")


def data_sentence(data: DataPrepared) -> str:
    """Return in one line how many rows are trained on, held out, replayed and left out."""
    stages = ", ".join(f"{stage} {count}" for stage, count in data.by_stage.items() if count)
    aside = [f"{_count(data.bad_rows, 'bad row')} left out"] if data.bad_rows else []
    aside += [f"{_count(data.duplicates, 'duplicate')} left out"] if data.duplicates else []
    text = f"{counted(data.new_rows, 'new row')}: {data.train_rows} to train on, {data.holdout_rows} held out"
    text += f", {data.replay_rows} replayed" if data.replay_rows else ""
    return "; ".join([f"{text} ({stages})" if stages else text, *aside])


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def export_sentence(exported: Exported) -> str:
    """Return in one line what was exported: quantization, size, time, token parity, EOS and SHA."""
    stops = "stops by EOS" if exported.stopped_by_eos else "does NOT stop by EOS"
    return (
        f"exported {exported.quant} {figures.size(exported.size_bytes)} in {figures.duration(exported.seconds)}, "
        f"tokens agree on {counted(exported.parity_rows, 'row')}, {stops}, sha {exported.child_sha[:8]}"
    )


def train_sentence(step: TrainStep, smoothed: float | None) -> str:
    """Return in one line how far training is, with loss, learning rate and speed."""
    return (
        f"train {step.step}/{step.total} {figures.percent(step.step, step.total)}  loss {figures.loss(step.loss)} "
        f"(smoothed {figures.loss(smoothed)})  lr {figures.learning_rate(step.lr)}  {step.tokens_per_s:.0f} tok/s  "
        f"{step.stage}  {figures.duration(step.eta_s)} left"
    )


def progress_sentence(step: str, progress: Progress) -> str:
    """Return in one line how far any other step is."""
    left = (
        f"  {figures.duration(progress.eta_s)} left"
        if progress.eta_s is not None and progress.done < progress.total
        else ""
    )
    label = progress.label if progress.label and progress.label != step else ""
    words = " ".join(part for part in (step, label) if part)
    return f"{words} {progress.done}/{progress.total} {figures.percent(progress.done, progress.total)}{left}"
