"""The dry run of the training form: its page, its sequences, its errors, and the way back."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot
from tui.conftest import Play, until
from tui.fake_link import FakeLink
from tui.screen_text import screen_text

from engine.pipeline.memory_preview import MemoryPreview
from engine.pipeline.preview import Pace, Preview, TokenView
from engine.pipeline.request import TrainRequest
from engine.training.memory import LargestBatch, MemoryPart
from luna_tui.common.preview_text import token_lines
from luna_tui.common.terminal import ASCII, UNICODE
from luna_tui.console.app import FrameRate, LunaApp
from luna_tui.console.screens.dry_run import DryRunScreen
from luna_tui.console.screens.train_form import TrainForm
from luna_tui.console.state.events import JobProgress, JobStarted, PreviewLoaded
from luna_tui.console.widgets.fields import TextEntry

SIZES = ((80, 24), (160, 48))


def view(number: int) -> TokenView:
    pieces = ((f"Ask {number}", False), ("?", False), ("\n", True), (f"Said {number}", True), (".", True), ("", True))
    return TokenView(f"{number:064x}", f"talk/rows.jsonl:{number}", "talk", pieces)


def preview(**more: Any) -> Preview:
    parts = (MemoryPart("weights", 538_000_000), MemoryPart("activations", 900_000_000), MemoryPart("logits", 60_000))
    memory = MemoryPreview(parts, LargestBatch(725, 70, 640), "fp32", "cpu", 8_000_000_000, 1_600_000_000, 3)
    values: dict[str, Any] = {
        "gen": 4,
        "parent": 3,
        "phase": "converse",
        "reason": "all 9 unseen rows",
        "counts": {
            "new": 9,
            "train": 17,
            "holdout": 2,
            "replay": 10,
            "sequences": 17,
            "tokens": 1234,
            "tokens_trained": 800,
            "tokens_repeated": 0,
        },
        "by_stage": {"talk": {"rows": 17, "sequences": 17, "tokens": 1234, "tokens_trained": 800}},
        "exam_items": 12,
        "steps": 70,
        "batch_size": 16,
        "accumulation": 1,
        "left_out": ("\x1b[31mtalk/rows.jsonl:3: no answer",),
        "warnings": (),
        "sequences": tuple(view(number) for number in range(1, 11)),
        "pace": Pace(3, 60.0, 5.0, 30.0),
        "memory": memory,
    }
    return Preview(**{**values, **more})


def shows(app: LunaApp, *words: str) -> bool:
    text = screen_text(app)
    return all(word in text for word in words)


async def opened(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
    """Open the page of the form as it is."""
    await pilot.press("t")
    await until(lambda: isinstance(app.screen, TrainForm) and app.focused is not None)
    await pilot.press("d")
    await until(lambda: isinstance(app.screen, DryRunScreen) and link.called("preview"))


@pytest.mark.parametrize("size", SIZES)
def test_d_shows_what_the_filled_in_form_would_do_and_comes_back_to_it(play: Play, size: tuple[int, int]) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("t")
        await until(lambda: isinstance(app.screen, TrainForm) and app.focused is not None)
        await pilot.press("2", "tab", "right", "right", "tab", "tab", *"20", "d")
        await until(lambda: isinstance(app.screen, DryRunScreen) and link.called("preview"))
        wish = TrainRequest(2, phase="align", steps=20)
        assert link.called("preview") == [(wish,)]
        link.give(PreviewLoaded(wish, preview()))
        await until(lambda: shows(app, "G4 from G3", "new 9, held out 2, replayed 10: 17 to train on"))
        assert shows(app, "the first of 2 generations", "1,234 tokens, 800 of them trained", "70 steps of 16")
        assert shows(app, "about 1m 35s", "memory: about 1.4 GB in fp32, 8.0 GB is free", "measured in G3: 1.6 GB")
        assert shows(app, "weights", "538 MB", "725 tokens in the largest batch", "Left out", "␛[31mtalk/rows.jsonl:3")
        await pilot.press("q")
        await until(lambda: isinstance(app.screen, TrainForm))
        assert [app.screen.query_one(f"#{name}", TextEntry).value for name in ("generations", "steps")] == ["2", "20"]
        assert not link.called("cancel_preview")
        await pilot.press("enter")
        await until(lambda: link.called("train") == [(wish,)])

    play(scenario, size=size)


@pytest.mark.parametrize("size", SIZES)
def test_left_and_right_go_from_sequence_to_sequence(play: Play, size: tuple[int, int]) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await opened(app, link, pilot)
        link.give(PreviewLoaded(TrainRequest(), preview()))
        await until(lambda: shows(app, "G4 from G3"))
        if size[0] < 100:
            assert not shows(app, "talk/rows.jsonl:1 ")
            await pilot.press("right")
        await until(lambda: shows(app, "sequence 1 of 10", "talk/rows.jsonl:1", "4 of 6 tokens trained", "Said 1.∎"))
        await pilot.press("n", "right")
        await until(lambda: shows(app, "sequence 3 of 10", "Said 3.∎"))
        await pilot.press("p", "left")
        await until(lambda: shows(app, "sequence 1 of 10"))
        await pilot.press(*["right"] * 12)
        await until(lambda: shows(app, "sequence 10 of 10", "Said 10.∎"))
        await pilot.press(*["left"] * 12)
        await until(lambda: shows(app, "G4 from G3"))

    play(scenario, size=size)


def test_escape_cancels_what_is_still_being_decided(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await opened(app, link, pilot)
        link.give(JobStarted("preview", "dry run"), JobProgress("preview", "dry run: reading the data", 3, 4, 2.0))
        await until(lambda: shows(app, "reading the data", "75%", "esc cancels"))
        await pilot.press("escape")
        await until(lambda: isinstance(app.screen, TrainForm))
        assert link.called("cancel_preview") == [()]
        link.give(PreviewLoaded(TrainRequest(), preview()))
        await until(lambda: not link.pending)
        assert isinstance(app.screen, TrainForm)

    play(scenario)


def test_what_cannot_be_decided_is_one_message(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await opened(app, link, pilot)
        link.give(PreviewLoaded(TrainRequest(), None, "curriculum: nothing new to learn", "add rows"))
        await until(lambda: shows(app, "✗ curriculum: nothing new to learn", "add rows", "esc back to the form"))
        await pilot.press("right", "q")
        await until(lambda: isinstance(app.screen, TrainForm))

    play(scenario, size=(80, 24))


def test_memory_that_is_not_there_is_said(play: Play) -> None:
    parts = (MemoryPart("weights", 90_000_000_000),)
    memory = MemoryPreview(parts, LargestBatch(9, 9, 9), "bf16", "cuda", 80_000_000_000, None, None)

    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await opened(app, link, pilot)
        link.give(PreviewLoaded(TrainRequest(), preview(memory=memory)))
        await until(lambda: shows(app, "90 GB in bf16, 80 GB is free on the GPU", "does not fit", "batch_size, now 16"))

    play(scenario)


def test_d_is_a_letter_where_words_are_typed(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("t")
        await until(lambda: isinstance(app.screen, TrainForm) and app.focused is not None)
        assert shows(app, "d dry run")
        await pilot.press("down", "down")
        await until(lambda: shows(app, "^r dry run"))
        await pilot.press("ctrl+u", *"head")
        assert app.screen.query_one("#parent", TextEntry).value == "head"
        assert not link.called("preview")
        await pilot.press("ctrl+r")
        await until(lambda: isinstance(app.screen, DryRunScreen))
        assert link.called("preview") == [(TrainRequest(),)]

    play(scenario)


def test_a_wrong_form_is_not_looked_at(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await pilot.press("t")
        await until(lambda: isinstance(app.screen, TrainForm) and app.focused is not None)
        await pilot.press("down", "down", "ctrl+u", *"G9", "up", "up", "d")
        await until(lambda: app.focused is not None and app.focused.id == "parent")
        assert isinstance(app.screen, TrainForm)
        assert not link.called("preview")

    play(scenario)


def test_it_can_be_drawn_in_ascii(play: Play) -> None:
    async def scenario(app: LunaApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        await opened(app, link, pilot)
        link.give(PreviewLoaded(TrainRequest(), preview()))
        await until(lambda: shows(app, "new 9, held out 2"))
        assert screen_text(app).isascii()
        await pilot.press("right")
        await until(lambda: shows(app, "Said 1.<EOS>"))
        assert screen_text(app).isascii()

    play(scenario, size=(80, 24), pace=FrameRate(ascii=True))


def test_marks_below_the_tokens_tell_what_is_trained_without_colours() -> None:
    assert [line.plain for line in token_lines(view(1), 40, UNICODE)] == ["Ask 1?⏎", "·    ·╰", "Said 1.∎", "╰─────╰╰"]
    plain = [line.plain for line in token_lines(view(1), 40, ASCII)]
    assert plain == ["Ask 1?\\n", ".    .^-", "Said 1.<EOS>", "^-----^^----"]


def test_no_line_of_tokens_is_wider_than_the_room() -> None:
    pieces = (("a" * 30, True), ("漢字" * 9, False), ("\u0301", True), ("\u202e", False), ("", True))
    lines = token_lines(TokenView("0" * 64, "", "talk", pieces), 20, UNICODE)
    assert max(line.cell_len for line in lines) <= 20
    assert "<U+202E>" in "".join(line.plain for line in lines)
    assert all(text.cell_len == marks.cell_len for text, marks in zip(lines[::2], lines[1::2], strict=True))
