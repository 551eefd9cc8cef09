"""Formats what the phone pages show: devices and their steps, details, sizes and intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from companion.domain.disclosure import ClientName, Disclosure, DisclosureCap, DisclosureItem
from companion.services.feeds.bodies import SIZE_LIMIT
from companion.services.feeds.facts import LinkFacts, State
from companion.services.feeds.views import PRESETS
from companion.services.ports import FeedDetail
from companion.web.ui import formatting
from companion.web.ui.components.disclosure_form import CLIENT_NAMES, ITEMS
from companion.web.ui.theme import Tone

DETAILS: Mapping[FeedDetail, str] = {
    FeedDetail.FULL: "Full",
    FeedDetail.INITIALS: "Initials",
    FeedDetail.BUSY: "Busy only",
    FeedDetail.GOOGLE: "The same as in Google",
    FeedDetail.CUSTOM: "Custom",
}
_EXPLAINED: Mapping[FeedDetail, str] = {
    FeedDetail.FULL: "names, type, location, notes and status",
    FeedDetail.INITIALS: "initials, type and location",
    FeedDetail.BUSY: "only when there is something, never what",
    FeedDetail.GOOGLE: "what this practitioner chose for Google Calendar",
    FeedDetail.CUSTOM: "choose every item yourself",
}
STATES: Mapping[State, tuple[str, Tone]] = {
    "in use": ("In use", "ok"),
    "new": ("Not fetched yet", "info"),
    "unused": ("Unused", "warn"),
    "expired": ("Expired", "warn"),
    "switched off": ("Switched off", "calm"),
}
_NETWORKS = {"inside": "in this network", "outside": "from outside", "here": "by this computer"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A kind of device and how its calendar is set up, in three steps."""

    name: str
    icon: str
    steps: tuple[str, str, str]
    webcal: bool = False
    """Its link begins with ``webcal:``: Apple subscribes to those and only copies others."""
    caution: str = ""

    def link(self, url: str) -> str:
        return f"webcal:{url.partition(':')[2]}" if self.webcal else url


DEVICES: Mapping[str, Device] = {
    "apple": Device(
        name="iPhone, iPad or Mac",
        icon="phone_iphone",
        webcal=True,
        steps=(
            (
                "Point the camera at the code and tap the link that appears. On a Mac paste the "
                "link under Calendar, File, New Calendar Subscription."
            ),
            "Tap Subscribe, then Add. Leave Remove Alarms as it is.",
            (
                "For fresh appointments: Settings, Apps, Calendar, Calendar Accounts, Fetch New "
                "Data: choose Automatically or Every 15 Minutes."
            ),
        ),
    ),
    "android": Device(
        name="Android",
        icon="phone_android",
        steps=(
            "Install ICSx5 (Play Store or F-Droid), open it and tap +.",
            (
                "Scan the code with the camera, copy the link and paste it there. Tap Next and "
                "give it a name."
            ),
            "In ICSx5's menu set the sync interval, which is a day at first, to an hour or less.",
        ),
    ),
    "outlook": Device(
        name="Outlook",
        icon="mail",
        steps=(
            "Copy the link. In Outlook open Calendar, Add calendar, Subscribe from web.",
            "Paste the link, give it a name and press Import.",
            "Outlook fetches about every three hours; nothing else is needed.",
        ),
    ),
    "google": Device(
        name="Google Calendar",
        icon="event",
        caution="Slow: Google fetches a link only every 8 to 24 hours. The direct sync brings "
        "changes within seconds.",
        steps=(
            (
                "Copy the link. On a computer open Google Calendar; beside Other calendars press "
                "+, From URL."
            ),
            "Paste the link and press Add calendar.",
            "Wait: the first fetch takes minutes, each later one up to a day.",
        ),
    ),
    "thunderbird": Device(
        name="Thunderbird",
        icon="computer",
        steps=(
            "Copy the link. In Thunderbird: File, New, Calendar, On the Network.",
            "Paste the link as Location, tick Read only, and press Find Calendars, Subscribe.",
            "It fetches every 30 minutes; the calendar's Properties change that.",
        ),
    ),
    "other": Device(
        name="Another calendar app",
        icon="devices_other",
        steps=(
            "Copy the link, or scan the code.",
            "Look for Subscribe, From URL or iCalendar link, and paste it there.",
            "Choose how often it fetches; every quarter of an hour is welcome.",
        ),
    ),
}


