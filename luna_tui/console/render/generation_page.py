"""Draws the page of one generation: verdict, scores, recipe, data, differences from the parent, files, versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from rich.text import Text

from engine.core.counted import counted
from luna_tui.common import figures
from luna_tui.common.score_lines import AncestorExam, ScoreLine, ancestor_exams, score_lines
from luna_tui.common.terminal import ASCII, Glyphs, in_ascii
from luna_tui.console.render.conversation import fold, shown_line
from luna_tui.console.render.generation_verdict import draw_verdict
from luna_tui.console.render.lineage_pane import VERDICT_STYLES, data_words, number
from luna_tui.console.render.made_with import Values, differences, mapping, tone_asked, value_words
from luna_tui.console.state.console_state import ConsoleState

FELL = 0.03
"""An ancestor's exam that lost more than this since it was new is called out."""

_EXAMS = 12
_HASH = 64
_WIDE = 90


@dataclass(frozen=True, slots=True)
class GenerationView:
    """All that the page shows. `manifest` is None for a hand-written row; `reading` is set while it is being loaded."""

    gen: int
    row: Values | None
    manifest: Values | None = None
    reading: bool = True
    parent_manifest: Values | None = None
    parent_row: Values | None = None
    evaluation: Values | str | None = None
    targets: Mapping[str, float] = field(default_factory=dict[str, float])
    head: int | None = None
    was: Mapping[int, float | None] = field(default_factory=dict[int, "float | None"])


def generation_view(state: ConsoleState, gen: int) -> GenerationView:
    """Return the view of a generation's page from the console's state."""
    row = state.row(gen)
    parent = (row or {}).get("parent_gen")
    exams = ancestor_exams(scores_of(row or {}, state.manifests.get(gen)).get("by_ancestor"), {})
    return GenerationView(
        gen=gen,
        row=row,
        manifest=state.manifests.get(gen),
        reading=gen not in state.manifests,
        parent_manifest=state.manifests.get(parent) if parent is not None else None,
        parent_row=state.row(parent),
        evaluation=state.evaluations.get(f"G{gen}"),
        targets=state.targets,
        head=state.head,
        was={exam.gen: number((state.row(exam.gen) or {}).get("eval_generalization")) for exam in exams},
    )


def draw_generation(view: GenerationView, width: int, glyphs: Glyphs, now: datetime | None = None) -> list[Text]:
    """Return the whole page, each line at most `width` cells."""
    if view.row is None:
        return [Text(f" G{view.gen} is not in the lineage", "dim")]
    page = _Page(width, glyphs)
    _draw_title(page, view, now)
    page.add(
        *draw_verdict(
            view.row, scores_of(view.row, view.manifest), view.evaluation, view.targets, view.head, width - 2, glyphs
        )
    )
    _draw_scores(page, view)
    _draw_exams(page, view)
    if view.reading:
        page.heading("Recipe, data and files").add(Text(f"reading the manifest{glyphs.ellipsis}", "dim"))
    elif view.manifest is None:
        page.heading("Recipe").facts(_row_recipe(view.row))
        page.add(Text("a hand-written row: there is no manifest, so data, files and versions are not known", "dim"))
    else:
        _draw_manifest(page, view, view.manifest)
    return page.lines


