"""The activity list: when, what, for whom. It never holds a client's name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from markupsafe import Markup
from nicegui import ui

from companion.services.ports import Activity
from companion.web.ui import formatting
from companion.web.ui.static_html import StaticHtml, icon, tag
from companion.web.ui.theme import box, text

_ICONS = {
    "insert": "add_circle_outline",
    "update": "edit",
    "delete": "remove_circle_outline",
    "import": "upload_file",
    "connect": "link",
    "disconnect": "link_off",
    "held": "pan_tool",
    "error": "error_outline",
    "notice": "schedule",
    "left behind": "report_problem",
    "check": "rule",
    "audit": "verified_user",
    "feed": "smartphone",
}
_CAUSES = {
    "worker": "By itself",
    "folder": "Watched folder",
    "upload": "Upload",
    "import": "Import",
    "audit": "Check",
    "sync": "Command",
    "demo": "Demo",
    "connecting": "",
    "feeds": "",
}


def activity_list(
    lines: Sequence[Activity], names: Mapping[str, str], now: datetime, timezone: str
) -> None:
    """`names`: practitioner id → name; lines newest first."""
    if not lines:
        with box("empty"):
            ui.icon("history").props("aria-hidden=true")
            text("Nothing has happened yet.", "strong")
            text("Imports, uploads and repairs will be listed here.")
        return
    StaticHtml(
        Markup("").join(_line(each, names, now, timezone) for each in lines), "activity", tag="ul"
    )


def _line(line: Activity, names: Mapping[str, str], now: datetime, timezone: str) -> Markup:
    return tag(
        "li",
        icon(_ICONS.get(line.kind, "chevron_right")),
        tag(
            "div",
            tag("p", line.text or _plain(line)),
            tag("p", _origin(line, names), class_="soft small"),
        ),
        tag(
            "time",
            formatting.short(line.at, timezone, now),
            datetime=formatting.utc(line.at),
            title=formatting.exact(line.at, timezone),
        ),
    )


def _plain(line: Activity) -> str:
    verb = {"insert": "added to Google", "update": "changed", "delete": "removed from Google"}
    return f"{formatting.counted(line.count, 'event')} {verb.get(line.kind, line.kind)}"


def _origin(line: Activity, names: Mapping[str, str]) -> str:
    who = names.get(line.practitioner_id, "") if line.practitioner_id else "Practice"
    cause = _CAUSES.get(line.cause, line.cause)
    return " · ".join(part for part in (who, cause) if part)
