"""Linux: files of the Desktop Entry Specification, for the menu and for XDG autostart."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from companion.desktop.entries import COMMENT, NAME, EntryFile, state_of
from companion.services.this_computer import DesktopEntryState

_OFF = re.compile(r"(?m)^(Hidden *= *true|X-GNOME-Autostart-enabled *= *false) *$")
_EXEC = re.compile(r"(?m)^Exec *= *(.*)$")
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
_QUOTED = re.compile(r'(["`$\\])')


class DesktopFile:
    """Implements `Entry`."""

    def __init__(
        self, path: Path, command: Sequence[str], icon: Path, extra: Sequence[str] = ()
    ) -> None:
        self._file = EntryFile(path)
        self._command = tuple(command)
        self._icon = icon
        self._extra = tuple(extra)

    def state(self) -> DesktopEntryState:
        content = self._file.read()
        place = str(self._file.path)
        if content is None:
            return DesktopEntryState(there=False, place=place)
        text = content.decode("utf-8", errors="replace")
        if _OFF.search(text):
            what = "It was switched off in this desktop's own settings. Switch it on there."
            return DesktopEntryState(there=True, place=place, fault="switched off", what=what)
        line = _EXEC.search(text)
        return state_of(words_of(line[1]) if line else (), self._command, place)

    def add(self) -> None:
        lines = [
            "[Desktop Entry]",
            "Type=Application",
            f"Name={NAME}",
            f"Comment={COMMENT}",
            f"Exec={exec_line(self._command)}",
            f"Icon={_escaped(str(self._icon))}",
            "Terminal=false",
            "StartupNotify=false",
            *self._extra,
        ]
        self._file.write(("\n".join(lines) + "\n").encode())

    def remove(self) -> None:
        self._file.remove()


def autostart(command: Sequence[str], icon: Path, variables: Mapping[str, str]) -> DesktopFile:
    path = _folder(variables, "XDG_CONFIG_HOME", ".config") / "autostart" / _FILE
    return DesktopFile(path, command, icon, ["X-GNOME-Autostart-enabled=true"])


def menu(command: Sequence[str], icon: Path, variables: Mapping[str, str]) -> DesktopFile:
    path = _folder(variables, "XDG_DATA_HOME", ".local/share") / "applications" / _FILE
    return DesktopFile(path, command, icon, ["Categories=Office;Calendar;"])


_FILE = "calendar-companion.desktop"


def _folder(variables: Mapping[str, str], name: str, usual: str) -> Path:
    given = variables.get(name, "").strip()
    if given and Path(given).is_absolute():  # the specification: others are to be ignored
        return Path(given)
    home = variables.get("HOME", "").strip()
    return (Path(home) if home else Path.home()) / usual


def exec_line(command: Sequence[str]) -> str:
    """Every word in quotes: a path may hold anything."""
    return " ".join(
        '"' + _escaped(_QUOTED.sub(r"\\\1", each).replace("%", "%%")) + '"' for each in command
    )


def words_of(line: str) -> list[str]:
    """The other way."""
    plain = re.sub(r"\\(.)", lambda found: _PLAIN.get(found[1], found[0]), line)
    return [
        (re.sub(r"\\(.)", r"\1", quoted) if quoted else bare).replace("%%", "%")
        for quoted, bare in _WORD.findall(plain)
    ]


_PLAIN = {"\\": "\\", "n": "\n", "t": "\t", "r": "\r", "s": " "}


def _escaped(text: str) -> str:
    """As every value of such a file."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")
