"""The workspace checks of `luna-tui doctor`: config, curriculum, ledger and HEAD, runs, GGUFs, and the disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from engine.config.config import Config
from engine.config.load import load_config
from engine.core.counted import counted
from engine.core.disk import GIB, free_bytes
from engine.core.errors import LunaError
from engine.core.gen_label import gen_label
from engine.data.curriculum import read_curriculum
from engine.data.read_rules import ReadRules
from engine.diagnostics.machine_checks import Check
from engine.diagnostics.write_checks import check_writing
from engine.models.base import PACKAGED, find_base
from engine.models.disk_budget import space_needed
from engine.workspace.attach import describe_runs, resumable
from engine.workspace.base_record import read_base_record
from engine.workspace.layout import Workspace
from ledger.errors import LedgerError

# Parameter counts of the packaged models; a GGUF's own size says little about its full-precision weights.
_PARAMETERS = {"smollm2-135m": 135_000_000}
_FP32_BYTES = 4
_GGUF_BITS = 4.5
"""Bits per weight of the smallest common quantisation, so that the estimate is on the safe side."""


def examine(root: Path) -> list[Check]:
    """Check everything in the workspace at `root`; changes nothing: the file that tests the locks is removed again."""
    try:
        workspace = Workspace.open(root)
        config = load_config(workspace.root)
    except LunaError as error:
        return [_failure("luna.toml", error)]
    findings = [Check("ok", "luna.toml", "every value is allowed", "")]
    checks: tuple[tuple[str, Callable[[Workspace, Config], list[Check]]], ...] = (
        ("base model", _base),
        ("curriculum", _curriculum),
        ("ledger", _ledger),
        ("runs", _runs),
        ("writing", check_writing),
        ("disk", _disk),
    )
    for what, check in checks:
        try:
            findings += check(workspace, config)
        except (LunaError, LedgerError) as error:
            failure = _failure(what, error)
            # A new workspace has nothing to learn yet, which is no fault of the machine.
            findings.append(replace(failure, level="warn") if what == "curriculum" else failure)
    return findings


def _failure(what: str, error: LunaError | LedgerError) -> Check:
    where = f"{error.where}: " if error.where else ""
    return Check("fail", what, f"{where}{error.title}", error.hint)


def _base(workspace: Workspace, config: Config) -> list[Check]:
    record = read_base_record(workspace)
    name = config.model.base
    if record is None:
        if name.count("/") != 1 or (workspace.root / name).exists():
            find_base(name, workspace)  # raises for an unusable base; a hub id is not looked up here
        return [Check("ok", "base model", f"{name}, made ready by the first training", "")]
    if record["name"] != name:
        remedy = "a lineage has one base: change [model] base back, or make another workspace"
        return [Check("fail", "base model", f"the lineage began with {record['name']}, luna.toml says {name}", remedy)]
    if not (workspace.base_dir / "base.gguf").exists():
        return [Check("fail", "base model", "models/base/base.gguf is missing", "put it back from a backup")]
    return [Check("ok", "base model", f"{name}, sha {record['sha'][:8]}", "")]


def _curriculum(workspace: Workspace, config: Config) -> list[Check]:
    section = config.curriculum
    found = read_curriculum(workspace.root / section.path, section.stages, rules=ReadRules.of(section))
    counts = ", ".join(f"{stage} {count}" for stage, count in found.counts.items())
    detail = f"{counted(len(found.rows), 'row')} ({counts})"
    if found.duplicates:
        detail += f", {counted(len(found.duplicates), 'duplicate')} left out"
    if found.bad:
        first = "; ".join(f"{bad.file}:{bad.line} {bad.reason}" for bad in found.bad[:3])
        more = f" and {len(found.bad) - 3} more" if len(found.bad) > 3 else ""
        return [
            Check(
                "warn",
                "curriculum",
                f"{detail}, {counted(len(found.bad), 'bad row')} left out: {first}{more}",
                "mend these rows",
            )
        ]
    if found.notes:
        return [
            Check(
                "warn",
                "curriculum",
                f"{detail}; {'; '.join(found.notes)}",
                "add what is missing, or change [curriculum] stages",
            )
        ]
    return [Check("ok", "curriculum", detail, "")]


def _ledger(workspace: Workspace, config: Config) -> list[Check]:
    lineage = workspace.lineage()
    head = gen_label(lineage.head)
    findings = [Check("ok", "ledger", f"{counted(len(lineage), 'generation')}, HEAD is {head}", "")]
    collected = workspace.head.collected()
    missing = [
        node.gen for node in lineage.nodes() if node.gen not in collected and not workspace.gguf(node.gen).exists()
    ]
    unrecorded = {node.gen for node in lineage.nodes() if node.manifest is None}
    lost = [gen for gen in missing if gen not in unrecorded]
    if lost:
        names = ", ".join(f"G{gen}" for gen in lost)
        findings.append(Check("fail", "GGUFs", f"missing, and nobody collected them: {names}", "see: luna-tui verify"))
    elif missing:
        names = ", ".join(f"G{gen}" for gen in missing)
        remedy = "put the files into models/ if you want to chat with them"
        findings.append(Check("warn", "GGUFs", f"none for hand-written rows: {names}", remedy))
    else:
        detail = f"all there, {len(collected)} collected on purpose" if collected else "all there"
        findings.append(Check("ok", "GGUFs", detail, ""))
    return findings


def _runs(workspace: Workspace, config: Config) -> list[Check]:
    left = resumable(workspace)
    if not left:
        return [Check("ok", "runs", "none is unfinished", "")]
    running = [state.run_id for state in left if state.status == "running"]
    if running:
        return [Check("ok", "runs", f"being trained now: {', '.join(running)}", "")]
    name = "" if len(left) == 1 else f" {left[-1].run_id}"
    remedy = f"go on with: luna-tui train --resume{name}   (a plain luna-tui train begins anew)"
    return [Check("warn", "runs", "; ".join(describe_runs(workspace, left)), remedy)]


def _disk(workspace: Workspace, config: Config) -> list[Check]:
    free = free_bytes(workspace.root)
    weights = _weights_bytes(workspace, config)
    if weights is None:
        return [
            Check(
                "ok", "disk", f"{free / GIB:.1f} GiB free; what a generation takes is known once the base is there", ""
            )
        ]
    method = "full" if "full" in {config.recipe(phase).method for phase in ("base", "align", "converse")} else "lora"
    needed = space_needed(weights, method).total
    detail = f"{free / GIB:.1f} GiB free, the next generation takes about {needed / GIB:.1f} GiB"
    if free < needed:
        return [Check("fail", "disk", detail, "make room; luna-tui gc shows what this workspace can spare")]
    if free < 3 * needed:
        return [Check("warn", "disk", detail, "make room soon; luna-tui gc shows what this workspace can spare")]
    return [Check("ok", "disk", detail, "")]


def _weights_bytes(workspace: Workspace, config: Config) -> int | None:
    """Return the size of the base's fp32 weights in bytes, None while it is not known."""
    name = config.model.base
    if name in PACKAGED and name in _PARAMETERS:
        return _PARAMETERS[name] * _FP32_BYTES
    gguf = workspace.base_dir / "base.gguf"
    if not gguf.exists():
        path = Path(name).expanduser()
        gguf = path if path.is_absolute() else workspace.root / path
    if gguf.is_file():
        return int(gguf.stat().st_size * 8 / _GGUF_BITS) * _FP32_BYTES
    shards = [file.stat().st_size for file in gguf.glob("*.safetensors")] if gguf.is_dir() else []
    return 2 * sum(shards) or None  # shards are usually 16 bit
