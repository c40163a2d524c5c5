"""`ladder`: the report, what is refused, and how it stops; models are neither trained nor asked here."""

from __future__ import annotations

import json
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from tiny_models import make_tiny_gguf
from tiny_workspace import write_rows
from unit.cli.cli_fakes import FakeEngine, make_workspace
from unit.cli.cli_script import FakeSession, Script, play_failed, play_until_stopped
from unit.cli.conftest import Run
from unit.ledger.workspace_factory import WorkspaceFactory

from engine.core.errors import Interrupted
from engine.core.events import Event, RunFinished
from engine.evaluation.challenge_cards import CardAnswers
from engine.workspace.layout import Workspace
from luna_tui.cli.tables.ladder import parameters
from probes.challenge import Card, CardResult

CARDS = [
    {"id": f"c{n}", "kind": "lookup", "task": f"Task {n}.", "prompt": f"What is {n}?", "expected": "x"}
    for n in range(5)
]


class LadderEngine(FakeEngine):
    """Records one generation a session, with the verdict it is given."""

    def __init__(self, verdict: Any = "accepted") -> None:
        super().__init__()
        self.verdict = verdict
        self.places: list[str] = []

    def session(
        self, workspace: Workspace, config: object, events: SimpleQueue[Event], *, polite: bool = False
    ) -> FakeSession:
        self.places.append(workspace.root.name)

        def play(session: FakeSession) -> list[RunFinished]:
            script = Script(session.events.put, gen=0)
            script.begin()
            script.ship()
            WorkspaceFactory(workspace.models).add(verdict=self.verdict)
            return [script.end(self.verdict, ["a reason \x1b[31m"])]

        self._play = play
        return super().session(workspace, config, events, polite=polite)


@pytest.fixture
def space(tmp_path: Path) -> Path:
    root = make_workspace(tmp_path / "ws")
    make_tiny_gguf(root / "small.gguf", seed=5, vocabulary_size=400)
    make_tiny_gguf(root / "big.gguf")
    write_rows(root / "challenge_cards.jsonl", CARDS)
    write_rows(root / "curriculum" / "fundamentals" / "a.jsonl", [{"prompt": "A?", "response": "B."}])
    set_ladder(root, "small.gguf", "big.gguf")
    return root


def set_ladder(root: Path, *rungs: str) -> None:
    config = (root / "luna.toml").read_text()
    lines = [
        f"ladder = {json.dumps(list(rungs))}" if line.startswith("ladder =") else line for line in config.split("\n")
    ]
    (root / "luna.toml").write_text("\n".join(lines).replace("generations = 4", "generations = 1"))


