"""Daily backups of a practice: known to all workstations, each file the one's that made it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time
from functools import partial
from pathlib import Path

import pytest

from companion.domain.backup_plan import KEPT_DAYS, BackupRecord, GoodBackup
from companion.domain.errors import NotFound, StoreError
from companion.services.maintenance import backup_checks, backup_records
from companion.services.maintenance.backup_places import BackupPlaces, parts_of
from companion.services.maintenance.daily_backups import DailyBackups
from companion.services.workstations import Workstations
from tests.fakes.backup_fixture import Fixture
from tests.fakes.doctor import Clinic
from tests.fakes.maintenance import FAIR, MemoryBackupNotes
from tests.fakes.practice import FakePractice, workstation

DAY = 86_400
FRONT, ROOM = "front", "room"


@dataclass
class Two:
    """Workstations of one practice; each has a disk at a path of its own."""

    fixture: Fixture
    notes: MemoryBackupNotes = field(default_factory=MemoryBackupNotes)
    known: list[str] = field(default_factory=lambda: [FRONT, ROOM])
    """That have not left."""

    def at(self, me: str) -> DailyBackups:
        every = [workstation("Front desk", id=FRONT), workstation("Room 2", id=ROOM)]
        names = [each for each in every if each.id in self.known]
        practice = FakePractice(names, this_one=me)

        async def known() -> Workstations:
            return Workstations(all=tuple(names), this_one=me, newest="")

        return self.fixture.daily_backups(self.notes, BackupPlaces(practice, known))

    def files(self, folder: str) -> Sequence[str]:
        return sorted(path.name for path in (self.fixture.folder / folder).iterdir())

    async def to(self, service: DailyBackups, folder: str) -> None:
        await service.switch_on(str(self.fixture.folder / folder), FAIR, at=time(12, 30))


def also(backup: GoodBackup, known: BackupRecord) -> BackupRecord:
    return replace(known, good=(*known.good, backup))


@pytest.fixture
def two(tmp_path: Path) -> Two:
    return Two(Fixture(folder=tmp_path))


async def test_each_workstation_rotates_its_own_files_only(two: Two) -> None:
    front, room = two.at(FRONT), two.at(ROOM)
    await two.to(front, "front disk")
    for _day in range(KEPT_DAYS):
        await front.make()
        two.fixture.clock.shift(DAY)
    await two.to(room, "room disk")
    for _day in range(KEPT_DAYS + 2):
        await room.make()
        two.fixture.clock.shift(DAY)
    assert len(two.files("front disk")) == len(two.files("room disk")) == KEPT_DAYS
    assert (await front.standing()).counts() == {"Room 2": KEPT_DAYS, "Front desk": KEPT_DAYS}


async def test_on_a_share_that_both_reach_none_goes_twice_and_none_is_lost(two: Two) -> None:
    both = (two.at(FRONT), two.at(ROOM))
    await two.to(both[0], "share")
    for day in range(2 * KEPT_DAYS + 4):
        await both[day % 2].make()
        two.fixture.clock.shift(DAY)
    known = await two.notes.read()
    assert sorted(Path(each.path).name for each in known.good) == list(two.files("share"))
    assert len(known.good) == 2 * KEPT_DAYS
    for service in both:
        assert await service.last_is_there()
        for each in known.good:
            assert await service.good_path(each.path) == Path(each.path)


async def test_a_backup_of_another_workstation_is_the_practice_s_last_good_one(two: Two) -> None:
    front, room = two.at(FRONT), two.at(ROOM)
    await two.to(front, "front disk")
    made = await front.make()
    (two.fixture.folder / "front disk").rename(two.fixture.folder / "of another computer")
    standing = await room.standing()
    assert standing.last is not None
    assert (standing.where(standing.last), standing.old) == ("Front desk", False)
    assert await room.last_is_there()
    with pytest.raises(NotFound, match="lies on Front desk"):
        await room.good_path(str(made.path))
    await room.look_once()  # not due: that one counts
    assert len((await two.notes.read()).good) == 1
    clinic = Clinic()
    clinic.more["daily_backups"] = room
    clinic.clock = two.fixture.clock
    (finding,) = await backup_checks.backups(clinic.context())
    assert (finding.state, "old, on Front desk" in finding.what) == ("ok", True)
    assert not await front.last_is_there()


async def test_one_of_a_workstation_that_has_left_counts_only_where_it_can_be_reached(
    two: Two,
) -> None:
    await two.to(two.at(FRONT), "front disk")
    await two.at(FRONT).make()
    two.known.remove(FRONT)
    room = two.at(ROOM)
    standing = await room.standing()
    assert standing.last is not None, "a share, say: it lies there"
    assert standing.where(standing.last) == "Front desk, which has left the practice"

    (two.fixture.folder / "front disk").rename(two.fixture.folder / "of another computer")
    two.fixture.clock.shift(2 * 3600)
    standing = await room.standing()
    assert (standing.last, standing.old, len(standing.good)) == (None, True, 1)
    clinic = Clinic()
    clinic.more["daily_backups"] = room
    clinic.clock = two.fixture.clock
    (finding,) = await backup_checks.backups(clinic.context())
    assert finding.state == "warn"
    assert "2 hours old, on Front desk, which has left the practice" in finding.what
    await two.to(room, "room disk")
    await room.look_once()  # at once, whatever the time: none counts
    (finding,) = await backup_checks.backups(clinic.context())
    assert (finding.state, "on Room 2" in finding.what) == ("ok", True)


async def test_a_folder_that_this_workstation_has_not_is_named_with_what_to_do(two: Two) -> None:
    await two.to(two.at(FRONT), "front disk")
    (two.fixture.folder / "front disk").rmdir()
    with pytest.raises(StoreError, match="cannot be reached from Room 2") as raised:
        await two.at(ROOM).make()
    assert "Practice > Workstations" in raised.value.remedy


async def test_what_another_workstation_left_unfinished_stays_until_it_is_back(two: Two) -> None:
    front, room = two.at(FRONT), two.at(ROOM)
    await two.to(room, "share")
    half = two.fixture.folder / "share" / "half.ccbackup"
    half.write_bytes(b"half")
    await two.notes.change(lambda known: replace(known, making={FRONT: str(half)}))
    await room.make()
    assert half.exists()
    two.fixture.clock.shift(DAY)
    await front.make()
    assert not half.exists()


async def test_older_notes_belong_to_whoever_finds_the_file(two: Two) -> None:
    front, room = two.at(FRONT), two.at(ROOM)
    await two.to(front, "front disk")
    disk = two.fixture.folder / "front disk"
    for number in range(KEPT_DAYS + 1):
        two.fixture.clock.shift(DAY)
        here = number % 2
        path = (disk if here else Path("E:/gone")) / f"{number}.ccbackup"
        if here:
            path.write_bytes(b"old")
        old = GoodBackup(path=str(path), made_at=two.fixture.clock.now(), size=3)
        await two.notes.change(partial(also, old))
    standing = await room.standing()
    assert standing.last is not None
    assert standing.where(standing.last) == "another workstation"
    for _day in range(KEPT_DAYS):
        two.fixture.clock.shift(DAY)
        await front.make()
    known = await two.notes.read()
    assert [each.path for each in known.good if each.workstation == ""] == [
        str(Path("E:/gone") / f"{number}.ccbackup") for number in range(0, KEPT_DAYS + 1, 2)
    ]
    assert len(two.files("front disk")) == KEPT_DAYS


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("E:\\Backups\\a.ccbackup", ("E:\\Backups", "a.ccbackup")),
        ("\\\\server\\share\\a.ccbackup", ("\\\\server\\share\\", "a.ccbackup")),
        (str(Path("/mnt/share/a.ccbackup")), (str(Path("/mnt/share")), "a.ccbackup")),
    ],
)
def test_a_path_of_another_system_is_shown_in_its_parts(path: str, parts: tuple[str, str]) -> None:
    assert parts_of(path) == parts


def test_notes_of_before_workstations_are_read_and_moved_both_ways() -> None:
    at = datetime(2026, 3, 3, tzinfo=UTC)
    text = json.dumps(
        {
            "good": [{"path": "a", "made_at": at.isoformat(), "size": 1, "appointments": 2}],
            "making": "b",
            "failed_at": None,
            "what": "",
            "remedy": "",
        }
    )
    one = GoodBackup(path="a", made_at=at, size=1, appointments=2)
    home = BackupRecord(good=(one,), making={"": "b"})
    assert backup_records.record_in(text) == home
    shared = backup_records.moved(text, before="", after=FRONT)
    assert backup_records.record_in(shared) == BackupRecord(
        good=(replace(one, workstation=FRONT),), making={FRONT: "b"}
    )
    back = backup_records.moved(shared, before=FRONT, after="")
    assert backup_records.record_in(back) == home
