"""A notice on the desktop of whoever is signed in at this computer. The texts reach the system as
arguments, never as part of a script.

Linux: `org.freedesktop.Notifications` on the session bus. macOS: osascript, which shows the notice
as the Script Editor's. Windows: a toast through PowerShell, under a name and icon of our own that
are noted in the user's registry.
"""

from __future__ import annotations

import html
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from companion.desktop.entries import NAME, run_quietly
from companion.desktop.session_bus import DBusSession
from companion.desktop.windows import Registry, powershell
from companion.domain.errors import NoticeNotSent
from companion.services.notices.ways import DesktopNotices

RunWithInput = Callable[[Sequence[str], str], tuple[int, str]]
"""As `entries.Run`, with what the program reads."""
_ELSEWHERE = "Sign in to this computer's desktop; e-mail works without one."


class SessionBus(Protocol):
    """The desktop's notification service; each raises OSError where there is none."""

    def capabilities(self) -> Sequence[str]: ...

    def notify(self, icon: str, title: str, text: str) -> int:
        """The notice's number."""
        ...


class FreedesktopNotices:
    """Implements `DesktopNotices`."""

    def __init__(self, bus: SessionBus, icon: Path) -> None:
        self._bus = bus
        self._icon = icon

    def show(self, title: str, text: str) -> None:
        try:
            marked_up = "body-markup" in self._bus.capabilities()
            body = html.escape(text, quote=False) if marked_up else text
            self._bus.notify(str(self._icon), title, body)
        except OSError as error:
            raise NoticeNotSent(
                "This desktop shows no notices.", _ELSEWHERE, detail=type(error).__name__
            ) from None


class OsascriptNotices:
    """Implements `DesktopNotices`."""

    _SCRIPT = (
        "on run argv",
        "display notification (item 2 of argv) with title (item 1 of argv)",
        "end run",
    )

    def __init__(self, run: RunWithInput) -> None:
        self._run = run

    def show(self, title: str, text: str) -> None:
        lines = [part for line in self._SCRIPT for part in ("-e", line)]
        # osascript reads options until the first word that is none: the title never begins so.
        words = (title.lstrip("-") or NAME, text)
        _ask(self._run, ["/usr/bin/osascript", *lines, *words], "", "macOS")


class ToastNotices:
    """Implements `DesktopNotices`."""

    APP = "CalendarCompanion"
    KEY = rf"Software\Classes\AppUserModelId\{APP}"
    _SCRIPT = (
        "$notice = [Console]::In.ReadToEnd() | ConvertFrom-Json; "
        "$toasts = [Windows.UI.Notifications.ToastNotificationManager, "
        "Windows.UI.Notifications, ContentType = WindowsRuntime]; "
        "$kind = [Windows.UI.Notifications.ToastTemplateType]::ToastText02; "
        "$xml = [xml]$toasts::GetTemplateContent($kind).GetXml(); "
        "$lines = $xml.toast.visual.binding.text; "
        "[void]$lines[0].AppendChild($xml.CreateTextNode($notice.title)); "
        "[void]$lines[1].AppendChild($xml.CreateTextNode($notice.text)); "
        "[void][Windows.Data.Xml.Dom.XmlDocument, Windows.Data.Xml.Dom.XmlDocument, "
        "ContentType = WindowsRuntime]; "
        "$shown = New-Object Windows.Data.Xml.Dom.XmlDocument; $shown.LoadXml($xml.OuterXml); "
        f"$toasts::CreateToastNotifier('{APP}').Show("
        "(New-Object Windows.UI.Notifications.ToastNotification $shown))"
    )

    def __init__(self, registry: Registry, icon: Path, run: RunWithInput) -> None:
        self._registry = registry
        self._icon = icon
        self._run = run

    def show(self, title: str, text: str) -> None:
        with suppress(OSError):  # then it bears PowerShell's name
            self._registry.write(self.KEY, "DisplayName", NAME)
            self._registry.write(self.KEY, "IconUri", str(self._icon))
        # ASCII alone: whatever code page the console has, it is read as it was meant.
        given = json.dumps({"title": title, "text": text})
        _ask(self._run, powershell(self._SCRIPT), given, "Windows")


def _ask(run: RunWithInput, command: Sequence[str], given: str, system: str) -> None:
    try:
        code, said = run(command, given)
    except OSError as error:
        raise NoticeNotSent(
            f"{system} shows no notices.", _ELSEWHERE, detail=type(error).__name__
        ) from None
    if code:
        line = next((each.strip() for each in said.splitlines() if each.strip()), "")[:200]
        raise NoticeNotSent(
            f"{system} did not show the notice.", f"{system} said: {line}" if line else _ELSEWHERE
        )


def notices_of_this_desktop(pictures: Path) -> DesktopNotices:
    """`pictures`: where the icons lie."""
    if sys.platform == "win32":
        from companion.desktop.windows import WindowsRegistry

        shown: DesktopNotices = ToastNotices(WindowsRegistry(), pictures / "icon.ico", run_quietly)
    elif sys.platform == "darwin":
        shown = OsascriptNotices(run_quietly)
    else:
        shown = FreedesktopNotices(DBusSession(os.environ), pictures / "icon.svg")
    return shown
