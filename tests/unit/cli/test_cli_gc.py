"""`gc`: only what can be made again, never what a run needs to go on, never evidence."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from unit.cli.cli_fakes import make_workspace
from unit.cli.conftest import Run, Spawn

from engine.core.errors import LunaError
from engine.workspace.garbage import collect, find_garbage
from engine.workspace.layout import Workspace
from engine.workspace.runs import Run as TrainingRun
from engine.workspace.runs import RunStatus
from ledger.errors import LedgerDamaged
from ledger.hashing import sha256_bytes
from ledger.manifest import Manifest, write_manifest
from ledger.row import LedgerRow


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    return Workspace.open(make_workspace(tmp_path / "ws"))


def add_run(space: Workspace, name: str, status: str, updated: float, gen: int = 7) -> TrainingRun:
    run = TrainingRun.at(space, name)
    (run.work / "checkpoint-10").mkdir(parents=True)
    (run.work / "checkpoint-10" / "weights.bin").write_bytes(b"w" * 1000)
    run.journal.write_text("{}\n")
    run.staging.mkdir(parents=True)
    (run.staging / "delta.safetensors").write_bytes(b"d" * 10)
    run.write_state(RunStatus(name, gen, status, ("prepare",), 1.0, updated))  # pyright: ignore[reportArgumentType]
    return run


def add_generation(space: Workspace, gen: int, verdict: str, head: bool) -> None:
    folder = space.generation(gen)
    folder.mkdir(parents=True)
    delta, gguf = f"delta {gen}".encode(), f"gguf {gen}".encode()
    (folder / "delta.safetensors").write_bytes(delta)
    space.gguf(gen).write_bytes(gguf)
    parent = sha256_bytes(f"gguf {gen - 1}".encode()) if gen else "base_model"
    row = LedgerRow(gen, parent, sha256_bytes(gguf), "d" * 64, 10, 2e-4, 1.0, 2.0, 1.0, 1.0, 0.9, 0.0)
    space.ledger.append(row)
    fields: dict[str, Any] = {
        "parent_manifest_sha": None,
        "gen": gen,
        "parent_gen": gen - 1 if gen else None,
        "phase": "base",
        "created": "2026-01-01T00:00:00Z",
        "verdict": verdict,
        "verdict_reasons": [],
        "row": row.to_record(),
        "row_sha": "0" * 64,
        "files": {
            f"generations/{gen}/delta.safetensors": {"sha256": sha256_bytes(delta), "bytes": len(delta)},
            f"luna_age_{gen}.gguf": {"sha256": sha256_bytes(gguf), "bytes": len(gguf)},
        },
        "seed": 0,
        "threads": 2,
        "backend": "trl",
    }
    for name in ("base", "recipe", "versions", "data", "scores", "extra"):
        fields[name] = {}
    sha = write_manifest(space.models, Manifest(**fields))
    space.head.append("record", gen=gen, reason="", manifest_sha=sha, verdict=verdict)
    if head:
        space.head.append("accept", gen=gen, reason="")


def found(space: Workspace, *, ggufs: bool = False) -> dict[str, str]:
    return {item.path.relative_to(space.root).as_posix(): item.kind for item in find_garbage(space, ggufs=ggufs)}


def test_an_empty_workspace_has_none(space: Workspace) -> None:
    assert find_garbage(space, ggufs=True) == []


def test_every_run_that_can_be_resumed_keeps_everything(space: Workspace) -> None:
    add_run(space, "a", "interrupted", 1.0)
    add_run(space, "b", "finished", 2.0)
    add_run(space, "c", "interrupted", 3.0)
    add_run(space, "d", "finished", 4.0)
    assert found(space) == {
        "runs/b/work": "work",
        "runs/d/work": "work",
        "models/generations/.staging-b": "staging",
        "models/generations/.staging-d": "staging",
    }


def test_journals_and_states_stay(space: Workspace) -> None:
    run = add_run(space, "a", "finished", 1.0)
    assert collect(space, find_garbage(space)) == 1010
    assert run.journal.exists()
    assert run.state().status == "finished"
    assert not run.work.exists()
    assert not run.staging.exists()


def test_a_run_without_a_state_cannot_be_resumed(space: Workspace) -> None:
    (space.runs / "x" / "work").mkdir(parents=True)
    assert found(space) == {"runs/x/work": "work"}


def test_weight_caches_go(space: Workspace) -> None:
    (space.weights_cache / "G1").mkdir(parents=True)
    (space.weights_cache / "G1" / "model.safetensors").write_bytes(b"1" * 500)
    [item] = find_garbage(space)
    assert (item.kind, item.size) == ("weights", 500)


def test_links_are_removed_and_never_followed(space: Workspace, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("all of it")
    space.weights_cache.mkdir(parents=True)
    os.symlink(precious, space.weights_cache / "G1")
    collect(space, find_garbage(space))
    assert (precious / "thesis.txt").exists()
    assert not (space.weights_cache / "G1").is_symlink()


def test_ggufs_only_when_asked_and_never_heads(space: Workspace) -> None:
    space.base_dir.mkdir(parents=True)
    (space.base_dir / "base.gguf").write_bytes(b"base")
    for gen, verdict, head in ((0, "accepted", True), (1, "accepted", True), (2, "rejected", False)):
        add_generation(space, gen, verdict, head)
    assert found(space) == {}
    assert found(space, ggufs=True) == {"models/luna_age_0.gguf": "gguf", "models/luna_age_2.gguf": "gguf"}
    assert collect(space, find_garbage(space, ggufs=True)) == 12
    assert space.gguf(1).exists()
    assert not space.gguf(2).exists()
    assert space.head.collected() == {0, 2}
    assert space.head.current() == 1
    assert (space.generation(2) / "delta.safetensors").exists()
    assert found(space, ggufs=True) == {}


def test_a_gguf_that_could_not_be_rebuilt_stays(space: Workspace) -> None:
    for gen in (0, 1):
        add_generation(space, gen, "accepted", True)
    assert found(space, ggufs=True) == {}  # no base to rebuild from
    space.base_dir.mkdir(parents=True)
    (space.base_dir / "base.gguf").write_bytes(b"base")
    (space.generation(0) / "delta.safetensors").write_bytes(b"XXXXXXX")
    items = find_garbage(space, ggufs=True)
    with pytest.raises(LedgerDamaged) as caught:
        collect(space, items)
    assert "delta of G0" in caught.value.title
    assert space.gguf(0).exists()
    (space.generation(0) / "delta.safetensors").unlink()
    assert found(space, ggufs=True) == {}


def test_what_changed_since_it_was_listed_is_left(space: Workspace) -> None:
    run = add_run(space, "a", "finished", 1.0)
    items = find_garbage(space)
    run.write_state(replace(run.state(), status="interrupted"))
    assert collect(space, items) == 0
    assert run.work.exists()


def test_not_while_another_process_works(space: Workspace) -> None:
    add_run(space, "a", "finished", 1.0)
    items = find_garbage(space)
    with space.lock("training"), pytest.raises(LunaError) as caught:
        collect(space, items)
    assert "training" in caught.value.title
    assert TrainingRun.at(space, "a").work.exists()


def test_command_needs_a_yes(run: Run, space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    training = add_run(space, "a", "finished", 1.0)
    looked = run("-w", space.root, "gc", "--dry-run", "--json")
    assert json.loads(looked.out)["bytes"] == 1010
    assert {item["kind"] for item in json.loads(looked.out)["items"]} == {"work", "staging"}
    for args in ((), ("--json",)):
        refused = run("-w", space.root, "gc", *args)
        assert refused.code == 2
        assert "--yes" in refused.err
    assert training.work.exists()
    done = run("-w", space.root, "gc", "--yes", "--json")
    assert json.loads(done.out)["freed"] == 1010
    assert run("-w", space.root, "gc").out == "nothing to collect\n"


def test_command_asks_on_a_terminal(spawn: Spawn, space: Workspace) -> None:
    training = add_run(space, "a", "finished", 1.0)
    child = spawn("play_accepted", "-w", space.root, "gc")
    child.expect("runs/a/work")
    child.expect("the run is finished")
    child.expect_exact("Delete these and free 1.0 KB? [y/N]")
    child.sendline("n")
    child.read()
    child.close()
    assert child.exitstatus == 1
    assert training.work.exists()
