"""One practitioner's page: the steps, the form that waits for Apply, the links."""

from __future__ import annotations

from dataclasses import replace

import pytest
from nicegui import ui

from companion.domain.disclosure import ClientName
from companion.domain.reconcile import LedgerEntryState
from companion.services.ports import calendar_of
from tests.fakes.services import the_sample
from tests.pages.conftest import Visit
from tests.pages.driving import button, field, leads_to, press, previewed, radio_of, tick, until

PEOPLE = the_sample().practitioners
ZOE, GONE, NEW = PEOPLE[0].id, PEOPLE[2].id, PEOPLE[5].id


def choices(visit: Visit, who: str = ZOE) -> object:
    return visit.application.settings.read().practitioners[who].choices


async def test_the_steps_stand_in_the_vendors_order(visit: Visit) -> None:
    await visit.user.open(f"/practitioner/{ZOE}")
    shown = [each.text for each in visit.elements(ui.element) if each.tag == "h3"]
    steps = [
        "Enable Google Calendar Sync",
        "Google Login",
        "Connect to Google",
        "Calendar",
        "Test Credentials",
        "Check Calendar is accessible",
        "Sync period",
        "Items to include",
    ]
    assert [each for each in shown if each in steps] == steps


async def test_a_good_sign_in_makes_both_checks_green(visit: Visit) -> None:
    await visit.user.open(f"/practitioner/{ZOE}")
    press(button(visit, "Test Credentials"))
    await visit.user.should_see("Test Credentials (Succeeded)")
    press(button(visit, "Check Calendar is accessible"))
    await visit.user.should_see("Calendar Accessible (Succeeded)")
    calendars = visit.application.google.calendars_by_id.values()
    assert not [
        event for each in calendars for event in each.live() if "test" in event.content.summary
    ]


async def test_a_dead_sign_in_says_what_to_try(visit: Visit) -> None:
    await visit.user.open(f"/practitioner/{GONE}")
    press(button(visit, "Test Credentials"))
    await visit.user.should_see("What to try, in this order:")
    await visit.user.should_not_see("Test Credentials (Succeeded)")


async def test_nothing_counts_before_apply(visit: Visit) -> None:
    await visit.user.open(f"/practitioner/{ZOE}")
    before = choices(visit)
    field(visit, "Days in Advance").value = 90
    await visit.user.should_see("Not saved yet")
    assert choices(visit) == before
    press(button(visit, "Apply"))
    await until(lambda: choices(visit) != before)
    assert visit.application.settings.read().practitioners[ZOE].choices.days_in_advance == 90
    await until(lambda: "Saved." in visit.notices())


async def test_the_dates_follow_the_days(visit: Visit) -> None:
    await visit.user.open(f"/practitioner/{ZOE}")
    field(visit, "Days in Arrears").value = 1
    field(visit, "Days in Advance").value = 2
    await visit.user.should_see("From Mon 23 Nov 2026 to Thu 26 Nov 2026.")


@pytest.mark.parametrize("label", ["Days in Arrears", "Days in Advance"])
async def test_days_out_of_range_are_refused_at_their_field_and_stay_as_typed(
    visit: Visit, label: str
) -> None:
    await visit.user.open(f"/practitioner/{ZOE}")
    before, days = choices(visit), field(visit, label)
    days.value = 9999
    press(button(visit, "Apply"))
    await until(lambda: "730" in str(days.error))
    assert days.value == 9999
    assert choices(visit) == before


async def test_at_least_one_kind_must_go(visit: Visit) -> None:
    await visit.user.open(f"/practitioner/{ZOE}")
    for label in ("Client appointments", "Casual appointments", "Meetings", "Recurring meetings"):
        tick(visit, label).value = False
    press(button(visit, "Apply"))
    await visit.user.should_see("At least one kind")


async def test_the_preview_shows_what_google_will_show(visit: Visit) -> None:
    await visit.user.open(f"/practitioner/{ZOE}")
    await visit.user.should_see("What Google will show")
    await visit.user.should_see("events would be in Google")
    client = radio_of(visit, "full")
    book, google, *_ = previewed(visit)
    assert book not in google
    client.value = ClientName.FULL
    await until(lambda: book in previewed(visit)[1])
    press(button(visit, "Apply"))
    await until(
        lambda: (
            visit.application.settings.read().practitioners[ZOE].choices.disclosure.client_name
            is ClientName.FULL
        )
    )


async def test_the_practices_cap_limits_what_can_be_chosen(visit: Visit) -> None:
    await visit.application.services.practitioners.set_practice(
        {"cap_client_name": "initials", "cap_include": "type"}
    )
    await visit.user.open(f"/practitioner/{ZOE}")
    client = radio_of(visit, "none")
    assert set(client.options) == {"initials", "id", "none"}
    assert not tick(visit, "Notes (not allowed by the practice)").enabled


