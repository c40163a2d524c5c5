"""Rows of the inbox that exceed the context: told, left out, and never what a generation is started for."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tiny_models import make_tiny_gguf
from tiny_workspace import TinyWorkspace, talk, write_rows

from engine.core.errors import UsageError
from engine.core.events import LogLine
from engine.data.inbox import InboxRow, append_row, read_rows
from engine.data.rows import make_row
from engine.pipeline.row_lengths import measure
from engine.service.auto_train import decide, input_stamp
from engine.service.inbox_import import Importer, ImportOptions
from engine.service.inbox_list import inbox_entries
from engine.service.karma import Meter, read_meter
from luna_tui.common.engine_facade import EngineFacade
from luna_tui.common.rating import Rating

NOON = datetime(2026, 11, 23, 12, 0)
LONG = {"prompt": "Tell me all of it, 900?", "response": "You ask. " * 80}


def meter(tiny: TinyWorkspace, overrides: dict[str, object] | None = None) -> Meter:
    return read_meter(tiny.workspace, tiny.config(overrides), tiny.workspace.lineage())


def put(tiny: TinyWorkspace, *rows: dict[str, Any], name: str = "old.jsonl") -> Path:
    """As a person puts a file into the inbox, past `inbox add`."""
    return write_rows(tiny.root / "inbox" / name, list(rows))


def test_a_generation_learns_the_others_and_says_which_rows_it_leaves_out(evolved: TinyWorkspace) -> None:
    put(evolved, *talk(6, start=200), LONG)
    found = decide(evolved.workspace, evolved.config({"age_up.karma": 2.0}), NOON)
    assert (found.action, found.meter.karma, found.meter.rows, found.meter.too_long) == ("train", 3, 6, 1)

    outcome = evolved.train(phase="converse", inbox_first=True)
    assert outcome.exit_code == 0, evolved.last.error
    (warning,) = [line.text for line in evolved.of(LogLine) if "longer than the context of 96" in line.text]
    assert warning.startswith("bad row left out: inbox/old.jsonl:7 ")
    assert " tokens, longer than the context of 96" in warning
    prompts = [row["prompt"] for row in evolved.lines(4, "data/new.jsonl")]
    assert {row["prompt"] for row in talk(6, start=200)} < set(prompts)
    assert LONG["prompt"] not in prompts
    assert "(left out: 1 longer than the context)" in json.dumps(evolved.workspace.manifest(4).data)  # type: ignore[union-attr]

    after = decide(evolved.workspace, evolved.config({"age_up.karma": 0.1}), NOON)
    assert (after.action, after.meter.karma, after.meter.spent) == ("wait", 0, 0), "it is not what a run starts for"
    assert "1 row is longer than the context" in after.why


def test_strict_refuses_them(evolved: TinyWorkspace) -> None:
    put(evolved, *talk(6, start=200), LONG)
    assert evolved.train(phase="converse", inbox_first=True, strict=True).exit_code == 2
    assert "inbox/old.jsonl:7" in evolved.last.error
    assert evolved.last.verdict == "failed", "after which the console starts none by itself"


def test_rows_of_the_curriculum_are_left_out_as_those_of_the_inbox_are(evolved: TinyWorkspace) -> None:
    put(evolved, LONG)
    write_rows(evolved.root / "curriculum" / "talk" / "later.jsonl", [*talk(8, start=300), LONG])
    assert evolved.train(phase="converse", inbox_first=True, overrides={"curriculum.converse_rows": 60}).exit_code == 0
    told = [line.text for line in evolved.of(LogLine) if "longer than the context of 96" in line.text]
    assert [text.split()[4] for text in told] == ["curriculum/talk/later.jsonl:9", "inbox/old.jsonl:1"]
    assert LONG["prompt"] not in [row["prompt"] for row in evolved.lines(4, "data/new.jsonl")]


def test_what_a_long_answer_replaced_is_not_learnt_in_its_place(evolved: TinyWorkspace) -> None:
    append_row(evolved.workspace, InboxRow(LONG["prompt"], "Certainly!", 1, "rated", 3))
    append_row(evolved.workspace, InboxRow(LONG["prompt"], LONG["response"], 2, "corrected", 3))
    put(evolved, *talk(6, start=200))
    assert meter(evolved).karma == 3
    assert evolved.train(phase="converse", inbox_first=True).exit_code == 0
    assert LONG["prompt"] not in [row["prompt"] for row in evolved.lines(4, "data/new.jsonl")]


def test_a_context_that_was_lowered_counts_and_one_that_was_raised_again(evolved: TinyWorkspace) -> None:
    put(evolved, LONG, *talk(6, start=200))
    assert (meter(evolved).rows, meter(evolved, {"model.context": 600}).rows) == (6, 7)
    assert meter(evolved, {"model.context": 16}).rows < 6


def test_the_models_own_window_counts_where_it_is_the_shorter_one(evolved: TinyWorkspace, tmp_path: Path) -> None:
    row = make_row(LONG["prompt"], LONG["response"])
    make_tiny_gguf(tmp_path / "small.gguf", n_ctx=64)
    config = evolved.config({"model.context": 4096})
    assert not measure(evolved.workspace, config, [row]).too_long
    (evolved.workspace.base_dir / "base.gguf").unlink()
    os.replace(tmp_path / "small.gguf", evolved.workspace.base_dir / "base.gguf")
    found = measure(evolved.workspace, config, [row])
    assert (found.context, list(found.too_long)) == (64, [row.id])


def test_an_import_counts_what_can_be_learnt_and_tells_the_rest(tiny: TinyWorkspace, tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "Go on."}, {"role": "assistant", "content": "You ask, and I answer."}] * 20
    turns[5] = {"role": "assistant", "content": LONG["response"]}
    source = write_rows(tmp_path / "chats.jsonl", [*talk(6), LONG, {"messages": turns}])
    brought = Importer(tiny.workspace, tiny.config(), ImportOptions()).bring_in([source], NOON.date())[0]
    assert [bad.line for bad in brought.bad] == [7, 8]
    assert brought.bad[0].reason.endswith(" tokens, longer than the context of 96")
    assert brought.bad[1].reason.startswith("1 of its 20 answers: up to ")
    assert (brought.rows, brought.unmeasured) == (6 + 19, 0)
    entries = inbox_entries(tiny.workspace, tiny.config(), tiny.workspace.lineage())[0]
    states = [entry.state for entry in entries]
    assert states.count("waiting") == 6 + 1, "a conversation is one entry"
    assert states[6].startswith("left out: ")
    assert meter(tiny).rows == brought.rows

    only = write_rows(tmp_path / "long.jsonl", [{**LONG, "prompt": "And this?"}])
    with pytest.raises(UsageError, match=r"no new row can be learnt: line 1: \d+ tokens"):
        Importer(tiny.workspace, tiny.config(), ImportOptions()).bring_in([only], NOON.date())[0]
    assert len(list((tiny.root / "inbox").iterdir())) == 1


def test_short_rows_and_rows_measured_before_need_no_tokenizer(
    tiny: TinyWorkspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tiny, LONG)
    tiny.workspace.row_lengths.parent.mkdir(parents=True)
    assert meter(tiny).too_long == 1

    def start(*_args: object, **_more: object) -> None:
        raise AssertionError("the tokenizer was asked")

    monkeypatch.setattr("engine.runtime.client.Runtime.load", start)
    source = write_rows(tmp_path / "chats.jsonl", talk(6))
    assert Importer(tiny.workspace, tiny.config(), ImportOptions()).bring_in([source], NOON.date())[0].rows == 6
    assert (meter(tiny).rows, meter(tiny).too_long) == (6, 1)


def test_a_damaged_record_of_lengths_is_measured_again(tiny: TinyWorkspace) -> None:
    put(tiny, LONG)
    tiny.workspace.row_lengths.parent.mkdir(parents=True)
    for content in (b"", b"[]", b'{"gguf": null}', b"\xff"):
        tiny.workspace.row_lengths.write_bytes(content)
        assert meter(tiny).too_long == 1


def test_a_base_without_a_tokenizer_here_leaves_rows_unmeasured(tiny: TinyWorkspace, tmp_path: Path) -> None:
    source = write_rows(tmp_path / "chats.jsonl", [*talk(6), LONG])
    brought = Importer(tiny.workspace, tiny.config({"model.base": "no/model"}), ImportOptions()).bring_in(
        [source], NOON.date()
    )[0]
    assert (brought.rows, brought.unmeasured, brought.bad) == (7, 1, ())


def test_a_correction_that_could_not_be_learnt_is_refused_while_the_person_is_there(tiny: TinyWorkspace) -> None:
    engine = EngineFacade()

    def rate(verdict: Any, answer: str, correction: str | None = None) -> int:
        return engine.write_rating(tiny.workspace, Rating(1, 0, LONG["prompt"], answer, 3, verdict, correction))

    with pytest.raises(UsageError, match="longer than the context of 96"):
        rate("corrected", "Certainly!", LONG["response"])
    with pytest.raises(UsageError, match="longer than the context of 96"):
        rate("good", LONG["response"])
    assert read_rows(tiny.workspace) == ()
    assert rate("bad", LONG["response"]) == -1, "what is rated down is never trained on"
    assert rate("corrected", LONG["response"], "You ask.") == 2


def test_what_was_refused_is_worth_another_try_when_its_data_change(evolved: TinyWorkspace) -> None:
    config, seen = evolved.config(), set[object]()
    for change in (
        lambda: None,
        lambda: put(evolved, *talk(1)),
        lambda: write_rows(evolved.root / "curriculum" / "talk" / "more.jsonl", talk(1)),
        lambda: (evolved.root / "luna.toml").write_text((evolved.root / "luna.toml").read_text() + "\n"),
    ):
        change()
        stamp = input_stamp(evolved.workspace, config)
        assert stamp not in seen
        seen.add(stamp)
    with evolved.workspace.lock("exporting"):
        assert input_stamp(evolved.workspace, config) in seen, "somebody else's work changes nothing"
