"""models/base/base.json: name, kind and hashes of a lineage's base. Imports little, since the first paint reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal, get_args

from engine.core.errors import Damaged
from engine.workspace.layout import Workspace

Kind = Literal["packaged", "gguf", "hf"]

BASE_FACTS = ("name", "kind", "sha", "gguf_sha")


def read_base_record(workspace: Workspace) -> dict[str, str] | None:
    """Return the facts in models/base/base.json, None before the first use; raises Damaged when they cannot be read."""
    path = workspace.base_dir / "base.json"
    if not path.exists():
        return None
    try:
        record = json.loads(path.read_bytes())
        facts = {key: str(record[key]) for key in BASE_FACTS}
        if facts["kind"] not in get_args(Kind):
            raise ValueError(f"kind {facts['kind']!r}")
        return facts
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Damaged(
            f"cannot be read: {error}",
            where=str(path),
            hint="restore it from a backup; every manifest repeats these facts under `base`",
        ) from error


def render_record(facts: Mapping[str, str]) -> bytes:
    """Return the bytes of base.json; they follow from the facts, so that `verify` can compare them."""
    return (json.dumps(dict(facts), indent=1, sort_keys=True) + "\n").encode()
