"""A synthetic lineage as large as asked for: ledger, HEAD, its log and manifests, but no weights and no data.

What it writes has the form of what the real writers write; only their fsync after every line is left out, with
which ten thousand generations would take an hour. `python bench/big_lineage.py DIR [GENERATIONS] [BRANCHES]` makes one.
"""

from __future__ import annotations

import json
import random
import sys
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ledger.hashing import canonical_json, sha256_text
from ledger.head import head_text
from ledger.manifest import FileFacts, Manifest, Verdict, gguf_name, manifest_path
from ledger.row import COLUMNS, LedgerRow

BASE_SHA = sha256_text("the base of a synthetic lineage")
REJECTED_SHARE = 0.05
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_EVIDENCE = (
    "data/fed.jsonl",
    "data/holdout.jsonl",
    "data/new.jsonl",
    "data/replay.jsonl",
    "data/train.jsonl",
    "delta.safetensors",
    "eval_items.jsonl",
    "evals.json",
    "exam.jsonl",
    "metrics.jsonl",
    "qa.jsonl",
    "tone_answers.jsonl",
    "typed_items.jsonl",
)


def make_big_lineage(root: Path, generations: int, branches: int, seed: int, *, exams: int = 20) -> Path:
    """Write a workspace with a lineage of that many generations into `root`, which must not hold one yet.

    `branches` times HEAD is rolled back to a generation drawn from all, and what follows descends from there; one in
    twenty generations is rejected. A manifest tells the scores on the newest `exams` ancestors' exams. The same
    arguments give the same bytes. Returns `root`.
    """
    chance = random.Random(seed)
    models = root / "models"
    (models / "generations").mkdir(parents=True)
    (root / "luna.toml").write_text('[model]\nbase = "base.gguf"\n')
    _write_base(models)
    log, lines = _Log(), [",".join(COLUMNS)]
    rollbacks = set(chance.sample(range(2, max(2, generations)), min(branches, max(0, generations - 2))))
    rows: dict[int, LedgerRow] = {}
    parents: dict[int, int | None] = {}
    manifest_shas: dict[int, str] = {}
    accepted: list[int] = []
    head: int | None = None
    for gen in range(generations):
        created = (_BEGAN + timedelta(minutes=5 * gen)).strftime("%Y-%m-%dT%H:%M:%SZ")
        if gen in rollbacks and accepted:
            target = chance.choice(accepted)
            log.add("rollback", created, gen=target, come_from=head, to=target, reason="try it another way")
            head = target
        verdict: Verdict = "rejected" if gen and chance.random() < REJECTED_SHARE else "accepted"
        rows[gen], parents[gen] = _row(gen, BASE_SHA if head is None else rows[head].child_sha, verdict, chance), head
        path = _path(head, parents, exams)
        text = _manifest_text(rows[gen], head, verdict, created, path, manifest_shas, chance)
        manifest_shas[gen] = sha256_text(text)
        file = manifest_path(models, gen)
        file.parent.mkdir()
        file.write_text(text, encoding="utf-8")
        lines.append(rows[gen].to_line())
        reason = "all targets met" if verdict == "accepted" else "generalization 0.71 is not over 0.85"
        recorded = {"manifest_sha": manifest_shas[gen], "verdict": verdict}
        log.add("record", created, gen=gen, come_from=head, to=head, reason=reason, **recorded)
        if verdict == "accepted":
            log.add("accept", created, gen=gen, come_from=head, to=gen, reason=reason)
            head = gen
            accepted.append(gen)
    (models / "lineage_ledger.csv").write_text("".join(f"{line}\n" for line in lines))
    (models / "head.log").write_text("".join(log.lines))
    (models / "HEAD").write_text(head_text(head))
    return root


