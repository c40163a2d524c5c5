"""While a model trains, a full garbage collection must not look at all that the training packages have loaded."""

from __future__ import annotations

import gc

from tiny_workspace import TinyWorkspace

from engine.events import Event, RunFinished, TrainStep
from engine.session import EngineSession
from engine.training.heap import loaded_objects_left_alone


def test_what_is_loaded_is_left_alone_and_then_looked_at_again() -> None:
    gc.unfreeze()
    kept = [object() for _ in range(10)]
    with loaded_objects_left_alone():
        assert gc.get_freeze_count() > 1000
        ring: list[object] = []
        ring.append(ring)
        del ring
        assert gc.collect() >= 1, "what is made meanwhile is collected"
    assert gc.get_freeze_count() == 0
    assert kept


def test_it_is_so_in_every_step_of_a_training_and_not_after_it(template: TinyWorkspace) -> None:
    tiny = template.copy_to(template.root.parent / "heap")
    seen: dict[type[Event], set[bool]] = {TrainStep: set(), RunFinished: set()}

    def look(event: Event, session: EngineSession) -> None:
        if type(event) in seen:
            seen[type(event)].add(gc.get_freeze_count() > 100_000)

    gc.unfreeze()
    tiny.train(on_event=look)
    assert seen == {TrainStep: {True}, RunFinished: {False}}
