"""One name, one thing."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import companion


def test_no_two_classes_have_one_name() -> None:
    root = Path(companion.__file__).parent
    places: dict[str, list[str]] = defaultdict(list)
    for path in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(path.relative_to(root).as_posix())
    assert "Workstation" in places
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}
