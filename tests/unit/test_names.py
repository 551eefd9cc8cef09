"""One name, one thing."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import companion

_CLASS = re.compile(r"^ *class (\w+)\b", re.MULTILINE)


def test_no_two_classes_have_one_name() -> None:
    root = Path(companion.__file__).parent
    places: dict[str, list[str]] = defaultdict(list)
    for path in sorted(root.rglob("*.py")):
        for name in _CLASS.findall(path.read_text(encoding="utf-8")):
            places[name].append(path.relative_to(root).as_posix())
    assert len(places) > 100
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}
