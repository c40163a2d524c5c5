"""The unsloth backend really trains. In a process of its own: importing it changes trl and transformers."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from training_jobs import make_tiny_weights

from engine.gguf.weights import apply_delta, load_weights

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("unsloth") is None, reason="unsloth is not installed"),
]

WORKER = """
import json, sys
from pathlib import Path
from engine.training.backends import pick_backend
backend = pick_backend("unsloth")
from training_jobs import Control, make_job, run_trl
from engine.core.errors import LunaError
from engine.core.events import Emitter
weights, work, recipe = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
job = make_job(weights, work, **recipe)
result = backend.train(job, Emitter("test", lambda _event: None), Control())
try:
    run_trl(job)
    refused = ""
except LunaError as error:
    refused = str(error)
print(json.dumps({"name": backend.name, "finished": result.finished, "steps": result.steps_done, "refused": refused}))
"""


def train(weights: Path, work: Path, **recipe: Any) -> dict[str, Any]:
    """Train in a child process; its stdout must hold nothing but the worker's own line."""
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", WORKER, str(weights), str(work), json.dumps(recipe)],
        capture_output=True,
        text=True,
        cwd=work.parent,
        env={**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'tests'}"},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    (line,) = done.stdout.splitlines()
    return json.loads(line)


@pytest.mark.both_formats
@pytest.mark.parametrize("method", ["lora", "full"])
def test_unsloth_trains_a_generation(tmp_path: Path, number_format: str, method: str) -> None:
    weights = make_tiny_weights(tmp_path)
    lr = 1e-2 if method == "lora" else 3e-3
    report = train(
        weights, tmp_path / "work", method=method, phase="converse", steps=20, lr=lr, precision=number_format
    )
    assert (report["name"], report["finished"], report["steps"]) == ("unsloth", True, 20)
    assert "start luna-tui again" in report["refused"]
    lines = [json.loads(line) for line in (tmp_path / "work" / "metrics.jsonl").read_text().splitlines()]
    losses = [line["loss"] for line in lines]
    assert sum(losses[-4:]) < 0.8 * sum(losses[:4])
    fed = [json.loads(line)["rows"] for line in (tmp_path / "work" / "fed.jsonl").read_text().splitlines()]
    assert fed[:5] == [["row0", "row1"], ["row2", "row3"], ["row4", "row5"], ["row6"], ["row0", "row1"]]
    parent = load_weights(weights)
    child = apply_delta(parent, tmp_path / "work" / "delta.safetensors")
    changed = sum(not torch.equal(child[name], parent[name]) for name in parent)
    assert changed == (14 if method == "lora" else len(parent))
    assert not (tmp_path / "unsloth_compiled_cache").exists()
