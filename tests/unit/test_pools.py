"""Pools: each kind of long work has its threads, and nobody waits for them at the end."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest

from companion.adapters.sessions import SessionFile
from companion.adapters.tabular.files import WorkbookFiles
from companion.domain.errors import FileRefused
from companion.domain.tokens import token_hash
from companion.services import pools
from companion.services.accounts.accounts import Accounts
from companion.services.imports.importing import Importing
from companion.services.imports.layouts.software import Software
from companion.services.maintenance.backup import Backups
from companion.services.pools import Pool
from companion.services.settings.practitioners import Practitioners
from tests.fakes.account_fixture import GOOD
from tests.fakes.accounts import PlainPasswords
from tests.fakes.book_store import MemoryBook
from tests.fakes.clock import FakeClock
from tests.fakes.feeds import FeedApplication
from tests.fakes.maintenance import copy_words, count_words
from tests.fakes.secrets import FakeSecrets
from tests.fakes.settings import FakeSettings
from tests.fakes.stores import MemoryActivity, MemoryFeeds
from tests.fakes.waiting import until
from tests.fakes.workbooks import InlineWorkbooks

COMPANION = Path(pools.__file__).resolve().parents[1]
PASSPHRASE = "quince lattice ember walrus"
POOLS = {name: each for name, each in vars(pools).items() if isinstance(each, Pool)}
AT_ONCE = 7


async def test_a_pool_runs_so_many_at_once_and_the_rest_in_turn() -> None:
    pool, going, most = Pool("test", 2), 0, 0
    lock = threading.Lock()

    def work(number: int) -> int:
        nonlocal going, most
        with lock:
            going += 1
            most = max(most, going)
        time.sleep(0.001)
        with lock:
            going -= 1
        return number

    assert await asyncio.gather(*(pool.run(work, each) for each in range(20))) == [*range(20)]
    assert most == 2


async def test_what_is_raised_reaches_whoever_asked() -> None:
    def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        await Pool("test", 1).run(fail)


@pytest.mark.parametrize("name", POOLS)
async def test_a_full_pool_holds_up_no_other(name: str) -> None:
    gate = threading.Event()
    stuck = [asyncio.create_task(POOLS[name].run(gate.wait)) for _ in range(20)]
    try:
        for other in POOLS.keys() - {name}:
            assert await asyncio.wait_for(POOLS[other].run(int, 1), 20) == 1
        assert await asyncio.wait_for(asyncio.to_thread(int, 1), 20) == 1
    finally:
        gate.set()
        await asyncio.gather(*stuck)


def test_the_loops_own_threads_are_for_what_is_over_in_a_moment() -> None:
    users = {each for each in COMPANION.rglob("*.py") if "to_thread(" in each.read_text("utf-8")}
    assert {each.relative_to(COMPANION).as_posix() for each in users} == {
        "adapters/database/database.py",  # closing, at the end
        "adapters/database/documents.py",
        "adapters/database/server_facts.py",
        "adapters/database/settings.py",
        "adapters/feed_files.py",
        "adapters/home_text.py",
        "adapters/notice_book.py",
        "adapters/sessions.py",
        "adapters/settings.py",
        "services/maintenance/backup.py",  # the list of what there is
        "services/maintenance/restore.py",  # a command, whose process does nothing else
        "services/this_computer.py",  # a file or a key of the desktop's
        # Before the app serves anything, or in a command, whose process does nothing else.
        "commands/membership_here.py",
        "commands/practice.py",
        "storage/creating.py",
        "storage/joining.py",
        "storage/moving.py",
        "storage/practice.py",
        "storage/renewing_key.py",
        "storage/returning.py",
        "waiting.py",  # looks whether the database is there
        "web/incoming.py",
        "web/launching.py",
    }


def test_work_that_hangs_does_not_hold_up_the_programs_end() -> None:
    script = (
        "import asyncio, threading\n"
        "from companion.services import pools\n"
        "async def main():\n"
        "    for each in vars(pools).values():\n"
        "        if isinstance(each, pools.Pool):\n"
        "            asyncio.ensure_future(each.run(threading.Event().wait))\n"
        "    await asyncio.sleep(0)\n"
        "asyncio.run(main())\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


# ── signing in beside what others do ──────────────────────────────────────────────────────────


@dataclass
class Gate:
    """What goes through it hangs until it is opened."""

    event: threading.Event = field(default_factory=threading.Event)
    waiting: int = 0

    def through(self, *_: Any, **__: Any) -> Any:
        self.waiting += 1
        self.event.wait(60)
        raise FileRefused("It took too long.", "Try again.")


class OnADeadShare:
    """A path there."""

    def __init__(self, gate: Gate) -> None:
        self.stat = gate.through


class HangingLayouts:
    """Layouts of the practice's own, which a file's columns are compared with."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def __iter__(self) -> Iterator[Software]:
        self._gate.through()
        return iter(())


