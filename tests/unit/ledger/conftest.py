"""A small sound workspace with a branch, and copies of it to damage."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from unit.ledger.workspace_factory import WorkspaceFactory


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """G0 and G1 accepted, G2 rejected, back to G0, G3 a branch from there. Never write to it."""
    models = tmp_path_factory.mktemp("sound") / "models"
    factory = WorkspaceFactory(models).grow(2)
    factory.add(verdict="rejected")
    factory.rollback(0)
    factory.add()
    return models


@pytest.fixture
def models(sound: Path, tmp_path: Path) -> Path:
    """A copy of the sound workspace to damage."""
    return Path(shutil.copytree(sound, tmp_path / "models"))
