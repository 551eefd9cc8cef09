"""The files to double-click in the program's folder."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAME = "Start Calendar Companion"
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="a shell script")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy whose program writes down how it was started."""
    made = tmp_path / "Dr O'Hara & co"
    made.mkdir()
    for kind in ("command", "desktop"):
        shutil.copy(ROOT / f"{NAME}.{kind}", made)
    (made / "run.py").write_text(
        "import sys; print('started', *sys.argv[1:]); sys.exit('failing' in sys.argv)", "utf-8"
    )
    return made


def run(
    folder: Path, *arguments: str, pythons: dict[str, str], shell: bool = True
) -> subprocess.CompletedProcess[str]:
    """`pythons`: what each Python on the PATH is, as a shell command."""
    tools = folder.parent / "tools"
    tools.mkdir()
    for name in ("dirname", "uname", "sh"):
        (tools / name).symlink_to(str(shutil.which(name)))
    for name, command in pythons.items():
        (tools / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n', "utf-8")
        (tools / name).chmod(0o755)
    return subprocess.run(
        ["/bin/sh", str(folder / f"{NAME}.command"), *arguments] if shell else list(arguments),
        env={"PATH": str(tools), "HOME": str(folder)},
        cwd="/",
        input="\n",
        capture_output=True,
        text=True,
        check=False,
    )


GOOD, OLD = shlex.quote(sys.executable), "/bin/false"


@POSIX
@pytest.mark.parametrize(
    "pythons",
    [{"python3": GOOD}, {"python3": OLD, "python3.12": GOOD}, {"python3": OLD, "python": GOOD}],
)
def test_it_finds_a_python_that_is_new_enough(folder: Path, pythons: dict[str, str]) -> None:
    done = run(folder, pythons=pythons)
    assert (done.returncode, done.stdout) == (0, "started start\n")


@POSIX
@pytest.mark.skipif(
    any(Path(each).exists() for each in ("/usr/local/bin/python3", "/opt/homebrew/bin/python3")),
    reason="this computer has a Python where the starter looks by itself",
)
def test_without_one_it_says_what_is_missing_and_waits(folder: Path) -> None:
    done = run(folder, pythons={"python3": OLD})
    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stdout
    assert "Press Enter" in done.stdout


@POSIX
def test_when_the_start_fails_the_window_stays(folder: Path) -> None:
    done = run(folder, "failing", pythons={"python3": GOOD})
    assert done.returncode == 1
    assert "needs Python" not in done.stdout
    assert "Press Enter" in done.stdout


@POSIX
def test_the_desktop_file_runs_the_script_beside_it(folder: Path) -> None:
    text = (folder / f"{NAME}.desktop").read_text("utf-8")
    line = re.search(r"(?m)^Exec=(.*)$", text)
    assert line
    unescaped = line[1].replace("\\\\", "\\")  # the file's own escapes, then those in quotes
    words = [each.replace("\\$", "$") for each in shlex.split(unescaped)]
    assert words[-1] == "%k"
    words[-1] = str(folder / f"{NAME}.desktop")
    done = run(folder, "/bin/sh", *words[1:], pythons={"python3": GOOD}, shell=False)
    assert (done.returncode, done.stdout) == (0, "started start\n"), done.stderr


@POSIX
@pytest.mark.parametrize("kind", ["command", "desktop"])
def test_it_may_be_run_and_says_no_word_of_this_computer(kind: str) -> None:
    path = ROOT / f"{NAME}.{kind}"
    assert os.access(path, os.X_OK)
    assert str(ROOT) not in path.read_text("utf-8")


def test_the_windows_starter_is_one_that_windows_can_read() -> None:
    """Not run here: its line ends, its labels, and what it asks winget for."""
    raw = (ROOT / f"{NAME}.cmd").read_bytes()
    assert raw.count(b"\n") == raw.count(b"\r\n") > 30
    text = raw.decode("ascii").replace("\r\n", "\n")
    labels = set(re.findall(r"(?m)^:(\w+)$", text))
    wanted = set(re.findall(r"(?:goto |call :)(\w+)", text))
    assert wanted == labels, "every label is there, and used or fallen into"
    assert "winget install --exact --id Python.Python.3" in text
    assert "%PYTHON% run.py start %*" in text
    assert text.index('cd /d "%~dp0"') < text.index("run.py")
