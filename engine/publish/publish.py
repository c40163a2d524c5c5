"""`luna-tui export`: a generation in the form another program expects, verified to be the one that was evaluated.

Everything is made in a hidden directory beside its place and moved there when it is complete.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from engine.config.config import Config
from engine.core.cancellation import Control
from engine.core.errors import Damaged, UsageError
from engine.models.base import BaseModel, prepare_base
from engine.models.lineage_weights import checked_delta, new_rows_of, require_evidence
from engine.models.raw_prompt_check import require_raw_prompts
from engine.models.resolve import Named, gguf_of, name_of
from engine.publish.destination import MIB, place, require_directory, require_free, require_space, staging_in
from engine.publish.target_files import (
    PUBLISHER,
    command_for,
    llm_script,
    lmstudio_note,
    lmstudio_preset,
    luna_json,
    model_card,
    modelfile,
    server_script,
)
from engine.publish.targets import TARGETS
from engine.runtime.client import Runtime
from engine.workspace.layout import Workspace
from ledger.durable import make_durable
from ledger.hashing import sha256_file
from ledger.lineage import Lineage
from ledger.row import contradicts
from probes.base import ProgressCallback

_FICLONE: Final = 0x40049409
"""Linux ioctl that shares a file's blocks until one side is written: a copy that takes no time and no space."""


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What an export wrote, and what to do with it next.

    `files` are absolute paths, the model first; `command` is what a person runs next; `sha` is the SHA-256 of the model
    file; `gen` is None for the base.
    """

    gen: int | None
    label: str
    target: str
    files: list[Path]
    command: str
    sha: str

    def to_dict(self) -> dict[str, object]:
        """Return the fields as `export --json` prints them."""
        return {
            "gen": self.gen,
            "label": self.label,
            "target": self.target,
            "files": [str(file) for file in self.files],
            "command": self.command,
            "sha": self.sha,
        }


def export_generation(
    workspace: Workspace,
    config: Config,
    ref: str,
    target: str,
    directory: Path,
    *,
    progress: ProgressCallback,
    control: Control,
    force: bool = False,
) -> ExportResult:
    """Write the generation that `ref` names for `target` into `directory`, which is created if needed.

    A collected GGUF is rebuilt first. Raises UsageError for an unknown target, for a path that is no directory, and for
    files that exist unless `force`; Damaged when the model is not the recorded one; LunaError when the disk is full.
    """
    if target not in TARGETS:
        raise UsageError(f"there is no target {target!r}", where="--to", hint=f"one of {', '.join(TARGETS)}")
    lineage = workspace.lineage()
    named = name_of(lineage, ref)
    name = f"luna-{named.label.lower()}"
    directory = Path(os.path.abspath(directory.expanduser()))
    require_directory(directory)
    require_free(directory, _expected(target, name), force=force)

    def report(done: int, total: int, label: str) -> None:
        control.check()
        progress(done, total, label)

    base = prepare_base(workspace, config, progress=report, weights=target == "hf")
    facts = _facts(workspace, lineage, base, named)
    with staging_in(directory) as staging, Runtime(log=workspace.log("export.log")) as runtime:
        if target == "hf":
            model = _make_hf(workspace, lineage, base, named, staging, facts, runtime, report)
        else:
            source = gguf_of(workspace, base, named, runtime)
            model = staging / _gguf_place(target, name)
            model.parent.mkdir(parents=True, exist_ok=True)
            _copy(source, model, report)
            _require_sha(named, source, model, facts["child_sha"])
            _write_texts(target, name, model, runtime, config.model.chat_context)
        sha = sha256_file(model)
        model_facts = {"name": model.name, "sha256": sha, "bytes": model.stat().st_size}
        _write(model.parent / "LUNA.json", luna_json({**facts, "target": target, "model": model_facts}))
        control.check()
        make_durable(staging)
        first = model.relative_to(staging)
        placed = place(staging, directory, first, force=force)
    return ExportResult(named.gen, named.label, target, placed, command_for(target, directory, name), sha)


def _facts(workspace: Workspace, lineage: Lineage, base: BaseModel, named: Named) -> dict[str, Any]:
    """Return the facts of the generation for LUNA.json; the scores are the manifest's, else those of the row."""
    facts: dict[str, Any] = {"gen": named.gen, "label": named.label, "base": base.facts(), "prompt": "raw"}
    if named.gen is None:
        unknown = dict.fromkeys(("parent_sha", "data_delta_sha", "verdict", "phase", "created"))
        return {**facts, "child_sha": base.gguf_sha, **unknown, "scores": {}, "path": []}
    node = lineage.node(named.gen)
    row, manifest = node.row, node.manifest
    from_row = {"recall": row.eval_recall, "generalization": row.eval_generalization, "drift": row.eval_style_drift}
    return {
        **facts,
        "child_sha": row.child_sha,
        "parent_sha": row.parent_sha,
        "data_delta_sha": row.data_delta_sha,
        "verdict": node.verdict,
        "phase": manifest.phase if manifest else None,
        "created": manifest.created if manifest else None,
        "scores": manifest.scores if manifest else {key: {"value": value} for key, value in from_row.items()},
        "path": [*lineage.ancestors(named.gen), named.gen],
    }


