"""macOS: a LaunchAgent of the user, and an application of their own in ~/Applications.

launchd reads the agent at the next sign-in. It is not loaded at once: launchd would start the
program a second time, and unloading would end the one that runs. What it starts is the app itself
in the foreground: launchd loses sight of a program that goes into the background.
"""

from __future__ import annotations

import os
import plistlib
import re
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.parsers.expat import ExpatError

from companion.desktop.entries import COMMENT, NAME, EntryFile, Run, saving, state_of
from companion.services.this_computer import DesktopEntryState

LABEL = "calendar-companion"


class LaunchAgent:
    """Implements `Entry`."""

    def __init__(self, user_home: Path, command: Sequence[str], log: Path, run: Run) -> None:
        self._file = EntryFile(user_home / "Library" / "LaunchAgents" / f"{LABEL}.plist")
        self._command = list(command)
        self._log = log
        self._run = run

    def state(self) -> DesktopEntryState:
        content = self._file.read()
        place = str(self._file.path)
        found = state_of(None if content is None else _command_of(content), self._command, place)
        if found.there and self._switched_off():
            what = (
                "It was switched off in System Settings, General, Login Items. Switch it on there."
            )
            return DesktopEntryState(there=True, place=place, fault="switched off", what=what)
        return found

    def _switched_off(self) -> bool:
        """launchd remembers that beside the file."""
        try:
            code, said = self._run(["/bin/launchctl", "print-disabled", f"gui/{_user()}"])
        except OSError:
            return False
        line = re.search(rf'"{re.escape(LABEL)}" => (\w+)', said)
        return code == 0 and line is not None and line[1] in {"disabled", "true"}

    def add(self) -> None:
        agent = {
            "Label": LABEL,
            "ProgramArguments": self._command,
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "LimitLoadToSessionType": "Aqua",
            "ProcessType": "Background",
            "StandardOutPath": str(self._log),
            "StandardErrorPath": str(self._log),
        }
        self._file.write(plistlib.dumps(agent))

    def remove(self) -> None:
        self._file.remove()


class ApplicationBundle:
    """Implements `Entry`: what Finder, Spotlight and the Dock show."""

    def __init__(self, user_home: Path, command: Sequence[str], icon: Path) -> None:
        self._folder = user_home / "Applications" / f"{NAME}.app"
        self._script = EntryFile(self._folder / "Contents" / "MacOS" / "companion")
        self._command = list(command)
        self._icon = icon

    def state(self) -> DesktopEntryState:
        content = self._script.read()
        kept = None if content is None else _command_in(content)
        return state_of(kept, self._command, str(self._folder))

    def add(self) -> None:
        facts = {
            "CFBundleName": NAME,
            "CFBundleIdentifier": LABEL,
            "CFBundleExecutable": "companion",
            "CFBundleIconFile": "icon.icns",
            "CFBundlePackageType": "APPL",
            "CFBundleGetInfoString": COMMENT,
            "LSUIElement": True,
        }
        EntryFile(self._folder / "Contents" / "Info.plist").write(plistlib.dumps(facts))
        with saving(self._icon):
            picture = self._icon.read_bytes()
        EntryFile(self._folder / "Contents" / "Resources" / "icon.icns").write(picture)
        self._script.write(f"#!/bin/sh\nexec {shlex.join(self._command)}\n".encode(), runs=True)

    def remove(self) -> None:
        with saving(self._folder):
            if self._folder.exists():
                shutil.rmtree(self._folder)


def _command_of(content: bytes) -> list[str]:
    try:
        return [str(each) for each in plistlib.loads(content)["ProgramArguments"]]
    except (plistlib.InvalidFileException, ExpatError, ValueError, KeyError, TypeError):
        return []


def _command_in(script: bytes) -> list[str]:
    """What its last line runs."""
    line = script.decode("utf-8", errors="replace").strip().rpartition("\n")[2]
    try:
        return shlex.split(line.removeprefix("exec ")) if line.startswith("exec ") else []
    except ValueError:  # an open quote
        return []


def _user() -> int:
    if sys.platform == "win32":  # where only the tests come by
        return 0
    else:  # noqa: RET505 - as the type checker reads it
        return os.getuid()
