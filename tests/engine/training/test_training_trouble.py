"""What is said, and what is given back, when a training ends in trouble."""

from __future__ import annotations

import errno
import gc
import weakref
from pathlib import Path
from typing import Any

import pytest
from tiny_workspace import TinyWorkspace

from engine.core.events import Event, RunFinished, TrainStep
from engine.core.journal import Journal
from engine.service.session import EngineSession


def test_a_training_that_fails_gives_its_memory_back(tiny: TinyWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.training.sft import trl_backend

    models: list[weakref.ref[Any]] = []

    def fail(model: Any, *_: Any, **__: Any) -> None:
        model.itself = [model]  # as a trainer's parts point at each other
        models.append(weakref.ref(model))
        raise RuntimeError("something broke")

    monkeypatch.setattr(trl_backend, "run_sft", fail)
    alive: list[bool] = []

    def look(event: Event, _: EngineSession) -> None:
        if isinstance(event, RunFinished):
            alive.append(models[0]() is not None)

    gc.disable()  # only what luna does counts
    try:
        assert tiny.train(on_event=look).exit_code == 1
    finally:
        gc.enable()
    assert "something broke" in tiny.last.error
    assert alive == [False]


def test_a_base_that_is_nan_is_not_the_learning_rates_fault(
    tiny: TinyWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.training.sft import trl_backend

    run_sft = trl_backend.run_sft

    def broken(model: Any, *arguments: Any, **named: Any) -> Any:
        next(model.parameters()).data.fill_(float("nan"))
        return run_sft(model, *arguments, **named)

    monkeypatch.setattr(trl_backend, "run_sft", broken)
    assert tiny.train().exit_code == 1
    assert "nan at step 1, before anything was learned" in tiny.last.error
    assert "lower the learning rate" not in tiny.last.hint
    assert "[model] base" in tiny.last.hint


def test_a_folder_that_is_moved_while_it_trains_is_told_as_that(tiny: TinyWorkspace) -> None:
    root, moved = tiny.root, tiny.root.with_name("elsewhere")

    def move(event: Event, _: EngineSession) -> None:
        if isinstance(event, TrainStep) and event.step == 3:
            root.rename(moved)

    session_events: list[Event] = []

    def watch(event: Event, session: EngineSession) -> None:
        session_events.append(event)
        move(event, session)

    assert tiny.train(on_event=watch).exit_code == 1
    [finished] = [event for event in session_events if isinstance(event, RunFinished)]
    assert "moved or deleted" in finished.error
    assert str(root) in finished.error
    assert "luna-tui -w DIR train --resume" in finished.hint
    assert not root.exists(), "nothing is made anew at the old place"
    assert TinyWorkspace(moved).train(resume=True).exit_code == 0


def test_a_full_disk_is_told_once(tiny: TinyWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal takes nothing any longer, not even at its closing."""

    class Full:
        closed = False

        def write(self, data: bytes) -> int:
            return len(data)

        def flush(self) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        close = flush

        def fileno(self) -> int:
            return -1

        def tell(self) -> int:
            return 0

    def no_room(self: Journal, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = Full()  # type: ignore[assignment]

    monkeypatch.setattr(Journal, "__init__", no_room)
    outcome = tiny.train()
    assert outcome.exit_code == 1
    assert len(tiny.of(RunFinished)) == 1
    assert "no space left" in tiny.last.error
