"""Real trainings of a tiny model with the trl backend: what is fed, what is written down, what comes out."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from training_jobs import Control, make_job, make_tiny_weights, run_trl, stop_after

from engine.core.errors import LunaError, UsageError
from engine.core.events import Event, TrainStep
from engine.gguf.weights import apply_delta, load_weights
from engine.training.job import TrainJob


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_weights(tmp_path_factory.mktemp("base"))


def sha(job: TrainJob) -> str:
    return hashlib.sha256(job.delta_path.read_bytes()).hexdigest()


def fed(job: TrainJob) -> list[list[str]]:
    return [json.loads(line)["rows"] for line in (job.work_dir / "fed.jsonl").read_text().splitlines()]


def metrics(job: TrainJob) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (job.work_dir / "metrics.jsonl").read_text().splitlines()]


# Seven rows in batches of two: the fourth batch of a pass is a single row.
PASS = [["row0", "row1"], ["row2", "row3"], ["row4", "row5"], ["row6"]]
PASS_OF_TWOS = [["row0", "row1", "row2", "row3"], ["row4", "row5", "row6"]]


def test_rows_are_fed_in_curriculum_order_again_and_again(weights: Path, tmp_path: Path) -> None:
    job = make_job(weights, tmp_path, steps=10)
    run_trl(job)
    assert fed(job) == [*PASS, *PASS, *PASS[:2]]


def test_accumulated_passes_are_fed_in_order_too(weights: Path, tmp_path: Path) -> None:
    job = make_job(weights, tmp_path, steps=5, accumulation=2)
    run_trl(job)
    assert fed(job) == [*PASS_OF_TWOS, *PASS_OF_TWOS, PASS_OF_TWOS[0]]


@pytest.mark.both_formats
@pytest.mark.parametrize("accumulation", [1, 2])
@pytest.mark.parametrize("method", ["lora", "full"])
def test_stopping_and_resuming_gives_the_bytes_of_an_uninterrupted_run(
    weights: Path, tmp_path: Path, method: str, accumulation: int
) -> None:
    whole = make_job(weights, tmp_path / "whole", steps=8, accumulation=accumulation, method=method)
    assert run_trl(whole).finished
    job = make_job(weights, tmp_path / "parts", steps=8, accumulation=accumulation, method=method)
    trained_tokens = 0
    for stop in (3, 5):
        control, listen = stop_after(stop)
        result = run_trl(job, control, listen)
        assert (result.finished, result.steps_done) == (False, stop)
        assert not job.delta_path.exists()
        job = replace(job, resume_from=job.work_dir / "checkpoints" / f"checkpoint-{stop}")
    result = run_trl(job)
    trained_tokens = sum(int(step["trained_tokens"]) for step in metrics(whole))
    assert (result.finished, result.steps_done, result.trained_tokens) == (True, 8, trained_tokens)
    assert sha(job) == sha(whole)
    assert fed(job) == fed(whole)
    assert [m["loss"] for m in metrics(job)] == [m["loss"] for m in metrics(whole)]
    assert [m["lr"] for m in metrics(job)] == [m["lr"] for m in metrics(whole)]


@pytest.mark.both_formats
def test_a_run_that_died_between_its_last_step_and_its_delta_only_writes_the_delta(
    weights: Path, tmp_path: Path
) -> None:
    job = make_job(weights, tmp_path, steps=3)
    run_trl(job)
    before = sha(job)
    job.delta_path.unlink()
    events: list[Event] = []
    result = run_trl(replace(job, resume_from=tmp_path / "checkpoints" / "checkpoint-3"), on_event=events.append)
    assert (result.finished, result.steps_done) == (True, 3)
    assert sha(job) == before
    assert not [e for e in events if isinstance(e, TrainStep)]


@pytest.mark.both_formats
def test_the_same_job_gives_the_same_bytes_and_another_seed_gives_others(weights: Path, tmp_path: Path) -> None:
    shas: list[str] = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        job = make_job(weights, tmp_path / name, steps=3, seed=seed)
        run_trl(job)
        shas.append(sha(job))
    assert shas[0] == shas[1]
    assert shas[0] != shas[2]


@pytest.mark.both_formats
@pytest.mark.parametrize("method", ["lora", "full"])
@pytest.mark.parametrize("phase", ["base", "align", "converse"])
def test_every_phase_and_method_leaves_a_delta_that_learnt_the_rows(
    weights: Path, tmp_path: Path, phase: str, method: str
) -> None:
    lr = 1e-2 if method == "lora" else 3e-3
    job = make_job(weights, tmp_path, phase=phase, method=method, steps=20, lr=lr)
    assert run_trl(job).finished
    losses = [step["loss"] for step in metrics(job)]
    assert sum(losses[-4:]) < 0.8 * sum(losses[:4])
    parent = load_weights(weights)
    child = apply_delta(parent, job.delta_path)
    changed = {name for name in child if not torch.equal(child[name], parent[name])}
    assert child.keys() == parent.keys()
    assert all(t.dtype is torch.float32 and bool(t.isfinite().all()) for t in child.values())
    if method == "lora":
        assert len(changed) == 14  # seven matrices in each of two layers: no embedding, no output matrix
        assert all("_proj" in name for name in changed)
    else:
        assert changed == child.keys()


def test_the_loss_is_the_mean_over_counted_tokens_whatever_the_accumulation(weights: Path, tmp_path: Path) -> None:
    losses: list[float] = []
    for batch_size, accumulation in ((4, 1), (2, 2), (1, 4)):
        job = make_job(weights, tmp_path / str(batch_size), steps=1, batch_size=batch_size, accumulation=accumulation)
        run_trl(job)
        (step,) = metrics(job)
        losses.append(step["loss"])
        # rows 0 and 2 count from their second token on; rows 1 and 3 mask two of theirs
        assert step["trained_tokens"] == (5 - 1) + (8 - 2) + (11 - 1) + (14 - 2)
        assert (step["tokens"], step["rows"]) == (5 + 8 + 11 + 14, 4)
        assert step["grad_norm"] > 0
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert losses[0] == pytest.approx(losses[2], rel=1e-5)
    assert losses[0] != round(losses[0], 4)


def test_gradients_do_not_depend_on_the_accumulation(weights: Path, tmp_path: Path) -> None:
    deltas: list[dict[str, torch.Tensor]] = []
    for batch_size, accumulation in ((4, 1), (1, 4)):
        job = make_job(weights, tmp_path / str(batch_size), steps=1, batch_size=batch_size, accumulation=accumulation)
        run_trl(job)
        deltas.append(tensors(job.delta_path))
    for name, tensor in deltas[0].items():
        assert torch.allclose(tensor, deltas[1][name], atol=2e-4), name


def test_each_step_is_told_with_its_numbers(weights: Path, tmp_path: Path) -> None:
    events: list[Event] = []
    job = make_job(weights, tmp_path, steps=5)
    run_trl(job, on_event=events.append)
    steps = [e for e in events if isinstance(e, TrainStep)]
    assert [(e.step, e.total) for e in steps] == [(n, 5) for n in range(1, 6)]
    assert [e.loss for e in steps] == [m["loss"] for m in metrics(job)]
    assert [e.stage for e in steps] == [
        "fundamentals",
        "fundamentals",
        "conversations",
        "conversations",
        "fundamentals",
    ]
    assert steps[3].epoch == 1.0
    assert steps[-1].eta_s == 0
    assert all(e.tokens_per_s > 0 and e.lr > 0 for e in steps)


@pytest.mark.both_formats
def test_numbers_that_are_not_finite_end_the_training_with_a_hint(weights: Path, tmp_path: Path) -> None:
    job = make_job(weights, tmp_path, steps=6, method="full", lr=1e30, warmup_ratio=0.0)
    with pytest.raises(LunaError) as raised:
        run_trl(job)
    assert "nan" in str(raised.value) or "inf" in str(raised.value)
    assert "learning rate" in raised.value.hint
    assert not job.delta_path.exists()


def test_an_architecture_without_joined_batches_trains_padded_and_is_exported_right(tmp_path: Path) -> None:
    """GPT-2 keeps its matrices transposed: what was trained must be what the delta adds."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel

    plain = make_tiny_weights(tmp_path)
    config = GPT2Config(vocab_size=512, n_positions=64, n_embd=32, n_layer=2, n_head=2)
    directory = tmp_path / "gpt2"
    GPT2LMHeadModel(config).save_pretrained(directory)
    names = {
        f"transformer.{k}" if not k.startswith("transformer.") else k: v for k, v in load_weights(directory).items()
    }
    from engine.gguf.weights import write_weights

    write_weights(names, directory / "model.safetensors")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (directory / name).write_bytes((plain / name).read_bytes())
    job = make_job(directory, tmp_path / "work", steps=12, lr=2e-2)
    run_trl(job)
    child = apply_delta(load_weights(directory), job.delta_path)
    plain_model = AutoModelForCausalLM.from_pretrained(directory)
    merged = PeftModel.from_pretrained(
        plain_model, tmp_path / "work" / "checkpoints" / "checkpoint-12"
    ).merge_and_unload()
    expected = merged.state_dict()
    changed = [name for name, tensor in load_weights(directory).items() if not torch.equal(tensor, child[name])]
    assert len(changed) == 8  # attention in and out, two of the MLP, in each of two layers
    for name, tensor in child.items():
        assert torch.allclose(tensor, expected[name], atol=1e-5), name
    assert len(fed(job)) == 12


