"""Finds the workspace for a path or for the current directory."""

from __future__ import annotations

from pathlib import Path

_CONFIG = "luna.toml"


def workspace_at(path: Path) -> Path:
    """Return the workspace that `path` is, is luna.toml of, or lies in, searched upwards as git does; `path` itself
    where there is none, for the error message.
    """
    path = path.expanduser()
    if path.name == _CONFIG and path.is_file():
        return path.parent
    if not path.is_dir() or (path / _CONFIG).is_file():
        return path
    return next((above for above in path.resolve().parents if (above / _CONFIG).is_file()), path)
