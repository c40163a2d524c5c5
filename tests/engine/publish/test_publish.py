"""Export: the bytes that were examined, in the form another program expects, or nothing at all."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tiny_models import make_tiny_gguf
from tiny_workspace import TinyWorkspace, hand_written

from engine.core.cancellation import Control
from engine.core.errors import Damaged, Interrupted, LunaError, UsageError
from engine.publish import destination, publish
from engine.publish.hf_directory import rebuild_tokenizer
from engine.publish.publish import ExportResult, export_generation
from engine.runtime.client import Runtime
from engine.workspace.garbage import collect, find_garbage
from ledger.errors import LedgerBadInput
from ledger.hashing import sha256_file

GGUF_TARGETS = ("ollama", "lmstudio", "llm", "llama-server")


@pytest.fixture
def one(tiny: TinyWorkspace) -> TinyWorkspace:
    """A workspace with G0 and its GGUF, without training."""
    tiny.workspace.models.mkdir()
    sha = sha256_file(make_tiny_gguf(tiny.workspace.gguf(0), seed=7))
    hand_written(tiny.workspace, f"0,base_model,{sha},{'d' * 64},300,2e-4,41.5,2.9,0.4,1.0,0.97,0.05")
    return tiny


def export(tiny: TinyWorkspace, target: str, out: Path, ref: str = "G0", **more: Any) -> ExportResult:
    more = {"progress": lambda *_: None, "control": Control()} | more
    return export_generation(tiny.workspace, tiny.config(), ref, target, out, **more)


def written(out: Path) -> set[str]:
    return {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("target", "files"),
    [
        ("ollama", {"luna-g0.gguf", "Modelfile", "LUNA.json"}),
        (
            "lmstudio",
            {f"luna/luna-g0/{name}" for name in ("luna-g0.gguf", "README.md", "luna-raw.preset.json", "LUNA.json")},
        ),
        ("llm", {"luna-g0.gguf", "register.sh", "LUNA.json"}),
        ("llama-server", {"luna-g0.gguf", "run.sh", "LUNA.json"}),
    ],
)
def test_the_model_is_byte_for_byte_the_recorded_one(
    one: TinyWorkspace, tmp_path: Path, target: str, files: set[str]
) -> None:
    out = tmp_path / "not" / "there yet"
    result = export(one, target, out)
    assert written(out) == files
    assert {path.relative_to(out).as_posix() for path in result.files} == files
    row = one.workspace.ledger.read()[0]
    assert result.sha == sha256_file(result.files[0]) == row.child_sha
    assert (result.gen, result.label, result.target) == (0, "G0", target)
    facts = json.loads(result.files[-1].read_text())
    assert result.files[-1].name == "LUNA.json"
    assert (facts["gen"], facts["child_sha"], facts["parent_sha"]) == (0, row.child_sha, "base_model")
    assert facts["base"]["name"] == "base.gguf"
    assert facts["scores"]["generalization"]["value"] == 0.97
    assert facts["model"] == {"name": "luna-g0.gguf", "sha256": row.child_sha, "bytes": result.files[0].stat().st_size}


def test_changing_the_export_leaves_the_evidence_alone(one: TinyWorkspace, tmp_path: Path) -> None:
    result = export(one, "ollama", tmp_path / "out")
    with result.files[0].open("r+b") as file:
        file.write(b"XXXX")
    assert sha256_file(one.workspace.gguf(0)) == result.sha


def test_ollama_gets_the_raw_prompt_and_the_end_token(one: TinyWorkspace, tmp_path: Path) -> None:
    result = export(one, "ollama", tmp_path / "it's here")
    lines = (tmp_path / "it's here" / "Modelfile").read_text().splitlines()
    assert lines[0] == "FROM ./luna-g0.gguf"
    assert 'TEMPLATE """{{ .Prompt }}"""' in lines
    assert {"PARAMETER temperature 0", "PARAMETER repeat_penalty 1.0", "PARAMETER num_ctx 256"} <= set(lines)
    assert 'PARAMETER stop "<|im_end|>"' in lines
    assert result.command.startswith("cd '" + str(tmp_path) + "/it'\"'\"'s here' && ollama create luna-g0 -f Modelfile")


def test_lmstudio_gets_an_empty_prompt_template(one: TinyWorkspace, tmp_path: Path) -> None:
    export(one, "lmstudio", tmp_path / "out")
    preset = json.loads((tmp_path / "out/luna/luna-g0/luna-raw.preset.json").read_text())
    fields = {field["key"]: field["value"] for field in preset["operation"]["fields"]}
    template = fields["llm.prediction.promptTemplate"]
    assert set(template["manualPromptTemplate"].values()) == {""}
    assert "<|im_end|>" in template["stopStrings"]


def test_two_generations_share_one_lmstudio_directory(one: TinyWorkspace, tmp_path: Path) -> None:
    export(one, "lmstudio", tmp_path / "models")
    export(one, "lmstudio", tmp_path / "models", "base")
    assert {path.name for path in (tmp_path / "models" / "luna").iterdir()} == {"luna-g0", "luna-base"}


def told_to(tool: str, script: Path, tmp_path: Path, *arguments: str) -> list[str]:
    """What a script tells the program it starts, with a stand-in for that program."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / tool).write_text('#!/bin/sh\nfor argument in "$@"; do echo "$argument" >> "$TOLD"; done\n')
    (folder / tool).chmod(0o755)
    told = tmp_path / "told"
    env = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "TOLD": str(told)}
    subprocess.run([str(script), *arguments], env=env, check=True, cwd="/", stdout=subprocess.DEVNULL)
    return told.read_text().splitlines()


