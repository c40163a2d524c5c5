"""`init`: what is made, and that nothing is ever overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.cli.conftest import Run

from engine.config.config import Config
from engine.config.load import load_config
from engine.core.errors import UsageError
from engine.workspace.create import DEMO_VALUES, create_workspace
from luna_tui.common.demo_files import sample_directory


def tree(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_an_empty_workspace(tmp_path: Path) -> None:
    made = create_workspace(tmp_path / "new", demo=False)
    assert load_config(tmp_path / "new", env={}) == Config()
    for stage in Config().curriculum.stages:
        assert (tmp_path / "new" / "curriculum" / stage).is_dir()
        assert f"curriculum/{stage}/" in made
    assert {"luna.toml", "inbox/", "models/", "runs/", ".gitignore"} <= set(made)
    assert "models/*.gguf" in (tmp_path / "new" / ".gitignore").read_text()


def test_the_demo_brings_its_curriculum_and_recipe(tmp_path: Path) -> None:
    sample = sample_directory()
    made = create_workspace(tmp_path / "demo", demo=True, sample=sample)
    config = load_config(tmp_path / "demo", env={})
    assert config.recipe("base").lr == DEMO_VALUES["train.base.lr"]
    assert config.model.base == "smollm2-135m"
    copied = tree(tmp_path / "demo")
    for path in sample.rglob("*.jsonl"):
        assert copied[path.relative_to(sample).as_posix()] == path.read_bytes()
        assert path.relative_to(sample).as_posix() in made
    assert [name for name in copied if name.startswith("curriculum/conversations/")]


def test_an_existing_workspace_is_left_alone(tmp_path: Path) -> None:
    create_workspace(tmp_path, demo=False)
    before = tree(tmp_path)
    with pytest.raises(UsageError) as caught:
        create_workspace(tmp_path, demo=True, sample=sample_directory())
    assert "there is a workspace already" in caught.value.title
    assert tree(tmp_path) == before


def test_a_conflict_writes_nothing(tmp_path: Path) -> None:
    target = tmp_path / "curriculum" / "conversations"
    target.mkdir(parents=True)
    (target / "behaviors.jsonl").write_text("mine\n")
    with pytest.raises(UsageError) as caught:
        create_workspace(tmp_path, demo=True, sample=sample_directory())
    assert "behaviors.jsonl" in caught.value.where
    assert tree(tmp_path) == {"curriculum/conversations/behaviors.jsonl": b"mine\n"}


def test_other_files_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("keep me")
    (tmp_path / ".gitignore").write_text("*.bak\n")
    made = create_workspace(tmp_path, demo=False)
    assert (tmp_path / "notes.txt").read_text() == "keep me"
    assert (tmp_path / ".gitignore").read_text() == "*.bak\n"
    assert ".gitignore" not in made


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(UsageError):
        create_workspace(tmp_path / "x", demo=False)


def test_a_base_that_is_a_path_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    create_workspace(Path("a"), demo=False, base="model.gguf")
    create_workspace(Path("b"), demo=False, base="org/name")
    assert load_config(tmp_path / "a", env={}).model.base == str(tmp_path / "model.gguf")
    assert load_config(tmp_path / "b", env={}).model.base == "org/name"


def test_command_says_what_comes_next(run: Run, tmp_path: Path) -> None:
    result = run("init", tmp_path / "my demo", "--demo")
    assert result.code == 0
    assert f"luna-tui -w '{tmp_path / 'my demo'}' train --generations 4" in result.out
    assert run("init", tmp_path / "my demo").code == 2
