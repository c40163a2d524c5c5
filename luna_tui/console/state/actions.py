"""Every action of the console in one list, from which keys, key line, help and command palette are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from luna_tui.console.state.console_state import ConsoleState

Refusal = Callable[[ConsoleState], str]


def _always(_state: ConsoleState) -> str:
    return ""


def _needs_no_run(state: ConsoleState) -> str:
    if state.mode == "viewer":
        return f"another process is at work here ({state.purpose or 'training'}, pid {state.pid}): s asks it to stop"
    return "a run is going on: s stops it with a checkpoint" if state.busy else ""


def _needs_run(state: ConsoleState) -> str:
    if state.stopping:
        return "stopping already: the run ends after this step"
    return "" if state.busy else "nothing is running"


def _needs_unfinished(state: ConsoleState) -> str:
    busy = _needs_no_run(state)
    return busy or ("" if state.unfinished is not None else "there is no unfinished run to resume")


def _needs_generation(state: ConsoleState) -> str:
    return "" if state.rows else "there is no generation yet: t trains the first one"


def _needs_selected(state: ConsoleState) -> str:
    if state.ui.selected is None:
        return _needs_generation(state) or "this is the base: choose a generation in the lineage first"
    return ""


def _needs_no_job(state: ConsoleState) -> str:
    return f"{state.job.label} is still going on" if state.job else ""


def _needs_selected_and_no_job(state: ConsoleState) -> str:
    return _needs_no_job(state) or _needs_selected(state)


def _needs_generation_and_no_job(state: ConsoleState) -> str:
    return _needs_no_job(state) or _needs_generation(state)


def _needs_move(state: ConsoleState) -> str:
    if busy := _needs_no_run(state):
        return busy
    if not state.rows:
        return "there is no generation to go back to yet"
    return "HEAD is there already: choose another generation first" if state.ui.selected == state.head else ""


def _needs_two(state: ConsoleState) -> str:
    return "" if len(state.ui.marked) == 2 else "mark two generations with space first"


@dataclass(frozen=True, slots=True)
class Action:
    """One action: its key, its label in the key line, a sentence for help and palette, and its `refusal`.

    `refusal` returns why the action is not possible in a state, empty when it is.
    """

    name: str
    key: str
    label: str
    help: str
    group: str
    refusal: Refusal = _always
    in_footer: bool = True

    @property
    def shown_key(self) -> str:
        """The key as shown to the user."""
        return _KEYS.get(self.key, self.key)


_KEYS = {
    "question_mark": "?",
    "equals_sign": "=",
    "ctrl+p": "^p",
    "right_square_bracket": "]",
    "left_square_bracket": "[",
    "less_than_sign": "<",
    "greater_than_sign": ">",
}


ACTIONS: tuple[Action, ...] = (
    Action(
        "train", "t", "train", "Train the next generation: a form with the defaults filled in.", "Evolve", _needs_no_run
    ),
    Action("stop", "s", "stop", "Stop the run after this step, with a checkpoint.", "Evolve", _needs_run),
    Action("resume", "r", "resume", "Go on with the run that was stopped.", "Evolve", _needs_unfinished),
    Action(
        "rollback", "b", "roll back", "Move HEAD to the chosen generation; nothing is deleted.", "Evolve", _needs_move
    ),
    Action("evaluate", "v", "eval", "Examine the chosen generation again.", "Judge", _needs_generation_and_no_job),
    Action(
        "items", "i", "items", "Every exam item of the chosen generation, failed ones first.", "Judge", _needs_selected
    ),
    Action(
        "compare",
        "equals_sign",
        "compare",
        "Compare the two generations marked with space.",
        "Judge",
        _needs_two,
        False,
    ),
    Action(
        "matrix",
        "m",
        "matrix",
        "How each generation of this line does on each exam of it: what was forgotten.",
        "Judge",
        _needs_selected,
    ),
    Action("chat", "c", "chat", "Talk to the chosen generation.", "Talk"),
    Action("versus", "a", "A/B", "The same prompt to two generations, side by side.", "Talk", _needs_generation),
    Action("ask_lineage", "l", "ask all", "Put one prompt to every generation in order.", "Talk", _needs_generation),
    Action(
        "voice",
        "w",
        "voice",
        "One prompt down the lineage, and samples of a run that tells them.",
        "Talk",
        in_footer=False,
    ),
    Action(
        "chats",
        "C",
        "conversations",
        "The stored conversations: search, go on with one, export it, put it into the inbox.",
        "Talk",
        in_footer=False,
    ),
    Action(
        "export", "x", "export", "Export the chosen generation for other programs.", "Files", _needs_selected_and_no_job
    ),
    Action("verify", "y", "verify", "Recompute every hash of the workspace.", "Files", _needs_generation_and_no_job),
    Action(
        "questions",
        "d",
        "questions",
        "Propose questions out of documents, and review them before they are rows.",
        "Files",
        in_footer=False,
    ),
    Action(
        "import",
        "I",
        "import",
        "Import a file or folder into the inbox or a stage; what it would bring is shown first.",
        "Files",
        in_footer=False,
    ),
    Action("config", "o", "config", "Look at luna.toml, or edit it.", "Files"),
    Action("log_scale", "g", "log scale", "Draw the loss on a logarithmic scale.", "Look", in_footer=False),
    Action("zoom_in", "right_square_bracket", "zoom in", "See fewer steps of the loss.", "Look", in_footer=False),
    Action("zoom_out", "left_square_bracket", "zoom out", "See more steps of the loss.", "Look", in_footer=False),
    Action("pan_left", "less_than_sign", "earlier", "Move the loss window to earlier steps.", "Look", in_footer=False),
    Action("pan_right", "greater_than_sign", "later", "Move the loss window to later steps.", "Look", in_footer=False),
    Action("raw", "n", "raw loss", "Show or hide the raw loss.", "Look", in_footer=False),
    Action("full", "f", "full size", "Show this pane alone, or all again.", "Look", in_footer=False),
    Action("theme", "h", "theme", "Dark, light, high contrast, 16 colours.", "Look", in_footer=False),
    Action(
        "screenshot", "p", "picture", "Save this screen as an SVG picture in the workspace.", "Look", in_footer=False
    ),
    Action(
        "cancel_job",
        "u",
        "cancel job",
        "Cancel the eval, matrix, verify, export or import that is going on.",
        "Judge",
        in_footer=False,
    ),
    Action("help", "question_mark", "help", "All keys.", "Leave"),
    Action("palette", "ctrl+p", "commands", "Find a command by its name.", "Leave"),
    Action("quit", "q", "quit", "Leave; a run in progress is asked about.", "Leave"),
)

BY_NAME = {action.name: action for action in ACTIONS}

PANES: tuple[tuple[str, str], ...] = (
    ("lineage", "Lineage"),
    ("loss", "Loss"),
    ("evals", "Evals"),
    ("chat", "Chat"),
    ("log", "Log"),
    ("machine", "Machine"),
)
"""The panes in the order of their number keys: id and title."""
