"""HomeRights: who besides this user may open the data folder, and closing it to them.

Linux and macOS: the folder's mode. Whoever may not enter it reaches nothing in it, whatever the
modes of the files are. Windows: its access list, by the system's own `icacls`; beside the user, the
system and administrators may have it, who could take it anyway. What a folder's list grants goes
down to what lies in it. `icacls` names accounts in the language of the system, so lists are read in
the system's notation for them (SDDL), and accounts are given by their numbers (SID).
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from companion.domain.errors import StoreError
from companion.services.files import disk_errors
from companion.services.maintenance.findings import HomeRights

Run = Callable[[Sequence[str]], tuple[int, bytes]]
"""A command to its exit code and output."""

_SYSTEM, _ADMINISTRATORS = "S-1-5-18", "S-1-5-32-544"
_EVERYONE = "S-1-1-0"
_ALIASES = {
    "SY": _SYSTEM,
    "BA": _ADMINISTRATORS,
    "WD": _EVERYONE,
    "OW": "S-1-3-4",
    "CO": "S-1-3-0",
    "AU": "S-1-5-11",
    "IU": "S-1-5-4",
    "NU": "S-1-5-2",
    "AN": "S-1-5-7",
    "AC": "S-1-15-2-1",
    "BU": "S-1-5-32-545",
    "BG": "S-1-5-32-546",
    "PU": "S-1-5-32-547",
    "CG": "S-1-3-1",
}
"""Of SDDL; others are of administrators, or of a domain."""
_MAY = {_SYSTEM, _ADMINISTRATORS, "S-1-3-4", "LA", "DA", "EA"}
"""Owner rights are this user's; LA, DA, EA are administrators of the computer or domain."""
_NAMES = {
    _EVERYONE: "everybody",
    "S-1-5-11": "everybody who can sign in to this computer",
    "S-1-5-4": "everybody who sits at this computer",
    "S-1-5-2": "everybody who reaches this computer by the network",
    "S-1-5-32-545": "every user of this computer",
}
_LIST = re.compile(r"D:([A-Z_]*)((?:\([^()]*\))*)")
_SECONDS = 30


def home_rights() -> HomeRights:
    return WindowsRights() if sys.platform == "win32" else PosixRights()


class PosixRights:
    def others(self, folder: Path) -> str:
        with disk_errors(folder):
            mode = folder.stat().st_mode
        if mode & stat.S_IRWXO:
            return "every user of this computer"
        return "a group of users of this computer" if mode & stat.S_IRWXG else ""

    def close(self, folder: Path) -> None:
        with disk_errors(folder):
            folder.chmod(stat.S_IRWXU)

    def prepare(self, folder: Path) -> None:
        """Folders that we make are closed already; another may be open on purpose."""


def _run(command: Sequence[str]) -> tuple[int, bytes]:
    done = subprocess.run(  # noqa: S603 - the system's own programs, by their full paths
        command, capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=_SECONDS
    )
    return done.returncode, done.stdout


class WindowsRights:
    def __init__(self, run: Run = _run) -> None:
        self._run = run
        tools = Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32"
        self._icacls, self._whoami = str(tools / "icacls.exe"), str(tools / "whoami.exe")

    def others(self, folder: Path) -> str:
        found = self._others(folder)
        return " and ".join(sorted({_NAMES.get(each, "another user") for each in found}))

    def close(self, folder: Path) -> None:
        granted = [f"*{each}:(OI)(CI)F" for each in (self._user(), _SYSTEM, _ADMINISTRATORS)]
        self._tool(self._icacls, str(folder), "/inheritance:r", "/grant:r", *granted, "/Q")
        if left := self._others(folder):  # what was granted here, and not further up
            removed = [f"*{each}" for each in left]
            self._tool(self._icacls, str(folder), "/remove", *removed, "/Q")
        if self._others(folder):
            raise StoreError(
                "Other users may still open the data folder.",
                "In its properties, under Security, Advanced, switch off inheritance and leave "
                "only yourself, the system and administrators.",
                detail="icacls",
            )

    def prepare(self, folder: Path) -> None:
        if self._others(folder):
            self.close(folder)

    def _others(self, folder: Path) -> list[str]:
        try:
            with tempfile.TemporaryDirectory() as place:
                saved = Path(place) / "list"
                self._tool(self._icacls, str(folder), "/save", str(saved), "/Q")
                sddl = saved.read_bytes().decode("utf-16-le", "replace")
        except OSError as error:
            raise _unknown(type(error).__name__) from error
        return others_in(sddl, self._user())

    def _user(self) -> str:
        said = self._tool(self._whoami, "/user", "/fo", "csv", "/nh")
        found = re.search(rb'"(S-1-[\d-]+)"\s*$', said)
        if found is None:
            raise _unknown("whoami")
        return found[1].decode("ascii")

    def _tool(self, *command: str) -> bytes:
        try:
            code, said = self._run(command)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _unknown(type(error).__name__) from error
        if code:
            raise _unknown(f"exit code {code}")
        return said


def others_in(sddl: str, user: str) -> list[str]:
    """The accounts to whom this access list grants anything, besides those who may have it."""
    found = _LIST.search(sddl)
    if found is None or "NO_ACCESS_CONTROL" in found[1]:
        return [_EVERYONE]
    others = []
    for entry in re.findall(r"\(([^()]*)\)", found[2]):
        kind, flags, rights, _, _, account = f"{entry};;;;;".split(";")[:6]
        sid = _ALIASES.get(account, account)
        # "Creator owner" stands for whoever makes a file in the folder.
        of_creator = sid == "S-1-3-0" and "IO" in flags
        if kind.endswith("A") and rights and sid != user and sid not in _MAY and not of_creator:
            others.append(sid)
    return list(dict.fromkeys(others))


def _unknown(detail: str) -> StoreError:
    return StoreError(
        "Windows does not say who may open the data folder.",
        "Keep it on a disk of this computer that is formatted with NTFS, in a folder of your own.",
        detail=detail,
    )
