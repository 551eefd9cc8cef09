"""PractitionerCard: one practitioner's state, and what can be done about it.

The card is one element whose content is a plain dictionary (`card_of`), compared before it is
sent: of two hundred cards only those that changed travel to the browser.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nicegui import ui

from companion.services.sync.progress import SyncPhase
from companion.web.ui import formatting
from companion.web.ui.presses import on_press
from companion.web.ui.upload_board import Outcome

if TYPE_CHECKING:
    from companion.services.status import PractitionerStatus
    from companion.services.sync.progress import Progress

Card = dict[str, Any]

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
_ELSEWHERE = {
    "choose calendar": ("Choose calendar", "edit_calendar", "/practitioner/{}#calendar"),
    "service account": ("Look at the service account", "key", "/practice/workspace"),
    "add client": ("Add the Google client", "key", "/practice"),
    "doctor": ("Open the doctor", "medical_services", "/doctor"),
    "import": ("Import an export", "upload_file", "/import"),
}
"""What resolves an error on another page: label, icon, address."""
PALETTE = ("#0b6670", "#8a4b9f", "#b4581f", "#2f6db5", "#5d7a1f", "#a63d57", "#4b5fc0", "#7a6a1c")


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
        self.props["card"] = card
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
            self.props["card"] = card
            self.update()

    def _displayed_contents(self, *, only_visible: bool) -> list[Any]:
        card = self.card
        shown = [card["name"], card["badge"], card["sentence"], card["proof"]]
        shown += [fact["value"] for fact in card["facts"]]
        shown += [action["label"] for action in card["actions"]]
        shown += [card["held"], (card["outcome"] or {}).get("sentence", "")]
        shown += [(card["progress"] or {}).get("line", "")]
        return [*super()._displayed_contents(only_visible=only_visible), *filter(None, shown)]


def colour_of(status: PractitionerStatus, place: int) -> str:
    """The practitioner's own colour, or the palette's at their place in the list."""
    return status.practitioner.colour or PALETTE[place % len(PALETTE)]


def card_of(
    status: PractitionerStatus,
    *,
    colour: str,
    progress: Progress | None,
    outcome: Outcome | None,
    now: datetime,
    page: str = "",
) -> Card:
    """What the card shows; `page` is the practitioner's own page, empty when already there."""
    running = progress is not None
    state = "syncing" if running else status.state
    return {
        "id": status.practitioner.id,
        "name": status.practitioner.name,
        "heading": status.practitioner.name if page else "How it stands",
        "page": page,
        "colour": colour,
        "badge": state.capitalize(),
        "tone": _TONES.get(state, "calm"),
        "sentence": "" if running or status.held else _sentence(status),
        "progress": _progress(progress),
        "outcome": {"sentence": outcome.sentence, "good": outcome.good} if outcome else None,
        "held": _held(status),
        "facts": _facts(status, now),
        "proof": status.proof,
        "actions": _actions(status, running=running, page=page),
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


def _facts(status: PractitionerStatus, now: datetime) -> list[dict[str, str]]:
    facts: list[dict[str, str]] = []

    def fact(name: str, value: str, title: str = "") -> None:
        facts.append({"name": name, "value": value, "title": title})

    if status.connected:
        fact("Account", status.account)
        fact("Calendar", status.calendar_name)
        zone = status.practitioner.timezone
        fact(
            "Last sync",
            formatting.ago(status.last_sync, now),
            formatting.exact(status.last_sync, zone),
        )
        waiting = f", {formatting.number(status.waiting)} waiting" if status.waiting else ""
        fact("In Google", f"{formatting.counted(status.in_google, 'event')}{waiting}")
    if status.feeds:
        fetched = status.feed_last_fetched
        when = f"last fetched {formatting.ago(fetched, now)}" if fetched else "not fetched yet"
        fact("Phones", f"{formatting.counted(status.feeds, 'link')}, {when}")
    else:
        fact("Phones", "No link yet")
    return facts


def _actions(status: PractitionerStatus, *, running: bool, page: str) -> list[dict[str, Any]]:
    setup: dict[str, Any] = {
        "event": "setup",
        "label": "Set up",
        "icon": "tune",
        "href": page,
        "look": "second",
    }
    identity = status.practitioner.id
    first: dict[str, Any]
    if running:
        first = {"event": "stop", "label": "Cancel", "icon": "close", "look": "second"}
    elif not status.connected:
        first = {
            "event": "connect",
            "label": "Connect to Google",
            "icon": "login",
            "href": f"/oauth/start/{identity}",
            "look": "primary",
        }
    elif status.state == "sign in again":
        first = {
            "event": "connect",
            "label": "Sign in again",
            "icon": "login",
            "href": f"/oauth/start/{identity}",
            "look": "primary",
        }
    elif status.action == "keep calendar":
        label = "Decide which computer"
        first = {"event": "keep", "label": label, "icon": "devices", "look": "primary"}
    elif status.action in _ELSEWHERE:
        label, icon, place = _ELSEWHERE[status.action]
        target = place.format(identity)
        first = {"event": "mend", "label": label, "icon": icon, "href": target, "look": "primary"}
    else:
        first = {
            "event": "upload",
            "label": "Upload to Google",
            "icon": "cloud_upload",
            "look": "primary",
            "disabled": not status.enabled,
        }
    return [first, setup] if page else [first]
