"""The gate at its exact thresholds, and the stop rule along a lineage."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from engine.config.schema import EvalSection, StopRuleSection
from engine.evaluation.gate import missed_targets, passes
from engine.evaluation.stop_rule import PathPoint, stop_reason, unknown_drift
from engine.pipeline.steps.judge import judge
from ledger.lineage import Lineage
from ledger.row import LedgerRow
from probes.examine import Examination
from probes.statistics.intervals import Score
from probes.typed import TypedResult

TARGETS = EvalSection()
RULE = StopRuleSection()
NEW: dict[int, float] = {}


def score(value: float, n: int = 100) -> Score:
    return Score(value=value, n=n, low=0.0, high=1.0)


def examination(**values: float) -> Examination:
    """An examination that passes, but for the values given."""
    scores = {"recall": 0.95, "generalization": 0.9, "drift": 0.0, "answered": 1.0, "continued": 0.0} | values
    return Examination(
        recall=score(scores["recall"]),
        retention=None,
        generalization=score(scores["generalization"]),
        drift=score(scores["drift"]),
        answered=score(scores["answered"]),
        by_ancestor={},
        own_qa=None,
        lost=(),
        gained=(),
        results=(),
        tone_answers=(),
        seconds={},
        continued=score(scores["continued"]),
        typed_results=(TypedResult("f1", "both", "what is it", "a kettle", False, 1.0, "match", "eos", 2.0),),
    )


def test_all_targets_met() -> None:
    assert missed_targets(examination(), TARGETS, stopped_by_eos=True, when_new=NEW) == []
    assert all(passes(examination(), TARGETS, when_new=NEW).values())


@pytest.mark.parametrize(
    ("name", "value", "met"),
    [
        ("recall", 0.90, False),
        ("recall", 0.9001, True),
        ("generalization", 0.85, False),
        ("generalization", 0.8501, True),
        ("drift", 0.20, False),
        ("drift", 0.1999, True),
        ("answered", 0.90, True),
        ("answered", 0.8999, False),
        ("continued", 0.05, True),
        ("continued", 0.0501, False),
    ],
)
def test_thresholds(name: str, value: float, met: bool) -> None:
    found = examination(**{name: value})
    assert (missed_targets(found, TARGETS, stopped_by_eos=True, when_new=NEW) == []) is met
    assert passes(found, TARGETS, when_new=NEW) == {
        key: met if key == name else True for key in passes(found, TARGETS, when_new=NEW)
    }


def test_a_model_that_was_taught_no_question_may_go_on_with_what_it_reads() -> None:
    reader = replace(examination(continued=1.0), typed_results=())
    assert missed_targets(reader, TARGETS, stopped_by_eos=True, when_new=NEW) == []
    assert "continued" not in passes(reader, TARGETS, when_new=NEW)


def test_a_record_from_before_misses_nothing_by_what_it_does_not_say() -> None:
    old = replace(examination(), continued=None, typed_results=())
    assert missed_targets(old, TARGETS, stopped_by_eos=True, when_new=NEW) == []
    assert "continued" not in passes(old, TARGETS, when_new=NEW)


def test_finishing_the_persons_sentence_is_a_reason_in_words() -> None:
    (reason,) = missed_targets(examination(continued=0.4), TARGETS, stopped_by_eos=True, when_new=NEW)
    assert reason == (
        "it finishes the person's sentence: 0.40 of the answers first go on with the prompt, more than 0.05 (n 100)"
    )


def test_reasons_name_the_score_the_target_and_the_count() -> None:
    (reason,) = missed_targets(examination(recall=0.5), TARGETS, stopped_by_eos=True, when_new=NEW)
    assert reason == "recall 0.500 is not above 0.9 (n 100)"
    (reason,) = missed_targets(examination(answered=0.4), TARGETS, stopped_by_eos=True, when_new=NEW)
    assert "falls silent" in reason


def test_a_model_that_never_stops() -> None:
    (reason,) = missed_targets(examination(), TARGETS, stopped_by_eos=False, when_new=NEW)
    assert "never stops" in reason


def test_every_miss_is_named() -> None:
    found = examination(recall=0.0, generalization=0.0, drift=1.0, answered=0.0)
    assert len(missed_targets(found, TARGETS, stopped_by_eos=False, when_new=NEW)) == 5


ANCESTORS = EvalSection(recall_scope="ancestors")


def on_ancestors(**by_ancestor: float) -> Examination:
    """An examination that passes, with these scores on the exams of G0, G1, …"""
    return replace(examination(), by_ancestor={int(g[1:]): score(value, 40) for g, value in by_ancestor.items()})


@pytest.mark.parametrize(
    ("now", "new", "met"),
    [(0.81, 0.9, False), (0.8101, 0.9, True), (0.4, 0.4, True), (0.3, 0.4, False), (1.0, 0.5, True)],
)
def test_of_every_ancestors_exam_a_share_above_the_recall_target_must_stand(now: float, new: float, met: bool) -> None:
    found, when_new = on_ancestors(g0=now, g1=1.0), {0: new, 1: 1.0}
    assert (missed_targets(found, ANCESTORS, stopped_by_eos=True, when_new=when_new) == []) is met
    assert passes(found, ANCESTORS, when_new=when_new)["ancestors"] is met
    assert missed_targets(found, TARGETS, stopped_by_eos=True, when_new=when_new) == [], "only where it is asked for"
    assert "ancestors" not in passes(found, TARGETS, when_new=when_new)


def test_what_was_forgotten_is_named_with_both_scores() -> None:
    found, when_new = on_ancestors(g0=0.7, g2=0.5), {0: 0.95, 2: 1.0}
    first, second = missed_targets(found, ANCESTORS, stopped_by_eos=True, when_new=when_new)
    assert first == "the exam of G0 0.700 is 0.737 of the 0.950 that G0 itself scored, not above 0.9 (n 40)"
    assert second.startswith("the exam of G2 0.500 is 0.500 of the 1.000")


def test_what_an_ancestor_never_knew_or_nobody_recorded_is_not_forgotten() -> None:
    found = on_ancestors(g0=0.0, g1=0.2)
    assert missed_targets(found, ANCESTORS, stopped_by_eos=True, when_new={0: 0.0}) == []


def path(*points: tuple[float, float]) -> list[PathPoint]:
    return [PathPoint(gen, general, drift) for gen, (general, drift) in enumerate(points)]


def test_the_stop_rule_fires_when_drift_is_all_that_rises() -> None:
    reason = stop_reason(path((0.90, 0.0), (0.91, 0.05), (0.92, 0.16)), RULE)
    assert reason is not None
    assert "fix the data, not the size" in reason
    assert "G1 and G2" in reason


@pytest.mark.parametrize(
    ("points", "why"),
    [
        ([(0.90, 0.0), (0.92, 0.2)], "two generations are no trend"),
        ([(0.90, 0.0), (0.96, 0.05), (0.97, 0.2)], "generalization rose in one of them"),
        ([(0.80, 0.0), (0.80, 0.0), (0.85, 0.2)], "a rise of exactly epsilon is a rise"),
        ([(0.90, 0.0), (0.90, 0.05), (0.90, 0.10)], "drift rose too little in each"),
        ([(0.90, 0.1), (0.90, 0.2), (0.90, 0.2)], "a rise of exactly theta is not more than theta"),
        ([(0.90, 0.3), (0.90, 0.2), (0.90, 0.1)], "drift falls"),
        ([(0.90, 0.0), (0.90, 0.3), (0.90, 0.3), (0.90, 0.3)], "only the last two generations count"),
    ],
)
def test_the_stop_rule_stays_silent(points: list[tuple[float, float]], why: str) -> None:
    assert stop_reason(path(*points), RULE) is None, why


def test_the_stop_rule_counts_a_jump_in_either() -> None:
    assert stop_reason(path((0.9, 0.0), (0.9, 0.15), (0.9, 0.15)), RULE) is not None
    assert stop_reason(path((0.9, 0.0), (0.9, 0.0), (0.9, 0.15)), RULE) is not None


def test_a_second_try_that_is_no_better_counts_the_rejected_one_before_it() -> None:
    line, rejected = path((0.90, 0.0), (1.0, 0.0)), PathPoint(2, 0.6, 0.15)
    again = PathPoint(3, 0.7, 0.02)
    assert stop_reason([*line, again], RULE) is None, "along the line generalization rose in G1"
    reason = stop_reason([*line, again], RULE, rejected)
    assert reason is not None
    assert "rose by -0.400 and -0.300 in G2 and G3, both from G1, " in reason
    assert "drift rose by +0.150 and +0.020" in reason
    assert stop_reason([line[0], again], RULE, rejected) is not None, "a root has no generation before its own"


@pytest.mark.parametrize(
    ("rejected", "child", "why"),
    [
        ((0.5, 0.1), (0.5, 0.1), "a rise of exactly theta is not more than theta"),
        ((0.5, 0.5), (0.95, 0.0), "the second one brought generalization"),
        ((0.95, 0.0), (0.5, 0.5), "the first one had"),
    ],
)
def test_two_tries_that_brought_something_are_not_stopped(
    rejected: tuple[float, float], child: tuple[float, float], why: str
) -> None:
    assert stop_reason([PathPoint(0, 0.9, 0.0), PathPoint(2, *child)], RULE, PathPoint(1, *rejected)) is None, why


def test_the_stop_rule_can_be_switched_off() -> None:
    off = StopRuleSection(enabled=False)
    assert stop_reason(path((0.9, 0.0), (0.9, 0.5), (0.9, 1.0)), off) is None


def judged(
    ancestors: tuple[int, ...], drift: float, targets: EvalSection = TARGETS, found: Examination | None = None
) -> str:
    """The verdict on a G4 that descends from `ancestors` of a lineage in which G2 and G3 are another branch."""
    rows = [
        ledger_row(0, "base_model", 0.9, 0.0),
        ledger_row(1, sha(0), 0.9, 0.0),
        ledger_row(2, sha(1), 0.9, 0.5),
        ledger_row(3, sha(2), 0.9, 0.9),
    ]
    config = SimpleNamespace(eval=targets, stop_rule=RULE)
    context = SimpleNamespace(config=config, emit=lambda *_args, **_kwargs: None)
    plan = SimpleNamespace(path=ancestors, gen=4, parent_gen=ancestors[-1])
    model = SimpleNamespace(stopped=8)
    lineage = Lineage.build(rows)
    sat = found or examination(drift=drift)
    return judge(context, plan, lineage, model, sat).verdict  # type: ignore[arg-type]


def sha(gen: int) -> str:
    return f"{gen:x}" * 64


def ledger_row(gen: int, parent: str, general: float, drift: float) -> LedgerRow:
    return LedgerRow(gen, parent, sha(gen), "f" * 64, 1, 1e-4, 1.0, 1.0, 0.5, 1.0, general, drift)


def test_the_stop_rule_follows_the_lineage_and_not_the_numbers() -> None:
    assert judged((0, 1), drift=0.05) == "accepted", "the drift of the other branch is none of its own"
    assert judged((0, 1), drift=0.15) == "stopped"
    assert judged((0, 1, 2), drift=0.19) == "stopped", "drift jumped in its parent"
    assert judged((0,), drift=0.15) == "accepted"


def test_a_rejected_generation_says_what_it_missed() -> None:
    assert judged((0,), drift=0.2) == "rejected"


def test_a_generation_that_forgot_an_ancestor_is_rejected_where_that_counts() -> None:
    forgot = on_ancestors(g0=0.5, g1=0.9)
    assert judged((0, 1), 0.0, ANCESTORS, forgot) == "rejected", "of the 0.9 that the ledger has for G0"
    assert judged((0, 1), 0.0, TARGETS, forgot) == "accepted"
    assert judged((0, 1), 0.0, ANCESTORS, on_ancestors(g0=0.85, g1=0.9)) == "accepted"


def judged_after(before: LedgerRow, verdict: str, found: Examination) -> str:
    """The verdict on a G3 trained from G1, where the generation recorded before it is G2 with `verdict`."""
    rows = [ledger_row(0, "base_model", 0.9, 0.0), ledger_row(1, sha(0), 1.0, 0.0), before]
    parent = 1 if before.parent_sha == sha(1) else 0
    manifests = {2: SimpleNamespace(verdict=verdict, parent_gen=parent)}
    context = SimpleNamespace(config=SimpleNamespace(eval=TARGETS, stop_rule=RULE), emit=lambda *_args, **_kwargs: None)
    plan, model = SimpleNamespace(path=(0, 1), gen=3, parent_gen=1), SimpleNamespace(stopped=8)
    lineage = Lineage.build(rows, 1, manifests)  # type: ignore[arg-type]
    return judge(context, plan, lineage, model, found).verdict  # type: ignore[arg-type]


def test_a_bad_batch_twice_in_a_row_is_stopped_though_head_stayed() -> None:
    bad = examination(generalization=0.6, drift=0.05)
    drifted = ledger_row(2, sha(1), 0.6, 0.15)
    assert judged_after(drifted, "rejected", bad) == "stopped"
    assert judged_after(drifted, "stopped", bad) == "stopped"
    assert judged_after(drifted, "rejected", examination()) == "accepted", "the data was mended"
    assert judged_after(drifted, "accepted", bad) == "rejected", "a branch that was left is no failed try"
    assert judged_after(ledger_row(2, sha(1), 0.6, 0.05), "rejected", bad) == "rejected", "nothing drifted"
    assert judged_after(ledger_row(2, sha(0), 0.6, 0.15), "rejected", bad) == "rejected", "from another parent"


def test_drifts_of_other_probes_are_no_rise_and_it_is_said() -> None:
    line = [PathPoint(0, 0.90, None), PathPoint(1, 0.91, None), PathPoint(2, 0.92, 0.9)]
    assert stop_reason(line, RULE) is None
    said = unknown_drift(line, RULE)
    assert said is not None
    assert "G0 and G1" in said
    assert unknown_drift(path((0.90, 0.0), (0.91, 0.0), (0.92, 0.9)), RULE) is None
    assert unknown_drift([PathPoint(0, 0.5, None), PathPoint(1, 0.7, None), PathPoint(2, 0.92, 0.9)], RULE) is None


def test_one_comparable_rise_is_enough_to_stop() -> None:
    line = [PathPoint(0, 0.90, None), PathPoint(1, 0.91, 0.0), PathPoint(2, 0.92, 0.9)]
    reason = stop_reason(line, RULE)
    assert reason is not None
    assert "what is not comparable and +0.900" in reason
