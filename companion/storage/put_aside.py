"""What a computer keeps of the time before it joined a practice, or of an older version.

Folders that a move, a restore or an update put aside: each may hold a whole book, not encrypted. No
command removes them unasked, for one of them may be the last copy of something.
"""

from __future__ import annotations

from pathlib import Path

from companion.environment import Environment

PUT_ASIDE = (
    "before-practice-*",
    "before-joining-*",
    "before-restore-*",
    "before-update-*",
    "after-practice-*",
)


def folders_put_aside(environment: Environment) -> list[Path]:
    """The folders, in the order of their names; blocks."""
    places = {environment.home.resolve(), environment.book.parent.resolve()}
    found = {
        folder
        for place in places
        for pattern in PUT_ASIDE
        for folder in place.glob(pattern)
        if folder.is_dir()
    }
    return sorted(found)
