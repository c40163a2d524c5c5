"""The target directory of an export: nothing is replaced without force, nothing is left half written."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from engine.core.disk import free_bytes
from engine.core.errors import LunaError, UsageError
from ledger.durable import make_durable

MIB: Final = 1024**2
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


def require_directory(directory: Path) -> None:
    """Raise UsageError where the directory, or one above it, is a file."""
    for path in (directory, *directory.parents):
        if path.exists():
            if not path.is_dir():
                raise UsageError("this is a file, not a directory", where=str(path), hint="name another directory")
            return


def require_free(directory: Path, files: Sequence[Path], *, force: bool) -> None:
    """Raise UsageError when a file exists and `force` is not set, or when a directory has the name of a file."""
    there = [directory / file for file in files if os.path.lexists(directory / file)]
    folders = [path for path in there if path.is_dir() and not path.is_symlink()]
    if folders:
        raise UsageError("a directory is in the way", where=str(folders[0]), hint="name another directory")
    if there and not force:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise UsageError(
            f"{there[0].name}{more} exists already", where=str(directory), hint="--force replaces; or name another one"
        )


def require_space(directory: Path, needed: int) -> None:
    """Raise LunaError with the numbers when the disk has fewer than `needed` bytes free."""
    free = free_bytes(directory)
    if free < needed:
        raise LunaError(
            f"not enough disk: {free // MIB} MiB free, {needed // MIB} MiB needed",
            where=str(directory),
            hint="make room, or name a directory on another disk",
        )


@contextmanager
def staging_in(directory: Path) -> Generator[Path]:
    """Yield a hidden directory inside `directory` that is removed afterwards.

    Directories that were created for it are removed too if nothing was put into them. An OSError inside becomes a
    LunaError.
    """
    made = [path for path in (directory, *directory.parents) if not path.exists()]
    staging = directory / f".luna-export-{os.getpid()}"
    try:
        staging.mkdir(parents=True)
        yield staging
    except OSError as error:
        full = error.errno in _FULL
        raise LunaError(
            "no space left on the disk" if full else f"could not be written: {error.strerror or error}",
            where=str(error.filename or directory),
            hint="make room, or name a directory on another disk" if full else "check the owner and mode of it",
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        for path in made:
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()


def place(staging: Path, directory: Path, first: Path, *, force: bool) -> list[Path]:
    """Move everything from staging into its place, LUNA.json last: where that exists, the rest is complete.

    Returns the new paths, `first` before the others. Raises UsageError as `require_free` does.
    """
    found = (file.relative_to(staging) for file in staging.rglob("*") if file.is_file())
    files = sorted(found, key=lambda file: (file.name == "LUNA.json", file != first, file))
    require_free(directory, files, force=force)
    for file in files:
        (directory / file).parent.mkdir(parents=True, exist_ok=True)
        os.replace(staging / file, directory / file)
    make_durable(directory / files[-1])
    return [directory / file for file in files]
