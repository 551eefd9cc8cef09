"""Entries of the system that start the program: what they share on every platform."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from companion.domain.errors import CompanionError
from companion.services.files import Disk, disk_trouble, make_folder, write_durably
from companion.services.this_computer import DesktopEntryState, Fault

NAME = "Calendar Companion"
COMMENT = "Keeps each practitioner's calendar equal to the appointment book"
SECONDS = 30

Run = Callable[[Sequence[str]], tuple[int, str]]
"""Runs another program: its exit code and what it said. Raises OSError where it is not there."""


def run_quietly(command: Sequence[str], given: str = "") -> tuple[int, str]:
    """Without a window; it reads `given`. A program that hangs has failed."""
    try:
        done = subprocess.run(  # noqa: S603 - programs of the system, named by us
            command,
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS,
            check=False,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except subprocess.TimeoutExpired:
        return 1, "no answer"
    return done.returncode, done.stdout


def state_of(kept: Sequence[str] | None, wanted: Sequence[str], place: str) -> DesktopEntryState:
    """`kept`: the command that the entry has now; empty where it is damaged, None where there is no
    entry."""
    if kept is None:
        return DesktopEntryState(there=False, place=place)
    gone = [each for each in kept if Path(each).is_absolute() and not Path(each).exists()]
    fault: Fault = ""
    what = ""
    if gone:
        fault = "moved"
        what = f"It names {gone[0]}, which is not there any more. Switch it on again from here."
    elif not kept:
        fault = "damaged"
        what = "It is damaged and starts nothing. Switch it on again from here."
    elif _program(kept) != _program(wanted):
        fault = "other copy"
        what = f"It starts another copy of the program: {_program(kept)}. Switch it on from here."
    return DesktopEntryState(there=True, place=place, fault=fault, what=what)


def _program(command: Sequence[str]) -> str:
    """run.py of a checkout, else the Python it is installed in."""
    scripts = [each for each in command if each.endswith("run.py")]
    return scripts[0] if scripts else command[0]


@contextmanager
def saving(path: Path) -> Iterator[None]:
    """Errors of the disk in words."""
    try:
        yield
    except OSError as error:
        raise disk_trouble(error, path) from error


@dataclass(frozen=True, slots=True)
class EntryFile:
    """An entry that is a file."""

    path: Path

    def read(self) -> bytes | None:
        with saving(self.path):
            return self.path.read_bytes() if self.path.exists() else None

    def write(self, content: bytes, *, runs: bool = False) -> None:
        """`runs`: it is a program."""
        if not self.path.parent.is_dir():
            make_folder(self.path.parent)
        with saving(self.path):
            write_durably(self.path, content, Disk())
            if runs:
                self.path.chmod(0o700)

    def remove(self) -> None:
        with saving(self.path):
            self.path.unlink(missing_ok=True)


def refused(what: str, said: str) -> CompanionError:
    """A program of the system that did not do what it was asked for."""
    line = next((each.strip() for each in said.splitlines() if each.strip()), "")[:200]
    remedy = f"The system said: {line}" if line else "Try again, or ask whoever looks after it."
    return CompanionError(what, remedy)
