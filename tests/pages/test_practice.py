"""The practice's page: name, zone, the Google client file, the privacy cap."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path

import pytest
from nicegui import ui

from companion.domain.disclosure import ClientName, DisclosureItem
from companion.domain.errors import CompanionError, StoreError
from companion.domain.opening_hours import Opening
from companion.services.this_computer import DesktopEntryState
from companion.web.control import Command
from tests.fakes.services import CLIENT_FILE, lived_in
from tests.pages.conftest import Visit, visiting
from tests.pages.driving import button, drop, field, opened, press, tick, until

NAMES, PRIVACY, AGE = range(3)
"""The cards that can be saved, from the top."""


def save(visit: Visit, card: int) -> ui.button:
    found: list[ui.button] = [each for each in visit.elements(ui.button) if each.text == "Save"]
    return found[card]


async def test_name_and_zone_are_saved(first_day: Visit) -> None:
    await first_day.user.open("/practice")
    field(first_day, "Name of the practice").value = "Banksia Street"
    field(first_day, "Time zone").value = "Australia/Perth"
    press(save(first_day, NAMES))
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
    press(save(first_day, PRIVACY))
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
    await until(lambda: button(visit, "Replace it"))
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
    press(save(first_day, PRIVACY))
    await until(
        lambda: (
            first_day.application.settings.read().practice.cap.client_name is ClientName.INITIALS
        )
    )
    assert DisclosureItem.NOTES not in first_day.application.settings.read().practice.cap.items


async def test_when_a_schedule_is_old_is_said_in_words_and_saved(first_day: Visit) -> None:
    await first_day.user.open("/practice")
    await first_day.user.should_see("As working hours say: Monday to Friday, 08:00 to 18:00")
    field(first_day, "Show the notice").value = "never"
    first_day.elements(ui.radio)[-1].value = True
    tick(first_day, "Saturday").value = True
    field(first_day, "From").value = "07:30"
    field(first_day, "Closed on (holidays)").value = "2026-12-25, 2026-12-28..2027-01-01"
    await first_day.user.should_see("Not saved yet")
    press(save(first_day, AGE))
    await until(lambda: "Saved." in first_day.notices())
    await first_day.user.should_not_see("Not saved yet")
    practice = first_day.application.settings.read().practice
    assert practice.stale_days is None
    assert practice.opening.days == {0, 1, 2, 3, 4, 5}
    assert (practice.opening.opens, practice.opening.closes) == (time(7, 30), time(18))
    assert [each.last for each in practice.opening.closures] == [
        date(2026, 12, 25),
        date(2027, 1, 1),
    ]
    first_day.elements(ui.radio)[-1].value = False
    field(first_day, "Closed on (holidays)").value = ""
    press(save(first_day, AGE))
    await until(lambda: first_day.application.settings.read().practice.opening == Opening())


@pytest.mark.parametrize(
    ("label", "value", "said"),
    [
        ("Closed on (holidays)", "Christmas", "is no day."),
        ("From", "", "The time is missing."),
        ("From", "19:00", "closes before it opens."),
    ],
)
async def test_what_cannot_be_is_said_at_its_field_and_changes_nothing(
    first_day: Visit, label: str, value: str, said: str
) -> None:
    await first_day.user.open("/practice")
    before = first_day.application.settings.read()
    first_day.elements(ui.radio)[-1].value = True
    field(first_day, "Show the notice").value = "2"
    field(first_day, label).value = value
    press(save(first_day, AGE))
    await until(lambda: said in (field(first_day, label).error or ""))
    assert first_day.application.settings.read() == before


async def test_every_time_zone_is_offered_once_the_field_is_opened(visit: Visit) -> None:
    await visit.user.open("/practice")
    zone = field(visit, "Time zone")
    assert len(zone.options) < 20
    opened(zone)
    await until(lambda: "Europe/Berlin" in zone.options and len(zone.options) > 300)
    assert zone.value == "Australia/Sydney"


# ── this computer ─────────────────────────────────────────────────────────────────────────────

START = "Start by itself when I sign in to this computer"


async def test_the_start_at_sign_in_is_switched_here(first_day: Visit) -> None:
    desktop = first_day.application.desktop
    await first_day.user.open("/practice")
    for on, said in ((True, "starts by itself from now on"), (False, "any more")):
        switch(first_day, START).value = on
        await until(lambda said=said: said in first_day.notices())  # type: ignore[misc]
        assert desktop.autostart.found.there is on
    assert not desktop.menu.found.there


async def test_what_the_system_refuses_is_said_and_the_switch_goes_back(first_day: Visit) -> None:
    first_day.application.desktop.menu.trouble = CompanionError("Windows says no.", "Ask.")
    await first_day.user.open("/practice")
    switch(first_day, "Entry in this computer's menu").value = True
    await until(lambda: "Windows says no." in first_day.notices())
    assert switch(first_day, "Entry in this computer's menu").value is False


async def test_an_entry_of_a_folder_that_has_gone_says_so(first_day: Visit) -> None:
    entry = first_day.application.desktop.autostart
    entry.found = DesktopEntryState(
        there=True, place="", fault="moved", what="It names the old folder."
    )
    await first_day.user.open("/practice")
    await first_day.user.should_see("It names the old folder.")
    switch(first_day, START).value = True
    await first_day.user.should_not_see("It names the old folder.")
    assert entry.found.works


async def test_the_sync_is_paused_here_and_goes_on_from_the_overview(visit: Visit) -> None:
    pausing = visit.application.services.pausing
    await visit.user.open("/practice")
    press(button(visit, "Pause for an hour"))
    await until(pausing.until)
    await visit.user.open("/")
    await visit.user.should_see("The background sync is paused until 10:30.")
    press(button(visit, "Go on now"))
    await visit.user.should_not_see("The background sync is paused")
    assert pausing.until() is None


async def test_a_pause_is_seen_and_ended_where_it_was_begun(visit: Visit) -> None:
    pausing = visit.application.services.pausing
    await visit.user.open("/practice")
    for _ in range(2):
        press(button(visit, "Pause for an hour"))
        await visit.user.should_see("The background sync is paused until 10:30.")
        assert pausing.until()
        press(button(visit, "Go on now"))
        await visit.user.should_not_see("The background sync is paused")
        assert pausing.until() is None


async def test_stopping_says_what_stops_and_asks(tmp_path: Path) -> None:
    asked: list[str] = []

    def command(word: str) -> Command:
        async def answer() -> dict[str, str]:
            asked.append(word)
            return {}

        return answer

    commands = {word: command(word) for word in ("sync", "stop")}
    async with visiting(await lived_in(), tmp_path, commands=commands) as visit:
        await visit.user.open("/practice")
        press(button(visit, "Sync now"))
        await until(lambda: asked == ["sync"])
        press(button(visit, "Stop Calendar Companion …"))
        await visit.user.should_see("no calendar is kept up to date")
        press(button(visit, "Keep it running"))
        await until(lambda: not visit.elements(ui.dialog))
        press(button(visit, "Stop Calendar Companion …"))
        await until(lambda: visit.elements(ui.dialog))
        press(button(visit, "Stop it"))
        await until(lambda: asked == ["sync", "stop"])


async def test_a_sync_that_cannot_begin_is_not_said_to_have_begun(tmp_path: Path) -> None:
    async def refused() -> dict[str, str]:
        return {"mood": "waiting", "sentence": "The disk is full."}

    practice = await lived_in()
    async with visiting(practice, tmp_path, commands={"sync": refused}) as visit:
        await visit.user.open("/practice")
        practice.settings.trouble = StoreError("The disk is full.", "Free some space.")
        press(button(visit, "Sync now"))
        await until(visit.notices)
        assert "The disk is full." in visit.notices()
        assert "Every calendar" not in visit.notices()


def switch(visit: Visit, label: str) -> ui.switch:
    found: list[ui.switch] = [each for each in visit.elements(ui.switch) if each.text == label]
    return found[0]
