"""The evals pane: three gauges with their targets, intervals and trends, and the scores on the ancestors' exams."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from rich.text import Text

from engine.core.gen_label import gen_label
from luna_tui.common import figures
from luna_tui.common.safe_text import safe_line
from luna_tui.common.score_lines import AncestorExam, ScoreLine, ancestor_exams, score_lines
from luna_tui.common.terminal import ASCII, Glyphs
from luna_tui.console.render.chart.sparkline import sparkline
from luna_tui.console.render.made_with import tone_asked
from luna_tui.console.render.status import bar
from luna_tui.console.state.console_state import ConsoleState

# A drop on an ancestor's exam by more than this is highlighted; smaller ones are within what a few items make.
NOTABLE_FALL = 0.03

_COLUMNS = {"recall": "eval_recall", "generalization": "eval_generalization", "drift": "eval_style_drift"}


@dataclass(frozen=True, slots=True)
class Trend:
    """One score along the path from the root, oldest first, and the parent's score; None where it is not known."""

    values: tuple[float, ...]
    parent: float | None


@dataclass(frozen=True, slots=True)
class EvalsView:
    """The pane's contents: a generation's scores, where they come from, and the work in progress beside them."""

    title: str
    lines: tuple[ScoreLine, ...] = ()
    ancestors: tuple[AncestorExam, ...] = ()
    trends: Mapping[str, Trend] | None = None
    verdict: str = ""
    reasons: tuple[str, ...] = ()
    note: str = ""
    waiting: tuple[str, int, int, float | None] | None = None
    empty: tuple[str, ...] = ()


def evals_view(state: ConsoleState) -> EvalsView:
    """Return the view of the generation that was just evaluated while its run lasts, else of the selected one."""
    run, gen = state.run, state.ui.selected
    waiting = _waiting(state)
    if state.training and run.scores and run.started is not None:
        lines = score_lines(run.scores, state.targets)
        # Which tone probes it was given is recorded in its manifest, which is still being loaded.
        trends = _trends(state, run.started.parent_gen, lines, tone_asked(state.row(run.started.parent_gen)))
        exams = ancestor_exams(run.scores.get("by_ancestor"), _when_new(state))
        title = f"G{run.started.gen} vs {gen_label(run.started.parent_gen)}"
        verdict, reasons = (run.judged.verdict, tuple(run.judged.reasons)) if run.judged else ("", ())
        return EvalsView(title, tuple(lines), tuple(exams), trends, verdict, reasons, "just examined", waiting)
    if gen is None:
        return _base(state, waiting)
    row = state.row(gen)
    if row is None:
        return EvalsView("", waiting=waiting, empty=("no exam yet",))
    row = _with_scores(row, state.manifests.get(gen))
    lines = _row_scores(row, state.targets)
    exams = ancestor_exams(row.get("by_ancestor"), _when_new(state))
    parent = row.get("parent_gen")
    return EvalsView(
        f"G{gen} vs {gen_label(parent)}",
        tuple(lines),
        tuple(exams),
        _trends(state, parent, lines, tone_asked(row)),
        str(row.get("verdict") or ""),
        tuple(str(reason) for reason in row.get("reasons") or ()),
        _again(state.evaluations.get(f"G{gen}"), lines),
        waiting,
        () if lines else ("no scores are recorded for this generation",),
    )


def _base(state: ConsoleState, waiting: tuple[str, int, int, float | None] | None) -> EvalsView:
    found = state.evaluations.get("base")
    if isinstance(found, Mapping):
        lines = score_lines(found["scores"], state.targets)
        exams = ancestor_exams(found.get("by_ancestor"), _when_new(state))
        return EvalsView("base", tuple(lines), tuple(exams), None, note=str(found.get("note") or ""), waiting=waiting)
    if not state.rows:
        empty = (
            "no exam yet.",
            "every generation sits three: recall (what its parent knew),",
            "generalization (held-out questions), style drift (corporate phrases)",
        )
        return EvalsView("", waiting=waiting, empty=empty)
    return EvalsView("base", waiting=waiting, empty=("v puts the base through the exams of HEAD's lineage",))


