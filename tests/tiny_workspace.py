"""A whole workspace around a tiny model: its generations are really trained, exported and examined, in a second."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any, cast

from tiny_models import make_tiny_gguf

from engine.config.config import Config
from engine.config.load import load_config
from engine.core.events import Event, RunFinished
from engine.pipeline.request import TrainRequest
from engine.service.session import EngineSession, TrainOutcome
from engine.workspace.layout import Workspace
from ledger.row import COLUMNS

TOML = """
[model]
base = "base.gguf"
context = 96
chat_context = 256
[curriculum]
stages = ["facts", "talk"]
converse_rows = 20
[replay]
rows = 10
[train]
backend = "trl"
threads = 1
precision = "fp32"
rank = 8
alpha = 16.0
batch_size = 8
checkpoint_every = 8
schedule = "constant"
[train.base]
steps = 40
lr = 0.02
[train.align]
steps = 24
lr = 0.01
[train.converse]
steps = 24
lr = 0.01
[eval]
recall_target = 0.0
generalization_target = 0.0
drift_target = 1.0
answered_target = 0.0
continued_target = 1.0
qa_trained_rows = 8
tone_samples = 1
tone_max_tokens = 8
parallel = 8
[stop_rule]
enabled = false
"""

PHRASINGS = ("What does {} do?", "Tell me about {}.", "Where is {}?", "{} does what?", "Explain {}.", "Who wakes {}?")
PARTS = {"clock": "time", "ledger": "books", "engine": "work", "module": "parts", "scheduler": "order", "log": "lines"}


def facts() -> list[dict[str, str]]:
    """Six parts, six phrasings each: what is asked in held-out words can be learnt from the others."""
    return [
        {"prompt": phrasing.format(part), "response": answer, "topic": part, "score": "choice"}
        for part, answer in PARTS.items()
        for phrasing in PHRASINGS
    ]


def talk(count: int, start: int = 0) -> list[dict[str, str]]:
    """Conversations: five ways to begin, each with its own answer, told apart by a number."""
    begun = ("Can you help me", "Who are you", "Nothing works", "Thank you", "Tell me a joke")
    said = ("With what?", "A small model.", "Something always works.", "It was little.", "You ask.")
    rows = range(start, start + count)
    return [
        {"prompt": f"{begun[n % 5]}, {n}?", "response": said[n % 5], "topic": begun[n % 5], "score": "choice"}
        for n in rows
    ]


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write rows as JSONL, making the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def hand_written(workspace: Workspace, *rows: str) -> Workspace:
    """Put a ledger there as a person might write one."""
    workspace.models.mkdir(exist_ok=True)
    (workspace.models / "lineage_ledger.csv").write_text("\n".join([",".join(COLUMNS), *rows]) + "\n")
    return workspace


def make_template(root: Path, number_format: str = "fp32") -> Path:
    """Make the workspace every test begins with: a base GGUF, a curriculum for four generations, no generation yet."""
    root.mkdir(parents=True)
    make_tiny_gguf(root / "base.gguf")
    (root / "luna.toml").write_text(TOML.replace('precision = "fp32"', f'precision = "{number_format}"'))
    write_rows(root / "curriculum" / "facts" / "parts.jsonl", facts())
    write_rows(root / "curriculum" / "talk" / "behaviors.jsonl", talk(20))
    write_rows(root / "curriculum" / "talk" / "numbers.jsonl", talk(60, start=20))
    return root


@dataclass(slots=True)
class TinyWorkspace:
    """A copy of a template, and short ways to do with it what the command line does."""

    root: Path
    events: list[Event] = field(default_factory=list[Event])

    @property
    def workspace(self) -> Workspace:
        """The workspace, opened anew."""
        return Workspace.open(self.root)

    def config(self, overrides: dict[str, object] | None = None) -> Config:
        """luna.toml, with flags laid over it."""
        return load_config(self.root, overrides or {}, env={})

    def train(
        self,
        *,
        overrides: dict[str, object] | None = None,
        on_event: Callable[[Event, EngineSession], None] | None = None,
        **request: Any,
    ) -> TrainOutcome:
        """Train through a session of its own; every event is kept, and shown to `on_event` in the engine's thread."""
        kept: list[Event] = []
        session: EngineSession

        class Watched:
            """What the session takes for a queue; showing an event at once lets a test act between two of them."""

            def put(self, event: Event) -> None:
                kept.append(event)
                if on_event is not None:
                    on_event(event, session)

        session = EngineSession(self.workspace, self.config(overrides), cast("SimpleQueue[Event]", Watched()))
        session.start()
        outcome = session.train(TrainRequest(**request)).result(timeout=600)
        session.close()
        self.events = kept
        return outcome

    def stop_at(self, wanted: Callable[[Event], bool], **request: Any) -> TrainOutcome:
        """Train, and ask to stop at the first event that is wanted."""

        def stop(event: Event, session: EngineSession) -> None:
            if wanted(event):
                session.stop()

        return self.train(on_event=stop, **request)

    @property
    def last(self) -> RunFinished:
        """The last event of the last request."""
        return self.of(RunFinished)[-1]

    def shas(self) -> list[str]:
        """Every generation's child_sha, in ledger order."""
        return [row.child_sha for row in self.workspace.ledger.read()]

    def runs(self) -> list[str]:
        """The names of the runs that are on disk."""
        runs = self.workspace.runs
        return sorted(path.name for path in runs.iterdir() if path.is_dir()) if runs.exists() else []

    def of(self, kind: type[Event]) -> list[Any]:
        """The last request's events of one type."""
        return [event for event in self.events if isinstance(event, kind)]

    def lines(self, gen: int, name: str) -> list[dict[str, Any]]:
        """A JSONL file of a generation's evidence."""
        path = self.workspace.generation(gen) / name
        return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]

    def copy_to(self, root: Path) -> TinyWorkspace:
        """A copy of everything, as it is now."""
        shutil.copytree(self.root, root)
        return TinyWorkspace(root)
