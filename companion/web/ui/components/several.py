"""Several practitioners at once: signing each in at Google from one list, and uploading many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from companion.services.access.policy import Action
from companion.web.ui import formatting
from companion.web.ui.components.dialogs import dialog
from companion.web.ui.error_reports import notify_done, report_errors
from companion.web.ui.site import Site
from companion.web.ui.theme import badge, box, button, link_button, notice, text

if TYPE_CHECKING:
    from companion.services.status import PractitionerStatus

LOOK_SECONDS = 1.0


def to_connect(site: Site) -> list[PractitionerStatus]:
    board = site.live.latest()
    everybody = board.practitioners if board is not None else ()
    return [e for e in everybody if not e.connected and site.may(Action.GOOGLE, e.practitioner.id)]


def to_upload(site: Site) -> list[PractitionerStatus]:
    board = site.live.latest()
    everybody = board.practitioners if board is not None else ()
    return [
        each
        for each in everybody
        if each.connected and each.enabled and site.may(Action.UPLOAD, each.practitioner.id)
    ]


async def open_connect_several(site: Site) -> None:
    """Each signs in in a window of their own; the list says who is through."""
    people = to_connect(site)
    if await site.services.connecting.delegates():
        ui.navigate.to("/practice/workspace")  # nobody signs in there: it connects everybody
        return
    with dialog("Connect to Google", asks=False) as opened:
        text(
            "Google opens in a new tab for each person: choose their account there, leave the "
            "calendar box ticked and press Allow. Then come back here for the next.",
            "soft",
        )
        places: dict[str, ui.element] = {}
        with box("lines", tag="ul"):
            for each in people:
                with box("lines__line", tag="li"):
                    text(each.practitioner.name, "strong")
                    with box("actions") as place:
                        link = link_button(
                            "Connect", f"/oauth/start/{each.practitioner.id}", icon="login"
                        )
                        link.props("target=_blank")
                        link.props["aria-label"] = f"Connect {each.practitioner.name}"
                    places[each.practitioner.id] = place
        through: set[str] = set()

        def look() -> None:
            for identity in places.keys() - through:
                status = site.live.status_of(identity)
                if status is None or not status.connected:
                    continue
                through.add(identity)
                places[identity].clear()
                with places[identity]:
                    badge(f"Connected: {status.account}", "ok")

        ui.timer(LOOK_SECONDS, report_errors(look))
        with box("actions"):
            button("Done", opened.close, look="primary")


def open_upload_several(site: Site) -> None:
    people = to_upload(site)
    with dialog("Upload to Google", asks=False) as opened:
        text(
            "Each calendar is brought to what the book says. Where too many events would be "
            "removed, the removals wait for you.",
            "soft",
        )
        ticks = {}
        with box("lines", tag="ul"):
            for each in people:
                with box("lines__line", tag="li"):
                    due = each.state != "up to date"
                    ticks[each.practitioner.id] = ui.checkbox(each.practitioner.name, value=due)
                    badge(each.state.capitalize(), "ok" if not due else "calm")
        wrong = box().props("aria-live=assertive")

        def go() -> None:
            chosen = [identity for identity, tick in ticks.items() if tick.value]
            wrong.clear()
            if not chosen:
                with wrong, notice("bad"):
                    text("Nobody is chosen. Tick whose calendar is to be uploaded.")
                return
            opened.close()
            for identity in chosen:
                site.live.upload(identity)
            notify_done(f"{formatting.counted(len(chosen), 'upload')} begun.")

        def everybody() -> None:
            every = all(tick.value for tick in ticks.values())
            for tick in ticks.values():
                tick.value = not every

        with box("actions"):
            button("Upload", go, icon="cloud_upload", look="primary")
            button("All or none", everybody, look="plain")
            button("Cancel", opened.close, look="plain")
