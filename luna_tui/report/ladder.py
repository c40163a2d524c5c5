"""The report on size: which rung of the ladder is enough, and what each cost."""

from __future__ import annotations

from typing import Any

from engine.experiments.ladder.ladder_file import read_ladder
from engine.workspace.layout import Workspace
from luna_tui.common import figures
from luna_tui.report.blocks import Block, Heading, Paragraph, Points, Table


def ladder_part(workspace: Workspace) -> tuple[list[Block], list[str]]:
    """Return the blocks of the last ladder run and its command; both empty where none has been run."""
    ladder = read_ladder(workspace)
    if ladder is None:
        return [], []
    blocks: list[Block] = [
        Heading("How big it must be"),
        Paragraph(ladder["sentence"], strong=True),
        Table(
            ("", "cards solved", "95 %", "parameters", "GGUF", "training, min", "tokens/s", "asked"),
            [_rung(rung) for rung in ladder["rungs"]],
            f"Enough is {ladder['needed']} of {ladder['cards']['n']} challenge cards; each rung went through up to "
            f"{ladder['generations']} generations of the same curriculum.",
        ),
    ]
    if ladder["untried"]:
        blocks.append(Paragraph(f"Not tried: {', '.join(ladder['untried'])}."))
    failed = ladder["rungs"][-1]["failed"]
    if failed:
        blocks.append(Paragraph(f"What {ladder['rungs'][-1]['name']} got wrong:"))
        blocks.append(Points([_failed(result) for result in failed]))
    return blocks, ["luna-tui ladder"]


def _rung(rung: dict[str, Any]) -> list[str]:
    score = rung["score"]
    return [
        rung["name"],
        f"{round(score['value'] * score['n'])} of {score['n']}",
        f"{score['low']:.2f}–{score['high']:.2f}",
        f"{rung['parameters'] / 1e6:.1f} M",
        figures.size(rung["size_bytes"]),
        f"{rung['minutes']:.1f}",
        f"{rung['tokens_per_s']:.0f}",
        rung["asked"],
    ]


def _failed(result: dict[str, Any]) -> str:
    return f"{result['id']}: {result['prompt']} → {result['output']!r}"
