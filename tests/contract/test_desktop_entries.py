"""Start at sign-in and the entry in the menu: one suite for every system, each over its own files.

On Linux the files are what a desktop reads; the registry, PowerShell and launchctl are stand-ins.
"""

from __future__ import annotations

import plistlib
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from companion.desktop import linux, macos, windows
from companion.desktop.entries import run_quietly
from companion.domain.errors import CompanionError
from companion.services.this_computer import Entry, ThisComputer
from tests.fakes.desktop import FakeDesktop
from tests.fakes.systems import FakeLaunchctl, FakePowerShell, FakeRegistry

ODD = "Dr O'Hara & Söhne (100%) $HOME `x`"
"""A folder's name, as people and other programs make them."""


@dataclass(frozen=True)
class System:
    entry: Callable[[list[str]], Entry]
    """For this command."""
    file: str = ""
    """That is the entry, below the folder; empty where it is none."""
    switch_off: Callable[[], None] | None = None
    """As a person does in the system's own list."""


def a_system(kind: str, folder: Path) -> System:
    variables = {"XDG_CONFIG_HOME": str(folder / "config"), "XDG_DATA_HOME": str(folder / "data")}
    icon = folder / "icon"
    icon.write_bytes(b"a picture")
    registry, shell, launchctl = FakeRegistry(), FakePowerShell(), FakeLaunchctl()

    def hide() -> None:
        path = folder / "config" / "autostart" / "calendar-companion.desktop"
        path.write_text(path.read_text("utf-8") + "Hidden=true\n", "utf-8")

    def in_task_manager() -> None:
        registry.values[windows.APPROVED_KEY, "Calendar Companion"] = bytes([3, *[0] * 11])

    def in_login_items() -> None:
        launchctl.disabled["calendar-companion"] = "disabled"

    systems = {
        "Linux autostart": System(
            lambda c: linux.autostart(c, icon, variables),
            "config/autostart/calendar-companion.desktop",
            hide,
        ),
        "Linux menu": System(
            lambda c: linux.menu(c, icon, variables), "data/applications/calendar-companion.desktop"
        ),
        "Windows autostart": System(
            lambda c: windows.RunKey(registry, c), switch_off=in_task_manager
        ),
        "Windows menu": System(lambda c: windows.StartMenuShortcut(folder, c, icon, shell)),
        "macOS autostart": System(
            lambda c: macos.LaunchAgent(folder, c, folder / "log", launchctl),
            "Library/LaunchAgents/calendar-companion.plist",
            in_login_items,
        ),
        "macOS menu": System(
            lambda c: macos.ApplicationBundle(folder, c, icon),
            "Applications/Calendar Companion.app/Contents/MacOS/companion",
        ),
    }
    return systems[kind]


KINDS = [
    f"{system} {kind}" for system in ("Linux", "Windows", "macOS") for kind in ("autostart", "menu")
]


@pytest.fixture(params=KINDS)
def system(request: pytest.FixtureRequest, tmp_path: Path) -> System:
    return a_system(request.param, tmp_path)


def a_copy(folder: Path, name: str = "programs") -> list[str]:
    """The command of a copy of the program that lies there."""
    script = folder / name / "run.py"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.touch()
    return [sys.executable, "-X", "utf8", str(script), "start", "--quiet"]


def test_it_is_added_and_removed(system: System, tmp_path: Path) -> None:
    entry = system.entry(a_copy(tmp_path))
    assert not entry.state().there
    for _ in range(2):
        entry.add()
        assert entry.state().works, entry.state()
    for _ in range(2):
        entry.remove()
        assert not entry.state().there
        assert entry.state().place


def test_a_folder_may_be_called_anything(system: System, tmp_path: Path) -> None:
    entry = system.entry(a_copy(tmp_path, ODD))
    entry.add()
    assert entry.state().works, entry.state()


def test_a_program_that_was_moved_is_noticed_and_taken_up_again(
    system: System, tmp_path: Path
) -> None:
    system.entry(a_copy(tmp_path, "old place")).add()
    (tmp_path / "old place").rename(tmp_path / "new place")
    entry = system.entry(a_copy(tmp_path, "new place"))
    state = entry.state()
    assert (state.there, state.works, state.fault) == (True, False, "moved")
    assert "old place" in state.what
    entry.add()
    assert entry.state().works


def test_another_copy_that_is_there_is_not_taken_for_this_one(
    system: System, tmp_path: Path
) -> None:
    other, this = a_copy(tmp_path, "other"), a_copy(tmp_path, "this")
    system.entry(other).add()
    assert system.entry(this).state().fault == "other copy"
    assert system.entry(other).state().works


def test_what_a_person_switched_off_in_the_system_is_said(system: System, tmp_path: Path) -> None:
    entry = system.entry(a_copy(tmp_path))
    entry.add()
    if system.switch_off is None:
        return
    system.switch_off()
    state = entry.state()
    assert (state.works, state.fault) == (False, "switched off")
    assert "switched off" in state.what


# ── what each system reads ────────────────────────────────────────────────────────────────────


def as_the_specification_says(line: str) -> list[str]:
    """The words of an Exec line: a second reading of the Desktop Entry Specification."""
    escapes = {"s": " ", "n": "\n", "t": "\t", "r": "\r", "\\": "\\"}
    text = re.sub(r"\\(.)", lambda found: escapes[found[1]], line)
    words = []
    while text:
        assert text[0] == '"', "every word is quoted"
        found = re.match(r'"((?:[^"`$\\]|\\["`$\\])*)"(?: |$)', text)
        assert found, text
        word = re.sub(r"\\(.)", r"\1", found[1])
        assert not re.search(r"(?<!%)(?:%%)*%(?!%)", word), "no field code"
        words.append(word.replace("%%", "%"))
        text = text[found.end() :]
    return words


