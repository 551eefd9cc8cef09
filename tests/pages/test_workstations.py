"""The page of the workstations, and what pages say while the server is away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from companion.domain.settings import SourceSettings
from companion.domain.users import Role, User
from companion.web.ui.workstations import FORGET, KEEP, PATH, RENAME
from tests.fakes.practice import FakePractice, off, workstation
from tests.fakes.services import TUESDAY, lived_in
from tests.pages.conftest import Visit, visiting
from tests.pages.driving import button, field, named, press, until

KIM = User(id="kim", name="Kim", role=Role.RECEPTION)
AWAY = "The practice's database cannot be reached."


@dataclass(frozen=True, slots=True)
class Shared:
    visit: Visit
    practice: FakePractice

    def pass_time(self) -> None:
        self.visit.application.clock.shift(5)  # type: ignore[attr-defined] # a fake clock


@pytest.fixture
async def shared(tmp_path: Path) -> AsyncIterator[Shared]:
    practice = FakePractice()
    async with visiting(await lived_in(shared=practice), tmp_path) as visit:
        yield Shared(visit, practice)


async def test_a_practice_on_one_computer_is_told_how_to_share_it(visit: Visit) -> None:
    await visit.user.open("/practice")
    await visit.user.should_see("This practice is on this computer alone.")
    await visit.user.open(PATH)
    await visit.user.should_see("PostgreSQL database on a server of yours")
    await visit.user.should_see("practice create --database")
    await visit.user.should_see("practice join --database")
    await visit.user.should_not_see(RENAME)


async def test_the_list_says_who_is_on_who_keeps_the_calendars_and_what_is_to_be_mended(
    shared: Shared,
) -> None:
    shared.practice.change("back-office", clock_ahead=timedelta(seconds=-75))
    shared.practice.change("front-desk", version="1.2.0")
    await shared.visit.user.open(PATH)
    for said in (
        "Keeps them since 08:00 · version 1.2.0 · phones reach it at 192.168.1.20:8090",
        "Update Front desk: another workstation has version 1.2.3.",
        "On since 08:00 · version 1.2.3 · phones reach it at 192.168.1.21:8090",
        "Its clock is 75 seconds behind the server's",
        "Last seen 09:30 · version 1.2.3",
        "This one",
        "Off",
    ):
        await shared.visit.user.should_see(said)


async def test_another_one_is_made_to_keep_the_calendars_and_it_is_seen_to_happen(
    shared: Shared,
) -> None:
    visit = shared.visit
    await visit.user.open(PATH)
    press(named(visit, f"{KEEP}: Back office"))
    await visit.user.should_see("Shall Back office keep the calendars?")
    assert not shared.practice.wanted
    press(button(visit, "Let it keep them"))
    await visit.user.should_see("Back office is taking over …")
    shared.practice.take_over()
    shared.pass_time()
    await until(lambda: "Back office keeps the calendars now." in visit.notices())
    await visit.user.should_not_see("is taking over …")
    named(visit, f"{KEEP}: Front desk")


async def test_what_changes_elsewhere_appears_by_itself(shared: Shared) -> None:
    await shared.visit.user.open(PATH)
    await shared.visit.user.should_not_see("Parkside")
    shared.practice.found.append(workstation("Parkside"))
    shared.pass_time()
    await shared.visit.user.should_see("Parkside")


async def test_a_workstation_is_renamed_and_one_that_is_off_is_forgotten(shared: Shared) -> None:
    visit = shared.visit
    await visit.user.open(PATH)
    press(named(visit, f"{RENAME}: Second site"))
    await until(lambda: field(visit, "Name"))
    field(visit, "Name").value = "Front Desk"
    press(button(visit, "Save"))
    await until(lambda: "already" in (field(visit, "Name").error or ""))
    field(visit, "Name").value = "Parkside"
    press(button(visit, "Save"))
    await until(lambda: "Saved." in visit.notices())
    await visit.user.should_see("Parkside")
    with pytest.raises(AssertionError, match="no button"):
        named(visit, f"{FORGET}: Front desk")
    press(named(visit, f"{FORGET}: Parkside"))
    await visit.user.should_see("Forget Parkside?")
    press(button(visit, "Forget it"))
    await until(lambda: len(shared.practice.found) == 2)
    await visit.user.should_not_see("Last seen")


async def watch(shared: Shared, workstation: str) -> None:
    source = SourceSettings(name="Nookal", folder="/exports", workstation=workstation)
    await shared.visit.application.settings.change(lambda each: each.with_source(source))


async def test_a_folder_is_named_that_one_watches_which_has_been_off_for_long(
    shared: Shared,
) -> None:
    await watch(shared, "second-site")
    await shared.visit.user.open(PATH)
    await shared.visit.user.should_not_see("nothing arrives from there")
    shared.practice.change("second-site", seen_at=TUESDAY - timedelta(hours=25))
    shared.pass_time()
    await shared.visit.user.should_see("It watches the folder of Nookal, so nothing arrives")
    press(named(shared.visit, f"{FORGET}: Second site"))
    await shared.visit.user.should_see("It alone watches the folder of Nookal.")


async def test_a_folder_is_named_whose_workstation_is_gone(shared: Shared) -> None:
    await watch(shared, "given-away")
    await shared.visit.user.open(PATH)
    await shared.visit.user.should_see("Nobody watches the folder of Nookal.")
    await shared.visit.user.should_see("Watch it from here")
    await watch(shared, "back-office")
    await shared.visit.user.should_not_see("Nobody watches")


async def test_reception_sees_them_and_changes_nothing(tmp_path: Path) -> None:
    async with visiting(await lived_in(shared=FakePractice()), tmp_path, who=KIM) as visit:
        await visit.user.open(PATH)
        await visit.user.should_see("Front desk")
        await visit.user.should_not_see(RENAME)
        await visit.user.should_not_see(KEEP)


async def test_the_overview_says_who_keeps_the_calendars_where_it_is_another(
    shared: Shared,
) -> None:
    await shared.visit.user.open("/")
    await shared.visit.user.should_see("Front desk keeps the calendars.")
    shared.practice.wanted = "back-office"
    shared.practice.take_over()
    shared.pass_time()
    await shared.visit.user.should_not_see("keeps the calendars.")


async def test_the_overview_warns_where_nobody_does(tmp_path: Path) -> None:
    practice = FakePractice(found=[off("Back office"), off("Front desk")])
    async with visiting(await lived_in(shared=practice), tmp_path) as visit:
        await visit.user.open("/")
        await visit.user.should_see("Calendar Companion runs on none.")
        await visit.user.should_see("Start it on the one that is on all day")


# ── the server is away ────────────────────────────────────────────────────────────────────────


async def test_an_open_page_says_that_the_server_is_away_until_it_is_back(shared: Shared) -> None:
    visit = shared.visit
    await visit.user.open("/practice")
    await visit.user.should_not_see(AWAY)
    shared.practice.server.reachable = False
    await visit.user.should_see(AWAY)
    await visit.user.should_see("Phones get the last good calendar. Nothing is lost.")
    shared.practice.server.reachable = True
    await visit.user.should_not_see(AWAY)


async def test_the_overview_keeps_what_was_read_last(shared: Shared) -> None:
    visit = shared.visit
    await visit.user.open("/")
    shared.practice.server.reachable = False
    shared.pass_time()
    await visit.user.should_see(AWAY)
    await visit.user.should_see("Zoë")
    await visit.user.open("/")
    await visit.user.should_see("Zoë")
    await visit.user.should_see(AWAY)


async def test_the_overview_claims_nothing_that_is_not_known_any_more(shared: Shared) -> None:
    visit = shared.visit
    await visit.user.open("/")
    await visit.user.should_see("Up to date, ")
    shared.practice.server.reachable = False
    shared.visit.application.clock.shift(120)  # type: ignore[attr-defined] # a fake clock
    await visit.user.should_see("Up to date at 09:30; not known since.")
    await visit.user.should_see("6 practitioners: how they stand has not been known since 09:30.")
    await visit.user.should_see("At 09:30: ")
    await visit.user.should_see("Until 09:30; what has happened since is not known.")
    for claim in ("Up to date, ", " need you", "with the next change", "ago"):
        await visit.user.should_not_see(claim)
    shared.practice.server.reachable = True
    shared.pass_time()
    await visit.user.should_see("Up to date, ")
    await visit.user.should_not_see("not known since")


async def test_a_practitioners_page_claims_nothing_either(shared: Shared) -> None:
    visit = shared.visit
    identity = next(iter(visit.application.settings.read().practitioners))
    await visit.user.open(f"/practitioner/{identity}")
    await visit.user.should_see("Up to date, ")
    shared.practice.server.reachable = False
    shared.pass_time()
    await visit.user.should_see("Up to date at 09:30; not known since.")
    await visit.user.should_not_see("Up to date, ")


async def test_every_page_says_of_when_is_what_it_shows(shared: Shared) -> None:
    await shared.visit.user.open("/sources")
    shared.practice.server.silent_for = 120.0
    shared.practice.server.reachable = False
    await shared.visit.user.should_see("What this page shows was last known at 09:28.")


async def test_the_workstations_are_shown_as_they_were(shared: Shared) -> None:
    visit = shared.visit
    await visit.user.open(PATH)
    await visit.user.should_see("Keeps the calendars")
    shared.practice.server.reachable = False
    shared.pass_time()
    await visit.user.should_see("This is how they were at 09:30.")
    await visit.user.should_see("Kept the calendars")
    for claim in ("Keeps", "Off", "On since", FORGET):
        await visit.user.should_not_see(claim)
    shared.practice.server.reachable = True
    shared.pass_time()
    await visit.user.should_see("Keeps the calendars")


async def test_a_button_answers_with_the_sentence(shared: Shared) -> None:
    visit = shared.visit
    await visit.user.open(PATH)
    press(named(visit, f"{RENAME}: Second site"))
    await until(lambda: field(visit, "Name"))
    shared.practice.server.reachable = False
    field(visit, "Name").value = "Parkside"
    press(button(visit, "Save"))
    await until(lambda: AWAY in visit.notices())
    assert all(each.name != "Parkside" for each in shared.practice.found)


async def test_a_page_that_needs_the_server_says_so_and_tries_again_by_itself(
    shared: Shared,
) -> None:
    shared.practice.server.reachable = False
    answer = await shared.visit.user.http_client.get(f"{PATH}?a=b")
    assert answer.status_code == 503
    assert AWAY.replace("'", "&#x27;") in answer.text
    assert "Phones get the last good calendar. Nothing is lost." in answer.text
    assert f'content="3;url={PATH}?a=b"' in answer.text
    shared.practice.server.reachable = True
    assert (await shared.visit.user.http_client.get(PATH)).status_code == 200


@pytest.mark.parametrize("path", ["/book", "/import", "/phone", "/backup", "/practice"])
async def test_no_page_opens_half_empty_while_the_server_is_away(shared: Shared, path: str) -> None:
    shared.practice.server.reachable = False
    answer = await shared.visit.user.http_client.get(path)
    assert (answer.status_code, "cannot be reached" in answer.text) == (503, True)


async def test_the_users_can_be_looked_at_and_the_doctor_asked_meanwhile(shared: Shared) -> None:
    shared.practice.server.reachable = False
    for path in ("/users", "/doctor"):
        await shared.visit.user.open(path)
        await shared.visit.user.should_see(AWAY)


async def test_the_doctor_examines_anew_once_the_server_is_back(shared: Shared) -> None:
    visit = shared.visit
    shared.practice.server.reachable = False
    await visit.user.open("/doctor")
    await visit.user.should_see("Database server")
    await visit.user.should_not_see("answers in 2 ms")
    shared.practice.server.reachable = True
    await visit.user.should_see("answers in 2 ms")
    shared.practice.server.reachable = False
    await visit.user.should_not_see("answers in 2 ms")


async def test_stopping_this_one_is_not_said_to_stop_the_practice(tmp_path: Path) -> None:
    async def stop() -> dict[str, str]:
        return {}

    practice = await lived_in(shared=FakePractice())
    async with visiting(practice, tmp_path, commands={"stop": stop}) as visit:
        await visit.user.open("/practice")
        await visit.user.should_see("Stop Calendar Companion …")
        press(button(visit, "Stop Calendar Companion …"))
        await visit.user.should_see("Another workstation keeps the calendars, if one is on.")
        await visit.user.should_not_see("no calendar is kept up to date")


async def test_a_rename_stands_in_the_activity_with_who_did_it_and_no_more(shared: Shared) -> None:
    visit = shared.visit
    await visit.user.open(PATH)
    press(named(visit, f"{RENAME}: Second site"))
    await until(lambda: field(visit, "Name"))
    field(visit, "Name").value = "Parkside"
    press(button(visit, "Save"))
    await until(lambda: any(each.name == "Parkside" for each in shared.practice.found))
    await visit.user.open("/")
    await visit.user.should_see("Practice · Alex")
    await visit.user.should_not_see("practice by")
