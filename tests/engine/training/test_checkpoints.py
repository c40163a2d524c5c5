"""Checkpoints are trusted only whole, the feed log is cut back to them, and backends are chosen with clear words."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from training_jobs import make_examples, make_job, make_tiny_weights, run_trl, stop_after

from engine.core.errors import Damaged, LunaError, UsageError
from engine.training import backends
from engine.training import device as machine_module
from engine.training.batch_log import BatchLog, read_losses, start_end_losses
from engine.training.checkpoint import drop_unusable, newest_sealed, seal
from engine.training.device import device_name, resolve_precision, select_device


def make_checkpoint(directory: Path, step: int) -> Path:
    path = directory / f"checkpoint-{step}"
    path.mkdir(parents=True)
    (path / "trainer_state.json").write_text(json.dumps({"global_step": step}))
    (path / "weights.bin").write_bytes(bytes(range(100)))
    return path


def test_only_a_sealed_and_unchanged_checkpoint_counts(tmp_path: Path) -> None:
    for step in (5, 20, 100):
        seal(make_checkpoint(tmp_path, step))
    make_checkpoint(tmp_path, 120)
    assert newest_sealed(tmp_path) == tmp_path / "checkpoint-100"
    damaged = bytearray((tmp_path / "checkpoint-100" / "weights.bin").read_bytes())
    damaged[50] ^= 1
    (tmp_path / "checkpoint-100" / "weights.bin").write_bytes(damaged)
    assert newest_sealed(tmp_path) == tmp_path / "checkpoint-20"
    (tmp_path / "checkpoint-20" / "trainer_state.json").unlink()
    assert newest_sealed(tmp_path) == tmp_path / "checkpoint-5"
    (tmp_path / "checkpoint-5" / "luna_checkpoint.json").write_text("{}")
    assert newest_sealed(tmp_path) is None
    assert newest_sealed(tmp_path / "nowhere") is None


def test_later_checkpoints_than_the_one_resumed_from_are_dropped(tmp_path: Path) -> None:
    for step in (5, 20, 100):
        make_checkpoint(tmp_path, step)
    drop_unusable(tmp_path, tmp_path / "checkpoint-20")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["checkpoint-20", "checkpoint-5"]
    drop_unusable(tmp_path, None)
    assert not list(tmp_path.iterdir())


@pytest.mark.both_formats
def test_a_resume_falls_back_to_the_older_checkpoint_and_still_gives_the_same_bytes(tmp_path: Path) -> None:
    weights = make_tiny_weights(tmp_path)
    whole = make_job(weights, tmp_path / "whole", steps=6)
    run_trl(whole)
    job = make_job(weights, tmp_path / "parts", steps=6, checkpoint_every=2)
    control, listen = stop_after(4)
    run_trl(job, control, listen)
    checkpoints = job.work_dir / "checkpoints"
    optimizer = checkpoints / "checkpoint-4" / "optimizer.pt"
    optimizer.write_bytes(optimizer.read_bytes()[:-1] + b"x")
    usable = newest_sealed(checkpoints)
    assert usable == checkpoints / "checkpoint-2"
    assert run_trl(replace(job, resume_from=usable)).finished
    digests = [hashlib.sha256(j.delta_path.read_bytes()).hexdigest() for j in (whole, job)]
    assert digests[0] == digests[1]
    assert (job.work_dir / "fed.jsonl").read_text() == (whole.work_dir / "fed.jsonl").read_text()


def test_the_feed_log_is_cut_back_to_the_checkpoint(tmp_path: Path) -> None:
    log = BatchLog(tmp_path, make_examples(), 0)
    for step in (1, 2, 3):
        log.consume([step - 1], 4.0 * step, 2)
        log.finish_step(step, 1e-3, 0.5, 0.1)
    log.close()
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 4, "lo')
    again = BatchLog(tmp_path, make_examples(), 2)
    again.close()
    assert read_losses(tmp_path / "metrics.jsonl") == [2.0, 4.0]
    assert again.trained_tokens == 4
    assert len((tmp_path / "fed.jsonl").read_text().splitlines()) == 2


def test_a_feed_log_with_a_hole_before_the_checkpoint_is_damage(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"step": 1, "loss": 1.0, "trained_tokens": 3}\n')
    (tmp_path / "fed.jsonl").write_text('{"step": 1, "rows": []}\n')
    with pytest.raises(Damaged) as raised:
        BatchLog(tmp_path, make_examples(), 2)
    assert "fed.jsonl" in str(raised.value)
    assert "anew" in raised.value.hint


def test_the_ledgers_losses_are_means_of_the_first_and_last_ten_steps() -> None:
    losses = [float(n) for n in range(30)]
    assert start_end_losses(losses) == (4.5, 24.5)
    assert start_end_losses([3.0, 1.0]) == (2.0, 2.0)


def test_an_unknown_backend_is_refused_by_name() -> None:
    with pytest.raises(UsageError) as raised:
        backends.pick_backend("jax")
    assert "'jax'" in str(raised.value)
    assert "unsloth, trl" in raised.value.hint


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU machine prefers Unsloth")
def test_auto_is_trl_without_a_gpu() -> None:
    assert backends.pick_backend("auto").name == "trl"


@pytest.mark.parametrize("name", ["unsloth", "trl"])
def test_a_backend_that_does_not_import_says_why_and_what_to_do(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, f"engine.training.sft.{name}_backend", None)
    with pytest.raises(UsageError) as raised:
        backends.pick_backend(name)
    assert f"the {name} backend does not load here" in str(raised.value)
    assert raised.value.hint


@pytest.mark.slow
def test_status_of_the_backends_tells_versions_without_importing_them_here() -> None:
    code = "import json, sys; from engine.training.backends import backend_status as status; "
    code += "print(json.dumps([status(), 'trl' in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    status, imported = json.loads(done.stdout)
    assert not imported
    assert {s["name"] for s in status} == {"trl", "unsloth"}
    trl = next(s for s in status if s["name"] == "trl")
    assert trl["available"]
    assert trl["version"]


def test_trl_refuses_a_process_that_unsloth_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "unsloth", sys)
    with pytest.raises(LunaError) as raised:
        run_trl(make_job(tmp_path, tmp_path / "work"))
    assert "Unsloth" in str(raised.value)
    assert "start luna-tui again" in raised.value.hint


def test_the_asked_for_precision_and_threads_are_used() -> None:
    before = torch.get_num_threads()
    try:
        machine = select_device("fp32", 1)
        assert (machine.dtype, machine.threads, torch.get_num_threads()) == (torch.float32, 1, 1)
        assert select_device("bf16", 2).dtype is torch.bfloat16
        assert select_device("auto", 0).threads >= 1
    finally:
        torch.set_num_threads(before)


def test_auto_precision_is_bf16_where_the_processor_multiplies_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for flags, found in (
        ("sse2 avx2 amx_bf16", "bf16"),
        ("sse2 avx512_bf16", "bf16"),
        ("sse2 avx2", "fp32"),
        ("", "fp32"),
    ):
        monkeypatch.setattr(machine_module, "cpu_fact", lambda _name, flags=flags: flags)
        assert resolve_precision("auto") == found
        assert resolve_precision("fp32") == "fp32"
        assert resolve_precision("bf16") == "bf16"


def test_a_gpu_is_named_with_its_cuda_and_a_cpu_by_maker_and_simd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_module, "cpu_fact", lambda name: "AuthenticAMD" if name == "vendor_id" else "")
    assert device_name() == f"AuthenticAMD {torch.backends.cpu.get_cpu_capability()}"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H200")
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    assert device_name() == "NVIDIA H200, CUDA 13.0"
    assert resolve_precision("auto") == "bf16"
