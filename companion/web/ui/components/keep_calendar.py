"""The dialog for two computers on one calendar: which of them keeps it."""

from __future__ import annotations

from dataclasses import replace

from companion.web.ui.components.dialogs import dialog
from companion.web.ui.error_reports import notify_done
from companion.web.ui.site import Site
from companion.web.ui.theme import box, button, text


def open_keep_dialog(site: Site, practitioner_id: str) -> None:
    record = site.services.settings.read().practitioner(practitioner_id)
    status = site.live.status_of(practitioner_id)
    calendar = record.google.calendar_name or record.google.calendar_id
    with dialog(f"Which computer keeps “{calendar}”?") as opened:
        if status is not None and status.state == "another computer":
            text(status.sentence, "soft")
        text(
            "One calendar is kept by one computer. If it is this one, the calendar becomes as the "
            "book here says, and the other computer stops and says so. If it is the other one, "
            "the sync is switched off here, and nothing changes in Google."
        )

        async def keep() -> None:
            await site.services.syncing.claim(practitioner_id)
            opened.close()
            site.live.upload(practitioner_id)

        async def leave() -> None:
            choices = replace(record.choices, enabled=False)
            await site.services.practitioners.set_choices(practitioner_id, choices)
            opened.close()
            notify_done("The sync is switched off here.")

        with box("actions"):
            button("Keep it from this computer", keep, look="primary")
            button("Leave it to the other computer", leave)
            button("Decide later", opened.close, look="plain")
