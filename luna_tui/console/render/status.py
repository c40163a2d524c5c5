"""The lines that are always shown: the current activity (top), the last notice, and the keys."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from luna_tui.common import figures
from luna_tui.common.safe_text import safe_line
from luna_tui.common.terminal import ASCII, Glyphs
from luna_tui.console.state.actions import ACTIONS, PANES
from luna_tui.console.state.console_state import ConsoleState, JobView

_VERDICT = {"accepted": "good", "rejected": "bad", "stopped": "warn"}


def draw_status(state: ConsoleState, width: int, glyphs: Glyphs, now: float, machine: Text | None = None) -> Text:
    """Return the top line: workspace, HEAD, what the engine does and for how long; the machine at the right where it
    fits.
    """
    left = Text().append(" ")
    if width >= 100:
        left.append("luna", "title").append(f" {glyphs.dot} ", "dim")
    left.append(_truncated(safe_line(state.name), max(8, width // 6), glyphs), "bold").append("  ")
    left.append_text(_head(state, glyphs)).append("  ")
    room = width - left.cell_len - 1
    right = machine if machine is not None and room - machine.cell_len >= 44 else None
    if right is not None:
        room -= right.cell_len + 2
    left.append_text(_doing(state, room, glyphs, now))
    if right is not None:
        left.append(" " * max(1, width - left.cell_len - right.cell_len - 1)).append_text(right)
    left.truncate(width)
    return left


def _head(state: ConsoleState, glyphs: Glyphs) -> Text:
    if state.rows is None:
        return Text().append("reading the lineage", "dim")
    if state.head is None:
        return Text().append("HEAD base", "head")
    text = Text().append(f"HEAD G{state.head}", "head")
    verdict = str((state.row(state.head) or {}).get("verdict") or "")
    mark = {"accepted": glyphs.accepted, "rejected": glyphs.rejected, "stopped": glyphs.stopped}.get(verdict, "")
    return text.append(f" {mark}", _VERDICT.get(verdict, "dim")) if mark else text


def _doing(state: ConsoleState, width: int, glyphs: Glyphs, now: float) -> Text:
    if state.missing:
        return Text().append(f"{glyphs.rejected} the workspace was moved or deleted", "bad")
    if state.busy:
        return _running(state, width, glyphs, now)
    if state.job is not None:
        return draw_job(state.job, width, glyphs)
    finished = state.run.finished
    if finished is not None and finished.gen is not None:
        word = f"G{finished.gen} {finished.verdict} after {figures.duration(finished.seconds)}"
        return Text().append("idle", "dim").append(f" {glyphs.dot} {word}", _VERDICT.get(finished.verdict, "dim"))
    if state.unfinished is not None:
        return (
            Text()
            .append("idle", "dim")
            .append(f" {glyphs.dot} G{state.unfinished} was stopped, r goes on with it", "warn")
        )
    return Text().append("idle", "dim")


def draw_job(job: JobView, width: int, glyphs: Glyphs) -> Text:
    """Return the job in progress beside training, with its progress."""
    text = Text().append(f"{glyphs.running} {safe_line(job.label)} ", "run")
    return _with_bar(text, job.done, job.total, job.eta_s, width, glyphs)


def _running(state: ConsoleState, width: int, glyphs: Glyphs, now: float) -> Text:
    run = state.run
    text = Text().append(f"{glyphs.running} ", "run")
    if run.run is None or run.finished is not None:
        return text.append(f"{safe_line(state.purpose) or 'training'}: getting ready", "run")
    text.append("stopping " if state.stopping else "", "warn")
    name = f"G{run.started.gen} {run.started.phase}" if run.started else "run"
    text.append(f"{name} {glyphs.dot} ", "run")
    step = run.train
    if run.step == "train" and step is not None:
        text.append(f"step {step.step}/{step.total} ", "run")
        return _with_bar(text, step.step, step.total, step.eta_s, width, glyphs)
    text.append(f"{safe_line(run.step or 'starting')} ", "run")
    if run.progress is not None and run.progress.total:
        progress = run.progress
        label = safe_line(progress.label)
        if label and label != run.step and width >= 60:
            text.append(f"{label} ", "dim")
        return _with_bar(text, progress.done, progress.total, progress.eta_s, width, glyphs)
    return text


def _with_bar(text: Text, done: int, total: int, eta_s: float | None, width: int, glyphs: Glyphs) -> Text:
    if total <= 0:
        return text
    left = f" {figures.duration(eta_s)} left" if eta_s is not None and done < total else ""
    tail = f" {figures.percent(done, total):>4}{left}"
    room = min(24, width - text.cell_len - len(tail))
    if room >= 6:
        text.append_text(bar(done / total, room, glyphs, "run"))
    return text.append(tail, "run")


def bar(share: float, width: int, glyphs: Glyphs, style: str) -> Text:
    """Return a bar of `width` cells, `share` of it filled."""
    share = min(1.0, max(0.0, share))
    if glyphs is ASCII:
        full = int(share * width)
        return Text().append("=" * full, style).append("-" * (width - full), "ghost")
    halves = int(share * width * 2)
    text = Text().append("━" * (halves // 2), style)
    if halves % 2:
        text.append("╸", style)
    return text.append("─" * (width - text.cell_len), "ghost")


def draw_notice(state: ConsoleState, width: int, glyphs: Glyphs) -> Text:
    """Return the line above the keys: the last notice, or a warning about the machine, or what to do next."""
    text = Text().append(" ")
    if state.notice is not None:
        style = {"error": "bad", "warning": "warn"}.get(state.notice.level, "dim")
        text.append(safe_line(state.notice.text), style)
        if state.notice.hint:
            text.append(f"  {glyphs.arrow} {safe_line(state.notice.hint)}", "dim")
    elif state.warnings:
        text.append(safe_line(state.warnings[0]), "warn")
    elif state.rows is not None and not state.rows and not state.busy:
        text.append("nothing evolved yet: ", "dim").append("t", "key").append(" trains the first generation", "dim")
    meter = _karma(state, glyphs, with_bar=width >= 100)
    text = _fit(text, width - meter.cell_len, glyphs)
    return text.append(" " * max(0, width - text.cell_len - meter.cell_len)).append_text(meter)


def _karma(state: ConsoleState, glyphs: Glyphs, *, with_bar: bool) -> Text:
    """Return how far the inbox is from the next generation; empty without karma or while one is in training."""
    karma = state.karma
    if karma is None or not karma.karma or state.busy:
        return Text()
    text = Text().append(f"  karma {karma.karma:g}/{karma.needed:g} ", "dim")
    return text.append_text(bar(karma.karma / karma.needed, 12, glyphs, "accent")).append(" ") if with_bar else text


def draw_keys(state: ConsoleState, width: int, height: int, glyphs: Glyphs) -> list[Text]:
    """Return the keys that do something now, on at most `height` lines; a click on one has the same effect."""
    lines = [Text().append(" ")]
    for action in (action for action in ACTIONS if action.in_footer):
        off = bool(action.refusal(state))
        if off and action.name in ("stop", "resume"):
            continue
        piece = Text().append(action.shown_key, "dim" if off else "key").append(f" {action.label}", "dim")
        piece.apply_meta({"@click": f"app.act('{action.name}')"})
        if lines[-1].cell_len + piece.cell_len + 2 > width:
            if len(lines) == height:
                break
            lines.append(Text().append(" "))
        lines[-1].append_text(piece).append("  ")
    return lines


def draw_tabs(active: str, shown: Sequence[str], width: int, glyphs: Glyphs) -> Text:
    """Return the panes with their number keys, the visible one in brackets."""
    text = Text().append(" ")
    for number, (pane, title) in enumerate(PANES, start=1):
        if pane not in shown:
            continue
        here = pane == active
        piece = Text().append(f"[{number} {title}]" if here else f" {number} {title} ", "accent" if here else "dim")
        piece.apply_meta({"@click": f"app.pane('{pane}')"})
        text.append_text(piece)
        if width >= 90:
            text.append(" ")
    text.truncate(width)
    return text


def _fit(text: Text, width: int, glyphs: Glyphs) -> Text:
    if text.cell_len > width:
        text.truncate(max(0, width - len(glyphs.ellipsis)))
        text.append(glyphs.ellipsis, "dim")
    return text


def _truncated(text: str, width: int, glyphs: Glyphs) -> str:
    return text if len(text) <= width else text[: width - len(glyphs.ellipsis)] + glyphs.ellipsis
