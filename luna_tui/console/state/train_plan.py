"""Validates the fields of the training form, and previews what will happen when it is submitted."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.config.recipe import BACKENDS
from engine.core.gen_label import gen_label
from engine.pipeline.request import TrainRequest
from ledger.row import id_key, names_id
from luna_tui.common import figures
from luna_tui.console.state.console_state import ConsoleState

PHASES = ("auto", "base", "align", "converse")
AS_CONFIGURED = "luna.toml"
BACKEND_CHOICES = (AS_CONFIGURED, *sorted(BACKENDS))

_GEN = re.compile(r"[gG]?(\d{1,9})")
_NUMBER = re.compile(r"\d{1,9}")
_NAMED_GENERATIONS = 3
_MOST_GENERATIONS = 1000


class FieldError(ValueError):
    """A field's value cannot be used; the message is shown to the user."""


@dataclass(frozen=True, slots=True)
class TrainFields:
    """The text of the form's fields, as typed."""

    generations: str = "1"
    phase: str = "auto"
    parent: str = "HEAD"
    steps: str = ""
    data: str = ""
    seed: str = ""
    backend: str = AS_CONFIGURED
    strict: bool = False


@dataclass(frozen=True, slots=True)
class TrainPlan:
    """The training request of a valid form, or None while a field is invalid: then `problems` has a message for each
    such field.

    `notes` explain the valid fields, `preview` what will happen, one line each; `phase` is that of the first
    generation.
    """

    wish: TrainRequest | None
    phase: str = ""
    problems: Mapping[str, str] = field(default_factory=dict[str, str])
    notes: Mapping[str, str] = field(default_factory=dict[str, str])
    preview: tuple[str, ...] = ()


def plan_training(fields: TrainFields, state: ConsoleState) -> TrainPlan:
    """Validate the fields against the lineage and the files on disk."""
    problems: dict[str, str] = {}

    def read(name: str, reader: Callable[[str], Any]) -> Any:
        try:
            return reader(getattr(fields, name))
        except FieldError as error:
            problems[name] = str(error)
            return None

    generations = read("generations", lambda text: _whole(text, least=1, most=_MOST_GENERATIONS))
    parent = read("parent", lambda text: parent_gen(text, state))
    steps = read("steps", lambda text: _whole(text, least=1) if text.strip() else None)
    data = read("data", data_paths)
    seed = read("seed", lambda text: _whole(text, least=0) if text.strip() else None)
    backend = read("backend", _backend)
    phases = None if "parent" in problems else _phases(fields.phase, parent, generations or 1, state)
    notes = {
        "phase": _phase_note(fields.phase, phases, parent),
        "parent": "" if "parent" in problems else _parent_note(fields.parent, parent, state),
        "data": "" if not data else ", ".join(_file_note(path) for path in data),
    }
    if problems or generations is None or phases is None:
        return TrainPlan(None, phases[0] if phases else "", problems, notes)
    reference = fields.parent.strip()
    wish = TrainRequest(
        generations=generations,
        phase=fields.phase,
        parent=None if reference.upper() == "HEAD" else gen_label(parent),
        steps=steps,
        data=tuple(path.resolve() for path in data),
        backend=backend,
        seed=seed,
        strict=fields.strict,
    )
    return TrainPlan(wish, phases[0], problems, notes, _preview(wish, parent, phases, state))


def parent_gen(text: str, state: ConsoleState) -> int | None:
    """Return the generation named by HEAD, base, `G3`, `3` or the beginning of a SHA; None is the base.

    Raises FieldError when the text is empty or names no generation, or more than one.
    """
    name = text.strip()
    if name.upper() == "HEAD":
        return state.head
    if name.lower() == "base":
        return None
    number = _GEN.fullmatch(name)
    if number is not None and int(number[1]) in state.by_gen:
        return int(number[1])
    found = [gen for gen, row in state.by_gen.items() if names_id(name, str(row.get("child_sha")))]
    exact = [gen for gen in found if id_key(str(state.by_gen[gen].get("child_sha"))) == id_key(name)]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if not name:
        raise FieldError("HEAD, base or a generation")
    raise FieldError(f"there is no {name}" if state.by_gen else "only HEAD or base: no generation yet")


