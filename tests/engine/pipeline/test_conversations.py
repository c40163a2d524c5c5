"""Generations from conversations: each answer once, what is too long told, and replayed, examined and gone on with."""

from __future__ import annotations

from typing import Any

from tiny_workspace import TinyWorkspace, facts, write_rows

from engine.core.events import LogLine

CURRICULUM = ("curriculum", "talk", "chats.jsonl")


def chat(name: int, answers: int, long: int | None = None) -> dict[str, Any]:
    """A conversation; the answer at place `long` exceeds the context of 96 tokens."""
    said: list[dict[str, Any]] = []
    for number in range(answers):
        said.append({"role": "user", "content": f"Chat {name}, what is {number}?"})
        said.append({"role": "assistant", "content": "You ask. " * 60 if number == long else f"It is {name * number}."})
    return {"messages": said}


def warnings(tiny: TinyWorkspace) -> list[str]:
    return [event.text for event in tiny.of(LogLine) if event.level == "warning"]


def test_a_generation_of_conversations_longer_than_the_context(evolved: TinyWorkspace) -> None:
    path = evolved.root.joinpath(*CURRICULUM)
    write_rows(path, [chat(name, 12) for name in range(30, 42)])
    outcome = evolved.train(phase="converse", data=(path,))
    assert outcome.exit_code in (0, 3), evolved.last.error
    manifest = evolved.workspace.manifest(4)
    assert manifest is not None
    data = manifest.data
    trained = [row for row in evolved.lines(4, "data/train.jsonl") if row["kind"] == "chat"]
    exam = evolved.lines(4, "exam.jsonl")
    assert (data["new"], data["holdout"], len(exam)) == (144, 24, 24), (
        "two conversations of twelve answers are held out"
    )
    assert len(trained) == 10
    assert data["sequences"] > data["train"] / 12
    assert 0 < data["tokens_repeated"] < data["tokens"] / 2
    fed = [id_ for step in evolved.lines(4, "data/fed.jsonl") for id_ in step["rows"]]
    assert all(fed.count(row["id"]) >= 2 for row in trained), "a conversation is fed in several sequences"
    assert exam[0].get("history", []) == []
    assert len(exam[3]["history"]) > 0
    assert 0 < len(exam[11]["history"]) < 22, "only the newest turns fit"
    assert any("sequences of" in event.text for event in evolved.of(LogLine))


def test_the_next_generation_replays_them_and_goes_on_where_one_was_left(evolved: TinyWorkspace) -> None:
    path = evolved.root / "talk.jsonl"
    write_rows(path, [chat(name, 3) for name in range(30, 42)])
    assert evolved.train(phase="converse", data=(path,)).exit_code == 0, evolved.last.error
    first = {id_ for row in evolved.lines(4, "exam.jsonl") for id_ in [row["id"]]}
    write_rows(path, [chat(name, 5) for name in range(30, 42)])
    assert evolved.train(phase="converse", data=(path,)).exit_code in (0, 3), evolved.last.error
    manifest = evolved.workspace.manifest(5)
    assert manifest is not None
    assert manifest.data["selection"]["seen"] > 0
    new = evolved.lines(5, "data/new.jsonl")
    weights = [turn.get("weight", 1) for turn in new[0]["messages"] if turn["role"] == "assistant"]
    assert weights == [0, 0, 0, 1, 1], "what was learned is history"
    assert first.isdisjoint(row["id"] for row in evolved.lines(5, "exam.jsonl"))
    assert manifest.data["replay"] <= 10


def test_an_answer_that_cannot_fit_costs_that_answer_only(evolved: TinyWorkspace) -> None:
    path = evolved.root / "talk.jsonl"
    write_rows(path, [chat(name, 4, long=2 if name == 31 else None) for name in range(30, 36)])
    assert evolved.train(phase="converse", data=(path,)).exit_code in (0, 3), evolved.last.error
    (told,) = [text for text in warnings(evolved) if "longer than the context of 96" in text]
    assert told.startswith("bad row left out: ")
    assert "talk.jsonl:2 1 of its 4 answers: up to " in told
    chats = {row["messages"][0]["content"]: row for row in evolved.lines(4, "data/new.jsonl")}
    learned = [turn for turn in chats["Chat 31, what is 0?"]["messages"] if turn["role"] == "assistant"]
    assert [turn.get("weight", 1) for turn in learned] == [1, 1, 0, 1]


def test_strict_refuses_an_answer_that_cannot_fit(evolved: TinyWorkspace) -> None:
    path = evolved.root / "talk.jsonl"
    write_rows(path, [chat(name, 4, long=2 if name == 31 else None) for name in range(30, 36)])
    assert evolved.train(phase="converse", data=(path,), strict=True).exit_code == 2
    assert "talk.jsonl:2" in evolved.last.error


def test_a_document_longer_than_the_context_is_cut_and_told(tiny: TinyWorkspace) -> None:
    words = " ".join(f"The clock keeps star {n}." for n in range(40))
    write_rows(tiny.root / "curriculum" / "facts" / "parts.jsonl", [*facts(), {"text": words}])
    assert tiny.train().exit_code in (0, 3), tiny.last.error
    (told,) = [text for text in warnings(tiny) if "cut into" in text]
    assert told.startswith("longer than the context, so curriculum/facts/parts.jsonl:37: ")
    pieces = [row["text"] for row in tiny.lines(0, "data/new.jsonl") if row["kind"] == "text"]
    assert " ".join(pieces) == words
    assert len(pieces) > 2
    held = {row["id"] for row in tiny.lines(0, "data/holdout.jsonl")}
    split = {row["id"] in held for row in tiny.lines(0, "data/new.jsonl") if row.get("text", "") in pieces[1:]}
    assert len(split) == 1, "the pieces of a document stay together"
