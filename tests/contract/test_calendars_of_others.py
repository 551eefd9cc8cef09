"""Calendars that are shared with the practitioner, and those that another Google client made,
with the real adapter at the simulated Google, whatever it answers for what is out of reach."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from companion.domain.errors import CalendarGone, CalendarNotReached, PermissionDenied
from companion.sandbox.server import client_file
from companion.services.google.consents import (
    APP_CREATED,
    CALENDAR_LIST,
    EVENTS,
    EVENTS_OWNED,
    CalendarChoice,
)
from tests.contract.test_calendar_made_once import BACK, Home, a_home
from tests.fakes.connecting import existing
from tests.fakes.simulator import JURGEN, ZOE

ANOTHER = "918273645546-another.apps.googleusercontent.com"
OUT_OF_REACH = ["insufficientPermissions", "forbidden", "notFound"]

pytestmark = pytest.mark.unpermitted


@pytest.fixture(params=OUT_OF_REACH)
def home(request: pytest.FixtureRequest) -> Iterator[Home]:
    with a_home() as made:
        made.handle.google.policy.out_of_reach = request.param
        yield made


def team_calendar(home: Home, role: str | None) -> str:
    with home.handle.lock:
        made = home.handle.google.add_calendar(JURGEN, "Team")
        if role is not None:
            home.handle.google.share(made.id, ZOE, role)
    return made.id


async def connect(home: Home, choice: CalendarChoice | None = None) -> set[str]:
    """The permissions that were asked for."""
    start = await home.service.begin("zoe", calendar=choice, redirect_uri=BACK)
    await home.service.finish(home.person.consents(start.url, ZOE))
    return {each for each in home.link.scopes if "calendar" in each}


async def write_works(home: Home) -> None:
    result = await home.service.check("zoe")
    assert result.ok, result.what


async def test_a_pasted_calendar_that_is_shared_connects_once_a_person_says_so(home: Home) -> None:
    team = team_calendar(home, "writer")
    with pytest.raises(CalendarNotReached) as caught:
        await connect(home, existing(team))
    assert (caught.value.calendar_id, caught.value.maybe_shared) == (team, True)
    shared = CalendarChoice(kind="existing", calendar_id=team, shared=True)
    asked = await connect(home, shared)
    assert asked == {EVENTS}
    assert home.link.calendar_id == team
    await write_works(home)
    assert EVENTS in await connect(home), "asked for once, kept ever after"


async def test_one_of_the_list_that_is_shared_connects_with_the_wider_permission(
    home: Home,
) -> None:
    team = team_calendar(home, "writer")
    await connect(home, CalendarChoice(kind="list"))
    listed = {each.id: each.access_role for each in await home.service.calendars("zoe")}
    assert (listed[team], listed[ZOE]) == ("writer", "owner")
    with pytest.raises(CalendarNotReached):
        await home.service.choose("zoe", team)
    await connect(home, CalendarChoice(kind="existing", calendar_id=team, shared=True))
    await write_works(home)


@pytest.mark.parametrize("role", ["reader", None])
async def test_what_may_only_be_read_or_not_seen_at_all_stays_refused(
    home: Home, role: str | None
) -> None:
    team = team_calendar(home, role)
    with pytest.raises((CalendarGone, PermissionDenied)):
        await connect(home, CalendarChoice(kind="existing", calendar_id=team, shared=True))
    assert not home.link.connected


def replace_client(home: Home) -> None:
    """The practice makes a new OAuth client, as in another Google project."""
    file: dict[str, Any] = client_file(home.handle.base_url)
    file["installed"] |= {"client_id": ANOTHER, "client_secret": "another-secret"}
    home.handle.api.grants.clients[ANOTHER] = "another-secret"
    home.secrets.kept["google/client"] = json.dumps(file)


async def test_a_replaced_client_reconnects_the_calendar_it_did_not_make(home: Home) -> None:
    assert await connect(home) == {APP_CREATED, CALENDAR_LIST}
    calendar = home.link.calendar_id
    replace_client(home)
    assert await connect(home) == {EVENTS_OWNED}
    assert home.link.calendar_id == calendar
    assert home.made == [calendar]
    await write_works(home)
    assert await connect(home) == {EVENTS_OWNED}


async def test_so_it_does_where_nobody_knows_which_client_made_it(home: Home) -> None:
    await connect(home)
    calendar = home.link.calendar_id
    await home.service._changes.edit("zoe", lambda link: replace(link, made_by=""))
    replace_client(home)
    with pytest.raises(CalendarNotReached, match="present Google client") as caught:
        await connect(home)
    assert not caught.value.maybe_shared
    assert await connect(home) == {EVENTS_OWNED}
    assert home.link.calendar_id == calendar
    await write_works(home)


async def test_a_calendar_that_was_deleted_is_said_to_be_gone(home: Home) -> None:
    await connect(home)
    with home.handle.lock:
        home.handle.google.remove_calendar(home.link.calendar_id)
    with pytest.raises(CalendarGone):
        await connect(home)


async def test_a_new_computer_with_another_client_takes_the_calendar_over(home: Home) -> None:
    await connect(home)
    calendar = home.link.calendar_id
    new = Home(home.handle, home.clock)
    try:
        replace_client(new)
        start = await new.service.begin("zoe", redirect_uri=BACK)
        with pytest.raises(Exception, match="already has a calendar"):
            await new.service.finish(new.person.consents(start.url, ZOE))
        held = new.service.undecided("zoe")
        assert held is not None
        assert [(each.calendar_id, each.events) for each in held.offers] == [(calendar, None)]
        choice = CalendarChoice(kind="existing", calendar_id=calendar, take_over=True)
        assert await connect(new, choice) == {EVENTS_OWNED}
        await write_works(new)
    finally:
        new.gateway.close()
