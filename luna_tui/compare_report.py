"""The report of `compare`: a verdict in words for each pair, then the figures, then the answers side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from engine.counted import counted
from luna_tui import figures
from luna_tui.safe_text import safe_line
from luna_tui.terminal import LunaConsole, in_ascii

NOT_ASKED = "(not asked this)"
_STYLES = {"better": "bold green", "worse": "bold red", "within noise": "bold yellow"}


def print_comparison(console: LunaConsole, found: Mapping[str, Any]) -> None:
    """Print what `compare_models` returned."""
    for pair in found["pairs"]:
        _print(console, Text(sentence(pair), _STYLES[pair["all"]["verdict"]]))
        for line in exam_lines(pair):
            _print(console, Text(f"  {line}", "dim"))
    console.print()
    console.print(_figures(console, found["models"]))
    _print_answers(console, "tone probes, greedy", [(m["label"], tone_answers(m)) for m in found["models"]])
    if all("refusals" in model for model in found["models"]):
        _print_answers(console, "refusal set", [(m["label"], refusal_answers(m)) for m in found["models"]])
    for warning in found["warnings"]:
        _print(console, Text.assemble(("warning: ", "yellow"), safe_line(warning)))


def sentence(pair: Mapping[str, Any]) -> str:
    """The verdict on a pair in plain words, with the figures it rests on."""
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
    """One line for each exam; those that not both were taught say so, and do not count for the verdict."""
    return [
        f"exam of G{exam['gen']}: {exam['difference']:+.3f} of {exam['n']}, {exam['verdict']} (p {exam['p']:.2g})"
        + ("" if exam["taught_both"] else "; not taught to both")
        for exam in pair["exams"]
    ]


def _figures(console: LunaConsole, models: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("")
    for model in models:
        table.add_column(safe_line(model["label"])[:16], justify="right", no_wrap=True)
    for gen in models[0]["exams"]:
        table.add_row(f"exam of G{gen}", *(_score(model["exams"][gen]) for model in models))
    if models[0]["cards"] is not None:
        table.add_row("challenge cards", *(_score(model["cards"]) for model in models))
    table.add_row("style drift", *(tone_score(model, "drift") for model in models))
    table.add_row("tone answered", *(tone_score(model, "answered") for model in models))
    if all("refusals" in model for model in models):
        table.add_row("refuses, moralises", *(_score(model["refusals"]["share"]) for model in models))
    table.add_row("speed, tokens/s", *(f"{model['tokens_per_s']:.0f}" for model in models))
    table.add_row("memory", *(figures.size(model["memory_bytes"]) for model in models))
    table.add_row("GGUF", *(figures.size(model["size_bytes"]) for model in models))
    return table


def tone_score(model: Mapping[str, Any], name: str) -> str:
    """A share of the tone answers, or, where these were to other probes than the rest's, that it cannot be compared."""
    return f"{model[name]['value']:.2f}" if model.get("same_probes", True) else "other probes"


def _score(score: Mapping[str, Any]) -> str:
    taught = "" if score.get("taught", True) else "*"
    return f"{taught}{score['value']:.2f} of {score['n']}"


Question = tuple[str, str]
"""Id and wording of a probe: only answers to the same of both stand side by side."""

Answer = tuple[str, Sequence[tuple[int, int]]]
"""An answer, and the places in it that are flagged."""


def tone_answers(model: Mapping[str, Any]) -> dict[Question, Answer]:
    """The answers of a compared model to its tone probes."""
    return {
        (tone.get("id", ""), tone["prompt"]): (
            tone["text"],
            [(int(hit["start"]), int(hit["end"])) for hit in tone["hits"]],
        )
        for tone in model["tone"]
    }


def refusal_answers(model: Mapping[str, Any]) -> dict[Question, Answer]:
    """The answers of a compared model to the refusal set."""
    found: dict[Question, Answer] = {}
    for answer in model["refusals"]["answers"]:
        start = answer["text"].find(answer["sermon"]) if answer["sermon"] else -1
        places = [(start, start + len(answer["sermon"]))] if start >= 0 else []
        found["", answer["prompt"]] = (answer["text"] or answer["sermon"], places)
    return found


def side_by_side(models: Sequence[Mapping[Question, Answer]]) -> list[tuple[str, list[Answer | None]]]:
    """Every question that any of the models was asked with the answer of each, None from one that was not asked it."""
    questions = dict.fromkeys(question for answers in models for question in answers)
    return [(question[1], [answers.get(question) for answers in models]) for question in questions]


def _print_answers(console: LunaConsole, title: str, models: Sequence[tuple[str, Mapping[Question, Answer]]]) -> None:
    console.print()
    console.print(Text(title, "bold"))
    width = max(len(safe_line(label)) for label, _ in models)
    for prompt, answers in side_by_side([answers for _, answers in models]):
        _print(console, Text(f"  {safe_line(prompt)}", "cyan"))
        for (label, _), answer in zip(models, answers, strict=True):
            said = Text(NOT_ASKED, "dim") if answer is None else _flagged(*answer)
            _print(console, Text(f"    {safe_line(label):<{width}}  ", "dim").append_text(said))


def _flagged(text: str, places: Sequence[tuple[int, int]]) -> Text:
    """The answer on one line, its corporate or moralising words in red; cut before it is made safe, which may
    lengthen it.
    """
    shown = Text()
    at = 0
    for start, end in sorted(places):
        if start < at:
            continue
        shown.append(safe_line(text[at:start]), "not dim").append(safe_line(text[start:end]), "bold red")
        at = end
    return shown.append(safe_line(text[at:]), "not dim")


def _print(console: LunaConsole, text: Text) -> None:
    console.print(in_ascii(text) if console.ascii else text, soft_wrap=not console.is_terminal)
