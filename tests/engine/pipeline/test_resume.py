"""A run that was stopped goes on where it was, and ends as if it had never been stopped."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from tiny_workspace import TinyWorkspace

from engine.core.cpu import cpu_fact
from engine.core.events import (
    CheckpointSaved,
    Event,
    Examined,
    Progress,
    RunFinished,
    RunStarted,
    StepChanged,
    TrainStep,
)
from engine.core.journal import read_journal
from engine.pipeline import resume
from engine.pipeline.rollback import rollback
from engine.training import device
from engine.training.device import device_name
from engine.workspace.runs import Run, list_runs, unfinished_run
from engine.workspace.verify import verify_workspace
from probes.examine import PARTS

pytestmark = pytest.mark.slow

Wanted = Callable[[Event], bool]


def step_begins(step: str) -> Wanted:
    return lambda event: isinstance(event, StepChanged) and event.step == step


def after_step(step: int) -> Wanted:
    return lambda event: isinstance(event, TrainStep) and event.step == step


MOMENTS: dict[str, tuple[Wanted, tuple[str, ...]]] = {
    "before the model is loaded": (step_begins("train"), ("prepare",)),
    "at the first step": (after_step(1), ("prepare",)),
    "between two checkpoints": (after_step(11), ("prepare",)),
    "at the last step": (after_step(40), ("prepare", "train")),
    "while the GGUF is written": (step_begins("export"), ("prepare", "train")),
    "in the middle of the exam": (
        lambda event: isinstance(event, Progress) and event.label in PARTS and event.done < event.total,
        ("prepare", "train", "export"),
    ),
    "before the verdict": (lambda event: isinstance(event, Examined), ("prepare", "train", "export", "examine")),
}


@pytest.mark.both_formats
@pytest.mark.parametrize("moment", MOMENTS)
def test_stopped_and_resumed_is_the_same_generation(tiny: TinyWorkspace, lineage: TinyWorkspace, moment: str) -> None:
    wanted, done = MOMENTS[moment]
    stopped = tiny.stop_at(wanted)
    assert stopped.exit_code == 130
    assert tiny.last.verdict == "interrupted"
    assert tiny.last.hint == "go on with: luna-tui train --resume"
    assert tiny.workspace.ledger.read() == []
    assert tiny.workspace.head.current() is None
    assert not tiny.workspace.gguf(0).exists(), "nothing is half recorded"
    assert verify_workspace(tiny.workspace).ok
    run = unfinished_run(tiny.workspace)
    assert run is not None
    assert run.state().done == done
    assert run.state().status == "interrupted"
    before = run.state().seconds

    assert tiny.train(resume=True).exit_code == 0
    assert tiny.of(RunStarted)[0].resumed
    assert tiny.shas() == lineage.shas()[:1]
    assert verify_workspace(tiny.workspace).ok
    assert tiny.runs() == [run.run_id]
    assert not tiny.of(TrainStep) or "train" not in done, "what was trained is not trained again"
    walltime = tiny.workspace.ledger.read()[0].walltime_min * 60
    assert walltime >= before - 0.03, "time is counted over all sessions"
    assert unfinished_run(tiny.workspace) is None
    steps = [line["step"] for line in tiny.lines(0, "data/fed.jsonl")]
    assert steps == list(range(1, 41)), "each step once, whatever was run again"


def test_stopped_while_preparing_leaves_nothing(tiny: TinyWorkspace, lineage: TinyWorkspace) -> None:
    assert tiny.stop_at(step_begins("prepare")).exit_code == 130
    assert tiny.last.hint == "nothing was begun; again: luna-tui train"
    assert tiny.runs() == []
    assert not list((tiny.workspace.models / "generations").glob("*"))
    assert tiny.train(resume=True).exit_code == 2
    assert "no unfinished run" in tiny.last.error
    assert tiny.train().exit_code == 0
    assert tiny.shas() == lineage.shas()[:1]


def test_stopped_while_the_base_is_made(tiny: TinyWorkspace) -> None:
    stopped = tiny.stop_at(lambda event: isinstance(event, Progress))
    assert stopped.exit_code == 130
    assert tiny.last.gen is None
    assert tiny.runs() == []
    assert tiny.train().exit_code == 0


@pytest.mark.both_formats
def test_a_resume_starts_from_the_last_checkpoint(tiny: TinyWorkspace) -> None:
    tiny.stop_at(after_step(11))
    assert [event.step for event in tiny.of(CheckpointSaved)] == [8, 12], "a stop seals the step it stops after"
    tiny.train(resume=True)
    assert [event.step for event in tiny.of(TrainStep)] == list(range(13, 41))
    run = Run.at(tiny.workspace, tiny.runs()[0])
    told = list(read_journal(run.journal))
    assert [event.seq for event in told] == list(range(len(told))), "one journal, no gap between its sessions"
    assert [event.resumed for event in told if isinstance(event, RunStarted)] == [False, True]
    assert [event.verdict for event in told if isinstance(event, RunFinished)] == ["interrupted", "accepted"]


@pytest.mark.both_formats
def test_a_damaged_checkpoint_is_not_trusted(tiny: TinyWorkspace, lineage: TinyWorkspace) -> None:
    tiny.stop_at(after_step(19))
    run = unfinished_run(tiny.workspace)
    assert run is not None
    newest = run.work / "checkpoints" / "checkpoint-20"
    victim = max((path for path in newest.iterdir()), key=lambda path: path.stat().st_size)
    victim.write_bytes(victim.read_bytes()[:-10])
    assert tiny.train(resume=True).exit_code == 0
    assert tiny.of(TrainStep)[0].step == 17
    assert tiny.shas() == lineage.shas()[:1]


def test_a_new_run_leaves_the_unfinished_one_alone(tiny: TinyWorkspace) -> None:
    tiny.stop_at(after_step(3))
    left = tiny.runs()[0]
    assert tiny.train().exit_code == 0
    assert any("is left as it is" in event.text for event in tiny.events if hasattr(event, "text"))
    assert len(tiny.runs()) == 2
    assert tiny.train(resume=True).exit_code == 2, f"G0 is recorded by the other run, so {left} has nothing to give"


def test_a_resume_goes_on_from_its_own_parent(evolved: TinyWorkspace) -> None:
    evolved.stop_at(after_step(5))
    rollback(evolved.workspace, "1", reason="")
    assert evolved.train(resume=True).exit_code == 0
    assert any("HEAD has moved" in event.text for event in evolved.events if hasattr(event, "text"))
    assert evolved.workspace.lineage().parent_gen(4) == 3


def stopped_workspace(tiny: TinyWorkspace) -> TinyWorkspace:
    assert tiny.stop_at(step_begins("train")).exit_code == 130
    return tiny


def refused(tiny: TinyWorkspace, words: str) -> None:
    """The last request was bad input, said so, and hurt nothing."""
    assert tiny.last.exit_code == 2
    assert words in tiny.last.error, tiny.last.error
    assert tiny.last.hint
    assert unfinished_run(tiny.workspace) is not None


def test_other_packages_are_refused(tiny: TinyWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped_workspace(tiny)
    versions = resume.package_versions("trl")
    monkeypatch.setattr(resume, "package_versions", lambda _backend: versions | {"torch": "9.9"})
    tiny.train(resume=True)
    refused(tiny, f"torch {versions['torch']} → 9.9")
    monkeypatch.undo()
    assert tiny.train(resume=True).exit_code == 0


def on_a_machine_with(monkeypatch: pytest.MonkeyPatch, **facts: str) -> None:
    """Let the processor be another one than it is, for all that asks which it is."""
    monkeypatch.setattr(device, "cpu_fact", lambda name: facts.get(name) or cpu_fact(name))


def recorded(tiny: TinyWorkspace) -> dict[str, str]:
    """What G0's manifest says of the arithmetic it was trained with."""
    manifest = tiny.workspace.manifest(0)
    assert manifest is not None
    return {name: manifest.versions[name] for name in ("device", "precision")}


