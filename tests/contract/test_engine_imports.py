"""What the screen and the command line import of the engine must not pull a model library in."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = (
    "torch",
    "transformers",
    "trl",
    "peft",
    "datasets",
    "accelerate",
    "llama_cpp",
    "gguf",
    "numpy",
    "huggingface_hub",
)
LIGHT = (
    "engine.service.session",
    "engine.workspace.layout",
    "engine.workspace.lineage_rows",
    "engine.evaluation.evaluate",
    "engine.service.chat",
    "engine.pipeline.rollback",
    "engine.workspace.verify",
    "engine.models.rebuild_gguf",
    "engine.workspace.garbage",
    "engine.runtime.client",
    "luna_tui.console.app",
    "luna_tui.console.workers.engine_link",
)


@pytest.mark.parametrize("module", LIGHT)
def test_importing_it_stays_light(module: str) -> None:
    code = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert module in loaded
    assert not loaded & set(HEAVY)
