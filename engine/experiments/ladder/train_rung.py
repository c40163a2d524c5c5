"""Train one rung through the curriculum, generation by generation as `train` does.

Training ends when there are enough generations, one is not accepted, or the curriculum has nothing left. A rung's
progress is read from its lineage and never stored beside it, so training continues there after an interruption.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.config.config import Config
from engine.config.recipe import PHASES
from engine.core.counted import counted
from engine.core.errors import Interrupted, LunaError, UsageError
from engine.core.events import RunFinished
from engine.data.curriculum import read_curriculum
from engine.data.read_rules import ReadRules
from engine.data.selection import select_new
from engine.experiments.ladder.rung_workspace import RungWorkspace, open_side
from engine.experiments.ladder.rungs import Rung
from engine.models.base import find_base
from engine.models.lineage_weights import ancestor_data
from engine.pipeline.request import TrainRequest
from engine.workspace.base_record import read_base_record
from engine.workspace.layout import Workspace
from engine.workspace.runs import unfinished_run
from ledger.lineage import Lineage, Node

Evolve = Callable[[Workspace, Config, TrainRequest], RunFinished]
"""Trains one generation in a workspace, and returns the last event of its run."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RungTraining:
    """How the training of a rung ended, and what is known of it.

    `gen` is the generation that answers the cards, for the reason `why`; `nodes` are all its generations, the last one
    perhaps not accepted; `stopped` is the stop rule's reason; `taken` is whether this is the workspace's own lineage.
    """

    workspace: Workspace
    config: Config
    gen: int
    why: str
    nodes: tuple[Node, ...]
    stopped: str = ""
    taken: bool = False
    notes: tuple[str, ...] = ()


def train_rung(
    workspace: Workspace, config: Config, rung: Rung, generations: int, *, evolve: Evolve, tell: Tell
) -> RungTraining:
    """Return the trained rung: the workspace's own lineage where that serves, else one trained in the rung's workspace.

    The own lineage serves if it descends from this base and is long enough; else generations missing in the rung's
    workspace are trained now. `tell` receives messages in words. Raises Interrupted on a stop request, and LunaError
    naming the rung when a run fails.
    """
    own = own_lineage(workspace, config, rung, generations)
    if own is not None:
        tell(f"{rung.name}: taken as it is, the lineage of this workspace has {counted(len(own.nodes), 'generation')}")
        return own
    side = open_side(workspace, config, rung)
    notes: list[str] = []
    if side.set_aside is not None:
        aside = side.set_aside.relative_to(workspace.root).as_posix()
        tell(f"{rung.name}: base, data or recipe have changed; the old evolution lies in {aside}, which may be deleted")
    while (why := _over(side, generations)) is None:
        lineage = side.workspace.lineage()
        tell(f"{rung.name}: generation {len(head_path(lineage)) + 1} of {generations}")
        _evolve_one(rung, side, evolve)
        if len(side.workspace.lineage()) == len(lineage):
            raise LunaError(f"the rung {rung.name!r} has no new generation", where=str(side.workspace.root))
    if why:
        notes.append(why)
        tell(f"{rung.name}: {why}")
    return _ended(side, generations, tuple(notes))


def own_lineage(workspace: Workspace, config: Config, rung: Rung, generations: int) -> RungTraining | None:
    """Return the workspace's own lineage as a rung's training, or None.

    None when it descends from another base, when HEAD has fewer generations, or when they were not all trained here.
    """
    record = read_base_record(workspace)
    if record is None or record["name"] != config.model.base or not _is_base(workspace, config, rung):
        return None
    lineage = workspace.lineage()
    path = head_path(lineage)
    if len(path) < generations or any(node.manifest is None for node in path):
        return None
    changed = _other_recipe(config, path)
    notes = (f"trained with another recipe than luna.toml has now: {changed}",) if changed else ()
    failed = _failed_last(lineage)
    return RungTraining(
        workspace, config, path[-1].gen, "HEAD of this workspace", path, _stop_reason(failed), True, notes
    )


