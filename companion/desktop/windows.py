"""Windows: the user's Run key in the registry, and a shortcut in their start menu."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from companion.desktop.entries import NAME, Run, refused, saving, state_of
from companion.domain.errors import CompanionError
from companion.services.this_computer import DesktopEntryState

RUN_KEY = r"Software\Microsoft\Windows\CurrentVersion\Run"
APPROVED_KEY = r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run"
LONGEST = 260
"""Characters of a command that Windows runs from the key."""


class Registry(Protocol):
    """Values of the current user's registry; each raises OSError."""

    def read(self, key: str, name: str) -> str | bytes | None: ...

    def write(self, key: str, name: str, value: str) -> None: ...

    def delete(self, key: str, name: str) -> None:
        """Also where it is not there."""
        ...


class RunKey:
    """Implements `Entry`. What a person switches off in Task Manager stays in the key, and Windows
    notes it beside: the first byte is odd then."""

    def __init__(self, registry: Registry, command: Sequence[str]) -> None:
        self._registry = registry
        self._command = list(command)
        self._place = rf"HKEY_CURRENT_USER\{RUN_KEY}, {NAME}"

    def state(self) -> DesktopEntryState:
        with _in_words():
            kept = self._registry.read(RUN_KEY, NAME)
            approved = self._registry.read(APPROVED_KEY, NAME)
        found = state_of(
            words_of(kept) if isinstance(kept, str) else None, self._command, self._place
        )
        if found.there and isinstance(approved, bytes) and approved[:1] and approved[0] & 1:
            what = (
                "It was switched off in Windows: switch it on in Task Manager, under Startup apps."
            )
            return DesktopEntryState(there=True, place=self._place, fault="switched off", what=what)
        return found

    def add(self) -> None:
        line = subprocess.list2cmdline(self._command)
        if len(line) > LONGEST:
            raise CompanionError(
                "Windows does not start a program whose folder has so long a name.",
                r"Move the program to a short path, such as C:\Companion, and try again.",
            )
        with _in_words():
            self._registry.write(RUN_KEY, NAME, line)

    def remove(self) -> None:
        with _in_words():
            self._registry.delete(RUN_KEY, NAME)


class StartMenuShortcut:
    """Implements `Entry`. Shortcuts are made by Windows' own script host, through PowerShell."""

    def __init__(self, roaming: Path, command: Sequence[str], icon: Path, run: Run) -> None:
        self._path = roaming / "Microsoft" / "Windows" / "Start Menu" / "Programs" / f"{NAME}.lnk"
        self._command = list(command)
        self._icon = icon
        self._run = run

    def state(self) -> DesktopEntryState:
        if not self._path.exists():
            return DesktopEntryState(there=False, place=str(self._path))
        said = self._ask(
            f"$s = {_shortcut(self._path)}; [Console]::OutputEncoding = [Text.Encoding]::UTF8; "
            "'\"' + $s.TargetPath + '\" ' + $s.Arguments",
            "Windows does not say what the shortcut starts.",
        )
        return state_of(words_of(said.strip()), self._command, str(self._path))

    def add(self) -> None:
        program, *arguments = self._command
        self._ask(
            f"$s = {_shortcut(self._path)}; $s.TargetPath = {_quoted(program)}; "
            f"$s.Arguments = {_quoted(subprocess.list2cmdline(arguments))}; "
            f"$s.IconLocation = {_quoted(str(self._icon))}; $s.Save()",
            "Windows did not make the shortcut.",
        )

    def remove(self) -> None:
        with saving(self._path):
            self._path.unlink(missing_ok=True)

    def _ask(self, script: str, failed: str) -> str:
        try:
            code, said = self._run(powershell(script))
        except OSError as error:
            raise refused("PowerShell did not start.", type(error).__name__) from error
        if code:
            raise refused(failed, said)
        return said


def powershell(script: str) -> list[str]:
    """The command that runs a script whatever it holds. Without a console PowerShell would write
    errors and progress as a document (CLIXML)."""
    quiet = "$ErrorActionPreference = 'Stop'; $ProgressPreference = 'SilentlyContinue'; "
    encoded = base64.b64encode((quiet + script).encode("utf-16-le"))
    return [
        *("powershell.exe", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass"),
        *("-OutputFormat", "Text", "-EncodedCommand", encoded.decode("ascii")),
    ]


def _shortcut(path: Path) -> str:
    return f"(New-Object -ComObject WScript.Shell).CreateShortcut({_quoted(str(path))})"


def _quoted(text: str) -> str:
    """PowerShell's plain string; it takes typographic quotes for quotes too."""
    doubled = "".join(each * 2 if each in "'‘’‚‛" else each for each in text)
    return f"'{doubled}'"


def words_of(line: str) -> list[str]:
    """The command line in words: the rules of `subprocess.list2cmdline`, the other way."""
    words: list[str] = []
    word, inside, begun, slashes = "", False, False, 0
    for each in line + " ":
        if each == "\\":
            slashes += 1
            continue
        if each == '"':
            word += "\\" * (slashes // 2)
            if slashes % 2:
                word += '"'
            else:
                inside = not inside
            begun, slashes = True, 0
            continue
        word += "\\" * slashes
        slashes = 0
        if each in " \t" and not inside:
            if word or begun:
                words.append(word)
            word, begun = "", False
        else:
            word += each
    return words


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CompanionError(
            "Windows does not let this user change what starts with it.",
            "Ask whoever looks after this computer.",
        ) from error


if sys.platform == "win32":
    import winreg

    class WindowsRegistry:
        """Implements `Registry`."""

        def read(self, key: str, name: str) -> str | bytes | None:
            try:
                with winreg.OpenKey(winreg.HKEY_CURRENT_USER, key) as opened:
                    found: str | bytes = winreg.QueryValueEx(opened, name)[0]
                    return found
            except FileNotFoundError:
                return None

        def write(self, key: str, name: str, value: str) -> None:
            with winreg.CreateKey(winreg.HKEY_CURRENT_USER, key) as opened:
                winreg.SetValueEx(opened, name, 0, winreg.REG_SZ, value)

        def delete(self, key: str, name: str) -> None:
            try:
                with winreg.OpenKey(
                    winreg.HKEY_CURRENT_USER, key, access=winreg.KEY_SET_VALUE
                ) as opened:
                    winreg.DeleteValue(opened, name)
            except FileNotFoundError:
                return
