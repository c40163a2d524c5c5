"""The texts about compared models that every view shares: the verdict in words, and their answers side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.core.counted import counted
from luna_tui.common.safe_text import safe_line

NOT_ASKED = "(not asked this)"

Question = tuple[str, str]
"""Id and wording of a probe: only answers to the same of both stand side by side."""

Answer = tuple[str, Sequence[tuple[int, int]]]
"""An answer, and the places in it that are flagged."""


def sentence(pair: Mapping[str, Any]) -> str:
    """Return the verdict on a pair of models in plain words, with the figures it rests on."""
    whole = pair["all"]
    exams = ", ".join(f"G{gen}" for gen in pair["on"])
    words = {
        "better": f"{pair['second']} is better than {pair['first']}",
        "worse": f"{pair['second']} is worse than {pair['first']}",
        "within noise": f"{pair['second']} and {pair['first']} differ within noise",
    }[whole["verdict"]]
    return (
        f"{safe_line(words)}: {counted(whole['won'], 'item')} won and {whole['lost']} lost of {whole['n']} "
        f"on the exams of {exams} "
        f"({whole['difference']:+.3f}, 95 % {whole['low']:+.3f} to {whole['high']:+.3f}, p {whole['p']:.2g})"
    )


def exam_lines(pair: Mapping[str, Any]) -> list[str]:
    """Return one line per exam; an exam that not both models were trained on says so and does not count for the
    verdict.
    """
    return [
        f"exam of G{exam['gen']}: {exam['difference']:+.3f} of {exam['n']}, {exam['verdict']} (p {exam['p']:.2g})"
        + ("" if exam["taught_both"] else "; not taught to both")
        for exam in pair["exams"]
    ]


def tone_answers(model: Mapping[str, Any]) -> dict[Question, Answer]:
    """Return a compared model's answers to its tone probes, with the character ranges of the corporate phrases."""
    return {
        (tone.get("id", ""), tone["prompt"]): (
            tone["text"],
            [(int(hit["start"]), int(hit["end"])) for hit in tone["hits"]],
        )
        for tone in model["tone"]
    }


def refusal_answers(model: Mapping[str, Any]) -> dict[Question, Answer]:
    """Return a compared model's answers to the refusal set, with the character range of any moralising passage."""
    found: dict[Question, Answer] = {}
    for answer in model["refusals"]["answers"]:
        start = answer["text"].find(answer["sermon"]) if answer["sermon"] else -1
        places = [(start, start + len(answer["sermon"]))] if start >= 0 else []
        found["", answer["prompt"]] = (answer["text"] or answer["sermon"], places)
    return found


def side_by_side(models: Sequence[Mapping[Question, Answer]]) -> list[tuple[str, list[Answer | None]]]:
    """Return every prompt that any model was given, with each model's answer, None where it was not given it."""
    questions = dict.fromkeys(question for answers in models for question in answers)
    return [(question[1], [answers.get(question) for answers in models]) for question in questions]
