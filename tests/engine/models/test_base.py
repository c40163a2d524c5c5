"""Every way to name a base model, and every way in which it can be wrong, up to the weights that are trained from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tiny_models import make_tiny_gguf, make_tiny_hf_dir

from engine.config.config import Config
from engine.config.schema import ModelSection
from engine.core.errors import Damaged, LunaError, UsageError
from engine.gguf import tensor_writer
from engine.gguf.file import read_gguf
from engine.gguf.weights import load_weights
from engine.models.base import BaseModel, prepare_base
from engine.workspace.layout import Workspace
from ledger.hashing import sha256_file


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("LUNA_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "workspace"
    root.mkdir()
    (root / "luna.toml").write_text("")
    return Workspace.open(root)


def prepare(workspace: Workspace, name: str) -> BaseModel:
    return prepare_base(workspace, Config(model=ModelSection(base=name)))


def test_a_local_gguf_becomes_weights_that_are_exported_by_graft(workspace: Workspace, tmp_path: Path) -> None:
    source = make_tiny_gguf(workspace.root / "mine.gguf", half=True)
    base = prepare(workspace, "mine.gguf")
    assert (base.kind, base.name) == ("gguf", "mine.gguf")
    assert base.sha == base.gguf_sha == sha256_file(source) == sha256_file(base.gguf)
    assert base.weights.is_relative_to(tmp_path / "cache")
    assert json.loads((base.weights / "complete.json").read_text())["export"] == "graft"
    assert tensor_writer.graft_differs(base.gguf, load_weights(base.weights)) == []
    assert str(tmp_path) not in (workspace.base_dir / "base.json").read_text()


def test_a_prepared_base_is_not_made_again(workspace: Workspace) -> None:
    make_tiny_gguf(workspace.root / "mine.gguf")
    labels: list[str] = []
    config = Config(model=ModelSection(base="mine.gguf"))
    first = prepare_base(workspace, config, progress=lambda _done, _total, label: labels.append(label))
    assert labels
    again = prepare_base(workspace, config, progress=lambda *_: pytest.fail("made again"))
    assert again == first


def test_weights_missing_from_the_cache_are_made_again_bit_for_bit(workspace: Workspace) -> None:
    make_tiny_gguf(workspace.root / "mine.gguf")
    base = prepare(workspace, "mine.gguf")
    before = sha256_file(base.weights / "model.safetensors")
    for file in base.weights.iterdir():
        file.unlink()
    assert sha256_file(prepare(workspace, "mine.gguf").weights / "model.safetensors") == before


def test_a_local_hf_directory_is_converted_once(workspace: Workspace) -> None:
    directory = make_tiny_hf_dir(workspace.root / "hf")
    base = prepare(workspace, "hf")
    assert base.kind == "hf"
    assert base.sha == sha256_file(directory / "model.safetensors")
    assert base.gguf_sha == sha256_file(base.gguf) != base.sha
    assert read_gguf(base.gguf).header.metadata["tokenizer.ggml.pre"] == "smollm"
    assert json.loads((base.weights / "complete.json").read_text())["export"] == "graft"


def test_a_stray_safetensors_file_beside_the_weights_does_not_change_the_base(workspace: Workspace) -> None:
    directory = make_tiny_hf_dir(workspace.root / "hf")
    (directory / "adapter_model.safetensors").write_bytes(b"what is not loaded is not hashed")
    base = prepare(workspace, "hf")
    assert base.sha == sha256_file(directory / "model.safetensors")


def missing(root: Path) -> str:
    return "nowhere.gguf"


def no_such_name(root: Path) -> str:
    return "smolm2-135m"


def truncated(root: Path) -> str:
    whole = make_tiny_gguf(root / "whole.gguf").read_bytes()
    (root / "base.gguf").write_bytes(whole[: len(whole) // 2])
    return "base.gguf"


def no_gguf(root: Path) -> str:
    (root / "base.gguf").write_bytes(b"PK\x03\x04" + bytes(100))
    return "base.gguf"


def no_weights(root: Path) -> str:
    (root / "hf").mkdir()
    (root / "hf" / "config.json").write_text("{}")
    return "hf"


def no_config(root: Path) -> str:
    (make_tiny_hf_dir(root / "hf") / "config.json").unlink()
    return "hf"


@pytest.mark.parametrize(
    ("make", "kind", "said"),
    [
        (missing, UsageError, "neither a packaged name"),
        (no_such_name, UsageError, "smollm2-135m"),
        (truncated, Damaged, "base.gguf"),
        (no_gguf, UsageError, "not a GGUF"),
        (no_weights, UsageError, "safetensors"),
        (no_config, UsageError, "config.json"),
    ],
)
def test_a_base_that_cannot_be_used_is_a_clear_error_and_nothing_is_recorded(
    workspace: Workspace, make: Any, kind: type[LunaError], said: str
) -> None:
    with pytest.raises(kind) as raised:
        prepare(workspace, make(workspace.root))
    assert said in str(raised.value)
    assert not (workspace.base_dir / "base.json").exists()
    good = make_tiny_gguf(workspace.root / "good.gguf")
    assert prepare(workspace, "good.gguf").sha == sha256_file(good)


def test_a_hub_id_is_not_asked_for_while_offline(tmp_path: Path) -> None:
    """In a process of its own: the hub's library reads HF_HUB_OFFLINE when it is imported."""
    code = (
        "import sys; from pathlib import Path; from engine.models.base import find_base\n"
        "from engine.workspace.layout import Workspace\n"
        "from engine.core.errors import UsageError\n"
        "try: find_base('nobody/has-this-model', Workspace(Path(sys.argv[1])))\n"
        "except UsageError as error: print(error)\n"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert "nobody/has-this-model is not on this machine" in done.stdout
    assert "HF_HUB_OFFLINE=0" in done.stdout


def test_a_lineage_keeps_its_base(workspace: Workspace) -> None:
    make_tiny_gguf(workspace.root / "mine.gguf")
    make_tiny_gguf(workspace.root / "other.gguf", seed=1)
    mine, other = prepare(workspace, "mine.gguf"), prepare(workspace, "other.gguf")
    assert mine.sha != other.sha  # nothing descended from the first one yet
    row = f"0,{other.sha},{'1' * 64},{'2' * 64},1,2e-4,1,1,1,1,1,0\n"
    header = "GEN_ID,parent_sha,child_sha,data_delta_sha,steps,lr,walltime_min,loss_start,loss_end,"
    header += "eval_recall,eval_generalization,eval_style_drift\n"
    workspace.ledger.path.write_text(header + row)
    with pytest.raises(UsageError) as raised:
        prepare(workspace, "mine.gguf")
    assert "descends from 'other.gguf'" in str(raised.value)
    assert prepare(workspace, "other.gguf") == other
    other.gguf.unlink()
    with pytest.raises(Damaged) as damaged:
        prepare(workspace, "other.gguf")
    assert "missing" in str(damaged.value)


def test_weights_that_would_not_be_written_back_exactly_are_refused(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.gguf import dequantize

    original = dequantize.write_weights

    def alter(weights: dict[str, Any], path: Path) -> None:
        weights["model.layers.0.mlp.down_proj.weight"][0, 0] += 1.0
        original(weights, path)

    make_tiny_gguf(workspace.root / "mine.gguf")
    with monkeypatch.context() as patch:
        patch.setattr(dequantize, "write_weights", alter)
        with pytest.raises(UsageError) as raised:
            prepare(workspace, "mine.gguf")
    assert "1 tensors differ, the first is blk.0.ffn_down.weight" in str(raised.value)
    base = prepare(workspace, "mine.gguf")
    assert tensor_writer.graft_differs(base.gguf, load_weights(base.weights)) == []
