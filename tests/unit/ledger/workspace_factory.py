"""Make small workspaces that are consistent to the last byte: GGUF, data, manifests, ledger rows, log and HEAD.

Import it as `from unit.ledger.workspace_factory import WorkspaceFactory` (tests/ is on the path).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from ledger.hashing import canonical_json, sha256_bytes, sha256_file, sha256_text, write_durable
from ledger.head import HeadStore
from ledger.lineage import Lineage
from ledger.manifest import (
    Manifest,
    Verdict,
    describe_files,
    generation_dir,
    gguf_name,
    manifest_path,
    manifest_sha,
    read_manifests,
    write_manifest,
)
from ledger.row import LedgerRow
from ledger.store import LedgerStore

BASE_BYTES = b"GGUF base weights of a synthetic model\n"
BASE_SHA = sha256_bytes(BASE_BYTES)


class WorkspaceFactory:
    """Grows a lineage in `models_dir`; no model, no clock: the same calls give the same bytes."""

    def __init__(self, models_dir: Path) -> None:
        self.models = models_dir
        self.store = LedgerStore(models_dir)

    def grow(self, generations: int) -> WorkspaceFactory:
        """Add a straight line of accepted generations."""
        for _ in range(generations):
            self.add()
        return self

    def add(
        self,
        parent: int | str | None = "HEAD",
        *,
        verdict: Verdict = "accepted",
        train_ids: Sequence[str] | None = None,
        holdout_ids: Sequence[str] | None = None,
    ) -> int:
        """Record one generation; `parent` is a GEN_ID, None for the base, or "HEAD". Returns its GEN_ID."""
        gen = self.next_gen()
        for _ in self.steps(gen, parent, verdict=verdict, train_ids=train_ids, holdout_ids=holdout_ids):
            pass
        return gen

    def next_gen(self) -> int:
        """The number the next generation gets."""
        return self.lineage().next_gen_id()

    def lineage(self) -> Lineage:
        """The lineage as it is on disk."""
        return Lineage.build(self.store.read(), HeadStore(self.models).current(), read_manifests(self.models))

    def rollback(self, gen: int | None) -> None:
        """Move HEAD, as `rollback GEN` does; to train from there makes a branch."""
        HeadStore(self.models).append("rollback", gen=gen, reason="asked for", time="2026-01-01T00:00:00Z")

    def collect(self, gen: int) -> None:
        """Drop a GGUF on purpose, as `gc` does."""
        HeadStore(self.models).append("collect", gen=gen, reason="old", time="2026-01-01T00:00:00Z")
        (self.models / gguf_name(gen)).unlink()

    def steps(
        self,
        gen: int,
        parent: int | str | None = "HEAD",
        *,
        verdict: Verdict = "accepted",
        train_ids: Sequence[str] | None = None,
        holdout_ids: Sequence[str] | None = None,
    ) -> Iterator[str]:
        """Record a generation step by step, yielding after each: artefacts, manifest, row, record, accept.

        A crash is simulated by not asking for the next one.
        """
        head = HeadStore(self.models)
        lineage = self.lineage()
        parent_gen = head.current() if parent == "HEAD" else parent
        assert not isinstance(parent_gen, str)
        self._write_artefacts(
            gen,
            [f"g{gen}-train-{i}" for i in range(4)] if train_ids is None else train_ids,
            [f"g{gen}-held-{i}" for i in range(2)] if holdout_ids is None else holdout_ids,
        )
        yield "artefacts"
        row = LedgerRow(
            gen_id=gen,
            parent_sha=BASE_SHA if parent_gen is None else lineage.node(parent_gen).row.child_sha,
            child_sha=sha256_file(self.models / gguf_name(gen)),
            data_delta_sha=sha256_file(generation_dir(self.models, gen) / "data" / "new.jsonl"),
            steps=300,
            lr=0.001,
            walltime_min=1.25,
            loss_start=2.5,
            loss_end=0.25,
            eval_recall=1.0 if verdict == "accepted" else 0.5,
            eval_generalization=0.9,
            eval_style_drift=0.05,
        )
        sha = write_manifest(self.models, self.manifest(row, parent_gen, verdict))
        yield "manifest"
        self.store.append(row)
        yield "row"
        head.append("record", gen=gen, reason="", manifest_sha=sha, verdict=verdict, time="2026-01-01T00:00:00Z")
        yield "record"
        if verdict == "accepted":
            head.append("accept", gen=gen, reason="all targets met", time="2026-01-01T00:00:00Z")
            yield "accept"

    def manifest(self, row: LedgerRow, parent_gen: int | None, verdict: Verdict = "accepted") -> Manifest:
        """The manifest that goes with a row and the files that are on disk."""
        parent_path = None if parent_gen is None else manifest_path(self.models, parent_gen)
        return Manifest(
            gen=row.gen_id,
            parent_gen=parent_gen,
            phase="base" if parent_gen is None else "converse",
            created="2026-01-01T00:00:00Z",
            verdict=verdict,
            verdict_reasons=[] if verdict == "accepted" else ["recall 0.50 is not over 0.90"],
            row=row.to_record(),
            row_sha=sha256_text(row.to_line()),
            base={"name": "synthetic"},
            recipe={"rank": 32, "steps": row.steps},
            versions={"python": "3.11"},
            seed=0,
            threads=2,
            backend="trl",
            data={"fundamentals": 4},
            scores={"recall": {"value": row.eval_recall, "n": 6}},
            files=describe_files(self.models, row.gen_id),
            parent_manifest_sha=manifest_sha(parent_path) if parent_path and parent_path.exists() else None,
            extra={"note": "für später"},
        )

    def _write_artefacts(self, gen: int, train_ids: Sequence[str], holdout_ids: Sequence[str]) -> None:
        folder = generation_dir(self.models, gen)
        train = [{"id": item, "prompt": f"What is {item}?", "response": f"It is {item}."} for item in train_ids]
        held = [{"id": item, "prompt": f"What is {item}?", "response": f"It is {item}."} for item in holdout_ids]
        files: dict[str, bytes] = {
            "data/new.jsonl": _jsonl([*train, *held]),
            "data/train.jsonl": _jsonl(train),
            "data/holdout.jsonl": _jsonl(held),
            "exam.jsonl": _jsonl(held),
            "evals.json": json.dumps({"recall": 1.0}).encode(),
            "delta.safetensors": bytes((gen * 31 + i) % 256 for i in range(64)),
        }
        for name, data in files.items():
            write_durable(folder / name, data)
        write_durable(self.models / gguf_name(gen), b"GGUF" + bytes((gen * 17 + i * 3) % 256 for i in range(96)))


def _jsonl(rows: Sequence[dict[str, str]]) -> bytes:
    return "".join(canonical_json(row) + "\n" for row in rows).encode("utf-8")
