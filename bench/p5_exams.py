"""P5: a generation's exams as luna asks them, beside llama-cpp-python called prompt by prompt; one JSON line.

    python bench/p5_exams.py [WORKSPACE] [--gen 3] [--items 30] [--repeats 3]

Without a workspace, the demo that `make demo` has evolved. Both sides put the same items to the same GGUF with the same
threads: `match` items are answered greedily, `choice` items are weighed candidate by candidate (llama-cpp-python:
`create_completion` with echoed log-probabilities, as its documentation has it). The sides take turns. Tokens are those
of all prompts, candidates and answers, counted once, so the ratio of tokens a second is the ratio of times. The prefill
rate is llama.cpp's own on 512 tokens at once.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.core.cpu import default_threads
from engine.evaluation.items import read_items
from engine.runtime.client import Runtime
from engine.workspace.layout import Workspace
from probes.base import Item
from probes.scoring import max_answer_tokens, score_items

CONTEXT = 4096


def main() -> None:
    """Run both sides `--repeats` times in turn, and print the medians."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("workspace", type=Path, nargs="?", default=Path("demo"))
    parser.add_argument("--gen", type=int)
    parser.add_argument("--items", type=int, default=30, help="of each exam, at most")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    workspace = Workspace(options.workspace)
    lineage = workspace.lineage()
    gen = lineage.head if options.gen is None else options.gen
    if gen is None:
        raise SystemExit("there is no generation to examine: luna-tui train")
    path = (*lineage.ancestors(gen), gen)
    items = [item for at in path for item in read_items(workspace.generation(at) / "exam.jsonl")[: options.items]]
    gguf, threads = workspace.gguf(gen), default_threads()
    ours: list[float] = []
    theirs: list[float] = []
    prefill: list[float] = []
    answered = 0
    with Runtime(threads=threads) as runtime:
        runtime.load(gguf, n_ctx=CONTEXT, n_parallel=32)
        tokens = count_tokens(runtime, items)
        other = stock_model(gguf, threads)
        for repeat in range(options.repeats):
            began = time.perf_counter()
            results = score_items(runtime, items)
            ours.append(time.perf_counter() - began)
            answered = sum(int(result.detail.get("tokens", 0)) for result in results)
            began = time.perf_counter()
            stock_scores(other, items)
            theirs.append(time.perf_counter() - began)
            prefill.append(prefill_rate(other))
            print(f"{repeat + 1}/{options.repeats}: {ours[-1]:.1f} s, {theirs[-1]:.1f} s", file=sys.stderr)
    tokens += answered
    print(
        json.dumps(
            {
                "claim": "P5",
                "items": {how: sum(item.how == how for item in items) for how in ("match", "choice")},
                "tokens_per_s": round(tokens / median(ours), 1),
                "prompt_by_prompt_tokens_per_s": round(tokens / median(theirs), 1),
                "ratio": round(median(theirs) / median(ours), 2),
                "of_prefill": round(tokens / median(ours) / median(prefill), 2),
                "target": {"ratio": 3.5, "of_prefill": 0.6},
                "runs_s": {"luna": [round(s, 2) for s in ours], "prompt_by_prompt": [round(s, 2) for s in theirs]},
                "threads": threads,
            }
        )
    )


def count_tokens(runtime: Runtime, items: Sequence[Item]) -> int:
    """Tokens of every prompt that is answered, and of every prompt with each of its candidates."""
    texts = [item.prompt for item in items if item.how == "match"]
    for item in items:
        if item.how == "choice":
            texts += [f"{item.prompt}\n{candidate}" for candidate in (item.expected, *item.distractors)]
    return sum(map(len, runtime.tokenize(texts)))


def stock_model(gguf: Path, threads: int) -> Any:
    """llama-cpp-python's own class; `logits_all` is what echoed log-probabilities need."""
    from llama_cpp import Llama

    return Llama(
        str(gguf), n_ctx=CONTEXT, n_threads=threads, n_threads_batch=threads, logits_all=True, verbose=False, seed=0
    )


def stock_scores(model: Any, items: Sequence[Item]) -> None:
    """The same questions, one call after the other."""
    for item in items:
        if item.how == "match":
            model.create_completion(item.prompt, max_tokens=max_answer_tokens(item), temperature=0.0)
            continue
        for candidate in (item.expected, *item.distractors):
            model.create_completion(f"{item.prompt}\n{candidate}", max_tokens=1, temperature=0.0, echo=True, logprobs=1)


def prefill_rate(model: Any) -> float:
    """Tokens a second when 512 are decoded at once."""
    ids = [5 + number % 1000 for number in range(512)]
    model.reset()
    began = time.perf_counter()
    model.eval(ids)
    return len(ids) / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
