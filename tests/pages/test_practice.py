"""The practice's page: name, zone, the Google client file, the privacy cap."""

from __future__ import annotations

from collections.abc import AsyncIterator

from companion.domain.disclosure import ClientName, Item
from companion.web.ui.components.file_drop import FileDrop
from tests.fakes.services import CLIENT_FILE
from tests.pages.conftest import Visit
from tests.pages.driving import button, field, opened, press, tick, until


async def chunks(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def drop(visit: Visit, content: bytes) -> None:
    ticket = await visit.site.incoming.receive(chunks(content), file_name="client_secret.json")
    press(visit.elements(FileDrop)[0], "received", {"ticket": ticket, "name": "client_secret.json"})


async def test_name_and_zone_are_saved(first_day: Visit) -> None:
    await first_day.user.open("/practice")
    field(first_day, "Name of the practice").value = "Banksia Street"
    field(first_day, "Time zone").value = "Australia/Perth"
    save = [
        each for each in first_day.elements(type(button(first_day, "Save"))) if each.text == "Save"
    ]
    press(save[0])
    await until(lambda: first_day.application.settings.read().practice.name == "Banksia Street")
    assert first_day.application.settings.read().practice.timezone == "Australia/Perth"


async def test_what_is_not_saved_yet_says_so_until_it_is(first_day: Visit) -> None:
    await first_day.user.open("/practice")
    await first_day.user.should_not_see("Not saved yet")
    tick(first_day, "Notes").value = False
    await first_day.user.should_see("Not saved yet")
    tick(first_day, "Notes").value = True
    await first_day.user.should_not_see("Not saved yet")
    tick(first_day, "Notes").value = False
    press(button(first_day, "Save"))
    await first_day.user.should_not_see("Not saved yet")


async def test_the_google_client_is_checked_kept_and_named(first_day: Visit) -> None:
    await first_day.user.open("/practice")
    await first_day.user.should_see("Not added yet")
    await drop(first_day, CLIENT_FILE)
    await until(lambda: "was added." in first_day.notices())
    await first_day.user.should_see("Practitioners can connect to Google.")
    assert not list(first_day.site.options.incoming.iterdir())


async def test_the_client_that_is_kept_already_is_said_to_be(visit: Visit) -> None:
    await visit.user.open("/practice")
    await drop(visit, CLIENT_FILE)
    await until(lambda: "already the practice's Google client" in visit.notices())


async def test_another_client_is_kept_only_when_a_person_confirms(visit: Visit) -> None:
    other = CLIENT_FILE.replace(b"practice.apps", b"other.apps").replace(b"banksia", b"wattle")
    connecting = visit.application.services.connecting
    await visit.user.open("/practice")
    await drop(visit, other)
    await visit.user.should_see("Replace the Google client?")
    await visit.user.should_see("to connect again.")
    press(button(visit, "Keep banksia-calendar"))
    assert await connecting.client_name() == "banksia-calendar"
    await drop(visit, other)
    await visit.user.should_see("Replace the Google client?")
    press(button(visit, "Replace it"))
    await until(lambda: "was replaced by wattle-calendar." in visit.notices())
    assert await connecting.client_name() == "wattle-calendar"


async def test_a_wrong_client_file_is_refused_in_words(first_day: Visit) -> None:
    await first_day.user.open("/practice")
    await drop(first_day, b'{"web": {}}')
    await until(first_day.notices)
    assert await first_day.application.services.connecting.client_name() is None
    await first_day.user.should_see("Not added yet")


async def test_a_huge_client_file_is_not_even_read(first_day: Visit) -> None:
    await first_day.user.open("/practice")
    await drop(first_day, b" " * 100_000)
    await until(lambda: "too large" in first_day.notices())


async def test_the_privacy_cap_is_saved(first_day: Visit) -> None:
    await first_day.user.open("/practice")
    field(first_day, "Client's name, at most").value = ClientName.INITIALS
    tick(first_day, "Notes").value = False
    press(button(first_day, "Save"))
    await until(
        lambda: (
            first_day.application.settings.read().practice.cap.client_name is ClientName.INITIALS
        )
    )
    assert Item.NOTES not in first_day.application.settings.read().practice.cap.items


async def test_every_time_zone_is_offered_once_the_field_is_opened(visit: Visit) -> None:
    await visit.user.open("/practice")
    zone = field(visit, "Time zone")
    assert len(zone.options) < 20
    opened(zone)
    await until(lambda: "Europe/Berlin" in zone.options and len(zone.options) > 300)
    assert zone.value == "Australia/Sydney"
