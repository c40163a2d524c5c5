"""The manifest of a generation: recipe, versions, verdict, and the SHA-256 of every file that is evidence.

A manifest's own SHA-256 is recorded in `models/head.log` and in its children's manifests: that is the chain `verify`
follows.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal, TypedDict, cast, get_args

from ledger.errors import LedgerDamaged
from ledger.hashing import sha256_file, sha256_text, write_durable
from ledger.row import COLUMNS, LedgerRow

Verdict = Literal["accepted", "rejected", "stopped"]

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "gen": (int,),
    "parent_gen": (int, type(None)),
    "phase": (str,),
    "created": (str,),
    "verdict": (str,),
    "verdict_reasons": (list,),
    "row": (dict,),
    "row_sha": (str,),
    "base": (dict,),
    "recipe": (dict,),
    "versions": (dict,),
    "seed": (int,),
    "threads": (int,),
    "backend": (str,),
    "data": (dict,),
    "scores": (dict,),
    "files": (dict,),
    "parent_manifest_sha": (str, type(None)),
    "extra": (dict,),
}
_SHA: Final = re.compile(r"[0-9a-f]{64}")


class FileFacts(TypedDict):
    """The recorded facts of one file: its SHA-256 (64 hex digits) and its size in bytes."""

    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that is recorded of one generation.

    `created` is ISO 8601 in UTC; `row` holds the twelve CSV fields exactly as written and `row_sha` the SHA-256 of that
    line (`LedgerRow.to_line`); `files` maps paths relative to models/ to their facts: the GGUF and everything under
    generations/<N>/ but the manifest; `parent_gen` None is the base; `extra` is free.
    """

    gen: int
    parent_gen: int | None
    phase: str
    created: str
    verdict: Verdict
    verdict_reasons: list[str]
    row: dict[str, str]
    row_sha: str
    base: dict[str, Any]
    recipe: dict[str, Any]
    versions: dict[str, Any]
    seed: int
    threads: int
    backend: str
    data: dict[str, Any]
    scores: dict[str, Any]
    files: dict[str, FileFacts]
    parent_manifest_sha: str | None
    extra: dict[str, Any]

    @property
    def row_fields(self) -> tuple[str, ...]:
        """The row's fields in the order of the columns."""
        return tuple(self.row[column] for column in COLUMNS)

    @property
    def ledger_row(self) -> LedgerRow:
        """The row as parsed values, for appending it; raises LedgerDamaged when a field is invalid."""
        return LedgerRow.from_fields(self.row_fields, where=f"the manifest of G{self.gen}")


def generation_dir(models_dir: Path, gen: int) -> Path:
    """Return the directory that holds the evidence of a generation."""
    return models_dir / "generations" / str(gen)


def manifest_path(models_dir: Path, gen: int) -> Path:
    """Return the path of a generation's manifest."""
    return generation_dir(models_dir, gen) / "manifest.json"


def gguf_name(gen: int) -> str:
    """Return the file name, inside models/, of a generation's GGUF."""
    return f"luna_age_{gen}.gguf"


def describe_files(models_dir: Path, gen: int) -> dict[str, FileFacts]:
    """Return the facts of the GGUF and of every file under generations/<gen>/ but the manifest; hashes them all."""
    paths = [models_dir / gguf_name(gen), *files_under(generation_dir(models_dir, gen))]
    own = manifest_path(models_dir, gen)
    return {
        path.relative_to(models_dir).as_posix(): {"sha256": sha256_file(path), "bytes": path.stat().st_size}
        for path in paths
        if path != own
    }


def files_under(directory: Path) -> list[Path]:
    """Return every file below a directory, sorted; empty when there is no such directory."""
    return sorted(Path(folder, name) for folder, _, names in os.walk(directory) for name in names)


def write_manifest(models_dir: Path, manifest: Manifest) -> str:
    """Write generations/<N>/manifest.json durably and return its SHA-256.

    Raises ValueError for NaN and infinities, LedgerError when the file cannot be written.
    """
    text = json.dumps(
        {field.name: getattr(manifest, field.name) for field in fields(manifest)},
        sort_keys=True,
        indent=1,
        ensure_ascii=False,
        allow_nan=False,
    )
    write_durable(manifest_path(models_dir, manifest.gen), (text + "\n").encode("utf-8"))
    return sha256_text(text + "\n")


def manifest_sha(path: Path) -> str:
    """Return the SHA-256 of a manifest's bytes; raises LedgerDamaged when it cannot be read."""
    try:
        return sha256_file(path)
    except OSError as error:
        raise _damaged(path, f"cannot be read: {error.strerror}") from error


def read_manifest(path: Path) -> Manifest:
    """Read and validate a manifest; raises LedgerDamaged when it is missing, no JSON, or lacks or mistypes a field."""
    try:
        raw = cast("object", json.loads(path.read_bytes().decode("utf-8")))
    except OSError as error:
        raise _damaged(path, f"cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"not JSON: {error}") from error
    if not isinstance(raw, dict):
        raise _damaged(path, "not a JSON object")
    values = cast("dict[str, Any]", raw)
    for name, kinds in _TYPES.items():
        if name not in values:
            raise _damaged(path, f"the field {name} is missing")
        if not isinstance(values[name], kinds) or isinstance(values[name], bool):
            raise _damaged(path, f"the field {name} is {values[name]!r:.60}")
    if values["verdict"] not in get_args(Verdict):
        raise _damaged(path, f"the verdict is {values['verdict']!r:.60}")
    row = cast("dict[str, Any]", values["row"])
    if set(row) != set(COLUMNS) or not all(isinstance(text, str) for text in row.values()):
        raise _damaged(path, "the row has not the twelve columns")
    for name, facts in cast("dict[str, Any]", values["files"]).items():
        _check_file(path, name, facts)
    return Manifest(**{name: values[name] for name in _TYPES})


def read_manifests(models_dir: Path) -> dict[int, Manifest]:
    """Return the manifests of all generations that have one, by GEN_ID.

    Raises LedgerDamaged for the first that is corrupt.
    """
    manifests: dict[int, Manifest] = {}
    for gen in generation_ids(models_dir):
        path = manifest_path(models_dir, gen)
        if path.exists():
            manifests[gen] = read_manifest(path)
            if manifests[gen].gen != gen:
                raise _damaged(path, f"it says it is of G{manifests[gen].gen}")
    return manifests


def generation_ids(models_dir: Path) -> list[int]:
    """Return the GEN_IDs that have a directory under models/generations, ascending, recorded or not."""
    try:
        names = [entry.name for entry in os.scandir(models_dir / "generations") if entry.is_dir()]
    except FileNotFoundError:
        return []
    return sorted(int(name) for name in names if re.fullmatch(r"0|[1-9][0-9]{0,8}", name))


def _check_file(path: Path, name: str, facts: object) -> None:
    # A manifest must not make verify or gc reach outside the models directory.
    if name.startswith("/") or ".." in name.split("/"):
        raise _damaged(path, f"the file {name!r:.60} is outside the models directory")
    known: Mapping[str, object] = cast("Mapping[str, object]", facts) if isinstance(facts, dict) else {}
    sha, size = known.get("sha256"), known.get("bytes")
    if not isinstance(sha, str) or _SHA.fullmatch(sha) is None or not isinstance(size, int):
        raise _damaged(path, f"the facts of {name!r:.60} are no SHA-256 and size")


def _damaged(path: Path, title: str) -> LedgerDamaged:
    return LedgerDamaged(
        title, where=str(path), hint="restore the file from a backup; `luna-tui verify` shows what else is hurt"
    )
