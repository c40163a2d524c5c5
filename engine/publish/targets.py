"""The programs a generation can be written for, in one list that costs nothing to import."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

TARGETS: Mapping[str, str] = MappingProxyType(
    {
        "ollama": "GGUF and a Modelfile for raw prompts",
        "lmstudio": "GGUF in LM Studio's folders, and a preset",
        "llm": "GGUF and a script that registers it with llm",
        "llama-server": "GGUF and a script that serves it",
        "hf": "full-precision weights and a model card",
    }
)
"""What is written for each, by the name that `export --to` takes."""
