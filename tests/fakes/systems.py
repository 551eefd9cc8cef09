"""The system's side of what the desktop modules ask for: registry, PowerShell, launchctl."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from pathlib import Path

from companion.desktop.windows import APPROVED_KEY, RUN_KEY

_PLAIN = r"'((?:[^']|'')*)'"


class FakeRegistry:
    """`Registry`: the two keys that every user's registry has."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], str | bytes] = {}
        self.refuses = False

    def read(self, key: str, name: str) -> str | bytes | None:
        self._check(key)
        return self.values.get((key, name))

    def write(self, key: str, name: str, value: str) -> None:
        self._check(key)
        self.values[key, name] = value

    def delete(self, key: str, name: str) -> None:
        self._check(key)
        self.values.pop((key, name), None)

    def _check(self, key: str) -> None:
        if self.refuses:
            raise PermissionError(5, "Access is denied")
        assert key in {RUN_KEY, APPROVED_KEY}


_PROGRESS = '#< CLIXML\r\n<Objs Version="1.1.0.1"><Obj S="progress" RefId="0"></Obj></Objs>'


class FakePowerShell:
    """Runs the two scripts that make and read a shortcut; anything else fails. Where no console
    shows it, progress is written among the errors, as a document."""

    def __init__(self) -> None:
        self.shortcuts: dict[str, dict[str, str]] = {}
        self.fails = ""

    def __call__(self, command: Sequence[str]) -> tuple[int, str]:
        assert command[0] == "powershell.exe"
        assert "-NoProfile" in command
        script = base64.b64decode(command[-1]).decode("utf-16-le")
        assert command[-2] == "-EncodedCommand"
        if self.fails:
            plain = "-OutputFormat Text" in " ".join(command)
            return 1, self.fails if plain else '#< CLIXML\r\n<Objs Version="1.1.0.1"></Objs>'
        made = re.search(rf"CreateShortcut\({_PLAIN}\)", script)
        assert made
        path = made[1].replace("''", "'")
        shortcut = dict(self.shortcuts.get(path, {"TargetPath": "", "Arguments": ""}))
        for name, value in re.findall(rf"\$s\.(\w+) = {_PLAIN}", script):
            shortcut[name] = value.replace("''", "'")
        if "$s.Save()" in script:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_bytes(b"a shortcut")
            self.shortcuts[path] = shortcut
            return 0, ""
        progress = "" if "$ProgressPreference = 'SilentlyContinue'" in script else _PROGRESS
        return 0, f'{progress}"{shortcut["TargetPath"]}" {shortcut["Arguments"]}\r\n'


class FakeLaunchctl:
    """`launchctl print-disabled`, as macOS 13 writes it."""

    def __init__(self) -> None:
        self.disabled: dict[str, str] = {"com.apple.example": "disabled"}
        self.there = True

    def __call__(self, command: Sequence[str]) -> tuple[int, str]:
        if not self.there:
            raise FileNotFoundError(command[0])
        assert list(command[:2]) == ["/bin/launchctl", "print-disabled"]
        assert re.fullmatch(r"gui/\d+", command[2])
        lines = (f'\t\t"{label}" => {word}' for label, word in self.disabled.items())
        return 0, "\tdisabled services = {\n" + "\n".join(lines) + "\n\t}\n"
