"""The page that imports a file or folder: what it would bring is shown first, then it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input

from engine.service.requests import ImportRequest
from luna_tui.common.environment import own_region
from luna_tui.common.imported_text import imported_lines
from luna_tui.common.safe_text import safe_line
from luna_tui.common.terminal import ASCII, Glyphs, in_ascii
from luna_tui.console import messages
from luna_tui.console.render.status import draw_job
from luna_tui.console.state.console_state import ConsoleState, JobView
from luna_tui.console.state.events import ImportLoaded
from luna_tui.console.widgets.fields import Cycle, Field, TextEntry, Words, key_hints

if TYPE_CHECKING:
    from engine.service.inbox_import import Imported

_INBOX = "the inbox"


class ImportForm(ModalScreen[None]):
    """Asks for the source, what becomes of its rows, and where they go; it stays open until the user leaves it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", show=False),
        Binding("enter", "go", show=False),
    ]
    DEFAULT_CSS = """
    ImportForm #what { margin: 1 0; }
    ImportForm #found { height: auto; max-height: 40vh; margin-top: 1; scrollbar-size-vertical: 1; }
    ImportForm #keys { margin: 1 0; }
    """

    def __init__(self, stages: Sequence[str], root: Path, glyphs: Glyphs, *, into: str = "") -> None:
        super().__init__()
        self._into = into or _INBOX
        self._stages, self._root, self._glyphs = stages, root, glyphs
        self._asked: ImportRequest | None = None  # what the engine is at, until it answers
        self._stopping = False
        self._answer: ImportLoaded | None = None
        self._problem = ""
        self._job: JobView | None = None

    def compose(self) -> ComposeResult:
        what = "Rows come in once; what is there already, repeats, or does not fit is left out and told."
        into = Cycle((_INBOX, *self._stages), id="into")
        into.set_reactive(Cycle.value, self._into)
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content("Import a file or folder")
            yield Words(Text().append(what, "dim"), id="what")
            yield Field(
                "from", TextEntry(id="source", placeholder="a file or folder, in any format luna reads", wide=True)
            )
            yield Field("into", into)
            yield Field("private data", Cycle(("keep", "mask"), id="mask"))
            yield Field("near repeats", Cycle(("leave out", "take"), id="near"))
            with VerticalScroll(id="found"):
                yield Words(id="found-lines")
            yield Words(id="keys")

    def on_mount(self) -> None:
        """Say which keys there are."""
        self._draw()

    def show(self, state: ConsoleState) -> None:
        """Follow the progress of the import."""
        job = state.job if state.job is not None and state.job.job == "import" else None
        if job is not self._job:
            self._job = job
            self._draw_keys()

    def take(self, answer: ImportLoaded) -> None:
        """Show what was found or written, or why nothing was."""
        if answer.request == self._asked:
            self._answer, self._asked, self._stopping = answer, None, False
            self._draw()

    @on(Input.Changed)
    @on(Cycle.Changed)
    def _changed(self) -> None:
        self._problem = ""
        self._draw()

    @on(Input.Submitted)
    @on(Cycle.Submitted)
    def action_go(self) -> None:
        """Look at the source as it is filled in; import it if that was done; leave if it is imported."""
        if self._asked is not None:
            return
        request, self._problem = self._request()
        found = self._found
        if request is not None and found is not None and found.path is not None:
            self.dismiss()
        elif request is not None and found is not None and found.empty:
            self._problem = "there is nothing new in it to import"
        elif request is not None:
            self._asked = replace(request, write=found is not None)
            messages.do_now(self, messages.ImportRows(self._asked))
        self._draw()

    def action_back(self) -> None:
        """Stop what is going on; leave if nothing is, or if it was told to stop already."""
        if self._asked is not None and not self._stopping:
            self._stopping = True
            messages.do_now(self, messages.CancelImport())
            self._draw_keys()
        else:
            self.dismiss()

    @property
    def _shown(self) -> ImportLoaded | None:
        """The answer to the form as it is filled in; None as long as there is none."""
        answer, request = self._answer, self._request()[0]
        return answer if answer is not None and replace(answer.request, write=False) == request else None

    @property
    def _found(self) -> Imported | None:
        return None if self._shown is None else self._shown.found

    def _request(self) -> tuple[ImportRequest | None, str]:
        """Return what the form would look at, or None and what is wrong with the path."""
        source, problem = source_in(self.query_one("#source", TextEntry).value)
        if source is None:
            return None, problem
        into, mask, near = (self.query_one(f"#{name}", Cycle).value for name in ("into", "mask", "near"))
        stage = "" if into == _INBOX else into
        return ImportRequest(source, stage, own_region() if mask == "mask" else "", near == "take"), ""

    def _draw(self) -> None:
        self.query_one("#found-lines", Words).say(*(self._readable(line) for line in self._lines()))
        self._draw_keys()

    def _lines(self) -> Sequence[Text]:
        lines = [self._bad(self._problem)] if self._problem else []
        answer = self._shown
        if self._asked is not None or answer is None:
            return lines
        if answer.found is None:
            return [*lines, self._bad(answer.problem), *([Text(safe_line(answer.hint), "dim")] if answer.hint else [])]
        near = '"near repeats" takes them'
        region = answer.request.region
        return [*lines, *imported_lines(answer.found, self._root, region, self._glyphs, take_near=near)]

    def _bad(self, problem: str) -> Text:
        return Text().append(f"{self._glyphs.rejected} {safe_line(problem)}", "bad")

    def _draw_keys(self) -> None:
        move = (("tab", "next field"), ("left right", "choose"))
        if self._asked is not None and self._stopping:
            line = Text().append("stopping; ", "dim").append("esc", "key").append(" leaves", "dim")
        elif self._asked is not None:
            width = max(20, self.query_one("#keys").size.width - 14)
            job = self._job or JobView("import", self._asked.label)
            line = draw_job(job, width, self._glyphs).append("   esc", "key").append(" cancels", "dim")
        elif (found := self._found) is not None and found.path is not None:
            line = key_hints(("enter esc", "close"), *move)
        else:
            does = "look" if found is None or found.empty else "import it"
            line = key_hints(("enter", does), *move, ("esc", "leave"))
        self.query_one("#keys", Words).say(self._readable(line))

    def _readable(self, line: Text) -> Text:
        return in_ascii(line) if self._glyphs is ASCII else line


def source_in(text: str) -> tuple[Path | None, str]:
    """Return the file or folder that the typed text names, or None and what is wrong with it."""
    if not text.strip():
        return None, "name a file or a folder"
    try:
        path = Path(text.strip()).expanduser()
        return (path, "") if path.exists() else (None, f"there is no {path}")
    except OSError as error:
        return None, error.strerror or str(error)
    except RuntimeError as error:  # a home that nobody has
        return None, str(error)
