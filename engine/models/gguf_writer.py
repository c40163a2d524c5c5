"""Write fp32 weights as the GGUF that is shipped: grafted into the base's own file, rounded once."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from engine.config.schema import Quant
from engine.models.base import BaseModel
from engine.models.base_weights import export_way
from engine.runtime.client import Runtime

if TYPE_CHECKING:
    from engine.gguf.weights import Weights


def write_gguf(
    base: BaseModel,
    child: Weights,
    facts: tuple[int, str, str, str],
    quant: Quant,
    out: Path,
    runtime: Runtime,
    threads: int,
    *,
    keep_add_eos: bool = False,
) -> None:
    """Write the GGUF of a child's fp32 weights; the same inputs give the same bytes.

    A rebuilt file is therefore the collected one. `facts` are generation, parent SHA, base SHA and data SHA for the
    file's metadata. `keep_add_eos` keeps the base's flag to append EOS to every prompt, as the files of earlier
    versions did.
    """
    from engine.gguf.hf_converter import convert_to_gguf
    from engine.gguf.tensor_writer import LineageFacts, write_graft, write_graft_of_gguf
    from engine.gguf.weights import save_weights

    float_gguf, building = out.with_suffix(".f32.part"), out.with_suffix(".part")
    hf_dir, converted = out.with_suffix(".hf"), out.with_suffix(".converted.part")
    try:
        if export_way(base.weights) == "graft":
            write_graft(base.gguf, child, float_gguf, LineageFacts(*facts), keep_add_eos=keep_add_eos)
        else:
            save_weights(child, hf_dir, base.weights)
            convert_to_gguf(hf_dir, converted, "f32")
            write_graft_of_gguf(base.gguf, converted, float_gguf, LineageFacts(*facts), keep_add_eos=keep_add_eos)
        runtime.quantize(float_gguf, building, quant, threads=threads)
        building.replace(out)
    finally:
        shutil.rmtree(hf_dir, ignore_errors=True)
        for part in (float_gguf, building, converted):
            part.unlink(missing_ok=True)
