"""Deltas are exact: parent + delta gives the same bits every time, and a delta that does not fit is damage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.core.errors import Damaged, UsageError
from engine.gguf.weights import (
    Weights,
    apply_delta,
    load_weights,
    rebuild,
    save_full_delta,
    save_lora_delta,
    save_weights,
    tensor_names,
    write_weights,
)


def random(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def base() -> Weights:
    return {
        "model.a.weight": random(48, 32, seed=1),
        "model.b.weight": random(32, 48, seed=2),
        "norm": random(32, seed=3),
    }


def lora(path: Path, seed: int, *, name: str = "model.a", scale: float = 2.0) -> Path:
    a, b = random(4, 32, seed=seed), random(48, 4, seed=seed + 1)
    save_lora_delta(path, {name: (a * 0.01, b * 0.01)}, scale)
    return path


def test_a_lora_delta_adds_scale_times_b_a_rounded_once(tmp_path: Path) -> None:
    parent = base()
    kept = parent["model.a.weight"].clone()
    child = apply_delta(parent, lora(tmp_path / "d", 7))
    a, b = random(4, 32, seed=7) * 0.01, random(48, 4, seed=8) * 0.01
    assert torch.equal(child["model.a.weight"], (kept.double() + 2.0 * (b.double() @ a.double())).float())
    assert torch.equal(parent["model.a.weight"], kept)
    assert torch.equal(child["model.b.weight"], parent["model.b.weight"])


def test_rebuilding_is_bit_exact_and_follows_the_order(tmp_path: Path) -> None:
    deltas = [lora(tmp_path / str(n), 10 * n) for n in range(1, 7)]
    once, again, reversed_ = rebuild(base(), deltas), rebuild(base(), deltas), rebuild(base(), deltas[::-1])
    step = base()
    for delta in deltas:
        step = apply_delta(step, delta)
    name = "model.a.weight"
    assert torch.equal(once[name], again[name])
    assert torch.equal(once[name], step[name])
    assert torch.allclose(once[name], reversed_[name], atol=1e-5)
    assert not torch.equal(once[name], reversed_[name])


def test_weights_survive_the_disk_bit_for_bit(tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "config.json").write_text("{}")
    save_weights(base(), tmp_path / "to", tmp_path / "from")
    loaded = load_weights(tmp_path / "to")
    assert all(torch.equal(tensor, loaded[name]) for name, tensor in base().items())
    assert sorted(p.name for p in (tmp_path / "to").iterdir()) == ["config.json", "model.safetensors"]
    assert tensor_names(tmp_path / "to") == set(base())
    assert not (tmp_path / "to.building").exists()


def test_the_same_delta_is_the_same_bytes(tmp_path: Path) -> None:
    assert lora(tmp_path / "a", 1).read_bytes() == lora(tmp_path / "b", 1).read_bytes()
    save_full_delta(tmp_path / "c", base())
    save_full_delta(tmp_path / "d", dict(reversed(base().items())))
    assert (tmp_path / "c").read_bytes() == (tmp_path / "d").read_bytes()


def test_a_full_delta_replaces_every_tensor(tmp_path: Path) -> None:
    trained = {name: tensor + 1 for name, tensor in base().items()}
    save_full_delta(tmp_path / "d", trained)
    child = apply_delta(base() | {"lm_head.weight": random(3, 3, seed=1)}, tmp_path / "d")
    assert all(torch.equal(child[name], tensor) for name, tensor in trained.items())


def test_deltas_that_do_not_fit_are_damage(tmp_path: Path) -> None:
    save_lora_delta(tmp_path / "shape", {"model.b": (random(4, 32, seed=1), random(48, 4, seed=2))}, 1.0)
    save_file(
        {"model.a.lora_A": random(4, 32, seed=1)}, tmp_path / "half", metadata={"luna": '{"kind":"lora","scale":1}'}
    )
    save_file({"x": random(2, seed=1)}, tmp_path / "unlabelled")
    save_full_delta(tmp_path / "fewer", {"norm": random(32, seed=1)})
    save_full_delta(tmp_path / "more", base() | {"extra": random(1, seed=1)})
    save_full_delta(tmp_path / "other", base() | {"norm": random(31, seed=1)})
    (tmp_path / "garbage").write_bytes(b"\x08\0\0\0\0\0\0\0notjson!")
    (tmp_path / "cut").write_bytes(lora(tmp_path / "whole", 3).read_bytes()[:-7])
    lora(tmp_path / "name", 3, name="model.z")
    names = ("shape", "half", "unlabelled", "fewer", "more", "other", "garbage", "cut", "name", "missing")
    for name in names:
        with pytest.raises(Damaged) as raised:
            apply_delta(base(), tmp_path / name)
        assert str(tmp_path / name) in str(raised.value)


def test_shards_are_read_by_their_index_and_nothing_else(tmp_path: Path) -> None:
    write_weights({"one": random(2, seed=1)}, tmp_path / "model-1.safetensors")
    write_weights({"two": random(2, seed=2).half()}, tmp_path / "model-2.safetensors")
    write_weights({"stray": random(2, seed=3)}, tmp_path / "consolidated.safetensors")
    index = {"weight_map": {"one": "model-1.safetensors", "two": "model-2.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    loaded = load_weights(tmp_path)
    assert loaded.keys() == {"one", "two"}
    assert torch.equal(loaded["two"], random(2, seed=2).half().float())
    (tmp_path / "model-2.safetensors").unlink()
    with pytest.raises(Damaged) as raised:
        load_weights(tmp_path)
    assert "model-2.safetensors" in str(raised.value)


def test_directories_without_usable_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        load_weights(tmp_path)
    assert "no *.safetensors" in str(raised.value)
    save_file({"packed": torch.zeros(4, dtype=torch.uint8)}, tmp_path / "model.safetensors")
    with pytest.raises(UsageError) as raised:
        load_weights(tmp_path)
    assert "torch.uint8" in str(raised.value)