def test_targets_that_are_no_layers_are_refused(weights: Path, tmp_path: Path) -> None:
    for targets, said in ((("q_prj",), "q_prj"), (("embed_tokens",), "not linear"), (("lm_head",), "lm_head")):
        with pytest.raises(UsageError) as raised:
            run_trl(make_job(weights, tmp_path / targets[0], targets=targets))
        assert said in str(raised.value)
        assert "all-linear" in raised.value.hint


def test_named_targets_are_the_only_ones_trained(weights: Path, tmp_path: Path) -> None:
    job = make_job(weights, tmp_path, targets=("q_proj", "v_proj"))
    run_trl(job)
    assert {name.split(".")[4] for name in tensors(job.delta_path)} == {"q_proj", "v_proj"}


@pytest.mark.both_formats
def test_training_says_nothing_on_stdout_and_stderr(
    weights: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    run_trl(make_job(weights, tmp_path))
    assert capfd.readouterr() == ("", "")


@pytest.mark.both_formats
def test_memory_comes_back_between_generations(weights: Path, tmp_path: Path) -> None:
    import gc

    counts: list[int] = []
    for n in range(3):
        run_trl(make_job(weights, tmp_path / str(n)))
        gc.collect()
        counts.append(sum(issubclass(type(o), torch.Tensor) for o in gc.get_objects()))
    assert counts[2] <= counts[0]


def tensors(path: Path) -> dict[str, torch.Tensor]:
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - safe_open is no mapping


def test_a_stop_asked_for_before_the_first_step_ends_after_it(weights: Path, tmp_path: Path) -> None:
    control = Control()
    control.stop()
    result = run_trl(make_job(weights, tmp_path), control)
    assert (result.finished, result.steps_done) == (False, 1)
    assert (tmp_path / "checkpoints" / "checkpoint-1" / "luna_checkpoint.json").exists()
