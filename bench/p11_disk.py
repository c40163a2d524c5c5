"""P11: what a generation takes on disk beyond its GGUF, beside full bf16 weights, and that its GGUF can be made again
from that bit by bit; one JSON line.

    python bench/p11_disk.py [WORKSPACE]

Without a workspace, the demo. Works in a copy: there GGUFs on the way to HEAD are collected, and made again from the
deltas.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from math import prod
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.gguf.file import read_gguf
from engine.workspace.layout import Workspace
from ledger.hashing import sha256_file


def main() -> None:
    """Collect, make again, compare, and print."""
    source = sys.argv[1] if len(sys.argv) > 1 else "demo"
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "copy"
        shutil.copytree(source, root)
        workspace = Workspace(root)
        lineage = workspace.lineage()
        if lineage.head is None:
            raise SystemExit("there is no generation: luna-tui train")
        path = (*lineage.ancestors(lineage.head), lineage.head)
        numbers = sum(prod(tensor.shape) for tensor in read_gguf(workspace.gguf(path[-1])).tensors.values())
        kept = [sum(f.stat().st_size for f in workspace.generation(gen).rglob("*") if f.is_file()) for gen in path]
        recorded = [sha256_file(workspace.gguf(gen)) for gen in path]
        luna(root, "gc", "--ggufs", "--yes")
        gone = [gen for gen in path if not workspace.gguf(gen).exists()]
        seconds: list[float] = []
        for gen in gone:
            began = time.perf_counter()
            luna(root, "chat", f"G{gen}", "--prompt", "Who are you?", "--max-tokens", "1")
            seconds.append(time.perf_counter() - began)
        same = [sha256_file(workspace.gguf(gen)) == sha for gen, sha in zip(path, recorded, strict=True)]
    print(
        json.dumps(
            {
                "claim": "P11",
                "generations": len(path),
                "bytes_beyond_gguf": kept,
                "bf16_bytes": 2 * numbers,
                "ratio": round(max(kept) / (2 * numbers), 3),
                "collected": [f"G{gen}" for gen in gone],
                "rebuilt_bit_exact": all(same) and bool(gone),
                "rebuild_s": [round(s, 1) for s in seconds],
                "target": {"ratio": 0.15, "rebuilt_bit_exact": True},
            }
        )
    )


def luna(root: Path, *arguments: str) -> None:
    """Run the real command line; what it prints is not asked for."""
    command = [sys.executable, "-m", "luna_tui", "-w", str(root), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).resolve().parents[1])
    if done.returncode != 0:
        raise SystemExit(f"luna-tui {' '.join(arguments)} failed:\n{done.stderr[-2000:]}")


if __name__ == "__main__":
    main()
