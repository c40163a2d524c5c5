"""References to the models that are evaluated: a generation, the base, or any other GGUF on this disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.config.config import Config
from engine.core.errors import UsageError
from engine.gguf.header import check_gguf
from engine.models.base import prepare_base
from engine.models.resolve import Named, gguf_of, name_of, require_recorded
from engine.runtime.client import Runtime
from engine.workspace.layout import Workspace
from ledger.hashing import sha256_file
from ledger.lineage import Lineage


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model identified by its SHA-256; `gen` is None for the base and for a `file` from outside the lineage."""

    label: str
    sha: str
    gen: int | None = None
    file: Path | None = None

    def gguf(self, workspace: Workspace, config: Config, runtime: Runtime) -> Path:
        """Return the GGUF to run, rebuilt from the deltas where gc has collected it.

        Raises Damaged when the file of a generation or of the base is not the one with this SHA-256.
        """
        if self.file is not None:
            return self.file
        base = prepare_base(workspace, config, weights=False)
        named = Named(self.gen, self.label)
        path = gguf_of(workspace, base, named, runtime)
        require_recorded(workspace, base, named, path)
        return path


def resolve_model(workspace: Workspace, config: Config, lineage: Lineage, ref: str) -> ModelRef:
    """Return the model that `ref` names: GEN_ID, `G3`, `HEAD`, `base`, a SHA prefix, or the path of a GGUF file.

    Raises LedgerBadInput for an unknown reference, UsageError for a file that is no GGUF.
    """
    if ref.endswith(".gguf") or "/" in ref:
        path = Path(ref).expanduser().resolve()
        if not path.is_file():
            raise UsageError("no such file", where=ref, hint="name a GGUF file, or a generation such as G2 or base")
        check_gguf(path)
        return ModelRef(path.stem, sha256_file(path), file=path)
    named = name_of(lineage, ref)
    if named.gen is None:
        return ModelRef("base", prepare_base(workspace, config, weights=False).gguf_sha)
    return generation_ref(lineage, named.gen)


def generation_ref(lineage: Lineage, gen: int) -> ModelRef:
    """Return the reference to the generation `gen` of a lineage."""
    return ModelRef(f"G{gen}", lineage.node(gen).row.child_sha, gen)
