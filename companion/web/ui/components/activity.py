"""The activity list: when, what, for whom. It never holds a client's name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from markupsafe import Markup
from nicegui import ui

from companion.services.acting import BY
from companion.services.ports import Activity, ActivityKind
from companion.web.ui import formatting
from companion.web.ui.static_html import StaticHtml, icon, tag
from companion.web.ui.theme import box, text

_ICONS = {
    ActivityKind.INSERT: "add_circle_outline",
    ActivityKind.UPDATE: "edit",
    ActivityKind.DELETE: "remove_circle_outline",
    ActivityKind.IMPORT: "upload_file",
    ActivityKind.CONNECT: "link",
    ActivityKind.DISCONNECT: "link_off",
    ActivityKind.HELD: "pan_tool",
    ActivityKind.ERROR: "error_outline",
    ActivityKind.REFUSED: "error_outline",
    ActivityKind.NOTICE: "schedule",
    ActivityKind.LEFT_BEHIND: "report_problem",
    ActivityKind.CHECK: "rule",
    ActivityKind.FEED_ADDED: "smartphone",
    ActivityKind.FEED_REVOKED: "smartphone",
    ActivityKind.USERS: "badge",
    ActivityKind.PRACTITIONERS: "people",
    ActivityKind.SETTINGS: "tune",
    ActivityKind.BACKUP: "archive",
    ActivityKind.RESTORE: "archive",
    ActivityKind.TOLD: "campaign",
}
FIRST = 12
"""Lines that are seen at once."""
_VERBS = {
    ActivityKind.INSERT: "added to Google",
    ActivityKind.UPDATE: "changed",
    ActivityKind.DELETE: "removed from Google",
}
_CAUSES = {
    "worker": "By itself",
    "folder": "Watched folder",
    "link": "Fetched by itself",
    "upload": "Upload",
    "import": "Import",
    "audit": "Check",
    "sync": "Command",
    "demo": "Demo",
    "connecting": "",
    "feeds": "",
    "notices": "",
    "accounts": "",
    "backup": "",
    "practitioners": "",
    "practice": "",
    "settings": "",
    "look": "By itself",
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
    shown = [_line(each, names, now, timezone) for each in lines]
    StaticHtml(Markup("").join(shown[:FIRST]), "activity", tag="ul")
    if shown[FIRST:]:
        with box("fold", tag="details"):
            with box("fold__head", tag="summary"):
                text("Earlier", "soft", tag="span")
            StaticHtml(Markup("").join(shown[FIRST:]), "activity", tag="ul")


def _line(line: Activity, names: Mapping[str, str], now: datetime, timezone: str) -> Markup:
    return tag(
        "li",
        icon(_ICONS.get(line.kind, "chevron_right")),
        tag(
            "div",
            tag("p", line.text or _plain(line)),
            tag("p", _origin(line, names), class_="soft small"),
            class_="activity__words",
        ),
        tag(
            "time",
            formatting.short(line.at, timezone, now),
            datetime=formatting.utc(line.at),
            title=formatting.exact(line.at, timezone),
        ),
    )


def _plain(line: Activity) -> str:
    return f"{formatting.counted(line.count, 'event')} {_VERBS.get(line.kind, line.kind)}"


def _origin(line: Activity, names: Mapping[str, str]) -> str:
    who = names.get(line.practitioner_id, "") if line.practitioner_id else "Practice"
    what, _, person = line.cause.partition(BY)
    cause = _CAUSES.get(what, what)
    by = f"{cause} by {person}" if cause and person else cause or person
    return " · ".join(part for part in (who, by) if part)
