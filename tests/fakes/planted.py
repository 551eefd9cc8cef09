"""A practice whose every text holds names: of its own clients, of others, of former ones."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

from tests.fakes.names import (
    CONTACTS,
    ELSEWHERE,
    FRAMES,
    ORDINARY,
    PLAIN,
    forms_of_anybody,
    forms_of_own,
)
from tests.samples.exports import Row, allied

FORMER, PRESENT = ("Quentin", "Abernathy"), ("Quentin", "Fairweather")
_TEXTS = ("Notes", "Location", "Consultation Type")


def rows(whose: str) -> Iterator[Row]:
    """An export without ids, of practitioner `whose`: every form in every text of appointments of
    its own client, of somebody else, of a walk-in and of meetings."""
    frames = cycle(FRAMES)
    number = 0

    def row(client: tuple[str, str], form: str, kind: str = "Client") -> Row:
        nonlocal number
        number += 1
        texts = dict.fromkeys(_TEXTS, next(frames).format(form))
        own_id = client[1] if number % 5 == 0 else f"{4000 + number}"
        return (
            allied(
                number,
                Appointment_ID="",
                Type=kind,
                Client_ID="" if kind == "Meeting" else own_id,
                Client_First_Name=client[0],
                Client_Last_Name=client[1],
                Practitioner=whose,
                Meeting_Type=texts["Notes"] if kind == "Meeting" else "",
            )
            | texts
        )

    for first, last in PLAIN:
        forms = [*forms_of_own(first, last), *ELSEWHERE.get(last, ()), *ELSEWHERE.get(first, ())]
        for form in forms:
            yield row((first, last), form)
    for first, last in (*PLAIN, *ORDINARY, FORMER):
        for form, kind in zip(
            forms_of_anybody(first, last), cycle(("Client", "Casual", "Meeting"))
        ):
            yield row(("Jo", "Abel") if kind == "Client" else ("", ""), form, kind)
    for contact in CONTACTS:
        yield row(("Jo", "Abel"), contact)
    for first, last in ORDINARY:
        yield row((first, last), f"{first} {last}")


def renamed(whose: str, name: tuple[str, str]) -> Row:
    """Of an export with ids: the client who was FORMER and is PRESENT now."""
    first, last = name
    return allied(0, Practitioner=whose, Client_First_Name=first, Client_Last_Name=last, Notes=last)


def damaged(whose: str) -> Iterator[Row]:
    """Rows that slipped, so that a name stands where a time, a kind or a number should."""
    for place, column in enumerate(("Start", "End", "Type", "All Day", "Created", "Status")):
        first, last = PLAIN[place]
        yield allied(place, Practitioner=whose, Appointment_ID="", **{column: f"{first} {last}"})
