"""`--map prompt=question`: what the data's fields are called where luna does not know their names."""

from __future__ import annotations

from typing import Annotated

import typer

MapOption = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="FIELD=NAME", help="What the data call prompt, response, text …; may be repeated."),
]


def mapped_columns(given: list[str] | None) -> dict[str, object]:
    """Return the keys of `[curriculum.columns]` that `--map` sets; raises UsageError for what is no FIELD=NAME."""
    from engine.config.curriculum import ColumnsSection
    from engine.core.errors import UsageError

    found: dict[str, object] = {}
    for text in given or []:
        ours, equals, theirs = text.partition("=")
        if not equals or not theirs.strip() or ours.strip() not in ColumnsSection.model_fields:
            raise UsageError(
                f"{text!r} does not say what a field is called",
                where="--map",
                hint=f"--map prompt=question; fields: {', '.join(ColumnsSection.model_fields)}",
            )
        found[f"curriculum.columns.{ours.strip()}"] = theirs.strip()
    return found