class HangingSealing:
    def __init__(self, gate: Gate) -> None:
        self.write = self.read = gate.through


class HangingPasswords(PlainPasswords):
    """Hangs while those of the other browser are compared."""

    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self._gate = gate

    def matches(self, kept: str, password: str) -> bool:
        if password == "a guess":
            self._gate.through()
        return super().matches(kept, password)


@dataclass
class Practice:
    """Accounts as they are served, and everything that takes long."""

    gate: Gate
    folder: Path
    settings: FakeSettings = field(default_factory=FakeSettings)
    clock: FakeClock = field(default_factory=FakeClock)
    book: MemoryBook = field(default_factory=MemoryBook)
    activity: MemoryActivity = field(default_factory=MemoryActivity)
    feeds: FeedApplication = field(default_factory=FeedApplication)

    def __post_init__(self) -> None:
        self.accounts = Accounts(
            settings=self.settings,
            passwords=HangingPasswords(self.gate),
            sessions=SessionFile(self.folder),
            activity=self.activity,
            clock=self.clock,
        )
        practitioners = Practitioners(settings=self.settings, book=self.book, clock=self.clock)
        self.importing = Importing(
            book=self.book,
            settings=self.settings,
            practitioners=practitioners,
            reader=InlineWorkbooks(),
            activity=self.activity,
            clock=self.clock,
            own_layouts=lambda: cast("Sequence[Software]", HangingLayouts(self.gate)),
        )
        self.backups = Backups(
            settings=self.settings,
            feeds=MemoryFeeds(),
            secrets=FakeSecrets(),
            activity=self.activity,
            copy_database=copy_words,
            check_copy=count_words,
            sealing=HangingSealing(self.gate),
            clock=self.clock,
            home=self.folder,
            program="1.2.3",
        )

    async def sign_in(self) -> None:
        """Somebody at another browser, all the way to the disk."""
        user, token = await self.accounts.sign_in("Robin", GOOD, machine="front")
        assert self.accounts.sessions.user(token_hash(token)) == user
        assert token_hash(token) in SessionFile(self.folder).load()

    def job(self, kind: str) -> Awaitable[object]:
        match kind:
            case "reading a file":
                return WorkbookFiles().read(cast("Path", OnADeadShare(self.gate)))
            case "making out its columns":
                path = self.folder / "export.csv"
                path.write_text("Who,When\nJo,soon\n", encoding="utf-8")
                return self.importing.preview(path)
            case "a backup":
                return self.backups.back_up(None, PASSPHRASE)
            case "a backup's check":
                return self.backups.prove(self.folder / "a.ccbackup", PASSPHRASE)
            case "a password":
                return self.accounts.sign_in("Robin", "a guess", machine="back")
            case _:
                self.feeds.writer.calendar = self.gate.through  # type: ignore[method-assign] # a fault
                day = date(2026, 3, 2)
                return self.feeds.feeds.export("avery", first_day=day, last_day=day)


@pytest.mark.parametrize(
    "kind",
    [
        "reading a file",
        "making out its columns",
        "a backup",
        "a backup's check",
        "a password",
        "an export",
    ],
)
async def test_seven_of_one_person_leave_signing_in_alone(tmp_path: Path, kind: str) -> None:
    few = ThreadPoolExecutor(4)  # the loop's own, as many as on a small machine
    asyncio.get_running_loop().set_default_executor(few)
    gate = Gate()
    practice = Practice(gate, tmp_path)
    await practice.accounts.add_first("Robin", GOOD)
    jobs = [asyncio.ensure_future(practice.job(kind)) for _ in range(AT_ONCE)]
    try:
        await until(lambda: gate.waiting)
        await asyncio.sleep(0)
        await asyncio.wait_for(practice.sign_in(), 20)
        assert not all(each.done() for each in jobs)
    finally:
        gate.event.set()
        await asyncio.gather(*jobs, return_exceptions=True)
        few.shutdown()
