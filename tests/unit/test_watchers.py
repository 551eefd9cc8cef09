"""Watched folders of a practice: each names the workstation that sees it, and that one watches."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from companion.adapters.file_locks import NamedFileLocks
from companion.domain.errors import BadInput, Busy, FileRefused
from companion.domain.settings import RemoteSettings, SourceSettings
from companion.services.ports import AlwaysHeld
from companion.services.sources.fetching import Fetching
from companion.services.sources.notes import SourceNote, Waiting
from companion.services.sources.remote import by_name
from companion.services.sources.sources import Sources
from companion.services.sources.watchers import Watchers, missed_folders, watched_by
from companion.services.workstations import Workstations
from tests.fakes.clock import MONDAY, FakeClock
from tests.fakes.practice import FakePractice, off, workstation
from tests.fakes.secrets import FakeSecrets
from tests.fakes.services import TUESDAY
from tests.fakes.sources import FakeLinks, MemoryNotes
from tests.fakes.waiting import until
from tests.fakes.watched_clinic import Clinic, export, seconds


class Held(AlwaysHeld):
    def __init__(self, *, held: bool) -> None:
        self.held = held


class Front:
    """The front desk, beside the back office, which watches ``nookal``."""

    def __init__(self, tmp_path: Path, *, here: str = "front-desk", keeps: bool = True) -> None:
        self.clinic = Clinic(tmp_path)
        self.practice = FakePractice(this_one=here)
        self.lease = Held(held=keeps)
        self.watchers = Watchers(
            practice=self.practice, lease=self.lease, workstations=self._workstations
        )
        clinic = self.clinic
        self.sources = Sources(
            settings=clinic.settings,
            notes=clinic.notes,
            importing=clinic.importing,
            fetching=clinic.watching.fetching,
            spool=clinic.home / "watched",
            watchers=self.watchers,
        )
        self.watching = clinic.watching
        self.watching.watchers = self.watchers

    async def _workstations(self) -> Workstations:
        return Workstations(all=await self.practice.workstations())

    def watched_by(self, workstation: str) -> None:
        settings = self.clinic.settings
        source = replace(settings.current.sources["nookal"], workstation=workstation)
        settings.current = settings.current.with_source(source)


async def test_a_folder_belongs_to_the_workstation_it_is_chosen_on(tmp_path: Path) -> None:
    front = Front(tmp_path)
    exports = tmp_path / "more exports"
    exports.mkdir()
    source = await front.sources.add("other", str(exports))
    assert source.workstation == "front-desk"
    home = await front.clinic.sources.add("third", "")
    assert home.workstation == ""


@pytest.mark.parametrize(
    ("named", "keeps", "watches"),
    [
        ("front-desk", False, True),
        ("front-desk", True, True),
        ("back-office", True, False),
        ("gone", True, False),
        ("", True, True),
        ("", False, False),
    ],
)
async def test_only_the_named_workstation_looks_into_the_folder_and_else_who_keeps_the_calendars(
    tmp_path: Path, named: str, keeps: bool, watches: bool
) -> None:
    front = Front(tmp_path, keeps=keeps)
    front.watched_by(named)
    front.clinic.drop("today.csv", export(1, 2))
    running = asyncio.create_task(front.watching.run())
    try:
        await seconds(front.clinic, 4, folders=1 if watches else 0)
        if watches:
            await until(lambda: front.clinic.names("imported") != [])
        assert front.clinic.names() == ([] if watches else ["today.csv"])
    finally:
        running.cancel()
        await asyncio.wait({running})


async def test_what_is_fetched_is_left_to_who_keeps_the_calendars(tmp_path: Path) -> None:
    front = Front(tmp_path, keeps=False)
    remote = RemoteSettings(kind="link", place="calendar.example")
    source = SourceSettings(name="link", remote=remote)
    assert not front.watchers.is_here(source)
    front.lease.held = True
    assert front.watchers.is_here(source)


async def test_the_others_say_who_watches_and_since_when_it_is_off(tmp_path: Path) -> None:
    front = Front(tmp_path)
    front.watched_by("back-office")
    (status,) = await front.sources.overview()
    assert status.watcher is not None
    assert (status.watcher.name, status.watcher.here, status.watcher.absent) == (
        "Back office",
        False,
        "",
    )
    front.practice.change("back-office", on=False, seen_at=MONDAY)
    (status,) = await front.sources.overview()
    assert status.watcher is not None
    assert status.watcher.absent == "Back office is off: the folder is not watched."
    assert status.failing == ""
    assert status.watcher.off_since == MONDAY
    await front.practice.forget("back-office")
    (status,) = await front.sources.overview()
    assert status.watcher is not None
    assert "has left the practice" in status.watcher.absent
    front.practice.server.reachable = False
    (status,) = await front.sources.overview()
    assert status.watcher is None
    (home,) = await front.clinic.sources.overview()
    assert home.watcher is None


@pytest.mark.parametrize(
    ("named", "days", "missed"),
    [
        ("second-site", 0.9, False),  # off overnight
        ("second-site", 1.1, True),
        ("back-office", 1.1, False),  # on, whatever was seen of it
        ("front-desk", 1.1, False),
        ("given-away", 0, True),
        ("", 1.1, False),  # whoever keeps the calendars
    ],
)
def test_a_folder_is_missed_when_its_workstation_is_gone_or_off_for_long(
    named: str, days: float, missed: bool
) -> None:
    seen_at = TUESDAY - timedelta(days=days)
    known = [
        workstation("Back office", seen_at=seen_at),
        off("Front desk", seen_at=seen_at),  # this one
        off("Second site", seen_at=seen_at),
    ]
    seen = Workstations(all=known, this_one="front-desk")
    folder = SourceSettings(name="nookal", folder="C:\\exports", workstation=named)
    link = SourceSettings(name="link", workstation=named)
    found = missed_folders([folder, link], seen, TUESDAY)
    assert found == ({named: ["nookal"]} if missed else {})
    assert watched_by("second-site", [folder, link]) == (
        ["nookal"] if named == "second-site" else []
    )


async def test_a_folder_is_moved_to_the_workstation_that_sees_it_too(tmp_path: Path) -> None:
    front = Front(tmp_path)
    front.watched_by("back-office")
    moved = await front.sources.watch_here("nookal")
    assert (moved.workstation, moved.folder) == ("front-desk", str(front.clinic.folder))
    front.watched_by("back-office")
    front.clinic.folder.rmdir()
    with pytest.raises(BadInput, match="There is no folder"):
        await front.sources.watch_here("nookal")
    assert front.clinic.settings.current.sources["nookal"].workstation == "back-office"


async def test_a_change_made_here_leaves_another_s_folder_where_it_is(tmp_path: Path) -> None:
    """Its path may mean nothing on this computer."""
    front = Front(tmp_path)
    front.watched_by("back-office")
    front.clinic.folder.rmdir()
    changed = await front.sources.add("nookal", str(front.clinic.folder), snapshot=True)
    assert (changed.workstation, changed.snapshot) == ("back-office", True)


async def test_two_workstations_may_each_have_a_folder_of_the_same_path(tmp_path: Path) -> None:
    front = Front(tmp_path)
    front.watched_by("back-office")
    other = await front.sources.add("other", str(front.clinic.folder))
    assert other.workstation == "front-desk"
    with pytest.raises(BadInput, match="already watched for other"):
        await front.sources.add("third", str(front.clinic.folder))


async def test_what_waits_in_another_s_folder_names_where_it_lies(tmp_path: Path) -> None:
    """A file of the same name here would be another one."""
    front = Front(tmp_path)
    front.watched_by("back-office")
    (front.clinic.folder / "set aside").mkdir()
    place = "set aside/today.csv"
    (front.clinic.folder / place).write_text(export(1), encoding="utf-8")
    waiting = Waiting(place=place, at=TUESDAY, held=True, what="Two questions.")
    await front.clinic.notes.change("nookal", lambda _: SourceNote(waiting=(waiting,)))
    with pytest.raises(FileRefused, match="a folder of Back office"):
        await front.sources.look_at("nookal", place)
    assert await front.sources.owner(front.clinic.folder / place) is None
    front.watched_by("front-desk")
    assert (await front.sources.look_at("nookal", place)).added == 1


# ── one fetch at a time ───────────────────────────────────────────────────────────────────────


async def test_two_workstations_do_not_fetch_the_same_source_at_once(tmp_path: Path) -> None:
    clock = FakeClock(TUESDAY, auto=False)
    clinic = Clinic(tmp_path, clock=clock)
    links, notes, secrets = FakeLinks(), MemoryNotes(), FakeSecrets()
    remote = RemoteSettings(kind="link", place="calendar.example")
    name = "link / of: everybody?"
    clinic.settings.current = clinic.settings.current.with_source(
        SourceSettings(name=name, remote=remote)
    )

    def workstation(holder: str) -> Fetching:
        return Fetching(
            settings=clinic.settings,
            notes=notes,
            remotes=by_name(links),
            secrets=secrets,
            importing=clinic.importing,
            activity=clinic.stores.activity,
            clock=clock,
            spool=clinic.home / "watched",
            locks=NamedFileLocks(tmp_path / "turns", holder=holder, patience=0.05),
        )

    here, there = workstation("here"), workstation("there")
    await here.keep(name, "https://calendar.example/x.ics")
    links.calendars["https://calendar.example/x.ics"] = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
    loop = asyncio.get_running_loop()
    refused: list[BaseException | None] = []

    def meanwhile() -> None:
        links.takes = lambda: None
        asked = asyncio.run_coroutine_threadsafe(there.fetch(name, asked_by="Robin"), loop)
        refused.append(asked.exception(10))
        asyncio.run_coroutine_threadsafe(there.look(name), loop).result(10)

    links.takes = meanwhile
    await here.fetch(name, asked_by="Alex")
    assert isinstance(refused[0], Busy)
    assert "being fetched just now" in refused[0].what
    assert len(links.requests) == 1
    await there.look(name)  # it was just fetched
    assert len(links.requests) == 1
