"""The same inputs give the same bytes: in another workspace, after gc, and without growing memory."""

from __future__ import annotations

import gc

import psutil
import pytest
from tiny_workspace import TinyWorkspace

from engine.core.errors import Damaged
from engine.models.base import prepare_base
from engine.models.lineage_weights import weights_dir
from engine.models.resolve import gguf_of, name_of
from engine.runtime.client import Runtime
from engine.workspace.garbage import collect, find_garbage
from engine.workspace.verify import verify_workspace
from ledger.hashing import sha256_file

pytestmark = [pytest.mark.slow, pytest.mark.both_formats]


def test_a_fresh_workspace_gives_the_same_generations(tiny: TinyWorkspace, lineage: TinyWorkspace) -> None:
    assert tiny.train().exit_code == 0
    assert tiny.train().exit_code == 0, "one by one is the same as in one request"
    assert tiny.shas() == lineage.shas()[:2]


def test_another_seed_gives_another_generation(tiny: TinyWorkspace, lineage: TinyWorkspace) -> None:
    assert tiny.train(seed=5).exit_code == 0
    assert tiny.shas()[0] != lineage.shas()[0]
    manifest = tiny.workspace.manifest(0)
    assert manifest is not None
    assert manifest.seed == 5


def test_a_dropped_cache_changes_nothing(evolved: TinyWorkspace, lineage: TinyWorkspace) -> None:
    import shutil

    cached = evolved.copy_to(evolved.root.with_name("cached"))
    shutil.rmtree(evolved.workspace.weights_cache)
    assert evolved.train().exit_code == 0
    assert cached.train().exit_code == 0
    assert evolved.shas() == cached.shas()


def test_caches_are_few(evolved: TinyWorkspace) -> None:
    base = prepare_base(evolved.workspace, evolved.config())
    weights_dir(evolved.workspace, base, (0, 1, 2, 3))
    weights_dir(evolved.workspace, base, (0,))
    assert len([path for path in evolved.workspace.weights_cache.iterdir() if path.is_dir()]) == 2


def test_a_collected_gguf_comes_back_bit_for_bit(evolved: TinyWorkspace) -> None:
    workspace = evolved.workspace
    garbage = find_garbage(workspace, ggufs=True)
    assert {item.gen for item in garbage if item.kind == "gguf"} == {0, 1, 2}
    collect(workspace, garbage)
    assert not workspace.gguf(2).exists()
    assert verify_workspace(workspace).ok, "collected on purpose is no damage"
    base = prepare_base(workspace, evolved.config(), weights=False)
    with Runtime() as runtime:
        for reference in ("G2", "0"):
            named = name_of(workspace.lineage(), reference)
            path = gguf_of(workspace, base, named, runtime)
            assert named.gen is not None
            assert sha256_file(path) == evolved.shas()[named.gen]
    assert workspace.head.collected() == {1}
    assert verify_workspace(workspace).ok
    assert [path.name for path in workspace.models.glob(".luna_age*")] == []


def test_a_gguf_is_not_rebuilt_from_a_changed_delta(evolved: TinyWorkspace) -> None:
    workspace = evolved.workspace
    collect(workspace, find_garbage(workspace, ggufs=True))
    delta = workspace.generation(1) / "delta.safetensors"
    data = bytearray(delta.read_bytes())
    data[-1] ^= 1
    delta.write_bytes(data)
    base = prepare_base(workspace, evolved.config(), weights=False)
    with Runtime() as runtime, pytest.raises(Damaged, match="delta of G1 is not the recorded one"):
        gguf_of(workspace, base, name_of(workspace.lineage(), "G2"), runtime)
    assert not workspace.gguf(2).exists()


def test_memory_comes_back_between_generations(tiny: TinyWorkspace) -> None:
    process = psutil.Process()
    assert tiny.train(generations=2).exit_code == 0
    gc.collect()
    before = process.memory_info().rss
    assert tiny.train(generations=2).exit_code == 0
    gc.collect()
    grown = process.memory_info().rss - before
    assert grown < 12 * 1024**2, f"two generations left {grown / 1024**2:.1f} MiB behind"
