"""LaunchPages: opens an address in the person's browser without anybody else seeing it.

The command of every process is there for all users of a computer to read, so an address that lets
its first visitor in does not belong there. What the browser is given is a file for this user alone
that leads on to the address by itself; it goes when the address has been used, or with the program.
The pattern is that of Jupyter Server.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from companion.domain.errors import CompanionError
from companion.services.files import Disk, write_durably
from companion.services.processes import without_secrets
from companion.web.plain_page import plain_page

_SNAPS = Path("/var/lib/snapd/desktop/applications")
_QUIETLY = getattr(subprocess, "CREATE_NO_WINDOW", 0)


class LaunchPages:
    """Those of one home; `folder` is where they lie."""

    def __init__(self, home: Path) -> None:
        self.folder = Path.home() if _browser_is_confined() else home

    def open(self, address: str, what: str) -> bool:
        """Blocking, for a moment; False when the file could not be written. Python's own
        `webbrowser` does the opening, in a process that has none of our secrets."""
        page = plain_page(
            f"Opening {what} …", links=((address, f"Open {what}"),), go_to=address, after_seconds=0
        )
        return self._show(self._path(address), page)

    def say(self, error: CompanionError) -> bool:
        """What went wrong, for a person who has no other window to read it in."""
        page = plain_page(error.what, error.remedy)
        return self._show(self._path(error.what), page)

    def _show(self, path: Path, page: str) -> bool:
        try:
            write_durably(path, page.encode(), Disk())
            child = subprocess.Popen(  # noqa: S603 - Python's own module, and a file of ours
                [sys.executable, "-I", "-m", "webbrowser", path.as_uri()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=without_secrets(os.environ),
                creationflags=_QUIETLY,
                start_new_session=True,  # a Ctrl-C is for us
            )
        except OSError:
            return False
        threading.Thread(target=child.wait, daemon=True).start()
        return True

    def remove(self, address: str) -> None:
        """It has been used."""
        with suppress(OSError):
            self._path(address).unlink(missing_ok=True)

    def sweep(self) -> None:
        """All of them, also those of a program that was killed."""
        with suppress(OSError):
            for path in self.folder.glob("companion-launch-*.html*"):
                path.unlink(missing_ok=True)

    def _path(self, address: str) -> Path:
        digest = hashlib.sha256(address.encode()).hexdigest()[:16]
        return self.folder / f"companion-launch-{digest}.html"


def _browser_is_confined(snaps: Path = _SNAPS) -> bool:
    """A browser that is a snap sees no hidden folder, where data folders are, and another /tmp."""
    with suppress(OSError):
        return any(
            "x-scheme-handler/http" in entry.read_text("utf-8", "replace")
            for entry in snaps.glob("*.desktop")
        )
    return False