def test_the_server_script_works_wherever_it_is_moved(one: TinyWorkspace, tmp_path: Path) -> None:
    export(one, "llama-server", tmp_path / "out")
    moved = (tmp_path / "out").rename(tmp_path / "a new $place")
    told = told_to("llama-server", moved / "run.sh", tmp_path, "--threads", "2")
    assert told[told.index("--model") + 1] == str(moved / "luna-g0.gguf")
    assert told[told.index("--ctx-size") + 1] == "256"
    assert told[-2:] == ["--threads", "2"]
    assert not any("chat" in argument or "jinja" in argument for argument in told)


def test_the_llm_script_registers_the_file(one: TinyWorkspace, tmp_path: Path) -> None:
    export(one, "llm", tmp_path / "out")
    told = told_to("llm", tmp_path / "out" / "register.sh", tmp_path)
    assert told == ["llama-cpp", "add-model", str(tmp_path / "out" / "luna-g0.gguf"), "--alias", "luna-g0"]


def test_the_base_can_be_exported(one: TinyWorkspace, tmp_path: Path) -> None:
    result = export(one, "llama-server", tmp_path / "out", "base")
    assert result.gen is None
    assert written(tmp_path / "out") == {"luna-base.gguf", "run.sh", "LUNA.json"}
    facts = json.loads((tmp_path / "out" / "LUNA.json").read_text())
    assert facts["child_sha"] == sha256_file(one.root / "base.gguf")
    assert facts["parent_sha"] is None


def test_nothing_is_replaced_unasked(one: TinyWorkspace, tmp_path: Path) -> None:
    export(one, "ollama", tmp_path / "out")
    (tmp_path / "out" / "Modelfile").write_text("mine")
    with pytest.raises(UsageError, match="exist") as caught:
        export(one, "llama-server", tmp_path / "out")
    assert "--force" in caught.value.hint
    assert "run.sh" not in written(tmp_path / "out")
    export(one, "ollama", tmp_path / "out", force=True)
    assert (tmp_path / "out" / "Modelfile").read_text() != "mine"
    assert written(tmp_path / "out") == {"luna-g0.gguf", "Modelfile", "LUNA.json"}


