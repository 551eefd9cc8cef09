"""Titles and addresses of pages: browsers keep them in histories, and carry them elsewhere."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from nicegui import ui

from companion.domain.appointments import AppointmentKind
from companion.web.ui.static_html import StaticHtml
from tests.fakes.names import PLAIN, plain
from tests.fakes.services import the_sample
from tests.pages.book_page import ZOE, calendar, open_book
from tests.pages.conftest import Visit
from tests.pages.driving import named, press

PEOPLE = plain(" ".join(each.name for each in the_sample().practitioners))
CLIENTS = [pair for pair in PLAIN if not any(plain(name) in PEOPLE for name in pair)]
"""Whose names are no practitioner's."""


async def planted(visit: Visit) -> None:
    """Clients and meetings of today, named in every text."""
    one = next(each for each in the_sample().imported if each.practitioner_id == ZOE)
    today = visit.application.clock.now().replace(tzinfo=None, hour=0, minute=0)
    await visit.application.write(
        *(
            replace(
                one,
                id=f"planted-{number}",
                source_id=f"{last} {number}",
                kind=[*AppointmentKind][number % 3],
                start=today + timedelta(days=1, hours=8, minutes=40 * number),
                end=today + timedelta(days=1, hours=8, minutes=40 * number + 30),
                all_day=False,
                client_id=last,
                client_first_name=first,
                client_last_name=last,
                title=f"{first} {last}",
                appointment_type=last,
                location=last,
                notes=f"{first} {last}",
            )
            for number, (first, last) in enumerate(CLIENTS)
        )
    )


def addresses(visit: Visit) -> str:
    """The page's title, where it was come from, and where it leads."""
    user = visit.user
    assert user.client is not None
    found = [user.client.resolve_title(), *user.back_history, *user.forward_history]
    for each in visit.elements(ui.element):
        found += [str(each.props.get(name, "")) for name in ("href", "src", "action")]
    for each in visit.elements(StaticHtml):
        found += re.findall(r'(?:href|src|action)="([^"]*)"', each.content)
    return "\n".join(found)


def names_in(text: str) -> list[str]:
    return [name for pair in CLIENTS for name in pair if plain(name) in plain(text)]


async def test_no_page_has_a_client_s_name_in_its_title_or_in_an_address(visit: Visit) -> None:
    await planted(visit)
    assert len(visit.site.pages) > 10
    for path in visit.site.pages:
        await visit.user.open(path.replace("{practitioner_id}", ZOE))
        text = addresses(visit)
        assert "Calendar Companion" in text or "Appointments" in text
        assert names_in(text) == [], path


async def test_looking_for_a_client_and_opening_a_visit_put_no_name_into_an_address(
    visit: Visit,
) -> None:
    await planted(visit)
    await open_book(visit)
    press(named(visit, "Search"))
    await visit.user.should_see(kind=ui.input)
    visit.elements(ui.input)[-1].value = "Quillfeather"
    await visit.user.should_see("Zebediah Quillfeather")
    assert names_in(addresses(visit)) == []
    press(calendar(visit), "open", {"key": "planted-0"})
    await visit.user.should_see("Quillfeather")
    assert names_in(addresses(visit)) == []
