"""A client's name that stands in another's notes leaves the book by no way out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from companion.domain.disclosure import ClientName, Disclosure, DisclosureItem
from companion.services.ports import FeedDetail
from tests.battery.world import World, appointment
from tests.fakes.feeds import TODAY, FeedApplication, asking, visit
from tests.fakes.names import PLAIN, forms_of_anybody, leaked

NOTES = "\n".join(form for name in PLAIN for form in forms_of_anybody(*name))
OPEN = Disclosure(items=frozenset(DisclosureItem), client_name=ClientName.INITIALS)


def named(text: str) -> list[str]:
    return [
        word for first, last in PLAIN for word in leaked(text, first, last, ClientName.INITIALS)
    ]


async def test_google_is_told_no_name_of_anybody() -> None:
    world = World()
    world.disclose(items=frozenset(DisclosureItem))
    await world.put(
        *(
            appointment(n, client_first_name=first, client_last_name=last)
            for n, (first, last) in enumerate(PLAIN)
        ),
        appointment(50, notes=NOTES, location=NOTES, appointment_type=NOTES),
    )
    assert (await world.run()).error is None
    told = "\n".join(
        f"{each.summary} {each.location} {each.description}" for each in world.live().values()
    )
    assert "…" in told
    assert named(told) == []


async def test_a_name_that_comes_later_is_taken_out_of_what_google_holds_already() -> None:
    world = World()
    world.disclose(items=frozenset(DisclosureItem))
    await world.put(appointment(1, notes="Spoke with Abernathy today"))
    await world.run()
    assert "Abernathy" in world.live()["a1"].description
    await world.put(appointment(2, client_first_name="Quentin", client_last_name="Abernathy"))
    await world.run()
    assert "Spoke with … today" in world.live()["a1"].description
    await world.put(appointment(2, client_first_name="Quentin", client_last_name="Fairweather"))
    await world.put(remove=["a2"])
    result = await world.run()
    assert result.error is None
    assert "Abernathy" not in world.live()["a1"].description


async def test_feed_and_export_and_preview_hold_no_name_of_anybody() -> None:
    application = FeedApplication()
    await application.write(
        *(
            visit(n, client_first_name=first, client_last_name=last)
            for n, (first, last) in enumerate(PLAIN)
        ),
        visit(50, notes=NOTES, location=NOTES, appointment_type=NOTES),
    )
    record = application.settings.current.practitioner("avery")
    choices = replace(record.choices, disclosure=OPEN)
    application.settings.current = application.settings.current.with_practitioner(
        replace(record, choices=choices)
    )
    for detail in ("initials", "google"):
        token = await application.token(detail=FeedDetail(detail))
        answer = await application.feeds.fetch(token, asking(token, gzip=False))
        body = answer.body.decode("utf-8").replace("\r\n ", "")
        assert "BEGIN:VEVENT" in body
        assert named(body) == []
    day = TODAY.date()
    exported = await application.feeds.export(
        "avery", first_day=day - timedelta(days=7), last_day=day + timedelta(days=60)
    )
    text = exported.decode("utf-8").replace("\r\n ", "")
    assert "DESCRIPTION" in text
    assert named(text) == []
