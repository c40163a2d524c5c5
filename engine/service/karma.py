"""Karma: what the inbox has earned since the last generation, and what the next one costs.

Every row of the inbox that may be trained on carries karma: a person's rating (+1 good, +2 corrected), or `[age_up]
import_karma` where nobody has rated it. Rows that a generation was trained on, or was rejected or rolled back with,
have been spent.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from engine.config.config import Config
from engine.config.schema import AgeUpSection
from engine.data.holdout import clusters_needed, count_clusters
from engine.data.inbox import trainable_rows
from engine.data.read_rules import ReadRules
from engine.data.rows import Row, count_answers
from engine.models.lineage_weights import new_rows_of
from engine.pipeline.row_lengths import measure
from engine.workspace.layout import Workspace
from ledger.lineage import Lineage

_CONVERSE = "converse"


@dataclass(frozen=True, slots=True)
class Meter:
    """Karma so far and needed, `age` (the `converse` generations on the way to HEAD), and the unspent rows behind it.

    `situations` counts the different things these rows ask, of which an exam needs `situations_needed`. `spent` rows
    are still in the inbox, but a child of HEAD was made of them that HEAD is not. `too_long` rows exceed the context
    and do not count.
    """

    karma: float
    needed: float
    age: int
    rows: int
    situations: int
    situations_needed: int
    spent: int
    too_long: int

    @property
    def full(self) -> bool:
        """Whether the inbox has earned a generation, and has enough different questions for its exam."""
        return self.karma >= self.needed and self.situations >= self.situations_needed

    def to_dict(self) -> dict[str, object]:
        """Return the fields and `full` as plain values for `--json`."""
        return {**asdict(self), "full": self.full}


def karma_needed(rule: AgeUpSection, age: int) -> float:
    """Return the karma that a generation costs at an age, by the configured growth."""
    if rule.growth == "linear":
        return rule.karma * (1 + rule.rate * age)
    if rule.growth == "geometric":
        return rule.karma * (1 + rule.rate) ** age
    return rule.karma


def karma_of(row: Row, rule: AgeUpSection) -> float:
    """Return a row's karma: a person's rating, or what an imported row is worth."""
    return rule.import_karma if row.karma is None else row.karma


def read_meter(workspace: Workspace, config: Config, lineage: Lineage) -> Meter:
    """Return how much karma the inbox has for a generation from HEAD.

    Raises Damaged when the rows of a recorded generation cannot be read, LunaError when the inbox cannot.
    """
    path = [*lineage.ancestors(lineage.head), lineage.head] if lineage.head is not None else []
    age = sum(1 for gen in path if (manifest := lineage.node(gen).manifest) and manifest.phase == _CONVERSE)
    section = config.curriculum
    standing = trainable_rows(workspace, folder=section.inbox, rules=ReadRules.of(section))
    learnt = _rows_of(workspace, lineage, path) if standing else set[str]()
    waiting = [new for row in standing if (new := row.without(learnt))]
    tried = _rows_of(workspace, lineage, lineage.children(lineage.head)) if waiting else set[str]()
    new = [left for row in waiting if (left := row.without(tried))]
    lengths = measure(workspace, config, new)
    unspent = lengths.fitting(new)
    return Meter(
        karma=sum(karma_of(row, config.age_up) * row.size for row in unspent),
        needed=karma_needed(config.age_up, age),
        age=age,
        rows=count_answers(unspent),
        situations=count_clusters(unspent),
        situations_needed=clusters_needed(section.holdout),
        spent=count_answers(waiting) - count_answers(new),
        too_long=count_answers(new) - count_answers(unspent),
    )


def _rows_of(workspace: Workspace, lineage: Lineage, gens: list[int] | tuple[int, ...]) -> set[str]:
    """Return the ids of what was new in any of these generations; a hand-written ledger row adds none."""
    return {id_ for gen in gens if lineage.node(gen).manifest for row in new_rows_of(workspace, gen) for id_ in row.ids}