@pytest.mark.both_formats
def test_a_machine_of_another_maker_is_refused(
    tiny: TinyWorkspace, monkeypatch: pytest.MonkeyPatch, number_format: str
) -> None:
    stopped_workspace(tiny)
    here = device_name()
    on_a_machine_with(monkeypatch, vendor_id="AnotherMaker")
    tiny.train(resume=True)
    other = device_name()
    assert other != here
    refused(tiny, f"this machine rounds otherwise than the one this run began on (device {here} → {other})")
    monkeypatch.undo()
    assert tiny.train(resume=True).exit_code == 0
    assert recorded(tiny) == {"device": here, "precision": number_format}


WITH_BF16, WITHOUT = "sse2 avx2 avx512_bf16", "sse2 avx2"


@pytest.mark.parametrize(
    ("began", "goes_on", "told"),
    [(WITH_BF16, WITHOUT, "precision bf16 → fp32"), (WITHOUT, WITH_BF16, "precision fp32 → bf16")],
    ids=["bf16 first", "fp32 first"],
)
def test_a_machine_that_chooses_another_number_format_is_refused(
    tiny: TinyWorkspace, monkeypatch: pytest.MonkeyPatch, began: str, goes_on: str, told: str
) -> None:
    toml = tiny.root / "luna.toml"
    toml.write_text(re.sub(r'precision = "\w+"', 'precision = "auto"', toml.read_text()))
    on_a_machine_with(monkeypatch, flags=began)
    stopped_workspace(tiny)
    on_a_machine_with(monkeypatch, flags=goes_on)
    tiny.train(resume=True)
    refused(tiny, f"this machine rounds otherwise than the one this run began on ({told})")
    on_a_machine_with(monkeypatch, flags=began)
    assert tiny.train(resume=True).exit_code == 0
    assert recorded(tiny)["precision"] == told.split()[1]


