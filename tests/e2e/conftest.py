"""Workspaces with a tiny model whose runs last long enough to be watched."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tiny_workspace import make_template


@pytest.fixture(scope="session")
def slow_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny workspace whose first generation takes more steps than any machine does while a test looks at it."""
    root = make_template(tmp_path_factory.mktemp("template") / "tiny")
    text = (root / "luna.toml").read_text()
    assert "steps = 40" in text
    text = text.replace("steps = 40", "steps = 60000", 1).replace("lr = 0.02", "lr = 0.002", 1)
    (root / "luna.toml").write_text(text)
    return root


@pytest.fixture
def slow_workspace(slow_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it for one test."""
    monkeypatch.setenv("LUNA_CACHE", str(tmp_path / "cache"))
    return Path(shutil.copytree(slow_template, tmp_path / "tiny"))
