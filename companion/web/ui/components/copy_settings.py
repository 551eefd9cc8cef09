"""Copy settings to other practitioners: what of steps 7 and 8, and to whom."""

from __future__ import annotations

from nicegui import ui

from companion.domain.errors import BadInput
from companion.web.ui import formatting
from companion.web.ui.components.dialogs import dialog
from companion.web.ui.error_reports import notify_done
from companion.web.ui.site import Site
from companion.web.ui.theme import box, button, notice, text

PARTS = {
    "period": "Sync period (days in arrears and in advance)",
    "items": "Items to include, client's name, kinds, masked types, colour",
    "habits": "What is put back, and what is tidied behind the window",
}


def open_copy_dialog(site: Site, practitioner_id: str) -> None:
    people = site.services.settings.read().practitioners
    with dialog(f"Copy the settings of {people[practitioner_id].practitioner.name}") as opened:
        text(
            "The saved settings are copied; each keeps their own Google account and calendar.",
            "soft",
        )
        with box(tag="fieldset"):
            text("What", tag="legend")
            parts = {part: ui.checkbox(label, value=True) for part, label in PARTS.items()}
        with box(tag="fieldset"):
            text("To", tag="legend")
            others = {
                key: ui.checkbox(each.practitioner.name)
                for key, each in people.items()
                if key != practitioner_id
            }

            def everybody() -> None:
                for tick in others.values():
                    tick.value = True

            button("Tick all", everybody, look="plain")
        wrong = box().props("aria-live=assertive")

        async def go() -> None:
            wrong.clear()
            chosen = [key for key, tick in others.items() if tick.value]
            try:
                changed = await site.services.setup.copy(
                    practitioner_id, chosen, [part for part, tick in parts.items() if tick.value]
                )
            except BadInput as error:
                with wrong, notice("bad"):
                    text(str(error))
                return
            opened.close()
            same = len(chosen) - len(changed)
            notify_done(
                f"Copied to {formatting.counted(len(changed), 'practitioner')}"
                + (f"; {same} had the same already." if same else ".")
            )

        with box("actions"):
            button("Copy", go, look="primary", icon="content_copy")
            button("Cancel", opened.close, look="plain")
