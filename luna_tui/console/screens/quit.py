"""The dialog on leaving the console during a run."""

from __future__ import annotations

from typing import ClassVar, Literal

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from luna_tui.common import figures
from luna_tui.common.safe_text import safe_line
from luna_tui.common.terminal import Glyphs
from luna_tui.console.state.console_state import ConsoleState
from luna_tui.console.widgets.choices import Choice, Choices
from luna_tui.console.widgets.fields import Words

QuitWish = Literal["headless", "stop", "cancel"]

_WISHES: tuple[QuitWish, ...] = ("headless", "stop", "cancel")
_CHOICES = (
    Choice(
        "h",
        "finish it without a screen",
        "It stops at a checkpoint and goes on in a process of its own; luna-tui shows it again.",
    ),
    Choice("s", "stop with a checkpoint", "It ends after this step; r goes on with it."),
    Choice("c", "stay", "Nothing changes."),
)


class QuitQuestion(ModalScreen[QuitWish]):
    """Offers to finish the run without a screen, to stop it with a checkpoint, or to stay."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss('cancel')", show=False)]
    DEFAULT_CSS = """
    QuitQuestion Words { margin: 1 0; }
    QuitQuestion Choices { margin-bottom: 1; }
    """

    def __init__(self, state: ConsoleState, glyphs: Glyphs) -> None:
        super().__init__()
        self._state = state
        self._glyphs = glyphs

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content("Leave while a run is going on?")
            yield Words(run_line(self._state, self._glyphs))
            yield Choices(_CHOICES, glyphs=self._glyphs, roomy=True)

    def show(self, state: ConsoleState) -> None:
        """Update the run's progress while the dialog is open."""
        self._state = state
        for words in self.query(Words):
            words.say(run_line(state, self._glyphs))

    @on(Choices.Chosen)
    def _answer(self, event: Choices.Chosen) -> None:
        self.dismiss(_WISHES[event.index])


def run_line(state: ConsoleState, glyphs: Glyphs) -> Text:
    """Return which run it is, its progress, and the time left of its step."""
    run = state.run
    if not state.busy:
        return Text().append("The run has ended meanwhile: whatever you choose, nothing is lost.", "good")
    if run.started is None or run.finished is not None:
        return Text().append("A run is getting ready.", "run")
    gap = f" {glyphs.dot} "
    line = Text().append(f"{glyphs.running} G{run.started.gen} {run.started.phase}", "run")
    if run.step == "train" and run.train is not None:
        step = run.train
        line.append(f"{gap}step {step.step}/{step.total}")
        if step.eta_s is not None:
            line.append(f"{gap}{figures.duration(step.eta_s)} left of training")
    else:
        line.append(f"{gap}{safe_line(run.step) or 'starting'}")
        if run.progress is not None and run.progress.eta_s is not None:
            line.append(f"{gap}{figures.duration(run.progress.eta_s)} left of this step")
    if state.stopping:
        line.append(f"{gap}stopping already", "warn")
    return line
