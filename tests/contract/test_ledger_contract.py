"""The files other programs may rely on, read without a line of ours: the CSV, HEAD, hashes, the manifests' chain."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
from pathlib import Path

import pytest
from tiny_workspace import TinyWorkspace, make_template

pytestmark = pytest.mark.slow

HEADER = (
    "GEN_ID,parent_sha,child_sha,data_delta_sha,steps,lr,walltime_min,loss_start,loss_end,"
    "eval_recall,eval_generalization,eval_style_drift"
)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The models/ of a workspace with an accepted G0 and a rejected G1."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LUNA_CACHE", str(tmp_path_factory.mktemp("cache")))
        tiny = TinyWorkspace(make_template(tmp_path_factory.mktemp("contract") / "tiny"))
        assert tiny.train().exit_code == 0
        assert tiny.train(overrides={"eval.recall_target": 1.0}).exit_code == 3
    return tiny.root / "models"


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_ledger_has_exactly_the_twelve_columns(models: Path) -> None:
    text = (models / "lineage_ledger.csv").read_bytes().decode("utf-8")
    assert text.split("\n")[0] == HEADER
    assert "\r" not in text
    rows = list(csv.DictReader(text.splitlines()))
    assert [row["GEN_ID"] for row in rows] == ["0", "1"]
    for row in rows:
        assert all(len(row[name]) == 64 for name in ("parent_sha", "child_sha", "data_delta_sha"))
        assert int(row["steps"]) > 0
        assert 0 < float(row["lr"]) < 1
        assert float(row["walltime_min"]) > 0
        assert float(row["loss_start"]) > float(row["loss_end"])
        assert all(0 <= float(row[name]) <= 1 for name in HEADER.split(",")[9:])
    assert rows[0]["eval_recall"] in ("1", "1.0"), "G0 has no parent to recall"


def test_sha256sum_checks_the_models(models: Path) -> None:
    rows = list(csv.DictReader((models / "lineage_ledger.csv").read_text().splitlines()))
    sums = "".join(f"{row['child_sha']}  luna_age_{row['GEN_ID']}.gguf\n" for row in rows)
    done = subprocess.run(["sha256sum", "-c", "-"], input=sums, cwd=models, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert rows[0]["parent_sha"] == digest(models / "base" / "base.gguf")
    assert rows[1]["parent_sha"] == rows[0]["child_sha"]
    for row in rows:
        assert row["data_delta_sha"] == digest(models / "generations" / row["GEN_ID"] / "data" / "new.jsonl")


def test_head_and_its_log(models: Path) -> None:
    assert (models / "HEAD").read_text() == "G0\n"
    entries = [json.loads(line) for line in (models / "head.log").read_text().splitlines()]
    assert [(entry["action"], entry["gen"], entry["verdict"]) for entry in entries] == [
        ("record", 0, "accepted"),
        ("accept", 0, None),
        ("record", 1, "rejected"),
    ]
    before = "0" * 64
    for entry in entries:
        assert entry["prev"] == before
        plain = {key: value for key, value in entry.items() if key != "sha"}
        text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert hashlib.sha256(text.encode()).hexdigest() == entry["sha"]
        before = entry["sha"]
        if entry["action"] == "record":
            assert entry["manifest_sha"] == digest(models / "generations" / str(entry["gen"]) / "manifest.json")


def test_manifests_vouch_for_every_file(models: Path) -> None:
    for gen in (0, 1):
        directory = models / "generations" / str(gen)
        manifest = json.loads((directory / "manifest.json").read_text())
        assert manifest["gen"] == gen
        assert manifest["parent_gen"] == (None if gen == 0 else 0)
        for name, facts in manifest["files"].items():
            assert digest(models / name) == facts["sha256"]
            assert (models / name).stat().st_size == facts["bytes"]
        present = {path.relative_to(models).as_posix() for path in directory.rglob("*") if path.is_file()}
        assert set(manifest["files"]) == present - {f"generations/{gen}/manifest.json"} | {f"luna_age_{gen}.gguf"}
        assert list(manifest["row"].values()) != []
        line = ",".join(manifest["row"][name] for name in HEADER.split(","))
        assert line in (models / "lineage_ledger.csv").read_text().splitlines()
        assert hashlib.sha256(line.encode()).hexdigest() == manifest["row_sha"]
    parent = digest(models / "generations" / "0" / "manifest.json")
    assert json.loads((models / "generations" / "1" / "manifest.json").read_text())["parent_manifest_sha"] == parent


def test_items_are_kept_with_what_was_asked_and_said(models: Path) -> None:
    for line in (models / "generations" / "0" / "eval_items.jsonl").read_text().split("\n")[:-1]:
        item = json.loads(line)
        assert {"id", "prompt", "output", "expected", "score", "how", "ms"} <= set(item)
        assert item["how"] in ("match", "choice")
