"""ThisDesktop: the entries of the system that this program runs on."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from companion.desktop import linux, macos, windows
from companion.desktop.entries import run_quietly
from companion.desktop.program import Program
from companion.services.this_computer import Entry


@dataclass(frozen=True, slots=True)
class ThisDesktop:
    """Implements `Desktop` of companion.services.this_computer."""

    home: Path
    """The data folder."""
    pictures: Path
    """Where the icons lie."""
    usual_home: bool = True
    """Whether the program finds that folder by itself."""

    def _command(self, *arguments: str, console: bool = False) -> list[str]:
        home = [] if self.usual_home else ["--home", str(self.home)]
        return Program.for_sign_in().command(*arguments, *home, console=console)

    @property
    def autostart(self) -> Entry:
        if sys.platform == "win32":
            entry: Entry = windows.RunKey(
                windows.WindowsRegistry(), self._command("start", "--quiet")
            )
        elif sys.platform == "darwin":
            command = self._command("serve", "--background", "--no-browser")
            log = self.home / "background.log"
            entry = macos.LaunchAgent(Path.home(), command, log, run_quietly)
        else:
            icon = self.pictures / "icon.svg"
            entry = linux.autostart(self._command("start", "--quiet"), icon, os.environ)
        return entry

    @property
    def menu(self) -> Entry:
        command = self._command("start")
        if sys.platform == "win32":
            roaming = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
            icon = self.pictures / "icon.ico"
            entry: Entry = windows.StartMenuShortcut(roaming, command, icon, run_quietly)
        elif sys.platform == "darwin":
            icon = self.pictures / "icon.icns"
            entry = macos.ApplicationBundle(Path.home(), command, icon)
        else:
            entry = linux.menu(command, self.pictures / "icon.svg", os.environ)
        return entry


def may_have_a_tray(platform: str = sys.platform) -> bool:
    """On Linux: whether there is a desktop at all."""
    there = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    return there or platform in {"win32", "darwin"}