def data_paths(text: str) -> tuple[Path, ...]:
    """Return the files and folders named, separated by spaces and quoted as in a shell.

    Raises FieldError for an unclosed quotation mark or a path that does not exist.
    """
    try:
        words = shlex.split(text)
    except ValueError:
        raise FieldError("a quotation mark is not closed") from None
    paths = tuple(Path(word).expanduser() for word in words)
    for path in paths:
        try:
            there = path.exists()
        except OSError:
            there = False
        if not there:
            raise FieldError(f"no such file or folder: {path}")
    return paths


def _whole(text: str, *, least: int, most: int | None = None) -> int:
    number = int(text) if _NUMBER.fullmatch(text.strip()) else -1
    if number < least or (most is not None and number > most):
        raise FieldError(f"a whole number, {least} " + ("or more" if most is None else f"to {most}"))
    return number


def _backend(text: str) -> str | None:
    if text == "unsloth" and importlib.util.find_spec("unsloth") is None:
        raise FieldError("not installed here")
    return None if text == AS_CONFIGURED else text


def _file_note(path: Path) -> str:
    return f"{path.name}/ (folder)" if path.is_dir() else f"{path.name} ({figures.size(path.stat().st_size)})"


def _phases(asked: str, parent: int | None, generations: int, state: ConsoleState) -> list[str]:
    """Return the phases of the next `generations` generations after this parent."""
    if asked != "auto":
        return [asked] * generations
    from engine.data.selection import phase_of_depth  # its imports are needed by the form only, not by the first paint

    depth, at = 0, parent
    while at is not None and depth < 2:
        depth, at = depth + 1, (state.row(at) or {}).get("parent_gen")
    return [phase_of_depth(depth + number) for number in range(generations)]


def _phase_note(asked: str, phases: list[str] | None, parent: int | None) -> str:
    if asked != "auto" or phases is None:
        return ""
    return f"{phases[0]}: the first one" if parent is None else f"{phases[0]}, after G{parent}"


def _parent_note(text: str, parent: int | None, state: ConsoleState) -> str:
    name = gen_label(parent)
    if text.strip().upper() == "HEAD":
        return f"HEAD is {name}" if state.rows else "HEAD is the base: nothing evolved yet"
    verdict = str((state.row(parent) or {}).get("verdict") or "")
    judged = f", and {name} was {verdict}" if verdict in ("rejected", "stopped") else ""
    return f"a branch: HEAD is {_head(state)}{judged}" if parent != state.head else "where HEAD is"


def _preview(wish: TrainRequest, parent: int | None, phases: list[str], state: ConsoleState) -> tuple[str, ...]:
    gen = max(state.by_gen, default=-1) + 1
    plans = [state.plans.get(phase, {}) for phase in phases]
    steps = [wish.steps or plan.get("steps") for plan in plans]
    lr = plans[0].get("lr")
    how = "" if steps[0] is None else f": {steps[0]} steps" + (f" at {figures.learning_rate(lr)}" if lr else "")
    lines = [f"G{gen} {phases[0]} from {gen_label(parent)}{how}"]
    if len(phases) > 1:
        named = [f"G{gen + number} {phase}" for number, phase in enumerate(phases)][1 : _NAMED_GENERATIONS + 1]
        more = len(phases) - 1 - len(named)
        also = f" and {more} more" if more else ""
        lines.append(f"then {', '.join(named)}{also}, up to the first rejection")
    lines.append(_time(phases, steps, state))
    if state.unfinished is not None:
        lines.append(f"G{state.unfinished} was stopped: r would go on with it; this leaves it as it is")
    return tuple(lines)


def _time(phases: list[str], steps: list[Any], state: ConsoleState) -> str:
    """Return a rough duration: the minutes per step of the newest generation of the same phase, else of any."""
    seconds, judged_by = 0.0, None
    for phase, count in zip(phases, steps, strict=True):
        timed = [row for row in reversed(state.rows or ()) if _number(row.get("walltime_min")) and row.get("steps")]
        row = next((row for row in timed if row.get("phase") == phase), timed[0] if timed else None)
        if row is None or count is None:
            return "how long it takes is not known yet: the first generation tells"
        judged_by = judged_by or row["GEN_ID"]
        seconds += 60 * float(row["walltime_min"]) * count / float(row["steps"])
    return f"about {figures.duration(seconds)}, going by G{judged_by}"


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _head(state: ConsoleState) -> str:
    return "the base" if state.head is None else f"G{state.head}"
