"""Redraw cost of the loss chart beside plotext and textual-hires-canvas; one JSON line.

`python bench/p10_chart_redraw.py [REPEATS]`: median milliseconds, 75×14 cells, 300 steps with a parent's curve of 300.
plotext and textual-hires-canvas are compared where they are installed; luna needs neither. The canvas draws dots only:
no axes, ticks or labels. textual-plot draws on that canvas and cannot be driven without a running app.
"""

from __future__ import annotations

import importlib
import json
import math
import random
import statistics
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from luna_tui.common.loss_curve import Curve
from luna_tui.common.terminal import UNICODE
from luna_tui.console.render.chart.loss_chart import draw_chart

WIDTH, HEIGHT, STEPS = 75, 14, 300


def made(steps: int, seed: int) -> tuple[Curve, list[float], list[float]]:
    """A falling noisy loss: the curve, its raw losses and its smoothed ones."""
    chance = random.Random(seed)
    curve, average = Curve(), 0.0
    raw, smooth = [], []
    for step in range(1, steps + 1):
        loss = 2.3 * math.exp(-step / 80) + 0.3 + seed * 0.2 + chance.gauss(0, 0.1)
        average = 0.9 * average + 0.1 * loss
        raw.append(loss)
        smooth.append(average / (1 - 0.9**step))
        curve = curve.add(step, loss, smooth[-1], 2e-4, 0.8, 412.0)
    return curve, raw, smooth


def median_ms(draw: Callable[[], object], repeats: int) -> float:
    """Median milliseconds of a call, the first one left out."""
    draw()
    times: list[float] = []
    for _ in range(repeats):
        began = time.perf_counter()
        draw()
        times.append((time.perf_counter() - began) * 1000)
    return round(statistics.median(times), 2)


def ours(curve: Curve, ghost: Curve, width: int = WIDTH, height: int = HEIGHT) -> Callable[[], object]:
    return lambda: draw_chart(
        curve,
        ghost,
        width=width,
        height=height,
        total=curve.total,
        window=None,
        log_scale=False,
        show_raw=True,
        glyphs=UNICODE,
        ghost_name="G3",
    )


def plotext_chart(raw: list[float], smooth: list[float], ghost: list[float]) -> Callable[[], object] | None:
    plot = installed("plotext")
    if plot is None:
        return None
    steps = list(range(1, len(raw) + 1))

    def draw() -> object:
        plot.clear_figure()
        plot.plotsize(WIDTH, HEIGHT)
        plot.theme("clear")
        plot.scatter(steps, raw, marker="braille")
        plot.plot(steps, ghost, marker="braille")
        plot.plot(steps, smooth, marker="braille")
        return plot.build()

    return draw


def canvas_dots(raw: list[float], smooth: list[float], ghost: list[float]) -> Callable[[], object] | None:
    module = installed("textual_hires_canvas")
    if module is None:
        return None
    canvas = module.Canvas(WIDTH, HEIGHT)

    def place(step: float, loss: float) -> tuple[float, float]:
        return step / len(raw) * (WIDTH - 1), (3 - loss) / 3 * (HEIGHT - 1)

    def draw() -> object:
        canvas.reset(refresh=False)
        canvas._refreshes_pending = 1  # it has no app to ask for a repaint
        canvas.set_hires_pixels([place(step, loss) for step, loss in enumerate(raw)], style="raw")
        for losses, style in ((ghost, "ghost"), (smooth, "smooth")):
            points = [place(step, loss) for step, loss in enumerate(losses)]
            lines = [(*one, *other) for one, other in pairwise(points)]
            canvas.draw_hires_lines(lines, style=style)
        return canvas

    return draw


def installed(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    curve, raw, smooth = made(STEPS, 0)
    parent, _, ghost = made(STEPS, 1)
    long_run, _, _ = made(100_000, 0)
    others = {"plotext": plotext_chart(raw, smooth, ghost), "hires_canvas_dots_only": canvas_dots(raw, smooth, ghost)}
    print(
        json.dumps(
            {
                "claim": "chart redraw",
                "luna_ms": median_ms(ours(curve, parent), repeats),
                "luna_100000_steps_ms": median_ms(ours(long_run, parent), repeats),
                "luna_200x50_ms": median_ms(ours(curve, parent, 200, 50), repeats),
                **{f"{name}_ms": median_ms(draw, repeats) if draw else None for name, draw in others.items()},
                "cells": f"{WIDTH}x{HEIGHT}",
                "steps": STEPS,
                "target": {"luna_ms": 5},
            }
        )
    )


if __name__ == "__main__":
    main()
