"""Daily backups: when, what is kept, what a failure leaves, and what is said of it."""

from __future__ import annotations

import errno
import sys
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path, PureWindowsPath
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.adapters.disks import disks_of, is_share, on_another_disk
from companion.adapters.file_locks import FileLock
from companion.adapters.home_text import HomeText
from companion.domain.backup_plan import (
    KEPT_DAYS,
    BackupPlan,
    BackupRecord,
    GoodBackup,
    is_due,
    latest_time,
    surplus,
)
from companion.domain.errors import BadInput, CompanionError, NotFound, StoreError
from companion.services.files import Disk
from companion.services.maintenance import backup_checks
from companion.services.maintenance.backup_places import BackupPlaces
from companion.services.maintenance.backup_records import KeptBackupNotes
from companion.services.maintenance.daily_backups import DailyBackups, SameDisk
from companion.services.ports import BookChange
from tests.fakes.backup_fixture import Fixture, appointment
from tests.fakes.doctor import Clinic
from tests.fakes.maintenance import FAIR, MemoryBackupNotes

ZONE = "Australia/Sydney"
DAY = timedelta(days=1)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(  # noqa: DTZ001
    lambda naive: naive.replace(tzinfo=UTC)
)


def good(at: datetime) -> GoodBackup:
    return GoodBackup(path=f"{at:%Y%m%d-%H%M%S}", made_at=at)


@given(moments, st.times())
def test_the_last_time_is_never_ahead_and_never_more_than_a_day_back(
    now: datetime, at: time
) -> None:
    due = latest_time(BackupPlan(folder="x", at=at), now, ZONE)
    assert timedelta(0) <= now - due < timedelta(hours=25)  # a day of the clocks' change is longer


@given(st.lists(moments, max_size=40, unique=True), moments)
def test_the_newest_of_each_of_the_last_days_stays(made: list[datetime], now: datetime) -> None:
    kept = [each for each in map(good, made) if each not in surplus([*map(good, made)], now, ZONE)]
    past = [each for each in kept if each.made_at <= now]
    days = [computed_day(each) for each in past]
    assert len(set(days)) == len(days) <= KEPT_DAYS
    assert all(each in kept for each in map(good, made) if each.made_at > now)
    if before := [each for each in made if each <= now]:
        assert good(max(before)) in kept
        assert len(past) == min(KEPT_DAYS, len({computed_day(good(each)) for each in before}))


def computed_day(backup: GoodBackup) -> object:
    return backup.made_at.astimezone(ZoneInfo(ZONE)).date()


def test_one_is_due_once_a_day_and_after_a_clock_that_was_wrong() -> None:
    plan = BackupPlan(folder="x", at=time(12, 30))
    noon = latest_time(plan, datetime(2026, 3, 3, 5, tzinfo=UTC), ZONE)
    assert not is_due(replace(plan, folder=""), None, noon, ZONE)
    assert is_due(plan, None, noon, ZONE)
    assert not is_due(plan, noon, noon + timedelta(hours=23), ZONE)
    assert is_due(plan, noon, noon + DAY, ZONE)
    assert is_due(plan, noon + 300 * DAY, noon, ZONE)


@dataclass
class Daily:
    """Daily backups of a home in memory, to a folder beside it."""

    fixture: Fixture
    notes: MemoryBackupNotes = field(default_factory=MemoryBackupNotes)
    another: bool = True
    places: BackupPlaces = field(default_factory=BackupPlaces)

    @property
    def disk(self) -> Path:
        return self.fixture.folder / "usb disk"

    @property
    def files(self) -> list[str]:
        return sorted(path.name for path in self.disk.iterdir())

    def service(self) -> DailyBackups:
        return self.fixture.daily_backups(self.notes, self.places, lambda: self.another)

    async def on(self) -> DailyBackups:
        service = self.service()
        await service.switch_on(str(self.disk), FAIR, at=time(12, 30))
        return service

    def told(self) -> list[str]:
        return [each.text for each in self.fixture.activity.lines if each.kind == "error"]


