"""The ladder run: the smallest rung first, each with the same curriculum and the same cards.

The next rung is tried only when the cards say that this size is not enough and the stop rule does not say that the data
is at fault.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.config.config import Config
from engine.core.cancellation import Control
from engine.evaluation.challenge_cards import CardAnswers, CardsFile, ask, read_cards
from engine.evaluation.result_cache import ProgressCallback
from engine.experiments.ladder.ladder_file import LadderReport, RungReport, Verdict, is_enough, write_report
from engine.experiments.ladder.rungs import Rung, read_rungs, require_loadable
from engine.experiments.ladder.train_rung import Evolve, RungTraining, Tell, train_rung
from engine.workspace.layout import Workspace


@dataclass(frozen=True, slots=True)
class Ladder:
    """A ladder that is ready to run: everything that could be refused before training has been checked."""

    workspace: Workspace
    config: Config
    rungs: tuple[Rung, ...]
    cards: CardsFile
    generations: int


@dataclass(frozen=True, slots=True)
class RungTrainer:
    """The two functions that a ladder run needs: one trains a rung, the other prompts its model with the cards."""

    evolve: Callable[[Rung], RungTraining]
    ask: Callable[[RungTraining], CardAnswers]


def prepare_ladder(
    workspace: Workspace, config: Config, *, cards: Path | None = None, generations: int | None = None
) -> Ladder:
    """Validate rungs and cards and return the ladder; `cards` and `generations` override luna.toml.

    Raises UsageError for fewer than two rungs, naming the rung that cannot be loaded, or the cards that cannot be used.
    """
    rungs = read_rungs(workspace, config)
    found = read_cards(workspace, config, cards)
    require_loadable(rungs, found.cards, config, workspace.log("ladder.log"))
    return Ladder(workspace, config, tuple(rungs), found, generations or config.ladder.generations)


def climb(ladder: Ladder, *, evolve: Evolve, progress: ProgressCallback, control: Control, tell: Tell) -> LadderReport:
    """Try rungs until one is enough, the stop rule fires or none is left; the report is written durably.

    `evolve` trains one generation in a rung's workspace, `progress(done, total, label)` counts cards, `tell` receives
    messages in words. Raises Interrupted on a stop request; what was trained until then is kept, and the next run
    continues from there.
    """

    def evolved(rung: Rung) -> RungTraining:
        control.check()
        return train_rung(ladder.workspace, ladder.config, rung, ladder.generations, evolve=evolve, tell=tell)

    def asked(evolution: RungTraining) -> CardAnswers:
        return ask(
            evolution.workspace,
            evolution.config,
            evolution.gen,
            ladder.cards.cards,
            progress=progress,
            control=control,
        )

    report = walk(ladder, RungTrainer(evolved, asked), tell)
    write_report(ladder.workspace, report)
    return report


def walk(ladder: Ladder, hands: RungTrainer, tell: Tell) -> LadderReport:
    """Try one rung after the other, decide after each whether to go on, and return the report.

    `hands` trains and prompts, `tell` receives messages in words.
    """
    tried: list[RungReport] = []
    target = ladder.config.ladder.target
    for number, rung in enumerate(ladder.rungs):
        tell(f"rung {number + 1} of {len(ladder.rungs)}: {rung.name}")
        evolution = hands.evolve(rung)
        report = RungReport.of(ladder.workspace, rung, evolution, hands.ask(evolution))
        tried.append(report)
        tell(
            f"{rung.name}: {round(report.score.value * report.score.n)} of {report.score.n} cards solved by "
            f"{report.asked} ({report.why_asked})"
        )
        enough = is_enough(report.score, target)
        if enough and (report.taken or not report.stopped):
            return _ended("enough", ladder, tried)
        if report.stopped:
            return _ended("stopped", ladder, tried)
    return _ended("not_enough", ladder, tried)


def _ended(verdict: Verdict, ladder: Ladder, tried: Sequence[RungReport]) -> LadderReport:
    untried = tuple(rung.name for rung in ladder.rungs[len(tried) :])
    target = ladder.config.ladder.target
    return LadderReport.of(verdict, ladder.cards, target, ladder.generations, tuple(tried), untried)
