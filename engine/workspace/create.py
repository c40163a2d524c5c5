"""Create a workspace: its config, a folder for each stage, and for the demo the sample curriculum."""

from __future__ import annotations

import shutil
from pathlib import Path

from engine.config.config import CONFIG_NAME, Config
from engine.config.render import default_toml
from engine.core.errors import LunaError, UsageError
from ledger.hashing import write_durable

# How the demo differs from the defaults: SmolLM2-135M on two CPU cores, a few minutes per generation. The later phases
# change the weights less than the first: at its strength they would slowly displace the facts. 300 replayed rows, since
# with 100 a tenth of the first exam is lost by G3 (0.85 of 0.96, on three seeds), and the steps stay the same.
DEMO_VALUES: dict[str, object] = {
    "replay.rows": 300,
    "train.base.steps": 400,
    "train.base.lr": 1.5e-3,
    "train.align.steps": 200,
    "train.align.lr": 1.5e-3,
    "train.align.blend": 0.75,
    "train.converse.steps": 70,
    "train.converse.lr": 1.5e-3,
    "train.converse.blend": 0.75,
}

_GITIGNORE = """\
# Big or rebuildable; the ledger, manifests, deltas and the curriculum are worth keeping in git.
models/*.gguf
models/.lock
models/base/
models/cache/
models/sittings/
models/generations/.staging-*/
runs/
ladder/*/models/*.gguf
ladder/*/models/.lock
ladder/*/models/base/
ladder/*/models/cache/
ladder/*/models/sittings/
ladder/*/models/generations/.staging-*/
ladder/*/runs/
study/*/models/*.gguf
study/*/models/.lock
study/*/models/base/
study/*/models/cache/
study/*/models/sittings/
study/*/models/generations/.staging-*/
study/*/runs/
"""


def create_workspace(root: Path, *, demo: bool, base: str | None = None, sample: Path | None = None) -> list[str]:
    """Create a workspace at `root` and return what was created, as paths relative to it (folders end in `/`).

    `demo` takes the demo's recipe; the files under `sample`, hidden ones excepted, are copied. Nothing that exists is
    overwritten: a luna.toml or a file that the sample brings too raises UsageError before anything is written; other
    files do not matter. Raises LunaError when the workspace cannot be written.
    """
    root = root.expanduser()
    _check_free(root)
    copies = _copies(root, sample) if sample is not None else []
    values = dict(DEMO_VALUES) if demo else {}
    if base is not None:
        values["model.base"] = _portable(base, root)
    text = default_toml("demo" if demo else "default", values)
    try:
        return _make(root, text, copies, with_folders=not demo)
    except OSError as error:
        raise LunaError(
            f"the workspace could not be made: {error.strerror or error}",
            where=str(error.filename or root),
            hint="check the permissions of the folder and the free space of the disk",
        ) from error


def _check_free(root: Path) -> None:
    if root.exists() and not root.is_dir():
        raise UsageError("there is a file where the workspace should go", where=str(root), hint="choose another name")
    if (root / CONFIG_NAME).exists():
        raise UsageError(
            "there is a workspace already",
            where=str(root / CONFIG_NAME),
            hint=f"use it with: luna-tui -w {root}   (or choose another directory)",
        )


def _copies(root: Path, sample: Path) -> list[tuple[Path, Path]]:
    """Return (source, target) of each file of the sample; raises UsageError if one of the targets exists already."""
    sources = sorted(path for path in sample.rglob("*") if path.is_file() and not path.name.startswith("."))
    copies = [(source, root / source.relative_to(sample)) for source in sources]
    taken = [target for _, target in copies if target.exists() or target.is_symlink()]
    if taken:
        more = f" (and {len(taken) - 1} more)" if len(taken) > 1 else ""
        raise UsageError(
            f"this file is there already{more}",
            where=str(taken[0]),
            hint="nothing was written; move it away, or choose another directory",
        )
    return copies


def _portable(base: str, root: Path) -> str:
    """Return a base path that exists as absolute, since luna.toml is read from another directory than this one."""
    path = Path(base).expanduser()
    return str(path.resolve()) if path.exists() and ("/" in base or path.suffix == ".gguf" or path.is_dir()) else base


def _make(root: Path, text: str, copies: list[tuple[Path, Path]], *, with_folders: bool) -> list[str]:
    made: list[str] = []
    defaults = Config().curriculum
    folders = [f"{defaults.path}/{stage}" for stage in defaults.stages] if with_folders else [defaults.path]
    for name in (*folders, defaults.inbox, "models", "runs"):
        folder = root / name
        if not folder.is_dir():
            folder.mkdir(parents=True)
            made.append(f"{name}/")
    for source, target in copies:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        made.append(target.relative_to(root).as_posix())
    if not (root / ".gitignore").exists():
        (root / ".gitignore").write_text(_GITIGNORE, encoding="utf-8")
        made.append(".gitignore")
    # Last: luna.toml makes the folder a workspace, so that a half-made one can be created again.
    write_durable(root / CONFIG_NAME, text.encode("utf-8"))
    return [CONFIG_NAME, *made]
