"""The live display of a run on a terminal: a few lines redrawn in place, and facts printed above them."""

from __future__ import annotations

import os
from collections.abc import Callable

from rich.console import Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from engine.core.events import DataPrepared, Event, Exported, LogLine, RunStarted
from luna_tui.cli.train.views import STOPPING, data_sentence, export_sentence, headline
from luna_tui.common import figures
from luna_tui.common.run_state import STEPS, RunState, reduce
from luna_tui.common.safe_text import safe_line
from luna_tui.common.terminal import LunaConsole, in_ascii

_FRAMES_PER_S = 8
_FRAMES_PER_S_REMOTE = 3


class LiveView:
    """Draws a run on stderr's terminal; `finished` prints the result of each generation after its bars are removed."""

    def __init__(self, console: LunaConsole, clock: Callable[[], float], finished: Callable[[RunState], None]) -> None:
        self._console = console
        self._clock = clock
        self._finished = finished
        self._state = RunState()
        self._live: Live | None = None
        self._stopping = False
        self._waiting: list[Text] = []
        self._changed = False
        self._drawn = 0.0
        self._pause = 1 / (_FRAMES_PER_S_REMOTE if os.environ.get("SSH_CONNECTION") else _FRAMES_PER_S)

    def show(self, event: Event) -> None:
        self._state = reduce(self._state, event)
        self._changed = True
        if isinstance(event, RunStarted):
            self._console.print(Text(self._state.name, "bold"))
            self._waiting.insert(0, Text(headline(event), "dim"))
        elif isinstance(event, DataPrepared):
            self._waiting.append(Text(data_sentence(event), "yellow" if event.bad_rows else "dim"))
        elif isinstance(event, Exported):
            self._waiting.append(Text(export_sentence(event), "dim"))
        elif isinstance(event, LogLine):
            style = {"warning": "yellow", "error": "red"}.get(event.level, "dim")
            self._waiting.append(Text(safe_line(event.text), style))
        if self._state.finished is not None:
            self._shut()
            self._print_waiting()
            self._finished(self._state)
            self._state = RunState()
            return
        if self._live is None:
            self._open()
        # Notes that arrive before the run has a name wait for it, so that every line stands under its heading.
        if self._state.started is not None or self._state.run == "":
            self._print_waiting()

    def tick(self) -> None:
        now = self._clock()
        if self._live is None or not self._changed or now - self._drawn < self._pause:
            return
        self._drawn, self._changed = now, False
        self._live.update(self._picture(), refresh=True)

    def stopping(self) -> None:
        self._stopping = self._changed = True

    def close(self) -> None:
        self._shut()

    def _open(self) -> None:
        self._shut()
        self._live = Live(
            self._picture(),
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )
        self._live.start(refresh=True)

    def _shut(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _print_waiting(self) -> None:
        for text in self._waiting:
            self._console.print(Padding(in_ascii(text) if self._console.ascii else text, (0, 0, 0, 2)))
        self._waiting.clear()

    def _picture(self) -> RenderableType:
        lines: list[RenderableType] = [Text(), self._steps(), self._bar(), self._numbers()]
        if self._stopping:
            lines.append(Text(f"  {STOPPING}", "yellow"))
        return Group(*lines)

    def _steps(self) -> Text:
        glyphs = self._console.glyphs
        marks = {
            "done": (glyphs.accepted, "green"),
            "running": (glyphs.running, "bold"),
            "waiting": (glyphs.waiting, "dim"),
        }
        text = Text("  ")
        for step in STEPS:
            mark, style = marks[self._state.step_state(step)]
            text.append(f"{mark} {step}   ", style)
        return text

    def _bar(self) -> RenderableType:
        done, total, label, left = self._where()
        if total <= 0:
            return Text(f"  {label}", "dim")
        row = Table.grid(padding=(0, 2, 0, 0))
        row.add_column(no_wrap=True, overflow="ellipsis", max_width=max(10, self._console.width - 62))
        row.add_column(width=max(10, min(40, self._console.width - 50)))
        for _ in range(3):
            row.add_column(justify="right", no_wrap=True)
        bar = ProgressBar(total=total, completed=done, complete_style="cyan", finished_style="cyan")
        percent = figures.percent(done, total)
        row.add_row(
            Text(f"  {label}"),
            bar,
            f"{done:>{len(str(total))}}/{total}",
            f"{percent:>4}",
            f"{figures.duration(left)} left" if left else "",
        )
        return row

    def _where(self) -> tuple[int, int, str, float | None]:
        state = self._state
        if state.step == "train" and state.train is not None:
            return state.train.step, state.train.total, "train", state.train.eta_s
        if state.progress is not None:
            label = safe_line(state.progress.label) or state.step
            return state.progress.done, state.progress.total, label, state.progress.eta_s
        return 0, 0, safe_line(state.step_label or state.step or "starting"), None

    def _numbers(self) -> Text:
        step = self._state.train
        if step is None or self._state.step != "train":
            return Text()
        text = Text("  loss ", "dim")
        text.append(figures.loss(step.loss), "bold")
        text.append("  smoothed ", "dim").append(figures.loss(self._state.smoothed), "bold")
        text.append("  lr ", "dim").append(figures.learning_rate(step.lr))
        text.append(f"  {step.tokens_per_s:.0f}").append(" tok/s", "dim")
        return text.append("  feeding ", "dim").append(safe_line(step.stage))
