"""Whether the environment of this very process already has what pyproject.toml asks for."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable

REQUIREMENT = re.compile(
    r"(?P<name>[\w.-]+)>=(?P<least>[\d.]+)(?:,<(?P<below>[\d.]+))?"
    r"(?:; sys_platform (?P<sign>[!=]=) '(?P<platform>\w+)')?"
)


def has_all(requirements: Iterable[str]) -> bool:
    """Whether this process's own environment satisfies these lines of pyproject.toml."""
    return all(has(line) for line in requirements)


def has(requirement: str) -> bool:
    """One of them; a line that is not of pyproject.toml's form is not satisfied."""
    from importlib import metadata  # not needed by a start that finds all in place

    parts = REQUIREMENT.fullmatch(requirement)
    if parts is None:
        return False
    if parts["platform"] and (parts["platform"] == sys.platform) != (parts["sign"] == "=="):
        return True
    try:
        found = metadata.distribution(parts["name"])
    except metadata.PackageNotFoundError:
        return False
    # `found.version` would take apart the whole file, description and all: 3 ms for each package.
    head = re.search(r"^Version: *(\S+)", found.read_text("METADATA") or "", re.MULTILINE)
    version = release(head[1] if head else found.version)
    below = parts["below"]
    return release(parts["least"]) <= version and (not below or version < release(below))


def release(version: str) -> tuple[int, ...]:
    """(3, 18) of "3.18", "3.18.0" and "3.18.0rc1"."""
    leading = re.match(r"\d+(\.\d+)*", version)
    numbers = [int(part) for part in leading[0].split(".")] if leading else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
