"""Everybody connected at once, by the practice's service account."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from companion.adapters.file_locks import NamedFileLocks
from companion.domain.appointments import Practitioner
from companion.domain.errors import (
    CalendarInUse,
    ClientFileMissing,
    DelegationRefused,
    Offline,
    RateLimited,
    RemoteError,
)
from companion.domain.settings import PractitionerSettings, Settings
from companion.services.google.workspace import AT_ONCE, Workspace
from tests.fakes.connecting import INSTALL, KEY, Fixture
from tests.fakes.waiting import until


class Clinic(Fixture):
    def __init__(self, count: int = 20) -> None:
        super().__init__()
        self.secrets.kept["google/service-account"] = KEY.decode()
        settings = Settings(install_id=INSTALL)
        for number in range(count):
            settings = settings.with_practitioner(somebody(number))
        self.settings.current = settings
        self.workspace = self.new_workspace()
        self.trouble: dict[str, list[RemoteError]] = {}
        self.minting = self.most_minting = 0
        self.google.hook = self.meet

    def new_workspace(self) -> Workspace:
        return Workspace(connecting=self.new_service(), settings=self.settings, clock=self.clock)

    async def meet(self, when: str, name: str) -> None:
        """Trouble of a login, each once."""
        if (when, name) == ("before", "mint"):
            waiting = self.trouble.get(self.google.minted[-1], [])
            self.minting += 1
            self.most_minting = max(self.most_minting, self.minting)
            await asyncio.sleep(0)
            self.minting -= 1
            if waiting:
                raise waiting.pop(0)

    def calendars(self) -> Counter[str]:
        """How many each login owns."""
        return Counter(self.google.owners.values())


def login(number: int) -> str:
    return f"person{number}@clinic.example"


def somebody(number: int, email: str | None = None) -> PractitionerSettings:
    return PractitionerSettings(
        practitioner=Practitioner(
            id=f"p{number}",
            name=f"Person {number:02}",
            email=login(number) if email is None else email,
        )
    )


@pytest.fixture
def clinic() -> Clinic:
    return Clinic()


async def test_everybody_gets_a_calendar_of_their_own(clinic: Clinic) -> None:
    run = await clinic.workspace.connect_all()
    assert [each.practitioner_id for each in run.connected][:3] == ["p0", "p1", "p2"]
    assert (run.total, run.done, run.refused, run.running) == (20, 20, [], False)
    assert clinic.calendars() == {login(number): 1 for number in range(20)}
    assert all(each.syncs for each in clinic.settings.current.practitioners.values())


async def test_some_at_a_time_and_no_more(clinic: Clinic) -> None:
    await clinic.workspace.connect_all()
    assert clinic.most_minting == AT_ONCE


async def test_progress_rises_one_by_one(clinic: Clinic) -> None:
    seen: list[int] = []
    await clinic.workspace.connect_all(lambda run: seen.append(run.done))
    assert seen == [*range(21)]


async def test_without_a_key_it_says_what_to_add(clinic: Clinic) -> None:
    del clinic.secrets.kept["google/service-account"]
    with pytest.raises(ClientFileMissing, match="key of a service account"):
        await clinic.workspace.connect_all()
    found = clinic.workspace.latest()
    assert found is not None
    assert not found.running


async def test_who_has_no_login_is_named_and_the_rest_go_on(clinic: Clinic) -> None:
    clinic.settings.current = clinic.settings.current.with_practitioner(somebody(3, email=""))
    run = await clinic.workspace.connect_all()
    assert run.without_login == ("Person 03",)
    assert len(run.connected) == 19


async def test_whom_google_refuses_is_named_with_the_cure_and_the_rest_go_on(
    clinic: Clinic,
) -> None:
    clinic.google.strangers |= {login(2), login(5)}
    run = await clinic.workspace.connect_all()
    ((error, people),) = run.reasons()
    assert isinstance(error, DelegationRefused)
    assert [(each.name, each.login) for each in people] == [
        ("Person 02", login(2)),
        ("Person 05", login(5)),
    ]
    assert len(run.connected) == 18


async def test_running_it_again_does_what_is_left_and_asks_google_nothing_else(
    clinic: Clinic,
) -> None:
    clinic.google.strangers.add(login(2))
    await clinic.workspace.connect_all()
    clinic.google.strangers.clear()
    clinic.google.minted.clear()
    run = await clinic.workspace.connect_all()
    assert clinic.google.minted == [login(2)]
    assert len(run.already) == 19
    assert set(clinic.calendars().values()) == {1}


async def test_what_fails_for_a_moment_is_tried_again(clinic: Clinic) -> None:
    clinic.trouble = {login(1): [RateLimited(retry_after=5)], login(4): [Offline(), Offline()]}
    run = await clinic.workspace.connect_all()
    assert (run.refused, len(run.connected)) == ([], 20)
    assert set(clinic.calendars().values()) == {1}


async def test_where_google_cannot_be_reached_the_rest_is_left_and_said_once(
    clinic: Clinic,
) -> None:
    clinic.google.offline = True
    run = await clinic.workspace.connect_all()
    assert isinstance(run.stopped_by, Offline)
    assert len(run.reasons()) == 1
    assert len(run.refused) == AT_ONCE
    assert len(run.refused) + len(run.not_tried) == 20
    clinic.google.offline = False
    assert len((await clinic.workspace.connect_all()).connected) == 20


async def test_an_internal_error_of_one_is_no_matter_of_the_others(clinic: Clinic) -> None:
    clinic.trouble = {login(3): [ValueError("a mistake")]}  # type: ignore[list-item]
    run = await clinic.workspace.connect_all()
    assert [each.name for each in run.refused] == ["Person 03"]
    assert len(run.connected) == 19


async def test_a_run_that_is_cut_off_leaves_no_second_calendar(clinic: Clinic) -> None:
    """Cancelled, as by Ctrl+C, at any await while calendars are made; then run again."""
    for steps in range(1, 40):
        cut = Clinic(8)
        task = asyncio.create_task(cut.workspace.connect_all())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        run = await cut.new_workspace().connect_all()
        assert not run.refused
        assert cut.calendars() == {login(number): 1 for number in range(8)}, steps


async def test_two_programs_at_once_make_no_calendar_twice(tmp_path: Path) -> None:
    """The app's button and a command, over the same home."""
    clinic = Clinic(12)
    locks = NamedFileLocks(tmp_path, holder="the test")

    async def slow(when: str, name: str) -> None:
        for _ in range(20 if (when, name) == ("before", "create") else 0):
            await asyncio.sleep(0)

    clinic.google.hook = slow
    runs = [
        Workspace(
            connecting=clinic.new_service(locks=locks),
            settings=clinic.settings,
            clock=clinic.clock,
        ).connect_all()
        for _ in range(2)
    ]
    await asyncio.gather(*runs)
    assert clinic.calendars() == {login(number): 1 for number in range(12)}


