"""Take the pictures of README and docs: the real console on a real workspace, saved as SVG.

`python docs/take_pictures.py WORKSPACE [OUT]`. WORKSPACE is a demo lineage with a rejected generation in it; for the
pictures of training, a generation is trained in a copy of it. Nothing is drawn by hand.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from textual.pilot import Pilot

from luna_tui.common.engine_facade import EngineFacade
from luna_tui.console.app import FrameRate, LunaApp
from luna_tui.console.screens.dry_run import DryRunScreen
from luna_tui.console.workers.engine_link import EngineLink

SIZES = ((80, 24), (160, 48))
PROMPT = "Can you help me?"
ASKED = "Who are you?"


async def until(condition: Callable[[], object], seconds: float = 600) -> None:
    """Wait for a condition, letting the app run."""
    for _ in range(int(seconds / 0.05)):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise SystemExit("a picture's moment never came")


class Session:
    """One console at one size, whose pictures are named after it."""

    def __init__(self, app: LunaApp, pilot: Pilot[object], out: Path) -> None:
        self.app, self.pilot, self.out = app, pilot, out

    async def press(self, *keys: str) -> None:
        """Press keys, and let them be drawn."""
        for key in keys:
            self.app.simulate_key(key)
            await asyncio.sleep(0.1)

    async def picture(self, name: str) -> None:
        """Save what is on the screen."""
        await asyncio.sleep(0.4)
        self.app.follow()
        await asyncio.sleep(0.2)
        width, height = self.app.size
        path = self.out / f"{name}-{width}x{height}.svg"
        path.write_text(self.app.export_screenshot(title="luna-tui"))
        print(path)


def make_app(root: Path | None, directory: Path) -> LunaApp:
    """The console as the command line makes it."""
    engine = EngineFacade()
    link = EngineLink(engine, root) if root is not None else None
    return LunaApp(
        link,
        directory=directory,
        open_link=lambda path: EngineLink(engine, path),
        make_workspace=engine.init_workspace,
        pace=FrameRate(frames=5),
    )


async def empty(size: tuple[int, int], out: Path) -> None:
    """The first run, and a workspace without generations."""
    with tempfile.TemporaryDirectory() as scratch:
        app = make_app(None, Path(scratch))
        async with app.run_test(size=size) as pilot:
            await Session(app, pilot, out).picture("first-run")
        root = Path(scratch) / "demo"
        EngineFacade().init_workspace(root, True)
        app = make_app(root, root)
        async with app.run_test(size=size) as pilot:
            await until(lambda: app.state.complete)
            await Session(app, pilot, out).picture("empty")


async def looks(size: tuple[int, int], root: Path, out: Path) -> None:
    """Lineage, evals, items, rejected, comparison, chat, help: what needs no training."""
    app = make_app(root, root)
    async with app.run_test(size=size) as pilot:
        session, narrow = Session(app, pilot, out), size[0] < 100
        await until(lambda: app.state.complete and app.state.machine is not None)
        await until(lambda: app.state.head in app.state.curves)
        await session.picture("lineage")
        if narrow:
            await session.press("2")
            await session.picture("loss")
        await session.press("3")
        await session.picture("evals")
        await session.press("i")
        await until(lambda: f"G{app.state.ui.selected}" in app.state.evaluations)
        await session.picture("items")
        await session.press("6")
        await session.picture("tone")
        await session.press("escape", "question_mark")
        await session.picture("help")
        await session.press("escape", "m")
        await until(lambda: app.state.matrices)
        await session.picture("matrix")
        await session.press("escape")
        rejected = next(gen for gen, row in app.state.by_gen.items() if row["verdict"] == "rejected")
        assert app.controller is not None
        app.controller.select(rejected)
        await until(lambda: rejected in app.state.curves)
        await session.press("3" if narrow else "1")
        await session.picture("rejected")
        app.controller.hear(_open(rejected))
        await until(lambda: rejected in app.state.manifests and f"G{rejected}" in app.state.evaluations)
        await session.picture("rejected-page")
        await session.press("escape")
        app.controller.select(app.state.head)
        app.controller.mark(0)
        await session.press("a")
        await session.press("c", *PROMPT, "enter")
        await until(lambda: app.state.chat.turns and not app.state.chat.busy)
        await session.picture("chat")
        app.controller.mark(0)
        await session.press("escape", "escape")
        app.controller.select(0)  # its run was long enough for several samples
        await until(lambda: app.state.recorded_voices.get(0))
        await session.press("l", *ASKED, "enter")
        await until(lambda: app.state.chat.turns[-1].kind == "lineage" and not app.state.chat.busy)
        await session.picture("voice")
        app.link.close(wait=False)  # type: ignore[union-attr]


def _open(gen: int) -> object:
    from luna_tui.console.messages import OpenGeneration

    return OpenGeneration(gen)


async def training(size: tuple[int, int], source: Path, out: Path) -> None:
    """A generation in training, with its parent's curve behind it."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(shutil.copytree(source, Path(scratch) / "demo"))
        app = make_app(root, root)
        async with app.run_test(size=size) as pilot:
            session = Session(app, pilot, out)
            await until(lambda: app.state.complete and app.state.targets)
            await session.press("t")
            await asyncio.sleep(0.5)
            await session.picture("train-form")
            await session.press("d")
            page = app.screen
            assert isinstance(page, DryRunScreen)
            await until(lambda: page.settled)
            await session.picture("dry-run")
            if size[0] < 100:
                await session.press("right")
                await session.picture("dry-run-sequence")
            await session.press("escape", "enter")
            await until(lambda: app.state.run.train is not None and app.state.run.train.step >= 30)
            await session.picture("training")
            await session.press("s")
            await until(lambda: app.state.run.finished is not None)
            app.link.close(wait=False)  # type: ignore[union-attr]


async def main() -> None:
    source = Path(sys.argv[1]).resolve()
    out = Path(sys.argv[2] if len(sys.argv) > 2 else Path(__file__).parent / "pictures").resolve()
    out.mkdir(parents=True, exist_ok=True)
    for size in SIZES:
        await empty(size, out)
        await looks(size, source, out)
        await training(size, source, out)


if __name__ == "__main__":
    asyncio.run(main())
