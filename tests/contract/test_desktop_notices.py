"""Notices on the desktop: one suite for every system. On Linux a real session bus carries them to a
service that records; osascript and PowerShell are stand-ins that read what they are given."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from companion.desktop.notices import FreedesktopNotices, OsascriptNotices, ToastNotices
from companion.desktop.session_bus import DBusSession
from companion.domain.errors import NoticeNotSent
from companion.services.notices.ways import DesktopNotices
from tests.fakes.session_bus import recording_service, session_bus

COMPLETE = "COMPANION_TEST_COMPLETE" in os.environ
needs_a_bus = pytest.mark.skipif(
    sys.platform != "linux" or not (COMPLETE or shutil.which("dbus-daemon")),
    reason="needs Linux with dbus-daemon",
)
ODD = 'Dr O\'Hara & Söhne <b>"100%"</b> `x` $HOME $(id); 李 — ‘it’\n-e second line'
Shown = Callable[[], list[tuple[str, str]]]


class FakeOsascript:
    """Runs the one script that shows a notice, with its arguments."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, str]] = []
        self.fails = ""

    def __call__(self, command: Sequence[str], given: str) -> tuple[int, str]:
        assert command[0] == "/usr/bin/osascript"
        words, script = list(command[1:]), []
        while words and words[0].startswith("-"):
            assert words[0] == "-e", "no other option"
            script.append(words[1])
            words = words[2:]
        assert script == [
            "on run argv",
            "display notification (item 2 of argv) with title (item 1 of argv)",
            "end run",
        ]
        if self.fails:
            return 1, self.fails
        self.shown.append((words[0], words[1]))
        return 0, ""


@dataclass
class FakeToasts:
    """PowerShell that reads the script's input, and the registry of the user."""

    shown: list[tuple[str, str]] = field(default_factory=list)
    fails: str = ""
    values: dict[tuple[str, str], str] = field(default_factory=dict)

    def __call__(self, command: Sequence[str], given: str) -> tuple[int, str]:
        assert command[0] == "powershell.exe"
        script = base64.b64decode(command[-1]).decode("utf-16-le")
        assert "ConvertFrom-Json" in script
        assert not re.search(r"O'Hara|second line", script), "the text is no part of the script"
        assert given.isascii(), "whatever the console's code page is"
        if self.fails:
            return 1, self.fails
        notice = json.loads(given)
        self.shown.append((notice["title"], notice["text"]))
        return 0, ""

    def read(self, key: str, name: str) -> str | bytes | None:
        return self.values.get((key, name))

    def write(self, key: str, name: str, value: str) -> None:
        assert key == r"Software\Classes\AppUserModelId\CalendarCompanion"
        self.values[key, name] = value

    def delete(self, key: str, name: str) -> None:
        self.values.pop((key, name), None)


@pytest.fixture(params=[pytest.param("Linux", marks=needs_a_bus), "macOS", "Windows"])
def desktop(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[DesktopNotices, Shown]]:
    if request.param == "Linux":
        with session_bus(tmp_path) as address, recording_service(address) as recorder:
            bus = DBusSession({"DBUS_SESSION_BUS_ADDRESS": address})
            shows: DesktopNotices = FreedesktopNotices(bus, tmp_path / "icon.svg")
            yield shows, lambda: [each[1:] for each in recorder.shown]
    elif request.param == "macOS":
        osascript = FakeOsascript()
        yield OsascriptNotices(osascript), lambda: osascript.shown
    else:
        toasts = FakeToasts()
        yield ToastNotices(toasts, tmp_path / "icon.ico", toasts), lambda: toasts.shown


@pytest.mark.parametrize("text", ["Plain.", ODD])
def test_a_text_is_shown_as_it_is(desktop: tuple[DesktopNotices, Shown], text: str) -> None:
    shows, shown = desktop
    for _ in range(2):
        shows.show("Calendar Companion", text)
    assert shown() == [("Calendar Companion", text)] * 2


@needs_a_bus
def test_a_desktop_that_reads_markup_gets_it_escaped(tmp_path: Path) -> None:
    with (
        session_bus(tmp_path) as address,
        recording_service(address, "body", "body-markup") as recorder,
    ):
        bus = DBusSession({"DBUS_SESSION_BUS_ADDRESS": address})
        FreedesktopNotices(bus, tmp_path).show("Title & more", "Lee & <b>Co</b>")
    program, title, text = recorder.shown[0]
    assert (program, title) == ("Calendar Companion", "Title & more")
    assert text == "Lee &amp; &lt;b&gt;Co&lt;/b&gt;"


@needs_a_bus
def test_a_bus_where_nobody_shows_notices_is_a_sentence(tmp_path: Path) -> None:
    with session_bus(tmp_path) as address:
        bus = DBusSession({"XDG_RUNTIME_DIR": str(tmp_path)})
        assert address.startswith(f"unix:path={tmp_path}/bus")
        with pytest.raises(NoticeNotSent, match="shows no notices"):
            FreedesktopNotices(bus, tmp_path).show("a", "b")


@pytest.mark.parametrize(
    "variables",
    [{}, {"XDG_RUNTIME_DIR": "/nowhere"}, {"DBUS_SESSION_BUS_ADDRESS": "nonsense"},
     {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere/bus"}],
)  # fmt: skip
@pytest.mark.skipif(sys.platform != "linux", reason="the session bus of Linux")
def test_no_bus_is_a_sentence(variables: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(NoticeNotSent, match="This desktop shows no notices"):
        FreedesktopNotices(DBusSession(variables), tmp_path).show("a", "b")


def test_a_refusal_is_a_sentence_with_the_systems_words(tmp_path: Path) -> None:
    osascript, toasts = FakeOsascript(), FakeToasts()
    osascript.fails, toasts.fails = "execution error: no", "\r\nAccess is denied\r\n"
    with pytest.raises(NoticeNotSent, match="macOS said: execution error: no"):
        OsascriptNotices(osascript).show("a", "b")
    with pytest.raises(NoticeNotSent, match="Windows said: Access is denied"):
        ToastNotices(toasts, tmp_path, toasts).show("a", "b")


def test_a_toast_bears_the_programs_name_and_icon(tmp_path: Path) -> None:
    toasts = FakeToasts()
    ToastNotices(toasts, tmp_path / "icon.ico", toasts).show("a", "b")
    assert {name: value for (_, name), value in toasts.values.items()} == {
        "DisplayName": "Calendar Companion",
        "IconUri": str(tmp_path / "icon.ico"),
    }
