"""The report on forgetting: how every generation scores on every exam of its line."""

from __future__ import annotations

from engine.config.config import Config
from engine.evaluation.fill_matrix import read_matrix
from engine.workspace.layout import Workspace
from luna_tui.report.blocks import Block, Heading, Paragraph, Picture, Points, Table
from luna_tui.report.pictures import heat_map
from probes.transfer import Measure


def matrix_part(workspace: Workspace, config: Config) -> list[Block]:
    """Return the matrix as a picture and a table, with its measures and the exams whose scores fall."""
    matrix = read_matrix(workspace, config)
    if not matrix.exams:
        return [Heading("Forgetting"), Paragraph("No generation of this line has an exam in this workspace.")]
    names = [exam.label for exam in matrix.exams]
    blocks: list[Block] = [
        Heading("Forgetting"),
        Picture(
            "matrix.svg",
            heat_map([row.label for row in matrix.rows], names, matrix.values),
            "Every model of the line (rows) on every exam of the line (columns).",
        ),
        Table(
            ("", *(f"{exam.label} (n {exam.n})" for exam in matrix.exams)),
            [
                [row.label, *("·" if score is None else f"{score.value:.3f}" for score in row.scores)]
                for row in matrix.rows
            ],
            "·: not asked; luna-tui matrix --fill asks." if matrix.missing else "",
        ),
        Points(
            [
                f"Average accuracy of the last generation {_measure(matrix.acc, signed=False)}",
                f"Backward transfer {_measure(matrix.bwt)}: what later learning did to earlier exams; below 0 is "
                "forgetting",
                f"Forward transfer {_measure(matrix.fwt)}: what earlier learning did for later exams, beside the base",
            ]
        ),
        Paragraph("Definitions: Lopez-Paz and Ranzato 2017, arXiv:1706.08840."),
    ]
    if matrix.falling:
        blocks.append(Points([fall.words for fall in matrix.falling]))
    else:
        blocks.append(Paragraph("No exam has fallen below 0.97 of what it was when it was new."))
    return blocks


def _measure(measure: Measure, *, signed: bool = True) -> str:
    if measure.value is None:
        return f"not known yet ({measure.known} of {measure.needed} parts are)"
    value = round(measure.value, 3) + 0.0  # avoids a minus sign before zero
    return f"{value:+.3f}" if signed else f"{value:.3f}"
