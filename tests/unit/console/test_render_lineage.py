"""What the lineage pane and the page of a generation draw, without an event loop."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from rich.text import Text
from tui.fake_link import TARGETS, lineage, row

from engine.core.events import RunFinished, RunStarted, StepChanged, TrainStep
from luna_tui.common.terminal import ASCII, UNICODE, Glyphs
from luna_tui.console.render.generation_page import draw_generation, generation_view
from luna_tui.console.render.generation_verdict import worst_items
from luna_tui.console.render.lineage_pane import (
    draw_details,
    draw_heading,
    draw_row,
    draw_running,
    indent_below,
    look_for,
)
from luna_tui.console.render.lineage_places import Running, lay_out, narrowed, number_lines, running_of
from luna_tui.console.state.console_state import ConsoleState, reduce
from luna_tui.console.state.events import (
    DetailsLoaded,
    EvaluationLoaded,
    LineageLoaded,
    ModeChanged,
    SettingsLoaded,
)

NOW = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
HEADER = {"run": "r", "mono": 0.0, "wall": 0.0}


def state_of(rows: tuple[dict[str, Any], ...], head: int | None, *events: Any) -> ConsoleState:
    state = ConsoleState()
    for event in (SettingsLoaded(TARGETS, "smollm2-135m", {}), LineageLoaded(rows, head), *events):
        state = reduce(state, event)
    return state


def drawn(state: ConsoleState, width: int, glyphs: Glyphs = UNICODE) -> list[Text]:
    """The heading and every line, as the pane puts them together."""
    running = running_of(state, glyphs)
    tree = lay_out(state.rows or (), state.head, running, glyphs)
    look = look_for(tree, state, width, glyphs, state.ui.selected, NOW)
    lines = [draw_heading(look)]
    for line in tree.lines:
        if running is not None and line.gen == running.gen:
            lines.append(draw_running(line, running, look))
        else:
            lines.append(draw_row(line, state.row(line.gen), look, state.base))
    return lines


def training(parent: int | None, gen: int = 4) -> tuple[Any, ...]:
    """A run that has done 43 of 70 steps."""
    plan = {"phase": "converse", "backend": "trl", "method": "lora", "base": "b", "steps": 70, "lr": 1e-3, "seed": 0}
    now = {"loss": 1.0, "lr": 1e-3, "grad_norm": 1.0, "tokens": 9, "tokens_per_s": 1.0, "stage": "s", "epoch": 1.0}
    return (
        ModeChanged("owner", 1, "training"),
        RunStarted(**HEADER, **plan, seq=0, gen=gen, parent_gen=parent, threads=2, resumed=False),
        StepChanged(**HEADER, seq=1, step="train", index=1, total=6, label=""),
        TrainStep(**HEADER, **now, seq=2, step=43, total=70, eta_s=72),
    )


def test_every_generation_has_its_mark_hash_and_scores_in_columns() -> None:
    heading, *lines = [line.plain for line in drawn(state_of(lineage(), 3), 44)]
    assert [line.split()[:3] for line in lines[:3]] == [
        ["○", "base", "smollm2-135m"],
        ["✓", "G0", "00000000"],
        ["✓", "G1", "01010101"],
    ]
    assert "├─✗ G2" in lines[3]
    assert lines[4].startswith("▌✓ G3 ◀ HEAD")
    end = heading.index("gen.") + len("gen.")
    assert [line[:end].rsplit(maxsplit=1)[-1] for line in lines[1:]] == ["0.96", "0.91", "0.55", "0.95"]


def test_a_missed_score_is_red_and_only_that() -> None:
    line = drawn(state_of(lineage(), 3), 44)[4]
    assert [line.plain[s.start : s.end].strip() for s in line.spans if s.style == "bad"] == ["✗", "0.55"]


def test_narrow_panes_drop_age_and_phase_before_hash_and_scores() -> None:
    names = {w: drawn(state_of(lineage(), 3), w)[0].plain.split() for w in (44, 60, 80, 120)}
    assert names[44] == ["sha", "recall", "gen.", "drift"]
    assert names[60] == ["phase", "sha", "recall", "gen.", "drift"]
    assert "age" in names[80]
    assert {"loss", "steps", "took", "age", "phase"} <= set(names[120])


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
@pytest.mark.parametrize("width", [24, 40, 44, 76, 120])
def test_no_line_is_wider_than_the_pane_and_ascii_is_ascii(width: int, glyphs: Glyphs) -> None:
    rows = (
        *lineage(),
        row(1234, 2, verdict="rejected", phase="文章\x1b[31m", reasons=["so – ‘wide’ " * 9, "\x1b]0;x\x07"]),
    )
    state = state_of(rows, 3, *training(3, 5))
    tree = lay_out(rows, 3, None, glyphs)
    look = look_for(tree, state, width, glyphs, 3, NOW)
    details = [line for each in rows for line in draw_details(each, look, " │  " if glyphs is UNICODE else " |  ")]
    page = draw_generation(generation_view(state, 1234), width, glyphs, NOW)
    for line in [*drawn(state, width, glyphs), *details, *page]:
        assert line.cell_len <= width
        assert "\x1b" not in line.plain
        assert glyphs is UNICODE or line.plain.isascii(), line.plain


def test_the_one_in_the_making_hangs_under_its_parent_with_its_progress() -> None:
    lines = [line.plain for line in drawn(state_of(lineage(), 3, *training(3)), 60)]
    assert "▸ G4" in lines[-1]
    assert "61%" in lines[-1]
    assert "1m 12s left" in lines[-1]
    from_g0 = [line.plain for line in drawn(state_of(lineage(), 3, *training(0)), 60)]
    assert "├─▸ G4" in from_g0[3] or "├─▸ G4" in from_g0[2]


def test_the_one_in_the_making_is_gone_once_its_row_is_there() -> None:
    state = state_of(lineage(), 3, *training(3, gen=3))
    assert running_of(state, UNICODE) is None
    assert running_of(state_of(lineage(), 3), UNICODE) is None


def test_a_stopped_run_stays_in_the_tree_until_it_goes_on() -> None:
    end = RunFinished(**HEADER, seq=9, gen=4, verdict="interrupted", exit_code=130, reasons=[], head=3)
    stopped = state_of(lineage(), 3, *training(0), end, ModeChanged("idle"))
    line = next(line for line in drawn(stopped, 60) if "G4" in line.plain)
    assert "├─■ G4" in line.plain
    assert "converse stopped at step 43/70 · r goes on" in line.plain
    again = state_of(lineage(), 3, *training(0), end, *training(0))
    assert "├─▸ G4" in "\n".join(line.plain for line in drawn(again, 60))


def test_a_run_stopped_before_the_console_opened_hangs_under_the_parent_of_its_plan() -> None:
    opened = LineageLoaded(lineage(), 3, unfinished=4, unfinished_parent=1)
    state = reduce(state_of(lineage(), 3), opened)
    found = running_of(state, UNICODE)
    assert found == Running(4, 1, "", "stopped · r goes on", stopped=True)
    recorded = msgspec.structs.replace(opened, rows=(*lineage(), row(4, 3)))
    assert running_of(reduce(state, recorded), UNICODE) is None


def test_the_marked_ones_carry_a_sign() -> None:
    state = state_of(lineage(), 3)
    state = dataclasses.replace(state, ui=dataclasses.replace(state.ui, marked=(1, None)))
    assert [line.plain.split()[:2] for line in drawn(state, 44) if "▪" in line.plain] == [["○", "base▪"], ["✓", "G1▪"]]
    assert sum("*" in line.plain for line in drawn(state, 44, ASCII)) == 2


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("rej", [2]),
        ("align", [1]),
        ("g3", [3]),
        ("2", [2]),
        ("0303", [3]),
        ("head", [3]),
        ("acc conv", [3]),
        ("base", [None, 0]),
        ("zzz", []),
    ],
)
def test_the_filter_finds_phase_verdict_number_and_hash(words: str, found: list[int | None]) -> None:
    state = state_of(lineage(), 3)
    tree = lay_out(lineage(), 3, None, UNICODE)
    assert [line.gen for line in narrowed(tree, state.by_gen, 3, words).lines] == found


def test_details_stand_between_the_generations_and_the_tree_goes_on_beside_them() -> None:
    state = state_of(lineage(), 3)
    tree = lay_out(lineage(), 3, None, UNICODE)
    numbered = number_lines(tree, {1: 2})
    assert numbered.entries == ((0, -1), (1, -1), (2, -1), (2, 0), (2, 1), (3, -1), (4, -1))
    assert numbered.starts == {None: 0, 0: 1, 1: 2, 2: 5, 3: 6}
    indent = indent_below(tree.lines[2], tree.lines[3], UNICODE)
    assert "│" in indent  # G2 hangs off G1, so the way to it is drawn through G1's details
    words = "\n".join(line.plain for line in draw_details(lineage()[2], look_for(tree, state, 60, UNICODE, 3), indent))
    for wanted in ("150 steps", "lr 1.5e-3", "3.100 → 0.210", "104 new", "generalization 0.55 is not above 0.85"):
        assert wanted in words


def test_ten_thousand_generations_are_laid_out_and_drawn() -> None:
    one = row(0, None, scores={}, by_ancestor={})
    rows = tuple({**one, "GEN_ID": g, "parent_gen": g - 1 if g else None} for g in range(10_000))
    state = state_of(rows, 9_999)
    tree = lay_out(rows, 9_999, None, UNICODE)
    assert len(tree.lines) == 10_001
    assert tree.places[9_999] == 10_000
    look = look_for(tree, state, 44, UNICODE, 9_999, NOW)
    drawn = [draw_row(line, state.row(line.gen), look, state.base).plain for line in tree.lines[-40:]]
    assert [f"G{gen}" in text for gen, text in enumerate(drawn, start=9_960)] == [True] * 40


def test_a_hand_written_row_with_empty_fields_is_drawn() -> None:
    bare = row(
        0, None, verdict="unrecorded", phase=None, created=None, scores={}, data={}, loss_start=None, loss_end=None
    )
    bare.update(eval_recall=None, eval_generalization=0.9, eval_style_drift=None)
    state = state_of((bare,), 0, DetailsLoaded(0, None))
    assert "· G0" in drawn(state, 60)[2].plain
    page = "\n".join(line.plain for line in draw_generation(generation_view(state, 0), 80, UNICODE, NOW))
    assert "written by hand" in page
    assert "0.90" in page
    assert "hand-written row" in page


# The page of a generation


def item(number: int, *, right: bool, sets: tuple[str, ...] = (), surer_by: float = 0.0) -> dict[str, Any]:
    return {
        "id": f"i{number}",
        "prompt": f"question {number}?",
        "expected": f"answer {number}",
        "output": f"answer {number}" if right else f"nonsense {number}",
        "score": 1.0 if right else 0.0,
        "how": "choice" if surer_by else "match",
        "ms": 1.0,
        "stop_reason": "eos",
        "detail": {"logprobs": {f"nonsense {number}": -2.0 + surer_by, f"answer {number}": -2.0, "else": None}}
        if surer_by
        else {"tokens": 7},
        "sets": list(sets),
    }


def manifest(gen: int, **recipe: Any) -> dict[str, Any]:
    return {
        "gen": gen,
        "backend": "trl",
        "seed": 0,
        "threads": 2,
        "recipe": {"steps": 70, "lr": 0.0015, "rank": 32, **recipe},
        "versions": {"torch": "2.13.0"},
        "data": {
            "new": 104,
            "train": 183,
            "holdout": 21,
            "replay": 100,
            "stages": ["manual", "talk"],
            "by_stage": {"manual": 10, "talk": 173},
            "selection": {"by_stage": {"talk": 104}, "reason": "the oldest 104 unseen rows"},
            "curriculum": {"rows": {"manual": 310, "talk": 636}, "bad": [{"line": 3}], "duplicates": 2},
        },
        "scores": {},
        "files": {"luna_age_2.gguf": {"sha256": "ab" * 32, "bytes": 145_000_000}},
    }


def page_of(state: ConsoleState, gen: int, width: int = 120) -> str:
    return "\n".join(line.plain for line in draw_generation(generation_view(state, gen), width, UNICODE, NOW))


def test_a_rejected_generation_says_what_it_missed_its_worst_items_and_what_to_do() -> None:
    items = [item(n, right=n > 4, sets=("exam:G2",) if n in (2, 3, 4) else ("exam:G0",)) for n in range(10)]
    state = state_of(lineage(), 3, EvaluationLoaded("G2", {"items": items, "tone": []}))
    page = page_of(state, 2)
    assert "generalization 0.55 is not above 0.85: missed by 0.30" in page
    assert "HEAD stayed at G1" in page
    assert "5 of 10 items failed" in page
    assert [n for n in range(10) if f"question {n}?" in page] == [2, 3, 4]  # of its own exam, whose target was missed
    assert "nonsense 2" in page
    assert "i shows every item" in page


def test_the_worst_items_are_those_it_was_surest_of() -> None:
    failed = [item(n, right=False, sets=("exam:G2",), surer_by=n) for n in (1, 3, 2)]
    assert [found["id"] for found in worst_items(failed, 2, 1, ["generalization"])] == ["i3", "i2", "i1"]


def test_the_page_shows_recipe_data_files_and_what_differs_from_the_parent() -> None:
    state = state_of(lineage(), 3, DetailsLoaded(3, manifest(3, lr=0.002)), DetailsLoaded(1, manifest(1)))
    page = page_of(state, 3)
    for wanted in ("104 new · 183 trained on", "1 bad row, 2 duplicates", "ab" * 32, "145 MB", "2.13.0"):
        assert wanted in page
    assert [line.split() for line in page.splitlines() if line.startswith("   talk")] == [["talk", "104", "173", "636"]]
    differs = page[page.index("Differs from G1") :].splitlines()[1]
    assert differs.split() == ["lr", "1.5e-3", "→", "2e-3"]


def test_an_ancestor_that_is_forgotten_is_called_out() -> None:
    fallen = row(1, 0, head=True)
    fallen["scores"]["by_ancestor"] = {"0": {"value": 0.80, "n": 187, "low": 0.7, "high": 0.9}}
    page = page_of(state_of((row(0, None, scores3=(1.0, 0.96, 0.0)), fallen), 1), 1)
    assert "was 0.96 when it was new  fell by 0.16" in page


def test_what_is_not_read_yet_and_what_cannot_be_read_is_said() -> None:
    assert "reading the manifest" in page_of(state_of(lineage(), 3), 3)
    state = state_of(lineage(), 3, EvaluationLoaded("G3", None, "G3 has no recorded examination"))
    assert "its items cannot be read: G3 has no recorded examination" in page_of(state, 3)
    assert "not in the lineage" in page_of(state, 77)


def test_running_says_the_step_that_has_no_counts() -> None:
    events = (*training(3)[:2], StepChanged(**HEADER, seq=1, step="export", index=2, total=6, label=""))
    assert running_of(state_of(lineage(), 3, *events), UNICODE) == Running(4, 3, "converse", "export")
