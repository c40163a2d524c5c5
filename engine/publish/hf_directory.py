"""A generation as a Hugging Face directory for others to load: fp32 weights, config, and a verified tokenizer.

What is stored beside a GGUF base's weights names the vocabulary only. The tokenizer written here is rebuilt from the
GGUF's own merges, and kept only where it tokenizes texts into the very ids that llama.cpp gives.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import gguf
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from engine.gguf.header import check_gguf
from engine.gguf.weights import WEIGHTS_FILE, load_weights, rebuild, write_weights

Tokenize = Callable[[Sequence[str]], list[list[int]]]

_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
# What `tokenizer.ggml.pre` says -> how a text is split before the merges are applied.
_DIGITS_FIRST = {"smollm", "starcoder", "refact", "command-r"}
_PLAIN = {"gpt-2", "mpt", "olmo", "phi-2"}


def write_hf_directory(weights: Path, deltas: Sequence[Path], tokenizer_gguf: Path, out: Path) -> None:
    """Write the weights, base + Σ deltas in fp32 and never rounded, and their configuration to `out`.

    The files are config.json, generation_config.json and model.safetensors. Raises Damaged when a delta does not fit.
    """
    write_weights(rebuild(load_weights(weights), deltas), out / WEIGHTS_FILE)
    (out / WEIGHTS_FILE).chmod(0o644)  # safetensors makes files for their owner only
    shutil.copyfile(weights / "config.json", out / "config.json")
    told = check_gguf(tokenizer_gguf).metadata
    ids = {
        f"{name}_token_id": told[f"tokenizer.ggml.{key}_token_id"]
        for name, key in (("bos", "bos"), ("eos", "eos"), ("pad", "padding"))
        if f"tokenizer.ggml.{key}_token_id" in told
    }
    _write_json(out / "generation_config.json", {**ids, "do_sample": False})


def copy_tokenizer(source: Path, out: Path, head: Sequence[int], samples: Sequence[str]) -> bool:
    """Copy the tokenizer files of a Hugging Face base, without its chat template and without EOS after a prompt.

    Prompts are raw. Returns False, and leaves none of the files, where the copy still puts anything but `head` around
    `samples`.
    """
    copied: list[Path] = []
    for file in source.iterdir():
        tokenizer = file.name in _TOKENIZER_FILES or file.suffix in {".model", ".txt"} or file.name == "vocab.json"
        if file.is_file() and tokenizer:
            copied.append(Path(shutil.copyfile(file, out / file.name)))
    config, whole = out / "tokenizer_config.json", out / "tokenizer.json"
    if config.exists():
        values = json.loads(config.read_text(encoding="utf-8"))
        values.pop("chat_template", None)
        if values.get("add_eos_token"):
            values["add_eos_token"] = False
        _write_json(config, values)
    if not whole.exists():
        return True  # a SentencePiece model adds nothing by itself
    values = json.loads(whole.read_text(encoding="utf-8"))
    if _end_at_the_prompt(values.get("post_processor")):
        whole.write_text(json.dumps(values, ensure_ascii=False), encoding="utf-8")
    tokenizer = Tokenizer.from_file(str(whole))
    plain, fed = (tokenizer.encode_batch(list(samples), add_special_tokens=special) for special in (False, True))
    if all(b.ids == [*head, *a.ids] for a, b in zip(plain, fed, strict=True)):
        return True
    for file in copied:
        file.unlink()
    return False


def _end_at_the_prompt(processor: Any) -> bool:
    """Remove in place the special tokens that a post-processor of tokenizer.json appends; return whether any were."""
    if not isinstance(processor, dict):
        return False
    part = cast("dict[str, Any]", processor)
    if part.get("type") == "Sequence":
        return sum(_end_at_the_prompt(inner) for inner in part.get("processors", [])) > 0
    changed = False
    for form in ("single", "pair") if part.get("type") == "TemplateProcessing" else ():
        pieces = cast("list[dict[str, Any]]", part[form])
        while pieces and "SpecialToken" in pieces[-1]:
            pieces.pop()
            changed = True
    return changed


def rebuild_tokenizer(path: Path, out: Path, tokenize: Tokenize, samples: Sequence[str]) -> bool:
    """Write the tokenizer of the GGUF at `path` as tokenizer.json and its config, and return whether that succeeded.

    Returns False, and writes nothing, where the tokenizer is of an unsupported kind or gives other ids for `samples`
    than `tokenize`.
    """
    told = check_gguf(path).metadata
    pre = told.get("tokenizer.ggml.pre")
    if told.get("tokenizer.ggml.model") != "gpt2" or pre not in _DIGITS_FIRST | _PLAIN:
        return False
    if told.get("tokenizer.ggml.add_bos_token") or told.get("tokenizer.ggml.add_eos_token"):
        return False
    reader = gguf.GGUFReader(str(path))
    tokens = [str(token) for token in _contents(reader, "tokenizer.ggml.tokens")]
    kinds = _contents(reader, "tokenizer.ggml.token_type")
    merges = [tuple(str(merge).split(" ")) for merge in _contents(reader, "tokenizer.ggml.merges")]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    if len(vocabulary) != len(tokens) or any(len(merge) != 2 for merge in merges):
        return False
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))  # pyright: ignore[reportArgumentType]
    cuts: list[Any] = [pre_tokenizers.Digits(individual_digits=True)] if pre in _DIGITS_FIRST else []
    cuts.append(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(cuts)  # pyright: ignore[reportAttributeAccessIssue]
    tokenizer.decoder = decoders.ByteLevel()  # pyright: ignore[reportAttributeAccessIssue]
    control = [t for t, kind in zip(tokens, kinds, strict=True) if kind == gguf.TokenType.CONTROL]
    # A text that merely spells a special token is that token to transformers and plain text to luna: no proof either
    # way.
    samples = [sample for sample in samples if not any(token in sample for token in control)]
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in control])
    ours = [encoding.ids for encoding in tokenizer.encode_batch(samples, add_special_tokens=False)]
    if ours != tokenize(samples):
        return False
    tokenizer.save(str(out / "tokenizer.json"))
    specials = {
        f"{name}_token": tokens[int(told[f"tokenizer.ggml.{key}_token_id"])]
        for name, key in (("bos", "bos"), ("eos", "eos"), ("pad", "padding"), ("unk", "unknown"))
        if f"tokenizer.ggml.{key}_token_id" in told
    }
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False, **specials}
    _write_json(out / "tokenizer_config.json", config)
    return True


def _contents(reader: gguf.GGUFReader, key: str) -> Any:
    field = reader.fields.get(key)
    return [] if field is None else field.contents()


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
