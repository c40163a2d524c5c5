"""Select what a generation is trained on: its phase, and the rows of that phase that no ancestor has seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import groupby
from typing import Literal

from engine.config.config import Config
from engine.config.recipe import Phase
from engine.core.counted import counted
from engine.core.errors import UsageError
from engine.data.curriculum import Curriculum
from engine.data.holdout import clusters_needed, count_clusters
from engine.data.inbox import rated_down, usable
from engine.data.rows import Row, count_answers

PhaseRequest = Literal["auto", "base", "align", "converse"]


@dataclass(frozen=True, slots=True)
class Selection:
    """The new rows of a generation in feeding order, and how they were selected.

    The user's ratings exclude `rated_down` rows, and `replaced` rows of the inbox whose prompt has a later answer;
    `too_long` rows of the inbox exceed the context.
    """

    phase: Phase
    rows: tuple[Row, ...]
    reason: str
    considered: int
    seen: int
    left: int
    rated_down: int = 0
    replaced: int = 0
    too_long: int = 0
    inbox_first: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """Return the number of answers and texts of each stage, in feeding order."""
        found: Counter[str] = Counter()
        for row in self.rows:
            found[row.stage] += row.size
        return dict(found)

    def to_dict(self) -> dict[str, object]:
        """Return plain values for the journal and the manifest, without the rows."""
        return {
            "phase": self.phase,
            "rows": count_answers(self.rows),
            "by_stage": self.counts,
            "reason": self.reason,
            "considered": self.considered,
            "seen": self.seen,
            "left": self.left,
            "rated_down": self.rated_down,
            "replaced": self.replaced,
            "too_long": self.too_long,
            "inbox_first": self.inbox_first,
        }


def phase_of_depth(depth: int) -> Phase:
    """Return the phase `--phase auto` takes with `depth` ancestors: base without any, align with one, else converse."""
    return "base" if depth == 0 else "align" if depth == 1 else "converse"


def select_new(
    requested: PhaseRequest,
    curriculum: Curriculum,
    inbox_rows: Sequence[Row],
    seen_ids: Collection[str],
    depth: int,
    config: Config,
    data_rows: Sequence[Row] | None = None,
    *,
    inbox_first: bool = False,
    too_long: Collection[str] = (),
) -> Selection:
    """Select the new rows of a generation with `depth` ancestors that have seen `seen_ids` (trained on or held out).

    `base` takes every stage but the last (the only one, if there is one), `align` the last stage's `behaviors*` files
    or all of it, `converse` the oldest `converse_rows` of the last stage and then the inbox, or with `inbox_first` of
    the inbox and then the last stage, never splitting a conversation. With `data_rows` (`--data`) all of these are
    candidates instead, whatever the phase. Answers rated down are never candidates, and of the inbox only the rows that
    `usable` returns and that are not `too_long` (ids); a row that is too long still excludes the answer it replaced.
    Raises UsageError with counts if nothing is unseen, or if the rows are too few for a holdout.
    """
    phase = phase_of_depth(depth) if requested == "auto" else requested
    stages = curriculum.stages
    fitting = [row for row in usable(inbox_rows)[0] if row.id not in too_long]
    if data_rows is not None:
        offered, what = list(data_rows), "the data given"
        standing: Sequence[Row] = offered
    else:
        offered, what = _candidates(phase, curriculum, inbox_rows, inbox_first)
        standing, _ = _candidates(phase, curriculum, fitting, inbox_first)
    down = rated_down([*offered, *inbox_rows])
    newest = list({row.id: row for row in reversed(standing)}.values())[::-1]
    candidates = [left for row in newest if (left := row.without(down))]
    left_out = {row.id for row in offered} - {row.id for row in newest if row.without(down)}
    bad, long = len(left_out & down), len((left_out - down).intersection(too_long))
    replaced = len(left_out) - bad - long
    unseen = [new for row in candidates if (new := row.without(seen_ids))]
    if not unseen:
        what += _left_out(bad, replaced, long)
        raise _nothing_new(phase, what, candidates, curriculum, fitting, {*seen_ids, *down})
    taken = unseen
    if phase == "converse" and data_rows is None:
        taken = _oldest(unseen, config.curriculum.converse_rows, clusters_needed(config.curriculum.holdout))
    _require_holdout(taken, config.curriculum.holdout, what)
    order: Mapping[str, int] = {stage: number for number, stage in enumerate(stages)}
    rows = sorted(taken, key=lambda row: order.get(row.stage, -1))
    new, taught, offered_new = count_answers(unseen), count_answers(rows), count_answers(candidates)
    portion = f"the {'first' if inbox_first else 'oldest'} {taught} of" if taught < new else "all"
    return Selection(
        phase=phase,
        rows=tuple(rows),
        reason=f"{phase}: {portion} {counted(new, 'unseen row')} of {what}{_left_out(bad, replaced, long)}",
        considered=offered_new,
        seen=offered_new - new,
        left=new - taught,
        rated_down=bad,
        replaced=replaced,
        too_long=long,
        inbox_first=inbox_first,
    )


def as_taught(phase: Phase, rows: Sequence[Row]) -> Selection:
    """Return a Selection of rows that were selected before, in another lineage, without changing them."""
    count = count_answers(rows)
    reason = f"{phase}: {counted(count, 'row')}, as they were taught before"
    return Selection(phase, tuple(rows), reason, considered=count, seen=0, left=0)


def _candidates(
    phase: Phase, curriculum: Curriculum, inbox_rows: Sequence[Row], inbox_first: bool = False
) -> tuple[list[Row], str]:
    *knowledge, last = curriculum.stages
    if phase == "base":
        wanted = knowledge or [last]
        return [row for stage in wanted for row in curriculum.of_stage(stage)], ", ".join(wanted)
    voice = list(curriculum.of_stage(last))
    if phase == "align":
        behaviors = [row for row in voice if fnmatch(_file_name(row), "behaviors*")]
        return (behaviors, f"{last}/behaviors*") if behaviors else (voice, last)
    if inbox_first:
        # Corrections before ratings before imports; among equals the oldest comes first.
        by_karma = sorted(inbox_rows, key=lambda row: -(row.karma or 0))
        return [*by_karma, *voice], f"the inbox and {last}"
    return [*voice, *inbox_rows], f"{last} and the inbox"


def _left_out(bad: int, replaced: int, long: int) -> str:
    parts = [f"{bad} rated down"] if bad else []
    parts += [f"{replaced} replaced by a later answer"] if replaced else []
    parts += [f"{long} longer than the context"] if long else []
    return f" (left out: {', '.join(parts)})" if parts else ""


def _file_name(row: Row) -> str:
    return row.source.rpartition(":")[0].rpartition("/")[2]


def _oldest(unseen: Sequence[Row], count: int, fewest: int) -> list[Row]:
    """Return the first rows that teach `count` answers; what would be split waits for the next generation.

    A conversation is never split, nor are the pieces of a document. More are taken where so many hold fewer than
    `fewest` clusters, which an exam needs: ten long conversations are more than a hundred answers.
    """
    taken: list[Row] = []
    answers = 0
    for _, together in groupby(unseen, key=lambda row: (row.source, row.group)):
        rows = list(together)
        size = count_answers(rows)
        if answers + size > count and count_clusters(taken) >= fewest:
            break
        taken += rows
        answers += size
    return taken


def _require_holdout(rows: Sequence[Row], fraction: float, what: str) -> None:
    needed, found = clusters_needed(fraction), count_clusters(rows)
    if found < needed:
        different = "" if found == len(rows) else f" that ask {found} different things"
        raise UsageError(
            f"too few new rows: {len(rows)} in {what}{different}, "
            f"but a holdout of {fraction:.0%} needs at least {needed}",
            hint=f"add {needed - found} or more rows with other prompts",
        )


def _nothing_new(
    phase: Phase,
    what: str,
    candidates: Sequence[Row],
    curriculum: Curriculum,
    inbox_rows: Sequence[Row],
    seen_ids: Collection[str],
) -> UsageError:
    elsewhere = [
        f"{counted(count_answers(unseen), 'unseen row')} for --phase {other}"
        for other in ("base", "align", "converse")
        if other != phase
        if (unseen := [row for row in _candidates(other, curriculum, inbox_rows)[0] if row.without(seen_ids)])
    ]
    if candidates:
        title = "nothing new to learn: all " + counted(
            len(candidates), f"row of {what} was seen by an ancestor", f"rows of {what} were seen by an ancestor"
        )
    else:
        title = f"nothing new to learn: no rows in {what}"
    hint = "add new rows to the curriculum or the inbox"
    return UsageError(
        title, where=f"phase {phase}", hint=f"{hint}, or take the {' or '.join(elsewhere)}" if elsewhere else hint
    )
