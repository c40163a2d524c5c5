"""P4: from a trained adapter to a checked Q8_0 GGUF with its SHA-256, beside llama.cpp's converter and quantiser run
one after the other; one JSON line.

    python bench/p4_export.py [WORKSPACE] [--gen 0] [--repeats 3]

Without a workspace, the demo that `make demo` has evolved. Ours counts everything: the parent's weights are read, the
delta is added, the file is written, quantised, hashed, loaded, and its tokens are compared on the generation's own
rows. The other side starts from the child's weights lying ready as a Hugging Face directory, and is neither hashed nor
checked. The sides take turns, and their tensors are compared bit for bit.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from engine.config.load import load_config
from engine.config.schema import Quant
from engine.core.cpu import default_threads
from engine.gguf.file import read_gguf
from engine.gguf.hf_converter import convert_to_gguf
from engine.gguf.weights import DELTA_FILE, apply_delta, load_weights, save_weights
from engine.models.base import BaseModel, prepare_base
from engine.models.gguf_writer import write_gguf
from engine.models.lineage_weights import new_rows_of, weights_dir
from engine.publish.hf_directory import rebuild_tokenizer
from engine.runtime.client import Runtime
from engine.workspace.layout import Workspace
from ledger.hashing import sha256_file

QUANT: Quant = "q8_0"
THREADS = default_threads()


@dataclass(frozen=True, slots=True)
class Task:
    """What is exported: a generation's delta on its parent's weights, and the facts that go into the file."""

    base: BaseModel
    parent: Path
    delta: Path
    facts: tuple[int, str, str, str]
    texts: list[str]


def main() -> None:
    """Run both sides `--repeats` times in turn, and print the medians."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("workspace", type=Path, nargs="?", default=Path("demo"))
    parser.add_argument("--gen", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    workspace = Workspace(options.workspace)
    task = task_of(workspace, options.gen)
    ours: list[float] = []
    theirs: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        child, directory = Path(scratch) / "child.gguf", Path(scratch) / "hf"
        converted, quantised = Path(scratch) / "converted.gguf", Path(scratch) / "quantised.gguf"
        save_weights(apply_delta(load_weights(task.parent), task.delta), directory, task.base.weights)
        with Runtime() as runtime:
            runtime.load(task.base.gguf, vocab_only=True)
            if not rebuild_tokenizer(task.base.gguf, directory, runtime.tokenize, task.texts):
                raise SystemExit("the converter needs a tokenizer it recognises, and this base's cannot be rebuilt")
        sha = ""
        for _ in range(options.repeats):
            began = time.perf_counter()
            sha = export(task, child)
            ours.append(time.perf_counter() - began)
            began = time.perf_counter()
            convert_to_gguf(directory, converted, "f32")
            with Runtime() as runtime:
                runtime.quantize(converted, quantised, QUANT, threads=THREADS)
            theirs.append(time.perf_counter() - began)
        differing = different_tensors(child, quantised)
    recorded = workspace.lineage().node(options.gen).row.child_sha
    print(
        json.dumps(
            {
                "claim": "P4",
                "ours_s": [round(s, 2) for s in ours],
                "convert_and_quantize_s": [round(s, 2) for s in theirs],
                "ratio": round(median(ours) / median(theirs), 3),
                "tensors_identical": not differing,
                "tensors_that_differ": differing[:5],
                "sha_is_the_recorded_one": sha == recorded,
                "target": {"ratio": 0.35, "tensors_identical": True},
            }
        )
    )


def task_of(workspace: Workspace, gen: int) -> Task:
    """Put together what the export of a recorded generation starts from."""
    lineage = workspace.lineage()
    base = prepare_base(workspace, load_config(workspace.root))
    row = lineage.node(gen).row
    return Task(
        base,
        weights_dir(workspace, base, lineage.ancestors(gen)),
        workspace.generation(gen) / DELTA_FILE,
        (gen, row.parent_sha, base.sha, row.data_delta_sha),
        [row.prompt for row in new_rows_of(workspace, gen)],
    )


def export(task: Task, out: Path) -> str:
    """Write and check the GGUF as a generation's export does; returns its SHA-256."""
    with Runtime() as runtime:
        weights = apply_delta(load_weights(task.parent), task.delta)
        write_gguf(task.base, weights, task.facts, QUANT, out, runtime, THREADS)
        runtime.load(task.base.gguf, vocab_only=True)
        wanted = runtime.tokenize(task.texts)
        runtime.load(out, n_ctx=512, n_parallel=1, threads=THREADS)
        if runtime.tokenize(task.texts) != wanted:
            raise SystemExit("the exported file cuts its own rows into other tokens")
    return sha256_file(out)


def different_tensors(one: Path, other: Path) -> list[str]:
    """The names of tensors that are not the same bytes of the same type in both files."""
    left, right = read_gguf(one).tensors, read_gguf(other).tensors
    return sorted(
        name
        for name in left.keys() | right.keys()
        if name not in left
        or name not in right
        or left[name].kind != right[name].kind
        or not np.array_equal(left[name].data, right[name].data)
    )


if __name__ == "__main__":
    main()
