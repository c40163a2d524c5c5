"""The form for a training run."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input

from engine.pipeline.request import TrainRequest
from luna_tui.common.safe_text import safe_line
from luna_tui.common.terminal import Glyphs
from luna_tui.console import messages
from luna_tui.console.state.actions import BY_NAME
from luna_tui.console.state.console_state import ConsoleState
from luna_tui.console.state.train_plan import BACKEND_CHOICES, PHASES, TrainFields, TrainPlan, plan_training
from luna_tui.console.widgets.fields import Cycle, Field, Note, NumberEntry, TextEntry, Words, key_hints

_WORDS = ("parent", "data")
_NOTED = ("generations", "phase", "parent", "steps", "data", "seed", "backend")


class TrainForm(ModalScreen[TrainRequest | None]):
    """Asks what to train; every field's default is luna.toml's value."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", show=False),
        # Fields that take words keep the letter for themselves: there it is ^r.
        Binding("d,ctrl+r", "dry_run", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    TrainForm #preview { margin: 1 0; min-height: 3; }
    TrainForm #keys { margin-top: 1; margin-bottom: 1; }
    TrainForm #data-note { margin-left: 13; }
    """

    def __init__(self, state: ConsoleState, glyphs: Glyphs) -> None:
        super().__init__()
        self._state = state
        self._glyphs = glyphs
        self._plan = TrainPlan(None)
        self._shown = False

    def compose(self) -> ComposeResult:
        notes = {name: Note(id=f"{name}-note", glyphs=self._glyphs) for name in _NOTED}
        phases, backends = Cycle(PHASES, id="phase"), Cycle(BACKEND_CHOICES, id="backend")
        phases.add_class("-short")
        backends.add_class("-short")
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content("Train the next generation")
            yield Words(id="preview")
            yield Field("generations", NumberEntry("1", id="generations"), notes["generations"])
            yield Field("phase", phases, notes["phase"])
            yield Field("parent", TextEntry("HEAD", id="parent"), notes["parent"])
            yield Field("steps", NumberEntry(id="steps"), notes["steps"])
            yield Field("seed", NumberEntry(id="seed", placeholder="luna.toml's"), notes["seed"])
            yield Field("backend", backends, notes["backend"])
            yield Field("bad rows", Cycle(("leave out", "refuse to train"), id="strict"))
            yield Field("data", TextEntry(id="data", placeholder="files or folders, not the curriculum", wide=True))
            yield notes["data"]
            yield Words(self._keys(), id="keys")

    def on_mount(self) -> None:
        """Show what would happen with the preset values."""
        self._shown = True
        self._check()

    def show(self, state: ConsoleState) -> None:
        """Follow changes of the lineage while the form is open."""
        facts = (self._state.rows, self._state.head, self._state.plans, self._state.mode, self._state.unfinished)
        self._state = state
        now = (state.rows, state.head, state.plans, state.mode, state.unfinished)
        if self._shown and any(old is not new for old, new in zip(facts, now, strict=True)):
            self._check()

    @on(Input.Changed)
    @on(Cycle.Changed)
    def _check(self) -> None:
        plan = self._plan = plan_training(self._fields(), self._state)
        for name in _NOTED:
            problem, note = plan.problems.get(name, ""), plan.notes.get(name, "")
            words = f"{self._glyphs.rejected} {safe_line(problem)}" if problem else safe_line(note)
            self.query_one(f"#{name}-note", Note).say(Text().append(words, "bad" if problem else "dim"))
        steps = self._state.plans.get(plan.phase, {}).get("steps")
        self.query_one("#steps", TextEntry).placeholder = "" if steps is None else str(steps)
        refusal = BY_NAME["train"].refusal(self._state)
        lines = [Text().append(refusal, "warn")] if refusal else _preview(plan)
        self.query_one("#preview", Words).say(*lines)
        self.query_one("#keys", Words).say(self._keys())

    def _fields(self) -> TrainFields:
        texts = {
            name: self.query_one(f"#{name}", TextEntry).value
            for name in ("generations", "parent", "steps", "data", "seed")
        }
        chosen = {name: self.query_one(f"#{name}", Cycle).value for name in ("phase", "backend")}
        return TrainFields(**texts, **chosen, strict=self.query_one("#strict", Cycle).value == "refuse to train")

    def _keys(self) -> Text:
        ready = self._plan.wish is not None and not BY_NAME["train"].refusal(self._state)
        start = (("enter", "start"),) if ready else ()
        look = (("^r" if self._types_words else "d", "dry run"),) if self._plan.wish is not None else ()
        return key_hints(*start, *look, ("tab", "next field"), ("left right", "choose"), ("esc", "cancel"))

    @property
    def _types_words(self) -> bool:
        """Whether the focus is in a field where d is a letter like any other."""
        return self.focused is not None and self.focused.id in _WORDS

    def on_descendant_focus(self) -> None:
        """Name the key of the dry run that works in this field."""
        self.query_one("#keys", Words).say(self._keys())

    def action_dry_run(self) -> None:
        """Open the page of what this training would learn and take; the form stays as it is below it."""
        self._check()
        if self._plan.wish is None:
            self._to_problem()
        else:
            messages.do_now(self, messages.DryRun(self._plan.wish))

    @on(Input.Submitted)
    @on(Cycle.Submitted)
    def _send(self) -> None:
        self._check()
        if self._plan.wish is None:
            self._to_problem()
        elif not BY_NAME["train"].refusal(self._state):
            self.dismiss(self._plan.wish)

    def _to_problem(self) -> None:
        wrong = next(iter(self._plan.problems))
        self.query_one(f"#{wrong}").focus()


def _preview(plan: TrainPlan) -> list[Text]:
    if plan.wish is None:
        return [Text().append("Something is not right yet: see the fields.", "warn")]
    first, *more = plan.preview
    return [Text().append(first, "bold"), *(Text().append(line, "dim") for line in more)]