async def test_calendars_of_a_lost_computer_are_taken_over_by_one_word(clinic: Clinic) -> None:
    await clinic.workspace.connect_all()
    new = Clinic.elsewhere(clinic)
    assert isinstance(new, Clinic)
    new.settings.current = replace(
        new.settings.current, practitioners=Clinic(20).settings.current.practitioners
    )
    new.google.makers = clinic.google.makers
    workspace = new.new_workspace()
    run = await workspace.connect_all()
    assert {type(each.error) for each in run.refused} == {CalendarInUse}
    assert not run.connected
    run = await workspace.connect_all(take_over=True)
    assert (len(run.connected), run.refused) == (20, [])
    assert new.calendars() == {login(number): 1 for number in range(20)}


# ── from signing in ───────────────────────────────────────────────────────────────────────────


async def test_who_signed_in_before_keeps_the_calendar(clinic: Clinic) -> None:
    await clinic.connect("p0", account=login(0))
    before = clinic.record("p0").google
    clinic.google.authorised.add("https://www.googleapis.com/auth/calendar.events.owned")
    await clinic.workspace.connect_all()
    after = clinic.record("p0").google
    assert after.calendar_id == before.calendar_id
    assert (bool(before.delegated), bool(after.delegated)) == (False, True)


async def test_who_was_switched_off_stays_switched_off(clinic: Clinic) -> None:
    await clinic.connect("p0", account=login(0))
    record = clinic.record("p0")
    off = replace(record, choices=replace(record.choices, enabled=False))
    clinic.settings.current = clinic.settings.current.with_practitioner(off)
    clinic.google.authorised.add("https://www.googleapis.com/auth/calendar.events.owned")
    await clinic.workspace.connect_all()
    assert clinic.record("p0").google.delegated
    assert not clinic.record("p0").choices.enabled


async def test_another_service_account_connects_everybody_again(clinic: Clinic) -> None:
    await clinic.workspace.connect_all()
    replaced = KEY.replace(b"104727004242420010001", b"200727004242420010001")
    await clinic.service.set_client(replaced, replace=True)
    clinic.google.authorised.add("https://www.googleapis.com/auth/calendar.events.owned")
    run = await clinic.workspace.connect_all()
    assert len(run.connected) == 20
    assert set(clinic.calendars().values()) == {1}


# ── begun on a page ───────────────────────────────────────────────────────────────────────────


async def test_a_run_begun_on_a_page_goes_on_by_itself_and_waits_with_the_upload(
    clinic: Clinic,
) -> None:
    assert clinic.workspace.latest() is None
    clinic.workspace.begin()
    first = clinic.workspace.latest()
    clinic.workspace.begin()  # pressed twice
    assert clinic.workspace.latest() is first
    assert first is not None
    await until(lambda: not first.running)
    assert len(first.connected) == 20
    assert (await clinic.ledger.state("p0")).awaiting_upload


async def test_a_run_that_is_stopped_finishes_those_under_way(clinic: Clinic) -> None:
    async def stop_at_the_third(when: str, name: str) -> None:
        if (when, name) == ("after", "create") and clinic.google.creations == 3:
            clinic.workspace.cancel()

    clinic.google.hook = stop_at_the_third
    clinic.workspace.begin()
    run = clinic.workspace.latest()
    assert run is not None
    await until(lambda: not run.running)
    assert 3 <= len(run.connected) <= AT_ONCE
    assert len(run.connected) + len(run.not_tried) == 20
    assert run.stopped_by is None
    clinic.workspace.begin()
    again = clinic.workspace.latest()
    assert again is not None
    await until(lambda: not again.running)
    assert len(again.already) + len(again.connected) == 20


async def test_a_run_that_cannot_begin_says_why(clinic: Clinic) -> None:
    del clinic.secrets.kept["google/service-account"]
    clinic.workspace.begin()
    run = clinic.workspace.latest()
    assert run is not None
    await until(lambda: not run.running)
    assert isinstance(run.stopped_by, ClientFileMissing)