@pytest.fixture
def daily(tmp_path: Path) -> Daily:
    return Daily(Fixture(folder=tmp_path))


async def test_each_day_one_is_made_opened_and_known(daily: Daily) -> None:
    await daily.fixture.book.apply(BookChange(put=[appointment()]), daily.fixture.clock.now())
    service = await daily.on()
    await service.look_once()
    await service.look_once()
    (name,) = daily.files
    standing = await service.standing()
    assert standing.last is not None
    assert Path(standing.last.path).name == name
    assert (standing.last.appointments, standing.old, standing.what) == (1, False, "")
    daily.fixture.clock.shift(86_400)
    await service.look_once()
    assert len(daily.files) == 2
    assert await service.last_is_there()
    assert await service.good_path(standing.last.path) == Path(standing.last.path)
    with pytest.raises(NotFound):
        await service.good_path(str(daily.fixture.folder / "settings.json"))


async def test_fourteen_days_stay_and_nobody_else_s_file_goes(daily: Daily) -> None:
    service = await daily.on()
    foreign = daily.disk / "calendar-companion-20200101-000000.ccbackup"
    foreign.write_bytes(b"somebody's")
    for _day in range(KEPT_DAYS + 3):
        await service.look_once()
        daily.fixture.clock.shift(86_400)
    assert len(daily.files) == KEPT_DAYS + 1
    assert foreign.name in daily.files
    standing = await service.standing()
    assert len(standing.good) == KEPT_DAYS


async def test_a_book_that_is_not_as_it_was_written_makes_no_backup(daily: Daily) -> None:
    service = await daily.on()
    await service.look_once()
    (before,) = daily.files
    counts = iter([0, 7])

    async def count(_path: Path) -> int:
        return next(counts)

    daily.fixture.count = count  # type: ignore[method-assign, assignment] # a disk that keeps other bytes
    with pytest.raises(CompanionError, match="does not hold what it should"):
        await daily.service().make()
    assert daily.files == [before]
    assert not [*(daily.fixture.home / "drafts").iterdir()]


async def test_what_a_kill_left_goes_before_the_next_one(daily: Daily) -> None:
    service = await daily.on()
    names = ("x.ccbackup", "x.ccbackup.new", "x.ccbackup.new.part")
    for each in names:
        (daily.disk / each).write_bytes(b"half")
    making = str(daily.disk / names[0])
    await daily.notes.change(lambda known: replace(known, making={"": making}))
    await service.look_once()
    (name,) = daily.files
    assert name not in names


async def test_a_disk_that_is_not_connected_is_said_and_caught_up_with(daily: Daily) -> None:
    service = await daily.on()
    await service.look_once()
    daily.fixture.clock.shift(86_400)
    away = daily.disk.rename(daily.fixture.folder / "away")
    await service.look_once()
    assert daily.told() == []  # a network may still be waking up
    assert not daily.disk.exists()  # nothing is written where the disk should be
    daily.fixture.clock.shift(130)
    await service.look_once()
    (line,) = daily.told()
    assert "cannot be reached" in line
    for _try in range(4):
        daily.fixture.clock.shift(1000)
        await service.look_once()
    assert len(daily.told()) == 1
    assert "cannot be reached" in (await service.standing()).what
    away.rename(daily.disk)
    daily.fixture.clock.shift(1000)
    await service.look_once()
    assert len(daily.files) == 2
    assert (await service.standing()).what == ""
    daily.another = False  # an empty folder, where the disk was
    daily.fixture.clock.shift(86_400)
    with pytest.raises(StoreError, match="cannot be reached"):
        await service.make()


async def test_the_same_disk_is_taken_only_when_it_is_meant(daily: Daily) -> None:
    daily.another = False
    service = daily.service()
    with pytest.raises(SameDisk, match="same disk"):
        await service.switch_on(str(daily.disk), FAIR)
    assert not daily.fixture.settings.current.backups.folder
    await service.switch_on(str(daily.disk), FAIR, same_disk=True)
    await service.make()
    assert len(daily.files) == 1
    for folder, word in (("", "weak"), (str(daily.disk), "weak"), ("not/whole", FAIR)):
        await daily.fixture.secrets.remove("backup/passphrase")
        with pytest.raises(BadInput):
            await service.switch_on(folder, word)


