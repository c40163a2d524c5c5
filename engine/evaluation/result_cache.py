"""Evaluate any model on any items, each pair once: results are cached by the SHA-256 of the model and of the items."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.config.config import Config
from engine.core.cancellation import Control
from engine.core.cpu import default_threads
from engine.evaluation.context_check import exam_window
from engine.evaluation.items import read_items
from engine.evaluation.model_ref import ModelRef
from engine.evaluation.run_eval import stored_results
from engine.runtime.client import Runtime
from engine.workspace.layout import Workspace
from ledger.durable import write_durable
from ledger.errors import LedgerError
from ledger.hashing import canonical_json, sha256_text
from ledger.lineage import Lineage
from probes.base import Item, ItemResult, ProgressCallback
from probes.scoring import score_items


def exam_sha(items: Sequence[Item]) -> str:
    """Return the SHA-256 that identifies a set of items: their prompts, answers, distractors and order."""
    return sha256_text(canonical_json([item.to_dict() for item in items]))


class ResultCache:
    """Evaluates models, one loaded at a time, and caches their results in `models/sittings`.

    Results recorded when a generation was judged are used as they are. Nothing of the lineage is changed.
    """

    def __init__(self, workspace: Workspace, config: Config, *, progress: ProgressCallback, control: Control) -> None:
        self.workspace = workspace
        self.config = config
        self.control = control
        self._progress = progress
        self.loaded_bytes = 0
        self.unkept = ""
        """Why a result could not be cached and will be computed again the next time, empty when all were."""
        self._runtime: Runtime | None = None
        self._judged: tuple[int, Mapping[str, ItemResult]] | None = None
        self._lineage: Lineage | None = None

    def known(self, model: ModelRef, items: Sequence[Item]) -> list[ItemResult] | None:
        """Return the recorded or cached results of `model` on `items`, None if there are none."""
        if model.gen is not None:
            recorded = self._recorded(model.gen)
            if all(_question(item) in recorded for item in items):
                return [recorded[_question(item)] for item in items]
        try:
            lines = json.loads(self._path(model, exam_sha(items)).read_text(encoding="utf-8"))
            return [ItemResult.from_dict(line) for line in lines]
        except (OSError, ValueError, KeyError, TypeError):
            return None  # not computed yet, or a corrupt cache, which computing again repairs

    def results(self, model: ModelRef, items: Sequence[Item], label: str = "items") -> list[ItemResult]:
        """Return the results of `model` on `items`, computed now unless known; raises Interrupted on a stop request."""
        known = self.known(model, items)
        if known is not None:
            return known
        if not items:
            return []
        with self.loaded(model) as runtime:
            results = score_items(runtime, items, progress=self.progress, label=f"{model.label}: {label}")
        self.keep(model, exam_sha(items), [result.to_dict() for result in results])
        return results

    @contextmanager
    def loaded(self, model: ModelRef) -> Generator[Runtime]:
        """Yield llama.cpp with the model loaded for the exams.

        It stays loaded for the next caller that needs the same model.
        """
        self.control.check()
        if self._runtime is None:
            self._runtime = Runtime(log=self.workspace.log("eval.log"))
        gguf = model.gguf(self.workspace, self.config, self._runtime)
        self._runtime.load(
            gguf,
            n_ctx=exam_window(self.config),
            n_parallel=self.config.eval.parallel,
            threads=self.config.train.threads or default_threads(),
        )
        self.loaded_bytes = gguf.stat().st_size
        yield self._runtime

    def progress(self, done: int, total: int, label: str) -> None:
        """Report the progress of an evaluation; raises Interrupted when a person asked to stop."""
        self.control.check()
        self._progress(done, total, label)

    def kept(self, model: ModelRef, name: str) -> Any:
        """Return the value that `keep` wrote under this name, None when there is nothing readable."""
        try:
            return json.loads(self._path(model, name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def keep(self, model: ModelRef, name: str, value: object) -> None:
        """Cache JSON values for a model under a name that identifies the question, such as an exam's SHA-256.

        Where nothing can be written, the answers still count for this process and `unkept` says why.
        """
        text = json.dumps(value, ensure_ascii=False) + "\n"
        try:
            write_durable(self._path(model, name), text.encode("utf-8"))
        except LedgerError as error:
            self.unkept = str(error)

    def close(self) -> None:
        """Stop the subprocess that runs the models."""
        if self._runtime is not None:
            self._runtime.close()
            self._runtime = None

    def __enter__(self) -> ResultCache:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _recorded(self, gen: int) -> Mapping[str, ItemResult]:
        """Return what a generation answered when it was judged, by question: an id alone does not fix the distractors.

        Only the last generation is kept, since exams are run model after model.
        """
        if self._judged is None or self._judged[0] != gen:
            self._lineage = self._lineage or self.workspace.lineage()
            results = stored_results(self.workspace.generation(gen))
            asked = [
                item
                for at in (gen, *self._lineage.ancestors(gen))
                for name in ("exam.jsonl", "qa.jsonl")
                for item in read_items(self.workspace.generation(at) / name)
            ]
            # In the order of an evaluation: where two sets hold one id, the question of the first set was run.
            first = {item.id: item for item in reversed(asked) if item.id in results}
            self._judged = gen, {_question(item): results[id_] for id_, item in first.items()}
        return self._judged[1]

    def _path(self, model: ModelRef, name: str) -> Path:
        return self.workspace.models / "sittings" / model.sha[:16] / f"{name[:24]}.json"


def _question(item: Item) -> str:
    """Return the part of an item that a model sees or is scored on, whatever generation the item is filed under."""
    return canonical_json({key: value for key, value in item.to_dict().items() if key not in ("gen", "topic", "stage")})
