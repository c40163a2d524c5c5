"""Carries out what the user wants: each action of the list has its `do_` method here, each intent a branch in `hear`.

Whatever moves HEAD, trains or leaves needs a confirmation first. Nothing here draws. A page is imported when it is
first opened: none of them is needed for the first paint.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.core.errors import UsageError
from engine.core.events import Event, RunFinished, RunStarted
from engine.core.gen_label import gen_label
from engine.pipeline.request import TrainRequest
from luna_tui.common.safe_text import safe_text
from luna_tui.console import messages
from luna_tui.console.host import Host
from luna_tui.console.leave_actions import LeaveActions
from luna_tui.console.screens.dashboard import Dashboard
from luna_tui.console.state.actions import BY_NAME
from luna_tui.console.state.console_state import reduce
from luna_tui.console.state.events import (
    ChatsLoaded,
    ChatsTold,
    ConsoleEvent,
    CurveLoaded,
    ImportLoaded,
    KarmaRead,
    LineageLoaded,
    ModeChanged,
    Noted,
    PreviewLoaded,
    QuestionsProposed,
    QuestionsWritten,
    StopRequested,
)
from luna_tui.console.workers.link import Link

if TYPE_CHECKING:
    from luna_tui.console.screens.export_form import ExportWish


class Controller(LeaveActions):
    """Carries out actions and intents on one link."""

    def __init__(self, stage: Host, link: Link) -> None:
        super().__init__(stage, link)
        self._wanted_curves: set[int] = set()
        self._by_itself = False  # whether age-up started the current run
        self._asks_first = False  # set once such a run failed or was stopped: from then on only the user starts runs

    # Events that cause more work.

    def heed(self, event: Event | ConsoleEvent) -> None:
        """Load what an event makes necessary, show errors, and start a run that age-up has earned."""
        if isinstance(event, RunFinished):
            self._link.load_lineage()
            # One refused as bad input is tried again by the poller when the data change, as `watch` does.
            refused = event.exit_code == UsageError.exit_code
            self._asks_first |= self._by_itself and event.verdict in ("failed", "interrupted") and not refused
            self._by_itself = False
            if event.verdict in ("rejected", "stopped", "failed"):
                self._alert(f"G{event.gen} {event.verdict}" if event.gen is not None else event.verdict, event)
        elif isinstance(event, RunStarted) and event.parent_gen is not None:
            self._want_curve(event.parent_gen)
        elif isinstance(event, ModeChanged) and event.mode == "idle":
            self._link.load_lineage()
        elif isinstance(event, LineageLoaded):
            self._want_selected_curves()
        elif isinstance(event, CurveLoaded):
            self._wanted_curves.discard(event.gen)
        elif isinstance(event, KarmaRead):
            self._age_up(event)
        elif isinstance(event, PreviewLoaded):
            self.heed_preview(event)
        elif isinstance(event, ImportLoaded):
            self.heed_import(event)
        elif isinstance(event, QuestionsProposed | QuestionsWritten):
            self.heed_questions(event)
        elif isinstance(event, ChatsLoaded | ChatsTold):
            self.heed_chats(event)
        elif isinstance(event, Noted) and event.level == "error":
            text = f"{event.text}\n{event.hint}".strip()
            self._stage.notify(safe_text(text), title="", severity="error", timeout=10, markup=False)

    def _age_up(self, event: KarmaRead) -> None:
        """Start the run that the inbox has earned."""
        if event.request is None or not event.starts or self._asks_first or self.state.busy:
            return
        if self._begin(event.request):
            self.tell(f"{event.why}: training begins (s stops it)", "info")

    def _begin(self, request: TrainRequest) -> bool:
        began = self._link.train(request)
        if began:
            self._by_itself = request.by_itself
        return began

    def _alert(self, title: str, event: RunFinished) -> None:
        text = "; ".join(event.reasons) or event.error
        words = f"{text}\n{event.hint}".strip()
        self._stage.notify(safe_text(words), title=title, severity="error", timeout=15, markup=False)

    def hear(self, message: Any) -> None:
        """Carry out an intent that a widget posted."""
        if isinstance(message, messages.Select):
            self.select(message.gen)
        elif isinstance(message, messages.Mark):
            self.mark(message.gen)
        elif isinstance(message, messages.OpenGeneration):
            from luna_tui.console.screens.generation import GenerationScreen

            self._stage.push_screen(GenerationScreen(message.gen, self._stage.glyphs))
            self._refresh()
        elif isinstance(message, messages.OpenItems):
            from luna_tui.console.screens.items import ItemsScreen

            self._stage.push_screen(ItemsScreen(message.gen, self._stage.glyphs))
            self._refresh()
        elif isinstance(message, messages.Examine | messages.FillMatrix):
            refusal = BY_NAME["evaluate"].refusal(self.state)
            if refusal:
                self.tell(refusal, "warning")
            elif isinstance(message, messages.FillMatrix):
                self._link.fill_matrix(gen_label(message.gen))
            else:
                self._link.evaluate(gen_label(message.gen), message.only)
        elif isinstance(message, messages.NeedMatrix):
            self._link.load_matrix(gen_label(message.gen))
        elif isinstance(message, messages.NeedEvaluation):
            self._link.load_evaluation(f"G{message.gen}")
        elif isinstance(message, messages.NeedDetails):
            self._link.load_details(message.gen)
        elif isinstance(message, messages.Ask):
            self.ask(message)
        elif isinstance(message, messages.CancelAnswers):
            self._link.cancel_answers()
        elif isinstance(message, messages.Rate):
            self._link.rate(message.rating)
        elif isinstance(message, messages.ChatIntent):
            self.hear_chats(message)
        elif isinstance(message, messages.DryRun):
            self.open_dry_run(message.request)
        elif isinstance(message, messages.CancelDryRun):
            self._link.cancel_preview()
        elif isinstance(message, messages.ImportRows):
            self._link.bring_in(message.request)
        elif isinstance(message, messages.CancelImport):
            self._link.cancel_import()
        elif isinstance(message, messages.WriteQuestions):
            self.write_questions(message)
        elif isinstance(message, messages.Tell):
            self.tell(message.text, message.level, message.hint)

    def select(self, gen: int | None) -> None:
        """Select a generation; the selection follows HEAD afterwards only if the generation is HEAD."""
        ui = replace(self.state.ui, selected=gen, followed=gen == self.state.head, window=None)
        self._stage.change(replace(self.state, ui=ui), first="lineage")
        self._want_selected_curves()

    def mark(self, gen: int | None) -> None:
        """Mark a generation for a comparison, or unmark it; a third mark drops the oldest."""
        marked = self.state.ui.marked
        marked = tuple(m for m in marked if m != gen) if gen in marked else (*marked, gen)[-2:]
        self._ui(marked=marked)

    def _want_selected_curves(self) -> None:
        gen = self.state.ui.selected
        if gen is None:
            return
        if self.state.complete and not (self.state.row(gen) or {}).get("scores") and gen not in self.state.manifests:
            self._link.load_details(gen)
        self._want_curve(gen)
        parent = (self.state.row(gen) or {}).get("parent_gen")
        if parent is not None:
            self._want_curve(parent)

    def _want_curve(self, gen: int) -> None:
        if gen in self.state.curves or gen in self._wanted_curves or gen not in self.state.by_gen:
            return
        self._wanted_curves.add(gen)
        self._link.load_curve(gen)

    # Evolve

    def do_train(self) -> None:
        """Open the training form and train what it returns."""
        from luna_tui.console.screens.train_form import TrainForm

        problem = self._link.config_problem()
        if problem is not None:
            self.tell(problem["title"], "error", problem.get("hint", ""))
            return
        self._stage.push_screen(TrainForm(self.state, self._stage.glyphs), self._train)

    def _train(self, wish: TrainRequest | None) -> None:
        if wish is not None:
            self._begin(wish)
            if isinstance(self._stage.screen, Dashboard) and not self._stage.screen.shows("loss"):
                self._stage.screen.go_to("loss")

    def do_stop(self) -> None:
        """Stop the run after its current step."""
        self._link.stop()
        self._stage.change(reduce(self.state, StopRequested()))

    def do_resume(self) -> None:
        """Resume the run that was stopped here, else the only unfinished one."""
        ended, wanted = self.state.run.finished, self.state.unfinished
        self._begin(TrainRequest(resume=True, run=ended.run if ended and ended.gen == wanted else ""))

    def do_rollback(self) -> None:
        """Move HEAD to the selected generation after a confirmation."""
        from luna_tui.console.screens.confirm import Confirm

        gen = self.state.ui.selected
        to, head = gen_label(gen), gen_label(self.state.head)
        lines = (
            f"HEAD moves from {head} to {to}. Nothing is deleted:",
            "the next training begins a branch there, and you can roll forward again.",
        )
        question = Confirm(f"Roll back to {to}?", lines, f"move HEAD to {to}", danger=True)
        self._stage.push_screen(
            question, lambda yes: self._link.rollback(to, "rolled back in the console") if yes else None
        )

    # Judge

    def do_evaluate(self) -> None:
        """Evaluate the selected generation now; no confirmation, since nothing recorded changes."""
        self._link.evaluate(gen_label(self.state.ui.selected))

    def do_items(self) -> None:
        """Open the list of the selected generation's items."""
        gen = self.state.ui.selected
        if gen is not None:
            self.hear(messages.OpenItems(gen))

    def do_compare(self) -> None:
        """Open the comparison of the two marked generations."""
        from luna_tui.console.screens.compare import CompareScreen

        one, other = self.state.ui.marked
        self._stage.push_screen(CompareScreen(one, other, self._stage.glyphs))
        self._refresh()

    def do_cancel_job(self) -> None:
        """Cancel the job beside training in progress."""
        if self.state.job is None:
            self.tell("no eval, matrix, verify, export or import is going on", "warning")
        else:
            self._link.cancel_job()

    # Files

    def do_export(self) -> None:
        """Open the export form and export what it returns."""
        from luna_tui.console.screens.export_form import ExportForm

        ref = gen_label(self.state.ui.selected)

        def export(wish: ExportWish | None) -> None:
            if wish is not None:
                self._link.export(ref, wish.target, wish.directory)

        self._stage.push_screen(ExportForm(ref, self._link.root, self._stage.glyphs), export)

    def do_verify(self) -> None:
        """Recompute and check every hash."""
        self._link.verify()

    def do_config(self) -> None:
        """Show luna.toml, and reload it if it was edited."""
        from luna_tui.console.screens.config_view import ConfigView

        view = ConfigView(self._link.root / "luna.toml", self._link.config_text, self._link.config_problem)
        self._stage.push_screen(view, lambda changed: self._link.reload_config() if changed else None)