def _is_base(workspace: Workspace, config: Config, rung: Rung) -> bool:
    """Return whether the rung is the workspace's own base, however the two names are written."""
    if rung.name == config.model.base:
        return True
    try:
        return find_base(config.model.base, workspace)[1].samefile(rung.source)
    except (UsageError, OSError):
        return False


def head_path(lineage: Lineage) -> tuple[Node, ...]:
    """Return the generations from the root down to HEAD; none when HEAD is the base."""
    if lineage.head is None:
        return ()
    return tuple(lineage.node(gen) for gen in (*lineage.ancestors(lineage.head), lineage.head))


def _over(side: RungWorkspace, generations: int) -> str | None:
    """Return None while there is a generation to train; else a note on why there are fewer than requested, or ""."""
    lineage = side.workspace.lineage()
    path = head_path(lineage)
    if len(path) >= generations or _failed_last(lineage) is not None:
        return ""
    if unfinished_run(side.workspace) is not None or not path:
        return None
    try:
        _select_next(side, path)
    except UsageError as error:
        return f"the curriculum has nothing for generation {len(path) + 1} ({error.title})"
    return None


def _select_next(side: RungWorkspace, path: Sequence[Node]) -> None:
    """Raise UsageError when the curriculum has too little left for a child of the last of `path`."""
    section = side.config.curriculum
    _, seen, _ = ancestor_data(side.workspace, [node.gen for node in path])
    curriculum = read_curriculum(side.workspace.root / section.path, section.stages, rules=ReadRules.of(section))
    select_new("auto", curriculum, [], seen, len(path), side.config)


def _evolve_one(rung: Rung, side: RungWorkspace, evolve: Evolve) -> None:
    left = unfinished_run(side.workspace)
    request = TrainRequest(resume=left is not None, run=left.run_id if left is not None else "")
    finished = evolve(side.workspace, side.config, request)
    if request.resume and finished.verdict == "failed" and finished.exit_code == UsageError.exit_code:
        # A run that can no longer be resumed (other packages, another thread count) is started anew.
        finished = evolve(side.workspace, side.config, replace(request, resume=False, run=""))
    if finished.verdict == "interrupted":
        raise Interrupted("stopped on request", hint="go on with: luna-tui ladder")
    if finished.verdict == "failed":
        raise LunaError(
            f"the rung {rung.name!r} failed: {finished.error}",
            where=str(side.workspace.root),
            hint=finished.hint,
            exit_code=finished.exit_code,
        )


def _ended(side: RungWorkspace, generations: int, notes: tuple[str, ...]) -> RungTraining:
    lineage = side.workspace.lineage()
    path = head_path(lineage)[:generations]
    failed = _failed_last(lineage) if len(path) < generations else None
    nodes = (*path, failed) if failed is not None else path
    if path:
        gen, why = path[-1].gen, "the last one accepted" if failed is not None else "the last one"
    else:
        assert failed is not None
        gen, why = failed.gen, "the last one made; none was accepted"
    return RungTraining(side.workspace, side.config, gen, why, nodes, _stop_reason(failed), False, notes)


def _failed_last(lineage: Lineage) -> Node | None:
    """Return HEAD's newest child if it was not accepted, since that is where the training ended."""
    children = lineage.children(lineage.head)
    last = lineage.node(children[-1]) if children else None
    return last if last is not None and last.verdict in ("rejected", "stopped") else None


def _stop_reason(failed: Node | None) -> str:
    if failed is None or failed.verdict != "stopped":
        return ""
    reasons = failed.manifest.verdict_reasons if failed.manifest is not None else ()
    return "; ".join(reasons) or "the stop rule fired"


def _other_recipe(config: Config, path: Sequence[Node]) -> str:
    """Return the first setting in which a generation was trained differently from luna.toml, in words; "" if none."""
    for node in path:
        if node.manifest is None or node.manifest.phase not in PHASES:
            continue
        was: dict[str, Any] = dict(node.manifest.recipe)
        now = config.recipe(node.manifest.phase).to_dict()
        for key in ("steps", "lr", "method", "blend", "batch_size", "rank", "alpha", "seed"):
            if key in was and was[key] != now[key]:
                return f"G{node.gen} had {key} {was[key]}, now {now[key]}"
    return ""
