"""The ladder with tiny models that are really trained, shipped and asked."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from tiny_models import make_tiny_gguf
from tiny_workspace import PARTS, TinyWorkspace, write_rows

from engine.config.config import Config
from engine.core.cancellation import Control
from engine.core.errors import Interrupted, LunaError
from engine.core.events import Event, RunFinished, TrainStep
from engine.experiments.ladder.ladder_file import LadderReport, read_ladder
from engine.experiments.ladder.search import climb, prepare_ladder
from engine.experiments.ladder.train_rung import own_lineage
from engine.pipeline.request import TrainRequest
from engine.service.session import EngineSession
from engine.workspace.garbage import find_garbage
from engine.workspace.layout import Workspace
from engine.workspace.verify import verify_workspace

pytestmark = pytest.mark.slow

CARDS = [
    {"id": f"card-{part}", "kind": "lookup", "prompt": f"What does {part} do?", "expected": answer}
    for part, answer in PARTS.items()
]


@pytest.fixture
def base(tiny: TinyWorkspace) -> TinyWorkspace:
    """A workspace with a smaller base beside its own, and cards about what the curriculum teaches."""
    make_tiny_gguf(tiny.root / "small.gguf", seed=5, vocabulary_size=400)
    write_rows(tiny.root / "challenge_cards.jsonl", CARDS)
    return tiny


class Climbing:
    """Climbs as the command does, and remembers every request and what was told."""

    def __init__(self, tiny: TinyWorkspace, on_event: Callable[[Event, EngineSession], None] | None = None) -> None:
        self.tiny = tiny
        self.on_event = on_event
        self.requests: list[tuple[str, TrainRequest]] = []
        self.told: list[str] = []
        self.cards_asked = 0

    def __call__(self, **values: Any) -> LadderReport:
        overrides: dict[str, object] = {"model.ladder": ("base.gguf", "small.gguf"), "ladder.generations": 1}
        overrides |= {key.replace("__", "."): value for key, value in values.items()}
        ladder = prepare_ladder(self.tiny.workspace, self.tiny.config(overrides))

        def progress(_done: int, _total: int, _label: str) -> None:
            self.cards_asked += 1

        return climb(ladder, evolve=self.evolve, progress=progress, control=Control(), tell=self.told.append)

    def evolve(self, workspace: Workspace, config: Config, request: TrainRequest) -> RunFinished:
        self.requests.append((workspace.root.name, request))
        watch = self.on_event

        class Watched(SimpleQueue[Event]):
            def put(self, item: Event, block: bool = True, timeout: float | None = None) -> None:
                if watch is not None:
                    watch(item, session)

        session = EngineSession(workspace, config, Watched())
        session.start()
        finished = session.train(request).result(120).finished[-1]
        session.close()
        return finished


def test_both_rungs_are_evolved_and_asked_and_the_workspace_stays_as_it_was(base: TinyWorkspace) -> None:
    climbing = Climbing(base)
    report = climbing(ladder__target=1.0, ladder__generations=2)
    assert report.verdict in ("enough", "not_enough")
    small = report.rungs[0]
    assert (small.name, small.folder, small.asked) == ("small.gguf", "ladder/small", "G1")
    assert [made["phase"] for made in small.generations] == ["base", "align"]
    assert small.minutes > 0
    assert small.tokens_per_s > 0
    assert small.memory_bytes > small.size_bytes > 0
    assert small.score.n == len(CARDS)
    assert {card.id for card in small.failed} <= {card["id"] for card in CARDS}
    assert base.shas() == []
    for rung in report.rungs:
        assert verify_workspace(Workspace.open(base.root / rung.folder)).ok
    assert verify_workspace(base.workspace).ok
    assert find_garbage(base.workspace, ggufs=True) == []
    assert read_ladder(base.workspace) == json.loads(json.dumps(report.to_dict()))


def test_a_second_climb_trains_and_asks_nothing_again_even_in_another_place(
    base: TinyWorkspace, tmp_path: Path
) -> None:
    first = Climbing(base)(ladder__target=0.0)
    assert (first.verdict, first.untried) == ("enough", ("base.gguf",))
    moved = TinyWorkspace(Path(shutil.move(base.root, tmp_path / "moved")))
    again = Climbing(moved)
    second = again(ladder__target=0.0)
    assert (again.requests, again.cards_asked) == ([], 0)
    assert second.rungs == first.rungs


def test_mended_cards_are_judged_without_asking_again(base: TinyWorkspace) -> None:
    first = Climbing(base)(ladder__target=0.0).rungs[0]
    write_rows(base.root / "challenge_cards.jsonl", [{**card, "expected": card["expected"] + "!"} for card in CARDS])
    again = Climbing(base)
    assert again(ladder__target=0.0).rungs[0].score == first.score
    assert again.cards_asked == 0


def test_an_interrupted_climb_goes_on_where_it_stopped(base: TinyWorkspace) -> None:
    def stop(event: Event, session: EngineSession) -> None:
        if isinstance(event, TrainStep) and event.step == 10:
            session.stop()

    with pytest.raises(Interrupted, match="stopped on request"):
        Climbing(base, stop)(ladder__target=0.0)
    again = Climbing(base)
    assert again(ladder__target=0.0).verdict == "enough"
    assert [(name, request.resume) for name, request in again.requests] == [("small", True)]


def test_a_run_that_can_no_longer_be_resumed_is_begun_anew(base: TinyWorkspace) -> None:
    def stop(event: Event, session: EngineSession) -> None:
        if isinstance(event, TrainStep) and event.step == 10:
            session.stop()

    with pytest.raises(Interrupted):
        Climbing(base, stop)(ladder__target=0.0)
    for plan in (base.root / "ladder" / "small" / "runs").glob("*/plan.json"):
        plan.write_text(plan.read_text().replace('"threads": 1', '"threads": 7'))
    again = Climbing(base)
    assert again(ladder__target=0.0).verdict == "enough"
    assert [request.resume for _, request in again.requests] == [True, False]


def test_a_rejected_generation_ends_the_evolution_and_is_asked_if_there_is_no_better(base: TinyWorkspace) -> None:
    climbing = Climbing(base)
    values = {"eval__generalization_target": 1.0, "ladder__generations": 3, "ladder__target": 1.0}
    report = climbing(**values)
    assert [name for name, _ in climbing.requests] == ["small", "base"]
    for rung in report.rungs:
        assert [made["verdict"] for made in rung.generations] == ["rejected"]
        assert (rung.asked, rung.why_asked) == ("G0", "the last one made; none was accepted")
    again = Climbing(base)
    again(**values)
    assert again.requests == [], "the same data would be rejected again"


def test_the_stop_rule_ends_the_climb(base: TinyWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "engine.pipeline.steps.judge.stop_reason", lambda path, *_: "it drifts" if len(path) == 2 else None
    )
    report = Climbing(base)(ladder__generations=3, ladder__target=0.0)
    assert (report.verdict, report.exit_code, report.untried) == ("stopped", 3, ("base.gguf",))
    small = report.rungs[0]
    assert [made["verdict"] for made in small.generations] == ["accepted", "stopped"]
    assert (small.stopped, small.asked, small.why_asked) == ("it drifts", "G0", "the last one accepted")
    again = Climbing(base)
    assert again(ladder__generations=3, ladder__target=0.0).verdict == "stopped"
    assert again.requests == [], "nothing was mended"


def test_a_curriculum_that_ends_early_is_told_and_the_cards_are_asked(base: TinyWorkspace) -> None:
    shutil.rmtree(base.root / "curriculum" / "talk")
    climbing = Climbing(base)
    rung = climbing(ladder__generations=3, ladder__target=0.0).rungs[0]
    assert (rung.asked, len(rung.generations)) == ("G0", 1)
    assert rung.notes[0].startswith("the curriculum has nothing for generation 2 (nothing new to learn")
    assert len(climbing.requests) == 1


def test_the_own_lineage_is_taken_as_it_is(evolved: TinyWorkspace) -> None:
    make_tiny_gguf(evolved.root / "small.gguf", seed=5, vocabulary_size=400)
    write_rows(evolved.root / "challenge_cards.jsonl", CARDS)
    before = evolved.shas()
    climbing = Climbing(evolved)
    report = climbing(ladder__target=1.0)
    assert {name for name, _ in climbing.requests} == {"small"}
    if report.verdict == "enough":
        pytest.skip("the small one knows everything")
    own = report.rungs[1]
    assert (own.name, own.folder, own.taken, own.asked) == ("base.gguf", ".", True, "G3")
    assert len(own.generations) == 4
    assert own.notes == ()
    assert evolved.shas() == before
    noted = Climbing(evolved)(ladder__target=1.0, train__base__steps=41).rungs[1]
    assert noted.notes == ("trained with another recipe than luna.toml has now: G0 had steps 40, now 41",)
    ladder = prepare_ladder(evolved.workspace, evolved.config({"model.ladder": ("base.gguf", "small.gguf")}))
    assert own_lineage(evolved.workspace, ladder.config, ladder.rungs[1], 5) is None, "four generations are not five"


def test_a_rung_that_fails_is_named(base: TinyWorkspace) -> None:
    def no_backend(workspace: Workspace, config: Config, request: TrainRequest) -> RunFinished:
        return RunFinished(
            run="", seq=0, mono=0, wall=0, gen=None, verdict="failed", reasons=[], exit_code=2, head=None, error="no"
        )

    ladder = prepare_ladder(base.workspace, base.config({"model.ladder": ("base.gguf", "small.gguf")}))
    with pytest.raises(LunaError, match=r"the rung 'small.gguf' failed: no") as error:
        climb(ladder, evolve=no_backend, progress=lambda *_: None, control=Control(), tell=lambda _: None)
    assert error.value.exit_code == 2


def test_a_stop_between_two_cards_interrupts(base: TinyWorkspace) -> None:
    control = Control()
    climbing = Climbing(base)
    ladder = prepare_ladder(base.workspace, base.config({"model.ladder": ("base.gguf", "small.gguf")}))
    with pytest.raises(Interrupted):
        climb(
            ladder,
            evolve=climbing.evolve,
            progress=lambda *_: control.stop(),
            control=control,
            tell=climbing.told.append,
        )
