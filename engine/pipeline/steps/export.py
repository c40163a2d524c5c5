"""The export step: the parent's weights plus the delta in fp32, rounded once into a GGUF.

The GGUF is verified before anything is claimed about it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.core.errors import Damaged, LunaError
from engine.core.events import Exported
from engine.data.rows import Row
from engine.models.gguf_writer import write_gguf
from engine.models.lineage_weights import weights_dir
from engine.models.raw_prompt_check import require_raw_prompts
from engine.pipeline.context import Context
from engine.pipeline.plan import Plan
from engine.pipeline.steps.encode import encode, encode_as_exported, train_rows
from engine.pipeline.steps.train import Trained
from engine.runtime.client import Runtime
from engine.training.job import Example
from engine.workspace.runs import Run
from ledger.durable import write_durable
from ledger.hashing import sha256_file
from ledger.manifest import gguf_name
from probes.base import Prompt

STOP_PROBES = 8

_ANEW = "start the generation anew: luna-tui train"


@dataclass(frozen=True, slots=True)
class ExportedModel:
    """A verified GGUF, with its hash and its size in bytes.

    `parity_rows` is how many rows it tokenizes as in training; `stopped` of `STOP_PROBES` trained answers ended with
    EOS.
    """

    gguf: Path
    child_sha: str
    size_bytes: int
    parity_rows: int
    stopped: int


def export(context: Context, run: Run, plan: Plan, trained: Trained) -> ExportedModel:
    """Write and verify the generation's GGUF in the run's staging; raises LunaError when a check fails."""
    began = time.monotonic()
    gguf = run.staging / gguf_name(plan.gen)
    export_delta(context, plan, trained.delta, gguf)
    model = check_export(context, run, plan, gguf)
    note_export(run, model)
    context.emit(
        Exported,
        gen=plan.gen,
        child_sha=model.child_sha,
        quant=plan.quant,
        size_bytes=model.size_bytes,
        seconds=time.monotonic() - began,
        parity_rows=model.parity_rows,
        stopped_by_eos=model.stopped > 0,
    )
    return model


def export_delta(context: Context, plan: Plan, delta: Path, gguf: Path) -> None:
    """Write the GGUF of the parent's weights plus a delta, without verifying it."""
    from engine.gguf.weights import apply_delta, load_weights

    facts = (plan.gen, plan.parent_sha, context.base.sha, plan.data_delta_sha)
    child = apply_delta(load_weights(weights_dir(context.workspace, context.base, plan.path)), delta)
    context.control.check()
    write_gguf(context.base, child, facts, plan.quant, gguf, context.runtime, plan.threads)
    context.control.check()


def check_export(context: Context, run: Run, plan: Plan, gguf: Path) -> ExportedModel:
    """Load a written GGUF, compare its tokens with the trained ones, and test whether its answers end with EOS.

    Raises LunaError when it is not what was trained.
    """
    rows = train_rows(run)
    examples = encode(context.runtime, context.base, rows, plan.recipe)
    context.runtime.load(gguf, n_ctx=plan.recipe.context, n_parallel=STOP_PROBES, threads=plan.threads)
    _check_parity(context.runtime, gguf, plan, rows, examples)
    context.control.check()
    stopped = _stop_probe(context.runtime, rows, examples)
    return ExportedModel(gguf, sha256_file(gguf), gguf.stat().st_size, len(rows), stopped)


def note_export(run: Run, model: ExportedModel) -> None:
    """Write the facts of an export durably, for `exported` to read back."""
    plain = {key: value for key, value in asdict(model).items() if key != "gguf"}
    write_durable(run.exported, (json.dumps(plain) + "\n").encode())


def exported(run: Run, plan: Plan) -> ExportedModel:
    """Return what a finished export left in the run's staging; raises Damaged when it has changed or cannot be read."""
    gguf = run.staging / gguf_name(plan.gen)
    try:
        data = json.loads(run.exported.read_text())
        model = ExportedModel(
            gguf, str(data["child_sha"]), int(data["size_bytes"]), int(data["parity_rows"]), int(data["stopped"])
        )
        same = sha256_file(gguf) == model.child_sha
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Damaged(f"cannot be read: {error}", where=str(run.exported), hint=_ANEW) from error
    if not same:
        raise Damaged("the exported GGUF of this run has changed since it was checked", where=str(gguf), hint=_ANEW)
    return model


def _check_parity(
    runtime: Runtime, gguf: Path, plan: Plan, rows: Sequence[Row], examples: Sequence[tuple[Example, ...]]
) -> None:
    """Raise LunaError unless the exported file gives the generation's data the ids it was trained on.

    Compared with special tokens off, as texts are tokenized here, and on, as other programs tokenize a prompt.
    """
    again = encode_as_exported(runtime, gguf, rows, plan.recipe, examples)
    for row, trained, exported_as in zip(rows, examples, again, strict=True):
        if trained != exported_as:
            raise LunaError(
                f"the exported GGUF cuts {row.prompt[:40]!r} into other tokens than it was trained on",
                where=f"G{plan.gen}",
                hint="the export is at fault, not the data: please report this base model",
            )
    require_raw_prompts(runtime, [row.prompt for row in rows], f"G{plan.gen}")


def _stop_probe(runtime: Runtime, rows: Sequence[Row], examples: Sequence[tuple[Example, ...]]) -> int:
    """Run a few trained prompts and count the answers that end with EOS within thrice the longest sequence.

    Of a conversation its first learned answer is asked for.
    """
    asked = [
        _first_prompt(row, sequences[0]) for row, sequences in zip(rows, examples, strict=True) if row.kind != "text"
    ]
    if not asked:
        return STOP_PROBES  # plain text only: there is no answer to end
    chosen = asked[:: max(1, len(asked) // STOP_PROBES)][:STOP_PROBES]
    longest = max(len(example.ids) for sequences in examples for example in sequences)
    answers = runtime.generate(chosen, max_tokens=min(200, 3 * longest))
    return sum(answer.stop_reason == "eos" for answer in answers)


def _first_prompt(row: Row, example: Example) -> Prompt:
    """Return what the model reads before the first answer that a row's first sequence teaches."""
    if example.window is None:
        return row.prompt
    return tuple(turn.text for turn in row.turns[example.window.start : example.window.learned_from])
