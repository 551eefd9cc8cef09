"""The dialog about held removals: what would go from Google, and the two ways to decide."""

from __future__ import annotations

from companion.web.ui import formatting
from companion.web.ui.components.dialogs import dialog
from companion.web.ui.error_reports import notify_done
from companion.web.ui.site import Site
from companion.web.ui.static_html import table_of_rows, tag
from companion.web.ui.theme import box, button, scrolling, text

MOST_SHOWN = 200


async def open_held_dialog(site: Site, practitioner_id: str) -> None:
    """Show what is held; raises CompanionError when the book cannot be asked."""
    record = site.services.settings.read().practitioner(practitioner_id)
    state = await site.services.syncing.state(practitioner_id)
    with dialog(f"Removals held for {record.practitioner.name}") as opened:
        held = state.held
        if held is None:
            text("Nothing is held any more.", "soft")
            button("Close", opened.close)
            return
        text(held.why, "soft")
        text(
            "These events would disappear from Google, because the book no longer has them. "
            "If the book is right, release them. If an import went wrong, keep them and import "
            "again.",
        )
        zone = record.practitioner.timezone
        with scrolling("Held removals", tall=True):
            begins = (formatting.exact(each.begins, zone) for each in held.items[:MOST_SHOWN])
            table_of_rows(("Would be removed",), (tag("tr", tag("td", each)) for each in begins))
        if len(held.items) > MOST_SHOWN:
            text(f"… and {formatting.number(len(held.items) - MOST_SHOWN)} more.", "soft small")

        def release() -> None:
            opened.close()
            site.live.upload(practitioner_id, release=held)

        async def keep() -> None:
            await site.services.syncing.keep_held(practitioner_id)
            opened.close()
            notify_done("They stay in Google.")

        count = formatting.counted(len(held.items), "removal")
        with box("actions"):
            button(f"Release {count}", release, icon="delete_sweep", look="danger")
            button("Keep in Google", keep, look="primary")
            button("Decide later", opened.close, look="plain")
