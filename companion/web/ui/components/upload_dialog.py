"""The dialog before an upload: what would be written, the first ten of it, and how long it takes.

It shows a plan as of now; the upload plans anew before each batch, so what happens meanwhile in
the book is not lost.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from companion.web.ui import formatting
from companion.web.ui.components.dialogs import dialog
from companion.web.ui.site import Site
from companion.web.ui.static_html import table_of_rows, tag
from companion.web.ui.theme import box, button, notice, scrolling, text

if TYPE_CHECKING:
    from companion.domain.reconcile import SyncPlan
    from companion.services.sync.syncing import SyncPreview

FIRST = 10


async def open_upload_dialog(site: Site, practitioner_id: str) -> None:
    """Raises CompanionError when there is nothing to plan with (not connected)."""
    record = site.services.settings.read().practitioner(practitioner_id)
    outlook = await site.services.syncing.plan(practitioner_id)
    zone = record.practitioner.timezone
    with dialog(f"Upload to Google for {record.practitioner.name}") as opened:
        text(
            f"The calendar “{record.google.calendar_name or record.google.calendar_id}” of "
            f"{record.google.account}.",
            "soft",
        )
        _counts(outlook)
        _first(outlook.plan, zone)
        if outlook.held:
            with notice("warn"):
                count = formatting.counted(len(outlook.held), "removal")
                text(f"{count} would wait for your decision; the rest goes.")

        def go() -> None:
            opened.close()
            site.live.upload(practitioner_id)

        with box("actions"):
            label = "Upload" if outlook.plan.writes else "Compare with Google"
            button(label, go, icon="cloud_upload", look="primary")
            button("Cancel", opened.close, look="plain")


def _counts(outlook: SyncPreview) -> None:
    plan = outlook.plan
    if not plan.writes:
        text("Google already shows what the book says; it will be compared event by event.")
        return
    with box("tallies"):
        for count, label in (
            (len(plan.inserts), "to add"),
            (len(plan.updates), "to change"),
            (len(plan.deletes), "to remove"),
            (plan.unchanged, "right already"),
        ):
            with box("tally"):
                text(formatting.number(count), tag="strong")
                text(label, "soft small", tag="span")
    text(f"Google takes it in about {formatting.duration(outlook.seconds)}.")


def _first(plan: SyncPlan, zone: str) -> None:
    rows: list[tuple[datetime, str, str, str]] = [
        (each.event.begins, "add", "Add", each.event.summary) for each in plan.inserts[:FIRST]
    ]
    rows += [
        (each.event.begins, "change", "Change", each.event.summary) for each in plan.updates[:FIRST]
    ]
    rows += [
        (each.entry.begins, "remove", "Remove", "An event the book no longer has")
        for each in plan.deletes[:FIRST]
    ]
    if not rows:
        return
    shown = sorted(rows, key=lambda row: row[0])[:FIRST]
    lines = (
        tag(
            "tr",
            tag("td", tag("span", what, class_=f"mark mark--{kind}")),
            tag("td", formatting.exact(moment, zone), class_="when"),
            tag("td", summary),
        )
        for moment, kind, what, summary in shown
    )
    with scrolling("The first ten", tall=True):
        table_of_rows(("What", "When", "Shown in Google"), lines)
    if plan.writes > len(shown):
        text(f"… and {formatting.number(plan.writes - len(shown))} more.", "soft small")
