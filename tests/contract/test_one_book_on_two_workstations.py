"""Two whole workstations on one practice: what is done on the one shows on the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import URL

from companion.domain.errors import ChangedMeanwhile
from companion.environment import Environment
from companion.main import open_companion, open_ports
from companion.services.assembly import Application
from companion.services.changes import BookChanged, Change, SettingsChanged
from companion.services.ports import BookChange
from companion.web.ui.book.pulse import BookPulse
from companion.web.ui.upload_board import UploadBoard
from tests.fakes.backup_fixture import appointment
from tests.fakes.beside import end_hubs
from tests.fakes.clock import MONDAY
from tests.fakes.feeds import token_of
from tests.fakes.moving_practice import at, fill, join, made_of
from tests.fakes.practice_database import practice_server
from tests.fakes.waiting import until

pytestmark = pytest.mark.postgresql
ANNA = "anna-example"
VISIT, ANOTHER = "visit-1", "visit-2"
THEIRS = BookChanged(practitioner_ids=frozenset({ANNA}))


@dataclass(frozen=True, kw_only=True)
class Workstation:
    services: Application
    heard: list[Change] = field(default_factory=list)

    async def starts(self) -> datetime:
        """Of the visit, as the Appointment Book shows it."""
        return (await self.services.booking.open(VISIT)).draft.start

    async def move(self, hours: int) -> None:
        opened = await self.services.booking.open(VISIT)
        draft, later = opened.draft, timedelta(hours=hours)
        await self.services.booking.move(
            opened.key,
            start=draft.start + later,
            end=draft.end + later,
            practitioner_id=draft.practitioner_id,
            seen=opened.revision,
        )


@dataclass(frozen=True, kw_only=True)
class Practice:
    desk: Workstation
    office: Workstation
    url: URL


@pytest.fixture(scope="module")
def homes(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Environment, Environment, URL]]:
    """The desk's and the office's, of one practice, which the tests leave to each other."""
    folder = tmp_path_factory.mktemp("practice")
    desk, office = at(folder / "desk"), at(folder / "office")

    async def make(url: URL) -> None:
        await fill(desk)
        visits = [
            replace(appointment(), id=each, practitioner_id=ANNA, client_id="100")
            for each in (VISIT, ANOTHER)
        ]
        async with open_ports(desk, holder="a test") as ports:
            await ports.stores.book.apply(BookChange(put=visits), MONDAY)
        await join(office, url, await made_of(desk, url))

    with practice_server().new_database() as url:
        asyncio.run(make(url))
        yield desk, office, url


@pytest.fixture
async def practice(homes: tuple[Environment, Environment, URL]) -> AsyncIterator[Practice]:
    async with AsyncExitStack() as stack:
        opened = []
        for each in homes[:2]:
            services = await stack.enter_async_context(open_companion(each, holder="a test"))
            opened.append(Workstation(services=services))
            services.changes.subscribe(opened[-1].heard.append)
        yield Practice(desk=opened[0], office=opened[1], url=homes[2])


async def test_an_edit_in_one_book_raises_the_others_pulse_and_shows_there(
    practice: Practice,
) -> None:
    pulse = BookPulse(practice.office.services, UploadBoard(practice.office.services))
    before, start = pulse.version, await practice.office.starts()
    await practice.desk.move(hours=1)
    await until(lambda: pulse.version > before)
    assert practice.office.heard == [THEIRS]
    assert await practice.office.starts() == start + timedelta(hours=1)


async def test_of_two_who_edit_the_same_the_later_is_told(practice: Practice) -> None:
    desk, office = practice.desk.services.booking, practice.office.services.booking
    seen = (await office.open(ANOTHER)).revision
    await desk.cancel(ANOTHER, seen=(await desk.open(ANOTHER)).revision)
    with pytest.raises(ChangedMeanwhile):
        await office.cancel(ANOTHER, seen=seen)
    assert (await office.open(ANOTHER)).cancelled


async def test_an_edit_shows_although_the_server_has_just_ended_the_connections(
    practice: Practice,
) -> None:
    assert end_hubs(practice.url) == 2
    await practice.desk.move(hours=1)
    await until(lambda: practice.office.heard)
    assert practice.office.heard == [THEIRS]


async def test_a_setting_made_on_the_one_counts_on_the_other_at_once(practice: Practice) -> None:
    await practice.desk.services.practitioners.add("Cleo Example")
    await until(lambda: SettingsChanged() in practice.office.heard)
    assert "Cleo Example" in practice.office.services.settings.read().names().values()


async def test_neither_hears_itself(practice: Practice) -> None:
    await practice.desk.move(hours=1)
    await practice.office.services.practitioners.add("Dana Example")
    await until(lambda: THEIRS in practice.office.heard)
    await until(lambda: SettingsChanged() in practice.desk.heard)
    assert practice.desk.heard.count(THEIRS) == 1
    assert practice.office.heard.count(SettingsChanged()) == 1


async def test_each_workstation_answers_a_phones_link_until_it_is_revoked_on_any(
    practice: Practice,
) -> None:
    made, url = await practice.desk.services.feeds.add(ANNA, label="A phone")
    token = token_of(url)
    desk = await practice.desk.services.feeds.fetch(token)
    office = await practice.office.services.feeds.fetch(token)
    assert (desk.status, office.status) == (200, 200)
    assert desk.body == office.body
    await practice.office.services.feeds.revoke(made.id)

    async def answers_otherwise() -> bool:
        return (await practice.desk.services.feeds.fetch(token)).body != desk.body

    await until(answers_otherwise)
