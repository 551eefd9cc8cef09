"""What is looked at in the Appointment Book: its address, and what changes to show something."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from companion.domain.appointments import occurrences
from companion.web.ui.book.choice import OF_ONE, VIEWS, ShownView
from tests.fakes.appointments import appointment

TODAY = date(2026, 11, 24)
KNOWN = ["mira", "omar", "priya"]


def chosen(address: str) -> ShownView:
    said = dict(parse_qsl(urlsplit(address).query))
    names = ("day", "view", "who", "one", "cancelled")
    asked = {name: said.get(name, "") for name in names}
    return ShownView.of(**asked, today=TODAY, known=KNOWN)


@given(
    st.builds(
        ShownView,
        day=st.dates(date(2000, 1, 1), date(2100, 1, 1)),
        view=st.sampled_from([*VIEWS]),
        narrow=st.booleans(),
        who=st.lists(st.sampled_from(KNOWN), unique=True),
        one=st.sampled_from(KNOWN),
        cancelled=st.booleans(),
        location=st.sampled_from(["", "Room 1"]),
    )
)
def test_an_address_leads_to_what_was_looked_at(choice: ShownView) -> None:
    again = chosen(choice.address())
    assert (again.day, again.view, again.who) == (choice.day, choice.view, choice.who)
    assert again.cancelled == choice.cancelled
    assert again.one == choice.one or choice.view not in OF_ONE
    assert again.address() == choice.address()
    assert "Room" not in choice.address()


def test_nonsense_in_an_address_is_as_if_it_were_not_there() -> None:
    assert chosen("/book?day=31/2&view=year&who=nobody,omar&one=nobody") == ShownView(
        day=TODAY, who=["omar"], one="omar"
    )


def test_what_hides_an_appointment_is_changed_and_nothing_else() -> None:
    start = datetime(2026, 12, 4, 9)  # noqa: DTZ001 - wall time
    one = appointment(start, practitioner_id="omar", location="Room 1")
    (occurrence,) = occurrences(one, start, start + timedelta(days=1))
    choice = ShownView(day=TODAY, view="week", who=["mira"], one="mira", location="Room 2")
    there = choice.revealing(occurrence, cancelled=False)
    assert there == ShownView(day=start.date(), view="week", who=["mira", "omar"], one="omar")
    assert there.revealing(occurrence, cancelled=True) == there
    hidden = ShownView(day=TODAY, one="omar", location="Room 1", cancelled=False)
    shown = hidden.revealing(occurrence, cancelled=True)
    assert shown == ShownView(day=start.date(), one="omar", location="Room 1")
