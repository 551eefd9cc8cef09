"""Signing in, tokens and calendars: the gateway against the simulated Google, over real sockets.

Tests with the parameter run on the fake gateway too, so that the services' tests may trust it.
"""

import json
from collections.abc import AsyncIterator

import pytest

from companion.domain.errors import (
    CalendarGone,
    ClientFileMissing,
    ScopeMissing,
    SignInDenied,
    SignInError,
    SignInExpired,
)
from companion.services.google.consents import APP_CREATED, CALENDAR_LIST, EVENTS_OWNED, IDENTITY
from tests.contract.google_world import BACK, NARROW, PersonAtFake, SimulatedWorld, World, simulated
from tests.fakes.google import FakeGoogle
from tests.fakes.secrets import FakeSecrets
from tests.fakes.simulator import SYDNEY, ZOE


@pytest.fixture(params=["fake", "google"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    if request.param == "google":
        async with simulated() as made:
            yield made
        return
    secrets = FakeSecrets()
    await secrets.put("google/client", json.dumps({"installed": {"project_id": "p"}}))
    fake = FakeGoogle(secrets=secrets)
    yield World(google=fake, person=PersonAtFake(fake), secrets=secrets)


# ── signing in ────────────────────────────────────────────────────────────────────────────────


async def test_a_sign_in_gives_account_and_granted_scopes(world: World) -> None:
    signed_in = await world.sign_in()
    assert signed_in.account == ZOE
    assert APP_CREATED in signed_in.granted_scopes


async def test_an_unticked_scope_is_seen_in_what_was_granted(world: World) -> None:
    request = await world.google.begin_sign_in(redirect_uri=BACK, scopes=NARROW, login="")
    answer = world.person.consents(request.url, ZOE, untick=APP_CREATED)
    signed_in = await world.google.finish_sign_in(request, answer)
    assert APP_CREATED not in signed_in.granted_scopes
    assert signed_in.account == ZOE


async def test_cancelling_at_google_is_reported_as_that(world: World) -> None:
    request = await world.google.begin_sign_in(redirect_uri=BACK, scopes=NARROW, login="")
    with pytest.raises(SignInDenied):
        await world.google.finish_sign_in(request, world.person.cancels(request.url))


async def test_the_answer_of_another_sign_in_is_refused(world: World) -> None:
    first = await world.google.begin_sign_in(redirect_uri=BACK, scopes=NARROW, login="")
    second = await world.google.begin_sign_in(redirect_uri=BACK, scopes=NARROW, login="")
    with pytest.raises(SignInError):
        await world.google.finish_sign_in(second, world.person.consents(first.url, ZOE))


async def test_a_code_works_once(world: World) -> None:
    request = await world.google.begin_sign_in(redirect_uri=BACK, scopes=NARROW, login="")
    answer = world.person.consents(request.url, ZOE)
    await world.google.finish_sign_in(request, answer)
    with pytest.raises(SignInError):
        await world.google.finish_sign_in(request, answer)


async def test_without_a_client_file_there_is_no_sign_in(world: World) -> None:
    await world.secrets.remove("google/client")
    with pytest.raises(ClientFileMissing):
        await world.google.begin_sign_in(redirect_uri=BACK, scopes=NARROW, login="")


async def test_without_a_sign_in_there_is_no_calendar(world: World) -> None:
    with pytest.raises(SignInExpired):
        await world.google.calendar("nobody", "primary")


async def test_a_discarded_sign_in_is_of_no_use_afterwards(world: World) -> None:
    signed_in = await world.sign_in()
    info = await world.google.create_calendar("zoe", "Appointments", SYDNEY, "mark-1")
    await world.google.discard(signed_in)
    await world.google.discard(signed_in)
    await world.google.forget("zoe")

    async def look() -> None:
        calendar = await world.google.calendar("zoe", info.id)
        await calendar.info()

    with pytest.raises(SignInExpired):
        await look()


async def test_revoking_twice_and_revoking_nothing_are_fine(world: World) -> None:
    await world.sign_in()
    await world.google.revoke("zoe")
    await world.google.revoke("zoe")
    await world.google.revoke("nobody")


# ── calendars ─────────────────────────────────────────────────────────────────────────────────


async def test_a_created_calendar_can_be_written_to(world: World) -> None:
    await world.sign_in()
    info = await world.google.create_calendar("zoe", "Appointments", SYDNEY, "mark-1")
    assert (info.name, info.access_role, info.timezone) == ("Appointments", "owner", SYDNEY)
    calendar = await world.google.calendar("zoe", info.id)
    assert (await calendar.info()).name == "Appointments"


async def test_a_created_calendar_is_found_by_its_mark_where_the_list_may_be_seen(
    world: World,
) -> None:
    await world.sign_in(scopes=(*NARROW, CALENDAR_LIST))
    made = await world.google.create_calendar("zoe", "Appointments", SYDNEY, "companion-1")
    [found] = await world.google.marked_calendars("zoe")
    assert (found.info.id, found.mark) == (made.id, "companion-1")


@pytest.mark.unpermitted
async def test_the_narrow_permission_does_not_open_the_list_of_calendars(world: World) -> None:
    await world.sign_in()
    with pytest.raises(ScopeMissing):
        await world.google.marked_calendars("zoe")


async def test_a_deleted_calendar_is_gone_and_deleting_it_again_is_fine(world: World) -> None:
    await world.sign_in()
    made = await world.google.create_calendar("zoe", "Appointments", SYDNEY, "mark-1")
    await world.google.delete_calendar("zoe", made.id)
    await world.google.delete_calendar("zoe", made.id)
    calendar = await world.google.calendar("zoe", made.id)
    with pytest.raises(CalendarGone):
        await calendar.info()


@pytest.mark.unpermitted
async def test_the_list_of_calendars_needs_its_own_permission(world: World) -> None:
    await world.sign_in(scopes=(*IDENTITY, EVENTS_OWNED))
    with pytest.raises(ScopeMissing):
        await world.google.calendars("zoe")
    await world.google.forget("zoe")
    await world.sign_in(scopes=(*IDENTITY, EVENTS_OWNED, CALENDAR_LIST))
    assert all(each.access_role for each in await world.google.calendars("zoe"))


async def test_the_primary_calendar_is_in_the_list(real: SimulatedWorld) -> None:
    await real.sign_in(scopes=(*IDENTITY, EVENTS_OWNED, CALENDAR_LIST))
    [primary] = await real.google.calendars("zoe")
    assert (primary.id, primary.primary) == (ZOE, True)