def explained(detail: FeedDetail, cap: DisclosureCap) -> str:
    """``Full: names, type … (the practice allows initials at most)``."""
    shown = PRESETS.get(detail)
    line = f"{DETAILS[detail]}: {_EXPLAINED[detail]}"
    if shown is None or shown.capped(cap) == shown:
        return line
    return f"{line} ({limited(cap)})"


def limited(cap: DisclosureCap) -> str:
    """What the practice's cap leaves, in words; empty when it forbids nothing."""
    parts = []
    if cap.client_name is not ClientName.FULL:
        name = CLIENT_NAMES[cap.client_name].partition(" (")[0].lower()
        parts.append(f"the practice allows {name} at most")
    missing = [
        ITEMS[item].partition(" (")[0].lower() for item in DisclosureItem if item not in cap.items
    ]
    if missing:
        parts.append(f"no {', no '.join(missing)}")
    return "; ".join(parts)


def shows(facts: LinkFacts) -> str:
    """``Initials · 7 days back, 60 ahead``."""
    link = facts.link
    detail = DETAILS[link.detail]
    if link.custom is not None:
        detail = f"{detail} ({custom_words(link.custom)})"
    back = formatting.counted(link.days_in_arrears, "day")
    return f"{detail} · {back} back, {link.days_in_advance} ahead"


def custom_words(shown: Disclosure) -> str:
    if shown.busy_only:
        return "busy only"
    items = [
        ITEMS[item].partition(" (")[0].lower() for item in DisclosureItem if item in shown.items
    ]
    name = CLIENT_NAMES[shown.client_name].partition(" (")[0].lower()
    return ", ".join([name, *items])


def fetched(facts: LinkFacts, now: datetime) -> str:
    """``Google Calendar last fetched 9 h ago, from outside; nothing was new (304).``"""
    link = facts.link
    if link.last_fetched_at is None:
        return "Not fetched yet: set it up on the device"
    who = facts.client or "A device"
    line = f"{who} last fetched {formatting.ago(link.last_fetched_at, now)}"
    if place := _NETWORKS.get(link.last_network):
        line += f", {place}"
    result = {200: "got everything (200)", 304: "nothing was new (304)"}.get(link.last_status)
    return f"{line}; {result}" if result else line


def interval(measured: timedelta | None) -> str:
    """``About every 15 min``."""
    if measured is None:
        return ""
    seconds = measured.total_seconds()
    if seconds < 90:
        return "About every minute"
    if seconds < 100 * 60:
        return f"About every {round(seconds / 60)} min"
    if seconds < 36 * 3600:
        return f"About every {round(seconds / 3600)} h"
    return f"About every {round(seconds / 86400)} days"


def size_line(size_in_bytes: int, events: int) -> str:
    """``212 KB of 900 KB, 480 appointments``."""
    kilobytes = max(1, round(size_in_bytes / 1000))
    limit = SIZE_LIMIT // 1000
    size = f"{formatting.number(kilobytes)} KB of {limit} KB"
    return f"{size}, {formatting.counted(events, 'appointment')}"


def trimmed(past: int, future: int) -> str:
    """What was left out, or empty."""
    parts = [
        f"the {formatting.counted(count, one, many)}"
        for count, one, many in (
            (past, "oldest appointment", "oldest appointments"),
            (future, "farthest appointment", "farthest appointments"),
        )
        if count
    ]
    if not parts:
        return ""
    return f"Too large: {' and '.join(parts)} are left out. Choose fewer days."


WHY_A_LIMIT = (
    "A link shows at most 900 KB, about 2,000 appointments: Google gives up near 1 MB, and phones "
    "become slow. What is over is left out, the oldest past first."
)