async def test_connect_goes_to_google_with_login_and_calendar(visit: Visit) -> None:
    await visit.user.open(f"/practitioner/{NEW}")
    gone_to = leads_to(visit)
    field(visit, "E-mail of the Google account").value = "mei@example.com"
    field(visit, "Name of the new calendar").value = "Clinic & more"
    press(button(visit, "Connect to Google"))
    await until(lambda: gone_to)
    assert gone_to == [
        f"/oauth/start/{NEW}?login=mei%40example.com&calendar=new&name=Clinic+%26+more"
    ]


async def test_an_invalid_calendar_id_is_shown_at_its_field(visit: Visit) -> None:
    await visit.user.open(f"/practitioner/{NEW}")
    radio_of(visit, "existing").value = "existing"
    field(visit, "Google Calendar ID").value = "my calendar"
    press(button(visit, "Connect to Google"))
    await until(lambda: field(visit, "Google Calendar ID").error)


async def test_a_sign_in_under_way_can_be_cancelled(visit: Visit) -> None:
    connecting = visit.application.services.connecting
    await connecting.begin(NEW, redirect_uri="http://127.0.0.1:8080/oauth/callback", user="owner")
    await visit.user.open(f"/practitioner/{NEW}")
    await visit.user.should_see("A sign-in at Google is under way.")
    press(button(visit, "Cancel the sign-in"))
    await until(lambda: connecting.waiting(NEW) is None)


async def test_the_checks_wait_for_a_connection(visit: Visit) -> None:
    await visit.user.open(f"/practitioner/{NEW}")
    assert not button(visit, "Test Credentials").enabled
    await visit.user.should_see("Connect to Google first.")


async def test_devices_with_a_link_are_named_and_lead_to_their_page(visit: Visit) -> None:
    await visit.user.open(f"/practitioner/{ZOE}")
    await visit.user.should_see("Work phone")
    await visit.user.should_see("Not fetched yet")
    assert button(visit, "Phone links").props["href"] == f"/phone/{ZOE}"


async def test_disconnecting_can_take_the_events_along(visit: Visit) -> None:
    await visit.user.open(f"/practitioner/{ZOE}")
    press(button(visit, "Disconnect …"))
    await visit.user.should_see("Disconnect from Google?")
    tick(visit, "Also remove our events from the Google calendar").value = True
    press(button(visit, "Disconnect"))
    await until(
        lambda: not visit.application.settings.read().practitioners[ZOE].google.connected,
        seconds=10,
    )


async def test_what_was_left_out_is_put_back_at_a_press(visit: Visit) -> None:
    application = visit.application
    calendar = calendar_of(application.settings.read().record(ZOE))
    first, *_ = await application.ledger.entries(calendar)
    await application.ledger.write(calendar, put=[replace(first, state=LedgerEntryState.LEFT_OUT)])
    await visit.user.open(f"/practitioner/{ZOE}")
    press(button(visit, "Put back what was left out"))
    await until(lambda: "1 event will be in Google again" in visit.notices())
    press(button(visit, "Put back what was left out"))
    await until(lambda: "No event is left out" in visit.notices())


async def test_two_names_of_one_person_are_merged(visit: Visit) -> None:
    application = visit.application
    added = await application.services.practitioners.add("Zoe Nguyen")
    count = await application.book.count(ZOE)
    await visit.user.open(f"/practitioner/{added.id}")
    press(button(visit, "Merge into another …"))
    await visit.user.should_see("Merge Zoe Nguyen into another practitioner?")
    press(button(visit, "Merge"))
    await visit.user.should_see("Choose whom to merge into.")
    field(visit, "Into").value = ZOE
    press(button(visit, "Merge"))
    await until(lambda: added.id not in application.settings.read().practitioners)
    assert "Zoe Nguyen" in application.settings.read().record(ZOE).practitioner.aliases
    assert await application.book.count(ZOE) == count


async def test_a_practitioner_is_removed_after_confirmation(visit: Visit) -> None:
    application = visit.application
    added = await application.services.practitioners.add("Zoe Nguyen")
    await visit.user.open(f"/practitioner/{added.id}")
    press(button(visit, "Remove …"))
    await visit.user.should_see("Remove Zoe Nguyen?")
    assert added.id in application.settings.read().practitioners
    press(button(visit, "Remove"))
    await until(lambda: added.id not in application.settings.read().practitioners)


async def test_who_is_connected_is_neither_merged_nor_removed(visit: Visit) -> None:
    await visit.user.open(f"/practitioner/{ZOE}")
    assert not [each for each in visit.elements(ui.button) if each.text == "Remove …"]


async def test_what_was_saved_is_taken_back_from_its_notice(visit: Visit) -> None:
    await visit.user.open(f"/practitioner/{ZOE}")
    before = choices(visit)
    field(visit, "Days in Advance").value = 90
    press(button(visit, "Apply"))
    await until(lambda: "Saved." in visit.notices())
    layout = visit.user.client.layout if visit.user.client else None
    assert layout is not None
    undo = [e for e in layout._event_listeners.values() if e.type.startswith("undo")]
    press(layout, undo[0].type)
    await until(lambda: choices(visit) == before)
