"""The settings file: faults of the disk, kills, damage, and several processes."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from companion.adapters.file_locks import FileLock
from companion.adapters.settings import SettingsFile, pack, unpack
from companion.domain.errors import BadInput, Busy, StoreDamaged, StoreError, StoreTooNew
from companion.domain.settings import Settings, SourceSettings
from companion.services.files import Disk
from companion.services.settings.documents import VERSION
from tests.fakes import warm
from tests.fakes.disk import FailingDisk

Edit = Callable[[Settings], Settings]


def store_in(folder: Path, disk: Disk | None = None, patience: float = 5) -> SettingsFile:
    lock = FileLock(folder / "settings.lock", holder="the command test", patience=patience)
    return SettingsFile(folder, lock=lock, disk=disk)


def name(text: str) -> Edit:
    return lambda settings: replace(settings, practice=replace(settings.practice, name=text))


async def named_home(folder: Path, *names: str) -> SettingsFile:
    store = store_in(folder)
    for each in names:
        await store.change(name(each))
    return store


def leftovers(folder: Path) -> list[Path]:
    return list(folder.glob("*.tmp"))


# ── faults of the disk ────────────────────────────────────────────────────────────────────────

STEPS_OF_A_CHANGE = 8 if sys.platform != "win32" else 6
"""Backup and file: write, fsync, replace each, and an fsync of the folder where there is one."""


async def test_a_change_takes_the_steps_that_the_next_tests_make_fail(tmp_path: Path) -> None:
    await named_home(tmp_path, "before")
    disk = FailingDisk()
    await store_in(tmp_path, disk).change(name("after"))
    assert disk.steps == STEPS_OF_A_CHANGE


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("step", range(1, STEPS_OF_A_CHANGE + 1))
async def test_a_fault_at_any_step_leaves_old_or_new_settings_whole(
    tmp_path: Path, step: int, code: int
) -> None:
    await named_home(tmp_path, "older", "before")
    store = store_in(tmp_path, FailingDisk(step, code))
    with pytest.raises(StoreError) as caught:
        await store.change(name("after"))
    assert "disk" in caught.value.what.lower()
    last_step = step == STEPS_OF_A_CHANGE and sys.platform != "win32"
    expected = "after" if last_step else "before"
    assert store.read().practice.name == expected
    fresh = store_in(tmp_path)
    assert fresh.read().practice.name == expected
    assert not fresh.recovered
    assert leftovers(tmp_path) == []
    await store.change(name("later"))
    assert store_in(tmp_path).read().practice.name == "later"


@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_fault_at_the_first_use_leaves_no_half_file(tmp_path: Path, step: int) -> None:
    store = store_in(tmp_path, FailingDisk(step))
    with pytest.raises(StoreError):
        store.read()
    assert not (tmp_path / "settings.json").exists()
    assert store.read().install_id == store_in(tmp_path).read().install_id


def test_a_file_that_is_open_elsewhere_for_a_moment_is_waited_for(tmp_path: Path) -> None:
    class OpenElsewhere(Disk):
        refusals = 3

        def replace(self, source: Path, target: Path) -> None:
            self._patiently(lambda: self._refuse_or(source, target))

        def _refuse_or(self, source: Path, target: Path) -> None:
            if self.refusals:
                self.refusals -= 1
                raise PermissionError(errno.EACCES, "in use")
            source.replace(target)

    pauses: list[float] = []
    disk = OpenElsewhere(shared_files_lock=True, pause=pauses.append)
    assert store_in(tmp_path, disk).read() == store_in(tmp_path).read()
    assert len(pauses) == 3


# ── damage ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "damage",
    [b"", b"\x00" * 4096, b'{"tables": {}}', b"[]", b"\xff\xfe", b"[" * 100_000],
    ids=["empty", "zeros", "no checksum", "a list", "no text", "deep"],
)
async def test_a_damaged_file_is_answered_from_the_last_good_copy(
    tmp_path: Path, damage: bytes
) -> None:
    await named_home(tmp_path, "first", "second")
    (tmp_path / "settings.json").write_bytes(damage)
    store = store_in(tmp_path)
    assert store.read().practice.name == "first"
    assert "last good copy" in store.recovered
    await store.change(name("third"))
    assert (tmp_path / "settings.json.damaged").read_bytes() == damage
    fixed = store_in(tmp_path)
    assert fixed.read().practice.name == "third"
    assert not fixed.recovered


async def test_any_changed_letter_inside_a_value_is_noticed(tmp_path: Path) -> None:
    await named_home(tmp_path, "first", "second")
    path = tmp_path / "settings.json"
    path.write_bytes(path.read_bytes().replace(b"second", b"secqnd"))
    assert store_in(tmp_path).read().practice.name == "first"


async def test_a_missing_file_comes_back_from_the_copy_with_its_install_id(tmp_path: Path) -> None:
    store = await named_home(tmp_path, "first", "second")
    install_id = store.read().install_id
    (tmp_path / "settings.json").unlink()
    assert store_in(tmp_path).read().install_id == install_id


async def test_when_both_copies_are_damaged_nothing_is_overwritten(tmp_path: Path) -> None:
    await named_home(tmp_path, "first", "second")
    for each in ("settings.json", "settings.json.bak"):
        (tmp_path / each).write_bytes(b"rubbish")
    store = store_in(tmp_path)
    with pytest.raises(StoreDamaged):
        store.read()
    with pytest.raises(StoreDamaged):
        await store.change(name("third"))
    assert (tmp_path / "settings.json").read_bytes() == b"rubbish"
    assert (tmp_path / "settings.json.bak").read_bytes() == b"rubbish"


async def test_a_file_of_a_newer_version_is_left_untouched(tmp_path: Path) -> None:
    await named_home(tmp_path, "first")
    path = tmp_path / "settings.json"
    tables = unpack(path.read_bytes())
    assert tables is not None
    tables["home"]["1"]["version"] = 99
    newer = pack(tables)
    path.write_bytes(newer)
    store = store_in(tmp_path)
    with pytest.raises(StoreTooNew):
        store.read()
    with pytest.raises(StoreTooNew):
        await store.change(name("second"))
    assert path.read_bytes() == newer


async def test_a_bad_value_in_a_whole_file_is_named_and_not_replaced(tmp_path: Path) -> None:
    await named_home(tmp_path, "first", "second")
    path = tmp_path / "settings.json"
    tables = unpack(path.read_bytes())
    assert tables is not None
    tables["practice"]["1"]["hold_share"] = 5
    path.write_bytes(pack(tables))
    with pytest.raises(StoreError, match=r"practice\.hold_share") as caught:
        store_in(tmp_path).read()
    assert not isinstance(caught.value, StoreDamaged)


async def test_a_value_that_cannot_be_kept_is_refused_before_the_disk(tmp_path: Path) -> None:
    store = await named_home(tmp_path, "first")
    before = (tmp_path / "settings.json").read_bytes()
    with pytest.raises(BadInput) as caught:
        await store.change(
            lambda each: replace(each, practice=replace(each.practice, hold_share=7.0))
        )
    assert caught.value.field == "practice.hold_share"
    assert (tmp_path / "settings.json").read_bytes() == before


async def test_an_edit_that_changes_nothing_writes_nothing(tmp_path: Path) -> None:
    store = await named_home(tmp_path, "first")
    before = (tmp_path / "settings.json").stat()
    await store.change(name("first"))
    assert (tmp_path / "settings.json").stat().st_mtime_ns == before.st_mtime_ns


async def test_nobody_else_may_read_the_settings(tmp_path: Path) -> None:
    await named_home(tmp_path / "home", "first")
    for each in (tmp_path / "home", tmp_path / "home" / "settings.json"):
        # Windows has no such bits; there the user's own folder is private by inheritance.
        assert sys.platform == "win32" or each.stat().st_mode & 0o077 == 0


# ── several processes ─────────────────────────────────────────────────────────────────────────

COUNT_UP = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from companion.adapters.settings import SettingsFile
from companion.adapters.file_locks import FileLock
from companion.domain.settings import SourceSettings

folder, who, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
lock = FileLock(folder / "settings.lock", holder="the counter", patience=60)
store = SettingsFile(folder, lock=lock)
for number in range(rounds):
    source = SourceSettings(name=f"{who}-{number}", mapping="x" * 3000)
    asyncio.run(store.change(lambda each: each.with_source(source)))
    print(number, flush=True)
"""


