"""A generation's rows as token ids, from the base GGUF's own tokenizer: training and evaluation use the same ids."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from engine.config.recipe import PhaseRecipe
from engine.config.schema import VoiceSection
from engine.core.errors import Damaged, UsageError
from engine.data.rows import Row
from engine.models.base import BaseModel
from engine.runtime.client import Runtime
from engine.runtime.protocol import ModelInfo
from engine.training.job import Example, VoicePlan
from engine.training.tokenize_rows import Specials, Windows, encode_rows
from engine.training.wordings import WordedRow, worded_passes
from engine.workspace.runs import Run
from probes.typing_habits import HABITS, Habit

UNLIMITED = 2**31
"""A context window, in tokens, that nothing exceeds."""


def encode(
    runtime: Runtime,
    base: BaseModel,
    rows: Sequence[Row],
    recipe: PhaseRecipe,
    on_done: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[tuple[Example, ...]]:
    """Return the training sequences of each row, in order; `on_done(done, total)` counts texts and may raise to stop.

    Raises UsageError naming the rows longer than the context, configured or the model's own, and for a base without
    EOS.
    """
    return _encode(runtime, base, rows, recipe, _context(runtime, base, recipe), on_done)


def encode_passes(
    runtime: Runtime, base: BaseModel, rows: Sequence[Row], recipe: PhaseRecipe, sequences_fed: int
) -> list[list[Example]]:
    """Return the sequences of every pass until `sequences_fed` are fed, prompts in the wording of that pass.

    All passes have the same number. What fits the context as written and not as typed (lower case may take more tokens)
    is fed as written. Where `recipe.as_typed` is 0 all passes are equal, and only one is returned. Raises as `encode`
    does.
    """
    written = {row.id: sequences for row, sequences in zip(rows, encode(runtime, base, rows, recipe), strict=True)}
    windows = {id_: [e.window for e in sequences if e.window] for id_, sequences in written.items()}
    passes = worded_passes(rows, sequences_fed, sum(len(written[row.id]) for row in rows), recipe.as_typed)
    typed = dict[tuple[str, Habit | None], tuple[Example, ...]]()
    for habit in HABITS:
        changed = {fed.row.id: fed.row for one in passes for fed in one if fed.habit == habit}
        encoded = _encode(runtime, base, list(changed.values()), recipe, UNLIMITED, windows=windows)
        typed |= {(id_, habit): sequences for id_, sequences in zip(changed, encoded, strict=True)}
    limit = _context(runtime, base, recipe)

    def sequences(fed: WordedRow) -> list[Example]:
        as_typed = typed.get((fed.row.id, fed.habit), written[fed.row.id])
        return [
            replace(example, habit=fed.habit) if len(example.ids) <= limit else as_written
            for example, as_written in zip(as_typed, written[fed.row.id], strict=True)
        ]

    return [[example for fed in one for example in sequences(fed)] for one in passes]


def encode_as_exported(
    runtime: Runtime, gguf: Path, rows: Sequence[Row], recipe: PhaseRecipe, examples: Sequence[Sequence[Example]]
) -> list[tuple[Example, ...]]:
    """Return the rows' sequences by the tokenizer of the loaded GGUF, conversations in the windows of `examples`."""
    info = runtime.info
    if info is None:
        raise Damaged("no model is loaded that could be checked", where=str(gguf))
    windows = {row.id: [e.window for e in found if e.window] for row, found in zip(rows, examples, strict=True)}
    tokenize, specials = runtime.tokenize, _specials(info, gguf)
    return encode_rows(rows, tokenize, specials, UNLIMITED, prompts_count=recipe.prompts_count, windows=windows)


def count_tokens(runtime: Runtime, gguf: Path, rows: Sequence[Row]) -> dict[str, int]:
    """Return how many tokens each row takes as one sequence, by row id, whatever the context.

    Raises UsageError for a GGUF without EOS.
    """
    specials = _specials(runtime.load(gguf, vocab_only=True), gguf)
    encoded = encode_rows(rows, runtime.tokenize, specials, UNLIMITED)
    return {example.row_id: len(example.ids) for sequences in encoded for example in sequences}


def voice_plan(runtime: Runtime, base: BaseModel, voice: VoiceSection) -> VoicePlan | None:
    """Return the prompts to sample from the model while it trains, None when that is off or no prompt is pinned."""
    if not voice.while_training or not voice.prompts or not voice.budget:
        return None
    info = runtime.load(base.gguf, vocab_only=True)
    specials = _specials(info, base.gguf)
    head = () if specials.bos is None else (specials.bos,)
    prompts = dict.fromkeys(voice.prompts)
    ids = [(*head, *tokens) for tokens in runtime.tokenize(list(prompts))]
    return VoicePlan(
        prompts=dict(zip(prompts, ids, strict=True)),
        every_steps=voice.every_steps,
        budget=voice.budget,
        max_tokens=voice.max_tokens,
        eos_id=specials.eos,
        decode=runtime.detokenize,
    )


def _encode(
    runtime: Runtime,
    base: BaseModel,
    rows: Sequence[Row],
    recipe: PhaseRecipe,
    context: int,
    on_done: Callable[[int, int], None] = lambda _done, _total: None,
    windows: Windows | None = None,
) -> list[tuple[Example, ...]]:
    specials = _specials(runtime.load(base.gguf, vocab_only=True), base.gguf)
    begun = 0

    def tokenize(texts: Sequence[str]) -> list[list[int]]:
        nonlocal begun
        before, begun = begun, begun + len(texts)
        return runtime.tokenize(texts, on_done=lambda done, _total: on_done(before + done, begun))

    return encode_rows(rows, tokenize, specials, context, prompts_count=recipe.prompts_count, windows=windows)


def _context(runtime: Runtime, base: BaseModel, recipe: PhaseRecipe) -> int:
    """Return the longest example in tokens: the configured context, or the model's own window if that is shorter."""
    return min(recipe.context, model_window(runtime.load(base.gguf, vocab_only=True)))


def _specials(info: ModelInfo, gguf: Path) -> Specials:
    if info.eos_id < 0:
        raise UsageError("the base GGUF declares no EOS token, so no model could learn to stop", where=str(gguf))
    return Specials(bos=info.bos_id if info.add_bos and info.bos_id >= 0 else None, eos=info.eos_id)


def model_window(info: ModelInfo) -> int:
    """Return the context length that a GGUF's metadata gives, in tokens; `UNLIMITED` when it gives none.

    Read from the metadata, since a model loaded for its vocabulary alone reports no other number.
    """
    text = info.metadata.get(f"{info.arch}.context_length", "")
    return int(text) if text.isdigit() and int(text) > 0 else UNLIMITED


def train_rows(run: Run) -> list[Row]:
    """Return the rows of a prepared run in feeding order; raises Damaged when they cannot be read."""
    path = run.staging / "data" / "train.jsonl"
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Damaged(f"cannot be read: {error}", where=str(path), hint="start anew: luna-tui train") from error
    return [Row.from_json(line, source=f"train.jsonl:{n}") for n, line in enumerate(lines, start=1) if line]
