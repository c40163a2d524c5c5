"""Run llama.cpp's own converter in a subprocess: for bases that come as Hugging Face directories, and as a fallback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from engine.core.child_environment import child_environment
from engine.core.errors import LunaError, UsageError


def convert_to_gguf(directory: Path, out: Path, outtype: str) -> None:
    """Convert a Hugging Face directory to a GGUF at `out`, which appears complete or not at all.

    `outtype` is f32, f16, bf16 or auto. Raises UsageError for a directory without config.json, and LunaError with the
    converter's last lines when it fails.
    """
    if not (directory / "config.json").is_file():
        raise UsageError(
            "there is no config.json in this model directory",
            where=str(directory),
            hint="a Hugging Face directory has config.json, model.safetensors and the tokenizer's files",
        )
    part = out.with_name(out.name + ".part")
    # -P: no file in the user's working directory may shadow a module.
    command = [
        sys.executable,
        "-P",
        "-m",
        "convert_hf_to_gguf",
        str(directory),
        "--outfile",
        str(part),
        "--outtype",
        outtype,
    ]
    environment = {**child_environment(), "HF_HUB_OFFLINE": "1", "NO_LOCAL_GGUF": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 0 or not part.exists():
        part.unlink(missing_ok=True)
        tail = "\n".join((done.stderr or done.stdout).strip().splitlines()[-5:])
        raise LunaError(
            f"llama.cpp's converter failed on this model:\n{tail}",
            where=str(directory),
            hint="the model's architecture or tokenizer is not one it knows",
        )
    os.replace(part, out)
