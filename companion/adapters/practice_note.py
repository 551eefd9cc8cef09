"""Two small files of a home: that it belongs to a practice, and that it is just being moved.

``practice.json`` decides: while it is there, the practice in the database is in charge and not the
files of this home. ``moving.json`` lies beside it while a practice is being made of the home, or
the home of a practice again; whoever starts meanwhile waits, and after a crash finds in it how far
that came. Neither holds a secret.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from companion.domain.errors import StoreDamaged
from companion.domain.json_documents import DAMAGED, from_document
from companion.services.files import Disk, disk_trouble, write_file

NOTE = "practice.json"
MOVING = "moving.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class PracticeNote:
    practice_id: str
    workstation_id: str
    place: str
    """Where the database is, for people: ``db.example/companion``."""
    name: str = ""
    """As the practice called this workstation last; empty until it has been entered there."""


class Direction(StrEnum):
    INTO_PRACTICE = "into the practice"
    BACK = "back into this home"


class Stage(StrEnum):
    COPYING = "copying"
    """Nothing has changed hands: what is there may be thrown away."""
    DECIDING = "deciding"
    """The database may have committed it, and is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MovingNote:
    direction: Direction
    stage: Stage
    practice_id: str
    workstation_id: str
    place: str
    aside: str
    """The folder of the home for what is no longer used."""
    moved_to: str = ""
    """What the practice says of where it is now, once it has come back here."""


Note = TypeVar("Note", PracticeNote, MovingNote)


def practice_note(home: Path) -> PracticeNote | None:
    """None for a home that keeps its own data. Raises StoreDamaged, StoreError."""
    return _read(home / NOTE, PracticeNote)


def has_joined(home: Path) -> bool:
    """A practice is in charge here, or may be: a crash left it open, and a start has to ask."""
    return (home / NOTE).exists() or (home / MOVING).exists()


def moving_note(home: Path) -> MovingNote | None:
    """Raises StoreDamaged, StoreError."""
    return _read(home / MOVING, MovingNote)


def write_note(home: Path, note: PracticeNote | MovingNote, disk: Disk) -> None:
    """Raises StoreError."""
    name = NOTE if isinstance(note, PracticeNote) else MOVING
    write_file(home / name, json.dumps(asdict(note), indent=1).encode(), disk)


def _read(path: Path, kind: type[Note]) -> Note | None:
    try:
        return from_document(kind, json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise disk_trouble(error, path) from error
    except DAMAGED as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> StoreDamaged:
    return StoreDamaged(
        f"The file {path.name} of the data folder cannot be read: it says whether this computer "
        "belongs to a practice that several workstations share.",
        "Put it back from a copy of the data folder. If it did belong to one, rename the file and "
        "join again: python run.py practice join.",
        detail=path.name,
    )
