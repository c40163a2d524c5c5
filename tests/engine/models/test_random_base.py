"""The example script that writes a base which is far too small: it is a real base, and it is never written over."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from tiny_workspace import TinyWorkspace

from engine.experiments.ladder.rungs import gguf_parameters
from engine.models.base import prepare_base
from engine.runtime.client import Runtime

SCRIPT = Path(__file__).resolve().parents[3] / "examples" / "random_base.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("random_base", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_it_writes_a_base_with_the_tokenizer_of_the_workspace(
    tiny: TinyWorkspace, script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main([str(tiny.root), "random-base"]) == 0
    out = tiny.root / "random-base.gguf"
    assert 'ladder = ["random-base.gguf", "base.gguf"]' in capsys.readouterr().out
    text = ["What does the clock do in 1987?"]
    with Runtime() as runtime:
        runtime.load(tiny.root / "base.gguf", n_ctx=64, n_parallel=1)
        ids = runtime.tokenize(text)
        runtime.load(out, n_ctx=64, n_parallel=1)
        assert runtime.tokenize(text) == ids
        assert runtime.generate(text, max_tokens=4)[0].tokens > 0
    assert 0 < gguf_parameters(out) < 4_000_000
    prepare_base(tiny.workspace, tiny.config({"model.base": "random-base.gguf"}))


def test_the_same_seed_gives_the_same_bytes_and_nothing_is_written_over(
    tiny: TinyWorkspace, script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main([str(tiny.root), "a.gguf"]) == 0
    assert script.main([str(tiny.root), "a"]) == 2
    assert "already" in capsys.readouterr().err
    (tiny.root / "a.gguf").rename(tiny.root / "first")
    assert script.main([str(tiny.root), "a"]) == 0
    assert (tiny.root / "a.gguf").read_bytes() == (tiny.root / "first").read_bytes()
    assert script.main([str(tiny.root / "curriculum"), "a"]) == 2
