"""The overview, through a simulated browser."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nicegui import ui

from companion.domain.appointments import Practitioner
from companion.domain.errors import StoreError
from companion.domain.sync_state import SyncTrouble
from companion.web.ui.components.practitioner_card import PractitionerCard
from companion.web.ui.static_html import StaticHtml
from tests.fakes.services import (
    CLIENT_FILE,
    TUESDAY,
    RunningClock,
    crowd,
    fake_application,
    lived_in,
    the_sample,
)
from tests.fakes.weeks import OFFLINE_AFTER, live_on
from tests.pages.conftest import Visit, visiting
from tests.pages.driving import button, field, named, press, tick, until

PEOPLE = the_sample().practitioners


def card(visit: Visit, place: int) -> PractitionerCard:
    found = [
        each for each in visit.elements(PractitionerCard) if each.card["id"] == PEOPLE[place].id
    ]
    assert isinstance(found[0], PractitionerCard)
    return found[0]


async def test_each_practitioner_has_a_card_with_state_and_proof(visit: Visit) -> None:
    await visit.user.open("/")
    await visit.user.should_see("Banksia Allied Health (sample)")
    assert len(visit.elements(PractitionerCard)) == len(PEOPLE)
    first = card(visit, 0).card
    assert first["badge"] == "Up to date"
    assert "verified" in first["proof"]
    assert [action["label"] for action in first["actions"]] == [
        "Upload to Google",
        "Open in Google Calendar",
        "Set up",
    ]
    await visit.user.should_see("2 need you")


async def test_who_needs_a_person_comes_first_and_then_who_is_not_connected(visit: Visit) -> None:
    await visit.user.open("/")
    shown = [each.card["badge"] for each in visit.elements(PractitionerCard)]
    assert shown == [
        "Held",
        "Sign in again",
        "Not connected",
        "Not connected",
        "Up to date",
        "Up to date",
    ]


async def test_nothing_is_drawn_of_weeks_that_have_not_been(visit: Visit) -> None:
    await visit.user.open("/")
    assert not any(each.card["strip"] for each in visit.elements(PractitionerCard))
    await visit.user.should_not_see("The last four weeks")


async def test_the_last_weeks_are_drawn_and_told_in_words(tmp_path: Path) -> None:
    clock = RunningClock()
    application = await lived_in(clock=clock)
    await live_on(application, clock, OFFLINE_AFTER + 1)
    async with visiting(application, tmp_path) as visit:
        await visit.user.open("/")
        await visit.user.should_see("The last four weeks")
        words = card(visit, 0).card["strip"]["words"]
        assert "without a sync" in words
        looks = [look for look, _ in card(visit, 0).card["strip"]["days"]]
        assert {"good", "none"} <= set(looks)
        table = next(e for e in visit.elements(StaticHtml) if "19 of 20" in e.content)
        assert table.content.count("<tr>") > 5
        dead = card(visit, 2).card["strip"]
        assert "not up to date" in dead["words"]
        titles = [title for _, title in dead["days"]]
        assert any("no longer accepts this practitioner's sign-in" in each for each in titles)


async def test_several_are_uploaded_at_once(visit: Visit) -> None:
    await visit.user.open("/")
    press(button(visit, "Upload several …"))
    await visit.user.should_see("Each calendar is brought to what the book says.")
    for place in (1, 2):
        tick(visit, PEOPLE[place].name).value = False
    press(button(visit, "Upload"))
    await visit.user.should_see("Nobody is chosen.")
    for place in (0, 3):
        tick(visit, PEOPLE[place].name).value = True
    press(button(visit, "Upload"))
    await until(lambda: "2 uploads begun." in visit.notices())
    await until(lambda: all("written" in card(visit, e).card["sentence"] for e in (0, 3)))


async def test_several_are_connected_from_one_list(visit: Visit) -> None:
    await visit.user.open("/")
    press(button(visit, "Connect several …"))
    await visit.user.should_see("Google opens in a new tab for each person")
    link = named(visit, f"Connect {PEOPLE[4].name}")
    assert link.props["href"] == f"/oauth/start/{PEOPLE[4].id}"
    await visit.application.connect(PEOPLE[4].id, PEOPLE[4].email)
    await visit.user.should_see(f"Connected: {PEOPLE[4].email}")


async def test_until_a_calendar_is_filled_the_next_step_is_shown(first_day: Visit) -> None:
    def steps() -> list[str]:
        rows = [e for e in first_day.elements(ui.element) if "begin__step" in e.classes]
        return ["now" if "aria-current" in each.props else "" for each in rows]

    application = first_day.application
    await first_day.user.open("/")
    await first_day.user.should_see("0 of 4 steps done.")
    await first_day.user.should_see("Nothing is set up yet: the steps below")
    await first_day.user.should_not_see("Start by bringing in the appointment book.")
    assert steps() == ["now", "", "", ""]
    await application.services.connecting.set_client(CLIENT_FILE)
    await application.services.practitioners.add("Ada Example")
    await application.write(replace(the_sample().imported[0], practitioner_id="ada-example"))
    await first_day.user.open("/")
    await first_day.user.should_see("3 of 4 steps done.")
    assert steps() == ["", "", "", "now"]
    await application.connect("ada-example", "ada@example.com")
    await application.services.syncing.run("ada-example", cause="upload")
    await first_day.user.open("/")
    await first_day.user.should_not_see("Getting started")


async def test_someone_not_connected_is_offered_the_sign_in(visit: Visit) -> None:
    await visit.user.open("/")
    action = card(visit, 5).card["actions"][0]
    assert action["label"] == "Connect to Google"
    assert action["href"] == f"/oauth/start/{PEOPLE[5].id}"


async def test_a_dead_sign_in_says_so_and_offers_another(visit: Visit) -> None:
    await visit.user.open("/")
    shown = card(visit, 2).card
    assert shown["badge"] == "Sign in again"
    assert shown["actions"][0]["label"] == "Sign in again"


async def test_an_upload_runs_and_shows_its_result(visit: Visit) -> None:
    await visit.user.open("/")
    new = replace(
        the_sample().imported[0], id="f" * 26, source_id="new", practitioner_id=PEOPLE[0].id
    )
    tomorrow = the_sample().own[0].start.replace(year=2026, month=11, day=25)
    await visit.application.write(replace(new, start=tomorrow, end=tomorrow.replace(hour=23)))
    press(card(visit, 0), "upload")
    await until(lambda: "1 added" in card(visit, 0).card["sentence"])
    shown = card(visit, 0).card
    assert (shown["badge"], shown["tone"]) == ("Up to date", "ok")
    assert shown["sentence"].startswith("Up to date, ")
    expired = SyncTrouble(
        kind="Offline", what="Google is out of reach.", remedy="Wait.", since=TUESDAY
    )
    await visit.application.ledger.edit_state(
        PEOPLE[0].id, lambda state: replace(state, trouble=expired)
    )
    await until(lambda: card(visit, 0).card["badge"] == "Offline")
    assert card(visit, 0).card["sentence"] == "Google is out of reach. Wait."


async def test_an_upload_goes_on_when_its_page_is_closed(visit: Visit) -> None:
    await visit.user.open("/")
    press(card(visit, 3), "upload")
    client = visit.user.client
    assert client is not None
    client.delete()
    await visit.user.open("/")
    await visit.user.should_see(": nothing had to be written.")


async def test_held_removals_are_listed_and_can_be_released(visit: Visit) -> None:
    await visit.user.open("/")
    press(card(visit, 1), "held")
    await visit.user.should_see("These events would disappear from Google")
    assert len(visit.application.google.calendars_by_id) == 4
    visit.user.find("Release").click()
    await visit.user.should_see("removed")


async def test_held_removals_can_be_kept(visit: Visit) -> None:
    await visit.user.open("/")
    press(card(visit, 1), "held")
    await visit.user.should_see("Keep in Google")
    visit.user.find("Keep in Google").click()
    await until(lambda: not card(visit, 1).card["held"])
    state = await visit.application.services.syncing.state(PEOPLE[1].id)
    assert state.kept


async def two_computers(visit: Visit) -> None:
    ledger, who = visit.application.ledger, PEOPLE[0].id
    stamp = "1 elsewhere 2026-11-24T09:41:00.000Z"
    await ledger.edit_state(who, lambda state: replace(state, overruled_by=stamp, others={}))
    await visit.user.open("/")
    await until(lambda: card(visit, 0).card["badge"] == "Another computer")
    assert card(visit, 0).card["actions"][0]["label"] == "Decide which computer"
    press(card(visit, 0), "keep")
    await visit.user.should_see("One calendar is kept by one computer.")


async def test_of_two_computers_this_one_is_put_in_charge(visit: Visit) -> None:
    await two_computers(visit)
    press(button(visit, "Keep it from this computer"))
    await until(lambda: card(visit, 0).card["badge"] == "Up to date")
    link = visit.application.services.settings.read().record(PEOPLE[0].id).google
    assert link.term == 2


async def test_a_calendar_is_left_to_the_other_computer(visit: Visit) -> None:
    await two_computers(visit)
    press(button(visit, "Leave it to the other computer"))
    await until(lambda: card(visit, 0).card["badge"] == "Off")
    assert not visit.application.services.settings.read().record(PEOPLE[0].id).choices.enabled


async def test_an_empty_practice_says_how_to_begin(first_day: Visit) -> None:
    await first_day.user.open("/")
    await first_day.user.should_see("No practitioners yet")
    await first_day.user.should_see("Nothing has happened yet.")


async def test_a_practitioner_is_added_by_hand(first_day: Visit) -> None:
    await first_day.user.open("/")
    first_day.user.find("Add practitioner").click()
    await first_day.user.should_see("Add a practitioner")
    first_day.user.find("Name").type("Dr Ada Example")
    press(button(first_day, "Add"))
    await until(lambda: "dr-ada-example" in first_day.application.settings.read().practitioners)
    await until(lambda: first_day.application.activity.lines)
    line = first_day.application.activity.lines[-1]
    assert (line.text, line.cause) == ("Dr Ada Example was added.", "practitioners by Alex")
    await first_day.user.open("/")
    await first_day.user.should_see("Dr Ada Example · Alex")


async def test_a_wrong_address_is_shown_at_its_field(first_day: Visit) -> None:
    await first_day.user.open("/")
    first_day.user.find("Add practitioner").click()
    await first_day.user.should_see("Add a practitioner")
    first_day.user.find("Name").type("Ada")
    first_day.user.find("E-mail").type("not an address")
    press(button(first_day, "Add"))
    await until(lambda: field(first_day, "E-mail (may stay empty)").error)
    assert not first_day.application.settings.read().practitioners


async def test_the_demo_says_so_on_every_page(demo: Visit) -> None:
    for path in ("/", "/import", "/practice", f"/practitioner/{PEOPLE[0].id}"):
        await demo.user.open(path)
        await demo.user.should_see("invented people")


async def test_search_appears_with_many_and_hides_the_others(tmp_path: Path) -> None:
    async with visiting(fake_application(crowd(200)), tmp_path) as visit:
        await visit.user.open("/")
        assert len(visit.elements(PractitionerCard)) == 200
        visit.user.find("Find a practitioner").type("Prâctitioner 042 ")
        await until(lambda: sum(e.visible for e in visit.elements(PractitionerCard)) == 1)


async def test_few_need_no_search(visit: Visit) -> None:
    await visit.user.open("/")
    await visit.user.should_not_see("Find a practitioner")


async def test_names_in_any_script_and_with_markup_are_only_text(tmp_path: Path) -> None:
    names = ("<b>Bold</b> & Söhne", "د. ليلى", "王小明", "N" * 200)
    sample = replace(
        the_sample(),
        practitioners=tuple(
            Practitioner(id=f"p{place}", name=name) for place, name in enumerate(names)
        ),
    )
    async with visiting(fake_application(sample), tmp_path) as visit:
        await visit.user.open("/")
        assert {each.card["name"] for each in visit.elements(PractitionerCard)} == set(names)


async def test_a_failing_store_is_shown_as_a_sentence(visit: Visit) -> None:
    visit.application.settings.trouble = StoreError()
    await visit.user.open("/")
    visit.user.find("Add practitioner").click()
    await visit.user.should_see("Add a practitioner")
    visit.user.find("Name").type("Ada")
    press(button(visit, "Add"))
    await until(lambda: "The data folder could not be read" in visit.notices())


async def test_an_unknown_practitioner_is_a_page_with_a_way_back(visit: Visit) -> None:
    answer = await visit.user.http_client.get("/practitioner/nobody")
    assert answer.status_code == 404
    assert "There is no practitioner" in answer.text
    assert "Back to the overview" in answer.text


async def test_an_unknown_address_is_shown_as_a_sentence(visit: Visit) -> None:
    answer = await visit.user.http_client.get("/no/such/page")
    assert answer.status_code == 404
    assert "There is no such page." in answer.text
