"""The console's link to the engine: what is read, trained, examined, asked and written, and how failures come back."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from tui.scenes import steps
from unit.cli.cli_fakes import FakeEngine, make_workspace
from unit.cli.cli_script import play_accepted, play_until_stopped

from engine.core.events import Emitter, Event, RunFinished, TrainStep, VoiceSampled
from engine.core.journal import Journal, read_journal
from engine.pipeline.request import TrainRequest
from engine.workspace.layout import Workspace
from ledger.verify import Problem, VerifyReport
from luna_tui.common.rating import Rating
from luna_tui.common.sampling_options import SamplingOptions
from luna_tui.console.state.events import (
    AnswerEnded,
    AnswerPiece,
    AnswerRated,
    AnswerStarted,
    ConsoleEvent,
    CurveLoaded,
    EvaluationLoaded,
    JobEnded,
    JobProgress,
    KarmaRead,
    LineageLoaded,
    ModeChanged,
    Noted,
    PromptSent,
    SettingsLoaded,
)
from luna_tui.console.workers.engine_link import EngineLink

E = TypeVar("E")


class Watched:
    """A link whose events are all kept."""

    def __init__(self, link: EngineLink) -> None:
        self.link = link
        self.events: list[Event | ConsoleEvent] = []

    def until(self, condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            self.events.extend(self.link.poll())
            assert time.monotonic() < deadline, f"never came: {what}; {self.events[-5:]}"
            time.sleep(0.005)

    def all(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    def first(self, kind: type[E]) -> E:
        self.until(lambda: self.all(kind), kind.__name__)
        return self.all(kind)[0]


def watched(root: Path, engine: FakeEngine | None = None) -> Watched:
    link = EngineLink(engine or FakeEngine(), root)
    link.start()
    return Watched(link)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_workspace(tmp_path / "ws", generations=3)


def test_the_outline_comes_first_then_everything(root: Path) -> None:
    seen = watched(root)
    seen.until(lambda: len(seen.all(LineageLoaded)) == 2, "both readings")
    outline, whole = seen.all(LineageLoaded)
    assert (outline.complete, whole.complete) == (False, True)
    assert [row["GEN_ID"] for row in outline.rows] == [row["GEN_ID"] for row in whole.rows] == [0, 1, 2]
    assert outline.head == whole.head
    assert seen.first(SettingsLoaded).targets["recall"] == 0.9


def test_training_goes_through_the_same_queue_and_ends_idle(root: Path) -> None:
    seen = watched(root, FakeEngine(play_accepted))
    seen.first(SettingsLoaded)
    seen.link.train(TrainRequest(steps=20, seed=7))
    seen.first(RunFinished)
    seen.until(lambda: seen.all(ModeChanged) and seen.all(ModeChanged)[-1].mode == "idle", "the end")
    assert [event.mode for event in seen.all(ModeChanged)] == ["owner", "idle"]
    assert [event.step for event in seen.all(TrainStep)] == list(range(1, 21))


def test_a_run_that_is_over_before_anyone_looked_still_ends_idle(root: Path) -> None:
    seen = watched(root, FakeEngine(play_accepted))
    seen.first(SettingsLoaded)
    seen.link.train(TrainRequest(steps=20, seed=7))
    run = seen.link.run
    assert run is not None
    run.result(60)
    news = [event for event in seen.link.poll() if isinstance(event, ModeChanged | RunFinished)]
    assert [type(event).__name__ for event in news] == ["ModeChanged", "RunFinished", "ModeChanged"]
    assert news[-1] == ModeChanged("idle")


def test_the_wish_reaches_the_engine(root: Path) -> None:
    engine = FakeEngine(play_accepted)
    seen = watched(root, engine)
    seen.link.train(TrainRequest(generations=2, phase="converse", parent="G1", steps=33, seed=7, strict=True))
    seen.first(RunFinished)
    request = engine.sessions[0].request
    assert (request.generations, request.phase, request.parent) == (2, "converse", "G1")
    assert (request.steps, request.seed, request.strict) == (33, 7, True)


def test_stop_asks_the_session(root: Path) -> None:
    engine = FakeEngine(play_until_stopped)
    seen = watched(root, engine)
    seen.link.train(TrainRequest())
    seen.first(TrainStep)
    seen.link.stop()
    assert seen.first(RunFinished).verdict == "interrupted"


def test_a_broken_luna_toml_is_told_and_trains_nothing(root: Path) -> None:
    engine = FakeEngine()
    seen = watched(root, engine)
    seen.first(SettingsLoaded)
    (root / "luna.toml").write_text("[train\n")
    seen.link.train(TrainRequest())
    note = seen.first(Noted)
    assert note.level == "error"
    assert "luna.toml" in note.text
    assert engine.sessions == []
    problem = seen.link.config_problem()
    assert problem is not None
    assert problem["hint"]


def test_luna_toml_is_read_anew_for_every_training(root: Path) -> None:
    engine = FakeEngine(play_accepted)
    seen = watched(root, engine)
    (root / "luna.toml").write_text("[eval]\nrecall_target = 0.5\n")
    seen.link.reload_config()
    seen.until(lambda: any(s.targets["recall"] == 0.5 for s in seen.all(SettingsLoaded)), "the new target")


def test_verify_that_is_well_and_verify_that_is_not(root: Path) -> None:
    engine = FakeEngine()
    seen = watched(root, engine)
    seen.link.verify()
    assert seen.first(JobEnded).ok
    assert "12 files" in seen.all(JobEnded)[0].message
    assert seen.all(JobProgress)
    engine.report = VerifyReport(False, 12, [Problem(1, "models/luna_age_1.gguf", "is not what was recorded")], [])
    seen.link.verify()
    seen.until(lambda: len(seen.all(JobEnded)) == 2, "the second verify")
    ended = seen.all(JobEnded)[1]
    assert not ended.ok
    assert "luna_age_1.gguf" in ended.lines[0]


def test_an_examination_brings_its_items_and_its_scores(root: Path) -> None:
    seen = watched(root)
    seen.link.evaluate("G1")
    loaded = seen.first(EvaluationLoaded)
    assert loaded.ref == "G1"
    assert loaded.evaluation is not None
    assert len(loaded.evaluation["items"]) == 60
    assert "recall 0.967" in seen.first(JobEnded).message


def test_what_was_recorded_is_read_without_running(root: Path) -> None:
    seen = watched(root)
    seen.link.load_evaluation("G1")
    assert "as recorded" in str((seen.first(EvaluationLoaded).evaluation or {})["note"])
    assert seen.all(JobEnded) == []


class Journals(FakeEngine):
    """Has the journal of one generation."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def run_events(self, workspace: Workspace, gen: int) -> Iterable[Event] | None:
        return read_journal(self.path) if gen == 1 else None


