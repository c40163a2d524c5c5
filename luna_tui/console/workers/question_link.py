"""The part of the console's link that reads documents for questions and writes the accepted ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from luna_tui.common.engine_facade import EngineFacade
from luna_tui.console.state.events import ConsoleEvent, QuestionsProposed, QuestionsWritten

if TYPE_CHECKING:
    from queue import SimpleQueue

    from engine.data.questions.answers import Proposal
    from engine.workspace.layout import Workspace
    from luna_tui.console.workers.loader import Loader


class QuestionLink:
    """Works through the link's loader, one task after the other; results are events."""

    _facade: EngineFacade
    _workspace: Workspace
    _loader: Loader
    _news: SimpleQueue[ConsoleEvent]

    def stages(self) -> Sequence[str]:
        """Return the curriculum's stages in order; empty while luna.toml is in error."""
        from engine.core.errors import LunaError

        try:
            return self._facade.config(self._workspace.root).curriculum.stages
        except LunaError:
            return ()

    def propose_questions(self, files: Sequence[Path], stage: str) -> None:
        """Read documents and propose their questions by rules."""
        from engine.core.cancellation import Control

        def read() -> None:
            path = self._facade.questions_file(self._workspace, stage, files)
            found = self._facade.propose_questions(
                files, progress=lambda _done, _total, _label: None, control=Control()
            )
            self._news.put(QuestionsProposed(tuple(found), path))

        self._loader.do(read)

    def write_questions(self, path: Path, proposals: Sequence[Proposal], *, replace: bool) -> None:
        """Write accepted questions to their file; a file that is there is replaced only if so requested."""
        from engine.core.errors import LunaError
        from engine.data.questions.rows_file import FileExists, write_questions
        from ledger.errors import LedgerError

        def write() -> None:
            try:
                write_questions(path, proposals, force=replace)
            except FileExists as error:
                self._news.put(QuestionsWritten(path, problem=error.title, exists=True))
            except (LunaError, LedgerError) as error:
                self._news.put(QuestionsWritten(path, problem=f"{error.title}: {error.hint}"))
            else:
                self._news.put(QuestionsWritten(path, rows=len(proposals)))

        self._loader.do(write)
