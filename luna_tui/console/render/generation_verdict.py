"""Explains the verdict on a generation: the targets it missed and by how much, its worst items, what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from luna_tui.common.score_lines import ScoreLine, score_lines
from luna_tui.common.terminal import Glyphs
from luna_tui.console.render.conversation import fold, shown_line

_WORST = 3
_LINES = 3
Values = Mapping[str, Any]


def draw_verdict(
    row: Values,
    scores: Values,
    evaluation: Values | str | None,
    targets: Mapping[str, float],
    head: int | None,
    width: int,
    glyphs: Glyphs,
) -> list[Text]:
    """Return the section `Verdict` of a generation's page, each line at most `width` cells."""
    gen = row["GEN_ID"]
    lines = [Text(), Text("Verdict", "title"), *_indented(_what_it_means(row, head), "", width)]
    missed = {line.label: line for line in score_lines(scores, targets) if line.passed is False}
    # An accepted one has a reason only where it was rescued, which is a note and not an error.
    mark, style = (glyphs.dot, "warn") if row.get("verdict") == "accepted" else (glyphs.rejected, "bad")
    for reason in row.get("reasons") or ():
        words = shown_line(str(reason), glyphs) + _missed_by(str(reason), missed)
        lines += [
            Text(f"  {mark} " if i == 0 else "    ", style).append(line, style)
            for i, line in enumerate(fold(words, max(12, width - 6)))
        ]
    if isinstance(evaluation, str):
        lines += _indented(f"its items cannot be read: {shown_line(evaluation, glyphs)}", "warn", width)
    elif evaluation is None:
        lines.append(Text(f"  reading its items{glyphs.ellipsis}", "dim"))
    else:
        lines += _worst(gen, row.get("parent_gen"), evaluation, [line.name for line in missed.values()], width, glyphs)
    return [*lines, *_next(row, head, width)]


def _what_it_means(row: Values, head: int | None) -> str:
    gen, verdict, parent = row["GEN_ID"], row.get("verdict"), row.get("parent_gen")
    stayed = "the base" if parent is None else f"G{parent}"
    if verdict == "accepted":
        return "Every target was met; it is HEAD." if head == gen else "Every target was met; it became HEAD then."
    if verdict == "rejected":
        return f"Rejected: HEAD stayed at {stayed}. The model and its data are kept as evidence."
    if verdict == "stopped":
        return f"Stopped by the stop rule: HEAD stayed at {stayed}. The data is at fault, not the size of the model."
    return "No verdict was recorded: the row was written by hand."


def _missed_by(reason: str, missed: Mapping[str, ScoreLine]) -> str:
    for label, line in missed.items():
        if reason.startswith(label) or (line.name == "answered" and "silent" in reason):
            return f": missed by {line.shortfall}"
    return ""


def _worst(
    gen: int, parent: int | None, evaluation: Values, missed: Sequence[str], width: int, glyphs: Glyphs
) -> list[Text]:
    items: Sequence[Values] = evaluation.get("items") or ()
    tone: Sequence[Values] = evaluation.get("tone") or ()
    failed = [item for item in items if float(item["score"]) < 1.0]
    corporate = [answer for answer in tone if answer["hits"]]
    if not items:
        return [Text("  its items are not in this workspace", "dim")]
    counts = f"{len(failed)} of {len(items)} items failed, {len(corporate)} of {len(tone)} tone answers corporate"
    lines = [Text(f"  {counts}", "warn" if failed or corporate else "good")]
    for item in worst_items(failed, gen, parent, missed)[:_WORST]:
        lines += _item(item, width, glyphs)
    if "drift" in missed:
        for answer in corporate[:_WORST]:
            phrases = ", ".join(sorted({str(hit["phrase"]) for hit in answer["hits"]}))
            lines += _labelled("tone", str(answer["prompt"]), "", width, glyphs)
            lines += _labelled("said", f"{answer['text']}  [{phrases}]", "bad", width, glyphs)
    return lines


def worst_items(failed: Sequence[Values], gen: int, parent: int | None, missed: Sequence[str]) -> list[Values]:
    """Return the failed items, worst first: those of the exam whose target was missed, then by the margin of the wrong
    answer.
    """
    sets = {"generalization": f"exam:G{gen}", "recall": f"qa:G{parent}"}
    wanted = {sets[name] for name in missed if name in sets} or {sets["generalization"]}
    return sorted(failed, key=lambda item: (not wanted & set(item.get("sets") or ()), -_margin(item)))


def _margin(item: Values) -> float:
    """Return the log-likelihood margin of the chosen answer over the true one, in nats per token; 0 without scored
    candidates.
    """
    scored = (item.get("detail") or {}).get("logprobs") or {}
    known = [value for value in scored.values() if isinstance(value, int | float)]
    true = scored.get(item["expected"])
    return max(known) - true if isinstance(true, int | float) else 0.0


def _item(item: Values, width: int, glyphs: Glyphs) -> list[Text]:
    got = str(item["output"]).strip() or "(nothing)"
    if item.get("stop_reason") == "length":
        got += "  (did not stop)"
    return [
        *_labelled(f"{glyphs.rejected} asked", str(item["prompt"]), "", width, glyphs),
        *_labelled("expected", str(item["expected"]), "good", width, glyphs),
        *_labelled("got", got, "bad", width, glyphs),
    ]


def _labelled(label: str, words: str, style: str, width: int, glyphs: Glyphs) -> list[Text]:
    folded = fold(shown_line(words, glyphs), max(12, width - 14))
    if len(folded) > _LINES:
        folded = [*folded[: _LINES - 1], f"{folded[_LINES - 1][:-3]}{glyphs.ellipsis}"]
    return [Text(f"    {label if at == 0 else '':<9} ", "label").append(line, style) for at, line in enumerate(folded)]


def _next(row: Values, head: int | None, width: int) -> list[Text]:
    gen, verdict = row["GEN_ID"], row.get("verdict")
    if verdict == "accepted":
        words = (("c", "talks to it"), ("t", "trains the next one") if head == gen else ("b", "moves HEAD back to it"))
    elif verdict in ("rejected", "stopped"):
        words = (("i", "shows every item"), ("t", "trains again once its rows are mended"))
    else:
        words = (("v", "examines it"), ("c", "talks to it"))
    text = Text("  next: ", "label")
    for at, (key, what) in enumerate(words):
        text.append(", " if at else "", "dim").append(key, "key").append(f" {what}", "dim")
    text.truncate(width)
    return [text]


def _indented(words: str, style: str, width: int) -> list[Text]:
    return [Text("  ").append(line, style) for line in fold(words, max(12, width - 4))]
