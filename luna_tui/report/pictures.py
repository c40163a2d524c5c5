"""The report's pictures, drawn by matplotlib as SVG that is byte-identical for the same numbers."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # after choosing a backend that needs no screen

# Text as text keeps the file small and readable; the fixed hash salt makes its element ids reproducible.
_LOOKS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "luna",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
}
_MICRO, _ONE_SHOT, _BASE = "#1b7f5c", "#b5532a", "#777777"


def loss_curves(curves: Mapping[str, Sequence[float]]) -> str:
    """Draw the smoothed training loss of every generation over its steps, on a logarithmic scale."""
    with plt.rc_context(_LOOKS):
        figure, axes = plt.subplots(figsize=(8, 3.4))
        for name, losses in curves.items():
            axes.plot(range(1, len(losses) + 1), _smoothed(losses), label=name, linewidth=1.6)
        axes.set_yscale("log")
        axes.set_xlabel("optimizer step")
        axes.set_ylabel("loss (nats per trained token)")
        axes.legend(frameon=False)
        return _svg(figure)


def heat_map(rows: Sequence[str], columns: Sequence[str], cells: Sequence[Sequence[float | None]]) -> str:
    """Draw the forgetting matrix: rows are models, columns are exams, every known cell has its number."""
    values = [[float("nan") if cell is None else cell for cell in row] for row in cells]
    with plt.rc_context({**_LOOKS, "axes.grid": False}):
        figure, axes = plt.subplots(figsize=(1.6 + 1.0 * len(columns), 1.2 + 0.5 * len(rows)))
        axes.imshow(values, vmin=0, vmax=1, cmap="YlGn", aspect="auto")
        axes.set_xticks(range(len(columns)), [f"exam {name}" for name in columns])
        axes.set_yticks(range(len(rows)), rows)
        axes.tick_params(length=0)
        for y, row in enumerate(cells):
            for x, cell in enumerate(row):
                shade = "black" if cell is None or cell < 0.75 else "white"
                axes.text(x, y, "·" if cell is None else f"{cell:.2f}", ha="center", va="center", color=shade)
        return _svg(figure)


def lineage_scores(names: Sequence[str], series: Mapping[str, Sequence[float | None]]) -> str:
    """Draw each score along the lineage."""
    with plt.rc_context(_LOOKS):
        figure, axes = plt.subplots(figsize=(8, 3))
        for name, values in series.items():
            known = [(place, value) for place, value in enumerate(values) if value is not None]
            axes.plot([place for place, _ in known], [value for _, value in known], marker="o", label=name)
        axes.set_xticks(range(len(names)), names)
        axes.set_ylim(-0.03, 1.05)
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
        return _svg(figure)


def study_points(findings: Sequence[Mapping[str, Any]]) -> str:
    """Draw micro-generations and one-shot training exam by exam: the mean and the range over the seeds, with the base
    for comparison.
    """
    with plt.rc_context(_LOOKS):
        figure, axes = plt.subplots(figsize=(8, 3.4))
        for place, finding in enumerate(findings):
            for key, shift, colour in (("micro", -0.12, _MICRO), ("one_shot", 0.12, _ONE_SHOT)):
                spread = finding[key]
                axes.plot([place + shift] * 2, [spread["low"], spread["high"]], color=colour, linewidth=5, alpha=0.35)
                label = {"micro": "micro-generations", "one_shot": "one-shot"}[key] if place == 0 else None
                axes.plot(place + shift, spread["mean"], "o", color=colour, label=label)
            label = "base" if place == 0 else None
            axes.plot(place, finding["base"], "_", color=_BASE, markersize=18, label=label)
        axes.set_xticks(range(len(findings)), [str(f["what"]).removeprefix("the exam of ") for f in findings])
        axes.set_ylim(-0.03, 1.05)
        axes.set_ylabel("score")
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
        return _svg(figure)


def trade_off(points: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Draw the score on the first exam against the score on the later ones, a point for each trained model.

    The untrained base lies in a far corner and would compress the others into one spot, so only the legend names it.
    """
    colours = {"micro": _MICRO, "one-shot": _ONE_SHOT}
    with plt.rc_context(_LOOKS):
        figure, axes = plt.subplots(figsize=(5, 4))
        for name, found in points.items():
            if name == "base":
                (x, y), *_ = found
                axes.plot([], [], " ", label=f"(base: {x:.2f}, {y:.2f})")
            else:
                axes.scatter([x for x, _ in found], [y for _, y in found], label=name, s=45, color=colours.get(name))
        axes.margins(0.15)
        axes.set_xlabel("score on the first generation's exam (old knowledge)")
        axes.set_ylabel("mean score on the later exams")
        axes.legend(frameon=False)
        return _svg(figure)


def _smoothed(losses: Sequence[float], weight: float = 0.9) -> list[float]:
    """Return the exponential moving average, corrected for its bias towards the initial zero (as in Adam,
    arXiv:1412.6980).
    """
    average, smooth = 0.0, []
    for step, loss in enumerate(losses, start=1):
        average = weight * average + (1 - weight) * loss
        smooth.append(average / (1 - weight**step))
    return smooth


def _svg(figure: Any) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None}, bbox_inches="tight")
    plt.close(figure)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"
