"""Addresses of home visits and links of video calls: shown where both the practice and the
practitioner say so, and never with a hidden name."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from companion.domain.appointments import Appointment, AppointmentKind
from companion.domain.disclosure import ClientName, Disclosure, DisclosureCap, DisclosureItem
from companion.domain.events import CalendarEvent, project
from companion.domain.plain_text import safe_link
from companion.domain.window import SyncWindow
from companion.services.rows import row_hash
from tests.samples.import_bench import ImportBench

START = datetime(2026, 3, 2, 9)  # noqa: DTZ001 - wall time
WINDOW = SyncWindow(
    first_day=date(2026, 3, 1), last_day=date(2026, 3, 9), timezone="Australia/Sydney"
)
ADDRESS, LINK = "12 Wattle St, Newtown", "https://call.example/r/7f3?k=2"
BOTH = frozenset({DisclosureItem.LOCATION, DisclosureItem.ADDRESS, DisclosureItem.TELEHEALTH})


def appointment(**fields: str) -> Appointment:
    plain = Appointment(
        id="a1",
        practitioner_id="jo-smith",
        kind=AppointmentKind.CLIENT,
        start=START,
        end=START + timedelta(minutes=45),
        timezone="Australia/Sydney",
        client_first_name="Mira",
        client_last_name="Halloway",
        visit_address=ADDRESS,
        telehealth_link=LINK,
    )
    return plain.changed(**fields)


def shown(each: Appointment, disclosure: Disclosure) -> CalendarEvent:
    (event,) = project([each], WINDOW, disclosure)
    return event


def test_neither_is_shown_unless_it_is_chosen_and_allowed() -> None:
    closed = shown(appointment(), Disclosure())
    capped = shown(appointment(), Disclosure(items=BOTH).capped(DisclosureCap()))
    for event in (closed, capped):
        assert (event.location, event.description) == ("", "")


def test_the_address_is_the_place_and_the_link_stands_below() -> None:
    event = shown(appointment(), Disclosure(items=BOTH))
    assert (event.location, event.description) == (ADDRESS, f"Telehealth: {LINK}")
    event = shown(appointment(location="Home visit"), Disclosure(items=BOTH))
    assert event.location == f"Home visit, {ADDRESS}"


def test_a_masked_type_shows_neither() -> None:
    masked = Disclosure(items=BOTH, masked_types=frozenset({"visit"}))
    event = shown(appointment(appointment_type="Visit"), masked)
    assert (event.location, event.description) == ("", "")


def test_a_link_that_names_the_client_is_left_out_where_the_name_is() -> None:
    named = appointment(telehealth_link="https://call.example/Mira-Halloway")
    hidden = Disclosure(items=BOTH, client_name=ClientName.INITIALS)
    assert shown(named, hidden).description == ""
    full = Disclosure(items=BOTH, client_name=ClientName.FULL)
    assert "Mira-Halloway" in shown(named, full).description


@pytest.mark.parametrize(
    "link",
    [
        "http://call.example/r",
        "javascript:alert(1)",
        "https://user:secret@call.example/r",
        "https://call.example/<b>",
        "https://",
        "call.example/r",
    ],
)
def test_what_is_no_safe_link_is_none(link: str) -> None:
    assert safe_link(link) == ""


def test_appointments_from_before_keep_their_hashes() -> None:
    """Else the next import would find every one of them changed."""
    before = "dcb01cb4e8dd1db2db57c75a73d9c2eb"
    assert row_hash(appointment(visit_address="", telehealth_link="")).hex() == before
    assert row_hash(appointment()) != row_hash(appointment(visit_address="elsewhere"))


async def test_an_import_brings_both_but_not_the_address_of_every_client(tmp_path: Path) -> None:
    bench = ImportBench(tmp_path)
    content = (
        "ID,Date,Start,End,Client,Practitioner,Visit Address,Video Link,Home Address\n"
        f'1,14/12/2026,09:00,09:45,Mira Halloway,Jo Smith,"{ADDRESS}",{LINK},9 Elm Rd\n'
        "2,24/12/2026,09:00,09:45,Mira Halloway,Jo Smith,,javascript:alert(1),9 Elm Rd\n"
    )
    report = await bench.take(content.encode())
    assert report.rejected == ()
    first, second = (await bench.all(report.source)).values()
    assert (first.visit_address, first.telehealth_link) == (ADDRESS, LINK)
    assert (second.visit_address, second.telehealth_link) == ("", "")
