"""Rebuild a generation's GGUF from base and deltas, byte for byte, after gc collected it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import cast

from engine.config.schema import Quant
from engine.core.errors import Damaged, cannot_write
from engine.models.base import BaseModel, ensure_weights
from engine.models.gguf_writer import write_gguf
from engine.models.lineage_weights import checked_delta, require_evidence
from engine.runtime.client import Runtime
from engine.workspace.layout import Workspace
from ledger.hashing import sha256_file


def restore_gguf(workspace: Workspace, base: BaseModel, gen: int, runtime: Runtime) -> Path:
    """Write models/luna_age_<gen>.gguf again and log it; raises Damaged when the rebuilt file is not the recorded one.

    Uses the base and the deltas alone, never the weights cache, which a training may be using meanwhile. Raises
    LunaError where the file cannot be written.
    """
    from engine.gguf.tensor_writer import adds_eos
    from engine.gguf.weights import load_weights, rebuild

    lineage = workspace.lineage()
    manifest = require_evidence(workspace, gen)
    row = lineage.node(gen).row
    target = workspace.gguf(gen)
    building = target.with_name(f".{target.name}.{os.getpid()}.gguf")
    ensure_weights(base, workspace)
    deltas = [checked_delta(workspace, at) for at in (*lineage.ancestors(gen), gen)]
    facts = (gen, row.parent_sha, base.sha, row.data_delta_sha)
    quant = cast("Quant", str(manifest.recipe["quant"]))
    try:
        weights = rebuild(load_weights(base.weights), deltas)
        write_gguf(base, weights, facts, quant, building, runtime, manifest.threads)
        sha = sha256_file(building)
        if sha != row.child_sha and adds_eos(base.gguf):
            # Recorded by a version that still kept the base's flag to append EOS to every prompt.
            write_gguf(base, weights, facts, quant, building, runtime, manifest.threads, keep_add_eos=True)
            sha = sha256_file(building)
        if sha != row.child_sha:
            raise Damaged(
                f"G{gen} rebuilt from its deltas is {sha[:12]}…, not the recorded {row.child_sha[:12]}…",
                where=str(workspace.generation(gen)),
                hint="other versions of the packages that export, or a changed base: luna-tui verify names it",
            )
        os.replace(building, target)
    except OSError as error:
        why = f"gc has collected the GGUF of G{gen}, and rebuilding it writes it there"
        raise cannot_write(error, workspace.models, why) from error
    finally:
        with contextlib.suppress(OSError):
            building.unlink(missing_ok=True)
    workspace.head.append("restore", gen=gen, reason="rebuilt from base and deltas")
    return target
