"""Rungs, cards and a rung's workspace: what is refused before anything is trained, and what makes a rung stale."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tiny_models import make_tiny_gguf
from tiny_workspace import make_template, write_rows

from engine.config.load import load_config
from engine.core.errors import LunaError, UsageError
from engine.evaluation.challenge_cards import read_cards
from engine.experiments.ladder.rung_workspace import RungWorkspace, open_side
from engine.experiments.ladder.rungs import folder_of, read_rungs
from engine.experiments.ladder.search import prepare_ladder
from engine.workspace.layout import Workspace

CARD = {"id": "c1", "kind": "lookup", "prompt": "What does clock do?", "expected": "time"}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_template(tmp_path_factory.mktemp("ladder") / "ws")
    make_tiny_gguf(root / "small.gguf", seed=5, vocabulary_size=400)
    write_rows(root / "challenge_cards.jsonl", [CARD])
    return root


@pytest.fixture
def workspace(template: Path, tmp_path: Path) -> Workspace:
    import shutil

    return Workspace.open(Path(shutil.copytree(template, tmp_path / "ws")))


def prepare(workspace: Workspace, *ladder: str, **values: Any) -> Any:
    overrides: dict[str, object] = {"model.ladder": ladder or ("base.gguf", "small.gguf"), **values}
    return prepare_ladder(workspace, load_config(workspace.root, overrides, env={}))


def refused(workspace: Workspace, *ladder: str) -> UsageError:
    with pytest.raises(UsageError) as error:
        prepare(workspace, *ladder)
    assert not (workspace.root / "ladder").exists(), "nothing was begun"
    return error.value


def test_the_smallest_rung_comes_first_whatever_the_order(workspace: Workspace) -> None:
    ladder = prepare(workspace)
    assert [rung.name for rung in ladder.rungs] == ["small.gguf", "base.gguf"]
    assert [rung.parameters for rung in ladder.rungs] == sorted(rung.parameters for rung in ladder.rungs)
    assert len(ladder.cards.cards) == 1


@pytest.mark.parametrize("ladder", [("base.gguf",), ()])
def test_a_ladder_with_one_rung_says_what_to_write(workspace: Workspace, ladder: tuple[str, ...]) -> None:
    config = load_config(workspace.root, {"model.ladder": ladder}, env={})
    with pytest.raises(UsageError, match="leads nowhere") as error:
        read_rungs(workspace, config)
    assert 'ladder = ["small.gguf", "smollm2-135m"]' in error.value.hint


@pytest.mark.parametrize("twin", ["base.gguf", "./base.gguf"])
def test_the_same_model_twice_is_no_ladder(workspace: Workspace, twin: str) -> None:
    assert "are the same model" in refused(workspace, "base.gguf", twin).title


def test_a_rung_that_cannot_be_found_is_named(workspace: Workspace) -> None:
    assert "the rung 'gone.gguf' cannot be used" in refused(workspace, "base.gguf", "gone.gguf").title


@pytest.mark.parametrize("content", [b"", b"no model", b"GGUF"])
def test_a_rung_that_is_no_gguf_is_named(workspace: Workspace, content: bytes) -> None:
    (workspace.root / "bad.gguf").write_bytes(content)
    error = refused(workspace, "base.gguf", "bad.gguf")
    assert "the rung 'bad.gguf' cannot be used" in error.title
    assert error.exit_code == 2


def test_a_truncated_rung_is_named(workspace: Workspace) -> None:
    data = (workspace.root / "base.gguf").read_bytes()
    (workspace.root / "half.gguf").write_bytes(data[: len(data) // 2])
    assert "the rung 'half.gguf' cannot be used" in refused(workspace, "small.gguf", "half.gguf").title


@pytest.mark.parametrize("config", [None, "{", "[]", '{"model_type": "llama"}'])
def test_a_directory_that_is_no_model_is_named(workspace: Workspace, config: str | None) -> None:
    folder = workspace.root / "hf-model"
    folder.mkdir()
    if config is not None:
        (folder / "config.json").write_text(config)
    assert "the rung 'hf-model' cannot be used" in refused(workspace, "base.gguf", "hf-model").title


def test_a_directory_is_sized_by_its_weight_files(workspace: Workspace) -> None:
    folder = workspace.root / "hf-model"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "llama"}')
    header = json.dumps({"__metadata__": {}, "w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(24))
    config = load_config(workspace.root, {"model.ladder": ("base.gguf", "hf-model")}, env={})
    assert [(rung.name, rung.kind) for rung in read_rungs(workspace, config)] == [
        ("hf-model", "hf"),
        ("base.gguf", "gguf"),
    ]
    (folder / "model.safetensors").write_bytes(b"\xff" * 40)
    assert "cannot be read" in refused(workspace, "base.gguf", "hf-model").title


def test_cards_that_are_not_there_are_missed_before_training(workspace: Workspace) -> None:
    (workspace.root / "challenge_cards.jsonl").unlink()
    error = refused(workspace)
    assert "there are no challenge cards" in error.title
    assert "[ladder] cards" in error.hint


def test_a_card_without_a_checkable_answer_is_named_with_file_and_line(workspace: Workspace) -> None:
    write_rows(workspace.root / "challenge_cards.jsonl", [CARD, {**CARD, "id": "c2", "expected": ""}])
    error = refused(workspace)
    assert error.where.endswith("challenge_cards.jsonl:2")
    assert "no checkable answer" in error.title


def test_several_bad_cards_are_told_at_once(workspace: Workspace) -> None:
    write_rows(workspace.root / "challenge_cards.jsonl", [{**CARD, "kind": str(n)} for n in range(7)])
    error = refused(workspace)
    assert "7 lines are no cards" in error.title
    assert "line 5: kind '4' is unknown" in error.title
    assert "2 more" in error.title


def test_cards_in_another_encoding_are_told(workspace: Workspace) -> None:
    (workspace.root / "challenge_cards.jsonl").write_bytes("Küche".encode("latin-1"))
    assert refused(workspace).title == "not UTF-8 text"


def test_a_card_that_is_too_long_for_the_model_is_named(workspace: Workspace) -> None:
    write_rows(workspace.root / "challenge_cards.jsonl", [{**CARD, "prompt": "clock " * 2000}])
    error = refused(workspace)
    assert "the card 'c1'" in error.title
    assert error.where == "rung 'small.gguf'"


def test_cards_of_another_file_can_be_asked(workspace: Workspace, tmp_path: Path) -> None:
    mine = write_rows(tmp_path / "mine.jsonl", [CARD, {**CARD, "id": "c2"}])
    assert len(read_cards(workspace, load_config(workspace.root, env={}), mine).cards) == 2


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("smollm2-135m", "smollm2-135m"),
        ("models/Small One.gguf", "small-one"),
        ("org/Some-Model_1B", "some-model_1b"),
        ("/a/b/..", "rung"),
        ("x/", "x"),
        ("é.gguf", "rung"),
        ("../small.GGUF", "small"),
    ],
)
def test_a_rung_has_a_plain_folder_name(name: str, folder: str) -> None:
    assert folder_of(name) == folder


def test_two_rungs_of_one_name_have_folders_of_their_own(workspace: Workspace) -> None:
    (workspace.root / "other").mkdir()
    make_tiny_gguf(workspace.root / "other" / "small.gguf", seed=9)
    first, second = prepare(workspace, "small.gguf", "other/small.gguf").rungs
    assert first.folder == "small"
    assert second.folder.startswith("small-")


def side_of(workspace: Workspace, rung: int = 0, **values: Any) -> RungWorkspace:
    ladder = prepare(workspace, **{key.replace("__", "."): value for key, value in values.items()})
    return open_side(workspace, ladder.config, ladder.rungs[rung])


def test_a_rung_has_a_workspace_with_the_same_recipe_and_curriculum(workspace: Workspace) -> None:
    side = side_of(workspace)
    assert side.workspace.root == workspace.root / "ladder" / "small"
    assert side.config.model.base == "../../small.gguf"
    assert side.config.curriculum.path == "../../curriculum"
    assert side.config.train == load_config(workspace.root, env={}).train
    again = side_of(workspace)
    assert (again.workspace, again.config, again.set_aside) == (side.workspace, side.config, None)
    assert not (workspace.models / "lineage_ledger.csv").exists()


def test_what_the_environment_says_is_written_down_for_a_rung(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LUNA_MODEL__BASE", "elsewhere")
    assert side_of(workspace, train__base__steps=7).config.train.base.steps == 7
    assert side_of(workspace, train__base__steps=7).config.model.base == "../../small.gguf"


def test_paths_are_relative_inside_the_workspace_only(workspace: Workspace, tmp_path: Path) -> None:
    probes = tmp_path / "probes.jsonl"
    probes.write_text("")
    make_tiny_gguf(tmp_path / "far.gguf", seed=2, vocabulary_size=300)
    ladder = prepare(workspace, str(workspace.root / "small.gguf"), str(tmp_path / "far.gguf"))
    sides = [open_side(workspace, ladder.config, rung) for rung in ladder.rungs]
    assert sorted(side.config.model.base for side in sides) == ["../../small.gguf", str(tmp_path / "far.gguf")]
    side = side_of(workspace, eval__tone_probes=str(probes), eval__phrases="curriculum/phrases.txt")
    assert (side.config.eval.tone_probes, side.config.eval.phrases) == (str(probes), "../../curriculum/phrases.txt")


@pytest.mark.parametrize("key", ["train.base.steps", "replay.rows", "eval.qa_trained_rows"])
def test_another_recipe_sets_the_old_evolution_aside(workspace: Workspace, key: str) -> None:
    side = side_of(workspace)
    (side.workspace.root / "witness").write_text("old")
    new = side_of(workspace, **{key.replace(".", "__"): 3})
    assert new.set_aside == workspace.root / "ladder" / "small-1"
    assert (new.set_aside / "witness").read_text() == "old"
    assert not (new.workspace.root / "witness").exists()
    assert side_of(workspace).set_aside == workspace.root / "ladder" / "small-2"


@pytest.mark.parametrize("key", ["ladder.target", "age_up.karma", "voice.every_steps", "eval.parallel"])
def test_what_changes_no_generation_leaves_a_rung_as_it_is(workspace: Workspace, key: str) -> None:
    side_of(workspace)
    assert side_of(workspace, **{key.replace(".", "__"): 1}).set_aside is None


def test_other_rows_or_another_base_set_the_old_evolution_aside(workspace: Workspace) -> None:
    side_of(workspace)
    write_rows(workspace.root / "curriculum" / "facts" / "more.jsonl", [{"prompt": "A?", "response": "B."}])
    assert side_of(workspace).set_aside is not None
    make_tiny_gguf(workspace.root / "small.gguf", seed=6, vocabulary_size=400)
    assert side_of(workspace).set_aside is not None


def test_a_rung_that_somebody_trains_is_not_set_aside(workspace: Workspace) -> None:
    side = side_of(workspace)
    with side.workspace.lock("training"), pytest.raises(LunaError, match="in use"):
        side_of(workspace, replay__rows=3)
    assert side_of(workspace).set_aside is None
