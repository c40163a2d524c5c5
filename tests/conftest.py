"""What holds for every test: how many threads a worker takes, that nothing is measured by the clock unasked, and that a
quiet test has the machine to itself."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Workers share the cores: a library that spreads a tiny matrix over all of them only gets in their way. Tests about
# threads ask for theirs by number, as the engine does.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "32")  # as in luna_tui/common/environment.py

# How long one example takes is the machine's business: Hypothesis' 200 ms are over whenever a neighbour is busy.
settings.register_profile("luna", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("luna")


@contextmanager
def _locked(path: Path, mode: int) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, mode)
        yield


@contextmanager
def _turn_of(item: pytest.Item) -> Iterator[None]:
    """Hold what lets a test run beside the other worker's, or, if it is quiet, with no other.

    Everybody comes through the door one by one; who waits behind it for the others to end keeps it closed, so that a
    quiet test is not put off for ever.
    """
    shared = Path(item.config.option.basetemp).parent
    with _locked(shared / "door", fcntl.LOCK_EX):
        room = _locked(shared / "room", fcntl.LOCK_EX if item.get_closest_marker("quiet") else fcntl.LOCK_SH)
        room.__enter__()
    try:
        yield
    finally:
        room.__exit__(None, None, None)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Wait for the test's turn, outside of the time it is given."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return (yield)
    with _turn_of(item):
        return (yield)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Quiet tests come last, when what was begun beside the tests is over."""
    items.sort(key=lambda item: item.get_closest_marker("quiet") is not None)
