"""What is decided after each rung, and what the report says of it; nothing is trained or asked here."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from unit.ledger.workspace_factory import WorkspaceFactory

from engine.config.config import Config
from engine.evaluation.challenge_cards import CardAnswers, CardsFile
from engine.experiments.ladder.ladder_file import LadderReport, is_enough, needed, read_ladder, write_report
from engine.experiments.ladder.rungs import Rung
from engine.experiments.ladder.search import Ladder, RungTrainer, walk
from engine.experiments.ladder.train_rung import RungTraining, head_path
from engine.workspace.layout import Workspace
from probes.challenge import Card, CardResult
from probes.statistics.intervals import Score

CARDS = tuple(Card(f"c{n}", "refusal" if n % 5 == 0 else "lookup", f"prompt {n}", expected="x") for n in range(10))


def asked(solved: int) -> CardAnswers:
    results = tuple(
        CardResult(c.id, c.kind, c.task, c.prompt, c.wanted, "x", n < solved, "" if n < solved else "another answer")
        for n, c in enumerate(CARDS)
    )
    return CardAnswers(results, tokens=500, seconds=2.0, memory_bytes=50_000_000, size_bytes=3_000_000)


class Climb:
    """A ladder of three rungs whose models solve so many cards; remembers what was evolved and asked."""

    def __init__(self, root: Path, solved: list[int], *, stopped: str = "", taken: str = "") -> None:
        factory = WorkspaceFactory(root / "models").grow(2)
        self.workspace = Workspace(root)
        self.nodes = head_path(factory.lineage())
        self.solved = dict(zip(("small", "middle", "big"), solved, strict=True))
        self.stopped, self.taken = stopped, taken
        self.done: list[str] = []
        self.told: list[str] = []
        config = Config()
        rungs = tuple(Rung(name, name, "gguf", root / name, 10**6) for name in self.solved)
        self.ladder = Ladder(self.workspace, config, rungs, CardsFile("cards.jsonl", "ab" * 32, CARDS), 2)

    def evolve(self, rung: Rung) -> RungTraining:
        self.done.append(f"evolve {rung.name}")
        stopped = "stop rule: it only drifts" if rung.name == self.stopped else ""
        return RungTraining(
            Workspace(self.workspace.root / "ladder" / rung.name),
            self.ladder.config,
            1,
            "the last one",
            self.nodes,
            stopped,
            rung.name == self.taken,
        )

    def ask(self, evolution: RungTraining) -> CardAnswers:
        name = evolution.workspace.root.name
        self.done.append(f"ask {name}")
        return asked(self.solved[name])

    def walk(self) -> LadderReport:
        return walk(self.ladder, RungTrainer(self.evolve, self.ask), self.told.append)


def test_the_climb_ends_at_the_first_rung_that_is_enough(tmp_path: Path) -> None:
    climb = Climb(tmp_path, [3, 8, 10])
    report = climb.walk()
    assert climb.done == ["evolve small", "ask small", "evolve middle", "ask middle"]
    assert (report.verdict, report.exit_code, report.untried) == ("enough", 0, ("big",))
    assert report.sentence() == ("middle is enough: 8 of 10 cards (0.80, 95 % 0.49–0.94); nothing bigger is needed.")
    assert "rung 2 of 3: middle" in climb.told


def test_a_small_base_that_is_enough_spares_the_others(tmp_path: Path) -> None:
    climb = Climb(tmp_path, [9, 10, 10])
    assert climb.walk().untried == ("middle", "big")
    assert climb.done == ["evolve small", "ask small"]


def test_no_rung_may_be_enough(tmp_path: Path) -> None:
    report = Climb(tmp_path, [3, 7, 6]).walk()
    assert (report.verdict, report.exit_code, report.untried) == ("not_enough", 0, ())
    assert report.sentence().startswith("not enough: no rung solves the 8 cards it takes. The best, middle, solves 7")


@pytest.mark.parametrize("solved", [3, 10])
def test_nothing_is_scaled_up_while_the_data_is_at_fault(tmp_path: Path, solved: int) -> None:
    climb = Climb(tmp_path, [solved, 10, 10], stopped="small")
    report = climb.walk()
    assert climb.done == ["evolve small", "ask small"]
    assert (report.verdict, report.exit_code, report.untried) == ("stopped", 3, ("middle", "big"))
    assert "Fix the data, do not scale up" in report.sentence()
    assert report.rungs[0].stopped.startswith("stop rule")


@pytest.mark.parametrize(("solved", "verdict"), [(3, "stopped"), (9, "enough")])
def test_a_lineage_of_its_own_that_was_stopped_counts_only_if_it_is_enough(
    tmp_path: Path, solved: int, verdict: str
) -> None:
    assert Climb(tmp_path, [solved, 10, 10], stopped="small", taken="small").walk().verdict == verdict


def test_the_report_has_the_cost_the_speed_and_the_failed_cards_of_each_rung(tmp_path: Path) -> None:
    rung = Climb(tmp_path, [3, 9, 9]).walk().rungs[0]
    assert (rung.name, rung.folder, rung.asked, rung.why_asked) == ("small", "ladder/small", "G1", "the last one")
    assert (rung.minutes, rung.tokens_per_s, rung.size_bytes) == (2.5, 250.0, 3_000_000)
    assert [made["verdict"] for made in rung.generations] == ["accepted", "accepted"]
    assert {kind: (score.value, score.n) for kind, score in rung.kinds.items()} == {
        "lookup": (0.25, 8),
        "refusal": (0.5, 2),
    }
    assert [card.id for card in rung.failed] == [f"c{n}" for n in range(3, 10)]


def test_the_report_is_kept_and_read_back(tmp_path: Path) -> None:
    climb = Climb(tmp_path, [3, 9, 9])
    assert read_ladder(climb.workspace) is None
    report = climb.walk()
    write_report(climb.workspace, report)
    kept = read_ladder(climb.workspace)
    assert kept == json.loads(json.dumps(report.to_dict()))
    assert kept is not None
    assert (kept["verdict"], kept["needed"], kept["cards"]["n"]) == ("enough", 8, 10)
    (tmp_path / "ladder" / "ladder.json").write_text("{")
    assert read_ladder(climb.workspace) is None


@pytest.mark.parametrize(
    ("target", "cards", "wanted"), [(0.8, 24, 20), (0.8, 5, 4), (0.8, 10, 8), (1.0, 3, 3), (0.0, 3, 0)]
)
def test_how_many_cards_the_target_takes(target: float, cards: int, wanted: int) -> None:
    assert needed(target, cards) == wanted
    assert is_enough(Score.of(wanted, cards), target)
    if wanted:
        assert not is_enough(Score.of(wanted - 1, cards), target)


def test_no_cards_are_never_enough() -> None:
    assert not is_enough(replace(Score.of(0, 0), value=1.0), 0.8)
