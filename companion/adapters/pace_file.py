"""PaceFile: the pace that all processes of one home share, in a small file with a lock beside it.

A record for each account and one for the project, in the order in which they were first used. Its
moments are of the system's monotonic clock, which all processes read alike and nobody can set; it
begins anew with the computer, which `shared_buckets` notices. The file is written in place and
not made durable: one that was lost, or a record that is not whole, counts as an empty bucket.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from struct import Struct
from typing import BinaryIO
from zlib import crc32

import filelock

from companion.domain.errors import Busy
from companion.services.files import disk_trouble
from companion.services.pools import PACING
from companion.services.ports import Reserved, Spending
from companion.services.sync import shared_buckets
from companion.services.sync.shared_buckets import MINUTE, OtherSpenders, SharedBucket

NAME = "pace"
_PATIENCE = 5.0
_POLL = 0.001
_PAUSES = (0.01, 0.05, 0.1, 0.2) if sys.platform == "win32" else ()
"""There another program, such as a virus scanner, may have the file open for a moment."""
_RECORD = Struct("<16sdddI")
"""Name, `free_at`, factor, `eased_at`, checksum of these."""
_BODY = _RECORD.size - 4
_PROJECT = "project"


class PaceFile:
    """Its methods ending in `_now` block for some 50 µs, or while another process has its turn."""

    def __init__(self, home: Path, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._path = home / NAME
        self._lock = home / f"{NAME}.lock"
        self._monotonic = monotonic
        self._sharers = OtherSpenders(monotonic)
        self._places: dict[bytes, int] = {}

    async def reserve(self, spending: Spending) -> Reserved:
        return await PACING.run(self.reserve_now, spending)

    async def correct(self, spending: Spending) -> None:
        await PACING.run(self.correct_now, spending)

    async def slow_down(self, account: str, *, project: bool) -> None:
        await PACING.run(self.slow_down_now, account, project=project)

    def reserve_now(self, spending: Spending) -> Reserved:
        with self._buckets(spending.account) as (now, account, project):
            wait, spent = shared_buckets.reserve(account, project, spending, now)
        return self._sharers.answer(wait, spent=spent, account=spending.account, project=_PROJECT)

    def correct_now(self, spending: Spending) -> None:
        with self._buckets(spending.account) as (now, account, project):
            account.correct(spending.units, spending.of_account, now)
            project.correct(spending.project_units, spending.of_project, now)

    def slow_down_now(self, account: str, *, project: bool) -> None:
        with self._buckets(account) as (now, own, all_of_it):
            own.slow_down(now)
            if project:
                all_of_it.slow_down(now)

    @contextmanager
    def _buckets(self, account: str) -> Iterator[tuple[float, SharedBucket, SharedBucket]]:
        """The account's and the project's as of now, kept at the end."""
        lock = filelock.FileLock(self._lock, thread_local=False, mode=0o600)
        try:
            with lock.acquire(timeout=_PATIENCE, poll_interval=_POLL), self._open() as file:
                kept = bytearray(file.read())
                now = self._monotonic()
                own, all_of_it = self._read(kept, account, now), self._read(kept, _PROJECT, now)
                yield now, own, all_of_it
                self._write(file, account, own)
                self._write(file, _PROJECT, all_of_it)
        except filelock.Timeout as error:
            what = "Another Calendar Companion command stands still on this computer."
            raise Busy(what) from error
        except OSError as error:
            raise disk_trouble(error, self._path) from error

    def _open(self) -> BinaryIO:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
        for pause in _PAUSES:
            with suppress(PermissionError):
                return os.fdopen(os.open(self._path, flags, 0o600), "r+b", buffering=0)
            time.sleep(pause)
        return os.fdopen(os.open(self._path, flags, 0o600), "r+b", buffering=0)

    def _read(self, kept: bytearray, name: str, now: float) -> SharedBucket:
        """A new one where there is none, or none that is whole."""
        key = _key(name)
        place = self._places.get(key, 0)
        if kept[place : place + len(key)] != key:  # first use, or another file than before
            place = _place_in(kept, key)
        self._places[key] = place
        record = bytes(kept[place : place + _RECORD.size])
        if len(record) < _RECORD.size:
            kept[place:] = key.ljust(_RECORD.size, b"\0")  # the next new one comes after it
        if not _whole(record):
            return SharedBucket(now, eased_at=now)
        _, free_at, factor, eased_at, _ = _RECORD.unpack(record)
        self._sharers.found(name, free_at, recent=abs(free_at - now) < MINUTE)
        bucket = SharedBucket(free_at, factor, eased_at)
        bucket.look(now)
        return bucket

    def _write(self, file: BinaryIO, name: str, bucket: SharedBucket) -> None:
        key = _key(name)
        body = _RECORD.pack(key, bucket.free_at, bucket.factor, bucket.eased_at, 0)[:_BODY]
        file.seek(self._places[key])
        file.write(body + crc32(body).to_bytes(4, "little"))
        self._sharers.left(name, bucket.free_at)


def _place_in(kept: bytearray, key: bytes) -> int:
    """Its place, or the end."""
    last = len(kept) // _RECORD.size * _RECORD.size
    places = range(0, last, _RECORD.size)
    return next((place for place in places if kept[place : place + len(key)] == key), last)


def _key(name: str) -> bytes:
    """No address of a person lies in the file."""
    return blake2b(name.encode(), digest_size=16).digest()


def _whole(record: bytes) -> bool:
    return len(record) == _RECORD.size and crc32(record[:_BODY]) == int.from_bytes(
        record[_BODY:], "little"
    )
