"""The machine on the screen: one piece for the top line, and a line for each resource."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.diagnostics.resource_monitor import GpuSample, ResourceHistory, ResourceSample, warnings
from luna_tui.common.terminal import ASCII, UNICODE, Glyphs
from luna_tui.console.render.machine import draw_machine_pane, draw_machine_summary

GB = 1024**3
GPU = GpuSample("NVIDIA GeForce RTX 4060", 87.0, int(6.1 * GB), 8 * GB, 71.0, 120.0, 150.0, False)
FINE = ResourceSample(97.0, int(3.1 * GB), 24 * GB, int(1.2 * GB), 40_000_000_000, 0.8)
WITH_GPU = replace(FINE, gpus=(GPU,))


def history(*samples: ResourceSample) -> ResourceHistory:
    return ResourceHistory(samples)


def summary(sample: ResourceSample, width: int = 60, glyphs: Glyphs = UNICODE) -> str:
    return draw_machine_summary(history(sample), width, glyphs).plain


def warned(sample: ResourceSample, width: int = 60) -> list[str]:
    text = draw_machine_summary(history(sample), width, UNICODE)
    return [text.plain[span.start : span.end].strip() for span in text.spans if span.style == "warn"]


def pane(sample: ResourceSample, width: int = 60, height: int = 10, glyphs: Glyphs = UNICODE) -> list[str]:
    past = history(sample)
    lines = draw_machine_pane(past, warnings(past, None), width, height, glyphs)
    return [line.plain for line in lines]


def labels(lines: list[str]) -> list[str]:
    return [line.split()[0] for line in lines]


# The top line


def test_with_and_without_a_gpu() -> None:
    assert summary(WITH_GPU) == "GPU 87% 6.1/8 GB 71°C"
    assert summary(FINE) == "CPU 97% RAM 3.1/24 GB disk 40 GB"
    assert draw_machine_summary(ResourceHistory(), 60, UNICODE).plain == ""


def test_it_gets_shorter_from_the_end_by_whole_pieces() -> None:
    assert summary(FINE, 31) == "CPU 97% RAM 3.1/24 GB"
    assert summary(WITH_GPU, 20) == "GPU 87% 6.1/8 GB"
    assert summary(WITH_GPU, 7) == "GPU 87%"
    assert summary(WITH_GPU, 6) == ""


def test_ascii_has_no_degree_sign() -> None:
    assert summary(WITH_GPU, glyphs=ASCII) == "GPU 87% 6.1/8 GB 71C"


def test_what_nobody_tells_is_left_out() -> None:
    quiet = GpuSample("GPU", None, None, None, None, None, None)
    assert summary(replace(FINE, gpus=(quiet,))) == "GPU –"
    assert summary(ResourceSample(None, None, None, None, None, 0.0)) == "CPU – RAM – disk –"


def test_what_is_short_is_marked_and_is_the_last_to_go() -> None:
    assert warned(FINE) == []
    low = replace(WITH_GPU, disk_free=500_000_000)
    assert summary(low) == "GPU 87% 6.1/8 GB 71°C disk 500 MB"
    assert warned(low) == ["disk 500 MB"]
    assert summary(low, 20) == "GPU 87% disk 500 MB"
    assert warned(replace(FINE, gpus=(replace(GPU, temperature_c=90.0),))) == ["90°C"]
    assert warned(replace(FINE, ram_used=23 * GB)) == ["RAM 23.0/24 GB"]


def test_of_several_gpus_the_one_in_trouble_or_the_busiest_is_shown() -> None:
    idle = replace(GPU, utilisation_percent=3.0)
    assert summary(replace(FINE, gpus=(idle, GPU))).startswith("GPU1 87%")
    assert summary(replace(FINE, gpus=(replace(idle, temperature_c=90.0), GPU))).startswith("GPU0 3% 6.1/8 GB 90°C")


# The pane


def test_each_resource_has_a_line_with_its_value() -> None:
    lines = pane(WITH_GPU, 60, 10)
    assert labels(lines) == ["CPU", "RAM", "luna", "disk", "GPU", "GPU", "VRAM", "temp", "power"]
    values = ["97% load 0.8", "3.1/24 GB", "1.2 GB", "40 GB left", "RTX 4060", "87%", "6.1/8 GB", "71°C", "120/150 W"]
    assert [line.endswith(value) for line, value in zip(lines, values, strict=True)] == [True] * len(values)


def test_a_gpu_fits_40_by_8_without_its_name() -> None:
    assert labels(pane(WITH_GPU, 40, 8)) == ["CPU", "RAM", "luna", "disk", "GPU", "VRAM", "temp", "power"]


def test_many_gpus_get_a_line_each_where_there_is_no_room() -> None:
    lines = pane(replace(FINE, gpus=(GPU,) * 4), 60, 10)
    assert labels(lines)[4:] == ["GPU0", "GPU1", "GPU2", "GPU3"]
    assert lines[4].endswith("87% 6.1/8 GB")


def test_bars_are_as_long_as_what_they_show() -> None:
    def filled(share: float) -> int:
        line = pane(replace(FINE, ram_used=int(share * 24 * GB)), 60, 10)[-3]
        return line.count("━")

    empty, half, full = filled(0.0), filled(0.5), filled(1.0)
    assert empty == 0
    assert full == pytest.approx(2 * half, abs=1)
    assert full > 10


def test_the_past_is_beside_the_bar_the_newest_at_the_right_and_no_column_moves() -> None:
    one = pane(replace(FINE, cpu_percent=100.0), 60, 10)[0]
    rising = history(*(replace(FINE, cpu_percent=float(percent)) for percent in range(101)))
    many = draw_machine_pane(rising, (), 60, 10, UNICODE)[0].plain
    assert one.index("█") == many.rindex("█")
    trail = [cell for cell in many if cell in "▁▂▃▄▅▆▇█"]
    assert len(trail) > 8
    assert trail == sorted(trail)
    assert one.index("100%") == many.index("100%")


def test_warnings_stand_first_and_do_not_hide_the_resources() -> None:
    gpu = replace(GPU, memory_used=8 * GB, temperature_c=90.0)
    bad = replace(FINE, ram_used=int(23.5 * GB), disk_free=10**8, gpus=(gpu,))
    roomy = pane(bad, 40, 30)
    assert roomy[0].startswith("only 0.1 GB of disk left")
    assert " ".join(roomy).count("look at its cooling") == 1
    tight = pane(bad, 40, 8)
    assert tight[0].startswith("only 0.1 GB of disk left")
    assert tight[0].rstrip().endswith("…")
    assert labels(tight)[4:] == ["CPU", "RAM", "luna", "disk"]
    lines = draw_machine_pane(history(bad), warnings(history(bad), None), 40, 8, UNICODE)
    assert str(lines[0].style) == "warn"


def test_nothing_is_known_yet() -> None:
    assert [line.plain for line in draw_machine_pane(ResourceHistory(), (), 40, 8, UNICODE)] == ["measuring"]


def test_names_of_devices_cannot_steer_the_terminal() -> None:
    evil = replace(FINE, gpus=(replace(GPU, name="\x1b]0;owned\x07[/red]\x9b2J"),))
    drawn = "".join(pane(evil, 80, 20))
    assert not {"\x1b", "\x07", "\x9b"} & set(drawn)
    assert "[/red]" in drawn


maybe = st.none() | st.floats(0, 200)
many_bytes = st.none() | st.integers(0, 10**13)
gpus = st.builds(GpuSample, st.text(max_size=40), maybe, many_bytes, many_bytes, maybe, maybe, maybe, st.booleans())
samples = st.builds(
    ResourceSample,
    maybe,
    many_bytes,
    many_bytes,
    many_bytes,
    many_bytes,
    st.floats(0, 99),
    st.tuples() | st.tuples(gpus),
)


@given(st.lists(samples, min_size=1, max_size=5), st.integers(1, 120), st.integers(1, 20), st.booleans())
def test_whatever_the_machine_says_the_lines_fit(
    given_samples: list[ResourceSample], width: int, height: int, ascii_only: bool
) -> None:
    glyphs = ASCII if ascii_only else UNICODE
    past = history(*given_samples)
    lines = draw_machine_pane(past, warnings(past, 10**9), width, height, glyphs)
    lines.append(draw_machine_summary(past, width, glyphs))
    assert len(lines) <= height + 1
    assert all(line.cell_len <= width for line in lines)
    assert all("\n" not in line.plain for line in lines)
    if ascii_only:
        assert all(line.plain.isascii() for line in lines)
