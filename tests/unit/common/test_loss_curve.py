"""The loss curve keeps a whole run in little memory, and an old snapshot stays what it was."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.events import TrainStep
from luna_tui.common.loss_curve import FINEST, Bucket, Curve
from luna_tui.common.run_state import RunState, reduce


def grown(losses: list[float], curve: Curve | None = None, first: int = 1) -> Curve:
    curve = curve or Curve()
    for step, loss in enumerate(losses, start=first):
        curve = curve.add(step, loss, loss if math.isfinite(loss) else None, 1e-4 * step, float(step), 400.0)
    return curve


def held(curve: Curve) -> int:
    return sum(len(level) for level in curve._levels) + (curve._open is not None)


def train_step(step: int, loss: float) -> TrainStep:
    return TrainStep(
        run="r", seq=step, mono=0.0, wall=0.0, step=step, total=9, loss=loss, lr=1e-4, grad_norm=0.5, tokens=100,
        tokens_per_s=400.0, stage="s", epoch=0.0, eta_s=1.0,
    )  # fmt: skip


def plain(buckets: list[Bucket]) -> list[tuple[int, int, float, float]]:
    return [(bucket.first, bucket.last, bucket.low, bucket.high) for bucket in buckets]


def test_a_short_run_is_kept_step_by_step() -> None:
    curve = grown([3.0, 1.0, 2.0])
    assert plain(curve.buckets()) == [(1, 1, 3.0, 3.0), (2, 2, 1.0, 1.0), (3, 3, 2.0, 2.0)]
    assert curve.total == 3
    assert curve.last is not None
    assert curve.last.loss == 2.0
    assert curve.best is not None
    assert (curve.best.step, curve.best.loss) == (2, 1.0)


def test_a_long_run_stays_bounded_and_loses_no_extreme() -> None:
    losses = [2.0] * 20_000
    losses[12_344], losses[700] = 9.0, 0.5
    curve = grown(losses)
    buckets = curve.buckets()
    assert held(curve) <= 4096
    assert len(buckets) > FINEST // 2 - 2
    assert max(bucket.high for bucket in buckets) == 9.0
    assert min(bucket.low for bucket in buckets) == 0.5
    assert sum(bucket.count for bucket in buckets) == 20_000
    assert curve.best is not None
    assert curve.best.step == 701
    assert curve.stride == 16


@given(st.integers(1, 9_000), st.integers(1, 700))
def test_a_coarse_view_is_in_order_without_gaps_and_small(steps: int, at_most: int) -> None:
    buckets = LONG[steps].buckets(at_most)
    assert (buckets[0].first, buckets[-1].last) == (1, steps)
    assert all(one.last + 1 == other.first for one, other in pairwise(buckets))
    assert len(buckets) <= 2 * at_most + 14
    assert all(
        (bucket.low, bucket.high) == (bucket.first % 97, bucket.last % 97) for bucket in buckets if spans(bucket)
    )
    assert sum(bucket.count for bucket in buckets) == steps


def spans(bucket: Bucket) -> bool:
    return bucket.first // 97 == bucket.last // 97


@pytest.fixture(scope="module", autouse=True)
def long_runs() -> None:
    curve = Curve()
    for step in range(1, 9_001):
        curve = curve.add(step, step % 97, 1.0, 0.0, 0.0, 0.0)
        LONG[step] = curve


LONG: dict[int, Curve] = {}


@given(st.integers(1, 9_000), st.integers(-5, 9_100), st.integers(0, 500))
def test_a_window_gets_its_steps_and_a_neighbour_on_either_side(steps: int, first: int, size: int) -> None:
    buckets = LONG[steps].buckets(100, (first, first + size))
    covered = {step for bucket in buckets for step in range(bucket.first, bucket.last + 1)}
    assert covered >= set(range(max(1, first), min(steps, first + size) + 1))
    if 1 < first <= steps:
        assert buckets[0].first < first
    if first + size < steps:
        assert buckets[-1].last > first + size


def test_an_old_snapshot_stays_what_it_was_while_the_run_goes_on() -> None:
    old = grown([float(n) for n in range(1, 3001)])
    before = plain(old.buckets()), plain(old.buckets(64)), old.total, old.best
    grown([0.1] * 3000, old, first=3001)
    grown([0.2] * 3000, old, first=10)
    assert (plain(old.buckets()), plain(old.buckets(64)), old.total, old.best) == before


def test_two_runs_that_grow_from_one_snapshot_do_not_mix() -> None:
    trunk = grown([1.0] * 100)
    one, other = grown([5.0] * 100, trunk, first=101), grown([7.0] * 100, trunk, first=101)
    assert {bucket.high for bucket in one.buckets()} == {1.0, 5.0}
    assert {bucket.high for bucket in other.buckets()} == {1.0, 7.0}


def test_a_resume_from_a_checkpoint_ends_what_came_after_it() -> None:
    curve = grown([3.0, 2.0, math.nan, 0.1, 1.0])
    resumed = curve.add(3, 1.5, 1.9, 1e-4, 0.5, 400.0)
    assert [bucket.last for bucket in resumed.buckets()] == [1, 2, 3]
    assert resumed.not_finite == 0
    assert resumed.best is not None
    assert (resumed.best.step, resumed.best.loss) == (3, 1.9)
    assert grown([1.0], curve).total == 1


def test_a_resume_in_a_long_run_keeps_no_step_after_the_checkpoint() -> None:
    resumed = grown([1.0] * 7_000).add(5_003, 2.0, 2.0, 1e-4, 0.5, 400.0)
    buckets = resumed.buckets()
    assert buckets[-1].last == 5_003
    assert all(one.last < other.first for one, other in pairwise(buckets))
    assert buckets[-2].last >= 5_003 - resumed.stride


def test_losses_that_are_no_numbers_are_counted_and_do_not_count() -> None:
    curve = grown([1.0, math.nan, math.inf, -math.inf, 2.0])
    assert curve.not_finite == 3
    assert curve.total == 5
    assert curve.best is not None
    assert curve.best.step == 1
    [joined] = [bucket for bucket in curve.buckets(1) if bucket.count == 4]
    assert (joined.finite, joined.low, joined.high, joined.mean) == (1, 1.0, 1.0, 1.0)


def test_a_joined_bucket_tells_last_rate_highest_norm_and_means() -> None:
    curve = Curve().add(1, 1.0, 1.0, 0.1, 5.0, 100.0).add(2, 3.0, 2.0, 0.2, math.nan, 300.0)
    [bucket] = curve.buckets(1)
    assert (bucket.lr, bucket.grad_norm, bucket.tokens_per_s, bucket.mean, bucket.smoothed) == (
        0.2,
        5.0,
        200.0,
        2.0,
        2.0,
    )
    assert (bucket.best, bucket.best_step) == (1.0, 1)


def test_a_journal_gives_the_curve_the_live_run_had() -> None:
    events = [train_step(step, loss) for step, loss in enumerate([2.0, math.nan, 1.0, 0.5], start=1)]
    live, state = Curve(), RunState()
    for event in events:
        state = reduce(state, event)
        live = live.add(event.step, event.loss, state.smoothed, event.lr, event.grad_norm, event.tokens_per_s)
    read = Curve.from_events(iter(events))
    assert read.last == live.last
    assert read.best == live.best
    assert [bucket.smoothed for bucket in read.buckets()] == [bucket.smoothed for bucket in live.buckets()]


@given(
    st.lists(
        st.tuples(st.integers(-50, 200), st.floats(), st.one_of(st.none(), st.floats()), st.floats(), st.floats()),
        max_size=80,
    )
)
def test_any_numbers_in_any_order_leave_steps_in_order(
    steps: list[tuple[int, float, float | None, float, float]],
) -> None:
    curve = Curve()
    for step, loss, smoothed, rate, norm in steps:
        curve = curve.add(step, loss, smoothed, rate, norm, rate)
        assert curve.total == step
    for at_most in (1, 3, 1000):
        buckets = curve.buckets(at_most)
        assert all(one.last < other.first for one, other in pairwise(buckets))
        assert all(not bucket.finite or bucket.low <= bucket.high for bucket in buckets)
