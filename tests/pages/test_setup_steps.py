"""The set-up as steps: remembered, shown for everybody, copied, and the upload with its proof."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from nicegui import ui

from companion.domain.disclosure import ClientName
from companion.domain.settings import Settings
from companion.domain.users import Role, User
from companion.services.google.consents import CalendarChoice
from companion.services.settings.setup import STEPS
from companion.web.ui.components.practitioner_card import PractitionerCard
from companion.web.ui.components.setup_steps import StepNumber
from tests.fakes.services import CLIENT_FILE, fake_application, lived_in, the_sample
from tests.pages.conftest import Visit, visiting
from tests.pages.driving import button, field, leads_to, press, previewed, radio_of, tick, until

PEOPLE = the_sample().practitioners
ZOE, NEW = PEOPLE[0], PEOPLE[5]


def done(visit: Visit, who: str) -> list[int]:
    steps = visit.application.services.setup.steps(who).steps
    return [each.number for each in steps if each.done]


def unfolded(visit: Visit) -> list[str]:
    folds = [each for each in visit.elements(ui.element) if each.tag == "details"]
    return [each.props["id"] for each in folds if "open" in each.props]


@pytest.fixture
async def filled(tmp_path: Path) -> AsyncIterator[Visit]:
    """Zoë is connected, her book is not uploaded yet."""
    sample = the_sample()
    application = fake_application(sample)
    await application.services.connecting.set_client(CLIENT_FILE)
    await application.write(*sample.appointments)
    await application.connect(ZOE.id, ZOE.email)
    async with visiting(application, tmp_path) as visit:
        yield visit


async def test_the_page_says_where_one_stopped(filled: Visit) -> None:
    await filled.user.open(f"/practitioner/{NEW.id}")
    await filled.user.should_see("0 of 9 steps done.")
    assert unfolded(filled) == ["step-1", "step-2", "step-3", "step-4"]
    await filled.user.open(f"/practitioner/{ZOE.id}")
    await filled.user.should_see("6 of 9 steps done.")
    assert unfolded(filled) == []


async def test_as_many_steps_are_listed_as_are_counted(filled: Visit) -> None:
    await filled.user.open(f"/practitioner/{NEW.id}")
    assert len(filled.elements(StepNumber)) == 9
    await filled.user.should_see("It can begin once a calendar is connected: steps 2 to 4.")
    await filled.user.open(f"/practitioner/{ZOE.id}")
    press(button(filled, "Preview the upload …"))
    await filled.user.should_see(f"Upload to Google for {ZOE.name}")


async def test_right_after_connecting_the_tests_run_by_themselves_and_the_upload_is_next(
    filled: Visit,
) -> None:
    await filled.user.open(f"/practitioner/{ZOE.id}")
    await until(lambda: done(filled, ZOE.id) == [1, 2, 3, 4, 5, 6])
    (card,) = filled.elements(PractitionerCard)
    assert card.card["sentence"] == "Connected; nothing uploaded yet. Press Upload to Google."
    labels = [each["label"] for each in card.card["actions"]]
    assert labels == ["Upload to Google", "Open in Google Calendar"]


async def test_a_check_that_failed_is_seen_and_not_repeated_by_itself(filled: Visit) -> None:
    google = filled.application.google
    record = filled.application.settings.read().record(ZOE.id)
    del google.calendars_by_id[record.google.calendar_id]
    await filled.user.open(f"/practitioner/{ZOE.id}")
    await filled.user.should_see("Calendar Accessible (Failed)")
    await filled.user.open(f"/practitioner/{ZOE.id}")
    await filled.user.should_see("With these choices")
    assert button(filled, "Check Calendar is accessible").enabled


async def test_the_card_connects_with_what_the_steps_hold(filled: Visit) -> None:
    await filled.user.open(f"/practitioner/{NEW.id}")
    gone_to = leads_to(filled)
    field(filled, "Name of the new calendar").value = "Clinic"
    (card,) = filled.elements(PractitionerCard)
    assert [each["label"] for each in card.card["actions"]] == ["Connect to Google"]
    press(card, "connect")
    await until(lambda: gone_to)
    assert gone_to[0].endswith("calendar=new&name=Clinic")


async def test_the_checks_and_the_choices_are_remembered(filled: Visit) -> None:
    await filled.user.open(f"/practitioner/{ZOE.id}")
    await filled.user.should_see("6 of 9 steps done.")
    field(filled, "Days in Advance").value = 30
    press(button(filled, "Apply"))
    await filled.user.should_see("8 of 9 steps done.")
    await filled.user.should_see("7 days back, 30 ahead")
    await filled.user.open(f"/practitioner/{ZOE.id}")
    await filled.user.should_see("8 of 9 steps done.")


async def test_the_upload_is_previewed_confirmed_and_proved(filled: Visit) -> None:
    await filled.user.open(f"/practitioner/{ZOE.id}")
    events = (await filled.application.services.syncing.plan(ZOE.id)).events
    card = next(each for each in filled.elements(ui.element) if hasattr(each, "card"))
    press(card, "upload")
    await filled.user.should_see(f"Upload to Google for {ZOE.name}")
    await filled.user.should_see("to add")
    await filled.user.should_see("Google takes it in about")
    assert sum(each.content.count("mark--add") for each in filled.elements(ui.html)) == 10
    assert not filled.application.google.calendars_by_id[
        filled.application.settings.read().practitioners[ZOE.id].google.calendar_id
    ].live()
    press(button(filled, "Upload"))
    await filled.user.should_see("Up to date")
    await until(lambda: 9 in done(filled, ZOE.id))
    await filled.user.should_see(f"{events} = Google {events}")


async def test_a_second_upload_says_that_there_is_nothing_to_do(filled: Visit) -> None:
    await filled.application.services.syncing.run(ZOE.id, cause="upload")
    await filled.user.open(f"/practitioner/{ZOE.id}")
    card = next(each for each in filled.elements(ui.element) if hasattr(each, "card"))
    press(card, "upload")
    await filled.user.should_see("Google already shows what the book says")
    press(button(filled, "Compare with Google"))
    await filled.user.should_see("nothing had to be written")


async def test_a_calendar_is_chosen_from_the_list(filled: Visit) -> None:
    application = filled.application
    application.google.add_calendar("mine@group.example", NEW.email, name="My own")
    start = await application.services.connecting.begin(
        NEW.id,
        calendar=CalendarChoice(kind="list"),
        redirect_uri="http://127.0.0.1:8080/oauth/callback",
    )
    await application.services.connecting.finish(application.google.consent(start.url, NEW.email))
    assert done(filled, NEW.id) == [2, 3]
    await filled.user.open(f"/practitioner/{NEW.id}")
    await filled.user.should_see("Use this calendar")
    mine = next(
        each for each in filled.elements(ui.radio) if each.props.get("aria-label") == "My calendars"
    )
    mine.value = next(iter(mine.options))
    press(button(filled, "Use this calendar"))
    await until(lambda: application.settings.read().practitioners[NEW.id].google.connected)


async def test_the_choice_of_the_list_goes_along_to_google(filled: Visit) -> None:
    await filled.user.open(f"/practitioner/{NEW.id}")
    gone_to = leads_to(filled)
    radio_of(filled, "list").value = "list"
    press(button(filled, "Connect to Google"))
    await until(lambda: gone_to)
    assert gone_to[0].endswith("calendar=list")


async def test_the_preview_shows_google_beside_a_phone_link(filled: Visit) -> None:
    await filled.user.open(f"/practitioner/{ZOE.id}")
    await filled.user.should_see("What a phone link shows (initials)")
    radio_of(filled, "full").value = ClientName.FULL
    await until(lambda: previewed(filled)[0] in previewed(filled)[1])
    book, _google, phone, *_ = previewed(filled)
    assert book not in phone


async def test_the_first_uploads_time_follows_from_the_quota(filled: Visit) -> None:
    await filled.user.open(f"/practitioner/{ZOE.id}")
    await filled.user.should_see("A first upload of all of them takes about")


async def test_ok_keeps_everything_and_goes_back(filled: Visit) -> None:
    await filled.user.open(f"/practitioner/{ZOE.id}")
    gone_to = leads_to(filled)
    field(filled, "Days in Advance").value = 30
    field(filled, "Colour in Google").value = "11"
    press(button(filled, "OK"))
    await until(lambda: gone_to)
    choices = filled.application.settings.read().practitioners[ZOE.id].choices
    assert (choices.days_in_advance, choices.colour) == (30, "11")


async def test_ok_with_a_bad_value_keeps_nothing_and_stays(filled: Visit) -> None:
    await filled.user.open(f"/practitioner/{ZOE.id}")
    gone_to = leads_to(filled)
    before = filled.application.settings.read().record(ZOE.id).choices
    field(filled, "Colour in Google").value = "11"
    field(filled, "Days in Advance").value = 9999
    press(button(filled, "OK"))
    await until(lambda: field(filled, "Days in Advance").error)
    assert gone_to == []
    assert filled.application.settings.read().record(ZOE.id).choices == before


async def test_settings_are_copied_to_others(filled: Visit) -> None:
    await filled.application.services.practitioners.set_values(ZOE.id, {"days_in_advance": "90"})
    await filled.user.open(f"/practitioner/{ZOE.id}")
    press(button(filled, "Copy settings to others …"))
    await filled.user.should_see(f"Copy the settings of {ZOE.name}")
    press(button(filled, "Copy"))
    await filled.user.should_see("Nobody is chosen.")
    tick(filled, NEW.name).value = True
    press(button(filled, "Copy"))
    people = filled.application.settings.read
    await until(lambda: people().practitioners[NEW.id].choices.days_in_advance == 90)
    assert people().practitioners[PEOPLE[1].id].choices.days_in_advance == 60


async def test_the_table_shows_who_is_stuck_where(filled: Visit) -> None:
    await filled.user.open("/progress")
    await filled.user.should_see("0 of 6 practitioners are through all steps.")
    await filled.user.should_see("5 Test Credentials")
    await filled.user.should_see("1 Enable Google Calendar Sync")
    columns = [each for each in filled.elements(ui.element) if each.props.get("scope") == "col"]
    assert [each.props["title"] for each in columns[2:]] == list(STEPS)


async def test_a_practitioner_copies_nothing_to_others(tmp_path: Path) -> None:
    own = User(id="zoe", name="Zoë", role=Role.PRACTITIONER, practitioner_id=ZOE.id)
    async with visiting(await lived_in(), tmp_path, who=own) as visit:
        await visit.user.open(f"/practitioner/{ZOE.id}")
        await visit.user.should_see("Items to include")
        await visit.user.should_not_see("Copy settings to others …")
        answer = await visit.user.http_client.get("/progress")
        assert answer.status_code == 403


async def test_a_step_is_ticked_as_soon_as_it_is_done(filled: Visit) -> None:
    def ticked() -> list[int]:
        marks = filled.elements(StepNumber)
        return [n for n, each in enumerate(marks, 1) if f"Step {n}, done" in each.content]

    await filled.user.open(f"/practitioner/{ZOE.id}")
    assert not {7, 8} & set(ticked())
    field(filled, "Days in Advance").value = 30
    press(button(filled, "Apply"))
    await until(lambda: {7, 8} <= set(ticked()))
    assert [each for each in (7, 8) if each in done(filled, ZOE.id)] == [7, 8]


async def test_googles_other_pages_are_explained_with_the_client_id_to_trust(
    filled: Visit,
) -> None:
    await filled.user.open(f"/practitioner/{NEW.id}")
    await filled.user.should_see("Google shows something else?")
    await filled.user.should_see("Google hasn't verified this app")
    await filled.user.should_see("App access control")
    client_id = await filled.application.services.connecting.client_id()
    assert client_id
    await filled.user.should_see(client_id)


async def test_a_sign_in_that_google_will_end_is_warned_of(filled: Visit) -> None:
    ends = datetime(2026, 3, 9, 9, 0, tzinfo=UTC)

    def edit(settings: Settings) -> Settings:
        record = settings.record(ZOE.id)
        return settings.with_practitioner(
            replace(record, google=replace(record.google, ends_at=ends))
        )

    await filled.application.settings.change(edit)
    await filled.user.open(f"/practitioner/{ZOE.id}")
    await filled.user.should_see("Google ends this sign-in on")
    await filled.user.should_see("press Publish app")