class _Page:
    """Collects the page's lines, indented by a cell and truncated at the width."""

    def __init__(self, width: int, glyphs: Glyphs) -> None:
        self.width = width
        self.glyphs = glyphs
        self.lines: list[Text] = []

    def add(self, *lines: Text) -> _Page:
        for line in lines:
            text = Text(" ").append_text(line)
            text.truncate(self.width)
            self.lines.append(in_ascii(text) if self.glyphs is ASCII else text)
        return self

    def heading(self, words: str) -> _Page:
        return self.add(Text(), Text(words, "title"))

    def facts(self, facts: Sequence[tuple[str, str]], style: str = "") -> _Page:
        """Add names with their values, as many side by side as fit."""
        if not facts:
            return self
        name = max(len(key) for key, _ in facts)
        value = min(24, max(len(text) for _, text in facts))
        columns = max(1, (self.width - 1) // (name + value + 6))
        deep = -(-len(facts) // columns)
        for at in range(deep):
            line = Text()
            for key, text in facts[at::deep]:
                line.append("  ").append(f"{shown_line(key, self.glyphs):<{name}}  ", "label")
                line.append(f"{shown_line(text, self.glyphs):<{value}}  ", style)
            self.add(line)
        return self

    def words(self, text: str, style: str = "") -> _Page:
        folded = fold(shown_line(text, self.glyphs), max(12, self.width - 4))
        return self.add(*(Text("  ").append(line, style) for line in folded))


def _draw_title(page: _Page, view: GenerationView, now: datetime | None) -> None:
    row, glyphs = cast("Values", view.row), page.glyphs
    verdict = str(row.get("verdict") or "")
    title = Text(f"G{view.gen}", "title").append(f" {shown_line(str(row.get('phase') or ''), glyphs)}")
    title.append(f"  {shown_line(verdict, glyphs)}", VERDICT_STYLES.get(verdict, "dim"))
    if view.head == view.gen:
        title.append(f"  {glyphs.head}", "head")
    parent = "the base" if row.get("parent_gen") is None else f"G{row['parent_gen']}"
    minutes = number(row.get("walltime_min"))
    start, end = (figures.loss(number(row.get(key))) for key in ("loss_start", "loss_end"))
    age = figures.age(row.get("created"), now)
    facts = [
        f"from {parent}",
        f"{row.get('steps')} steps in {figures.duration(None if minutes is None else minutes * 60)}",
        f"loss {start} {glyphs.arrow} {end}",
        "now" if age == "now" else f"{age} ago" if age else "",
    ]
    page.add(title, Text(f" {glyphs.dot} ".join(fact for fact in facts if fact), "dim"))
    page.add(Text("sha ", "label").append(shown_line(str(row.get("child_sha") or ""), glyphs)))
    if row.get("collected"):
        page.add(Text("its GGUF was collected to save space: train again from its parent to talk to it", "warn"))


def scores_of(row: Values, manifest: Values | None = None) -> Values:
    """Return the scores with counts and intervals, from a row or its manifest; for a hand-written row the three
    numbers.
    """
    scores = row.get("scores") or (manifest or {}).get("scores")
    if isinstance(scores, Mapping) and scores:
        return cast("Values", scores)
    columns = (("recall", "eval_recall"), ("generalization", "eval_generalization"), ("drift", "eval_style_drift"))
    return {name: {"value": row[column]} for name, column in columns if number(row.get(column)) is not None}


def _draw_scores(page: _Page, view: GenerationView) -> None:
    lines = score_lines(scores_of(cast("Values", view.row), view.manifest), view.targets)
    page.heading("Scores")
    if not lines:
        page.add(Text("  none were recorded", "dim"))
        return
    parent = cast("Values", view.row).get("parent_gen")
    earlier = score_lines(scores_of(view.parent_row, view.parent_manifest), {}) if view.parent_row else []
    before = {line.name: line.value for line in earlier}
    if tone_asked(view.row) != tone_asked(view.parent_row):
        before.pop("drift", None)  # measured on other tone probes
    wide = page.width >= _WIDE
    titles = f"  {'':<15} {'value':>6} {'target':>8} {'count':>8}  {'95 % interval':<13}"
    page.add(Text(f"{titles}  {'':<{17 if wide else 8}} {f'vs G{parent}' if before else ''}", "label"))
    for line in lines:
        page.add(_score(line, before.get(line.name), page.glyphs, wide=wide))


def _score(line: ScoreLine, before: float | None, glyphs: Glyphs, *, wide: bool) -> Text:
    style = {True: "good", False: "bad", None: ""}[line.passed]
    text = Text(f"  {line.label:<15} ").append(f"{figures.score(line.value, line.target):>6}", style)
    text.append(f" {target_words(line, glyphs):>8}", "dim")
    text.append(f" {f'{line.count}/{line.n}' if line.n else glyphs.dash:>8}")
    text.append(f"  {interval_words(line.low, line.high, glyphs) if line.n else glyphs.dash:<13}", "dim")
    words = ""
    if line.passed is not None:
        missed = f" by {figures.score(abs(line.value - (line.target or 0.0)))}" if wide else ""
        words = f"{glyphs.accepted} met" if line.passed else f"{glyphs.rejected} missed{missed}"
    text.append(f"  {words:<{17 if wide else 8}}", style)
    if before is not None:
        text.append(f" {difference(line.value - before)}", "dim")
    return text


def target_words(line: ScoreLine, glyphs: Glyphs) -> str:
    """Return a score's target, `> 0.90`; empty for a score without a target."""
    return f"{glyphs.relation(line.sign)} {line.target:.2f}" if line.target is not None and line.sign else ""


def interval_words(low: float, high: float, glyphs: Glyphs) -> str:
    """Return an interval in words: `0.92–0.99`."""
    return f"{low:.2f}{glyphs.dash}{high:.2f}"


def difference(value: float) -> str:
    """Format a difference as `+0.02` or `-0.10`; with more decimals when it is small but not zero."""
    if abs(value) < 1e-9:
        return "0.00"
    return f"{value:+.2f}" if abs(value) >= 0.005 else f"{value:+.4f}"


def _draw_exams(page: _Page, view: GenerationView) -> None:
    exams = ancestor_exams(scores_of(cast("Values", view.row), view.manifest).get("by_ancestor"), view.was)
    if not exams:
        return
    page.heading("Exams of its ancestors")
    shown = _worth_showing(exams)
    for exam in shown:
        fell = exam.was is not None and exam.was - exam.value > FELL
        text = Text(f"  G{exam.gen:<5} ").append(f"{figures.score(exam.value):>6}", "warn" if fell else "")
        if exam.was is not None:
            text.append(f"  was {figures.score(exam.was)} when it was new", "dim")
            words = f"fell by {figures.score(exam.was - exam.value)}" if fell else ""
            text.append(f"  {words}" if words else "", "warn")
        page.add(text.append(f"  n {exam.n}", "dim"))
    if len(shown) < len(exams):
        page.add(Text(f"  and {len(exams) - len(shown)} more, none of which fell further", "dim"))


def _worth_showing(exams: Sequence[AncestorExam]) -> list[AncestorExam]:
    """Return all exams if there are few; of many, those that dropped most, in the order of the lineage."""
    worst = sorted(exams, key=lambda exam: exam.value - (exam.was if exam.was is not None else exam.value))
    return sorted(worst[:_EXAMS], key=lambda exam: exam.gen)


def _row_recipe(row: Values) -> list[tuple[str, str]]:
    lr = number(row.get("lr"))
    return [("steps", str(row.get("steps"))), ("lr", figures.learning_rate(lr) if lr is not None else "")]


def _draw_manifest(page: _Page, view: GenerationView, manifest: Values) -> None:
    glyphs = page.glyphs
    recipe = mapping(manifest.get("recipe"))
    page.heading("Recipe").facts([(key, value_words(key, recipe[key])) for key in sorted(recipe)])
    _draw_data(page, mapping(manifest.get("data")))
    _draw_parent_diff(page, view, manifest)
    files = cast("Mapping[str, Values]", mapping(manifest.get("files")))
    page.heading(f"Files {glyphs.dot} {len(files)}, {figures.size(sum(f.get('bytes', 0) for f in files.values()))}")
    name_width = min(40, max((len(name) for name in files), default=0))
    for name in sorted(files):
        text = Text(f"  {shown_line(name, glyphs):<{name_width}}  {figures.size(files[name].get('bytes', 0)):>7}  ")
        sha = str(files[name].get("sha256", ""))
        room = page.width - text.cell_len - 1
        shown = sha if room >= _HASH else sha[: max(8, min(16, room - 1))] + glyphs.ellipsis
        page.add(text.append(shown_line(shown, glyphs), "dim"))
    made = [("backend", str(manifest.get("backend"))), ("seed", str(manifest.get("seed")))]
    made.append(("threads", str(manifest.get("threads"))))
    versions = mapping(manifest.get("versions"))
    page.heading("Made with").facts([*made, *((name, str(versions[name])) for name in sorted(versions))])


def _draw_data(page: _Page, data: Values) -> None:
    page.heading("Data")
    if words := data_words(data, page.glyphs):
        page.words(words)
    selection, curriculum = mapping(data.get("selection")), mapping(data.get("curriculum"))
    if selection.get("reason"):
        page.words(str(selection["reason"]), "dim")
    fed, new = mapping(data.get("by_stage")), mapping(selection.get("by_stage"))
    there = mapping(curriculum.get("rows"))
    stages = [str(stage) for stage in data.get("stages") or sorted({*fed, *new, *there})]
    wide = min(30, max((len(stage) for stage in stages), default=0))
    if stages:
        page.add(Text(f"  {'stage':<{wide}} {'new':>7} {'fed':>7} {'in the curriculum':>18}", "label"))
    for stage in stages:
        counts = f" {new.get(stage, 0):>7} {fed.get(stage, 0):>7} {there.get(stage, 0):>18}"
        page.add(Text(f"  {shown_line(stage, page.glyphs)[:wide]:<{wide}}").append(counts))
    bad, twice = len(curriculum.get("bad") or ()), curriculum.get("duplicates") or 0
    if bad or twice:
        page.words(f"left out: {counted(bad, 'bad row')}, {counted(twice, 'duplicate')}", "warn" if bad else "dim")


def _draw_parent_diff(page: _Page, view: GenerationView, manifest: Values) -> None:
    parent = view.row.get("parent_gen") if view.row else None
    if parent is None:
        return
    page.heading(f"Differs from G{parent}")
    if view.parent_manifest is None:
        page.add(Text("  its manifest is not known here", "dim"))
        return
    changes = differences(view.parent_manifest, manifest, page.glyphs)
    if not changes:
        page.add(Text("  in nothing but its data rows", "dim"))
    page.facts(changes)
