"""The command line that starts the program again, on each platform."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from companion.assets import typed
from companion.desktop.program import Program, detached, start_detached


def a_windows_python(folder: Path) -> Path:
    for name in ("python.exe", "pythonw.exe"):
        (folder / name).touch()
    return folder / "python.exe"


def test_a_checkout_is_started_by_run_py() -> None:
    program = Program.of_process()
    assert program.folder == Path(__file__).resolve().parents[2]
    assert program.command("start", "--quiet")[-3:] == [str(program.script), "start", "--quiet"]


def test_an_installed_package_is_started_as_a_module(tmp_path: Path) -> None:
    program = Program(python=tmp_path / "python", script=None)
    assert program.command("start") == [
        *(str(tmp_path / "python"), "-X", "utf8"),
        *("-m", "companion", "start"),
    ]


def test_no_console_means_windows_other_python(tmp_path: Path) -> None:
    program = Program(python=a_windows_python(tmp_path), script=None)
    assert program.command("start", console=False)[0] == str(tmp_path / "pythonw.exe")
    assert program.command("start")[0] == str(tmp_path / "python.exe")


def test_elsewhere_there_is_one_python(tmp_path: Path) -> None:
    program = Program(python=tmp_path / "python3.11", script=None)
    assert program.command("start", console=False)[0] == str(tmp_path / "python3.11")


def test_windows_gives_it_a_console_that_nobody_sees() -> None:
    assert detached("win32") == {"creationflags": 0x08000200}
    assert detached("linux") == detached("darwin") == {"start_new_session": True}


@pytest.mark.skipif(sys.platform == "win32", reason="reads process groups")
def test_what_is_started_has_a_session_of_its_own_and_its_output_in_a_private_file(
    tmp_path: Path,
) -> None:
    output = tmp_path / "said.log"
    code = "import os; print(os.getsid(0) == os.getpid(), os.isatty(0))"
    process = start_detached([sys.executable, "-c", code], output)
    assert process.wait(30) == 0
    assert output.read_text("utf-8").split() == ["True", "False"]
    assert output.stat().st_mode & 0o077 == 0


def test_a_command_that_does_not_exist_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        start_detached([str(tmp_path / "nowhere")])


def test_the_program_answers_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "companion", "--version"],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("Calendar Companion ")


def test_commands_are_named_as_they_are_typed() -> None:
    for words, there in (
        ("Run the doctor: python run.py doctor", "Run the doctor: companion doctor"),
        ("run.py restore FILE", "companion restore FILE"),
        ("Wait a moment.", "Wait a moment."),
    ):
        assert typed(words, installed=True) == there
        assert typed(words, installed=False) == words
