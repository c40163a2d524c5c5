"""Style drift: how often the model falls back into corporate phrases when its tone is probed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from probes.base import Generation, Model, ProgressCallback, StopReason
from probes.phrases import Hit, Phrase, find_corporate, load_phrases
from probes.statistics.intervals import Score

__all__ = [
    "Hit",
    "Phrase",
    "StyleOptions",
    "StyleResult",
    "ToneAnswer",
    "ToneProbe",
    "find_corporate",
    "load_phrases",
    "load_tone_probes",
    "run_style",
]


@dataclass(frozen=True, slots=True)
class ToneProbe:
    """One situation that tempts a model into corporate speech, given as a raw prompt."""

    id: str
    prompt: str

    def to_dict(self) -> dict[str, Any]:
        """Return the probe as plain JSON values."""
        return {"id": self.id, "prompt": self.prompt}


@dataclass(frozen=True, slots=True)
class StyleOptions:
    """How tone is probed: answers a probe besides the greedy one, their temperature, seed and length in tokens."""

    samples: int = 4
    temperature: float = 0.7
    seed: int = 0
    max_tokens: int = 48

    def to_dict(self) -> dict[str, Any]:
        """Return the options as plain JSON values."""
        return {
            "samples": self.samples,
            "temperature": self.temperature,
            "seed": self.seed,
            "max_tokens": self.max_tokens,
        }


@dataclass(frozen=True, slots=True)
class ToneAnswer:
    """One answer to a tone probe; sample 0 is the greedy one, `answered` means at least one letter or digit.

    `continued` is whether the answer first continues the prompt; None in a record from before that was recorded.
    """

    probe_id: str
    prompt: str
    text: str
    sample: int
    seed: int
    hits: tuple[Hit, ...]
    answered: bool
    stop_reason: StopReason
    tokens: int
    ms: float
    continued: bool | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain JSON values."""
        return {
            "probe_id": self.probe_id,
            "prompt": self.prompt,
            "text": self.text,
            "sample": self.sample,
            "seed": self.seed,
            "hits": [hit.to_dict() for hit in self.hits],
            "answered": self.answered,
            "stop_reason": self.stop_reason,
            "tokens": self.tokens,
            "ms": self.ms,
            "continued": self.continued,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ToneAnswer:
        """Read what `to_dict` wrote. Raises KeyError or ValueError."""
        return cls(
            probe_id=str(data["probe_id"]),
            prompt=str(data["prompt"]),
            text=str(data["text"]),
            sample=int(data["sample"]),
            seed=int(data["seed"]),
            hits=tuple(Hit(str(h["phrase"]), int(h["start"]), int(h["end"]), str(h["text"])) for h in data["hits"]),
            answered=bool(data["answered"]),
            stop_reason=cast("StopReason", data["stop_reason"]),
            tokens=int(data["tokens"]),
            ms=float(data["ms"]),
            continued=None if data.get("continued") is None else bool(data["continued"]),
        )


@dataclass(frozen=True, slots=True)
class StyleResult:
    """`drift`: share of all answers with a corporate phrase; `answered`: share of them that say anything at all.

    The interval treats the answers as independent; several samples of one probe are not quite that.
    """

    drift: Score
    answered: Score
    answers: tuple[ToneAnswer, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON values."""
        return {
            "drift": self.drift.to_dict(),
            "answered": self.answered.to_dict(),
            "answers": [answer.to_dict() for answer in self.answers],
        }


def load_tone_probes(path: Path | None = None) -> list[ToneProbe]:
    """Return the ten default probes, or those of a JSONL file of {"id", "prompt"}.

    Raises ValueError naming file and line for a bad row, a repeated id or a file without a probe, OSError if it cannot
    be read.
    """
    if path is None:
        where, text = "tone_probes.jsonl", files("probes").joinpath("tone_probes.jsonl").read_text(encoding="utf-8")
    else:
        where, text = str(path), path.read_text(encoding="utf-8-sig")
    probes: dict[str, ToneProbe] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        probe = _read_probe(line, f"{where}, line {number}")
        if probe.id in probes:
            raise ValueError(f"{where}, line {number}: the id {probe.id!r} is used twice; give every probe its own id")
        probes[probe.id] = probe
    if not probes:
        raise ValueError(f'{where}: no tone probe in it; write one {{"id": …, "prompt": …}} a line')
    return list(probes.values())


def run_style(
    model: Model,
    probes: Sequence[ToneProbe],
    phrases: Sequence[Phrase],
    *,
    samples: int = 4,
    temperature: float = 0.7,
    seed: int = 0,
    max_tokens: int = 48,
    progress: ProgressCallback | None = None,
) -> StyleResult:
    """Run every probe once greedily and `samples` times at `temperature`, and search the answers for corporate phrases.

    Answers come sorted by probe, then sample. Each sample's seed depends on `seed`, probe id and sample number only, so
    another probe in the list changes no other answer. `progress(done, total, label)` counts answers. Raises ValueError
    without probes or with negative samples.
    """
    if not probes or samples < 0:
        raise ValueError(f"style drift needs tone probes and samples >= 0; got {len(probes)} probes, {samples} samples")
    total, done = len(probes) * (1 + samples), 0

    def on_done(_index: int, _generation: Generation) -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total, "style")

    asked = [(probe, sample) for probe in probes for sample in range(1, samples + 1)]
    seeds = [_sample_seed(seed, probe.id, sample) for probe, sample in asked]
    greedy = model.generate([probe.prompt for probe in probes], max_tokens=max_tokens, on_done=on_done)
    sampled: list[Generation] = []
    if asked:
        prompts = [probe.prompt for probe, _ in asked]
        sampled = model.generate(prompts, max_tokens=max_tokens, temperature=temperature, seeds=seeds, on_done=on_done)
    answers = [
        _answer(probe, sample, sample_seed, generation, phrases)
        for (probe, sample), sample_seed, generation in zip(
            [*((probe, 0) for probe in probes), *asked],
            [*(seed for _ in probes), *seeds],
            [*greedy, *sampled],
            strict=True,
        )
    ]
    place = {probe.id: position for position, probe in enumerate(probes)}
    answers.sort(key=lambda answer: (place[answer.probe_id], answer.sample))
    return StyleResult(
        drift=Score.of(sum(bool(answer.hits) for answer in answers), len(answers)),
        answered=Score.of(sum(answer.answered for answer in answers), len(answers)),
        answers=tuple(answers),
    )


def _answer(probe: ToneProbe, sample: int, seed: int, generation: Generation, phrases: Sequence[Phrase]) -> ToneAnswer:
    return ToneAnswer(
        probe_id=probe.id,
        prompt=probe.prompt,
        text=generation.text,
        sample=sample,
        seed=seed,
        hits=tuple(find_corporate(generation.text, phrases)),
        answered=any(char.isalnum() for char in generation.text),
        stop_reason=generation.stop_reason,
        tokens=generation.tokens,
        ms=generation.ms,
        continued=generation.continued,
    )


def _sample_seed(seed: int, probe_id: str, sample: int) -> int:
    """Return a sample's seed of 31 bits, which every sampler can hold."""
    return int.from_bytes(sha256(f"{seed}\0{probe_id}\0{sample}".encode()).digest()[:4]) >> 1


def _read_probe(line: str, where: str) -> ToneProbe:
    try:
        data: Any = json.loads(line)
    except ValueError as error:
        raise ValueError(f"{where}: not JSON ({error}); write one JSON object a line") from error
    row = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
    id_, prompt = row.get("id"), row.get("prompt")
    if not (isinstance(id_, str) and id_ and isinstance(prompt, str) and prompt.strip()):
        raise ValueError(f'{where}: a tone probe needs a non-empty "id" and "prompt", both text')
    return ToneProbe(id_, prompt)
