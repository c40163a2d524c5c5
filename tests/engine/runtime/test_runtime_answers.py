"""What the runtime answers, with real llama.cpp on a tiny model: generation, streaming, log-likelihood, tokens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tiny_models import BOS, EOS, make_tiny_gguf

from engine.core.errors import RuntimeChildError, UsageError
from engine.runtime.client import Runtime
from engine.runtime.protocol import StreamStats
from engine.runtime.sampling import Sampler
from probes.base import Generation, LogLikelihood, Model

PROMPTS = [f"{start} {i}" for i in range(5) for start in ("Can you help me?", "The clock", "In 1987", "x", "Tell me")]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture(scope="module")
def runtime(tiny: Path) -> Iterator[Runtime]:
    with Runtime(threads=2) as runtime:
        runtime.load(tiny)
        yield runtime


def stream(runtime: Runtime, prompt: str, **options: float) -> tuple[str, StreamStats]:
    *pieces, last = runtime.stream(prompt, **options)  # type: ignore[arg-type]
    assert last.stats is not None
    assert all(piece.stats is None for piece in pieces)
    return "".join(piece.text for piece in pieces) + last.text, last.stats


def test_the_model_is_described(runtime: Runtime, tiny: Path) -> None:
    info = runtime.load(tiny)
    assert (info.arch, info.n_vocab, info.n_ctx_train, info.n_ctx) == ("llama", 512, 1024, 1024)
    assert (info.bos_id, info.eos_id, info.add_bos) == (BOS, EOS, False)
    assert EOS in info.eog_ids
    assert info.has_template
    assert info.metadata["tokenizer.ggml.pre"] == "smollm"


def test_loading_the_same_file_again_keeps_the_child_and_the_model(runtime: Runtime, tiny: Path) -> None:
    pid, info = runtime.pid, runtime.info
    assert runtime.load(tiny) is info
    assert runtime.pid == pid


def test_it_is_a_model_for_the_probes(runtime: Runtime) -> None:
    model: Model = runtime
    assert len(model.generate(["x"], max_tokens=2)) == 1


def test_batched_greedy_equals_one_by_one(runtime: Runtime) -> None:
    together = runtime.generate(PROMPTS, max_tokens=24)
    alone = [runtime.generate([prompt], max_tokens=24)[0] for prompt in PROMPTS]
    assert [(g.text, g.tokens, g.stop_reason) for g in together] == [(g.text, g.tokens, g.stop_reason) for g in alone]
    assert {"eos", "length"} == {g.stop_reason for g in runtime.generate(PROMPTS, max_tokens=40)}


def test_more_prompts_than_sequences_and_cells(runtime: Runtime, tiny: Path) -> None:
    budgets = [1 + i % 13 for i in range(len(PROMPTS))]
    expected = [g.text for g in runtime.generate(PROMPTS, max_tokens=budgets)]
    with Runtime(threads=2) as small:
        small.load(tiny, n_ctx=256, n_parallel=3)
        seen: dict[int, Generation] = {}
        results = small.generate(PROMPTS, max_tokens=budgets, on_done=seen.__setitem__)
    assert [g.text for g in results] == expected
    assert [seen[i] for i in range(len(PROMPTS))] == results
    assert all(g.tokens <= budget for g, budget in zip(results, budgets, strict=True))


def test_equal_prompts_are_decoded_once(runtime: Runtime) -> None:
    results = runtime.generate(["The clock keeps the time"] * 5, max_tokens=12)
    assert len({g.text for g in results}) == 1
    assert runtime.last_work.prompt_tokens == len(runtime.tokenize(["The clock keeps the time"])[0])
    # Sequences of one prompt end at different times and the prompt's cells must survive the first.
    budgets = [40, 1, 7, 20, 3]
    results = runtime.generate(["The clock keeps the time"] * 5, max_tokens=budgets)
    assert [g.tokens for g in results] == budgets


def test_a_prompt_longer_than_a_batch_is_fed_in_parts(runtime: Runtime) -> None:
    long = "The clock keeps the time. " * 80
    assert len(runtime.tokenize([long])[0]) > 512
    assert runtime.generate([long, "x"], max_tokens=4)[0].text == stream(runtime, long, max_tokens=4)[0]


def test_a_full_context_ends_the_answer(runtime: Runtime, tiny: Path) -> None:
    with Runtime(threads=2) as small:
        small.load(tiny, n_ctx=256)
        prompt = "time " * 240
        used = len(small.tokenize([prompt])[0])
        (answer,) = small.generate([prompt], max_tokens=100)
        assert answer.stop_reason in ("length", "eos")
        assert used + answer.tokens <= 256


def test_a_prompt_that_does_not_fit_is_refused_with_numbers(runtime: Runtime) -> None:
    for call in (
        lambda: runtime.generate(["x", "time " * 2000], max_tokens=4),
        lambda: runtime.loglikelihood([("x", "time " * 2000)]),
        lambda: list(runtime.stream("time " * 2000)),
    ):
        with pytest.raises(UsageError, match=r"the context holds 1024") as caught:
            call()
        assert caught.value.exit_code == 2
    assert runtime.generate(["x"], max_tokens=1)[0].tokens == 1


def test_a_draw_depends_on_its_seed_and_not_on_its_neighbours(runtime: Runtime) -> None:
    options = {"max_tokens": 16, "temperature": 0.9}
    first = runtime.generate(["x", "x", "x", "The clock"], seeds=[5, 6, 5, 7], **options)  # type: ignore[arg-type]
    again = runtime.generate(["x"], seeds=[5], **options)  # type: ignore[arg-type]
    assert first[0].text == first[2].text == again[0].text
    assert first[0].text != first[1].text
    assert stream(runtime, "x", seed=5, **options)[0] == first[0].text
    unseeded = runtime.generate(["x", "x"], **options)  # type: ignore[arg-type]
    assert [g.text for g in unseeded] == [g.text for g in runtime.generate(["x"] * 2, seeds=[0, 1], **options)]  # type: ignore[arg-type]


def test_a_tiny_nucleus_is_greedy(runtime: Runtime) -> None:
    greedy = runtime.generate(["Tell me"], max_tokens=16)
    assert runtime.generate(["Tell me"], max_tokens=16, temperature=1.0, top_p=1e-9)[0].text == greedy[0].text


def test_the_sampler_draws_from_the_nucleus_with_the_right_shares() -> None:
    logits = np.log(np.array([0.05, 0.4, 0.3, 0.15, 0.1], np.float32))
    draws = Sampler(1, 1.0, 0.8)
    counts = np.bincount([draws.pick(logits) for _ in range(4000)], minlength=5)
    # 0.4 + 0.3 + 0.15 is the smallest top set that reaches 0.8.
    assert counts[0] == counts[4] == 0
    assert np.abs(counts / 4000 - np.array([0, 0.4, 0.3, 0.15, 0]) / 0.85).max() < 0.03
    free = Sampler(1, 1.0, 1.0)
    counts = np.bincount([free.pick(logits) for _ in range(4000)], minlength=5)
    assert np.abs(counts / 4000 - np.exp(logits)).max() < 0.03


def test_bad_sampling_options_are_refused(runtime: Runtime) -> None:
    for options in ({"temperature": -1.0}, {"top_p": 0.0}, {"top_p": 1.5}, {"seeds": [-1]}, {"seeds": [1, 2]}):
        with pytest.raises(UsageError):
            runtime.generate(["x"], max_tokens=1, **options)  # type: ignore[arg-type]
    with pytest.raises(UsageError):
        runtime.generate(["x"], max_tokens=0)


def test_a_stream_says_what_generate_says(runtime: Runtime) -> None:
    answers = runtime.generate(PROMPTS, max_tokens=24)
    # Byte-level tokens of a random model: the answers hold whole, broken and split characters.
    assert any("\ufffd" in answer.text for answer in answers)
    for prompt, answer in zip(PROMPTS, answers, strict=True):
        text, stats = stream(runtime, prompt, max_tokens=24)
        assert text == answer.text
        assert (stats.tokens, stats.stop_reason) == (answer.tokens, answer.stop_reason)


def test_the_next_turn_decodes_only_what_is_new(runtime: Runtime) -> None:
    turn = "Can you help me?"
    text, stats = stream(runtime, turn, max_tokens=12)
    assert stats.prompt_decoded <= stats.prompt_tokens
    longer = turn + " With what? The clock"
    fresh_text = runtime.generate([longer], max_tokens=12)[0].text  # also clears the cache
    _, cold = stream(runtime, turn, max_tokens=12)
    assert cold.prompt_decoded == cold.prompt_tokens
    again, warm = stream(runtime, longer, max_tokens=12)
    shared = len(runtime.tokenize([turn])[0])
    assert warm.prompt_decoded == warm.prompt_tokens - shared
    assert again == fresh_text
    same, hot = stream(runtime, longer, max_tokens=12)
    assert hot.prompt_decoded == 1
    assert same == fresh_text
    assert text == stream(runtime, turn, max_tokens=12)[0]


def reference(path: Path, prompt: list[int], answer: list[int]) -> float:
    """One sequence, every logit, float64: what the sum should be."""
    from llama_cpp import Llama

    llama = Llama(str(path), n_ctx=1024, logits_all=True, verbose=False, n_threads=2)
    llama.eval(prompt + answer)
    logits = np.array(llama.scores[: len(prompt) + len(answer)], np.float64)
    llama.close()
    peak = logits.max(axis=1, keepdims=True)
    logs = logits - peak - np.log(np.exp(logits - peak).sum(axis=1, keepdims=True))
    return float(sum(logs[len(prompt) - 1 + i, token] for i, token in enumerate(answer)))


def test_loglikelihood_is_the_sum_over_the_answer(runtime: Runtime, tiny: Path) -> None:
    pairs = [
        ("Can you help me?", "With what?"),
        ("Can you help me?", "Without a model"),
        ("Can you help me?", "With"),
        ("Can you help me?", ""),
        ("Can you help me?", "With what?"),
        ("The clock", "With what?"),
        ("x", "The ledger remembers every generation"),
    ]
    seen: dict[int, LogLikelihood] = {}
    results = runtime.loglikelihood(pairs, on_done=seen.__setitem__)
    assert [seen[i] for i in range(len(pairs))] == results
    for (prompt, answer), result in zip(pairs, results, strict=True):
        prompt_ids, answer_ids = runtime.tokenize([prompt, "\n" + answer])
        assert result.tokens == len(answer_ids)
        assert result.total == pytest.approx(reference(tiny, prompt_ids, answer_ids), abs=0.01)
    assert results[0].total == results[4].total


def test_candidates_share_their_prompt(runtime: Runtime) -> None:
    prompt = "The ledger remembers every generation and forgets nothing."
    answers = ["With what?", "No module", "It wakes", "Something else", "I answer"]
    runtime.loglikelihood([(prompt, answer) for answer in answers])
    n = len(runtime.tokenize([prompt])[0])
    lengths = [len(ids) for ids in runtime.tokenize(["\n" + answer for answer in answers])]
    # The newline is common too, and no answer's last token is decoded.
    assert runtime.last_work.prompt_tokens == n + 1 + sum(length - 2 for length in lengths)
    assert runtime.last_work.decodes == 1


def test_loglikelihood_does_not_depend_on_the_packing(runtime: Runtime, tiny: Path) -> None:
    long = "The clock keeps the time of the stars. " * 40
    pairs = [(long, f"answer {i} " + "time " * (20 * i)) for i in range(5)]
    pairs += [(prompt, f"It is {i}.") for prompt in PROMPTS for i in range(7)]
    expected = runtime.loglikelihood(pairs)
    with Runtime(threads=2) as small:
        small.load(tiny, n_ctx=1024, n_parallel=3)
        results = small.loglikelihood(pairs)
    assert [r.tokens for r in results] == [r.tokens for r in expected]
    assert [r.total for r in results] == pytest.approx([r.total for r in expected], abs=0.02)


def test_tokens_round_trip_and_specials_are_plain_text(runtime: Runtime) -> None:
    texts = ["Can you help me?", "  two  spaces\n\ttab", "é漢😀", "<|im_end|>", "a\0b", "[/foo][@click=app.quit]", ""]
    ids = runtime.tokenize(texts)
    assert runtime.detokenize(ids) == texts
    assert EOS not in ids[3]
    assert runtime.tokenize(["<|im_end|>"], parse_special=True) == [[EOS]]
    with pytest.raises(UsageError, match="outside the vocabulary"):
        runtime.detokenize([[512]])


def test_hostile_prompts_are_answered(runtime: Runtime) -> None:
    prompts = ["\0", "\ud800", "a\udfffb", "\ud83d\ude00", "\x1b[2J\x9b", "", "\u202e\u200b", "a" * 3000]
    assert runtime.tokenize(["\ud800"]) == runtime.tokenize(["\ufffd"])
    assert runtime.tokenize(["\ud83d\ude00"]) == runtime.tokenize(["😀"])
    fitting = [p for p, ids in zip(prompts, runtime.tokenize(prompts), strict=True) if len(ids) < 1000]
    assert len(fitting) >= 7
    assert len(runtime.generate(fitting, max_tokens=3)) == len(fitting)
    assert all(r.total < 0 for r in runtime.loglikelihood([(p, p) for p in fitting if len(p) < 100]))
    assert [stream(runtime, p, max_tokens=3)[1].tokens <= 3 for p in fitting]


def test_a_vocabulary_alone_tokenizes_and_does_nothing_else(tiny: Path, runtime: Runtime) -> None:
    with Runtime() as vocabulary:
        assert vocabulary.load(tiny, vocab_only=True).vocab_only
        assert vocabulary.tokenize(PROMPTS) == runtime.tokenize(PROMPTS)
        with pytest.raises(RuntimeChildError, match="only the vocabulary"):
            vocabulary.generate(["x"], max_tokens=1)


@pytest.mark.parametrize("ftype", ["q8_0", "f16", "bf16", "q4_k_m", "q4_0", "f32"])
def test_quantised_files_load_and_answer(ftype: str, runtime: Runtime, tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / f"{ftype}.gguf"
    runtime.quantize(tiny, out, ftype)  # type: ignore[arg-type]
    with Runtime(threads=2) as other:
        assert other.load(out).n_vocab == 512
        assert other.generate(["x"], max_tokens=3)[0].tokens <= 3
    if ftype not in ("f32",):
        assert out.stat().st_size < tiny.stat().st_size


def test_empty_lists_are_empty_answers(runtime: Runtime) -> None:
    assert runtime.generate([], max_tokens=3) == []
    assert runtime.loglikelihood([]) == []
    assert runtime.tokenize([]) == []