def test_what_else_lies_there_stays(one: TinyWorkspace, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("all of it")
    export(one, "ollama", tmp_path / "out")
    assert (tmp_path / "out" / "thesis.txt").read_text() == "all of it"


def test_a_directory_in_the_way_is_not_replaced_even_by_force(one: TinyWorkspace, tmp_path: Path) -> None:
    (tmp_path / "out" / "Modelfile").mkdir(parents=True)
    with pytest.raises(UsageError, match="in the way"):
        export(one, "ollama", tmp_path / "out", force=True)
    assert written(tmp_path / "out") == set()


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_file_is_no_directory(one: TinyWorkspace, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="not a directory") as caught:
        export(one, "ollama", tmp_path / place)
    assert caught.value.where == str(tmp_path / "file")


def test_an_unknown_target_names_the_known_ones(one: TinyWorkspace, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no target 'gpt4all'") as caught:
        export(one, "gpt4all", tmp_path / "out")
    assert "llama-server" in caught.value.hint


def test_an_unknown_generation(one: TinyWorkspace, tmp_path: Path) -> None:
    with pytest.raises(LedgerBadInput, match="there is no generation 5"):
        export(one, "ollama", tmp_path / "out", "5")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("target", GGUF_TARGETS)
def test_another_model_in_its_place_is_not_passed_on(one: TinyWorkspace, tmp_path: Path, target: str) -> None:
    make_tiny_gguf(one.workspace.gguf(0), seed=8)
    with pytest.raises(Damaged, match="not the GGUF recorded for G0"):
        export(one, target, tmp_path / "deep" / "out")
    assert not (tmp_path / "deep").exists()


def test_a_full_disk_is_said_with_numbers(one: TinyWorkspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_clone(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "not supported")

    monkeypatch.setattr(publish.fcntl, "ioctl", no_clone)
    monkeypatch.setattr(destination, "free_bytes", lambda _: 0)
    with pytest.raises(LunaError, match="0 MiB free"):
        export(one, "ollama", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_disk_that_fills_up_leaves_nothing_behind(
    one: TinyWorkspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    (tmp_path / "out").mkdir()
    monkeypatch.setattr(publish, "_write", full)
    with pytest.raises(LunaError, match="no space left") as caught:
        export(one, "ollama", tmp_path / "out")
    assert "make room" in caught.value.hint
    assert list((tmp_path / "out").iterdir()) == []


def test_a_stop_while_copying_leaves_nothing_behind(
    one: TinyWorkspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_clone(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "not supported")

    control = Control()

    def stop_at_the_copy(done: int, total: int, label: str) -> None:
        if label.startswith("copying, MiB"):
            control.stop()

    monkeypatch.setattr(publish.fcntl, "ioctl", no_clone)
    with pytest.raises(Interrupted):
        export(one, "ollama", tmp_path / "out", progress=stop_at_the_copy, control=control)
    assert not (tmp_path / "out").exists()


def test_weights_of_a_hand_written_row_are_not_known(one: TinyWorkspace, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="was not trained in this workspace"):
        export(one, "hf", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_tokenizer_is_written_only_with_proof(tmp_path: Path) -> None:
    gguf = make_tiny_gguf(tmp_path / "tiny.gguf")
    samples = ["What does 1024 do?", "It's here, isn't it?  Two  spaces", "naïve 🌙", "<|im_end|> spelt out"]
    with Runtime() as runtime:
        runtime.load(gguf, vocab_only=True)
        assert not rebuild_tokenizer(gguf, tmp_path, lambda texts: [[0] for _ in texts], samples)
        assert not (tmp_path / "tokenizer.json").exists()
        assert rebuild_tokenizer(gguf, tmp_path, runtime.tokenize, samples)
    assert json.loads((tmp_path / "tokenizer_config.json").read_text())["eos_token"] == "<|im_end|>"


@pytest.mark.slow
def test_full_precision_weights_are_the_base_and_every_delta(evolved: TinyWorkspace, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from engine.gguf.weights import load_weights, rebuild
    from engine.models.base import prepare_base

    result = export(evolved, "hf", tmp_path / "out", "G2")
    base = prepare_base(evolved.workspace, evolved.config())
    deltas = [evolved.workspace.generation(gen) / "delta.safetensors" for gen in range(3)]
    wanted, found = rebuild(load_weights(base.weights), deltas), load_weights(tmp_path / "out")
    assert wanted.keys() == found.keys()
    assert all(torch.equal(wanted[name], found[name]) for name in wanted)
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    assert model.dtype == torch.float32
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    prompts = [str(row["prompt"]) for row in evolved.lines(2, "data/new.jsonl")]
    with Runtime() as runtime:
        runtime.load(evolved.workspace.gguf(2), vocab_only=True)
        assert [tokenizer(prompt)["input_ids"] for prompt in prompts] == runtime.tokenize(prompts)
    assert tokenizer.chat_template is None
    card = (tmp_path / "out" / "README.md").read_text()
    assert evolved.shas()[2] in card
    facts = json.loads((tmp_path / "out" / "LUNA.json").read_text())
    assert facts["path"] == [0, 1, 2]
    assert facts["model"]["sha256"] == result.sha == sha256_file(tmp_path / "out" / "model.safetensors")
    with pytest.raises(UsageError, match="exist"):
        export(evolved, "hf", tmp_path / "out", "G1")
    export(evolved, "hf", tmp_path / "out", "G1", force=True)
    assert json.loads((tmp_path / "out" / "LUNA.json").read_text())["gen"] == 1


@pytest.mark.slow
def test_full_precision_weights_of_the_base(one: TinyWorkspace, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    export(one, "hf", tmp_path / "out", "base")
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "out").num_parameters() > 0
    card = (tmp_path / "out" / "README.md").read_text()
    assert sha256_file(one.root / "base.gguf") in card
    assert "None" not in card


@pytest.mark.slow
def test_a_delta_that_changed_is_not_exported(evolved: TinyWorkspace, tmp_path: Path) -> None:
    shutil.copy(
        evolved.workspace.generation(0) / "delta.safetensors", evolved.workspace.generation(1) / "delta.safetensors"
    )
    with pytest.raises(Damaged, match="the delta of G1"):
        export(evolved, "hf", tmp_path / "out", "G2")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_collected_gguf_is_rebuilt_first(evolved: TinyWorkspace, tmp_path: Path) -> None:
    workspace = evolved.workspace
    collect(workspace, find_garbage(workspace, ggufs=True))
    assert not workspace.gguf(1).exists()
    result = export(evolved, "ollama", tmp_path / "out", "G1")
    assert result.sha == evolved.shas()[1]
    facts = json.loads((tmp_path / "out" / "LUNA.json").read_text())
    assert facts["scores"]["recall"]["n"] > 0
