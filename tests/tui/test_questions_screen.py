"""Questions out of documents: the form, the review, and the app that the command opens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import TextArea
from tui.conftest import Play, until
from tui.fake_link import FakeLink
from tui.screen_text import screen_text

from engine.data.questions.answers import Proposal
from luna_tui.console.app import FrameRate, LunaApp
from luna_tui.console.questions_app import QuestionsApp
from luna_tui.console.screens.dashboard import Dashboard
from luna_tui.console.screens.edit_question import EditQuestion
from luna_tui.console.screens.questions import QuestionsScreen
from luna_tui.console.screens.questions_form import QuestionsForm
from luna_tui.console.state.events import QuestionsProposed, QuestionsWritten

PROPOSALS = [
    Proposal("What is ebb?", "falling water", "m.md:3", "definition"),
    Proposal("What is [b]flood?", "rising water", "m.md:4", "definition"),
    Proposal("Who pays?", "The rower.", "m.md:9", "faq"),
]
App = Callable[[QuestionsApp, "Pilot[Any]"], Awaitable[None]]


def review(scenario: App, path: Path, *, size: tuple[int, int] = (80, 24), **more: Any) -> QuestionsApp:
    app = QuestionsApp(PROPOSALS, path, **more)

    async def go() -> None:
        async with app.run_test(size=size) as pilot:
            await until(lambda: "What is ebb?" in screen_text(app))  # type: ignore[arg-type]
            await scenario(app, pilot)

    asyncio.run(go())
    return app


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")


def shows(app: Any, *words: str) -> bool:
    text = " ".join(screen_text(app).split())
    return all(word in text for word in words)


def rows_in(path: Path) -> list[str]:
    return [json.loads(line)["prompt"] for line in path.read_text().splitlines()]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_accept_drop_and_write(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "q.jsonl"

    async def scenario(app: QuestionsApp, pilot: Pilot[Any]) -> None:
        assert shows(app, "3 questions · 0 accepted", "m.md:3", "falling water", "enter accept", "w write")
        await pilot.press("enter")  # accepts the first, goes to the second
        await until(lambda: shows(app, "1 accepted", "rising water"))
        await pilot.press("space", "space", "down", "space")
        await until(lambda: shows(app, "2 accepted · 1 dropped · 0 open"))
        await pilot.press("w")
        await until(lambda: shows(app, "2 rows in"))
        await pilot.press("escape")
        await until(lambda: app.return_value == "done")

    app = review(scenario, path, size=size)
    assert (app.written, rows_in(path)) == (2, ["What is ebb?", "Who pays?"])


def test_a_question_and_its_answer_are_edited(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"

    async def scenario(app: QuestionsApp, pilot: Pilot[Any]) -> None:
        await pilot.press("e")
        await until(lambda: isinstance(app.screen, EditQuestion) and app.screen.query_one("#edited-question").has_focus)
        app.screen.query_one("#edited-question", TextArea).text = ""
        await pilot.press("ctrl+s")
        await until(lambda: shows(app, "the question is empty"))
        await pilot.press(*"ebb", "tab", "x", "ctrl+s")
        await until(lambda: isinstance(app.screen, QuestionsScreen) and shows(app, "1 accepted", "edited"))
        await pilot.press("w")
        await until(lambda: shows(app, "1 row in"))

    review(scenario, path)
    row = json.loads(path.read_text())
    assert (row["prompt"], row["source"]) == ("ebb", "m.md:3")
    assert row["response"] in ("xfalling water", "falling waterx")


def test_all_are_accepted_at_once_but_what_is_dropped(tmp_path: Path) -> None:
    async def scenario(app: QuestionsApp, pilot: Pilot[Any]) -> None:
        await pilot.press("space", "space", "a", "w")
        await until(lambda: app.written)

    assert review(scenario, tmp_path / "q.jsonl").written == 2


def test_nothing_accepted_is_nothing_to_write_and_leaves_at_once(tmp_path: Path) -> None:
    async def scenario(app: QuestionsApp, pilot: Pilot[Any]) -> None:
        await pilot.press("w")
        await until(lambda: shows(app, "no question is accepted yet"))
        await pilot.press("escape")
        await until(lambda: app.return_value == "done")

    assert review(scenario, tmp_path / "q.jsonl").written == 0
    assert not (tmp_path / "q.jsonl").exists()


def test_what_is_not_written_is_left_at_the_second_escape(tmp_path: Path) -> None:
    async def scenario(app: QuestionsApp, pilot: Pilot[Any]) -> None:
        await pilot.press("a", "escape")
        await until(lambda: shows(app, "not written yet"))
        assert app.return_value is None
        await pilot.press("escape")
        await until(lambda: app.return_value == "done")

    assert review(scenario, tmp_path / "q.jsonl").written == 0


def test_a_file_that_appeared_meanwhile_is_replaced_only_with_capital_w(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"

    async def scenario(app: QuestionsApp, pilot: Pilot[Any]) -> None:
        path.write_text("mine\n")
        await pilot.press("a", "w")
        await until(lambda: shows(app, "exists: W replaces it"))
        assert path.read_text() == "mine\n"
        await pilot.press("W")
        await until(lambda: shows(app, "3 rows in"))
        await pilot.press("space", "w")  # what it wrote itself it may write again
        await until(lambda: shows(app, "2 rows in"))

    assert review(scenario, path, size=(160, 40)).written == 2


def test_it_can_be_drawn_in_ascii(tmp_path: Path) -> None:
    async def scenario(app: QuestionsApp, pilot: Pilot[Any]) -> None:
        await pilot.press("a")
        await until(lambda: shows(app, "+ What is ebb?"))
        assert screen_text(app).isascii()  # type: ignore[arg-type]

    review(scenario, tmp_path / "q.jsonl", pace=FrameRate(ascii=True))


def test_the_console_asks_for_files_and_opens_the_review(play: Play, tmp_path: Path) -> None:
    manual = tmp_path / "my manual.md"

    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("d")
        await until(lambda: isinstance(app.screen, QuestionsForm) and app.focused is not None)
        await pilot.press("enter")
        await until(lambda: shows(app, "name a file"))
        await pilot.press(*f"'{manual}'", "enter")
        await until(lambda: shows(app, "there is no file"))
        manual.write_text("x")
        await pilot.press("tab", "right", "enter")
        await until(lambda: link.called("propose_questions"))
        assert link.called("propose_questions") == [((manual,), "conversations")]
        path = tmp_path / "curriculum" / "conversations" / "questions-my manual.jsonl"
        link.give(QuestionsProposed(tuple(PROPOSALS), path))
        await until(lambda: shows(app, "What is ebb?", "into curriculum/conversations/questions-my manual.jsonl"))
        await pilot.press("enter", "w")
        await until(lambda: link.called("write_questions"))
        link.give(QuestionsWritten(path, problem="the file exists", exists=True))
        await until(lambda: shows(app, "exists: W replaces it"))
        await pilot.press("W")
        await until(lambda: len(link.called("write_questions")) == 2)
        link.give(QuestionsWritten(path, rows=1))
        await until(lambda: shows(app, "1 row in curriculum/conversations"))
        assert [call[2] for call in link.called("write_questions")] == [False, True]
        assert link.called("write_questions")[0][1] == (PROPOSALS[0],)
        await pilot.press("escape")
        await until(lambda: isinstance(app.screen, Dashboard))

    play(scenario)


def test_a_document_without_questions_is_said(play: Play, tmp_path: Path) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        link.give(QuestionsProposed((), tmp_path / "q.jsonl"))
        await until(lambda: shows(app, "no question was found"))
        assert isinstance(app.screen, Dashboard)

    play(scenario)
