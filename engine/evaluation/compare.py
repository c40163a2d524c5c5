"""`luna-tui compare`: models on the same items, pair by pair, with what chance explains."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from engine.config.config import Config
from engine.core.cancellation import Control
from engine.core.counted import counted
from engine.core.errors import UsageError
from engine.evaluation.challenge_cards import CardsFile, ask_model, cards_if_any
from engine.evaluation.items import read_items
from engine.evaluation.model_ref import ModelRef, resolve_model
from engine.evaluation.result_cache import ProgressCallback, ResultCache
from engine.evaluation.run_eval import phrases
from engine.evaluation.style_eval import Tone, asked_of, most_common_probes, tone_of
from engine.models.lineage_weights import new_rows_of
from engine.workspace.layout import Workspace
from ledger.errors import LedgerError
from ledger.hashing import sha256_text, write_durable
from ledger.lineage import Lineage
from probes.base import Item
from probes.challenge import Card, score_cards
from probes.overlap import near_duplicates
from probes.refusals import ask_refusals, judge_refusals, load_refusals
from probes.statistics.intervals import Score
from probes.statistics.paired import compare, fewest_items

FOLDER = "compare"


@dataclass(frozen=True, slots=True)
class _Exam:
    """The exam of a generation, without the `left_out` items that any of the compared models was trained on."""

    gen: int
    items: tuple[Item, ...]
    left_out: int


def compare_models(
    workspace: Workspace,
    config: Config,
    refs: Sequence[str],
    *,
    refusals: bool = False,
    progress: ProgressCallback,
    control: Control,
) -> dict[str, Any]:
    """Compare the first of `refs` (generations, `base`, paths of GGUF files) with each other one.

    Returns the result as JSON values and keeps it in `compare/`. A verdict rests on the exams of what both models were
    trained on; where one of them is no generation, on all exams of the other's lineage path. Raises UsageError for
    fewer than two different models, or for two that share no exam.
    """
    lineage = workspace.lineage()
    models = [resolve_model(workspace, config, lineage, ref) for ref in refs]
    if len({model.sha for model in models}) < max(2, len(models)):
        raise UsageError(
            f"{', '.join(model.label for model in models)}: a comparison needs two or more different models",
            hint="such as: luna-tui compare G1 G3, or luna-tui compare base HEAD other-model.gguf",
        )
    lines = [_line(lineage, model) for model in models]
    exams = _exams(workspace, lineage, models, lines)
    cards = cards_if_any(workspace, config)
    told: list[dict[str, Any]] = []
    tones: list[Tone] = []
    marks: list[dict[int, dict[str, float]]] = []
    for model, line in zip(models, lines, strict=True):
        # Each model gets a subprocess of its own, so that the reported memory is this model's.
        with ResultCache(workspace, config, progress=progress, control=control) as sittings:
            scores = {
                exam.gen: {
                    result.id: float(result.right)
                    for result in sittings.results(model, exam.items, f"the exam of G{exam.gen}")
                }
                for exam in exams
            }
            marks.append(scores)
            tones.append(tone_of(sittings, model))
            told.append(_told(sittings, model, line, exams, scores, cards, tones[-1], refusals=refusals))
    asked, other = most_common_probes(tones), _other_probes(models, tones)
    for facts, tone in zip(told, tones, strict=True):
        facts["same_probes"] = asked_of(tone.style.answers) == asked
    pairs = [_pair(models, lines, exams, marks, other) for other in range(1, len(models))]
    found: dict[str, Any] = {
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "models": told,
        "exams": [{"gen": exam.gen, "n": len(exam.items), "left_out": exam.left_out} for exam in exams],
        "pairs": pairs,
        "warnings": [*other, *_small(exams, config), *_contaminated(workspace, lines, exams)],
        "command": "luna-tui compare "
        + " ".join(model.label if model.file is None else model.file.name for model in models)
        + (" --refusals" if refusals else ""),
    }
    name = "-".join(_plain(model.label) for model in models)[:80]
    path = workspace.root / FOLDER / f"{name}{'-refusals' if refusals else ''}.json"
    try:
        write_durable(path, (json.dumps(found, ensure_ascii=False, indent=1) + "\n").encode("utf-8"))
    except LedgerError as error:
        found["warnings"] = [*found["warnings"], f"this comparison could not be kept for the report: {error}"]
    return found


def read_comparisons(workspace: Workspace) -> list[dict[str, Any]]:
    """Return every stored comparison that can be read, ordered by file name."""
    found: list[dict[str, Any]] = []
    for path in sorted((workspace.root / FOLDER).glob("*.json")):
        try:
            data: object = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(data, dict) and {"models", "pairs", "exams"} <= data.keys():
            found.append(cast("dict[str, Any]", data))
    return found


def _line(lineage: Lineage, model: ModelRef) -> tuple[int, ...]:
    return () if model.gen is None else (*lineage.ancestors(model.gen), model.gen)


def _exams(
    workspace: Workspace, lineage: Lineage, models: Sequence[ModelRef], lines: Sequence[tuple[int, ...]]
) -> list[_Exam]:
    """Return the exams of all lineage paths given, or of HEAD's path where none is; UsageError when there are none."""
    gens = sorted({gen for line in lines for gen in line})
    if not gens and lineage.head is not None:
        gens = [*lineage.ancestors(lineage.head), lineage.head]
    trained = {id_ for line in lines for gen in line for id_ in _trained_ids(workspace, gen)}
    exams: list[_Exam] = []
    for gen in gens:
        items = read_items(workspace.generation(gen) / "exam.jsonl")
        clean = tuple(item for item in items if item.id not in trained)
        if clean:
            exams.append(_Exam(gen, clean, len(items) - len(clean)))
    if not exams:
        names = " and ".join(model.label for model in models)
        raise UsageError(
            f"{names}: there is no exam to compare them on",
            hint="exams come with generations trained here: luna-tui train, then compare them",
        )
    return exams