@pytest.mark.parametrize("name", [ODD, 'back\\slash and "quotes"', "two  blanks", "é"])
def test_the_exec_line_of_a_desktop_file(name: str) -> None:
    command = [f"/opt/{name}/python", "run.py", "start"]
    line = linux.exec_line(command)
    assert as_the_specification_says(line) == command
    assert linux.words_of(line) == command


@pytest.mark.parametrize(
    "words", [[ODD, "b"], ["a b", 'say "so"', "c:\\x y\\", "", "\\\\share\\f"], ["plain"]]
)
def test_a_windows_command_line_is_read_as_windows_reads_it(words: list[str]) -> None:
    assert windows.words_of(subprocess.list2cmdline(words)) == words


def test_windows_own_limit_is_said_before_it_bites(tmp_path: Path) -> None:
    entry = windows.RunKey(FakeRegistry(), ["python", "x" * 260])
    with pytest.raises(CompanionError, match="so long a name"):
        entry.add()


def test_a_refusal_of_windows_is_a_sentence(tmp_path: Path) -> None:
    registry, shell = FakeRegistry(), FakePowerShell()
    registry.refuses, shell.fails = True, "\r\nUnable to save shortcut\r\n"
    for act in (windows.RunKey(registry, ["a"]).add, windows.RunKey(registry, ["a"]).state):
        with pytest.raises(CompanionError, match="does not let this user"):
            act()
    shortcut = windows.StartMenuShortcut(tmp_path, a_copy(tmp_path), tmp_path, shell)
    with pytest.raises(CompanionError, match="did not make the shortcut") as not_made:
        shortcut.add()
    assert "Unable to save shortcut" in not_made.value.remedy
    shell.fails = ""
    shortcut.add()
    shell.fails = "Access is denied"
    with pytest.raises(CompanionError, match="does not say what the shortcut starts"):
        shortcut.state()


def test_no_powershell_is_a_sentence(tmp_path: Path) -> None:
    entry = windows.StartMenuShortcut(tmp_path, ["a"], tmp_path, run_quietly)
    with pytest.raises(CompanionError):
        entry.add()


def test_the_launch_agent_keeps_the_app_in_the_foreground(tmp_path: Path) -> None:
    launchctl = FakeLaunchctl()
    command = a_copy(tmp_path)
    macos.LaunchAgent(tmp_path, command, tmp_path / "log", launchctl).add()
    path = tmp_path / "Library" / "LaunchAgents" / "calendar-companion.plist"
    agent = plistlib.loads(path.read_bytes())
    assert agent["ProgramArguments"] == command
    assert agent["KeepAlive"] == {"SuccessfulExit": False}, "stop is a successful exit"
    launchctl.there = False
    assert macos.LaunchAgent(tmp_path, command, tmp_path / "log", launchctl).state().works


DAMAGED = [b"", b"<plist>", b"#!/bin/sh\nexec", b"#!/bin/sh\nexec 'cut off", b"\0\xff", b"Exec=\n"]


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_entry_is_said_and_made_anew(
    system: System, tmp_path: Path, content: bytes
) -> None:
    entry = system.entry(a_copy(tmp_path))
    entry.add()
    if not system.file:
        return
    (tmp_path / system.file).write_bytes(content)
    state = entry.state()
    assert (state.there, state.works, state.fault) == (True, False, "damaged")
    entry.add()
    assert entry.state().works


def test_a_desktop_may_write_blanks_around_the_equals_sign(tmp_path: Path) -> None:
    system = a_system("Linux autostart", tmp_path)
    entry, path = system.entry(a_copy(tmp_path)), tmp_path / system.file
    entry.add()
    path.write_text(path.read_text("utf-8").replace("=", " = "), "utf-8")
    assert entry.state().works
    path.write_text(path.read_text("utf-8") + "Hidden = true\n", "utf-8")
    assert entry.state().fault == "switched off"


@pytest.mark.skipif(sys.platform == "win32", reason="runs a shell script")
def test_the_application_of_macos_runs_the_command(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; print(sys.argv[1])", ODD]
    icon = tmp_path / "icon"
    icon.write_bytes(b"a picture")
    macos.ApplicationBundle(tmp_path, command, icon).add()
    bundle = tmp_path / "Applications" / "Calendar Companion.app" / "Contents"
    script = bundle / "MacOS" / "companion"
    assert script.stat().st_mode & stat.S_IXUSR
    assert run_quietly([str(script)]) == (0, f"{ODD}\n")
    assert plistlib.loads((bundle / "Info.plist").read_bytes())["CFBundleExecutable"] == "companion"


# ── the service ───────────────────────────────────────────────────────────────────────────────


async def test_a_start_from_a_new_folder_takes_the_entries_along_and_overrules_nobody() -> None:
    desktop = FakeDesktop()
    station = ThisComputer(desktop)
    await station.renew()
    assert not desktop.autostart.found.there
    await station.set_autostart(True)
    for fault, renewed in (("moved", True), ("switched off", False), ("other copy", False)):
        entry = desktop.autostart
        entry.found = entry.found.__class__(there=True, place="", fault=fault, what=fault)  # type: ignore[arg-type]
        await station.renew()
        assert entry.found.works is renewed


async def test_an_entry_that_cannot_follow_does_not_keep_the_app_from_starting() -> None:
    desktop = FakeDesktop()
    desktop.menu.found = desktop.menu.found.__class__(there=True, place="", fault="moved")
    desktop.menu.trouble = CompanionError("No.", "Ask.")
    await ThisComputer(desktop).renew()
    with pytest.raises(CompanionError):
        await ThisComputer(desktop).set_menu(True)
