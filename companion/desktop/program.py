"""Program: the command line that starts this very program again, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import companion

LOG = "background.log"
"""In the home: what the app in the background has to say before its own log is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    python: Path
    script: Path | None
    """run.py of a checkout; None where the program was installed as a package."""

    @classmethod
    def of_process(cls) -> Program:
        return cls(python=_with_console(Path(sys.executable)), script=_script())

    @classmethod
    def for_sign_in(cls) -> Program:
        """As the system starts it later, when nobody watches: with the Python that `.venv` was made
        of, so that run.py can make a broken or missing `.venv` anew."""
        script, python = _script(), sys.executable
        if script and Path(sys.prefix).resolve() == (script.parent / ".venv").resolve():
            python = getattr(sys, "_base_executable", None) or python
        return cls(python=Path(python), script=script)

    @property
    def folder(self) -> Path | None:
        return self.script.parent if self.script else None

    def command(self, *arguments: str, console: bool = True) -> list[str]:
        """`console=False`: with Windows' Python for programs without one."""
        python = self.python if console else _without_console(self.python)
        target = [str(self.script)] if self.script else ["-m", "companion"]
        return [str(python), "-X", "utf8", *target, *arguments]


def _script() -> Path | None:
    script = Path(companion.__file__).resolve().parents[1] / "run.py"
    return script if script.is_file() else None


def _with_console(python: Path) -> Path:
    """Beside pythonw.exe."""
    other = python.with_name("python.exe")
    return other if python.name.casefold() == "pythonw.exe" and other.exists() else python


def _without_console(python: Path) -> Path:
    other = python.with_name("pythonw.exe")
    return other if python.name.casefold() == "python.exe" and other.exists() else python


def start_detached(
    command: list[str],
    output: Path | None = None,
    *,
    told: bool = False,
    variables: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """A process that outlives this one and its terminal. `output` is written anew, for this user
    alone. `told`: its standard input ends with this process, or when that stream is closed here.
    `variables` are added to this process's own. Raises OSError."""
    quiet: dict[str, Any] = {
        "stdin": subprocess.PIPE if told else subprocess.DEVNULL,
        "stderr": subprocess.STDOUT,
        "env": {**os.environ, **(variables or {})},
    }
    if output is None:
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, **quiet, **detached())  # noqa: S603 - made by us
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        return subprocess.Popen(command, stdout=file, **quiet, **detached())  # noqa: S603 - the same


def until_told(then: Callable[[], object]) -> None:
    """Blocking, for a thread: calls `then` once the process that started this one has ended, or has
    closed its end of our standard input."""
    with suppress(OSError, ValueError, AttributeError):  # AttributeError: there is none
        while os.read(sys.stdin.fileno(), 4096):
            pass
        then()


def detached(platform: str = sys.platform) -> dict[str, Any]:
    """Arguments for Popen. On Windows the program gets a console that is never shown, and with it
    whatever it starts: without one each reader of an import would open a black window."""
    if platform == "win32":
        no_window, own_group = 0x08000000, 0x00000200
        return {"creationflags": no_window | own_group}
    return {"start_new_session": True}
