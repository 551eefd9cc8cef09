"""PractitionerCard: one practitioner's state, and what can be done about it.

The card is one element whose content is a plain dictionary (`card_of`), compared before it is
sent: of two hundred cards only those that changed travel to the browser.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from nicegui import ui

from companion.domain.palette import PALETTE
from companion.services.access.policy import Action
from companion.services.status import NEEDS_A_PERSON, RIGHTS
from companion.services.sync.auditing import clock_time
from companion.services.sync.progress import SyncPhase
from companion.web.ui import formatting
from companion.web.ui.components.history import strip_of
from companion.web.ui.presses import on_press

if TYPE_CHECKING:
    from companion.services.status import NextAction, PractitionerStatus
    from companion.services.sync.progress import Progress
    from companion.web.ui.site import Site

Card = dict[str, Any]
May = Callable[[Action, str], bool]
"""Whether somebody may do that for a practitioner."""

_TONES = {
    "up to date": "ok",
    "ready": "info",
    "syncing": "info",
    "waiting": "info",
    "held": "warn",
    "parked": "warn",
    "offline": "warn",
    "stale": "warn",
    "sign in again": "bad",
    "not authorised": "bad",
    "choose calendar": "bad",
    "another computer": "bad",
    "error": "bad",
}
_ACTIONS: Mapping[NextAction, tuple[str, str, str, str]] = {
    "connect": ("connect", "Connect to Google", "login", "/oauth/start/{}"),
    "keep calendar": ("keep", "Decide which computer", "devices", ""),
    "choose calendar": ("mend", "Choose calendar", "edit_calendar", "/practitioner/{}#calendar"),
    "service account": ("mend", "Look at the service account", "key", "/practice/workspace"),
    "add client": ("mend", "Add the Google client", "key", "/practice"),
    "doctor": ("mend", "Open the doctor", "medical_services", "/doctor"),
    "import": ("mend", "Import an export", "upload_file", "/import"),
}
"""Event, label, icon, address of the button that resolves a state; elsewhere it is the upload."""
GOOGLE_CALENDAR = "https://calendar.google.com/calendar/r"
FOR_OTHERS = "Tell an administrator."


class PractitionerCard(ui.element, component="practitioner_card.js"):
    def __init__(
        self,
        card: Card,
        *,
        on_upload: Callable[[], Any],
        on_stop: Callable[[], Any],
        on_held: Callable[[], Any],
        on_keep: Callable[[], Any],
    ) -> None:
        super().__init__()
        self._hold(card)
        on_press(self, on_upload, "upload")
        on_press(self, on_stop, "stop")
        on_press(self, on_held, "held")
        on_press(self, on_keep, "keep")

    @property
    def card(self) -> Card:
        found: Card = self.props["card"]
        return found

    def show(self, card: Card) -> None:
        """Send the card when it differs from what is on screen."""
        if card != self.card:
            self._hold(card)
            self.update()

    def _hold(self, card: Card) -> None:
        """Past NiceGUI's watch over every value in it, which of two hundred cards are thousands: a
        card is replaced, never changed."""
        dict.__setitem__(self.props, "card", card)

    def _displayed_contents(self, *, only_visible: bool) -> list[Any]:
        card = self.card
        shown = [card["name"], card["badge"], card["sentence"], card["proof"]]
        shown += [fact["value"] for fact in card["facts"]]
        shown += [action["label"] for action in card["actions"]]
        shown += [card["held"]]
        shown += [(card["progress"] or {}).get("line", "")]
        return [*super()._displayed_contents(only_visible=only_visible), *filter(None, shown)]


def colour_of(status: PractitionerStatus, place: int) -> str:
    """The practitioner's own colour, or the palette's at their place in the list."""
    return status.practitioner.colour or PALETTE[place % len(PALETTE)]


def card_of(
    status: PractitionerStatus,
    *,
    colour: str,
    now: datetime,
    may: May,
    page: str = "",
    calendar: str = "",
    paused: bool = False,
) -> Card:
    """What the card shows to somebody of whom `may` tells the rights; `page` is the practitioner's
    own page, empty when already there; `calendar` the address of their calendar at Google;
    `paused`: the background sync is."""
    identity = status.practitioner.id
    if status.action and not may(RIGHTS[status.action], identity):
        status = replace(status, remedy=FOR_OTHERS, action="")
    decides = may(Action.UPLOAD, identity)
    running = status.progress is not None
    zone = status.practitioner.timezone
    return {
        "id": status.practitioner.id,
        "name": status.practitioner.name,
        "also": f"{status.account} {status.calendar_name}",
        "heading": status.practitioner.name if page else "How it stands",
        "page": page,
        "colour": colour,
        "badge": status.state.capitalize(),
        "tone": _TONES.get(status.state, "calm"),
        "sentence": "" if running or (decides and status.state == "held") else _sentence(status),
        "progress": _progress(status.progress),
        "held": _held(status) if decides else "",
        "facts": _facts(status, now, of_one=not page, paused=paused),
        "strip": strip_of(status.history, now.astimezone(ZoneInfo(zone)).date()),
        "proof": "" if running else status.proof,
        "actions": _actions(status, may, page, calendar),
    }


def _progress(progress: Progress | None) -> dict[str, Any] | None:
    if progress is None:
        return None
    known = progress.phase is SyncPhase.WRITING and progress.total > 0
    # A hundred steps are all that can be seen: fewer updates travel.
    share = round(progress.done / progress.total, 2) if known else None
    return {"line": formatting.progress_line(progress), "share": share}


def _sentence(status: PractitionerStatus) -> str:
    return f"{status.sentence} {status.remedy}".strip()


def _held(status: PractitionerStatus) -> str:
    if not status.held:
        return ""
    if status.state == "held":
        return _sentence(status)
    return f"{formatting.counted(status.held, 'removal')} wait for you."


def _facts(
    status: PractitionerStatus, now: datetime, *, of_one: bool, paused: bool
) -> list[dict[str, str]]:
    """`of_one`: on the practitioner's own page, which has room for whose calendar it is."""
    facts: list[dict[str, str]] = []

    def fact(name: str, value: str, title: str = "") -> None:
        facts.append({"name": name, "value": value, "title": title})

    zone = status.practitioner.timezone
    if status.connected and of_one:
        fact("Account", status.account)
        fact("Calendar", status.calendar_name)
    if status.known_until is not None:
        if status.connected and status.last_sync is not None:
            last = formatting.short(status.last_sync, zone, now)
            fact("Last known sync", last, formatting.exact(status.last_sync, zone))
        return facts
    if status.connected:
        if status.last_sync is not None:
            last = formatting.ago(status.last_sync, now)
            fact("Last sync", last, formatting.exact(status.last_sync, zone))
        if not paused and (coming := _next_sync(status, now)):
            fact("Next sync", coming)
        counted = status.proof.startswith("Book") and "=" in status.proof
        if status.progress is None and not counted:  # they say so themselves
            waiting = f", {formatting.number(status.waiting)} waiting" if status.waiting else ""
            fact("In Google", f"{formatting.counted(status.in_google, 'event')}{waiting}")
    if status.feeds:
        fetched = status.feed_last_fetched
        when = f"last fetched {formatting.ago(fetched, now)}" if fetched else "not fetched yet"
        fact("Phones", f"{formatting.counted(status.feeds, 'link')}, {when}")
    return facts


