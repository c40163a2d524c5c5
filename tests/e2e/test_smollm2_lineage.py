"""The claim itself, once: the packaged model, real training, a real GGUF in real llama.cpp, by the command line."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_models import smollm2_gguf

from engine.config.load import load_config
from engine.models.base import prepare_base
from engine.workspace.layout import Workspace

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(smollm2_gguf() is None, reason="needs pip install 'luna-tui[smollm2]'"),
]


def luna(workspace: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "luna_tui", "-w", str(workspace), *arguments]
    # A model that has learnt nothing yet talks until it is cut off: one sample of each tone probe is enough of that.
    environment = {**os.environ, "LUNA_EVAL__TONE_SAMPLES": "1"}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=1500, env=environment)


def keep_few_facts(curriculum: Path) -> None:
    """Shorten the demo's knowledge to four facts a stage in all their wordings, so that steps and exam are short."""
    for stage in ("fundamentals", "aios_manual", "logs_specs"):
        for path in (curriculum / stage).glob("*.jsonl"):
            rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            kept = list(dict.fromkeys(row["topic"] for row in rows))[:4]
            path.write_text("".join(json.dumps(row) + "\n" for row in rows if row["topic"] in kept), encoding="utf-8")


@pytest.mark.timeout(1800)
def test_one_short_generation_of_the_demo(tmp_path: Path) -> None:
    workspace = tmp_path / "demo"
    made = subprocess.run(
        [sys.executable, "-m", "luna_tui", "init", str(workspace), "--demo"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr

    keep_few_facts(workspace / "curriculum")

    # Few steps: enough to learn how to answer, not what. The gate must see that.
    done = luna(workspace, "train", "--steps", "12", "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[-1]["type"] == "run_finished", done.stderr
    assert done.returncode == 3, events[-1]
    assert events[-1]["verdict"] == "rejected"
    assert any("generalization" in reason for reason in events[-1]["reasons"])
    losses = [event["loss"] for event in events if event["type"] == "train_step"]
    assert len(losses) == 12
    assert losses[-1] < losses[0]

    base = prepare_base(
        Workspace.open(workspace), load_config(workspace), progress=lambda *_: pytest.fail("the base is made again")
    )
    packaged = smollm2_gguf()
    assert packaged is not None
    assert (base.kind, base.sha) == ("packaged", hashlib.sha256(packaged.read_bytes()).hexdigest())
    assert (base.weights / "model.safetensors").stat().st_size > 500_000_000

    rows = json.loads(luna(workspace, "lineage", "--json").stdout)
    assert [row["verdict"] for row in rows] == ["rejected"]
    assert not rows[0]["head"]
    gguf = workspace / "models" / "luna_age_0.gguf"
    assert hashlib.sha256(gguf.read_bytes()).hexdigest() == rows[0]["child_sha"]
    verified = luna(workspace, "verify", "--json")
    assert verified.returncode == 0, verified.stdout

    answer = json.loads(luna(workspace, "chat", "G0", "--prompt", "What does Halden do?", "--json").stdout)
    assert answer["gen"] == 0
    assert answer["stop_reason"] == "eos"
    assert answer["text"].strip()

    manifest = workspace / "models" / "generations" / "0" / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"phase": "base"', b'"phase": "bose"'))
    hurt = luna(workspace, "verify", "--json")
    assert hurt.returncode == 4
    problems = json.loads(hurt.stdout)["problems"]
    assert any("manifest.json" in problem["file"] and problem["gen"] == 0 for problem in problems)
