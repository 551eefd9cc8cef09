"""The environment `.venv` beside run.py: is it current, and how to make it so.

It is current when its stamp (a digest of pyproject.toml and the locks, and the extras installed) is
the present one. Safe to interrupt: the stamp is written last, and a mark inside `.venv` shows that
an installation was interrupted; such an environment is made anew.

What is installed is what the locks name, byte for byte: they hold the hashes of all packages. Only
ready-made packages are taken, since making one would run code and fetch tools that no lock names.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from companion.launcher.lock import setup_lock
from companion.launcher.pip import InstallProgress, PipWatch
from companion.launcher.setup_errors import SetupError

PROGRAM_LOCK, TEST_LOCK = "requirements.txt", "requirements-test.txt"
"""The second has what the first has, and the tests' own."""
REQUIRED_BYTES = 600_000_000
"""Bytes that must be free before anything is made; the test extra takes about two thirds."""


class VirtualEnvironment:
    """`.venv` beside the program."""

    def __init__(self, root: Path, required: int = REQUIRED_BYTES) -> None:
        self.root = root
        self.required = required
        self.folder = root / ".venv"
        self.stamp = self.folder / "companion-stamp.json"
        self.unfinished = self.folder / "companion-unfinished"
        binaries = "Scripts/python.exe" if os.name == "nt" else "bin/python"
        self.python = self.folder / binaries

    def active(self) -> bool:
        """Whether this very process runs in it."""
        return Path(sys.prefix).resolve() == self.folder.resolve()

    def digest(self) -> str:
        """Changes when what has to be installed may have changed."""
        files = ("pyproject.toml", PROGRAM_LOCK, TEST_LOCK)
        content = b"\0".join((self.root / file).read_bytes() for file in files)
        return hashlib.sha256(content).hexdigest()

    def stamped(self) -> dict[str, object]:
        """What the last finished installation wrote; nothing if there was none."""
        try:
            found = json.loads(self.stamp.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def installed_extras(self) -> set[str]:
        """The extras of the last finished installation, of whatever version."""
        extras = self.stamped().get("extras")
        return set(extras) if isinstance(extras, list) else set()

    def current(self, extras: set[str]) -> bool:
        """Whether it can be used as it is; costs no more than four small reads."""
        return (
            self.python.exists()
            and self._base_is_there()
            and self.stamped().get("digest") == self.digest()
            and extras <= self.installed_extras()
        )

    def _base_is_there(self) -> bool:
        """Whether the Python that it was made of has not been removed: on Windows `python.exe` of
        an environment only starts that one."""
        with contextlib.suppress(OSError):
            for line in (self.folder / "pyvenv.cfg").read_text("utf-8").splitlines():
                name, _, value = line.partition("=")
                if name.strip() == "home":
                    return Path(value.strip()).is_dir()
        return False

    def requirements(self, extras: set[str]) -> list[str]:
        """The lines of pyproject.toml."""
        import tomllib  # not needed by a start that finds all in place

        project = tomllib.loads((self.root / "pyproject.toml").read_text("utf-8"))["project"]
        lines: list[str] = list(project["dependencies"])
        for extra in sorted(extras):
            lines += project["optional-dependencies"][extra]
        return lines

    def prepare(self, extras: set[str], progress: InstallProgress) -> None:
        """Make it current. Raises SetupError."""
        try:
            with setup_lock(self.root, progress) as lock:
                if self.current(extras):  # another start did it while we waited
                    return
                extras = extras | self.installed_extras()
                self._make(progress)
                self._install(extras, progress, lock)
                stamp = {"digest": self.digest(), "extras": sorted(extras), "verified": True}
                draft = self.stamp.with_suffix(".new")
                draft.write_text(json.dumps(stamp), "utf-8")
                draft.replace(self.stamp)
        except OSError as err:
            raise SetupError.explaining(str(err), self.root) from err

    def _make(self, progress: InstallProgress) -> None:
        if shutil.disk_usage(self.root).free < self.required:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if self._usable():
            return
        progress.step("Setting up Calendar Companion (once, about a minute) …")
        arguments = ["-m", "venv", "--clear", str(self.folder)]
        if not answers(base_python(), "import ensurepip"):  # Debian without python3-venv
            arguments.insert(2, "--without-pip")
        made = subprocess.run(
            [base_python(), *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if made.returncode:
            self._log(made.stdout + made.stderr)
            raise SetupError.explaining(made.stdout + made.stderr, self.root)

    def _usable(self) -> bool:
        return (
            self.python.exists()
            and not self.unfinished.exists()
            and bool(self.stamped().get("verified", not self.stamped()))  # else of old, unverified
            and answers(str(self.python), "import tomllib")  # Python 3.11, and it works
        )

    def _pip(self) -> list[str]:
        if answers(str(self.python), "import pip"):
            return [str(self.python), "-m", "pip"]
        if answers(base_python(), "import pip"):
            return [base_python(), "-m", "pip", "--python", str(self.python)]
        raise SetupError(
            "This Python has no pip, which installs packages.",
            "On Debian or Ubuntu: sudo apt install python3-venv. Elsewhere: install Python from "
            "https://www.python.org/downloads/. Then start again.",
        )

    def _install(self, extras: set[str], progress: InstallProgress, lock: int) -> None:
        command = [*self._pip(), "install", "--no-input", "--disable-pip-version-check"]
        command += ["--progress-bar", "off", "--require-hashes", "--only-binary", ":all:"]
        command += ["-r", str(self.root / (TEST_LOCK if extras else PROGRAM_LOCK))]
        began = time.monotonic()
        progress.step("Fetching and installing the packages …")
        watch = PipWatch(progress, self._count, self.unfinished)
        code = watch.follow(command, lock)
        output = "".join(watch.lines)
        self._log(output)
        if code:
            raise SetupError.explaining(output, self.root)
        self.unfinished.unlink(missing_ok=True)
        progress.step(f"Ready: {self._count()} packages, {time.monotonic() - began:.0f} s.")

    def _count(self) -> int:
        where = "Lib" if os.name == "nt" else "lib/python*"
        return sum(1 for _ in self.folder.glob(f"{where}/site-packages/*.dist-info"))

    def _log(self, text: str) -> None:
        with contextlib.suppress(OSError):  # on a full disk the error matters, not the log
            (self.root / ".venv-setup.log").write_text(text, "utf-8")


def base_python() -> str:
    """The Python that environments are made of, also from inside one."""
    return getattr(sys, "_base_executable", None) or sys.executable


def answers(python: str, code: str) -> bool:
    """Whether that Python runs this code without an error."""
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0
