"""The import of a file or folder: its page is opened, and given what the engine found in the source."""

from __future__ import annotations

from luna_tui.console.dry_run_actions import DryRunActions
from luna_tui.console.state.events import ImportLoaded


class ImportActions(DryRunActions):
    """Opens the page; the link reads and writes in the engine's thread."""

    def do_import(self) -> None:
        """Open the page that asks for the file or folder, for the inbox."""
        self._open_import(to_stage=False)

    def import_into_curriculum(self) -> None:
        """Open the page that asks for the file or folder, for the first stage of the curriculum."""
        self._open_import(to_stage=True)

    def _open_import(self, *, to_stage: bool) -> None:
        from luna_tui.console.screens.import_form import ImportForm

        problem = self._link.config_problem()
        if problem is not None:
            self.tell(problem["title"], "error", problem.get("hint", ""))
            return
        stages = self._link.stages()
        into = stages[0] if to_stage else ""
        self._stage.push_screen(ImportForm(stages, self._link.root, self._stage.glyphs, into=into))
        self._refresh()

    def heed_import(self, event: ImportLoaded) -> None:
        """Show what was found or written, if the page is still open."""
        from luna_tui.console.screens.import_form import ImportForm

        for page in self._stage.screen_stack:
            if isinstance(page, ImportForm):
                page.take(event)
