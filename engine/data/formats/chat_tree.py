"""Chat exports as trees: every edit of a message is a branch, and the person's last choice is `current_node`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from engine.data.formats.values import RowProblem

_SPOKEN = ("text", "multimodal_text")


def kept_branch(record: Mapping[str, Any]) -> tuple[list[dict[str, Any]], int]:
    """Return the messages on the branch that the person kept, in order, and how many branches were not taken.

    Without `current_node` the branch of the last children is taken. Raises RowProblem for a mapping that is no tree.
    """
    nodes = record["mapping"]
    tree = cast("dict[str, dict[str, Any]]", nodes if isinstance(nodes, dict) else {})
    if not tree or not all(isinstance(node, dict) for node in cast("dict[str, object]", nodes).values()):
        raise RowProblem("mapping must hold the nodes of a conversation")
    at = record.get("current_node")
    name: str | None = at if isinstance(at, str) and at in tree else _last_leaf(tree)
    path: list[dict[str, Any]] = []
    visited: set[str] = set()
    while name is not None and name in tree:
        if name in visited:
            raise RowProblem(f"mapping: node {name[:20]!r} is its own ancestor")
        visited.add(name)
        path.append(tree[name])
        parent = tree[name].get("parent")
        name = parent if isinstance(parent, str) else None
    leaves = sum(not node.get("children") for node in tree.values())
    return [message for node in reversed(path) if (message := _message(node))], max(0, leaves - 1)


def _last_leaf(tree: Mapping[str, dict[str, Any]]) -> str | None:
    name = next((name for name, node in tree.items() if not node.get("parent")), None)
    visited: set[str] = set()
    while name is not None and name not in visited:
        visited.add(name)
        children = [child for child in tree[name].get("children") or () if isinstance(child, str) and child in tree]
        if not children:
            break
        name = children[-1]
    return name


def _message(node: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a node's message as a turn, None for one without; what was not said gets a role that is no speech."""
    message = node.get("message")
    if not isinstance(message, dict):
        return None
    said = cast("dict[str, Any]", message)
    author, content, about = _object(said, "author"), said.get("content"), _object(said, "metadata")
    role = author.get("role", said.get("author"))
    if role == "system" and not any(_texts(content)):
        return None  # the empty root that every export begins with
    kind = _object(said, "content").get("content_type", "text")
    hidden = bool(about.get("is_visually_hidden_from_conversation"))
    if hidden or kind not in _SPOKEN or said.get("recipient") not in (None, "all"):
        return {"role": "system" if role == "system" else "tool", "content": ""}
    return {"role": role, "content": content}


def _object(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = fields.get(name)
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _texts(content: object) -> list[object]:
    parts = cast("dict[str, object]", content).get("parts") if isinstance(content, dict) else content
    return [part for part in cast("list[object]", parts) if part] if isinstance(parts, list) else [parts]