def _next_sync(status: PractitionerStatus, now: datetime) -> str:
    """Empty where it waits for a person, or runs."""
    waits = status.state in NEEDS_A_PERSON or not status.enabled or status.last_sync is None
    if status.next_look is None or status.progress is not None or waits:
        return ""
    at = clock_time(status.next_look, status.practitioner.timezone, now)
    return f"with the next change, else {at}" if status.state == "up to date" else at


def calendar_address(site: Site, status: PractitionerStatus) -> str:
    """Where the practitioner's calendar is looked at; empty where there is none."""
    if not status.connected:
        return ""
    if site.options.demo_google:
        where = "/".join(quote(each, safe="") for each in (status.account, status.calendar_id))
        return f"{site.options.demo_google.rstrip('/')}/view/{where}"
    return f"{GOOGLE_CALENDAR}?{urlencode({'authuser': status.account})}"


def _actions(
    status: PractitionerStatus, may: May, page: str, calendar: str
) -> list[dict[str, Any]]:
    identity = status.practitioner.id
    made: list[dict[str, Any]] = []

    def add(event: str, label: str, icon: str, href: str = "", look: str = "second") -> None:
        where = {"href": href.replace("{}", identity)} if href else {}
        made.append({"event": event, "label": label, "icon": icon, "look": look, **where})

    if status.progress is not None:
        if may(Action.UPLOAD, identity):
            add("stop", "Cancel", "close")
    elif status.action in _ACTIONS:
        event, label, icon, href = _ACTIONS[status.action]
        label = "Sign in again" if status.state == "sign in again" else label
        add(event, label, icon, href, "primary")
    elif status.connected and may(Action.UPLOAD, identity):
        calm = (page and status.state not in {"ready", "waiting"}) or status.state == "not known"
        add("upload", "Upload to Google", "cloud_upload", look="second" if calm else "primary")
        made[-1]["disabled"] = not status.enabled or status.state == "not known"
    if calendar and may(Action.GOOGLE, identity):
        add("look", "Open in Google Calendar", "open_in_new", calendar, "plain")
        made[-1] |= {"target": "_blank", "bare": bool(page)}
    if page and may(Action.GOOGLE, identity):
        add("setup", "Set up", "tune", page, "plain")
        made[-1]["bare"] = True
    return made