async def test_switched_off_forgets_the_passphrase_and_keeps_the_files(daily: Daily) -> None:
    service = await daily.on()
    await service.make()
    await service.switch_off()
    assert daily.fixture.secrets.kept == {}
    daily.fixture.clock.shift(3 * 86_400)
    await service.look_once()
    assert len(daily.files) == 1
    standing = await service.standing()
    assert (standing.on, standing.old, standing.what) == (False, False, "")


async def test_the_doctor_says_the_age_of_the_last_good_one(daily: Daily) -> None:
    clinic = Clinic()
    clinic.more["daily_backups"] = daily.service()
    clinic.clock = daily.fixture.clock

    async def found() -> tuple[str, str]:
        (finding,) = await backup_checks.backups(clinic.context())
        return finding.state, finding.what

    assert list(await backup_checks.backups(clinic.context())) == []  # an empty book
    service = await daily.on()
    assert await found() == ("warn", "No backup has been made yet.")
    await service.make()
    assert (await found())[0] == "ok"
    daily.fixture.clock.shift(3 * 86_400)
    assert await found() == ("warn", "The last good backup is 3 days old.")
    daily.fixture.clock.shift(5 * 86_400)
    assert (await found())[0] == "fail"
    (path,) = daily.disk.iterdir()
    path.unlink()
    assert "not where it was written" in (await found())[1]


async def test_the_record_survives_and_a_damaged_one_deletes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "backups.json"
    notes = KeptBackupNotes(HomeText(file, lock=FileLock(tmp_path / "lock", holder="a test")))
    assert await notes.read() == BackupRecord()
    at = datetime(2026, 3, 3, tzinfo=UTC)
    record = BackupRecord(good=(good(at),), making={"one": "x"}, failed_at=at, what="a", remedy="b")
    await notes.change(lambda _known: record)
    assert await notes.read() == record
    for damaged in (b"{", b"[]", b"{}", b'{"good": [{"path": "x", "made_at": "soon"}]}'):
        file.write_bytes(damaged)
        assert await notes.read() == BackupRecord()


def test_two_partitions_of_one_disk_are_one_disk(tmp_path: Path) -> None:
    system, devices = tmp_path / "dev" / "block", tmp_path / "devices"
    system.mkdir(parents=True)
    for name, number in (("sda/sda1", "8:1"), ("sda/sda2", "8:2"), ("sdb/sdb1", "8:17")):
        (devices / name).mkdir(parents=True)
        (devices / name / "partition").touch()
        (system / number).symlink_to(devices / name)
    sealed = devices / "virtual" / "dm-0"
    (sealed / "slaves").mkdir(parents=True)
    (sealed / "slaves" / "sda2").symlink_to(devices / "sda" / "sda2")
    (system / "253:0").symlink_to(sealed)

    def under(major: int, minor: int) -> set[str]:
        import os

        return disks_of(os.makedev(major, minor), system)

    assert under(8, 1) == under(8, 2) == under(253, 0) == {"sda"}
    assert under(8, 17) == {"sdb"}
    assert under(0, 99) == {"0:99"}
    assert not on_another_disk(tmp_path, devices)
    assert is_share(PureWindowsPath("//server/share/Companion"))
    assert not is_share(PureWindowsPath("D:/Companion"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows flushes no folders")
def test_a_share_that_cannot_flush_a_folder_is_written_to_all_the_same(tmp_path: Path) -> None:
    class Share(Disk):
        code = errno.EINVAL

        def sync(self, descriptor: int) -> None:
            raise OSError(self.code, "")

    Share().sync_folder(tmp_path)
    failing = Share()
    failing.code = errno.EIO
    with pytest.raises(OSError, match=str(errno.EIO)):
        failing.sync_folder(tmp_path)
