"""Silence the training libraries, which draw bars and print advice on stderr, where luna's own screen is."""

from __future__ import annotations

import sys
import warnings
from contextlib import AbstractContextManager, redirect_stdout
from functools import partial
from typing import TextIO

import datasets
import transformers
import transformers.modeling_gguf_pytorch_utils as gguf_loading
from tqdm.auto import tqdm


def quiet_libraries() -> None:
    """Turn off the libraries' progress bars, advice and warnings; errors still surface as exceptions."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    datasets.utils.logging.set_verbosity_error()
    datasets.utils.logging.disable_progress_bar()
    setattr(gguf_loading, "tqdm", partial(tqdm, disable=True))  # noqa: B010 - its bar ignores the switches above
    for module in ("transformers", "datasets", "trl", "peft", "accelerate", "torch", "unsloth", "unsloth_zoo"):
        warnings.filterwarnings("ignore", module=rf"{module}(\.|$)")


def noise_to_stderr() -> AbstractContextManager[TextIO]:
    """Return a context in which library output on stdout, where luna's data goes, goes to stderr."""
    return redirect_stdout(sys.stderr)
