"""The journal: what was told is what is read, whatever a crash has torn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.core.events import (
    EVENT_TYPES,
    Emitter,
    Event,
    LogLine,
    ProgressReporter,
    RunFinished,
    TrainStep,
    from_json_object,
    to_json_object,
)
from engine.core.journal import Journal, last_seq, read_journal

SAMPLES: dict[Any, object] = {
    int: 3,
    float: 0.25,
    str: "with “quotes”, a\u2028separator and \x1b[31m",
    bool: True,
    int | None: None,
    float | None: 1.5,
    dict[str, int]: {"facts": 3},
    dict[str, Any]: {"recall": {"value": 1.0, "n": 0}},
    dict[str, str]: {"GEN_ID": "0"},
    list[str]: ["too low", "too slow"],
}


def sample(kind: type[Event], seq: int) -> Event:
    """An event of a type with every field filled."""
    given = {"run": "r", "seq": seq, "mono": 1.5, "wall": 2.5}
    fields = {f.name: SAMPLES[f.type] for f in msgspec.structs.fields(kind) if f.name not in given}
    return kind(**given, **fields)


def test_every_event_comes_back_as_it_was_told(tmp_path: Path) -> None:
    told = [sample(kind, seq) for seq, kind in enumerate(EVENT_TYPES)]
    journal = Journal(tmp_path / "run" / "events.jsonl")
    for event in told:
        journal(event)
    journal.close()
    assert list(read_journal(journal.path)) == told
    assert last_seq(journal.path) == len(told) - 1


def test_a_loss_that_is_no_number_survives(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "events.jsonl")
    journal(msgspec.structs.replace(sample(TrainStep, 0), loss=float("nan")))
    journal.close()
    (event,) = read_journal(journal.path)
    assert isinstance(event, TrainStep)
    assert event.loss != event.loss


@pytest.mark.parametrize("torn", [b'{"type": "log_l', b'{"type": "log_line"}', b"[1, 2]", b"\xff\xfe", b"null", b"7"])
def test_a_torn_line_costs_itself_only(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "events.jsonl"
    first = Journal(path)
    first(sample(LogLine, 0))
    first.close()
    with path.open("ab") as file:
        file.write(torn)
    second = Journal(path)
    second(sample(LogLine, 1))
    second.close()
    assert [event.seq for event in read_journal(path)] == [0, 1]
    assert torn in path.read_bytes(), "it stays as evidence"


def test_a_newer_versions_events_are_skipped() -> None:
    plain = to_json_object(sample(LogLine, 0))
    assert from_json_object(plain | {"type": "telepathy"}) is None
    assert from_json_object(plain | {"colour": "red"}) == sample(LogLine, 0)


def test_after_the_end_nothing_is_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "events.jsonl")
    journal.close()
    journal(sample(LogLine, 0))
    assert journal.path.read_bytes() == b""
    assert last_seq(journal.path) == -1
    assert last_seq(tmp_path / "none.jsonl") == -1


def test_names_on_disk() -> None:
    assert to_json_object(sample(RunFinished, 0))["type"] == "run_finished"
    assert next(iter(to_json_object(sample(TrainStep, 0)))) == "type"
    assert json.dumps([to_json_object(sample(kind, 0)) for kind in EVENT_TYPES])


def test_progress_is_told_sparingly_but_always_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.core import events

    now = 0.0
    monkeypatch.setattr(events.time, "monotonic", lambda: now)
    told: list[Event] = []
    report = ProgressReporter(Emitter("r", told.append), "exam")
    now = 1.0
    report(0, 100)
    for done in range(1, 100):
        now += 0.01
        report(done, 100)
    report(100, 100, "last")
    assert 3 <= len(told) <= 6
    last = told[-1]
    assert isinstance(last, events.Progress)
    assert (last.done, last.total, last.label) == (100, 100, "last")
    assert last.eta_s == 0
    assert isinstance(told[0], events.Progress)
    assert told[0].eta_s is None
