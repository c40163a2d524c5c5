"""What the engine refuses: each time the exit code, what is wrong, and how to mend it; nothing is left behind."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from tiny_models import make_tiny_gguf
from tiny_workspace import TinyWorkspace, facts, hand_written, talk, write_rows

from engine.core.errors import LunaError
from engine.core.events import DataPrepared, LogLine
from engine.evaluation.evaluate import recorded_evaluation
from engine.models.base import prepare_base
from engine.service.chat import open_chat
from engine.workspace.layout import Workspace
from engine.workspace.lineage_rows import lineage_rows
from ledger.errors import LedgerBadInput, LedgerDamaged
from ledger.row import COLUMNS

pytestmark = pytest.mark.slow


def assert_refused(tiny: TinyWorkspace, words: str, *, exit_code: int = 2) -> None:
    """The last request failed with these words and a hint, before anything was planned, let alone recorded."""
    assert tiny.last.verdict == "failed"
    assert tiny.last.exit_code == exit_code, tiny.last
    assert words in tiny.last.error, tiny.last.error
    assert tiny.last.hint
    assert tiny.runs() == []
    assert not list((tiny.workspace.models / "generations").glob(".staging*"))


# -- the data


def test_everything_was_seen_already(evolved: TinyWorkspace) -> None:
    runs = evolved.runs()
    assert evolved.train(phase="base").exit_code == 2
    assert "nothing new to learn: all 36 rows of facts were seen by an ancestor" in evolved.last.error
    assert "20 unseen rows for --phase converse" in evolved.last.hint
    assert evolved.runs() == runs


def test_given_data_was_seen_already(evolved: TinyWorkspace) -> None:
    path = write_rows(evolved.root / "again.jsonl", talk(8))
    assert evolved.train(data=(path,)).exit_code == 2
    assert "nothing new to learn: all 8 rows of the data given" in evolved.last.error


def test_fewer_rows_than_a_holdout_needs(tiny: TinyWorkspace) -> None:
    write_rows(tiny.root / "curriculum" / "facts" / "parts.jsonl", facts()[:3])
    tiny.train()
    assert_refused(tiny, "too few new rows: 3 in facts, but a holdout of 20% needs at least 5")


def test_steps_that_cannot_feed_the_data_once(tiny: TinyWorkspace) -> None:
    rows = [{"prompt": f"Question {n}?", "response": f"Answer {n}."} for n in range(120)]
    write_rows(tiny.root / "curriculum" / "facts" / "parts.jsonl", rows)
    tiny.train(steps=1, overrides={"train.batch_size": 1})
    assert_refused(tiny, "1 step of 1 row cannot feed")


def test_few_steps_are_made_to_feed_everything(tiny: TinyWorkspace) -> None:
    assert tiny.train(steps=2).exit_code in (0, 3)
    warnings = [event.text for event in tiny.of(LogLine) if event.level == "warning"]
    assert "accumulation raised from 1 to 2 so that 2 steps feed all 29 rows" in warnings
    fed = {id_ for step in tiny.lines(0, "data/fed.jsonl") for id_ in step["rows"]}
    assert fed == {row["id"] for row in tiny.lines(0, "data/train.jsonl")}


def test_a_row_longer_than_the_context(tiny: TinyWorkspace) -> None:
    path = tiny.root / "curriculum" / "facts" / "parts.jsonl"
    write_rows(path, [*facts(), {"prompt": "word " * 200, "response": "Too long."}])
    assert tiny.train(strict=True).exit_code == 2
    assert_refused(tiny, "curriculum/facts/parts.jsonl:37: 410 tokens, longer than the context of 96")
    assert tiny.train().exit_code in (0, 3), "one row does not stop a generation"
    assert any("parts.jsonl:37 410 tokens, longer than" in event.text for event in tiny.of(LogLine))


def test_a_context_beyond_the_models_own(tiny: TinyWorkspace) -> None:
    make_tiny_gguf(tiny.root / "base.gguf", n_ctx=64)
    path = tiny.root / "curriculum" / "facts" / "parts.jsonl"
    write_rows(path, [*facts(), {"prompt": "word " * 30, "response": "Long."}])
    tiny.train(strict=True)
    assert_refused(tiny, "tokens, longer than the context of 64")


def test_an_exam_that_would_not_fit(evolved: TinyWorkspace) -> None:
    rows = [{"prompt": f"Say {n} " + "some more words " * 30, "response": f"{n} said."} for n in range(10)]
    given = write_rows(evolved.root / "long.jsonl", rows)
    assert evolved.train(data=(given,), overrides={"model.context": 400}).exit_code in (0, 3)
    runs = evolved.runs()
    # The rows to come are short, but this generation also sits its parent's exams, in four times the context.
    assert evolved.train(parent="G4", overrides={"model.context": 32, "replay.rows": 0}).exit_code == 2
    assert "exam items do not fit the 128 tokens exams run in: 'Say " in evolved.last.error, evolved.last.error
    assert "[model] context" in evolved.last.hint
    assert evolved.runs() == runs


def test_rows_that_are_no_rows_are_told_and_left_out(tiny: TinyWorkspace) -> None:
    folder = tiny.root / "curriculum" / "facts"
    good = "".join(json.dumps(row) + "\n" for row in facts()).encode()
    bad = [
        b'{"answer": "neither prompt nor text"}',
        b'{"prompt": 7, "response": "wrong type"}',
        b'{"prompt": "NUL\\u0000 in it?", "response": "No."}',
        b'{"prompt": "raw \x00 byte?", "response": "No."}',
        b'{"prompt": "\xff\xfe?", "response": "no UTF-8"}',
        b'{"prompt": "five megabytes?", "response": "' + b"x" * 5_000_000 + b'"}',
        b"not JSON at all",
    ]
    (folder / "parts.jsonl").write_bytes(good + b"\n".join(bad) + b"\n")
    (folder / "empty.jsonl").write_bytes(b"")
    assert tiny.train().exit_code == 0
    told = [event.text for event in tiny.of(LogLine) if event.text.startswith("bad row left out: ")]
    assert len(told) == len(bad)
    for number, text in enumerate(told, start=37):
        assert f"curriculum/facts/parts.jsonl:{number} " in text
    assert tiny.of(DataPrepared)[0].bad_rows == len(bad)
    assert tiny.of(DataPrepared)[0].new_rows == 36
    assert any("empty.jsonl is empty" in event.text for event in tiny.of(LogLine))
    manifest = tiny.workspace.manifest(0)
    assert manifest is not None
    assert len(manifest.data["curriculum"]["bad"]) == len(bad)


def test_strict_refuses_to_train_while_there_are_bad_rows(tiny: TinyWorkspace) -> None:
    file = tiny.root / "curriculum" / "facts" / "parts.jsonl"
    file.write_bytes(file.read_bytes() + b"not JSON at all\n")
    assert tiny.train(strict=True).exit_code == 2
    assert "curriculum/facts/parts.jsonl:37" in tiny.last.error
    assert not tiny.runs()
    assert tiny.train().exit_code == 0


def test_new_answers_full_of_corporate_phrases_are_told_before_they_are_trained_on(evolved: TinyWorkspace) -> None:
    rows = [{"prompt": f"Part {n}?", "response": f"I apologize for any inconvenience with {n}."} for n in range(10)]
    desk = write_rows(evolved.root / "desk.jsonl", rows)
    assert evolved.train(data=(desk,)).exit_code in (0, 3)
    told = [event.text for event in evolved.of(LogLine) if "corporate phrase" in event.text]
    assert len(told) == 1
    assert "8 of 8 new answers have a corporate phrase, such as 'I apologize'" in told[0]
    assert "desk.jsonl:" in told[0]


def test_line_separators_inside_a_row_are_no_line_ends(tiny: TinyWorkspace) -> None:
    odd = [
        {"prompt": f"Line\u2028or\u0085part {n}?", "response": f"Part\u2029{n}.", "score": "match"} for n in range(20)
    ]
    write_rows(tiny.root / "curriculum" / "facts" / "odd.jsonl", odd)
    assert tiny.train(generations=2).exit_code in (0, 3)
    assert len(tiny.lines(0, "exam.jsonl")) == len(tiny.lines(0, "data/holdout.jsonl"))
    assert recorded_evaluation(tiny.workspace, tiny.config(), "G0")["gen"] == 0


def test_data_without_a_usable_row(tiny: TinyWorkspace) -> None:
    path = tiny.root / "bad.jsonl"
    path.write_text('{"nothing": 1}\n')
    tiny.train(data=(path,))
    assert tiny.last.exit_code == 2
    assert "no usable row in the data given" in tiny.last.error


def test_no_curriculum(tiny: TinyWorkspace) -> None:
    shutil.rmtree(tiny.root / "curriculum")
    tiny.train()
    assert_refused(tiny, "there is no such folder")


def test_tone_probes_that_cannot_be_used(tiny: TinyWorkspace) -> None:
    (tiny.root / "probes.jsonl").write_text("{}\n")
    tiny.train(overrides={"eval.tone_probes": "probes.jsonl"})
    assert tiny.last.exit_code == 2
    assert "the tone probes cannot be used" in tiny.last.error
    assert tiny.runs() == []


# -- generations and the ledger


def test_unknown_and_ambiguous_generations(evolved: TinyWorkspace) -> None:
    runs = evolved.runs()
    assert evolved.train(parent="G9").exit_code == 2
    assert "there is no generation G9" in evolved.last.error
    assert evolved.runs() == runs
    with pytest.raises(LedgerBadInput, match="there is no generation deadbeef"):
        open_chat(evolved.workspace, evolved.config(), "deadbeef")


def test_an_ambiguous_prefix(tiny: TinyWorkspace) -> None:
    workspace = hand_written(
        tiny.workspace, "0,base_model,abcd1111,11112222,1,1e-4,1,,,,,", "1,abcd1111,abcd2222,33334444,1,1e-4,1,,,,,"
    )
    with pytest.raises(LedgerBadInput, match=r"ambiguous.*G0.*G1"):
        open_chat(workspace, tiny.config(), "abcd")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (",".join(COLUMNS[:-1]) + "\n", "eval_style_drift"),
        (",".join(COLUMNS) + "\n" + "0,base_model,aaaa1111,bbbb2222,1,1e-4,1,,,,,\n" * 2, "duplicate GEN_ID 0"),
        (
            ",".join(COLUMNS)
            + "\n0,base_model,aaaa1111,bbbb2222,1,1e-4,1,,,,,\n1,ffff0000,cccc3333,dddd4444,1,1e-4,1,,,,,\n",
            "parent of G1 is unknown",
        ),
    ],
    ids=["missing column", "duplicate GEN_ID", "unknown parent"],
)
def test_a_damaged_ledger(tiny: TinyWorkspace, text: str, words: str) -> None:
    tiny.workspace.models.mkdir()
    (tiny.workspace.models / "lineage_ledger.csv").write_text(text)
    with pytest.raises(LedgerDamaged, match=words):
        tiny.workspace.lineage()
    assert tiny.train().exit_code == 4
    assert words in tiny.last.error
    assert tiny.runs() == []


def test_a_hand_written_parent(tiny: TinyWorkspace) -> None:
    hand_written(tiny.workspace, "0,base_model,aaaa1111,bbbb2222,300,2e-4,31.5,2.1,0.4,1.0,0.9,0.0")
    assert [row["verdict"] for row in lineage_rows(tiny.workspace)] == ["unrecorded"]
    tiny.train(parent="G0")
    assert_refused(tiny, "G0 was not trained in this workspace")


def test_a_ledger_of_another_base(tiny: TinyWorkspace) -> None:
    hand_written(tiny.workspace, "0,12345678,aaaa1111,bbbb2222,300,2e-4,31.5,2.1,0.4,1.0,0.9,0.0")
    tiny.train()
    assert_refused(tiny, "this ledger cannot take G1")


# -- the disk


def test_no_disk_space(tiny: TinyWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare_base(tiny.workspace, tiny.config())
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=10**8))
    assert tiny.train().exit_code == 1
    assert_refused(tiny, "not enough disk for a generation: 0.1 GiB free, about 0.2 GiB needed", exit_code=1)
    assert "luna-tui gc" in tiny.last.hint
    monkeypatch.undo()
    assert tiny.train().exit_code == 0


def test_a_workspace_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(LunaError, match=r"no luna\.toml") as error:
        Workspace.open(tmp_path)
    assert error.value.exit_code == 2