def _trained_ids(workspace: Workspace, gen: int) -> set[str]:
    """Return the ids of the rows a generation was trained on, replay included; none for a hand-written one."""
    path = workspace.generation(gen) / "data" / "train.jsonl"
    if not path.exists():
        return set()
    return {str(json.loads(line)["id"]) for line in path.read_text(encoding="utf-8").split("\n") if line}


def _told(
    sittings: ResultCache,
    model: ModelRef,
    line: Sequence[int],
    exams: Sequence[_Exam],
    scores: Mapping[int, Mapping[str, float]],
    cards: CardsFile | None,
    tone: Tone,
    *,
    refusals: bool,
) -> dict[str, Any]:
    style = tone.style
    # Speed and memory are measured on the cards, or, where there are none, on an exam's prompts used as cards.
    asked: Sequence[Card] = cards.cards if cards is not None else _as_cards(exams)
    done = ask_model(sittings, model, asked)
    told: dict[str, Any] = {
        "label": model.label,
        "sha": model.sha,
        "gen": model.gen,
        "exams": {
            str(exam.gen): {
                **Score.of(sum(scores[exam.gen].values()), len(exam.items)).to_dict(),
                "taught": exam.gen in line,
            }
            for exam in exams
        },
        "drift": style.drift.to_dict(),
        "answered": style.answered.to_dict(),
        "tone": [
            {
                "id": answer.probe_id,
                "prompt": answer.prompt,
                "text": answer.text,
                "hits": [hit.to_dict() for hit in answer.hits],
            }
            for answer in style.answers
            if answer.sample == 0
        ],
        "cards": score_cards(done.results)[0].to_dict() if cards is not None else None,
        "tokens_per_s": done.tokens / done.seconds if done.seconds > 0 else 0.0,
        "memory_bytes": done.memory_bytes,
        "size_bytes": done.size_bytes,
    }
    if refusals:
        share, answers = judge_refusals(_refusal_texts(sittings, model), phrases(sittings.workspace, sittings.config))
        told["refusals"] = {"share": share.to_dict(), "answers": [answer.to_dict() for answer in answers]}
    return told


