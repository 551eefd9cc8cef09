"""The page that connects everybody of a Google Workspace, and a practitioner's page beside it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from nicegui import ui

from companion.domain.errors import DelegationRefused, Offline
from companion.services.google.consents import APP_CREATED, CALENDAR_LIST, EVENTS_OWNED
from tests.fakes.keys import key_text
from tests.fakes.services import CLIENT_FILE, the_sample
from tests.pages.conftest import Visit
from tests.pages.driving import button, drop, field, named, press, radio, until

CLIENT_ID = "104727004242420010001"
ZOE, JURGEN = (each.id for each in the_sample().practitioners[:2])


@pytest.fixture
async def clinic(demo: Visit) -> Visit:
    """Six practitioners with an e-mail address, nobody connected, the key in place."""
    await demo.application.services.connecting.set_client(key_text())
    return demo


async def test_without_a_key_the_steps_lead_to_one(first_day: Visit) -> None:
    await first_day.user.open("/practice/workspace")
    await first_day.user.should_see("Make a service account and its key")
    await first_day.user.should_see("First bring the key here.")
    assert "Connect everybody" not in [each.text for each in first_day.elements(ui.button)]


async def test_a_key_dropped_beside_the_client_is_kept_and_leads_to_what_is_next(
    first_day: Visit,
) -> None:
    await first_day.user.open("/practice")
    await drop(first_day, key_text(), "key.json")
    await first_day.user.should_see(CLIENT_ID)
    assert await first_day.application.services.connecting.delegates()


async def test_a_half_key_is_refused_in_a_sentence(first_day: Visit) -> None:
    await first_day.user.open("/practice/workspace")
    await drop(first_day, b'{"type": "service_account"}', "key.json")
    await until(lambda: "not a Google client file" in first_day.notices())
    assert not await first_day.application.services.connecting.delegates()


async def test_another_service_account_is_asked_about_while_somebody_is_connected(
    clinic: Visit,
) -> None:
    await clinic.application.services.connecting.delegate(ZOE)
    await clinic.user.open("/practice/workspace")
    await drop(clinic, key_text(client_id="9"), "key.json")
    await clinic.user.should_see("This is another service account than")
    press(button(clinic, "Replace it"))
    await until(lambda: '"9"' in clinic.application.secrets.kept["google/service-account"])


async def test_client_id_and_scopes_are_there_to_be_copied_and_the_form_is_filled_in(
    clinic: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []
    monkeypatch.setattr(ui.clipboard, "write", copied.append)
    await clinic.user.open("/practice/workspace")
    for name in ("Copy: Client ID", "Copy: OAuth scopes (comma-delimited)"):
        press(named(clinic, name))
    await until(lambda: len(copied) == 2)
    assert copied == [CLIENT_ID, f"{APP_CREATED},{CALENDAR_LIST}"]
    links = [each.props.get("href", "") for each in clinic.elements(ui.button)]
    assert any("clientIdToAdd=" + CLIENT_ID in str(link) for link in links)


async def test_everybody_is_connected_by_one_press_and_uploaded_by_another(clinic: Visit) -> None:
    await clinic.application.write(*the_sample().appointments)
    await clinic.user.open("/practice/workspace")
    await clinic.user.should_see("0 of 6 practitioners connected by the service account.")
    press(button(clinic, "Connect everybody"))
    press(button(clinic, "Connect everybody"))
    await clinic.user.should_see("6 practitioners were connected.")
    await clinic.user.should_see("6 of 6 practitioners connected by the service account.")
    assert len(clinic.application.google.minted) == 6
    press(button(clinic, "Upload 6 calendars"))
    made = clinic.application.google.calendars_by_id.values()
    await until(lambda: all(each.ours() for each in made))


async def test_a_run_under_way_is_shown_on_every_page_and_can_be_cancelled(clinic: Visit) -> None:
    google = clinic.application.google

    async def wait_for_cancel(when: str, name: str) -> None:
        if (when, name) == ("before", "mint"):
            await until(lambda: clinic.application.services.workspace._stopping)

    google.hook = wait_for_cancel
    clinic.application.services.workspace.begin()
    await clinic.user.open("/practice/workspace")
    await clinic.user.should_see("0 of 6 practitioners …")
    press(button(clinic, "Cancel"))
    press(button(clinic, "Cancel"))
    await clinic.user.should_see("6 practitioners were connected.")


async def test_who_was_not_connected_is_named_with_the_cure(clinic: Visit) -> None:
    application = clinic.application
    record = application.settings.current.practitioners[JURGEN]
    nameless = replace(record, practitioner=replace(record.practitioner, email=""))
    application.settings.current = application.settings.current.with_practitioner(nameless)
    application.google.strangers.add(the_sample().practitioners[0].email)
    await clinic.user.open("/practice/workspace")
    await clinic.user.should_see("Without a Google Login")
    press(button(clinic, "Connect everybody"))
    await clinic.user.should_see("Google Workspace knows nobody with this Google Login.")
    await clinic.user.should_see(DelegationRefused.default_remedy)
    links = [str(each.props.get("href")) for each in clinic.elements(ui.element)]
    assert links.count(f"/practitioner/{ZOE}") == links.count(f"/practitioner/{JURGEN}") == 1


async def test_without_a_network_it_stops_and_says_how_many_are_left(clinic: Visit) -> None:
    clinic.application.google.offline = True
    await clinic.user.open("/practice/workspace")
    press(button(clinic, "Connect everybody"))
    await clinic.user.should_see(Offline.default_what)


async def test_a_third_scope_is_asked_for_where_somebody_keeps_a_calendar(visit: Visit) -> None:
    await visit.application.services.connecting.set_client(key_text())
    await visit.user.open("/practice/workspace")
    await visit.user.should_see("because some keep a calendar that they have already")
    await visit.user.should_see("4 practitioners signed in at Google")


async def test_an_unused_key_is_removed_after_a_question(clinic: Visit) -> None:
    await clinic.user.open("/practice/workspace")
    press(button(clinic, "Remove the key …"))
    await clinic.user.should_see("Remove the key?")
    press(button(clinic, "Remove it"))
    await clinic.user.should_see("First bring the key here.")


# ── on a practitioner's page ──────────────────────────────────────────────────────────────────


async def test_an_administrator_connects_without_leaving_the_page(clinic: Visit) -> None:
    await clinic.application.services.connecting.set_client(CLIENT_FILE)
    await clinic.user.open(f"/practitioner/{ZOE}")
    await clinic.user.should_see("nobody signs in.")
    await clinic.user.should_see("Sign in at Google instead")
    press(button(clinic, "Connect to Google"))
    await clinic.user.should_see("Connected by the service account as")
    record = clinic.application.settings.current.practitioners[ZOE]
    assert record.google.calendar_name == "Appointments"
    assert (await clinic.application.ledger.state(ZOE)).awaiting_upload


async def test_a_refusal_is_said_with_its_cure(clinic: Visit) -> None:
    clinic.application.google.strangers.add(the_sample().practitioners[0].email)
    await clinic.user.open(f"/practitioner/{ZOE}")
    press(button(clinic, "Connect to Google"))
    await until(lambda: "knows nobody" in clinic.notices())


async def test_an_existing_calendar_is_taken_by_its_id(clinic: Visit) -> None:
    application = clinic.application
    application.google.add_calendar("work@group.example", the_sample().practitioners[0].email)
    application.google.authorised.add(EVENTS_OWNED)
    await application.services.connecting.delegate(ZOE)
    await clinic.user.open(f"/practitioner/{ZOE}")
    radio(clinic, "Calendar").set_value("existing")
    field(clinic, "Google Calendar ID").set_value("work@group.example")
    press(button(clinic, "Change the calendar"))
    people = application.settings.read
    await until(lambda: people().record(ZOE).google.calendar_id == "work@group.example")
