"""What a generation was made with, and in what two of them differ: recipe, counts of data, backend, versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from luna_tui.common import figures
from luna_tui.common.terminal import Glyphs

Values = Mapping[str, Any]


def differences(one: Values, other: Values, glyphs: Glyphs) -> list[tuple[str, str]]:
    """What two manifests were made with differently: recipe, data counts, seed, threads, backend, versions."""
    changes: list[tuple[str, str]] = []
    for before, after in zip(made_with(one), made_with(other), strict=True):
        for key in sorted({*before, *after}):
            if before.get(key) != after.get(key):
                change = f"{value_words(key, before.get(key))} {glyphs.arrow} {value_words(key, after.get(key))}"
                changes.append((key, change))
    return changes


def made_with(manifest: Values) -> list[Values]:
    """Recipe, counts of data, how it was run, and versions."""
    data = mapping(manifest.get("data"))
    counts = {key: data.get(key) for key in ("new", "train", "holdout", "replay")}
    how = {key: manifest.get(key) for key in ("backend", "seed", "threads")}
    return [mapping(manifest.get("recipe")), counts, how, mapping(manifest.get("versions"))]


def value_words(key: str, value: object) -> str:
    """A value of a recipe as people write it."""
    if key == "lr" and isinstance(value, int | float):
        return figures.learning_rate(float(value))
    if value is None:
        return "-"
    return f"{value:g}" if isinstance(value, float) else str(value)


def mapping(value: object) -> Values:
    """A part of a manifest, empty where it is missing or something else."""
    return cast("Values", value) if isinstance(value, Mapping) else {}


def tone_asked(row: Values | None) -> str | None:
    """The name of what a generation's tone was probed with: drifts with the same one are comparable. None where its
    manifest does not tell.
    """
    return mapping((row or {}).get("data")).get("tone_asked")
