"""The console's real link reads documents and writes accepted questions, and tells how it went."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tui.test_engine_link import Watched, watched
from unit.cli.cli_fakes import make_workspace

from luna_tui.console.state.events import Noted, QuestionsProposed, QuestionsWritten


@pytest.fixture
def seen(tmp_path: Path) -> Watched:
    return watched(make_workspace(tmp_path / "ws"))


def test_proposals_come_with_the_file_they_would_go_to(seen: Watched, tmp_path: Path) -> None:
    manual = tmp_path / "manual.md"
    manual.write_text("## Refunds\n\nYou get all of it back.\n")
    assert seen.link.stages() == ("fundamentals", "aios_manual", "logs_specs", "conversations")
    seen.link.propose_questions([manual], "logs_specs")
    found = seen.first(QuestionsProposed)
    assert [proposal.prompt for proposal in found.proposals] == ["What about refunds?"]
    assert found.path == seen.link.root / "curriculum" / "logs_specs" / "questions-manual.jsonl"

    seen.link.write_questions(found.path, found.proposals, replace=False)
    assert seen.first(QuestionsWritten) == QuestionsWritten(found.path, rows=1)
    assert json.loads(found.path.read_text())["response"] == "You get all of it back."

    seen.link.write_questions(found.path, found.proposals, replace=False)
    seen.until(lambda: len(seen.all(QuestionsWritten)) == 2, "a refusal")
    assert seen.all(QuestionsWritten)[1].exists
    seen.link.write_questions(found.path, (), replace=True)
    seen.until(lambda: len(seen.all(QuestionsWritten)) == 3, "a refusal")
    assert "no question was accepted" in seen.all(QuestionsWritten)[2].problem


def test_a_document_that_cannot_be_read_is_a_notice(seen: Watched, tmp_path: Path) -> None:
    seen.link.propose_questions([tmp_path / "none.md"], "")
    assert "there is no such file" in seen.first(Noted).text


def test_stages_are_empty_while_the_config_is_in_error(seen: Watched) -> None:
    (seen.link.root / "luna.toml").write_text("nonsense = 1\n")
    assert seen.link.stages() == ()
