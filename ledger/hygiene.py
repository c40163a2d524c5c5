"""Data hygiene: no training set may hold what its generation or any of its ancestors held out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from ledger.manifest import Manifest

_NAMED = 3


def find_leaks(
    models_dir: Path, manifests: Mapping[int, Manifest], parents: Mapping[int, int | None]
) -> Iterator[tuple[int, str, str]]:
    """Yield (generation, file, problem) for every training set that overlaps a held-out set of its own lineage path.

    Items are compared by their `id` in `data/train.jsonl` (replay included) and `data/holdout.jsonl`. A held-out set of
    another branch does not count: only descendants must not train on it.
    """
    held_out: dict[str, set[int]] = {}
    for gen, manifest in manifests.items():
        name = f"generations/{gen}/data/holdout.jsonl"
        if name in manifest.files:
            ids, problem = _ids(models_dir / name)
            if problem:
                yield gen, name, problem
            for item in ids:
                held_out.setdefault(item, set()).add(gen)
    for gen, manifest in manifests.items():
        name = f"generations/{gen}/data/train.jsonl"
        if name not in manifest.files:
            yield gen, name, "is not among the recorded files, so nothing proves what was trained on"
            continue
        ids, problem = _ids(models_dir / name)
        if problem:
            yield gen, name, problem
        suspects = [item for item in ids if item in held_out]
        line = _line(gen, parents) if suspects else set[int]()
        leaks = [(item, min(held_out[item] & line)) for item in suspects if held_out[item] & line]
        if leaks:
            shown = ", ".join(f"{item:.16} (held out by G{holder})" for item, holder in leaks[:_NAMED])
            yield (
                gen,
                name,
                f"{len(leaks)} held-out items were trained on: {shown}{' …' if len(leaks) > _NAMED else ''}",
            )


def _line(gen: int, parents: Mapping[int, int | None]) -> set[int]:
    line: set[int] = set()
    at: int | None = gen
    while at is not None and at not in line:
        line.add(at)
        at = parents.get(at)
    return line


def _ids(path: Path) -> tuple[list[str], str]:
    """Return the distinct ids of a JSONL file in file order, and the first problem.

    A missing file is reported elsewhere.
    """
    ids: dict[str, None] = {}
    problem = ""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError:
        return [], ""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = cast("object", json.loads(line))
            ids[str(cast("dict[str, Any]", row)["id"])] = None
        except (ValueError, KeyError, TypeError, RecursionError):
            problem = problem or f"line {number} has no id"
    return list(ids), problem
