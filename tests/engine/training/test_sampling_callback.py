"""The model in training is asked pinned prompts: real trainings of a tiny model, whose weights must not notice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_models import EOS
from training_jobs import Control, make_job, make_tiny_weights, run_trl

from engine.core.events import Event, LogLine, TrainStep, VoiceSampled
from engine.training.job import TrainJob, VoicePlan
from engine.training.sft.sampling_callback import SamplingCallback


def words(answers: Sequence[Sequence[int]]) -> list[str]:
    return ["\n" + " ".join(map(str, ids)) for ids in answers]


# A tiny model's steps are so short that the real budget would never have room.
PLAN = VoicePlan({"help?": (5, 6, 7), "who?": (9,)}, every_steps=2, budget=0.5, max_tokens=3, eos_id=EOS, decode=words)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_weights(tmp_path_factory.mktemp("base"))


def trained(job: TrainJob) -> tuple[str, list[Event], Any]:
    events: list[Event] = []
    result = run_trl(job, on_event=events.append)
    assert result.finished
    return hashlib.sha256(job.delta_path.read_bytes()).hexdigest(), events, result


def voices(events: list[Event]) -> list[VoiceSampled]:
    return [event for event in events if isinstance(event, VoiceSampled)]


@pytest.mark.quiet
@pytest.mark.both_formats
@pytest.mark.parametrize("method", ["lora", "full"])
def test_the_weights_are_the_same_bytes_with_and_without(weights: Path, tmp_path: Path, method: str) -> None:
    silent, none, _ = trained(make_job(weights, tmp_path / "silent", steps=40, method=method))
    job = replace(make_job(weights, tmp_path / "asked", steps=40, method=method), voice=PLAN)
    asked, events, _ = trained(job)
    assert voices(none) == []
    assert len(voices(events)) >= 2
    assert asked == silent


@pytest.mark.quiet
@pytest.mark.both_formats
def test_the_answers_are_those_of_the_model_at_that_step(weights: Path, tmp_path: Path) -> None:
    job = replace(make_job(weights, tmp_path, steps=40), voice=PLAN)
    _, events, result = trained(job)
    told = voices(events)
    assert {voice.prompt for voice in told} == {"help?", "who?"}
    assert all(voice.step % 2 == 0 and voice.stop_reason in ("eos", "length", "budget") for voice in told)
    after = [i for i, event in enumerate(events) if isinstance(event, VoiceSampled)]
    steps = [event.step for event in events[: after[0]] if isinstance(event, TrainStep)]
    assert steps[-1] == told[0].step, "an answer comes right after its step's numbers"
    assert result.seconds > 0


@pytest.mark.parametrize("joined", [True, False])
def test_answers_are_the_likeliest_tokens_of_each_prompt_alone_whatever_was_guessed(
    weights: Path, joined: bool
) -> None:
    from transformers import AutoModelForCausalLM

    from engine.training.device import select_device
    from engine.training.sft import block_diagonal_attention

    block_diagonal_attention.register()
    kind = block_diagonal_attention.NAME if joined else "sdpa"
    model: Any = AutoModelForCausalLM.from_pretrained(weights, dtype=torch.float32, attn_implementation=kind)
    plain: Any = AutoModelForCausalLM.from_pretrained(weights, dtype=torch.float32)
    voice = _voice(PLAN, model, joined=joined, machine=select_device("fp32", 2))
    sequences = [[5, 6, 7, 8, 9], [11], [42, 7, 300]]
    alone = [int(plain(torch.tensor([ids])).logits[0, -1].argmax()) for ids in sequences]
    assert [choice[-1] for choice in voice._choices(sequences, [1, 1, 1])] == alone
    slowly = [list(ids) for ids in sequences]
    for _ in range(4):
        slowly = [ids + next_one for ids, next_one in zip(slowly, voice._following(slowly, [[], [], []]), strict=True)]
    answers = [ids[-4:] for ids in slowly]
    right, half, wrong = answers[0][:3], [*answers[1][:1], 499], [499]
    quickly = voice._following(sequences, [right, half, wrong])
    assert quickly == [answers[0], answers[1][:2], answers[2][:1]], "a guess changes how fast, never what"


def _voice(plan: VoicePlan, model: Any, *, joined: bool = False, machine: Any = None, **more: Any) -> SamplingCallback:
    emit = more.get("emit")
    return SamplingCallback(
        plan,
        model,
        machine,
        emit or FakeEmit(),
        more.get("control", Control()),
        joined=joined,
        autocast=False,
    )


class FakeEmit:
    def __init__(self) -> None:
        self.told: list[tuple[Any, dict[str, Any]]] = []

    def __call__(self, kind: Any, **fields: Any) -> None:
        self.told.append((kind, fields))

    def log(self, text: str, level: str) -> None:
        self.told.append((LogLine, {"text": text, "level": level}))


class FakeModel:
    training = True

    def eval(self) -> None:
        self.training = False

    def train(self, mode: bool) -> None:
        self.training = mode


def asked_with(
    next_ids: Callable[[Sequence[list[int]]], list[int]], plan: VoicePlan = PLAN
) -> tuple[SamplingCallback, FakeEmit]:
    emit = FakeEmit()
    voice = _voice(plan, FakeModel(), emit=emit)
    voice._following = lambda known, guesses: [[token] for token in next_ids(known)]  # type: ignore[method-assign]
    return voice, emit


def test_an_answer_ends_at_eos_or_at_its_limit() -> None:
    tokens = iter([[21, EOS], [22], [23], [24]])
    voice, emit = asked_with(lambda sequences: next(tokens))
    voice.after_step(1, 100.0)
    voice.after_step(2, 1.0)
    assert [fields["text"] for _, fields in emit.told] == ["21 22 23", ""]
    assert [fields["stop_reason"] for _, fields in emit.told] == ["length", "eos"]


def test_only_every_so_many_steps_and_only_with_room_in_the_budget() -> None:
    voice, emit = asked_with(lambda sequences: [EOS] * len(sequences), VoicePlan({"a": (1,)}, 10, 0.02, 3, EOS, words))
    for step in range(1, 60):
        voice.after_step(step, 1.0)
    # The first is expected to take a step's time, which the budget has after fifty.
    assert [fields["step"] for _, fields in emit.told] == [50]
    voice.after_step(60, 1.0)
    assert [fields["step"] for _, fields in emit.told] == [50, 60], "the second costs what the first did: nothing"


def test_an_expensive_answer_is_cut_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]

    def slow(sequences: Sequence[list[int]]) -> list[int]:
        clock[0] += 30.0
        return [1] * len(sequences)

    monkeypatch.setattr("engine.training.sft.sampling_callback.time.monotonic", lambda: clock[0])
    voice, emit = asked_with(slow, VoicePlan({"a": (1,)}, 1, 0.02, 24, EOS, words))
    voice.after_step(1, 2000.0)  # 40 s are allowed; as much as this step would be more
    assert emit.told == []
    for step in range(2, 102):
        voice.after_step(step, 10.0)
        if emit.told:
            break
    assert [fields["stop_reason"] for _, fields in emit.told] == ["budget"]
    assert voice.seconds == 60.0, "cut after the token that ran over"
    before = len(emit.told)
    voice.after_step(step + 1, 10.0)
    assert len(emit.told) == before, "no more until the budget has room for as much again"


def test_a_failure_is_told_once_and_training_goes_on() -> None:
    def broken(sequences: Sequence[list[int]]) -> list[int]:
        raise RuntimeError("no such head")

    voice, emit = asked_with(broken)
    voice.after_step(1, 100.0)
    for step in (2, 4, 6):
        voice.after_step(step, 1.0)
    assert [kind for kind, _ in emit.told] == [LogLine]
    assert "no such head" in emit.told[0][1]["text"]
    assert voice._model.training is True, "what had begun training goes on training"


def test_a_wish_to_stop_comes_before_the_voice() -> None:
    control = Control()
    emit = FakeEmit()
    voice = _voice(PLAN, FakeModel(), emit=emit, control=control)
    voice._following = lambda known, guesses: [[1] for _ in known]  # type: ignore[method-assign]
    control.stop()
    voice.after_step(1, 100.0)
    voice.after_step(2, 1.0)
    assert emit.told == []
