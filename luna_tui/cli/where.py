"""Which workspace a person means by a path, or by the directory they are in."""

from __future__ import annotations

from pathlib import Path

_CONFIG = "luna.toml"


def workspace_at(path: Path) -> Path:
    """The workspace that `path` is, is luna.toml of, or lies in, searched upwards as git does; `path` itself where
    there is none, for the error to name.
    """
    path = path.expanduser()
    if path.name == _CONFIG and path.is_file():
        return path.parent
    if not path.is_dir() or (path / _CONFIG).is_file():
        return path
    return next((above for above in path.resolve().parents if (above / _CONFIG).is_file()), path)
