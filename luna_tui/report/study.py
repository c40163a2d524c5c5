"""The report's answer: micro-generations against one-shot training, with the differences that chance explains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from luna_tui.report.blocks import Block, Heading, Paragraph, Picture, Points, Table
from luna_tui.report.pictures import study_points, trade_off


def verdict_part(study: Mapping[str, Any] | None) -> list[Block]:
    """Return the verdict in plain words, or a note that nothing has been tested yet."""
    if study is None:
        return [
            Paragraph(
                "Whether micro-generations beat one-shot training was not tested here: there is no study yet "
                "(luna-tui study).",
                strong=True,
            )
        ]
    first, *others = study["conclusion"]["words"]
    return [Paragraph(first, strong=True), Points(others)]


def study_part(study: Mapping[str, Any]) -> list[Block]:
    """Return the study's tables and pictures."""
    conclusion = study["conclusion"]
    findings = [conclusion["all"], *conclusion["exams"]]
    rows = study["rows"]
    tokens = [arm["trained_tokens"] for arm in study["arms"]]
    blocks: list[Block] = [
        Heading("The study: micro-generations against one-shot training"),
        Paragraph(
            f"Both ways were fed the same {rows['new'] - rows['held_out']} rows and none of the {rows['held_out']} "
            f"held out, for the same number of trained tokens ({min(tokens):,} to {max(tokens):,} a run), with seeds "
            f"{', '.join(str(seed) for seed in study['seeds'])}. "
            "Micro-generations learn them in the lineage's steps, with replay and its learning rates; one-shot "
            "training learns all of them in one run with the recipe of the first generation. Both sat the same "
            "exams, as shipped GGUFs in llama.cpp."
        ),
        Table(
            ("", "items", "micro", "one-shot", "base", "difference", "95 % interval", ""),
            [_finding(finding) for finding in findings],
            "Mean ± sample standard deviation over the seeds. Difference: micro minus one-shot; its interval is "
            "Student's t with what other seeds (Welch 1947) and other items could have changed, and what lies on both "
            "sides of zero is within noise.",
        ),
        Picture("study.svg", study_points(findings), "Means and ranges over the seeds, exam by exam."),
        Picture("trade-off.svg", trade_off(_points(study)), "What is kept of the first exam against the later ones."),
        Table(
            (
                "",
                "seed",
                "generations",
                "steps",
                "trained tokens",
                "minutes",
                "made on",
                "all exams",
                "drift",
                "SHA-256",
            ),
            [_arm(arm) for arm in study["arms"]],
        ),
    ]
    cards = conclusion.get("cards")
    if cards:
        blocks.append(
            Paragraph(
                f"Challenge cards solved, of {cards['n']}: micro {_spread(cards['micro'])}, one-shot "
                f"{_spread(cards['one-shot'])}, base {cards['base']:.2f}."
            )
        )
    return blocks


def _finding(finding: Mapping[str, Any]) -> list[str]:
    change = finding["difference"]
    return [
        finding["what"],
        str(change["n"]),
        _spread(finding["micro"]),
        _spread(finding["one_shot"]),
        f"{finding['base']:.3f}",
        f"{change['value']:+.3f}",
        f"{change['low']:+.3f} to {change['high']:+.3f}",
        change["verdict"],
    ]


def _spread(spread: Mapping[str, Any]) -> str:
    return f"{spread['mean']:.3f} ± {spread['sd']:.3f}"


def _arm(arm: Mapping[str, Any]) -> list[str]:
    return [
        arm["kind"] + (" (this lineage)" if arm["own_lineage"] else ""),
        str(arm["seed"]),
        str(len(arm["generations"])),
        str(arm["steps"]),
        f"{arm['trained_tokens']:,}",
        f"{arm['minutes']:.1f}",
        made_on(arm["generations"]),
        f"{arm['all']['value']:.3f}",
        f"{arm['drift']['value']:.2f}",
        arm["sha"][:12],
    ]


def made_on(generations: Sequence[Mapping[str, Any]]) -> str:
    """Return the devices, dtypes and thread counts of an arm's trainings; older manifests record only threads."""
    known = (
        [gen.get("device"), gen.get("precision"), f"{gen['threads']} threads" if gen["threads"] else None]
        for gen in generations
    )
    return "; ".join(dict.fromkeys(", ".join(filter(None, facts)) or "not recorded" for facts in known))


def _points(study: Mapping[str, Any]) -> dict[str, list[tuple[float, float]]]:
    points: dict[str, list[tuple[float, float]]] = {"micro": [], "one-shot": []}
    for arm in study["arms"]:
        points[arm["kind"]].append(_old_and_new(arm["exams"]))
    points["base"] = [_old_and_new(study["base"]["exams"])]
    return points


def _old_and_new(exams: Mapping[str, Mapping[str, Any]]) -> tuple[float, float]:
    first, *later = (exam["value"] for _, exam in sorted(exams.items(), key=lambda entry: int(entry[0])))
    return first, sum(later) / len(later)