class _Log:
    """The hash-chained lines of head.log, as `HeadStore.append` writes them."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._prev = "0" * 64

    def add(
        self,
        action: str,
        time: str,
        *,
        gen: int,
        come_from: int | None,
        to: int | None,
        reason: str,
        manifest_sha: str | None = None,
        verdict: str | None = None,
    ) -> None:
        entry: dict[str, object] = {
            "seq": len(self.lines),
            "time": time,
            "action": action,
            "gen": gen,
            "from": come_from,
            "to": to,
            "reason": reason,
            "manifest_sha": manifest_sha,
            "verdict": verdict,
            "prev": self._prev,
        }
        entry["sha"] = self._prev = sha256_text(canonical_json(entry))
        self.lines.append(canonical_json(entry) + "\n")


def _write_base(models: Path) -> None:
    (models / "base").mkdir()
    facts = {"name": "base.gguf", "kind": "gguf", "sha": BASE_SHA, "gguf_sha": BASE_SHA}
    (models / "base" / "base.json").write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n")


def _path(parent: int | None, parents: dict[int, int | None], longest: int) -> list[int]:
    """The newest `longest` generations of the line that ends with `parent`."""
    path: list[int] = []
    while parent is not None and len(path) < longest:
        path.append(parent)
        parent = parents[parent]
    return path[::-1]


def _row(gen: int, parent_sha: str, verdict: Verdict, chance: random.Random) -> LedgerRow:
    return LedgerRow(
        gen_id=gen,
        parent_sha=parent_sha,
        child_sha=_sha(chance),
        data_delta_sha=_sha(chance),
        steps=80 if gen else 500,
        lr=0.0015,
        walltime_min=round(chance.uniform(2, 5), 3),
        loss_start=round(chance.uniform(1.5, 2.5), 6),
        loss_end=round(chance.uniform(0.003, 0.4), 6),
        eval_recall=round(chance.uniform(0.91, 1.0), 6),
        eval_generalization=round(chance.uniform(0.86, 1.0) if verdict == "accepted" else 0.71, 6),
        eval_style_drift=round(chance.uniform(0.0, 0.06), 6),
    )


def _manifest_text(
    row: LedgerRow,
    parent: int | None,
    verdict: Verdict,
    created: str,
    path: list[int],
    manifest_shas: dict[int, str],
    chance: random.Random,
) -> str:
    gen = row.gen_id
    phase = "base" if gen == 0 else "align" if gen == 1 else "converse"
    names = [*(f"generations/{gen}/{name}" for name in _EVIDENCE), gguf_name(gen)]
    files: dict[str, FileFacts] = {n: {"sha256": _sha(chance), "bytes": chance.randrange(4000, 200_000)} for n in names}
    files[gguf_name(gen)]["sha256"] = row.child_sha
    files[f"generations/{gen}/data/new.jsonl"]["sha256"] = row.data_delta_sha
    manifest = Manifest(
        gen=gen,
        parent_gen=parent,
        phase=phase,
        created=created,
        verdict=verdict,
        verdict_reasons=[] if verdict == "accepted" else ["generalization 0.71 is not over 0.85"],
        row=row.to_record(),
        row_sha=sha256_text(row.to_line()),
        base={"name": "base.gguf", "kind": "gguf", "sha": BASE_SHA, "gguf_sha": BASE_SHA},
        recipe=_RECIPE | {"phase": phase, "steps": row.steps},
        versions=_VERSIONS,
        seed=0,
        threads=2,
        backend="trl",
        data=_DATA | {"new": 100, "train": 180, "holdout": 20, "replay": 100 if gen else 0},
        scores=_scores(row, path, chance),
        files=files,
        parent_manifest_sha=None if parent is None else manifest_shas[parent],
        extra={"run_id": f"20260101-000000-G{gen}", "fingerprint": _sha(chance), "stopped_by_eos": 8},
    )
    values = {field.name: getattr(manifest, field.name) for field in fields(manifest)}
    return json.dumps(values, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _scores(row: LedgerRow, path: list[int], chance: random.Random) -> dict[str, Any]:
    return {
        "recall": _score(row.eval_recall, 167),
        "generalization": _score(row.eval_generalization, 20),
        "drift": _score(row.eval_style_drift, 50),
        "answered": _score(1.0, 50),
        "own_qa": _score(chance.uniform(0.9, 1), 100),
        "retention": _score(chance.uniform(0.9, 1), 157),
        "by_ancestor": {str(ancestor): _score(chance.uniform(0.8, 1), 67) for ancestor in path},
        "gained": [_sha(chance), _sha(chance)],
        "lost": [_sha(chance)],
        "seconds": {name: chance.uniform(4, 40) for name in ("ancestors", "generalization", "recall", "style")},
    }


def _score(value: float | None, n: int) -> dict[str, Any]:
    share = value or 0.0
    return {"value": value, "n": n, "low": max(0.0, share - 0.0421337), "high": min(1.0, share + 0.0312345)}


def _sha(chance: random.Random) -> str:
    return f"{chance.getrandbits(256):064x}"


_RECIPE: dict[str, Any] = {
    "accumulation": 1,
    "alpha": 64.0,
    "backend": "auto",
    "batch_size": 16,
    "blend": 0.85,
    "checkpoint_every": 50,
    "context": 512,
    "lr": 0.0015,
    "max_grad_norm": 1.0,
    "method": "lora",
    "precision": "auto",
    "quant": "q8_0",
    "rank": 32,
    "schedule": "cosine",
    "seed": 0,
    "targets": "all-linear",
    "threads": 0,
    "warmup_ratio": 0.05,
    "weight_decay": 0.0,
}
_VERSIONS = {"gguf": "0.19.0", "llama-cpp-python": "0.3.36", "luna-tui": "0.1.0", "python": "3.11.7", "torch": "2.13.0"}
_DATA: dict[str, Any] = {
    "by_stage": {"aios_manual": 10, "conversations": 130, "fundamentals": 19, "logs_specs": 21},
    "curriculum": {"bad": [], "duplicates": 0, "ignored": [], "notes": [], "system_messages": 0},
    "selection": {"considered": 636, "left": 200, "phase": "converse", "reason": "the oldest 100 of 300 unseen rows"},
    "stages": ["fundamentals", "aios_manual", "logs_specs", "conversations"],
}


if __name__ == "__main__":
    where, *counts = sys.argv[1:]
    make_big_lineage(Path(where), *[int(count) for count in counts or ("10000", "200")], seed=0)
