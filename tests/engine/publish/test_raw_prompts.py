"""What is shipped asks no other program to put EOS behind a prompt, whatever the base asked for."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from tiny_models import BOS, EOS, make_tiny_gguf, make_tiny_hf_dir
from tiny_workspace import TinyWorkspace, hand_written
from tokenizers import Tokenizer, processors

from engine.core.cancellation import Control
from engine.core.errors import LunaError
from engine.gguf.file import read_gguf
from engine.models.base import prepare_base
from engine.models.resolve import gguf_of, name_of
from engine.publish.hf_directory import copy_tokenizer
from engine.publish.publish import export_generation
from engine.publish.targets import TARGETS
from engine.runtime.client import Runtime
from ledger.hashing import sha256_file

KEY = "tokenizer.ggml.add_eos_token"
PROMPT = "Can you help me?"


@pytest.fixture
def ending(tiny: TinyWorkspace) -> TinyWorkspace:
    """A workspace whose base is a GGUF that wants BOS before and EOS behind every prompt."""
    make_tiny_gguf(tiny.root / "ending.gguf", add_bos=True, add_eos=True)
    text = (tiny.root / "luna.toml").read_text()
    (tiny.root / "luna.toml").write_text(text.replace('"base.gguf"', '"ending.gguf"'))
    return tiny


def fed(gguf: Path) -> tuple[list[int], list[int]]:
    """Token ids of the prompt, as other programs feed it and as it is."""
    with Runtime() as runtime:
        runtime.load(gguf, vocab_only=True)
        return runtime.tokenize([PROMPT], add_special=True)[0], runtime.tokenize([PROMPT])[0]


@pytest.mark.slow
def test_a_generation_is_written_without_eos_behind_prompts(ending: TinyWorkspace) -> None:
    assert ending.train().exit_code == 0
    gguf = ending.workspace.gguf(0)
    assert read_gguf(gguf).header.metadata[KEY] is False
    special, plain = fed(gguf)
    assert special == [BOS, *plain]
    assert fed(ending.root / "ending.gguf")[0] == [BOS, *plain, EOS], "the base does ask for it"


@pytest.mark.slow
def test_a_file_recorded_with_the_wish_is_still_rebuilt_bit_for_bit(
    ending: TinyWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    import engine.pipeline.steps.export as export_step

    right = export_step.write_gguf
    monkeypatch.setattr(export_step, "write_gguf", lambda *a, **k: right(*a, **(k | {"keep_add_eos": True})))
    monkeypatch.setattr(export_step, "require_raw_prompts", lambda *_: None)
    assert ending.train().exit_code == 0
    monkeypatch.undo()
    gguf, sha = ending.workspace.gguf(0), ending.workspace.ledger.read()[0].child_sha
    gguf.unlink()
    ending.workspace.head.append("collect", gen=0, reason="a test")
    base = prepare_base(ending.workspace, ending.config())
    with Runtime() as runtime:
        assert gguf_of(ending.workspace, base, name_of(ending.workspace.lineage(), "G0"), runtime) == gguf
    assert sha256_file(gguf) == sha


def test_the_runtime_itself_never_puts_eos_behind_a_prompt(ending: TinyWorkspace, tmp_path: Path) -> None:
    """The same weights and BOS, with and without the wish: the same answer."""
    without = make_tiny_gguf(tmp_path / "without.gguf", add_bos=True)
    answers: list[str] = []
    with Runtime() as runtime:
        for gguf in (without, ending.root / "ending.gguf"):
            runtime.load(gguf, n_ctx=64, n_parallel=2)
            answers.append(runtime.generate([PROMPT], max_tokens=8)[0].text)
    assert answers[0] == answers[1]


def test_a_converted_base_is_kept_without_the_wish(tiny: TinyWorkspace) -> None:
    make_tiny_hf_dir(tiny.root / "hf", add_eos=True)
    base = prepare_base(tiny.workspace, tiny.config({"model.base": "hf"}))
    special, plain = fed(base.gguf)
    assert special == plain
    assert read_gguf(base.gguf).header.metadata[KEY] is False


def test_an_hf_export_has_a_tokenizer_that_ends_at_the_prompt(tiny: TinyWorkspace, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    make_tiny_hf_dir(tiny.root / "hf", add_eos=True)
    config, out = tiny.config({"model.base": "hf"}), tmp_path / "out"
    export_generation(tiny.workspace, config, "base", "hf", out, progress=lambda *_: None, control=Control())
    ids = AutoTokenizer.from_pretrained(out)(PROMPT)["input_ids"]
    assert ids == fed(tiny.workspace.base_dir / "base.gguf")[1]
    assert json.loads((out / "tokenizer_config.json").read_text())["add_eos_token"] is False


@pytest.mark.parametrize(("single", "kept"), [("$A <|im_end|>", True), ("<|im_start|> $A", False)])
def test_a_copied_tokenizer_puts_nothing_behind_a_prompt(tmp_path: Path, single: str, kept: bool) -> None:
    """EOS behind it can be taken away; a BOS that llama.cpp does not add is another model's tokenizer."""
    source, out = make_tiny_hf_dir(tmp_path / "hf"), tmp_path / "out"
    out.mkdir()
    tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
    specials = [("<|im_start|>", BOS), ("<|im_end|>", EOS)]
    tokenizer.post_processor = processors.TemplateProcessing(single=single, pair="$A $B", special_tokens=specials)
    tokenizer.save(str(source / "tokenizer.json"))
    assert copy_tokenizer(source, out, [], [PROMPT]) is kept
    assert (out / "tokenizer.json").exists() is kept
    if kept:
        ids = Tokenizer.from_file(str(out / "tokenizer.json")).encode(PROMPT, add_special_tokens=True).ids
        assert ids == tokenizer.encode(PROMPT, add_special_tokens=False).ids


@pytest.mark.parametrize("target", ["ollama", "lmstudio", "llm", "llama-server"])
def test_a_recorded_file_that_wants_eos_is_not_shipped(ending: TinyWorkspace, tmp_path: Path, target: str) -> None:
    ending.workspace.models.mkdir()
    sha = sha256_file(make_tiny_gguf(ending.workspace.gguf(0), seed=7, add_eos=True))
    hand_written(ending.workspace, f"0,base_model,{sha},{'d' * 64},300,2e-4,41.5,2.9,0.4,1.0,0.97,0.05")
    out = tmp_path / "out"
    with pytest.raises(LunaError, match="other programs would put special tokens around") as caught:
        export_generation(
            ending.workspace, ending.config(), "G0", target, out, progress=lambda *_: None, control=Control()
        )
    assert "--override-kv" in caught.value.hint
    assert not out.exists()


@pytest.mark.parametrize("target", TARGETS)
def test_every_export_tells_of_processors_with_amx(tiny: TinyWorkspace, tmp_path: Path, target: str) -> None:
    out = tmp_path / "out"
    result = export_generation(
        tiny.workspace, tiny.config(), "base", target, out, progress=lambda *_: None, control=Control()
    )
    texts = [f for f in result.files if f.name in ("Modelfile", "README.md", "register.sh", "run.sh")]
    (text,) = (file.read_text() for file in texts)
    said = " ".join(text.replace("\n# ", " ").split())
    assert "AMX" in said
    assert "SIGILL" in said
    assert "use_extra_bufts = False" in said
    for script in out.rglob("*.sh"):
        assert subprocess.run(["sh", "-n", str(script)], check=False).returncode == 0
