"""Models that are not what they should be: each time the exit code, what is wrong, and how to mend it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_models import make_tiny_gguf
from tiny_workspace import TinyWorkspace, hand_written

from engine.core.cancellation import Control
from engine.core.errors import Damaged, UsageError
from engine.evaluation.evaluate import evaluate
from engine.models.base import prepare_base
from engine.service.chat import open_chat

pytestmark = pytest.mark.slow


def test_a_base_that_is_not_there(tiny: TinyWorkspace) -> None:
    (tiny.root / "base.gguf").unlink()
    assert tiny.train().exit_code == 2
    assert "no base model 'base.gguf'" in tiny.last.error
    assert tiny.last.hint
    assert tiny.runs() == []


@pytest.mark.parametrize("content", [b"", b"GGUF", b"PK\x03\x04 a zip file", b"GGUF" + bytes(40)])
def test_a_base_that_is_no_gguf(tiny: TinyWorkspace, content: bytes) -> None:
    sound = (tiny.root / "base.gguf").read_bytes()
    (tiny.root / "base.gguf").write_bytes(content)
    tiny.train()
    assert tiny.last.exit_code in (2, 4)
    assert "base.gguf" in tiny.last.error
    assert tiny.runs() == []
    (tiny.root / "base.gguf").write_bytes(sound)
    assert tiny.train().exit_code == 0, "the file was mended, and nothing of the bad one stays"


def test_another_base_in_the_middle_of_a_lineage(evolved: TinyWorkspace) -> None:
    make_tiny_gguf(evolved.root / "other.gguf", seed=3)
    assert evolved.train(overrides={"model.base": "other.gguf"}).exit_code == 2
    assert "this lineage descends from 'base.gguf', but luna.toml now says 'other.gguf'" in evolved.last.error


def test_another_base_before_anything_descends_from_it(tiny: TinyWorkspace) -> None:
    prepare_base(tiny.workspace, tiny.config())
    make_tiny_gguf(tiny.root / "other.gguf", seed=3)
    assert tiny.train(overrides={"model.base": "other.gguf"}).exit_code == 0
    manifest = tiny.workspace.manifest(0)
    assert manifest is not None
    assert manifest.base["name"] == "other.gguf"


def test_a_base_that_has_changed(evolved: TinyWorkspace) -> None:
    make_tiny_gguf(evolved.workspace.base_dir / "base.gguf", seed=3)
    runs = evolved.runs()
    assert evolved.train().exit_code == 4
    assert "the base GGUF is not the recorded one" in evolved.last.error
    assert evolved.runs() == runs


def test_a_parents_delta_that_has_changed(evolved: TinyWorkspace) -> None:
    shutil.rmtree(evolved.workspace.weights_cache)
    delta = evolved.workspace.generation(2) / "delta.safetensors"
    delta.write_bytes(delta.read_bytes()[:-1] + b"\x01")
    assert evolved.train().exit_code == 4
    assert "the delta of G2 is not the recorded one" in evolved.last.error


def sit(tiny: TinyWorkspace, reference: str) -> dict[str, Any]:
    return evaluate(tiny.workspace, tiny.config(), reference, progress=lambda *_: None, control=Control())


def put_truncated(path: Path, evolved: TinyWorkspace) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def put_text(path: Path, evolved: TinyWorkspace) -> None:
    path.write_text("this is not a model\n")


def put_other_generation(path: Path, evolved: TinyWorkspace) -> None:
    shutil.copyfile(evolved.workspace.gguf(0), path)


def put_other_model(path: Path, evolved: TinyWorkspace) -> None:
    make_tiny_gguf(path, seed=9)


@pytest.mark.parametrize("put", [put_truncated, put_text, put_other_generation, put_other_model])
def test_another_file_in_place_of_a_generation(
    evolved: TinyWorkspace, put: Callable[[Path, TinyWorkspace], None]
) -> None:
    path = evolved.workspace.gguf(2)
    put(path, evolved)
    with pytest.raises((Damaged, UsageError), match=r"GGUF|recorded") as chat_error:
        open_chat(evolved.workspace, evolved.config(), "G2").close()
    assert "luna_age_2.gguf" in chat_error.value.where
    with pytest.raises(Damaged, match="not the GGUF recorded for G2") as eval_error:
        sit(evolved, "G2")
    assert eval_error.value.hint


def test_a_missing_gguf(evolved: TinyWorkspace) -> None:
    evolved.workspace.gguf(1).unlink()
    with pytest.raises(Damaged, match="the GGUF of G1 is missing"):
        open_chat(evolved.workspace, evolved.config(), "1")


def test_a_hand_written_row_without_its_gguf(tiny: TinyWorkspace) -> None:
    workspace = hand_written(tiny.workspace, "0,base_model,aaaa1111,bbbb2222,300,2e-4,31.5,2.1,0.4,1.0,0.9,0.0")
    with pytest.raises(UsageError, match="G0 is a row without its GGUF"):
        open_chat(workspace, tiny.config(), "G0")
    with pytest.raises(UsageError, match="G0 has no exam in this workspace"):
        sit(tiny, "G0")


def test_no_exam_yet(tiny: TinyWorkspace) -> None:
    with pytest.raises(UsageError, match="there is no exam yet"):
        sit(tiny, "base")
