"""Tone probes or phrases that were changed after a generation: answers to different questions never stand together."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from tiny_workspace import TinyWorkspace

from engine.core.cancellation import Control
from engine.core.errors import LunaError
from engine.evaluation.compare import compare_models
from engine.evaluation.run_eval import read_examination, style_options
from engine.evaluation.style_eval import asked_sha, comparable_drift
from luna_tui.cli.tables.compare import print_comparison
from luna_tui.common.terminal import LunaConsole
from luna_tui.report.blocks import to_markdown
from luna_tui.report.compare import compare_part
from luna_tui.report.writing import write_report

pytestmark = pytest.mark.slow

# Fewer than the built-in ten, and the first has the id of a built-in one in other words.
PROBES = [{"id": "t01", "prompt": "hello"}, {"id": "mine", "prompt": "Where is the log?"}]


def change_probes(tiny: TinyWorkspace, probes: list[dict[str, str]]) -> None:
    (tiny.root / "probes.jsonl").write_text("".join(json.dumps(probe) + "\n" for probe in probes))


def compared(tiny: TinyWorkspace, *refs: str, **changes: Any) -> dict[str, Any]:
    return compare_models(tiny.workspace, tiny.config(changes), refs, progress=lambda *_: None, control=Control())


def printed(found: dict[str, Any]) -> str:
    out = io.StringIO()
    print_comparison(LunaConsole(file=out, width=120), found)
    return out.getvalue()


def answer_other_probes(tiny: TinyWorkspace, gen: int, count: int = 3) -> None:
    """Let a generation have been asked only its first probes, and these in other words."""
    path = tiny.workspace.generation(gen) / "tone_answers.jsonl"
    answers = [json.loads(line) for line in path.read_text().split("\n") if line]
    ids = list(dict.fromkeys(answer["probe_id"] for answer in answers))[:count]
    kept = [answer | {"prompt": answer["prompt"] + " (of old)"} for answer in answers if answer["probe_id"] in ids[1:]]
    kept = [answer for answer in answers if answer["probe_id"] == ids[0]] + kept
    path.write_text("".join(json.dumps(answer) + "\n" for answer in kept))


def test_both_are_asked_again_what_is_asked_now(evolved: TinyWorkspace) -> None:
    change_probes(evolved, PROBES)
    found = compared(evolved, "base", "G1", "G3", **{"eval.tone_probes": "probes.jsonl"})
    for model in found["models"]:
        assert [(tone["id"], tone["prompt"]) for tone in model["tone"]] == [(p["id"], p["prompt"]) for p in PROBES]
        assert model["same_probes"] is True
        assert model["drift"]["n"] == len(PROBES) * 2, "a greedy answer and one sample each"
    assert not any("tone probes" in warning for warning in found["warnings"])
    assert "Where is the log?" in printed(found)


def test_a_generation_that_was_asked_others_is_asked_again(evolved: TinyWorkspace) -> None:
    answer_other_probes(evolved, 1)
    first, second = compared(evolved, "G1", "G3")["models"]
    assert [tone["prompt"] for tone in first["tone"]] == [tone["prompt"] for tone in second["tone"]]
    assert first["drift"]["n"] == second["drift"]["n"]


def test_what_cannot_be_asked_again_is_said_and_not_compared(
    evolved: TinyWorkspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    compared(evolved, "G1", "G3")  # exams and cards are known from here on
    answer_other_probes(evolved, 1)

    def refuse(*_: object, **__: object) -> None:
        raise LunaError("its weights are gone")

    monkeypatch.setattr("engine.evaluation.result_cache.Runtime", refuse)
    for tone in (evolved.workspace.models / "sittings").rglob("tone-*.json"):
        tone.unlink()
    found = compared(evolved, "G3", "G1")
    assert [model["same_probes"] for model in found["models"]] == [True, False]
    (warning,) = (warning for warning in found["warnings"] if "tone probes" in warning)
    assert warning.startswith("G1 was asked other tone probes")
    assert "its weights are gone" in warning
    text = printed(found)
    assert "other probes" in text
    assert "(not asked this)" in text
    # The one probe that both were asked in the same words still stands side by side.
    shared = evolved.lines(3, "tone_answers.jsonl")[0]["prompt"]
    blocks, _ = compare_part(evolved.workspace)
    row = next(line for line in to_markdown(blocks).split("\n") if line.startswith(f"| {shared}"))
    assert "not asked" not in row
    assert "of other probes" in to_markdown(blocks)
    write_report(evolved.workspace, evolved.config(), tmp_path / "report")


def test_a_comparison_kept_by_an_older_version_with_unlike_probes_is_still_reported(evolved: TinyWorkspace) -> None:
    compared(evolved, "G1", "G3")
    (path,) = (evolved.root / "compare").glob("*.json")
    kept = json.loads(path.read_text())
    for model in kept["models"]:
        del model["same_probes"]
        for tone in model["tone"]:
            del tone["id"]
    kept["models"][1]["tone"] = kept["models"][1]["tone"][3:]
    path.write_text(json.dumps(kept))
    text = to_markdown(compare_part(evolved.workspace)[0])
    assert text.count("(not asked this)") == 3
    assert printed(kept).count("(not asked this)") == 3


def test_phrases_that_were_added_judge_recorded_answers_too(evolved: TinyWorkspace) -> None:
    said = next(a["text"] for a in evolved.lines(3, "tone_answers.jsonl") if a["text"].split() and a["sample"] == 0)
    word = "".join(mark for mark in said.split()[0] if mark.isalnum())
    (evolved.root / "phrases.txt").write_text(f"{word}\n")
    before = compared(evolved, "G1", "G3")["models"][1]
    now = compared(evolved, "G1", "G3", **{"eval.phrases": "phrases.txt"})["models"][1]
    assert now["drift"]["value"] > before["drift"]["value"]
    assert now["same_probes"] is True
    assert [tone["text"] for tone in now["tone"]] == [tone["text"] for tone in before["tone"]], "nothing asked again"


def test_the_stop_rule_gets_only_drifts_of_the_same_probes(evolved: TinyWorkspace) -> None:
    config = evolved.config()
    answers = read_examination(evolved.workspace.generation(3)).tone_answers
    recorded = evolved.workspace.ledger.read()[1].eval_style_drift
    assert comparable_drift(evolved.workspace, config, 1, answers, recorded) == pytest.approx(recorded)
    warmer = evolved.config({"eval.tone_temperature": 1.5})
    assert comparable_drift(evolved.workspace, warmer, 1, answers, recorded) is None
    answer_other_probes(evolved, 1)
    assert comparable_drift(evolved.workspace, config, 1, answers, recorded) is None


def test_a_manifest_names_what_the_tone_was_probed_with(evolved: TinyWorkspace) -> None:
    for gen in (1, 3):
        manifest = evolved.workspace.manifest(gen)
        assert manifest is not None
        answers = read_examination(evolved.workspace.generation(gen)).tone_answers
        assert manifest.data["tone_asked"] == asked_sha(answers, style_options(evolved.config()))


def test_a_generation_trained_after_the_probes_were_changed_says_what_the_stop_rule_cannot_tell(
    evolved: TinyWorkspace,
) -> None:
    change_probes(evolved, PROBES)
    text = (evolved.root / "luna.toml").read_text()
    text = text.replace("enabled = false", "enabled = true\nepsilon = 1.0")
    (evolved.root / "luna.toml").write_text(text.replace("[eval]", '[eval]\ntone_probes = "probes.jsonl"'))
    outcome = evolved.train()
    assert outcome.exit_code == 0, [(event.reasons, event.error) for event in outcome.finished]
    manifest = evolved.workspace.manifest(4)
    assert manifest is not None
    (reason,) = manifest.verdict_reasons
    assert "all targets met" in reason
    assert "G2 and G3 answered other tone probes" in reason
