"""Draws the machine: a summary for the top line, and a pane with a bar and the recent history of each resource."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence

from rich.text import Text

from engine.diagnostics.resource_monitor import (
    GpuSample,
    ResourceHistory,
    ResourceSample,
    disk_is_low,
    gpu_is_full,
    gpu_is_hot,
    ram_is_low,
)
from luna_tui.common import figures
from luna_tui.common.safe_text import safe_line
from luna_tui.common.terminal import ASCII, Glyphs, ascii_text
from luna_tui.console.render.chart.sparkline import sparkline
from luna_tui.console.render.status import bar

_LABEL = 6
_VALUE = 14
_LONGEST_PAST = 16
_RESOURCES = 4
# A temperature bar is full at this many degrees Celsius: the limit of most GPUs; 87 is visibly below it.
_FULL_C = 100

Piece = tuple[str, bool]
Take = Callable[[ResourceSample], float | None]


def draw_machine_summary(history: ResourceHistory, width: int, glyphs: Glyphs) -> Text:
    """Return a one-line summary: a GPU where there is one, else processor, memory and disk; shortages are highlighted.

    Of several GPUs it is the one with a problem or else the busiest. Where not all fits, values without a problem are
    dropped first.
    """
    sample = history.last
    if sample is None:
        return Text()
    pieces = [piece for piece in _pieces(sample, glyphs) if piece[0]]
    while pieces and sum(len(text) for text, _ in pieces) + len(pieces) - 1 > width:
        fine = [index for index, (_, short) in enumerate(pieces) if not short]
        pieces.pop(fine[-1] if fine else -1)
    line = Text(no_wrap=True)
    for text, short in pieces:
        line.append(" " if line else "").append(text, "warn" if short else "dim")
    return line


def draw_machine_pane(
    history: ResourceHistory, warnings: Sequence[str], width: int, height: int, glyphs: Glyphs
) -> list[Text]:
    """Return a line for each resource with a bar, its recent history and its value, below the warnings.

    The GPUs get as many lines each as `height` allows: name, use, memory, temperature and power, or one for all.
    """
    sample = history.last
    if sample is None:
        return [Text("measuring", "dim")]
    lines = _warning_lines(warnings, width, height - _RESOURCES - len(sample.gpus), glyphs)
    lines += _resource_lines(sample, history.samples, width, glyphs)
    room = (height - len(lines)) // max(1, len(sample.gpus))
    for number in range(len(sample.gpus)):
        lines += _gpu_lines(number, history.samples, room, width, glyphs)
    return lines[: max(1, height)]


def _pieces(sample: ResourceSample, glyphs: Glyphs) -> list[Piece]:
    """Return (text, whether the value is a problem) from the most to the least important."""
    ram = (f"RAM {_of(sample.ram_used, sample.ram_total, glyphs)}", ram_is_low(sample))
    disk = (f"disk {_size(sample.disk_free, glyphs)}", disk_is_low(sample))
    if not sample.gpus:
        return [(f"CPU {_percent(sample.cpu_percent, glyphs)}", False), ram, disk]
    number = max(range(len(sample.gpus)), key=lambda index: _interest(sample.gpus[index]))
    gpu = sample.gpus[number]
    label = f"GPU{number}" if len(sample.gpus) > 1 else "GPU"
    return [
        (f"{label} {_percent(gpu.utilisation_percent, glyphs)}", False),
        (_of(gpu.memory_used, gpu.memory_total, glyphs) if gpu.memory_total else "", gpu_is_full(gpu)),
        (_degrees(gpu.temperature_c, glyphs) if gpu.temperature_c is not None else "", gpu_is_hot(gpu)),
        *(piece for piece in (ram, disk) if piece[1]),
    ]


def _interest(gpu: GpuSample) -> tuple[bool, float]:
    return gpu_is_hot(gpu) or gpu_is_full(gpu), gpu.utilisation_percent or 0.0


def _warning_lines(warnings: Sequence[str], width: int, room: int, glyphs: Glyphs) -> list[Text]:
    """Wrap warnings into at most `room` lines; where they do not fit each is truncated to one line."""
    shown = [ascii_text(safe_line(warning)) if glyphs is ASCII else safe_line(warning) for warning in warnings]
    folded = [line for warning in shown for line in textwrap.wrap(warning, max(1, width))]
    if len(folded) > room:
        folded = [
            textwrap.shorten(warning, max(len(glyphs.ellipsis), width), placeholder=glyphs.ellipsis)
            for warning in shown
        ]
    lines = [Text(line, "warn", no_wrap=True) for line in folded]
    for line in lines:
        line.truncate(width)
    return lines


def _resource_lines(
    sample: ResourceSample, samples: Sequence[ResourceSample], width: int, glyphs: Glyphs
) -> list[Text]:
    cpu, total = _share(sample.cpu_percent, 100), sample.ram_total
    percent, memory = _percent(sample.cpu_percent, glyphs), _of(sample.ram_used, total, glyphs)
    own = _gigabytes(sample.process_rss, glyphs)
    load = "" if sample.load_per_core is None else f" load {sample.load_per_core:.1f}"
    past = [_past(samples, take) for take in (_cpu, _ram, _own, _disk)]
    ram_style = "warn" if ram_is_low(sample) else "run"
    disk_style = "warn" if disk_is_low(sample) else "run"
    return [
        _line("CPU", cpu, past[0], f"{percent}{load}", width, glyphs, high=1.0),
        _line("RAM", _share(sample.ram_used, total), past[1], memory, width, glyphs, high=1.0, style=ram_style),
        _line("luna", _share(sample.process_rss, total), past[2], own, width, glyphs),
        _line("disk", None, past[3], f"{_size(sample.disk_free, glyphs)} left", width, glyphs, style=disk_style),
    ]


def _gpu_lines(number: int, samples: Sequence[ResourceSample], room: int, width: int, glyphs: Glyphs) -> list[Text]:
    gpu = samples[-1].gpus[number]
    label = f"GPU{number}" if len(samples[-1].gpus) > 1 else "GPU"
    busy = _share(gpu.utilisation_percent, 100)
    percent = _percent(gpu.utilisation_percent, glyphs)
    full, hot = "warn" if gpu_is_full(gpu) else "run", "warn" if gpu_is_hot(gpu) else "run"
    degrees = _degrees(gpu.temperature_c, glyphs)

    def past(take: Callable[[GpuSample], float | None]) -> list[float]:
        return _past(samples, lambda sample: take(sample.gpus[number]) if number < len(sample.gpus) else None)

    busy_past = past(lambda one: _share(one.utilisation_percent, 100))
    if room < 4:
        trouble = "warn" if "warn" in (full, hot) else "run"
        memory = _of(gpu.memory_used, gpu.memory_total, glyphs) if gpu.memory_total else degrees
        value = f"{percent} {memory}" if gpu_is_full(gpu) or not gpu_is_hot(gpu) else f"{percent} {degrees}"
        return [_line(label, busy, busy_past, value, width, glyphs, high=1.0, style=trouble)]
    memory, memory_past = _of(gpu.memory_used, gpu.memory_total, glyphs), past(_memory)
    heat, heat_past = _share(gpu.temperature_c, _FULL_C), past(lambda one: _share(one.temperature_c, _FULL_C))
    power, power_past = _share(gpu.power_w, gpu.power_limit_w), past(lambda one: _share(one.power_w, one.power_limit_w))
    lines = [
        _line(label, busy, busy_past, percent, width, glyphs, high=1.0),
        _line("VRAM", _memory(gpu), memory_past, memory, width, glyphs, high=1.0, style=full),
        _line("temp", heat, heat_past, degrees, width, glyphs, high=1.0, style=hot),
        _line("power", power, power_past, _watts(gpu, glyphs), width, glyphs, high=1.0),
    ]
    if room > len(lines):
        name = safe_line(gpu.name)
        title = Text(f"{label} {ascii_text(name) if glyphs is ASCII else name}", "dim", no_wrap=True)
        title.truncate(width)
        lines.insert(0, title)
    return lines


def _line(
    label: str,
    share: float | None,
    past: Sequence[float],
    value: str,
    width: int,
    glyphs: Glyphs,
    *,
    high: float | None = None,
    style: str = "run",
) -> Text:
    """Return the line of one resource; columns keep their place whatever the values, and a narrower pane has fewer."""
    room = width - _LABEL - _VALUE - 1
    past_width = max(0, min(_LONGEST_PAST, room // 2))
    bar_width = max(0, room - past_width - 1)
    line = Text(no_wrap=True).append(f"{label:<{_LABEL}}", "label")
    if bar_width >= 4:
        line.append_text(bar(share, bar_width, glyphs, style) if share is not None else Text(" " * bar_width))
        line.append(" ").append(sparkline(past, past_width, glyphs, low=0.0, high=high).rjust(past_width), "accent")
    value_width = max(0, width - line.cell_len)
    line.append(f"{value:>{value_width}}", "warn" if style == "warn" else "")
    line.truncate(width)
    return line


def _past(samples: Sequence[ResourceSample], take: Take) -> list[float]:
    values = [take(sample) for sample in samples]
    return [math.nan if value is None else value for value in values]


def _cpu(sample: ResourceSample) -> float | None:
    return _share(sample.cpu_percent, 100)


def _ram(sample: ResourceSample) -> float | None:
    return _share(sample.ram_used, sample.ram_total)


def _own(sample: ResourceSample) -> float | None:
    return sample.process_rss


def _disk(sample: ResourceSample) -> float | None:
    return sample.disk_free


def _memory(gpu: GpuSample) -> float | None:
    return _share(gpu.memory_used, gpu.memory_total)


def _share(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole else None


def _percent(value: float | None, glyphs: Glyphs) -> str:
    return glyphs.dash if value is None else f"{value:.0f}%"


def _degrees(value: float | None, glyphs: Glyphs) -> str:
    return glyphs.dash if value is None else f"{value:.0f}{'C' if glyphs is ASCII else '°C'}"


def _watts(gpu: GpuSample, glyphs: Glyphs) -> str:
    if gpu.power_w is None:
        return glyphs.dash
    return f"{gpu.power_w:.0f}/{gpu.power_limit_w:.0f} W" if gpu.power_limit_w else f"{gpu.power_w:.0f} W"


def _size(count: int | None, glyphs: Glyphs) -> str:
    return glyphs.dash if count is None else figures.size(count)


def _gigabytes(count: int | None, glyphs: Glyphs) -> str:
    return glyphs.dash if count is None else f"{count / 1024**3:.1f} GB"


def _of(used: int | None, total: int | None, glyphs: Glyphs) -> str:
    """Format as `6.1/8 GB`, in the binary gigabytes that memory is sold in: a card of 8 GB is one of 8, not of 8.6."""
    return glyphs.dash if used is None or not total else f"{used / 1024**3:.1f}/{total / 1024**3:.0f} GB"
