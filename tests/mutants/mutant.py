"""Mutant: a bug that somebody could write, as one replacement in one file.

`before` must stand in the file exactly once; tests/mutants/test_mutants.py sees to it that the
lists keep up with the code.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    name: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...] = ("tests/property/test_sync_histories.py",)
    """Those expected to notice."""