def _with_scores(row: Mapping[str, Any], manifest: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return a row with its scores, taken from the manifest where the row of a very long lineage comes without them."""
    if row.get("scores") or not manifest:
        return row
    scores = manifest.get("scores") or {}
    return {**row, "scores": scores, "by_ancestor": scores.get("by_ancestor", {})}


def _row_scores(row: Mapping[str, Any], targets: Mapping[str, float]) -> list[ScoreLine]:
    """Return a row's scores; a hand-written row has only its three numbers, without counts."""
    scores = row.get("scores")
    if isinstance(scores, Mapping) and scores:
        return score_lines(scores, targets)
    plain: dict[str, Any] = {}
    for name, column in _COLUMNS.items():
        try:
            value = float(str(row.get(column)))
        except ValueError:
            continue
        plain[name] = {"value": value, "n": 0, "low": value, "high": value}
    return score_lines(plain, targets)


def _again(evaluation: object, lines: Sequence[ScoreLine]) -> str:
    """Return whether a new evaluation agrees with the recorded one, in words."""
    if not isinstance(evaluation, Mapping) or str(evaluation.get("note") or "").startswith("as recorded"):
        return ""
    scores = evaluation.get("scores") or {}
    differ = [
        f"{line.label.strip()} {figures.score(scores[line.name]['value'])}"
        for line in lines
        if scores.get(line.name) and abs(float(scores[line.name]["value"]) - line.value) > 1e-9
    ]
    return f"examined again, and it differs: {', '.join(differ)}" if differ else "examined again: the same scores"


def _trends(state: ConsoleState, parent: int | None, lines: Sequence[ScoreLine], asked: str | None) -> dict[str, Trend]:
    path: list[Mapping[str, Any]] = []
    at = parent
    while at is not None and (row := state.row(at)) is not None and len(path) < 64:
        path.append(row)
        at = row.get("parent_gen")
    found: dict[str, Trend] = {}
    for line in lines:
        if (column := _COLUMNS.get(line.name)) is None:
            continue
        # The drift on other tone probes does not belong to this trend.
        alike = list(takewhile(lambda row: tone_asked(row) == asked, path)) if line.name == "drift" else path
        before = [value for row in reversed(alike) if isinstance(value := row.get(column), int | float)]
        last = alike[0].get(column) if alike else None
        parents = float(last) if isinstance(last, int | float) else None
        found[line.name] = Trend((*map(float, before), line.value), parents)
    return found


def _when_new(state: ConsoleState) -> dict[int, float | None]:
    return {gen: row.get("eval_generalization") for gen, row in state.by_gen.items()}


def _waiting(state: ConsoleState) -> tuple[str, int, int, float | None] | None:
    job, run = state.job, state.run
    if job is not None and job.job == "evaluate":
        return (job.label, job.done, job.total, job.eta_s)
    if state.training and run.step == "examine" and run.progress is not None:
        progress = run.progress
        return (f"G{run.gen} sits {progress.label}", progress.done, progress.total, progress.eta_s)
    return None


def draw_evals(view: EvalsView, width: int, height: int, glyphs: Glyphs) -> list[Text]:
    """Return the pane's lines; the least important ones are omitted where there is little height."""
    lines: list[Text] = []
    if view.waiting is not None:
        lines.append(_wait_line(view.waiting, width, glyphs))
    for sentence in view.empty:
        lines.extend(_folded(sentence, width, "dim"))
    gauges = [line for line in view.lines if line.name in _COLUMNS]
    room = height - len(lines)
    for line in gauges:
        trend = (view.trends or {}).get(line.name)
        lines.append(_heading(line, trend, width, glyphs))
        if room >= 2 * len(gauges) + 2:
            lines.append(_gauge(line, width, glyphs))
    lines.extend(_rest(view.lines, width))
    if view.verdict in ("rejected", "stopped"):
        for reason in view.reasons or (view.verdict,):
            lines.extend(_folded(f"{glyphs.rejected} {reason}", width, "bad"))
    for exam in _worst_first(view.ancestors)[: max(1, height - len(lines) - bool(view.note))]:
        lines.append(_exam(exam, width, glyphs))
    if view.note:
        lines.extend(_folded(view.note, width, "warn" if "differs" in view.note else "dim"))
    return lines


def _wait_line(waiting: tuple[str, int, int, float | None], width: int, glyphs: Glyphs) -> Text:
    label, done, total, eta_s = waiting
    text = Text().append(f"{glyphs.running} {safe_line(label)} ", "run")
    left = f" {figures.percent(done, total):>4}"
    left += f" {figures.duration(eta_s)} left" if eta_s is not None and done < total else ""
    room = min(20, width - text.cell_len - len(left))
    if total and room >= 6:
        text.append_text(bar(done / total, room, glyphs, "run"))
    text.append(left, "run")
    text.truncate(width)
    return text


def _heading(line: ScoreLine, trend: Trend | None, width: int, glyphs: Glyphs) -> Text:
    style = "" if line.passed is None else "good" if line.passed else "bad"
    text = Text().append(f"{line.label.strip():<15}"[: max(6, width - 18)], "label")
    text.append(f"{figures.score(line.value, line.target):>6}", style)
    if line.target is not None:
        mark = glyphs.accepted if line.passed else glyphs.rejected
        text.append(f" {mark}", style).append(f" {line.sign}{line.target:.2f}", "dim")
    more: list[tuple[str, str]] = []
    if trend is not None and trend.parent is not None:
        more.append((f"  {line.value - trend.parent:+.2f}", "dim"))
    if trend is not None and len(trend.values) > 1:
        trail = sparkline(trend.values[-12:], min(12, len(trend.values)), glyphs, low=0.0, high=1.0)
        more.append((f" {trail}", "accent"))
    if line.n:
        more.append((f"  {line.count}/{line.n}", "dim"))
    for piece, style_of in more:
        if text.cell_len + len(piece) <= width:
            text.append(piece, style_of)
    text.truncate(width)
    return text


def _gauge(line: ScoreLine, width: int, glyphs: Glyphs) -> Text:
    """Return a bar with the 95 % interval beside it and the target as a tick in it."""
    interval = f" {line.low:.2f}{glyphs.dash}{line.high:.2f}" if line.n else ""
    size = max(4, width - len(interval))
    style = "run" if line.passed is None else "good" if line.passed else "bad"
    text = bar(line.value, size, glyphs, style)
    if line.target is not None:
        tick = min(size - 1, int(line.target * size))
        sign = "|" if glyphs is ASCII else "┃"
        marked = text[:tick]
        marked.append(sign, "bold").append_text(text[tick + 1 :])
        text = marked
    return text.append(interval, "dim")


def _rest(lines: Sequence[ScoreLine], width: int) -> list[Text]:
    """Return the scores without a gauge, on one line where they all fit, else on two; counts where there is room."""
    others = [line for line in lines if line.name not in _COLUMNS]
    found: list[Text] = []
    for counts in (True, False):
        found = [Text()]
        for line in others:
            piece = Text().append(f"{line.label.strip()} ", "label")
            piece.append(figures.score(line.value, line.target), "bad" if line.passed is False else "dim")
            piece.append(f" {line.count}/{line.n}" if line.n and counts else "", "dim")
            if found[-1] and found[-1].cell_len + 2 + piece.cell_len > width:
                found.append(Text())
            found[-1].append("  " if found[-1] else "").append_text(piece)
        if len(found) == 1:
            break
    for text in found:
        text.truncate(width)
    return [text for text in found if text]


def _worst_first(exams: Sequence[AncestorExam]) -> list[AncestorExam]:
    return sorted(exams, key=lambda exam: exam.value - (exam.was if exam.was is not None else exam.value))


def _exam(exam: AncestorExam, width: int, glyphs: Glyphs) -> Text:
    fell = exam.was is not None and exam.was - exam.value > NOTABLE_FALL
    text = (
        Text()
        .append(f"exam of G{exam.gen:<5}", "label")
        .append(f"{figures.score(exam.value):>5}", "warn" if fell else "")
    )
    if exam.was is not None:
        text.append(f" was {figures.score(exam.was)}", "dim")
        if fell:
            text.append(f" {glyphs.arrow} forgets", "warn")
    text.truncate(width)
    return text


def _folded(sentence: str, width: int, style: str) -> list[Text]:
    return [Text().append(line, style) for line in textwrap.wrap(safe_line(sentence), max(10, width)) or [""]]
