"""The report's last part: commands, versions and hashes, so that anyone can reproduce it and compare the bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.workspace.layout import Workspace
from luna_tui.report.blocks import Block, Code, Heading, Paragraph, Table


def reproduce_part(
    workspace: Workspace, path: Sequence[int], study: Mapping[str, Any] | None, extra: Sequence[str]
) -> list[Block]:
    """Return the commands, versions and hashes that reproduce this lineage; `extra` are the commands of the other
    parts.
    """
    manifests = [manifest for gen in path if (manifest := workspace.manifest(gen)) is not None]
    if not manifests:
        return []
    newest = manifests[-1]
    commands = [f"luna-tui train --generations {len(path)}", "luna-tui verify", *extra]
    if study is not None:
        commands.append(study["command"])
    versions = ", ".join(f"{name} {version}" for name, version in sorted(newest.versions.items()))
    blocks: list[Block] = [
        Heading("To do it again"),
        Paragraph(
            f"Base {newest.base['name']} (SHA-256 of its weights {newest.base['sha'][:16]}…), "
            f"backend {newest.backend}, {newest.threads} threads, seed {newest.seed}. The same versions, kind of "
            "processor, threads, data and seed give the same bytes, so the SHA-256 of every GGUF above."
        ),
        Code([*commands, "luna-tui report --out report"]),
        Table(
            ("", "SHA-256 of its new data", "SHA-256 of the GGUF", "manifest says"),
            [
                [f"G{m.gen}", m.row["data_delta_sha"], m.row["child_sha"], f"lr {m.row['lr']}, {m.row['steps']} steps"]
                for m in manifests
            ],
        ),
        Paragraph(f"Versions: {versions}."),
    ]
    return blocks
