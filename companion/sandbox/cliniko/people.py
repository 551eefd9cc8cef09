"""What a person sees and does in the simulated Cliniko: the days ahead, with a few buttons.

Such edits go round the key and the limits, as a receptionist's clicks do; the program learns of
them when it fetches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from html import escape
from itertools import groupby
from zoneinfo import ZoneInfo

from companion.sandbox.cliniko.account import (
    BLOCK,
    GROUP,
    INDIVIDUAL,
    ClinikoRecord,
    SimulatedClinikoAccount,
)
from companion.sandbox.oauth import html_reply, redirect
from companion.sandbox.pages import frame
from companion.sandbox.wire import ApiRequest, Reply

_DAYS = 14
_SITE = "Cliniko"


def answer(account: SimulatedClinikoAccount, request: ApiRequest, key: str) -> Reply:
    """`key`: shown to whoever wants to fetch from here."""
    parts = request.path.strip("/").split("/")
    if request.method == "GET" and request.path == "/":
        return html_reply(_calendar(account, key))
    if request.method == "POST" and parts == ["bookings"] and _book(account, request.form):
        return redirect("/")
    if request.method == "POST" and len(parts) == 3 and parts[0] == "bookings":
        edit = _EDITS.get(parts[2])
        record = account.bookings.get(int(parts[1])) if parts[1].isdecimal() else None
        if edit is not None and record is not None:
            edit(account, record)
            return redirect("/")
    text = '<p class="card">There is nothing here. <a href="/">Back to the calendar</a></p>'
    return html_reply(frame("That did not work", text, site=_SITE), 404)


# ── edits ─────────────────────────────────────────────────────────────────────────────────────


def _later(account: SimulatedClinikoAccount, record: ClinikoRecord) -> None:
    account.move(record.id, record.fields["starts_at"] + timedelta(minutes=30))


def _cancel(account: SimulatedClinikoAccount, record: ClinikoRecord) -> None:
    if record.fields["kind"] == INDIVIDUAL:
        account.cancel(record.id)


def _miss(account: SimulatedClinikoAccount, record: ClinikoRecord) -> None:
    if record.fields["kind"] == INDIVIDUAL:
        account.edit(account.bookings, record.id, did_not_arrive=True)


def _delete(account: SimulatedClinikoAccount, record: ClinikoRecord) -> None:
    account.delete(account.bookings, record.id)


def _join(account: SimulatedClinikoAccount, record: ClinikoRecord) -> None:
    """The next client who is not in the group yet."""
    there = {each.fields["patient_id"] for each in account.attendees_of(record.id)}
    free = next((each for each in account.patients if each not in there), None)
    if record.fields["kind"] == GROUP and free is not None:
        account.attend(record.id, free)


def _leave(account: SimulatedClinikoAccount, record: ClinikoRecord) -> None:
    coming = [each for each in account.attendees_of(record.id) if _is_coming(each)]
    if record.fields["kind"] == GROUP and coming:
        account.cancel_attendee(coming[-1].id)


_EDITS: Mapping[str, Callable[[SimulatedClinikoAccount, ClinikoRecord], None]] = {
    "later": _later, "cancel": _cancel, "missed": _miss, "delete": _delete,
    "join": _join, "leave": _leave,
}  # fmt: skip


def _book(account: SimulatedClinikoAccount, form: Mapping[str, str]) -> bool:
    """The first client and type, as the form says when and with whom."""
    types = account.appointment_types.values()
    try:
        practitioner = account.practitioners[int(form["practitioner"])]
        wall = datetime.fromisoformat(form["start"])
        kind_of = next(each for each in types if each.fields["max_attendees"] == 1)
        patient, business = next(iter(account.patients)), next(iter(account.businesses))
    except (KeyError, ValueError, StopIteration):
        return False
    starts = wall.replace(tzinfo=_zone(account))
    account.book(practitioner.id, patient, starts, kind_of=kind_of.id, business=business)
    return True


# ── the page ──────────────────────────────────────────────────────────────────────────────────


def _calendar(account: SimulatedClinikoAccount, key: str) -> bytes:
    zone = _zone(account)
    today = account.now().astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    shown = [
        each
        for each in account.bookings.values()
        if today <= each.fields["starts_at"] < today + timedelta(days=_DAYS) and not each.is_gone
    ]
    shown.sort(key=lambda each: (each.fields["starts_at"], each.id))
    days = []
    for day, bookings in groupby(
        shown, key=lambda each: each.fields["starts_at"].astimezone(zone).date()
    ):
        rows = "".join(_row(account, each, zone) for each in bookings)
        mark = " today" if day == today.date() else ""
        days.append(
            f'<div class="card{mark}"><h2>{day:%A} {day.day} {day:%B}</h2><ul>{rows}</ul></div>'
        )
    empty = '<p class="card">No bookings in the next two weeks.</p>'
    intro = (
        f'<p class="soft">{escape(account.name)} · the next two weeks of all practitioners. '
        f"What you change here arrives in Calendar Companion with its next fetch. "
        f"Its API key is <code>{escape(key)}</code></p>"
        f"{_add_form(account, today)}"
    )
    return frame("Appointments", intro + ("".join(days) or empty), refresh=True, site=_SITE)


def _row(account: SimulatedClinikoAccount, record: ClinikoRecord, zone: ZoneInfo) -> str:
    fields = record.fields
    start, end = (fields[name].astimezone(zone) for name in ("starts_at", "ends_at"))
    person = account.practitioners[fields["practitioner_id"]].fields
    gone = fields.get("cancelled_at") is not None
    state = "cancelled" if gone else "did not arrive" if fields.get("did_not_arrive") else ""
    buttons = [("later", "30 min later"), ("delete", "Delete")]
    if fields["kind"] == INDIVIDUAL and not state:
        buttons[1:1] = [("cancel", "Cancel"), ("missed", "Did not arrive")]
    if fields["kind"] == GROUP:
        buttons[1:1] = [("join", "One client more"), ("leave", "One client fewer")]
    forms = "".join(
        f'<form method="post" action="/bookings/{record.id}/{name}"><button>{label}</button></form>'
        for name, label in buttons
    )
    return (
        f'<li class="event"><span class="bar" aria-hidden="true"></span>'
        f'<span class="when">{start:%H:%M} – {end:%H:%M}</span><span class="what">'
        f"{_what(account, record)}{f' · {state}' if state else ''}"
        f'<br><span class="soft">{escape(person["first_name"])} {escape(person["last_name"])}'
        f"</span><details><summary>Change as in Cliniko</summary>{forms}</details></span></li>"
    )


def _what(account: SimulatedClinikoAccount, record: ClinikoRecord) -> str:
    """HTML."""
    fields = record.fields
    if fields["kind"] == BLOCK:
        return f"Unavailable: {escape(fields['notes'] or 'no reason given')}"
    kind_of = escape(account.appointment_types[fields["appointment_type_id"]].fields["name"])
    if fields["kind"] == INDIVIDUAL:
        return f"<bdi>{escape(account.patient_name(fields['patient_id']))}</bdi>, {kind_of}"
    coming = sum(map(_is_coming, account.attendees_of(record.id)))
    return f"{kind_of}: {coming} of {fields['max_attendees']} clients"


def _add_form(account: SimulatedClinikoAccount, today: datetime) -> str:
    options = "".join(
        f'<option value="{number}">{escape(each.fields["first_name"])} '
        f"{escape(each.fields['last_name'])}</option>"
        for number, each in account.practitioners.items()
        if each.fields["active"]
    )
    return (
        f'<details class="card"><summary>Book an appointment</summary>'
        f'<form method="post" action="/bookings">'
        f'<label>With <select name="practitioner">{options}</select></label>'
        f'<label>Start <input name="start" type="datetime-local" required '
        f'value="{today + timedelta(days=1):%Y-%m-%d}T17:30"></label>'
        f'<button class="main">Book</button></form></details>'
    )


def _is_coming(attendee: ClinikoRecord) -> bool:
    return attendee.fields["cancelled_at"] is None and not attendee.is_gone


def _zone(account: SimulatedClinikoAccount) -> ZoneInfo:
    """Of the first place that names one."""
    zones = (each.fields["time_zone_identifier"] for each in account.businesses.values())
    return ZoneInfo(next(filter(None, zones), "Australia/Sydney"))