def _other_probes(models: Sequence[ModelRef], tones: Sequence[Tone]) -> list[str]:
    """Return a warning for each model whose drift was measured on other tone probes than the others'."""
    asked = most_common_probes(tones)
    return [
        f"{model.label} was asked other tone probes than the rest and cannot be asked again ({tone.why_other}): its "
        "style drift is not compared, and of its answers only those to the same probes in the same words stand beside "
        "others"
        for model, tone in zip(models, tones, strict=True)
        if asked_of(tone.style.answers) != asked
    ]


def _as_cards(exams: Sequence[_Exam]) -> list[Card]:
    items = [item for exam in exams for item in exam.items][:24]
    return [Card(id=item.id, kind="lookup", prompt=item.prompt, expected=item.expected) for item in items]


def _refusal_texts(sittings: ResultCache, model: ModelRef) -> list[str]:
    name = "refusals-" + sha256_text(json.dumps(load_refusals()))[:14]
    kept = sittings.kept(model, name)
    if isinstance(kept, list):
        return [str(text) for text in cast("list[object]", kept)]
    with sittings.loaded(model) as runtime:
        texts = [answer.text for answer in ask_refusals(runtime, progress=sittings.progress)]
    sittings.keep(model, name, texts)
    return texts


def _pair(
    models: Sequence[ModelRef],
    lines: Sequence[tuple[int, ...]],
    exams: Sequence[_Exam],
    marks: Sequence[Mapping[int, Mapping[str, float]]],
    other: int,
) -> dict[str, Any]:
    """Compare the first model with another one on all shared items and by exam; UsageError when no exam is shared."""
    mine, theirs = lines[0], lines[other]
    both = [exam for exam in exams if (not mine or exam.gen in mine) and (not theirs or exam.gen in theirs)]
    if not both:
        raise UsageError(
            f"{models[0].label} and {models[other].label} were taught nothing in common, so no exam is fair to both",
            hint=f"comparable with {models[0].label}: {', '.join(f'G{gen}' for gen in mine)}, and the base",
        )

    def paired(wanted: Sequence[_Exam]) -> dict[str, Any]:
        first = {f"{exam.gen}/{id_}": score for exam in wanted for id_, score in marks[0][exam.gen].items()}
        second = {f"{exam.gen}/{id_}": score for exam in wanted for id_, score in marks[other][exam.gen].items()}
        return compare(first, second).to_dict()

    return {
        "first": models[0].label,
        "second": models[other].label,
        "on": [exam.gen for exam in both],
        "all": paired(both),
        "exams": [{"gen": exam.gen, "taught_both": exam in both, **paired([exam])} for exam in exams],
    }


def _small(exams: Sequence[_Exam], config: Config) -> list[str]:
    target = config.eval.generalization_target
    needed = fewest_items(target)
    return [
        f"the exam of G{exam.gen} has {counted(len(exam.items), 'item')}: even without a fault it could not be told "
        f"from the target {target:g}, for which {needed} are needed"
        for exam in exams
        if len(exam.items) < needed
    ]


def _contaminated(workspace: Workspace, lines: Sequence[tuple[int, ...]], exams: Sequence[_Exam]) -> list[str]:
    gens = sorted({gen for line in lines for gen in line})
    held = {item.id for exam in exams for item in exam.items}
    trained = [
        (answer.id, answer.prompt, answer.text)
        for gen in gens
        if workspace.manifest(gen) is not None
        for row in new_rows_of(workspace, gen)
        for answer in row.learned_answers(with_history=False)
        if answer.id not in held
    ]
    warnings: list[str] = []
    for exam in exams:
        near = near_duplicates(((item.id, item.prompt, item.expected) for item in exam.items), trained)
        if near:
            warnings.append(
                f"{len(near)} of {len(exam.items)} questions in the exam of G{exam.gen} are asked in nearly the same "
                f"words in training, such as {near[0].prompt!r} and {near[0].trained!r}"
            )
    return warnings


def _plain(label: str) -> str:
    return "".join(mark if mark.isalnum() or mark in "._" else "_" for mark in label)[:40]