def counter(folder: Path, who: str, rounds: int) -> warm.Process:
    return warm.start("-c", COUNT_UP, folder, who, str(rounds))


def test_two_processes_changing_at_once_lose_nothing(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.read()
    running = [counter(tmp_path, who, 15) for who in ("one", "two")]
    for each in running:
        each.communicate(timeout=60)
        assert each.returncode == 0
    expected = {f"{who}-{number}" for who in ("one", "two") for number in range(15)}
    assert set(store.read().sources) == expected


@pytest.mark.parametrize(
    "kills", [20, pytest.param(200, marks=[pytest.mark.long, pytest.mark.timeout(600)])]
)
def test_killing_the_writer_at_any_moment_loses_nothing_that_was_told_done(
    tmp_path: Path, kills: int
) -> None:
    install_id = store_in(tmp_path).read().install_id
    done: set[str] = set()
    for round_number in range(kills):
        with counter(tmp_path, f"r{round_number}", 1000) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            time.sleep(0.0023 * (round_number % 20))
            process.kill()
            lines = [first, *process.stdout.read().split("\n")]
        done |= {f"r{round_number}-{line.strip()}" for line in lines if line.strip()}
        store = store_in(tmp_path)
        settings = store.read()
        assert settings.install_id == install_id
        assert not store.recovered
        assert done <= set(settings.sources)
    assert len(done) >= kills


async def test_another_process_s_change_is_seen_at_the_next_read(tmp_path: Path) -> None:
    mine, theirs = store_in(tmp_path), store_in(tmp_path)
    mine.read()
    for number in range(30):
        await theirs.change(name(f"name {number:02}"))
        assert mine.read().practice.name == f"name {number:02}"


def test_two_first_uses_at_once_agree_on_one_install_id(tmp_path: Path) -> None:
    stores = [store_in(tmp_path) for _each in range(6)]
    ids: list[str] = []
    threads = [
        threading.Thread(target=lambda store=store: ids.append(store.read().install_id))
        for store in stores
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join(timeout=30)
    assert len(ids) == 6
    assert len(set(ids)) == 1


async def test_a_writer_that_waits_too_long_says_who_is_at_work(tmp_path: Path) -> None:
    other = FileLock(tmp_path / "settings.lock", holder="the app")
    store = await named_home(tmp_path, "first")
    impatient = store_in(tmp_path, patience=0.1)
    with other, pytest.raises(Busy) as caught:
        await impatient.change(name("second"))
    assert caught.value.what == f"The app (process {os.getpid()}) is saving something right now."
    assert store.read().practice.name == "first"
    await impatient.change(name("second"))
    assert store.read().practice.name == "second"


async def test_a_second_thread_waits_for_its_turn_and_gives_up_in_words(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "settings.lock", holder="the app", patience=0.1)
    store = SettingsFile(tmp_path, lock=lock)
    with lock, pytest.raises(Busy):
        await store.change(name("second"))


def test_the_file_holds_tinydb_tables(tmp_path: Path) -> None:
    store_in(tmp_path).read()
    document = json.loads((tmp_path / "settings.json").read_bytes())
    assert {"home", "practice"} <= set(document["tables"])
    assert document["tables"]["home"]["1"]["version"] == VERSION


# ── many changes at once ──────────────────────────────────────────────────────────────────────


async def test_changes_that_wait_together_are_written_together(tmp_path: Path) -> None:
    await named_home(tmp_path, "before")
    disk = FailingDisk()
    store = store_in(tmp_path, disk)
    done = await asyncio.gather(*(store.change(add(f"source {n}")) for n in range(50)))
    assert disk.steps <= 2 * STEPS_OF_A_CHANGE
    assert set(store_in(tmp_path).read().sources) == {f"source {n}" for n in range(50)}
    assert [len(each.sources) for each in done] == [*range(1, 51)]


async def test_one_that_fails_among_them_fails_alone(tmp_path: Path) -> None:
    store = await named_home(tmp_path, "before")

    def refuse(_settings: Settings) -> Settings:
        raise BadInput("not this one")

    def spoil(settings: Settings) -> Settings:
        return replace(settings, practice=replace(settings.practice, hold_share=7.0))

    edits = [add("a"), refuse, spoil, add("b")]
    a, refused, wrong, b = await asyncio.gather(
        *(store.change(edit) for edit in edits), return_exceptions=True
    )
    assert isinstance(a, Settings)
    assert isinstance(b, Settings)
    assert str(refused).startswith("not this one")
    assert isinstance(wrong, BadInput)
    assert wrong.field == "practice.hold_share"
    assert set(store_in(tmp_path).read().sources) == {"a", "b"}


async def test_one_that_is_cancelled_leaves_the_others_to_be_done(tmp_path: Path) -> None:
    store = await named_home(tmp_path, "before")
    tasks = [asyncio.create_task(store.change(add(str(n)))) for n in range(10)]
    await asyncio.sleep(0)
    tasks[0].cancel()  # the one that writes for all
    tasks[5].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert {str(n) for n in range(10) if n not in {0, 5}} <= set(store.read().sources)


async def test_a_lock_that_is_not_given_is_said_to_everybody_who_waits(tmp_path: Path) -> None:
    store = store_in(tmp_path, patience=0.05)
    store.read()
    with FileLock(tmp_path / "settings.lock", holder="another"):
        found = await asyncio.gather(
            *(store.change(add(str(n))) for n in range(5)), return_exceptions=True
        )
    assert [type(each) for each in found] == [Busy] * 5
    assert (await store.change(add("later"))).sources


async def test_what_was_written_is_read_without_parsing_it_again(tmp_path: Path) -> None:
    store = await named_home(tmp_path, "before")
    after = await store.change(name("after"))
    assert store.read() is after
    assert store_in(tmp_path).read() == after


def add(source: str) -> Edit:
    return lambda settings: settings.with_source(SourceSettings(name=source))
