"""How the next token is chosen: greedily, or drawn with a random generator of the sequence's own."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


def greedy(logits: Floats) -> npt.NDArray[np.int64]:
    """Return the most likely token of every row of logits [rows, n_vocab]; ties go to the lowest id."""
    return logits.argmax(axis=1)


class Sampler:
    """Draws tokens from softmax(logits / temperature), truncated to the nucleus of mass `top_p`.

    Each token takes one uniform number from PCG64(seed), so a draw depends on the logits and the seed alone and not on
    what else is in the batch. Nucleus: Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration".
    """

    def __init__(self, seed: int, temperature: float, top_p: float) -> None:
        self.random = np.random.Generator(np.random.PCG64(seed))
        self.temperature = temperature
        self.top_p = top_p

    def pick(self, row: Floats) -> int:
        """Return a token id drawn from one row of logits [n_vocab]."""
        weights = row.astype(np.float64)
        weights -= weights.max()
        weights /= self.temperature
        np.exp(weights, out=weights)
        if self.top_p >= 1.0:
            return _draw(weights, self.random.random())
        # Tokens below (1 - top_p) / n_vocab of the mass sum to less than 1 - top_p, so none of them is in the nucleus:
        # only the few above are sorted.
        total = float(weights.sum())
        likely: npt.NDArray[np.intp] = np.flatnonzero(weights >= total * (1.0 - self.top_p) / len(weights))
        ranked: npt.NDArray[np.intp] = likely[np.argsort(-weights[likely], kind="stable")]
        mass: npt.NDArray[np.float64] = np.cumsum(weights[ranked])
        nucleus = ranked[: int(np.searchsorted(mass, self.top_p * total)) + 1]
        return int(nucleus[_draw(weights[nucleus], self.random.random())])


def _draw(weights: npt.NDArray[np.float64], uniform: float) -> int:
    edges: npt.NDArray[np.float64] = np.cumsum(weights)
    return min(int(np.searchsorted(edges, uniform * float(edges[-1]), side="right")), len(weights) - 1)


def log_normaliser(row: Floats, buffer: npt.NDArray[np.float64]) -> float:
    """Return log Σ exp(logits) of one row [n_vocab], in float64: log p(token) = row[token] − this.

    `buffer` [n_vocab] is scratch space.
    """
    peak = float(row.max())
    np.subtract(row, peak, out=buffer, dtype=np.float64)
    np.exp(buffer, out=buffer)
    return peak + float(np.log(buffer.sum()))