@pytest.fixture
def solved(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How many cards each rung solves, by its folder."""
    solves = {"small": 2, "big": 5}

    def ask(
        workspace: Workspace, config: object, gen: int, cards: list[Card], *, progress: Any, control: Any
    ) -> CardAnswers:
        right = solves[workspace.root.name]
        results = tuple(
            CardResult(c.id, c.kind, c.task, c.prompt, c.wanted, "x" if n < right else "\x1b[2Jno", n < right, why)
            for n, c in enumerate(cards)
            for why in ["" if n < right else "did not stop"]
        )
        for done in range(1, len(cards) + 1):
            progress(done, len(cards), "challenge cards")
        return CardAnswers(results, 100, 2.0, 50_000_000, 3_000_000)

    monkeypatch.setattr("engine.experiments.ladder.search.ask", ask)
    monkeypatch.setattr("engine.experiments.ladder.search.require_loadable", lambda *_: None)
    return solves


def test_the_report_says_what_is_enough_and_shows_the_evidence(run: Run, space: Path, solved: Any) -> None:
    engine = LadderEngine()
    result = run("-w", space, "ladder", engine=engine)
    assert result.code == 0, result.err
    assert engine.places == ["small", "big"]
    out = " ".join(result.out.split())
    assert "big is enough: 5 of 5 cards (1.00, 95 % 0.57–1.00); nothing bigger is needed." in out.replace(".gguf", "")
    assert "small.gguf 100 k 1.2 min 50 tok/s 2/5 0.40 0.12–0.77" in out
    assert "small.gguf: 3 cards not solved" in out
    assert "c2 Task 2. prompt What is 2? expected x" in out
    assert "did not stop" in out
    assert f"luna-tui -w {space}/ladder/small lineage" in out
    assert "\x1b" not in result.out
    assert "rung 1 of 2: small.gguf" in result.err
    assert "G0 accepted" in result.err
    assert (space / "ladder" / "ladder.json").exists()


def test_the_verdict_comes_last_and_a_hopeless_rung_does_not_fill_the_screen(
    run: Run, space: Path, solved: dict[str, int]
) -> None:
    write_rows(space / "challenge_cards.jsonl", [CARDS[0] | {"id": f"c{n}"} for n in range(24)])
    solved.update(small=0, big=22)
    out = run("-w", space, "ladder", engine=LadderEngine()).out
    assert "small.gguf: 24 cards not solved" in out
    assert "and 18 more: luna-tui -w " in " ".join(out.split())
    assert out.count("expected") == 6 + 2
    assert out.rindex("expected") < out.index("big.gguf is enough")
    assert "nothing bigger is needed" in out.rstrip().rpartition("\n")[2]


@pytest.mark.usefixtures("solved")
def test_the_report_fits_eighty_columns(run: Run, space: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = run("-w", space, "ladder", engine=LadderEngine()).out
    table = out.partition("\n\n")[0].split("\n")
    assert len(table) == 3
    assert max(len(line.rstrip()) for line in table) <= 80


@pytest.mark.usefixtures("solved")
def test_json_is_one_document_on_stdout(run: Run, space: Path) -> None:
    result = run("-w", space, "ladder", "--json", engine=LadderEngine())
    report = json.loads(result.out)
    assert report["verdict"] == "enough"
    assert report["sentence"].startswith("big.gguf is enough")
    assert [rung["name"] for rung in report["rungs"]] == ["small.gguf", "big.gguf"]


def test_a_rung_that_is_enough_is_the_last(run: Run, space: Path, solved: dict[str, int]) -> None:
    solved["small"] = 4
    engine = LadderEngine()
    out = run("-w", space, "ladder", engine=engine).out
    assert "small.gguf is enough" in out
    assert "not tried: big.gguf" in out
    assert engine.places == ["small"]


@pytest.mark.usefixtures("solved")
def test_a_rejected_generation_is_asked_all_the_same(run: Run, space: Path) -> None:
    result = run("-w", space, "ladder", engine=LadderEngine("rejected"))
    assert result.code == 0
    assert "the last one made; none was accepted" in " ".join(result.out.split())
    assert "a reason ␛[31m" in result.err


@pytest.mark.usefixtures("solved")
def test_the_stop_rule_ends_the_ladder_with_exit_code_three(run: Run, space: Path) -> None:
    engine = LadderEngine("stopped")
    result = run("-w", space, "ladder", engine=engine)
    assert result.code == 3
    assert "the data is at fault" in result.out
    assert "do not scale up" in result.out
    assert engine.places == ["small"]


@pytest.mark.usefixtures("solved")
def test_a_run_that_was_stopped_says_how_to_go_on(run: Run, space: Path) -> None:
    def stopped(session: FakeSession) -> list[RunFinished]:
        session.stopped.set()
        return play_until_stopped(session)

    result = run("-w", space, "ladder", engine=FakeEngine(stopped))
    assert result.code == 130
    assert f"go on with: luna-tui -w {space} ladder" in result.err
    assert result.out == ""


@pytest.mark.usefixtures("solved")
def test_a_stop_between_the_cards_says_the_same(run: Run, space: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(*_: object, **__: object) -> CardAnswers:
        raise Interrupted("stopped on request")

    monkeypatch.setattr("engine.experiments.ladder.search.ask", ask)
    assert run("-w", space, "ladder", engine=LadderEngine()).code == 130


@pytest.mark.usefixtures("solved")
def test_a_run_that_fails_names_its_rung(run: Run, space: Path) -> None:
    result = run("-w", space, "ladder", engine=FakeEngine(play_failed))
    assert result.code == 1
    assert "the rung 'small.gguf' failed: no space left on the disk" in result.err
    assert "make room: luna-tui gc" in result.err


@pytest.mark.parametrize(
    ("rungs", "told"),
    [
        (["small.gguf"], "a ladder of one rung leads nowhere"),
        (["small.gguf", "small.gguf"], "are the same model"),
        (["small.gguf", "none.gguf"], "the rung 'none.gguf' cannot be used"),
        (["small.gguf", "luna.toml"], "the rung 'luna.toml' cannot be used"),
    ],
)
def test_a_ladder_that_cannot_be_climbed_is_refused(run: Run, space: Path, rungs: list[str], told: str) -> None:
    set_ladder(space, *rungs)
    result = run("-w", space, "ladder")
    assert (result.code, result.out) == (2, "")
    assert told in result.err
    assert "fix: " in result.err
    assert not (space / "ladder").exists()


def test_cards_without_a_checkable_answer_are_refused(run: Run, space: Path, tmp_path: Path) -> None:
    mine = write_rows(tmp_path / "mine.jsonl", [CARDS[0], {**CARDS[1], "expected": ""}])
    result = run("-w", space, "ladder", "--cards", mine)
    assert result.code == 2
    assert f"{mine}:2: no checkable answer" in result.err
    assert run("-w", space, "ladder", "--cards", tmp_path / "none.jsonl").code == 2


def test_fewer_than_one_generation_is_refused(run: Run, space: Path) -> None:
    assert run("-w", space, "ladder", "--generations", "0").code == 2


@pytest.mark.parametrize(
    ("count", "text"),
    [(950, "950"), (100_000, "100 k"), (3_219_776, "3.2 M"), (134_515_008, "135 M"), (1.24e9, "1.2 B")],
)
def test_sizes_are_written_as_people_say_them(count: int, text: str) -> None:
    assert parameters(count) == text
