"""A dry run decides as the training would, says what it takes, and writes nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tiny_workspace import TinyWorkspace, write_rows

from engine.core.cancellation import Control
from engine.core.errors import UsageError
from engine.pipeline.preview import Preview, preview
from engine.pipeline.request import TrainRequest
from luna_tui.common.figures import size


def look(tiny: TinyWorkspace, overrides: dict[str, object] | None = None, **request: Any) -> Preview:
    return preview(
        tiny.workspace,
        tiny.config(overrides),
        TrainRequest(**request),
        progress=lambda *_: None,
        control=Control(),
    )


def tree(root: Path) -> dict[str, bytes]:
    """All files but logs and caches, which nothing depends on."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and "cache" not in path.parts and path.suffix != ".log"
    }


def test_it_decides_what_the_training_then_does_and_writes_nothing(evolved: TinyWorkspace) -> None:
    before = tree(evolved.root)
    found = look(evolved, phase="converse")
    assert tree(evolved.root) == before
    assert evolved.train(phase="converse").exit_code in (0, 3)
    manifest = evolved.workspace.manifest(4)
    assert manifest is not None
    assert {name: manifest.data[name] for name in found.counts} == found.counts
    assert (found.gen, found.parent, found.steps) == (4, 3, int(manifest.row["steps"]))
    assert sum(parts["rows"] for parts in found.by_stage.values()) == found.counts["train"]
    assert sum(parts["tokens"] for parts in found.by_stage.values()) == found.counts["tokens"]


def test_the_time_expected_is_that_of_the_newest_generation_on_such_a_machine(evolved: TinyWorkspace) -> None:
    pace = look(evolved, phase="converse").pace
    twice = look(evolved, phase="converse", steps=48).pace
    assert pace is not None
    assert twice is not None
    assert pace.of == 3
    assert pace.evaluate > 0
    assert twice.train == pytest.approx(2 * pace.train, rel=0.01), "24 steps are configured"


def test_the_memory_of_the_newest_generation_is_measured(evolved: TinyWorkspace) -> None:
    memory = look(evolved, phase="converse").memory
    assert memory.measured_in == 3
    assert memory.measured is not None
    assert memory.measured > 100_000_000, "torch alone takes as much"
    assert memory.batch.tokens > 0


def test_a_base_without_generations_has_no_pace(tiny: TinyWorkspace) -> None:
    assert look(tiny).pace is None


def test_tokens_show_what_is_trained_and_where_answers_end(evolved: TinyWorkspace) -> None:
    said = [{"role": role, "content": f"{role} {n}"} for n in range(2) for role in ("user", "assistant")]
    path = write_rows(
        evolved.root / "one.jsonl",
        [{"messages": said}] * 1 + [{"prompt": f"Ask {n}?", "response": f"Said {n}."} for n in range(8)],
    )
    found = look(evolved, {"replay.rows": 0}, phase="converse", data=(path,))
    views = {view.source: view for view in found.sequences}
    for source, view in views.items():
        whole = "".join(text for text, _ in view.pieces)
        learned = "".join(text or "|" for text, trained in view.pieces if trained)
        if source.endswith(":1"):
            assert whole == "user 0\nassistant 0\nuser 1\nassistant 1"
            assert learned == "\nassistant 0|\nassistant 1|"
        else:
            number = int(source.rpartition(":")[2]) - 2
            assert (whole, learned) == (f"Ask {number}?\nSaid {number}.", f"\nSaid {number}.|")
    assert 0 < len(views) <= 10


def test_what_the_training_would_refuse_is_refused(evolved: TinyWorkspace) -> None:
    path = write_rows(evolved.root / "one.jsonl", [{"prompt": "One?", "response": "One."}])
    with pytest.raises(UsageError, match="too few new rows"):
        look(evolved, phase="converse", data=(path,))


def test_the_command_prints_json_and_pictures(evolved: TinyWorkspace) -> None:
    path = write_rows(evolved.root / "frage.jsonl", [{"frage": f"Was {n}?", "antwort": f"Das {n}."} for n in range(9)])
    command = [sys.executable, "-m", "luna_tui", "-w", str(evolved.root), "train", "--dry-run", "--data", str(path)]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "--map prompt=frage --map response=antwort" in refused.stderr
    mapped = [*command, "--map", "prompt=frage", "--map", "response=antwort"]
    plain = subprocess.run(mapped, capture_output=True, text=True, check=False)
    assert plain.returncode == 0, plain.stderr
    assert "G4 from G3, converse: all 9 unseen rows of the data given" in plain.stdout
    assert "∎" in plain.stdout
    found = json.loads(subprocess.run([*mapped, "--json"], capture_output=True, text=True, check=True).stdout)
    assert found["counts"]["new"] == 9
    memory = found["memory"]
    assert memory["total"] == sum(part["bytes"] for part in memory["parts"])
    assert memory["fits"]
    assert f"memory: about {size(memory['total'])} in {memory['precision']}" in plain.stdout
    assert found["sequences"][0]["pieces"][-1] == {"text": "", "trained": True}
    assert not (evolved.root / "models" / "generations" / "4").exists()
