"""The contract of every source: what a fetch may and may not do to the book.

Each is a real adapter against a server in this process, or real files; the harnesses are in
`tests/contract/remote`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Generic, TypeVar

import pytest

from companion.domain.appointments import AppointmentStatus
from companion.domain.errors import SourceTrouble, SourceUnreachable
from companion.services.ports import SourceRow
from companion.services.sources.fetched_sources import TypedPlace
from companion.services.sources.notes import SourceNote
from companion.services.sources.remote import by_name
from tests.contract.remote.every import EVERY, REMOTE
from tests.contract.remote.folder import export
from tests.contract.remote.harness import NAME, Booked, Came, Harness, RemoteHarness, Setting
from tests.fakes.clock import FakeClock
from tests.fakes.services import TUESDAY, FakeApplication, fake_application

Kind = TypeVar("Kind", bound=Harness)
DAYS = range(7, 19)
FULL = tuple(Booked(key=f"a{day}", day=day, client=f"Sam Example {day}") for day in DAYS)


@dataclass
class Clinic(Generic[Kind]):
    source: Kind
    application: FakeApplication
    clock: FakeClock
    home: Path

    async def open(self) -> None:
        await self.application.services.practitioners.add("Jo Smith")
        self.source.put(FULL)
        await self.source.open(self.application)

    async def fetch(self, **answers: str) -> Came:
        return await self.source.fetch(self.application, answers or None)

    async def book(self) -> dict[str, str]:
        """What takes place: its start by who comes."""
        found = {}
        for row in (await self.application.book.source_rows(NAME)).values():
            it = await self.application.book.appointment(row.appointment_id)
            assert it is not None
            if it.status is not AppointmentStatus.CANCELLED:
                found[it.client_name or it.title] = f"{it.start:%d %H:%M}"
        return found

    async def rows(self) -> Mapping[str, SourceRow]:
        return await self.application.book.source_rows(NAME)

    async def imports(self) -> int:
        return len(await self.application.book.imports(50))

    async def note(self) -> SourceNote:
        (status,) = await self.application.services.sources.overview()
        return status.note

    async def a_day_later(self) -> Came:
        """When everything is compared with the book, whatever a source says of changes."""
        await self.clock.advance(timedelta(hours=25).total_seconds())
        return await self.fetch()


async def clinic_of(kind: Kind, folder: Path, clock: FakeClock) -> Clinic[Kind]:
    remotes = by_name(kind.source) if isinstance(kind, RemoteHarness) else None
    application = fake_application(clock=clock, home=folder / "home", remotes=remotes)
    found = Clinic(source=kind, application=application, clock=clock, home=folder / "home")
    await found.open()
    return found


@pytest.fixture(params=EVERY)
async def clinic(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Clinic[Harness]]:
    clock = FakeClock(TUESDAY)
    source = EVERY[request.param](Setting(now=clock.now, folder=tmp_path))
    yield await clinic_of(source, tmp_path, clock)
    source.close()


@pytest.fixture(params=REMOTE)
async def remote(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[Clinic[RemoteHarness]]:
    clock = FakeClock(TUESDAY)
    source = REMOTE[request.param](Setting(now=clock.now, folder=tmp_path))
    yield await clinic_of(source, tmp_path, clock)
    source.close()


def starts(booked: tuple[Booked, ...]) -> list[str]:
    return sorted(f"{each.day:02} {each.hour:02}:00" for each in booked if not each.cancelled)


async def test_a_first_fetch_fills_the_book_and_leaves_no_copy(clinic: Clinic[Harness]) -> None:
    came = await clinic.fetch()
    assert came.error is None
    assert sorted((await clinic.book()).values()) == starts(FULL)
    spool = clinic.home / "watched"
    assert not spool.exists() or [*spool.iterdir()] == []


async def test_what_has_not_changed_costs_one_request_and_changes_nothing(
    clinic: Clinic[Harness],
) -> None:
    await clinic.fetch()
    book, requests = await clinic.book(), clinic.source.requests
    sign, imports = await clinic.application.book.change_sign(), await clinic.imports()
    await clinic.fetch()
    assert clinic.source.requests - requests == clinic.source.quiet_requests
    assert await clinic.book() == book
    if isinstance(clinic.source, RemoteHarness):  # a file that somebody gives is listed
        assert await clinic.application.book.change_sign() == sign
        assert await clinic.imports() == imports


async def test_what_moved_moves_and_keeps_its_identity(clinic: Clinic[Harness]) -> None:
    await clinic.fetch()
    before = {e.appointment_id for e in (await clinic.rows()).values()}
    await clinic.clock.advance(900)
    moved = (replace(FULL[0], hour=14), *FULL[1:])
    clinic.source.put(moved)
    assert (await clinic.fetch()).error is None
    assert sorted((await clinic.book()).values()) == starts(moved)
    assert {e.appointment_id for e in (await clinic.rows()).values()} == before


async def test_what_was_cancelled_takes_place_no_more(clinic: Clinic[Harness]) -> None:
    await clinic.fetch()
    await clinic.clock.advance(900)
    fewer = (replace(FULL[0], cancelled=True), *FULL[1:])
    clinic.source.put(fewer)
    assert (await clinic.fetch()).error is None
    assert sorted((await clinic.book()).values()) == starts(fewer)


async def test_what_is_new_comes_and_what_vanished_goes_within_a_day(
    clinic: Clinic[Harness],
) -> None:
    await clinic.fetch()
    await clinic.clock.advance(900)
    now = (*FULL[:4], *FULL[5:], Booked(key="new", day=12, hour=16, client="Kim Example 99"))
    clinic.source.put(now)
    assert (await clinic.fetch()).error is None
    assert "12 16:00" in (await clinic.book()).values()
    await clinic.a_day_later()
    assert sorted((await clinic.book()).values()) == starts(now)


def _troubles() -> list[tuple[str, SourceTrouble]]:
    return [(kind, each) for kind, make in EVERY.items() for each in sorted(make.troubles)]


@pytest.mark.parametrize(("kind", "which"), _troubles())
async def test_what_fails_is_said_and_changes_nothing(
    kind: str, which: SourceTrouble, tmp_path: Path
) -> None:
    clock = FakeClock(TUESDAY)
    source = EVERY[kind](Setting(now=clock.now, folder=tmp_path))
    clinic = await clinic_of(source, tmp_path, clock)
    try:
        await clinic.fetch()
        book = await clinic.book()
        source.trouble(which)
        came = await clinic.a_day_later()
        assert came.error or came.held, "it is said"
        assert await clinic.book() == book
        if isinstance(source, RemoteHarness):
            assert isinstance(came.error, SourceUnreachable)
            assert came.error.reason is which
            assert (came.error.wait > 0) == (which is SourceTrouble.RATE_LIMITED)
            note = await clinic.note()
            assert note.trouble == str(came.error)
            assert source.secret not in f"{note} {await clinic.application.activity.recent(50)}"
        source.trouble(None)
        assert (await clinic.a_day_later()).error is None
        assert await clinic.book() == book
    finally:
        source.close()


async def test_wrong_credentials_are_named_and_not_tried_again_at_once(
    remote: Clinic[RemoteHarness],
) -> None:
    source, services = remote.source, remote.application.services
    if not source.wrong_secret:
        return
    wanted = TypedPlace(kind=source.kind, secret=source.wrong_secret, fields=source.fields)
    await services.fetched_sources.add(NAME, wanted)
    came = await remote.fetch()
    assert isinstance(came.error, SourceUnreachable)
    assert came.error.reason is SourceTrouble.CREDENTIALS
    said = f"{came.error} {came.error.detail} {await remote.note()}"
    said += f"{await services.activity.recent(50)} {remote.application.settings.read()}"
    assert source.wrong_secret not in said
    requests = source.requests
    await remote.clock.advance(timedelta(minutes=30).total_seconds())
    await services.watching.fetching.look(NAME)
    assert source.requests == requests
    await services.fetched_sources.add(
        NAME, TypedPlace(kind=source.kind, secret=source.secret, fields=source.fields)
    )
    assert (await remote.fetch()).error is None


async def test_a_person_stops_a_fetch_and_it_goes_on_another_time(
    remote: Clinic[RemoteHarness],
) -> None:
    asked = remote.source.hang()
    fetching = asyncio.create_task(remote.fetch())
    await asyncio.to_thread(asked.wait, 30)
    remote.application.services.fetched_sources.stop_fetching(NAME)
    assert (await fetching).stopped
    assert await remote.book() == {}
    assert (await remote.note()).trouble == ""
    assert [*(remote.home / "watched").iterdir()] == []
    remote.source.trouble(None)
    await remote.fetch()
    assert sorted((await remote.book()).values()) == starts(FULL)


@pytest.mark.parametrize("how", ["remove", "stop"])
async def test_a_source_that_is_given_up_while_it_is_fetched_brings_nothing(
    remote: Clinic[RemoteHarness], how: str
) -> None:
    sources = remote.application.services.sources
    asked = remote.source.hang()
    fetching = asyncio.create_task(remote.fetch())
    await asyncio.to_thread(asked.wait, 30)
    await (sources.remove(NAME) if how == "remove" else sources.stop(NAME))
    assert (await fetching).stopped
    assert await remote.imports() == 0
    if how == "stop":
        assert (await remote.note()).fetched.tried_at is None
    else:
        assert await sources.overview() == ()


async def test_a_fetch_that_the_end_of_the_program_broke_off_is_begun_anew(
    remote: Clinic[RemoteHarness],
) -> None:
    await remote.fetch()
    moved = (replace(FULL[0], hour=14), *FULL[1:])
    await remote.clock.advance(900)
    remote.source.put(moved)
    asked = remote.source.hang()
    look = remote.application.services.watching.fetching.look
    fetching = asyncio.create_task(look(NAME))
    await asyncio.to_thread(asked.wait, 30)
    fetching.cancel()
    await asyncio.gather(fetching, return_exceptions=True)
    remote.source.trouble(None)
    await look(NAME)
    assert sorted((await remote.book()).values()) == starts(moved)
    assert await remote.imports() == 2


async def test_a_test_shows_ten_rows_and_keeps_nothing(remote: Clinic[RemoteHarness]) -> None:
    source = remote.source
    wanted = TypedPlace(kind=source.kind, secret=source.secret, fields=source.fields)
    sample = await remote.application.services.fetched_sources.sample("other", wanted)
    assert 2 <= len(sample.rows) <= 11
    assert 1 <= len(sample.appointments) <= 5
    assert source.secret not in sample.place
    assert await remote.book() == {}
    assert [*remote.application.settings.read().sources] == [NAME]
    assert [*(remote.home / "watched").iterdir()] == []


async def test_a_trial_is_fetched_once_and_gone_on_from(remote: Clinic[RemoteHarness]) -> None:
    fetched = remote.application.services.fetched_sources
    await remote.application.services.sources.remove(NAME)
    source = remote.source
    wanted = TypedPlace(kind=source.kind, secret=source.secret, fields=source.fields)
    trial = await fetched.trial(NAME, wanted, every=timedelta(hours=1))
    preview = await fetched.preview(trial)
    assert preview.added == len(FULL)
    assert not preview.open
    await fetched.subscribe(trial, preview, answers=preview.answers)
    await trial.close()
    assert sorted((await remote.book()).values()) == starts(FULL)
    requests = source.requests
    await fetched.sync(NAME)
    assert source.requests - requests == source.quiet_requests
    assert await remote.imports() == 1


async def test_a_practice_that_changes_from_its_export_has_no_double(
    remote: Clinic[RemoteHarness],
) -> None:
    importing = remote.application.services.importing
    await remote.application.services.sources.remove(NAME)
    file = remote.home / "export.csv"
    file.parent.mkdir(exist_ok=True)
    numbered = [replace(each, key=f"{1_000 + n}") for n, each in enumerate(FULL)]
    file.write_bytes(export(numbered))
    await importing.apply(await importing.preview(file, source=NAME), yes=True)
    before = {e.appointment_id for e in (await remote.rows()).values()}
    assert len(before) == len(FULL)
    await remote.source.open(remote.application)
    came = await remote.fetch()
    if came.held:
        assert came.report is not None
        assert {each.key for each in came.report.questions} == {f"same:{NAME}"}
        answers = {each.key: "take_over" for each in came.report.questions}
        came = await remote.fetch(**answers)
    assert came.report is not None
    assert not came.held
    assert sorted((await remote.book()).values()) == starts(FULL)
    assert {e.appointment_id for e in (await remote.rows()).values()} == before
