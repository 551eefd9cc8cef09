"""One name, one thing, and modules of one idea."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import companion

ROOT = Path(companion.__file__).parent
MOST_LINES = 400


def test_no_two_classes_have_one_name() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(path.relative_to(ROOT).as_posix())
    assert "Workstation" in places
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}


def test_no_module_has_outgrown_its_idea() -> None:
    lengths = {
        path.relative_to(ROOT.parent).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for folder in (ROOT, ROOT.parent / "tests")
        for path in folder.rglob("*.py")
    }
    assert lengths
    assert {path: each for path, each in lengths.items() if each > MOST_LINES} == {}
