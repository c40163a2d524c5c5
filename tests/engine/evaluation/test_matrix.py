"""The forgetting matrix of a recorded lineage: read, filled, stopped on the way, and filled where a GGUF is gone."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_workspace import TinyWorkspace, hand_written

from engine.core.cancellation import Control
from engine.core.errors import Interrupted
from engine.evaluation.evaluate import recorded_evaluation
from engine.evaluation.fill_matrix import fill_matrix, read_matrix
from engine.evaluation.matrix import ForgettingMatrix
from engine.runtime.client import Runtime
from engine.workspace.garbage import collect, find_garbage

pytestmark = pytest.mark.slow


def shape(matrix: ForgettingMatrix) -> list[str]:
    """Row by row, `#` for a known cell."""
    return ["".join("." if score is None else "#" for score in row.scores) for row in matrix.rows]


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the models that are loaded."""
    names: list[str] = []
    load = Runtime.load

    def noted(self: Runtime, gguf: Path, **more: object) -> object:
        names.append(gguf.stem)
        return load(self, gguf, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Runtime, "load", noted)
    return names


def fill(tiny: TinyWorkspace, ref: str = "HEAD", control: Control | None = None, **more: object) -> ForgettingMatrix:
    progress = more.pop("progress", lambda *_: None)
    return fill_matrix(tiny.workspace, tiny.config(), ref, progress, control or Control(), **more)  # type: ignore[arg-type]


def test_what_was_recorded_is_read_without_a_model(lineage: TinyWorkspace, loads: list[str]) -> None:
    matrix = read_matrix(lineage.workspace, lineage.config())
    assert shape(matrix) == ["....", "#...", "##..", "###.", "####"]
    assert [row.label for row in matrix.rows] == ["base", "G0", "G1", "G2", "G3"]
    assert matrix.missing == 10
    assert (matrix.bwt.value is None, matrix.fwt.value) == (False, None)
    recorded = recorded_evaluation(lineage.workspace, lineage.config(), "G3")
    cells = [score.to_dict() for score in matrix.rows[4].scores if score is not None]
    assert [*({"gen": gen, **cell} for gen, cell in enumerate(cells[:3]))] == recorded["by_ancestor"]
    assert cells[3] == recorded["scores"]["generalization"]
    assert loads == []


def test_a_matrix_ends_at_the_generation_it_is_asked_for(lineage: TinyWorkspace) -> None:
    matrix = read_matrix(lineage.workspace, lineage.config(), ref="G1")
    assert (matrix.ref, shape(matrix)) == ("G1", ["..", "#.", "##"])
    bare = read_matrix(lineage.workspace, lineage.config(), ref="base")
    assert (bare.exams, bare.missing, bare.acc.value) == ((), 0, None)


def test_filling_loads_every_model_once_and_asks_nothing_twice(evolved: TinyWorkspace, loads: list[str]) -> None:
    ledger = evolved.shas()
    told: list[tuple[int, int]] = []
    shown: list[int] = []
    matrix = fill(
        evolved, progress=lambda done, total, _: told.append((done, total)), show=lambda m: shown.append(m.missing)
    )
    assert shape(matrix) == ["####"] * 5
    assert loads == ["base", "luna_age_0", "luna_age_1", "luna_age_2"], "G3 has sat every exam of its line"
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1]
    assert shown == list(range(9, -1, -1))
    assert matrix.fwt.value is not None
    assert read_matrix(evolved.workspace, evolved.config()) == matrix
    fill(evolved)
    assert len(loads) == 4
    assert evolved.shas() == ledger


def test_a_stop_keeps_the_cells_that_are_done(evolved: TinyWorkspace, loads: list[str]) -> None:
    control = Control()
    with pytest.raises(Interrupted):
        fill(evolved, control=control, show=lambda matrix: control.stop() if matrix.missing == 7 else None)
    assert shape(read_matrix(evolved.workspace, evolved.config())) == ["###.", "#...", "##..", "###.", "####"]
    fill(evolved)
    assert loads == ["base", "base", "luna_age_0", "luna_age_1", "luna_age_2"]


def test_a_collected_generation_is_rebuilt_to_sit_what_it_has_not_sat(evolved: TinyWorkspace) -> None:
    collect(evolved.workspace, find_garbage(evolved.workspace, ggufs=True))
    assert not evolved.workspace.gguf(1).exists()
    assert shape(fill(evolved)) == ["####"] * 5
    assert evolved.workspace.gguf(1).exists()


def test_a_hand_written_lineage_has_no_exams(tmp_path: Path, template: TinyWorkspace) -> None:
    workspace = hand_written(
        template.copy_to(tmp_path / "by-hand").workspace, "0,base_model,aaaaaaaa,dddddddd,300,2e-4,41,2.9,0.4,1,0.9,0"
    )
    matrix = read_matrix(workspace, template.config(), ref="G0")
    assert (len(matrix.rows), matrix.exams, matrix.missing) == (2, (), 0)
    assert fill(TinyWorkspace(workspace.root), "G0").exams == ()


def test_a_row_without_its_gguf_keeps_its_empty_cells(evolved: TinyWorkspace) -> None:
    root = evolved.root
    (root / "models" / "generations" / "0" / "manifest.json").unlink()
    evolved.workspace.gguf(0).unlink()
    matrix = fill(TinyWorkspace(root), "G1")
    assert shape(matrix) == ["##", "#.", "##"]
    assert matrix.missing == 0, "nobody can ask for that one"


def test_recall_of_every_ancestor_can_be_a_target(evolved: TinyWorkspace) -> None:
    # Of an exam never more than all that there was stands, unless it got better: somewhere the target is missed.
    outcome = evolved.train(overrides={"eval.recall_scope": "ancestors", "eval.recall_target": 1.0})
    assert outcome.exit_code == 3
    assert any("itself scored, not above 1" in reason for reason in evolved.last.reasons), evolved.last.reasons
    asked = recorded_evaluation(evolved.workspace, evolved.config({"eval.recall_scope": "ancestors"}), "HEAD")
    assert "ancestors" in asked["passes"]
