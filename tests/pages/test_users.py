"""The users page, and what each role finds on the others."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from nicegui import ui

from companion.domain.users import Role, User
from companion.web.ui.components.practitioner_card import PractitionerCard
from companion.web.ui.static_html import StaticHtml
from tests.fakes.services import ADMINISTRATOR, lived_in, the_sample
from tests.pages.conftest import Visit, visiting
from tests.pages.driving import button, field, named, press, until

ZOE, SECOND = the_sample().practitioners[0], the_sample().practitioners[1]
KIM = User(id="kim", name="Kim", role=Role.RECEPTION)
OWN = User(id="zoe", name="Zoë", role=Role.PRACTITIONER, practitioner_id=ZOE.id)


@pytest.fixture
async def reception(tmp_path: Path) -> AsyncIterator[Visit]:
    async with visiting(await lived_in(), tmp_path, who=KIM) as visit:
        yield visit


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[Visit]:
    async with visiting(await lived_in(), tmp_path, who=OWN) as visit:
        yield visit


def places(visit: Visit) -> list[str]:
    lists = [each.content for each in visit.elements(StaticHtml) if "nav__list" in each.classes]
    return re.findall(r'href="([^"]+)"', " ".join(lists))


async def test_a_user_is_added_and_the_password_shown_once(visit: Visit) -> None:
    await visit.user.open("/users")
    press(button(visit, "Add user"))
    await visit.user.should_see("Role")
    field(visit, "Name").value = "Kim"
    press(button(visit, "Add"))
    await visit.user.should_see("Password for Kim")
    kim = visit.application.services.accounts.named("Kim")
    assert (kim.role, kim.must_change) == (Role.RECEPTION, True)
    await visit.user.should_see(kim.password.removeprefix("plain1$"))
    await visit.user.open("/users")
    await visit.user.should_not_see(kim.password.removeprefix("plain1$"))


async def test_a_practitioner_needs_a_practitioner(visit: Visit) -> None:
    await visit.user.open("/users")
    press(button(visit, "Add user"))
    await visit.user.should_see("Role")
    field(visit, "Name").value = "Zoë"
    field(visit, "Role").value = Role.PRACTITIONER
    press(button(visit, "Add"))
    await until(lambda: field(visit, "Whose calendar").error)
    field(visit, "Whose calendar").value = ZOE.id
    press(button(visit, "Add"))
    await visit.user.should_see("Password for Zoë")
    assert visit.application.services.accounts.named("Zoë").practitioner_id == ZOE.id


async def test_a_password_is_set_anew(visit: Visit) -> None:
    await visit.user.open("/users")
    press(button(visit, "New password"))
    await visit.user.should_see("A new password for Alex?")
    press(button(visit, "Make a new password"))
    await visit.user.should_see("Password for Alex")
    assert visit.application.services.accounts.user("robin").password != ADMINISTRATOR.password


async def test_the_last_administrator_stays(visit: Visit) -> None:
    await visit.user.open("/users")
    labels = [str(each.props.get("aria-label", "")) for each in visit.elements(ui.button)]
    assert "Change, Alex" in labels
    assert not [each for each in labels if each.startswith("Remove")]
    press(button(visit, "Change"))
    await visit.user.should_see("Change Alex")
    field(visit, "Role").value = Role.RECEPTION
    press(button(visit, "Save"))
    await until(lambda: field(visit, "Role").error)
    assert visit.application.services.accounts.user("robin").role is Role.ADMINISTRATOR


async def test_a_user_is_removed(visit: Visit) -> None:
    await visit.application.services.accounts.add("Kim", Role.RECEPTION)
    await visit.user.open("/users")
    press(named(visit, "Remove, Kim"))
    await visit.user.should_see("Remove Kim?")
    press(button(visit, "Remove"))
    await until(lambda: len(visit.application.services.accounts.users()) == 1)


async def test_only_who_is_signed_in_can_be_signed_out(visit: Visit) -> None:
    accounts = visit.application.services.accounts
    await accounts.add("Kim", Role.RECEPTION)
    await accounts.sessions.begin(accounts.user("robin"))
    await visit.user.open("/users")
    await visit.user.should_see("Kim")
    outs = [e for e in visit.elements(ui.button) if e.props.get("title") == "Sign out everywhere"]
    assert [e.props["aria-label"] for e in outs] == [f"Sign out everywhere, {ADMINISTRATOR.name}"]


# ── roles ─────────────────────────────────────────────────────────────────────────────────────


async def test_reception_sees_how_it_stands_and_nothing_to_set_up(reception: Visit) -> None:
    await reception.user.open("/")
    await reception.user.should_see(ZOE.name)
    await reception.user.should_not_see("Upload to Google")
    await reception.user.should_not_see("Set up")
    await reception.user.should_not_see("Add practitioner")
    await reception.user.should_not_see("Press ")
    await reception.user.should_see("Not connected to Google yet. Tell an administrator.")
    await reception.user.should_see("removals wait for you")
    assert not any(each.card["held"] for each in reception.elements(PractitionerCard))
    assert places(reception) == ["/", "/book", "/import"]


@pytest.mark.parametrize("path", ["/practice", "/users", "/doctor", f"/practitioner/{ZOE.id}"])
async def test_reception_is_refused_in_words_where_settings_are(
    reception: Visit, path: str
) -> None:
    answer = await reception.user.http_client.get(path)
    assert answer.status_code == 403
    assert "Kim may not" in answer.text


async def test_a_practitioner_is_led_to_their_own_page(own: Visit) -> None:
    answer = await own.user.http_client.get("/")
    assert answer.headers["location"] == f"/practitioner/{ZOE.id}"
    await own.user.open(f"/practitioner/{ZOE.id}")
    await own.user.should_see("Enable Google Calendar Sync")
    assert not [each for each in own.elements(ui.element) if "back" in each.classes]
    press(button(own, "Test Credentials"))
    await own.user.should_see("Test Credentials (Succeeded)")


@pytest.mark.parametrize("path", [f"/practitioner/{SECOND.id}", "/import", "/practice", "/users"])
async def test_a_practitioner_does_not_see_what_is_anothers(own: Visit, path: str) -> None:
    answer = await own.user.http_client.get(path)
    assert answer.status_code == 403
    assert SECOND.name not in answer.text


async def test_a_role_that_changes_counts_for_pages_that_are_open(tmp_path: Path) -> None:
    now = [ADMINISTRATOR]
    application = await lived_in()
    async with visiting(application, tmp_path, who=lambda: now[0]) as visit:
        await visit.user.open(f"/practitioner/{ZOE.id}")
        before = application.settings.read()
        field(visit, "Days in Advance").value = 90
        now[0] = replace(ADMINISTRATOR, role=Role.RECEPTION)
        press(button(visit, "Apply"))
        await until(lambda: "may not change settings of Google" in visit.notices())
        assert application.settings.read() == before


async def test_a_password_is_copied_at_a_press(visit: Visit) -> None:
    await visit.user.open("/users")
    press(button(visit, "New password"))
    await visit.user.should_see("A new password for Alex?")
    press(button(visit, "Make a new password"))
    await visit.user.should_see("It is not shown again.")
    press(button(visit, "Copy"))
    await until(lambda: "Copied." in visit.notices())
