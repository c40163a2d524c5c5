"""One progress bar with the time left, on stderr: redrawn on a terminal, an occasional line elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import IO

from engine.service.work import ProgressCallback
from luna_tui.common import figures
from luna_tui.common.safe_text import safe_line
from luna_tui.common.terminal import LunaConsole, is_live

_EVERY_S = 10.0
_PATIENCE_S = 2.0


@contextlib.contextmanager
def bar(title: str, *, quiet: bool = False, stream: IO[str] | None = None) -> Iterator[ProgressCallback]:
    """Yield a callback `progress(done, total, label)`; `quiet` shows nothing where the bar could not be redrawn."""
    err = sys.stderr if stream is None else stream
    if is_live(err):
        with _live_bar(title, err) as report:
            yield report
    elif quiet:
        yield lambda _done, _total, _label: None
    else:
        yield _lines(title, err, time.monotonic)


@contextlib.contextmanager
def _live_bar(title: str, err: IO[str]) -> Iterator[ProgressCallback]:
    from rich.progress import BarColumn, ProgressColumn, Task, TextColumn
    from rich.progress import Progress as Bars
    from rich.text import Text

    class Left(ProgressColumn):
        def render(self, task: Task) -> Text:
            if task.finished or not task.time_remaining:
                return Text("")
            return Text(f"{figures.duration(task.time_remaining)} left", "dim")

    class Where(ProgressColumn):
        def render(self, task: Task) -> Text:
            total = int(task.total or 0)
            return Text(f"{int(task.completed)}/{total} {figures.percent(task.completed, total):>4}" if total else "")

    console = LunaConsole(err)
    width = min(36, max(10, console.width - 60))
    room = max(len(title), console.width - width - 30)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=width, complete_style="cyan", finished_style="cyan"),
        Where(),
        Left(),
    )
    with Bars(
        *columns, console=console, refresh_per_second=4, transient=True, redirect_stdout=False, redirect_stderr=False
    ) as bars:
        task = bars.add_task(title, total=None)

        def report(done: int, total: int, label: str) -> None:
            shown = safe_line(label)
            if console.ascii:
                shown = shown.encode("ascii", "replace").decode()
            bars.update(task, completed=done, total=total or None, description=_titled(title, shown)[:room])

        yield report


def _titled(title: str, label: str) -> str:
    return f"{title}: {label}" if label else title


def _lines(title: str, err: IO[str], clock: Callable[[], float]) -> ProgressCallback:
    began = last = clock()

    def report(done: int, total: int, label: str) -> None:
        nonlocal last
        now = clock()
        if now - began < _PATIENCE_S or now - last < _EVERY_S:
            return
        last = now
        left = figures.duration((now - began) / done * (total - done)) if done else figures.duration(None)
        print(
            f"{_titled(title, safe_line(label))} {done}/{total} {figures.percent(done, total)}, {left} left",
            file=err,
            flush=True,
        )

    return report
