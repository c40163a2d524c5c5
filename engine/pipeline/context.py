"""The shared context that every step of a run works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.config.config import Config
from engine.core.cancellation import Control
from engine.core.events import Emitter
from engine.models.base import BaseModel
from engine.runtime.client import Runtime
from engine.training.job import TrainingBackend
from engine.workspace.layout import Workspace


@dataclass(frozen=True, slots=True)
class Context:
    """The workspace and the tools of one engine.

    `pick_backend` and `runtime` are passed in so that tests can replace them.
    """

    workspace: Workspace
    config: Config
    base: BaseModel
    runtime: Runtime
    pick_backend: Callable[[str], TrainingBackend]
    emit: Emitter
    control: Control
