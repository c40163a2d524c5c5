"""A study on the tiny model: the same lineage with another seed, everything in one run, and what both know."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tiny_workspace import TinyWorkspace

from engine.core.cancellation import Control
from engine.core.errors import UsageError
from engine.experiments.study.arms import Arm, make_arms, next_request, steps_for
from engine.experiments.study.evaluate_arms import Answers, evaluate_arm, evaluate_base
from engine.experiments.study.study_file import read_study, write_study
from engine.experiments.study.training_specs import TrainingSpec, training_specs_of
from engine.training.device import device_name, resolve_precision
from ledger.verify import verify

pytestmark = pytest.mark.slow


def nothing(*_: object) -> None:
    """Progress nobody watches."""


def lessons_at_head(tiny: TinyWorkspace) -> list[TrainingSpec]:
    lineage = tiny.workspace.lineage()
    assert lineage.head is not None
    return training_specs_of(tiny.workspace, tiny.config(), lineage, lineage.head)


def teach(arm: Arm, lessons: list[TrainingSpec], log: Path) -> TinyWorkspace:
    side = TinyWorkspace(arm.workspace.root)
    while (request := next_request(arm, lessons, log)) is not None:
        before = len(side.shas())
        fields = {name: getattr(request, name) for name in request.__slots__}
        outcome = side.train(**fields)
        assert len(side.shas()) == before + 1, [(event.reasons, event.error) for event in outcome.finished]
    return side


def ids(path: Path) -> list[str]:
    return [json.loads(line)["id"] for line in path.read_text(encoding="utf-8").split("\n") if line]


@pytest.fixture(scope="module")
def studied(lineage: TinyWorkspace, tmp_path_factory: pytest.TempPathFactory) -> tuple[TinyWorkspace, list[Arm]]:
    tiny = lineage.copy_to(tmp_path_factory.mktemp("study") / "tiny")
    lessons = lessons_at_head(tiny)
    arms = make_arms(tiny.workspace, tiny.config(), lessons, [0, 1])
    for arm in arms:
        teach(arm, lessons, tiny.root / "study.log")
    return tiny, arms


def test_the_lineage_itself_is_the_arm_of_its_seed(studied: tuple[TinyWorkspace, list[Arm]]) -> None:
    tiny, arms = studied
    assert [(arm.kind, arm.seed, arm.own) for arm in arms] == [
        ("micro", 0, True),
        ("micro", 1, False),
        ("one-shot", 0, False),
        ("one-shot", 1, False),
    ]
    assert arms[0].workspace.root == tiny.root


def test_a_replica_learns_the_same_rows_in_the_same_generations_with_another_seed(
    studied: tuple[TinyWorkspace, list[Arm]],
) -> None:
    tiny, arms = studied
    replica = TinyWorkspace(arms[1].workspace.root)
    ours, theirs = tiny.workspace.ledger.read(), replica.workspace.ledger.read()
    assert [row.data_delta_sha for row in theirs] == [row.data_delta_sha for row in ours]
    assert [row.steps for row in theirs] == [row.steps for row in ours]
    assert not set(replica.shas()) & set(tiny.shas())
    for gen in range(4):
        assert replica.lines(gen, "exam.jsonl") == tiny.lines(gen, "exam.jsonl")


def test_one_shot_learns_every_row_and_never_an_exam(studied: tuple[TinyWorkspace, list[Arm]]) -> None:
    tiny, arms = studied
    one = arms[2].workspace.generation(0) / "data"
    generations = [tiny.workspace.generation(gen) / "data" for gen in range(4)]
    held = {item for data in generations for item in ids(data / "holdout.jsonl")}
    new = {item for data in generations for item in ids(data / "new.jsonl")}
    assert set(ids(one / "holdout.jsonl")) == held
    assert set(ids(one / "train.jsonl")) == new - held


def test_one_shot_spends_the_same_trained_tokens(studied: tuple[TinyWorkspace, list[Arm]]) -> None:
    tiny, arms = studied
    spent = sum(lesson.trained_tokens for lesson in lessons_at_head(tiny))
    lines = TinyWorkspace(arms[2].workspace.root).lines(0, "metrics.jsonl")
    assert sum(line["trained_tokens"] for line in lines) == pytest.approx(spent, rel=0.01)


def test_everyone_sits_the_same_exams_and_the_end_is_written_down(studied: tuple[TinyWorkspace, list[Arm]]) -> None:
    tiny, arms = studied
    lessons = lessons_at_head(tiny)
    control = Control()
    answers: dict[str, Answers] = {
        arm.name: evaluate_arm(arm, lessons, progress=nothing, control=control) for arm in arms
    }
    base = evaluate_base(tiny.workspace, arms[0], lessons, progress=nothing, control=control)
    asked = {lesson.gen: {item.id for item in lesson.exam} for lesson in lessons}
    for answer in (*answers.values(), base):
        assert {gen: set(exam) for gen, exam in answer.exams.items()} == asked
    study = write_study(tiny.workspace, tiny.config(), lessons, arms, answers, base)
    assert read_study(tiny.workspace) == json.loads(json.dumps(study))
    assert str(tiny.root) not in json.dumps(study), "a study can be published"
    made = {(gen["device"], gen["precision"], gen["threads"]) for arm in study["arms"] for gen in arm["generations"]}
    assert made == {(device_name(), resolve_precision(tiny.config().train.precision), 1)}
    assert study["conclusion"]["verdict"] in ("supported", "refuted", "undecided")
    assert study["conclusion"]["all"]["difference"]["n"] == sum(len(exam) for exam in asked.values())
    # What was recorded when the lineage was judged is what the study says of it.
    row = tiny.workspace.ledger.read()[3]
    own = study["arms"][0]["exams"]["3"]["value"]
    assert own == pytest.approx(row.eval_generalization, abs=1e-6)


def test_asked_twice_no_model_is_loaded_again(
    studied: tuple[TinyWorkspace, list[Arm]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, arms = studied
    lessons = lessons_at_head(studied[0])
    first = evaluate_arm(arms[2], lessons, progress=nothing, control=Control())

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr("engine.evaluation.result_cache.Runtime", refuse)
    assert evaluate_arm(arms[2], lessons, progress=nothing, control=Control()) == first


def test_the_lineage_is_not_touched(studied: tuple[TinyWorkspace, list[Arm]], lineage: TinyWorkspace) -> None:
    tiny, arms = studied
    assert tiny.shas() == lineage.shas()
    for arm in arms:
        assert verify(arm.workspace.models).ok


def test_a_study_can_be_moved(studied: tuple[TinyWorkspace, list[Arm]], tmp_path: Path) -> None:
    tiny, _ = studied
    moved = TinyWorkspace(tmp_path / "moved")
    shutil.copytree(tiny.root, moved.root)
    lessons = lessons_at_head(moved)
    for arm in make_arms(moved.workspace, moved.config(), lessons, [0, 1]):
        assert next_request(arm, lessons, tmp_path / "log") is None


def test_what_is_trained_and_asked_needs_no_weights_again(
    studied: tuple[TinyWorkspace, list[Arm]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny, arms = studied
    lessons = lessons_at_head(tiny)
    first = [evaluate_arm(arm, lessons, progress=nothing, control=Control()) for arm in arms]
    brought = TinyWorkspace(tmp_path / "brought")
    shutil.copytree(tiny.root, brought.root, ignore=shutil.ignore_patterns("*.gguf", "*.safetensors", "cache"))

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr("engine.evaluation.result_cache.Runtime", refuse)
    again = lessons_at_head(brought)
    assert again == lessons
    for arm, answers in zip(make_arms(brought.workspace, brought.config(), again, [0, 1]), first, strict=True):
        assert next_request(arm, again, tmp_path / "log") is None
        assert evaluate_arm(arm, again, progress=nothing, control=Control()) == answers


def test_an_interrupted_arm_is_resumed(evolved: TinyWorkspace, tmp_path: Path) -> None:
    from engine.core.events import TrainStep

    lessons = lessons_at_head(evolved)
    arm = make_arms(evolved.workspace, evolved.config(), lessons, [0, 1])[1]
    side = TinyWorkspace(arm.workspace.root)
    request = next_request(arm, lessons, tmp_path / "log")
    assert request is not None
    fields = {name: getattr(request, name) for name in request.__slots__}
    outcome = side.stop_at(lambda event: isinstance(event, TrainStep) and event.step == 10, **fields)
    assert outcome.exit_code == 130
    following = next_request(arm, lessons, tmp_path / "log")
    assert following is not None
    assert following.resume


def test_another_recipe_is_no_replica(evolved: TinyWorkspace) -> None:
    lineage = evolved.workspace.lineage()
    config = evolved.config({"train.converse.lr": 0.005})
    with pytest.raises(UsageError, match="G2 was trained with lr"):
        training_specs_of(evolved.workspace, config, lineage, 3)


def test_one_seed_says_nothing_about_chance(evolved: TinyWorkspace) -> None:
    for seeds in ([0], [], [1, 1]):
        with pytest.raises(UsageError, match="at least two different seeds"):
            make_arms(evolved.workspace, evolved.config(), lessons_at_head(evolved), seeds)


def test_another_studys_folder_is_refused(evolved: TinyWorkspace, tmp_path: Path) -> None:
    lessons = lessons_at_head(evolved)
    arm = make_arms(evolved.workspace, evolved.config(), lessons, [0, 1])[1]
    assert TinyWorkspace(arm.workspace.root).train(phase="converse").exit_code == 0
    with pytest.raises(UsageError, match="another study"):
        next_request(arm, lessons, tmp_path / "log")


def test_steps_come_nearest_to_the_tokens_wanted() -> None:
    assert steps_for(100, [10] * 10, batch_size=5) == 2
    assert steps_for(104, [10] * 10, batch_size=5) == 2
    assert steps_for(140, [10] * 10, batch_size=5) == 3
    assert steps_for(100, [10] * 10, batch_size=5, accumulation=2) == 1
    assert steps_for(200, [10] * 8, batch_size=5) == 5, "a pass of eight ends with a batch of three"
    assert steps_for(200, [10] * 8, batch_size=5, joined_passes=True) == 4
    assert steps_for(135, [10] * 7, batch_size=5) == 4, "a pass ends with a short batch: 50, 20, 50, 20"
    assert steps_for(1, [10] * 7, batch_size=5) == 1
