"""Fixtures around one tiny base model: a workspace to begin with, and a lineage of four generations to look at."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import training_jobs
from tiny_workspace import TinyWorkspace, make_template
from training_jobs import NUMBER_FORMATS

# As the command line sets it before torch is imported: threads that spin would starve the runtime's child.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Try what is marked `both_formats` in each number format a machine may train in, whichever this one is fast at."""
    if metafunc.definition.get_closest_marker("both_formats"):
        metafunc.parametrize("number_format", NUMBER_FORMATS, indirect=True, scope="session")


@pytest.fixture(scope="session")
def number_format(request: pytest.FixtureRequest) -> str:
    """What the tiny model is trained in."""
    return getattr(request, "param", NUMBER_FORMATS[0])


@pytest.fixture(autouse=True)
def _jobs_in_that_format(number_format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_jobs, "NUMBER_FORMAT", number_format)


@pytest.fixture(scope="session")
def base_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of base weights of the tests' own, shared by all their workspaces."""
    with pytest.MonkeyPatch.context() as patch:
        cache = tmp_path_factory.mktemp("cache")
        patch.setenv("LUNA_CACHE", str(cache))
        yield cache


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, base_cache: Path, number_format: str) -> TinyWorkspace:
    """A workspace without generations; copy it, never change it."""
    return TinyWorkspace(make_template(tmp_path_factory.mktemp("template") / "tiny", number_format))


@pytest.fixture
def tiny(template: TinyWorkspace, tmp_path: Path) -> TinyWorkspace:
    """A fresh workspace."""
    return template.copy_to(tmp_path / "tiny")


@pytest.fixture(scope="session")
def lineage(template: TinyWorkspace, tmp_path_factory: pytest.TempPathFactory) -> TinyWorkspace:
    """G0 to G3, all accepted, trained in one request; copy it, never change it."""
    workspace = template.copy_to(tmp_path_factory.mktemp("lineage") / "tiny")
    outcome = workspace.train(generations=4)
    assert outcome.exit_code == 0, [(event.reasons, event.error) for event in outcome.finished]
    return workspace


@pytest.fixture
def evolved(lineage: TinyWorkspace, tmp_path: Path) -> TinyWorkspace:
    """A copy of G0 to G3 to change."""
    return lineage.copy_to(tmp_path / "evolved")
