"""verify: a sound workspace is ok, any changed byte is named by file and generation, leftovers are no damage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from unit.ledger.workspace_factory import BASE_BYTES, BASE_SHA, WorkspaceFactory

from ledger.hashing import sha256_bytes
from ledger.head import HeadStore
from ledger.row import COLUMNS
from ledger.verify import Problem, VerifyReport, verify


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def about(report: VerifyReport, file: str) -> list[Problem]:
    return [problem for problem in report.problems if problem.file == f"models/{file}"]


def test_a_sound_workspace_is_ok_and_nothing_is_written(models: Path) -> None:
    before = snapshot(models)
    report = verify(models)
    assert report.ok
    assert report.problems == []
    assert report.notes == []
    assert report.checked == len(before)
    assert snapshot(models) == before


def test_the_report_has_the_documented_form(models: Path) -> None:
    (models / "luna_age_1.gguf").write_bytes(b"GGUF")
    raw = verify(models).to_dict()
    assert raw["ok"] is False
    assert isinstance(raw["checked"], int)
    assert json.loads(json.dumps(raw))["problems"][0]["gen"] == 1
    assert set(json.loads(json.dumps(raw))["problems"][0]) == {"gen", "file", "problem"}


@pytest.mark.parametrize("exists", [True, False])
def test_a_new_workspace_is_ok(tmp_path: Path, exists: bool) -> None:
    if exists:
        (tmp_path / "models").mkdir()
    assert verify(tmp_path / "models") == VerifyReport(True, 0, [], [])


GENERATION_FILES = [
    *(f"luna_age_{gen}.gguf" for gen in range(4)),
    *(
        f"generations/{gen}/{name}"
        for gen in range(4)
        for name in ("manifest.json", "delta.safetensors", "data/new.jsonl", "data/train.jsonl", "evals.json")
    ),
    "generations/1/data/holdout.jsonl",
    "generations/1/exam.jsonl",
]


@pytest.mark.parametrize("bits", [0x01, 0x20, 0xFF])
@pytest.mark.parametrize("name", GENERATION_FILES)
def test_a_changed_byte_of_a_generations_file_names_it(models: Path, name: str, bits: int) -> None:
    gen = int("".join(filter(str.isdigit, name.split("data/")[0])))
    path = models / name
    data = path.read_bytes()
    for at in {*range(0, len(data), max(1, len(data) // 3)), len(data) - 1}:
        path.write_bytes(data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :])
        report = verify(models)
        assert not report.ok
        assert {problem.gen for problem in report.problems} == {gen}
        assert about(report, name)


@pytest.mark.parametrize("bits", [0x01, 0x07, 0x20, 0x80, 0xFF])
@pytest.mark.parametrize("name", ["lineage_ledger.csv", "head.log", "HEAD"])
def test_a_changed_byte_of_a_shared_file_names_it(models: Path, name: str, bits: int) -> None:
    path = models / name
    data = path.read_bytes()
    step = 1 if len(data) < 1000 else 13
    for at in {*range(0, len(data), step), *_ends(data)}:
        path.write_bytes(data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :])
        problems = about(verify(models), name)
        assert problems, f"byte {at} of {name} changed unseen"
        assert all(problem.gen is not None for problem in problems)
        if name == "lineage_ledger.csv" and data.count(b"\n", 0, at):
            line = data.count(b"\n", 0, at)
            assert line - 1 in {problem.gen for problem in problems}


def _ends(data: bytes) -> list[int]:
    return [at for at, byte in enumerate(data) if byte == 0x0A]


@pytest.mark.parametrize("name", ["lineage_ledger.csv", "head.log", "HEAD", *GENERATION_FILES])
@pytest.mark.parametrize("how", ["emptied", "shortened", "lengthened", "removed"])
def test_a_file_of_another_length_is_seen(models: Path, name: str, how: str) -> None:
    path = models / name
    data = path.read_bytes()
    if how == "removed":
        path.unlink()
    else:
        path.write_bytes({"emptied": b"", "shortened": data[: len(data) // 2], "lengthened": data + b"x\n"}[how])
    assert not verify(models).ok


@pytest.mark.parametrize("column", COLUMNS)
def test_a_ledger_row_is_compared_field_by_field(models: Path, column: str) -> None:
    path = models / "lineage_ledger.csv"
    lines = path.read_text().splitlines()
    fields = lines[2].split(",")
    old = fields[COLUMNS.index(column)]
    fields[COLUMNS.index(column)] = {"GEN_ID": "9"}.get(column, old[:-1] + ("1" if old[-1] != "1" else "0"))
    path.write_text("\n".join([*lines[:2], ",".join(fields), *lines[3:], ""]))
    problems = about(verify(models), "lineage_ledger.csv")
    assert 1 in {problem.gen for problem in problems}


def test_a_number_written_differently_is_not_what_was_recorded(models: Path) -> None:
    path = models / "lineage_ledger.csv"
    path.write_text(path.read_text().replace(",1.25,", ",1.250,", 1))
    (problem,) = verify(models).problems
    assert problem == Problem(0, "models/lineage_ledger.csv", "walltime_min of G0 is '1.250', recorded '1.25'")


def test_a_duplicate_row_is_named(models: Path) -> None:
    path = models / "lineage_ledger.csv"
    path.write_text(path.read_text() + path.read_text().splitlines()[-1] + "\n")
    assert any("duplicate GEN_ID 3" in problem.problem for problem in verify(models).problems)


def test_the_base_models_files_are_checked_too(models: Path, tmp_path: Path) -> None:
    base = tmp_path / "base.gguf"
    base.write_bytes(BASE_BYTES)
    assert verify(models, base_files={"base.gguf": (base, BASE_SHA)}).ok
    base.write_bytes(BASE_BYTES[:-1])
    (problem,) = verify(models, base_files={"base.gguf": (base, BASE_SHA)}).problems
    assert (problem.gen, problem.file) == ("base", "base.gguf")
    base.unlink()
    (problem,) = verify(models, base_files={"base.gguf": (base, BASE_SHA)}).problems
    assert "No such file" in problem.problem


def test_progress_counts_up_to_all_files(models: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    report = verify(models, progress=lambda done, total, name: seen.append((done, total, name)))
    assert [done for done, _, _ in seen] == list(range(seen[0][0], report.checked))
    assert seen[-1][1] == report.checked
    assert all(done < total for done, total, _ in seen)
    assert "luna_age_3.gguf" in {name for _, _, name in seen}


def test_a_collected_model_may_be_missing_and_a_restored_one_may_not(models: Path) -> None:
    data = (models / "luna_age_1.gguf").read_bytes()
    WorkspaceFactory(models).collect(1)
    assert verify(models).ok
    (models / "luna_age_1.gguf").write_bytes(data[::-1])
    assert about(verify(models), "luna_age_1.gguf")
    (models / "luna_age_1.gguf").unlink()
    HeadStore(models).append("restore", gen=1, reason="chat")
    (problem,) = verify(models).problems
    assert (problem.gen, problem.file, problem.problem) == (1, "models/luna_age_1.gguf", "is missing")


@pytest.mark.parametrize("name", ["generations/1/extra.txt", "generations/1/data/more.jsonl", "generations/2/a/b/c"])
def test_a_file_nobody_recorded_is_seen(models: Path, name: str) -> None:
    (models / name).parent.mkdir(parents=True, exist_ok=True)
    (models / name).write_bytes(b"")
    (problem,) = verify(models).problems
    assert problem.file == f"models/{name}"
    assert problem.gen == int(name.split("/")[1])


@pytest.mark.parametrize("crash_after", ["artefacts", "manifest", "row", "record"])
def test_a_crash_while_recording_leaves_notes_and_no_damage(models: Path, crash_after: str) -> None:
    factory = WorkspaceFactory(models)
    for step in factory.steps(4):
        if step == crash_after:
            break
    report = verify(models)
    assert report.problems == []
    told = " ".join(report.notes)
    assert ("4: no ledger row" in told) == (crash_after in ("artefacts", "manifest"))
    assert ("G4: a crash came between" in told) == (crash_after == "row")
    factory.rollback(1)
    assert verify(models).ok


def test_only_the_newest_generation_may_lack_its_log_entry(models: Path) -> None:
    (models / "head.log").unlink()
    (models / "HEAD").unlink()
    assert {problem.gen for problem in about(verify(models), "head.log")} == {0, 1, 2}


def test_torn_tails_are_notes(models: Path) -> None:
    log, ledger = models / "head.log", models / "lineage_ledger.csv"
    log.write_bytes(log.read_bytes() + b'{"action":"acc')
    ledger.write_bytes(ledger.read_bytes() + b"4,ab")
    report = verify(models)
    assert report.ok
    assert [note.split(":")[0] for note in report.notes] == ["head.log", "lineage_ledger.csv"]


def test_a_model_without_a_row_is_noted(models: Path) -> None:
    (models / "luna_age_9.gguf").write_bytes(b"GGUF")
    report = verify(models)
    assert report.ok
    assert report.notes == ["luna_age_9.gguf: no ledger row; leftover of a crash"]


def test_a_hand_written_ledger_is_noted_and_its_models_checked_by_prefix(tmp_path: Path) -> None:
    sha = sha256_bytes(b"GGUF one")
    (tmp_path / "lineage_ledger.csv").write_text(
        ",".join(COLUMNS) + f"\nG0,base_model,{sha[:8]},ffee,500,2e-4,42,,,,,\nG1,{sha[:6]},abcd,ffee,300,2e-4,9,,,,,\n"
    )
    (tmp_path / "luna_age_0.gguf").write_bytes(b"GGUF one")
    report = verify(tmp_path)
    assert report.ok
    assert [note.split(":")[0] for note in report.notes] == ["G0", "G1"]
    (tmp_path / "luna_age_0.gguf").write_bytes(b"GGUF two")
    (problem,) = verify(tmp_path).problems
    assert (problem.gen, problem.file) == (0, f"{tmp_path.name}/luna_age_0.gguf")


def test_ids_that_are_words_have_nothing_to_check(tmp_path: Path) -> None:
    (tmp_path / "lineage_ledger.csv").write_text(
        ",".join(COLUMNS) + "\nG0,base_model,abc123,def456,500,2e-4,45,,,,,\nG1,abc123,ghi789,jkl012,300,2e-4,32,,,,,\n"
    )
    report = verify(tmp_path)
    assert report.ok
    assert report.notes == ["G0: hand-written, nothing to check", "G1: hand-written, nothing to check"]
    (tmp_path / "luna_age_1.gguf").write_bytes(b"GGUF one")
    assert verify(tmp_path).ok, "a word is no SHA-256 that a file could contradict"


def test_a_word_in_the_row_of_a_recorded_generation_is_damage(tmp_path: Path) -> None:
    factory = WorkspaceFactory(tmp_path / "models").grow(1)
    ledger = tmp_path / "models" / "lineage_ledger.csv"
    sha = factory.lineage().node(0).row.child_sha
    ledger.write_text(ledger.read_text().replace(sha, "ghi789"))
    assert any("child_sha of G0 is 'ghi789'" in problem.problem for problem in verify(tmp_path / "models").problems)


def test_a_recorded_generation_can_grow_on_a_hand_written_one(tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    (models / "lineage_ledger.csv").write_text(",".join(COLUMNS) + "\nG0,base_model,abcd1234,ffee,500,2e-4,42,,,,,\n")
    factory = WorkspaceFactory(models)
    assert factory.add(parent=0) == 1
    assert factory.lineage().ancestors(1) == [0]
    assert verify(models).problems == []


def test_a_generation_recorded_twice_is_named(models: Path) -> None:
    HeadStore(models).append("record", gen=1, reason="", manifest_sha="0" * 64, verdict="accepted")
    (problem,) = verify(models).problems
    assert (problem.gen, problem.file) == (1, "models/head.log")


def test_a_wider_tree_is_checked_whole(tmp_path: Path) -> None:
    factory = WorkspaceFactory(tmp_path / "models")
    for gen in range(30):
        factory.add(parent="HEAD" if gen % 3 else (None if gen == 0 else gen // 2))
    report = verify(factory.models)
    assert report.ok
    assert report.checked == 30 * 8 + 3
