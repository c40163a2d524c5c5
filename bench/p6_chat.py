"""P6: a streamed answer in luna beside llama-cpp-python's high-level call on the same GGUF; one JSON line.

    python bench/p6_chat.py [GGUF] [--prompt TEXT] [--tokens 64] [--turns 20] [--repeats 5]

Without a file, the demo's G0. First token and speed are measured on one prompt that neither side has in its cache, the
sides taking turns. Then a chat of `--turns` turns goes on in one growing raw prompt: its last turn must come as soon as
its first one, since what stands in the cache is not decoded again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.core.cpu import default_threads
from engine.runtime.client import Runtime

CONTEXT = 4096


def main() -> None:
    """Measure both sides in turn and print the medians."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("gguf", type=Path, nargs="?", default=Path("demo/models/luna_age_0.gguf"))
    parser.add_argument(
        "--prompt", default="Tell me what happened on the station last night, and who was awake for it."
    )
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    threads = default_threads()
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    turns: list[list[float]] = []
    with Runtime(threads=threads) as runtime:
        runtime.load(options.gguf, n_ctx=CONTEXT, n_parallel=1)
        other = stock_model(options.gguf, threads)
        for repeat in range(options.repeats):
            # Another beginning each time: neither side may find the prompt in its cache. Drawn at a high temperature,
            # since an answer that ends after five tokens tells no speed.
            prompt = f"{repeat}. {options.prompt}"
            ours.append(timed(luna_answer(runtime, prompt, options.tokens, repeat)))
            theirs.append(timed(stock_answer(other, prompt, options.tokens, repeat)))
            turns.append(conversation(runtime, options.turns, repeat))
    first, first_theirs = median(f for f, _ in ours), median(f for f, _ in theirs)
    speed, speed_theirs = median(s for _, s in ours), median(s for _, s in theirs)
    early, late = median(turn[0] for turn in turns), median(turn[-1] for turn in turns)
    print(
        json.dumps(
            {
                "claim": "P6",
                "first_token_ms": round(first * 1e3, 1),
                "first_token_ratio": round(first / first_theirs, 2),
                "tokens_per_s": round(speed, 1),
                "speed_ratio": round(speed / speed_theirs, 3),
                "turn": options.turns,
                "turn_first_token_ms": [round(early * 1e3, 1), round(late * 1e3, 1)],
                "turn_ratio": round(late / early, 2),
                "target": {"first_token_ratio": 1.1, "speed_ratio": 0.97, "turn_ratio": 1.5},
                "repeats": options.repeats,
                "threads": threads,
            }
        )
    )


def stock_model(gguf: Path, threads: int) -> Any:
    """llama-cpp-python's own class with its defaults."""
    from llama_cpp import Llama

    return Llama(str(gguf), n_ctx=CONTEXT, n_threads=threads, n_threads_batch=threads, verbose=False)


def luna_answer(runtime: Runtime, prompt: str, tokens: int, seed: int) -> Iterator[int]:
    """Our stream: yields the tokens told so far, the last time all of them."""
    pieces = 0
    for event in runtime.stream(prompt, max_tokens=tokens, temperature=1.5, seed=seed):
        pieces += bool(event.text)
        yield event.stats.tokens if event.stats else pieces


def stock_answer(model: Any, prompt: str, tokens: int, seed: int) -> Iterator[int]:
    """Theirs, from the same raw prompt."""
    pieces = 0
    for piece in model.create_completion(
        prompt, max_tokens=tokens, temperature=1.5, top_p=1.0, top_k=0, min_p=0.0, seed=seed, stream=True
    ):
        pieces += bool(piece["choices"][0]["text"])
        yield pieces


def timed(answer: Iterator[int]) -> tuple[float, float]:
    """Seconds to the first piece, and tokens a second after it."""
    began = time.perf_counter()
    told = next(answer)
    first = time.perf_counter()
    for count in answer:
        told = count
    return first - began, max(0, told - 1) / max(1e-9, time.perf_counter() - first)


def conversation(runtime: Runtime, turns: int, repeat: int) -> list[float]:
    """Seconds to the first token of every turn of one chat."""
    said, firsts = f"Log {repeat}.", list[float]()
    for turn in range(turns):
        said += f"\nTurn {turn + 1}: what do you hear now, and what do you make of it?"
        began, first, answer = time.perf_counter(), 0.0, ""
        for event in runtime.stream(said, max_tokens=24, temperature=1.0, seed=turn):
            first = first or time.perf_counter() - began
            answer += event.text
        firsts.append(first)
        said += "\n" + answer
    return firsts


if __name__ == "__main__":
    main()
