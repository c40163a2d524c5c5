"""Check that other programs tokenize a raw prompt for a GGUF as luna does."""

from __future__ import annotations

from collections.abc import Sequence

from engine.core.errors import LunaError
from engine.runtime.client import Runtime

PARITY_PROMPTS = 200


def require_raw_prompts(runtime: Runtime, prompts: Sequence[str], where: str) -> None:
    """Raise LunaError when the loaded GGUF makes other programs put anything but BOS around a raw prompt.

    A prompt with EOS after it calls for a new text, which no generation was trained to write. Only the first
    PARITY_PROMPTS distinct prompts are checked.
    """
    info = runtime.info
    if info is None:
        raise LunaError("no model is loaded that could be checked")
    head = [info.bos_id] if info.add_bos and info.bos_id >= 0 else []
    checked = list(dict.fromkeys(prompts))[:PARITY_PROMPTS]
    fed = runtime.tokenize(checked, add_special=True)
    for prompt, plain, special in zip(checked, runtime.tokenize(checked), fed, strict=True):
        if special != [*head, *plain]:
            raise LunaError(
                f"other programs would put special tokens around {prompt[:40]!r}: {len(special)} tokens in place of "
                f"{len(head) + len(plain)}",
                where=where,
                hint="a GGUF written by this version of luna-tui does not ask for it: train a generation from it; "
                "llama-server reads this one right with --override-kv tokenizer.ggml.add_eos_token=bool:false",
            )
