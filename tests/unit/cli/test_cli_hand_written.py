"""A workspace whose ledger a person wrote by hand, with ids that are words: everything reads it, nothing crashes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from unit.cli.cli_fakes import FakeEngine, make_workspace
from unit.cli.conftest import Run

from luna_tui.common.engine_facade import EngineFacade

LEDGER = """\
GEN_ID,parent_sha,child_sha,data_delta_sha,steps,lr,walltime_min,loss_start,loss_end,\
eval_recall,eval_generalization,eval_style_drift
0,base_model,abc123,def456,500,2e-4,45,2.3,0.8,0.95,0.87,0.05
1,abc123,ghi789,jkl012,300,2e-4,32,0.8,0.6,0.93,0.91,0.03
2,ghi789,mno345,pqr678,350,2e-4,38,0.6,0.5,0.94,0.89,0.04
"""


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """The workspace."""
    root = make_workspace(tmp_path / "ws")
    (root / "models").mkdir(exist_ok=True)
    (root / "models" / "lineage_ledger.csv").write_text(LEDGER)
    return root


def test_lineage_is_one_line_of_three(run: Run, sample: Path) -> None:
    out = run("-w", sample, "lineage").out
    assert [sha for sha in ("abc123", "ghi789", "mno345") if sha in out] == ["abc123", "ghi789", "mno345"]
    rows = json.loads(run("-w", sample, "lineage", "--json").out)
    assert [(row["GEN_ID"], row["parent_gen"], row["children"], row["lr"]) for row in rows] == [
        (0, None, [1], 2e-4),
        (1, 0, [2], 2e-4),
        (2, 1, [], 2e-4),
    ]
    assert {row["verdict"] for row in rows} == {"unrecorded"}


def test_verify_says_that_there_is_nothing_to_check(run: Run, sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(FakeEngine, "verify")
    result = run("-w", sample, "verify")
    assert result.code == 0
    assert result.out.count("hand-written, nothing to check") == 3
    assert "1 file is what was recorded" in result.out


def test_a_hand_written_id_names_its_generation(run: Run, sample: Path) -> None:
    assert json.loads(run("-w", sample, "rollback", "GHI789", "--yes", "--json").out) == {"from": None, "to": 1}
    assert "near it: G0 (abc123)" in run("-w", sample, "rollback", "abc124", "--yes").err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("eval", "ghi789", "--recorded"), "no recorded examination"),
        (("compare", "G0", "G1"), "there is no exam"),
        (("study",), "was not trained in this workspace"),
        (("rollback", "nothing-of-this-name", "--yes"), "there is no generation"),
    ],
)
def test_what_needs_a_trained_generation_says_so(
    run: Run, sample: Path, args: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeEngine, "recorded_evaluation", EngineFacade.recorded_evaluation)
    (sample / "models" / "HEAD").unlink(missing_ok=True)
    if args == ("study",):
        run("-w", sample, "rollback", "G2", "--yes")
    result = run("-w", sample, *args)
    assert result.code == 2
    assert said in result.err


@pytest.mark.parametrize("head", ["base", "ghi789"])
def test_training_on_top_of_it_is_refused_before_the_base_is_prepared(
    run: Run, sample: Path, head: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare(*_: object, **__: object) -> None:
        raise AssertionError("minutes of work for nothing")

    monkeypatch.setattr("engine.service.session.prepare_base", prepare)
    monkeypatch.setattr(FakeEngine, "session", EngineFacade.session)
    run("-w", sample, "rollback", head, "--yes")
    result = run("-w", sample, "train")
    assert result.code == 2
    assert "hand-written" in result.err
    assert "fix:" in result.err


def test_report_and_bare_call_show_it(run: Run, sample: Path) -> None:
    bare = run("-w", sample)
    assert bare.code == 0
    assert "ghi789" in bare.out
    assert "HEAD is at the base" in run("-w", sample, "report").err
    run("-w", sample, "rollback", "mno345", "--yes")
    report = run("-w", sample, "report")
    assert report.code == 0
    assert report.err == ""
    assert "ghi789" in (sample / "report" / "report.md").read_text()