def _make_hf(
    workspace: Workspace,
    lineage: Lineage,
    base: BaseModel,
    named: Named,
    staging: Path,
    facts: Mapping[str, Any],
    runtime: Runtime,
    report: ProgressCallback,
) -> Path:
    from engine.gguf.weights import WEIGHTS_FILE
    from engine.publish.hf_directory import copy_tokenizer, rebuild_tokenizer, write_hf_directory

    path: Sequence[int] = facts["path"]
    for gen in path:
        require_evidence(workspace, gen)
    deltas: list[Path] = []
    for gen in path:
        report(len(deltas), len(path) + 2, f"checking the delta of G{gen}")
        deltas.append(checked_delta(workspace, gen))
    require_space(staging, sum(file.stat().st_size for file in base.weights.glob("*.safetensors")))
    report(len(path), len(path) + 2, "adding the deltas to the base")
    write_hf_directory(base.weights, deltas, base.gguf, staging)
    report(len(path) + 1, len(path) + 2, "checking the tokenizer")
    if base.kind == "hf":
        info = runtime.load(base.gguf, vocab_only=True)
        head = [info.bos_id] if info.add_bos and info.bos_id >= 0 else []
        has_tokenizer = copy_tokenizer(base.weights, staging, head, _ODD_TEXTS)
    else:
        rows = [] if named.gen is None else new_rows_of(workspace, named.gen)
        samples = [text for row in rows for text in row.texts] + list(_ODD_TEXTS)
        runtime.load(base.gguf, vocab_only=True)
        has_tokenizer = rebuild_tokenizer(base.gguf, staging, runtime.tokenize, samples)
    _write(staging / "README.md", model_card(facts, has_tokenizer))
    return staging / WEIGHTS_FILE


_ODD_TEXTS: Final = (
    "It's 1234567 o'clock, isn't it?  Two  spaces,\ttabs\nand\n\nlines.",
    "naïve café – Straße, Ελληνικά, 日本語, 🌙🌙",
    "def f(x):\n    return x ** 2  # [0, 1]",
)
"""What a generation's own data may lack: digits, apostrophes, runs of spaces, scripts, emoji, code."""


def _gguf_place(target: str, name: str) -> Path:
    return Path(PUBLISHER, name, f"{name}.gguf") if target == "lmstudio" else Path(f"{name}.gguf")


def _expected(target: str, name: str) -> list[Path]:
    """Return the files that an export will write, before it has made them, relative to the target directory."""
    if target == "hf":
        return [Path(file) for file in ("model.safetensors", "config.json", "README.md", "LUNA.json")]
    gguf = _gguf_place(target, name)
    texts = {"ollama": ["Modelfile"], "lmstudio": ["README.md", "luna-raw.preset.json"], "llm": ["register.sh"]}
    return [gguf, *(gguf.parent / text for text in [*texts.get(target, ["run.sh"]), "LUNA.json"])]


def _write_texts(target: str, name: str, model: Path, runtime: Runtime, context: int) -> None:
    folder = model.parent
    info = runtime.load(model, vocab_only=True)
    require_raw_prompts(runtime, _ODD_TEXTS, str(folder))
    stops = runtime.detokenize([[token] for token in info.eog_ids])
    if target == "ollama":
        _write(folder / "Modelfile", modelfile(name, stops, context))
    elif target == "lmstudio":
        _write(folder / "README.md", lmstudio_note(name))
        _write(folder / "luna-raw.preset.json", lmstudio_preset(stops))
    elif target == "llm":
        _write(folder / "register.sh", llm_script(name), executable=True)
    else:
        _write(folder / "run.sh", server_script(name, context), executable=True)


def _write(path: Path, text: str, *, executable: bool = False) -> None:
    path.write_text(text, encoding="utf-8")
    if executable:
        path.chmod(path.stat().st_mode | 0o111)


def _copy(source: Path, target: Path, report: ProgressCallback) -> None:
    """Copy a file, sharing its blocks where the file system can.

    It is never a hard link, which would let another program change the evidence.
    """
    with source.open("rb") as reading, target.open("wb") as writing:
        if sys.platform == "linux":  # elsewhere the number would be another request
            with contextlib.suppress(OSError):  # another file system, or one that cannot share
                fcntl.ioctl(writing.fileno(), _FICLONE, reading.fileno())
                return
        size = os.fstat(reading.fileno()).st_size
        require_space(target.parent, size)
        done = 0
        while part := reading.read(4 * MIB):
            writing.write(part)
            done += len(part)
            report(done // MIB, max(1, size // MIB), "copying, MiB")


def _require_sha(named: Named, source: Path, copy: Path, recorded: str) -> None:
    found = sha256_file(copy)
    if contradicts(recorded, found):
        raise Damaged(
            f"this is not the GGUF recorded for {named.label}: its SHA-256 is {found[:12]}…, recorded {recorded[:12]}…",
            where=str(source),
            hint="put the recorded file back; luna-tui verify lists everything that is not as recorded",
        )
