"""Write a base's fp32 weights as a Hugging Face directory that the training backends load."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import gguf
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

from engine.core.errors import UsageError
from engine.gguf.header import check_gguf
from engine.gguf.library_logging import quiet_libraries
from engine.gguf.weights import WEIGHTS_FILE, load_weights, write_weights


def weights_from_gguf(path: Path, out: Path) -> None:
    """De-quantise a GGUF into the directory `out`: config.json, model.safetensors in fp32, and a vocabulary.

    Raises what `check_gguf` raises, and UsageError when transformers cannot read this architecture from GGUF.
    """
    check_gguf(path)
    quiet_libraries()
    try:
        model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32)
    except (ValueError, KeyError, NotImplementedError, RuntimeError, OSError) as error:
        raise UsageError(
            f"this GGUF cannot be de-quantised: {error}",
            where=str(path),
            hint="use the model's Hugging Face directory as base instead",
        ) from error
    tied = bool(getattr(model.config, "tie_word_embeddings", False))
    weights = {n: t.contiguous() for n, t in model.state_dict().items() if not (tied and n == "lm_head.weight")}
    config = model.config.to_dict() | {"architectures": [type(model).__name__]}
    # The saved weights are plain fp32: the config must not mark them as quantised, nor repeat where they were read.
    for key in ("quantization_config", "_name_or_path"):
        config.pop(key, None)
    building = _fresh(out)
    (building / "config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    write_weights(weights, building / WEIGHTS_FILE)
    _save_vocabulary(path, building)
    building.rename(out)


def weights_from_hf(source: Path, out: Path) -> None:
    """Copy a Hugging Face directory to `out` with its weights in fp32.

    Raises UsageError when its config cannot be loaded without running code of its own, or when its weights are
    quantised or not floats.
    """
    quiet_libraries()
    try:
        config = AutoConfig.from_pretrained(source, trust_remote_code=False)
    except (ValueError, OSError) as error:
        raise UsageError(f"this directory's config.json cannot be used: {error}", where=str(source)) from error
    if getattr(config, "quantization_config", None) is not None:
        raise UsageError(
            "this model is stored quantised",
            where=str(source),
            hint="use its full-precision version, or a GGUF of it, as base",
        )
    building = _fresh(out)
    for file in source.iterdir():
        if file.is_file() and file.suffix in {".json", ".model", ".txt"} and not file.name.endswith(".index.json"):
            shutil.copyfile(file, building / file.name)
    write_weights(load_weights(source), building / WEIGHTS_FILE)
    building.rename(out)


def _fresh(out: Path) -> Path:
    building = out.with_name(out.name + ".building")
    shutil.rmtree(building, ignore_errors=True)
    shutil.rmtree(out, ignore_errors=True)
    building.mkdir(parents=True)
    return building


def _save_vocabulary(path: Path, out: Path) -> None:
    """Write a tokenizer that only lists the vocabulary and its special tokens.

    Training backends require a tokenizer, but the token ids they are given come from llama.cpp. This one must never
    tokenize a text: tokenizers rebuilt from a GGUF tokenize some texts differently from llama.cpp, so it does not try.
    """
    reader = gguf.GGUFReader(str(path))
    tokens = [str(t) for t in _contents(reader, "tokenizer.ggml.tokens", [])]
    vocabulary: dict[str, int] = {}
    for index, token in enumerate(tokens):
        vocabulary[token if token not in vocabulary else f"{token}#{index}"] = index
    names = list(vocabulary)
    specials = {
        f"{role}_token": names[int(i)]
        for role, key in (("bos", "bos"), ("eos", "eos"), ("pad", "padding"), ("unk", "unknown"))
        if (i := _contents(reader, f"tokenizer.ggml.{key}_token_id", None)) is not None
    }
    specials.setdefault("pad_token", specials.get("eos_token", names[0]))
    unknown = specials.get("unk_token", names[0])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(WordLevel(vocabulary, unknown)), **specials)
    tokenizer.save_pretrained(out)


def _contents(reader: gguf.GGUFReader, key: str, default: Any) -> Any:
    field = reader.fields.get(key)
    return default if field is None else field.contents()
