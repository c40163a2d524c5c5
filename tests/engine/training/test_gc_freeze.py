"""While a model trains, a full garbage collection must not look at all that the training packages have loaded."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from pathlib import Path

from tiny_workspace import TinyWorkspace

from engine.core.events import Event, TrainStep
from engine.service.session import EngineSession

ONCE = """
import gc, json
from engine.training.sft.gc_freeze import freeze_loaded_objects
kept = [[] for _ in range(2000)]
freeze_loaded_objects()
first = gc.get_freeze_count()
later = [[] for _ in range(2000)]
freeze_loaded_objects()
ring = []
ring.append(ring)
del ring
print(json.dumps([len(kept), first, gc.get_freeze_count(), gc.collect()]))
"""


def test_what_is_loaded_is_left_alone_once_and_what_comes_later_is_collected() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ONCE], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3]
    )
    kept, first, again, collected = json.loads(done.stdout)
    assert first > kept
    assert again == first
    assert collected >= 1


def test_it_is_so_in_every_step_of_a_training(template: TinyWorkspace) -> None:
    tiny = template.copy_to(template.root.parent / "heap")
    seen: list[tuple[int, int]] = []

    def look(event: Event, session: EngineSession) -> None:
        if isinstance(event, TrainStep):
            seen.append((gc.get_freeze_count(), len(gc.get_objects())))

    tiny.train(on_event=look)
    assert seen
    assert all(frozen > 100_000 and frozen > 3 * watched for frozen, watched in seen), seen