def test_the_curve_of_a_finished_run_comes_with_what_it_answered(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    journal = Journal(path)
    emitter = Emitter("20261122-G1", journal)
    told = steps(2)
    for event in told:
        journal(event)
        emitter(VoiceSampled, step=event.step, prompt="Who?", text=f"said {event.step}", stop_reason="eos", seconds=0.1)
    journal.close()

    seen = watched(root, Journals(path))
    seen.link.load_curve(1)
    loaded = seen.first(CurveLoaded)
    assert loaded.curve is not None
    assert loaded.curve.last is not None
    assert (loaded.curve.last.step, loaded.curve.last.loss) == (2, told[-1].loss)
    assert [(voice.step, voice.text) for voice in loaded.voices] == [(1, "said 1"), (2, "said 2")]

    seen.link.load_curve(0)
    seen.until(lambda: len(seen.all(CurveLoaded)) == 2, "the other")
    assert seen.all(CurveLoaded)[1] == CurveLoaded(0, None, ())


def test_a_rating_moves_the_meter(root: Path) -> None:
    seen = watched(root)
    seen.first(KarmaRead)
    seen.link.rate(Rating(1, 0, "Who?", "Luna.", 2, "good"))
    seen.until(lambda: len(seen.all(KarmaRead)) == 2, "the meter after the rating")
    before, after = seen.all(KarmaRead)
    assert (before.karma, after.karma, after.needed, after.action) == (0, 1, 60, "wait")
    assert after.starts


def test_rollback_moves_head_and_reads_the_lineage_again(root: Path) -> None:
    seen = watched(root)
    seen.until(lambda: len(seen.all(LineageLoaded)) == 2, "both readings")
    seen.link.rollback("G0", "tried in a test")
    seen.until(lambda: seen.all(LineageLoaded)[-1].head == 0, "HEAD at G0")
    assert "to G0" in seen.first(Noted).text


def test_a_rollback_to_where_head_is_tells_why_not(root: Path) -> None:
    seen = watched(root)
    seen.until(lambda: len(seen.all(LineageLoaded)) == 2, "both readings")
    seen.link.rollback("G0", "")
    seen.link.rollback("G0", "")
    seen.until(lambda: len(seen.all(Noted)) == 2, "both words")
    assert seen.all(Noted)[1].level == "error"
    assert "already" in seen.all(Noted)[1].text


def test_an_answer_streams_in_pieces_with_its_figures(root: Path) -> None:
    seen = watched(root)
    seen.link.ask(1, "Can you help me?", ("G1",), SamplingOptions())
    ended = seen.first(AnswerEnded)
    assert (ended.stop_reason, ended.tokens, ended.tokens_per_s) == ("eos", 3, 182.0)
    assert "".join(piece.text for piece in seen.all(AnswerPiece)) == "With what?"
    assert seen.first(PromptSent).refs == ("G1",)
    assert seen.first(AnswerStarted).gen == 1


def test_the_same_prompt_to_two_generations_in_order(root: Path) -> None:
    engine = FakeEngine()
    seen = watched(root, engine)
    seen.link.ask(1, "hello", ("G1", "base"), SamplingOptions(temperature=0.7, seed=3, max_tokens=9))
    seen.until(lambda: len(seen.all(AnswerEnded)) == 2, "both answers")
    assert [(event.index, event.label) for event in seen.all(AnswerStarted)] == [(0, "G1"), (1, "base")]
    asked = [talker.asked[0] for talker in engine.talkers]
    assert all(a == {"prompt": "hello", "max_tokens": 9, "temperature": 0.7, "seed": 3} for a in asked)


def test_a_generation_without_a_model_is_an_answer_that_says_why_and_the_next_one_answers(root: Path) -> None:
    seen = watched(root)
    seen.link.ask(1, "hello", ("0", "G1"), SamplingOptions())
    seen.until(lambda: len(seen.all(AnswerEnded)) == 2, "both ends")
    first, second = seen.all(AnswerEnded)
    assert first.stop_reason == "error"
    assert "without its GGUF" in first.problem
    assert second.stop_reason == "eos"


def test_a_long_answer_is_stopped_and_the_rest_of_its_turn_with_it(root: Path) -> None:
    seen = watched(root)
    seen.link.ask(1, "a long one", ("G1", "base"), SamplingOptions())
    seen.first(AnswerPiece)
    seen.link.cancel_answers()
    seen.until(lambda: len(seen.all(AnswerEnded)) == 2, "both ends")
    assert {event.stop_reason for event in seen.all(AnswerEnded)} == {"stopped"}
    seen.link.ask(2, "hello", ("G1",), SamplingOptions())
    seen.until(lambda: any(e.turn == 2 and e.stop_reason == "eos" for e in seen.all(AnswerEnded)), "the next answer")


def test_a_model_that_stays_loaded_is_not_loaded_twice(root: Path) -> None:
    engine = FakeEngine()
    seen = watched(root, engine)
    for turn in (1, 2, 3):
        seen.link.ask(turn, "hello", ("G1",), SamplingOptions())
    seen.until(lambda: len(seen.all(AnswerEnded)) == 3, "three answers")
    assert len(engine.talkers) == 1


@pytest.mark.parametrize(
    ("verdict", "karma", "correction"), [("good", 1, None), ("bad", -1, None), ("corrected", 2, "No.")]
)
def test_a_rating_becomes_a_row_of_the_inbox(root: Path, verdict: str, karma: int, correction: str | None) -> None:
    seen = watched(root)
    rating = Rating(1, 0, "Can you help me?", "Of course!", 1, verdict, correction)  # type: ignore[arg-type]
    seen.link.rate(rating)
    assert seen.first(AnswerRated).karma == karma
    how = "corrected" if correction else f"rated {verdict}"
    assert seen.first(Noted).text == f"karma {karma:+d} in the inbox: 'Can you help me?' {how}"
    rows = [json.loads(line) for path in (root / "inbox").glob("*.jsonl") for line in path.open()]
    assert [(row["prompt"], row["response"], row["karma"]) for row in rows] == [
        ("Can you help me?", correction or "Of course!", karma)
    ]


def test_two_presses_in_one_frame_begin_one_training(root: Path) -> None:
    """`r` `r`, `t` Enter Enter, and two earned age-ups that are taken in together: on 6e62aca two began."""
    engine = FakeEngine(play_until_stopped)
    seen = watched(root, engine)
    seen.first(SettingsLoaded)
    assert seen.link.train(TrainRequest())
    assert not seen.link.train(TrainRequest(resume=True))
    assert not seen.link.train(TrainRequest(phase="converse", inbox_first=True, by_itself=True))
    assert seen.first(Noted).text == "a run is going on"
    assert len(engine.sessions) == 1
    seen.link.stop()
    assert seen.first(RunFinished).verdict == "interrupted"


def test_a_second_job_in_one_frame_is_refused_and_cancel_meets_the_first(root: Path) -> None:
    """`v` `v` `u`: on 6e62aca the second one waited, and the cancel met it instead of the one that ran."""
    going_on = threading.Event()

    class Waits(FakeEngine):
        def verify(self, workspace: Workspace, *, progress: Any = None) -> VerifyReport:
            going_on.set()
            while True:
                progress(1, 12, "luna_age_0.gguf")
                time.sleep(0.002)

    seen = watched(root, Waits())
    assert seen.link.verify()
    assert not seen.link.verify()
    assert going_on.wait(60)
    assert seen.link.job_label == "verifying"
    seen.link.cancel_job()
    assert seen.first(JobEnded).message == "verifying: cancelled"
    seen.until(lambda: not seen.link.job_label, "the end")
    assert len(seen.all(JobEnded)) == 1