@pytest.mark.both_formats
@pytest.mark.parametrize("flags", [WITH_BF16, WITHOUT], ids=["with bf16", "without"])
def test_a_number_format_that_was_asked_for_goes_on_on_any_machine(
    tiny: TinyWorkspace, monkeypatch: pytest.MonkeyPatch, number_format: str, flags: str
) -> None:
    stopped_workspace(tiny)
    on_a_machine_with(monkeypatch, flags=flags)
    assert tiny.train(resume=True).exit_code == 0
    assert recorded(tiny)["precision"] == number_format


def test_a_run_from_before_machines_were_recorded_goes_on(tiny: TinyWorkspace) -> None:
    stopped_workspace(tiny)
    run = unfinished_run(tiny.workspace)
    assert run is not None
    plan = json.loads(run.plan.read_text(encoding="utf-8"))
    for name in ("device", "precision"):
        del plan["versions"][name]
    run.plan.write_text(json.dumps(plan), encoding="utf-8")
    assert tiny.train(resume=True).exit_code == 0


def test_a_run_whose_training_summed_in_another_order_is_refused(tiny: TinyWorkspace) -> None:
    stopped_workspace(tiny)
    run = unfinished_run(tiny.workspace)
    assert run is not None
    plan = json.loads(run.plan.read_text(encoding="utf-8"))
    now = plan["versions"].pop("order of sums")
    run.plan.write_text(json.dumps(plan), encoding="utf-8")
    tiny.train(resume=True)
    refused(tiny, f"order of sums absent → {now}")


def test_other_threads_are_refused(tiny: TinyWorkspace) -> None:
    stopped_workspace(tiny).train(resume=True, overrides={"train.threads": 2})
    refused(tiny, "this run began with 1 threads, luna.toml now says 2")


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"steps": 9}, "--steps 40, not 9"),
        ({"seed": 3}, "--seed 0, not 3"),
        ({"phase": "converse"}, "--phase base, not converse"),
        ({"backend": "unsloth"}, "--backend trl, not unsloth"),
    ],
)
def test_other_wishes_are_refused(tiny: TinyWorkspace, wish: dict[str, object], words: str) -> None:
    stopped_workspace(tiny).train(resume=True, **wish)
    refused(tiny, words)


def test_repeating_what_the_run_does_is_no_other_wish(tiny: TinyWorkspace) -> None:
    stopped_workspace(tiny)
    assert tiny.train(resume=True, steps=40, seed=0, phase="base", backend="trl", parent="base").exit_code == 0


def test_a_run_whose_staging_is_gone(tiny: TinyWorkspace) -> None:
    stopped_workspace(tiny)
    run = unfinished_run(tiny.workspace)
    assert run is not None
    for path in sorted(run.staging.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    run.staging.rmdir()
    assert tiny.train(resume=True).exit_code == 4
    assert "prepared is gone" in tiny.last.error


def test_an_exported_gguf_that_was_changed_is_not_recorded(tiny: TinyWorkspace) -> None:
    tiny.stop_at(step_begins("examine"))
    run = unfinished_run(tiny.workspace)
    assert run is not None
    gguf = run.staging / "luna_age_0.gguf"
    gguf.write_bytes(gguf.read_bytes()[:-1] + b"\x7f")
    assert tiny.train(resume=True).exit_code == 4
    assert "changed since it was checked" in tiny.last.error
    assert tiny.workspace.ledger.read() == []


@pytest.mark.both_formats
def test_a_full_disk_is_said_and_the_run_goes_on_later(
    tiny: TinyWorkspace, lineage: TinyWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    from engine.core.journal import Journal

    write = Journal.__call__

    def full(journal: Journal, event: Event) -> None:
        if (isinstance(event, TrainStep) and event.step >= 10) or isinstance(event, RunFinished):
            raise OSError(errno.ENOSPC, "No space left on device", str(journal.path))
        write(journal, event)

    monkeypatch.setattr(Journal, "__call__", full)
    outcome = tiny.train()
    assert outcome.exit_code == 1
    assert "no space left on the disk" in tiny.last.error
    assert "luna-tui gc" in tiny.last.hint
    assert tiny.last.gen == 0
    monkeypatch.undo()
    assert tiny.train(resume=True).exit_code == 0
    assert tiny.shas() == lineage.shas()[:1]


def test_an_unexpected_error_keeps_its_traceback(tiny: TinyWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.pipeline.steps import export as step

    def broken(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("a tensor fell off")

    monkeypatch.setattr(step, "write_gguf", broken)
    assert tiny.train().exit_code == 1
    assert "unexpected RuntimeError: a tensor fell off" in tiny.last.error
    run = list_runs(tiny.workspace)[0][0]
    assert str(run.log) in tiny.last.hint
    assert "in broken" in run.log.read_text()
    monkeypatch.undo()
    assert tiny.train(resume=True).exit_code == 0
    assert not tiny.of(TrainStep), "it goes on with the export"


def test_an_old_unreadable_state_does_not_matter(tiny: TinyWorkspace) -> None:
    stopped_workspace(tiny)
    other = tiny.workspace.runs / "20200101-000000-G0"
    other.mkdir()
    (other / "state.json").write_text(json.dumps({"run_id": other.name, "gen": 0, "status": "asleep"}))
    assert tiny.train(resume=True).exit_code == 0
