"""The house stays one in which a newcomer finds the room: small modules, small folders, one name for one thing."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("engine", "luna_tui", "probes", "ledger")
MODULES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
LINES = 300
IN_A_FOLDER = 20


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_is_longer_than_a_person_reads(package: str) -> None:
    lines = {path: path.read_text().count("\n") for path in MODULES if path.is_relative_to(ROOT / package)}
    assert {str(path.relative_to(ROOT)): n for path, n in lines.items() if n > LINES} == {}


def test_no_folder_has_more_modules_than_a_person_overlooks() -> None:
    counts = Counter(path.parent for path in MODULES if path.name != "__init__.py")
    assert {str(folder.relative_to(ROOT)): n for folder, n in counts.items() if n > IN_A_FOLDER} == {}


def test_no_two_public_classes_share_a_name() -> None:
    names = Counter(
        node.name
        for path in MODULES
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, n in names.items() if n > 1] == []


def test_every_layer_of_the_engine_stands_in_the_map() -> None:
    told = ast.get_docstring(ast.parse((ROOT / "engine" / "__init__.py").read_text())) or ""
    layers = [folder.name for folder in (ROOT / "engine").iterdir() if (folder / "__init__.py").exists()]
    assert [name for name in layers if name not in told] == []
