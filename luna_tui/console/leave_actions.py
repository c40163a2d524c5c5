"""The actions that leave the console, and the help and palette pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luna_tui.console.host import Host
from luna_tui.console.import_actions import ImportActions
from luna_tui.console.state.actions import ACTIONS
from luna_tui.console.workers.link import Link

if TYPE_CHECKING:
    from luna_tui.console.screens.confirm import Confirm
    from luna_tui.console.screens.quit import QuitWish


class LeaveActions(ImportActions):
    """Confirms before work in progress is left; the link knows what is in progress, whatever the screen last showed."""

    def __init__(self, stage: Host, link: Link) -> None:
        super().__init__(stage, link)
        self._leave_question: Confirm | None = None

    def do_help(self) -> None:
        """Show the help with all keys."""
        from luna_tui.console.screens.help import Help

        self._stage.push_screen(Help(ACTIONS, self._stage.glyphs))

    def do_palette(self) -> None:
        """Open Textual's command palette."""
        self._stage.action_command_palette()

    def do_quit(self) -> None:
        """Leave, or ask what to do with the run of this process."""
        from luna_tui.console.screens.quit import QuitQuestion

        if isinstance(self._stage.screen, QuitQuestion) or self._stage.screen is self._leave_question:
            return
        if self.state.mode != "owner" and not self._link.trains:
            self._leave_idle()
            return

        def leave(wish: QuitWish | None) -> None:
            if wish in ("headless", "stop"):
                self._stage.exit(wish)

        self._stage.push_screen(QuitQuestion(self.state, self._stage.glyphs), leave)

    def _leave_idle(self) -> None:
        """Leave, after a confirmation where a long job would be cancelled."""
        from luna_tui.console.screens.confirm import Confirm

        going_on = self._link.job_label
        if not going_on:
            self._stage.exit("done")
            return
        lines = (f"{going_on} is still going on.", "Leaving cancels it; nothing that is recorded is lost.")
        self._leave_question = Confirm("Leave now?", lines, "cancel it and leave", danger=True)
        self._stage.push_screen(self._leave_question, lambda yes: self._stage.exit("done") if yes else None)
