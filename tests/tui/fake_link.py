"""A scripted world for the console: remembers what it was asked, and hands out the events a test gives it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.core.events import Event
from engine.data.questions.answers import Proposal
from engine.evaluation.evaluate import Eval
from engine.pipeline.request import TrainRequest
from engine.service.requests import ImportRequest
from engine.workspace.chats.record import StoredChat
from luna_tui.common.chat_export import ExportFormat
from luna_tui.common.rating import Rating
from luna_tui.common.sampling_options import SamplingOptions
from luna_tui.console.app import FrameRate, LunaApp
from luna_tui.console.state.events import ConsoleEvent, LineageLoaded, SettingsLoaded

TARGETS = {"recall": 0.9, "generalization": 0.85, "drift": 0.2, "answered": 0.9}
PLANS: dict[str, dict[str, Any]] = {
    "base": {"steps": 400, "lr": 1.5e-3, "method": "lora"},
    "align": {"steps": 150, "lr": 1.5e-3, "method": "lora"},
    "converse": {"steps": 70, "lr": 1.5e-3, "method": "lora"},
}


def score(value: float, n: int) -> dict[str, float]:
    """A score as the engine writes it."""
    return {"value": value, "n": n, "low": max(0.0, value - 0.05), "high": min(1.0, value + 0.05)}


def row(gen: int, parent: int | None, *, verdict: str = "accepted", head: bool = False, **more: Any) -> dict[str, Any]:
    """A lineage row as `engine.workspace.lineage_rows.lineage_rows` makes them."""
    recall, general, drift = more.pop("scores3", (0.97, 0.92, 0.0))
    scores = {
        "recall": score(recall, 120),
        "retention": score(recall, 110),
        "generalization": score(general, 80),
        "drift": score(drift, 50),
        "answered": score(1.0, 50),
        "by_ancestor": {str(g): score(0.95 - 0.01 * (gen - g), 187) for g in range(gen)},
    }
    values: dict[str, Any] = {
        "GEN_ID": gen,
        "parent_sha": "b1" * 32 if parent is None else f"{parent:02x}" * 32,
        "child_sha": f"{gen:02x}" * 32,
        "data_delta_sha": f"{gen + 100:02x}" * 32,
        "steps": 150,
        "lr": 1.5e-3,
        "walltime_min": 2.5,
        "loss_start": 3.1,
        "loss_end": 0.21,
        "eval_recall": recall,
        "eval_generalization": general,
        "eval_style_drift": drift,
        "verdict": verdict,
        "head": head,
        "parent_gen": parent,
        "children": [],
        "phase": ("base", "align")[gen] if gen < 2 else "converse",
        "created": "2026-11-22T10:00:00+00:00",
        "reasons": [] if verdict == "accepted" else [f"generalization {general:.2f} is not above 0.85"],
        "by_ancestor": scores["by_ancestor"],
        "scores": scores,
        "data": {"new": 104, "train": 183, "holdout": 21, "replay": 100},
        "collected": False,
        "base": "smollm2-135m",
    }
    return {**values, **more}


def lineage() -> tuple[dict[str, Any], ...]:
    """G0 → G1 → G2 ✗ and G3 (HEAD)."""
    return (
        row(0, None, scores3=(1.0, 0.957, 0.0)),
        row(1, 0, scores3=(0.93, 0.91, 0.0)),
        row(2, 1, verdict="rejected", scores3=(0.96, 0.55, 0.06)),
        row(3, 1, head=True, scores3=(0.97, 0.95, 0.02)),
    )


def settings() -> SettingsLoaded:
    """What luna.toml says."""
    return SettingsLoaded(TARGETS, "smollm2-135m", PLANS)


@dataclass
class FakeLink:
    """`calls` lists what was asked as (name, *arguments); `give` hands events to the next poll."""

    root: Path
    rows: Sequence[Mapping[str, Any]] | None = None
    head: int | None = None
    name: str = "aios-demo"
    problem: Mapping[str, str] | None = None
    toml: str = '[model]\nbase = "smollm2-135m"\n'
    calls: list[tuple[Any, ...]] = field(default_factory=list[tuple[Any, ...]])
    pending: list[Event | ConsoleEvent] = field(default_factory=list[Event | ConsoleEvent])
    since: int = 0
    trains: bool = False
    job_label: str = ""

    def give(self, *events: Event | ConsoleEvent) -> None:
        """Let these happen."""
        self.pending.extend(events)

    def start(self) -> None:
        self.give(settings())
        self.load_lineage()

    def poll(self) -> Sequence[Event | ConsoleEvent]:
        news, self.pending = self.pending, []
        return news

    def load_lineage(self) -> None:
        if self.rows is not None:
            self.give(LineageLoaded(tuple(self.rows), self.head))

    def load_evaluation(self, ref: str) -> None:
        self.calls.append(("load_evaluation", ref))

    def load_matrix(self, ref: str) -> None:
        self.calls.append(("load_matrix", ref))

    def load_curve(self, gen: int) -> None:
        self.calls.append(("load_curve", gen))

    def load_details(self, gen: int) -> None:
        self.calls.append(("load_details", gen))

    def train(self, request: TrainRequest) -> bool:
        self.calls.append(("train", request))
        return True

    def preview(self, request: TrainRequest) -> None:
        self.calls.append(("preview", request))

    def cancel_preview(self) -> None:
        self.calls.append(("cancel_preview",))

    def bring_in(self, request: ImportRequest) -> None:
        self.calls.append(("bring_in", request))

    def cancel_import(self) -> None:
        self.calls.append(("cancel_import",))

    def stop(self) -> None:
        self.calls.append(("stop",))

    def evaluate(self, ref: str, only: Eval | None = None) -> bool:
        self.calls.append(("evaluate", ref) if only is None else ("evaluate", ref, only))
        return True

    def fill_matrix(self, ref: str) -> bool:
        self.calls.append(("fill_matrix", ref))
        return True

    def verify(self) -> bool:
        self.calls.append(("verify",))
        return True

    def export(self, ref: str, target: str, directory: Path) -> bool:
        self.calls.append(("export", ref, target, directory))
        return True

    def cancel_job(self) -> None:
        self.calls.append(("cancel_job",))

    def rollback(self, ref: str, reason: str) -> None:
        self.calls.append(("rollback", ref, reason))

    def ask(
        self,
        turn: int,
        prompt: str,
        refs: Sequence[str],
        options: SamplingOptions,
        kind: str = "chat",
        kept: tuple[tuple[str, ...], ...] = (),
        since: int = 0,
    ) -> None:
        self.since = since
        more = (kept,) if kept else ()
        self.calls.append(("ask", turn, prompt, tuple(refs), options, kind, *more))

    def cancel_answers(self) -> None:
        self.calls.append(("cancel_answers",))

    def rate(self, rating: Rating) -> None:
        self.calls.append(("rate", rating))

    def load_chats(self) -> None:
        self.calls.append(("load_chats",))

    def reopen_chat(self, chat: StoredChat, first: int) -> None:
        self.calls.append(("reopen_chat", chat, first))

    def export_chat(self, chat: StoredChat, form: ExportFormat) -> None:
        self.calls.append(("export_chat", chat, form))

    def chat_to_inbox(self, chat: StoredChat) -> None:
        self.calls.append(("chat_to_inbox", chat))

    def stages(self) -> Sequence[str]:
        return ("fundamentals", "conversations")

    def propose_questions(self, files: Sequence[Path], stage: str) -> None:
        self.calls.append(("propose_questions", tuple(files), stage))

    def write_questions(self, path: Path, proposals: Sequence[Proposal], *, replace: bool) -> None:
        self.calls.append(("write_questions", path, tuple(proposals), replace))

    def config_text(self) -> str:
        return self.toml

    def config_problem(self) -> Mapping[str, str] | None:
        return self.problem

    def reload_config(self) -> None:
        self.calls.append(("reload_config",))

    def hand_over(self) -> int:
        self.calls.append(("hand_over",))
        return 4711

    def close(self, *, wait: bool) -> None:
        self.calls.append(("close", wait))

    def called(self, name: str) -> list[tuple[Any, ...]]:
        """The arguments of every call of this name."""
        return [call[1:] for call in self.calls if call[0] == name]


def make_app(link: FakeLink | None, directory: Path, **more: Any) -> LunaApp:
    """The app on a scripted link, with a quick timer."""
    opened: Callable[[Path], Any] = more.pop("open_link", lambda path: FakeLink(path, rows=(), head=None))
    made: Callable[[Path, bool], None] = more.pop("make_workspace", lambda path, demo: None)
    pace = more.pop("pace", FrameRate(frames=50))
    return LunaApp(link, directory=directory, open_link=opened, make_workspace=made, pace=pace)
