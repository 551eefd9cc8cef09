"""The sealed stream and archive: only the passphrase opens it, and only as it was written."""

from __future__ import annotations

import errno
import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.adapters.backup.archive import SealedArchive
from companion.adapters.backup.sealing import CHUNK, MAGIC, SealedReader, SealingWriter
from companion.domain.errors import BadInput, FileRefused, StoreError, StoreTooNew
from tests.fakes.disk import FailingDisk
from tests.fakes.maintenance import FAIR, QUICK

NAMES = frozenset({"manifest.json", "book.db"})


def sealed(content: bytes, passphrase: str = FAIR) -> bytes:
    target = io.BytesIO()
    writer = SealingWriter(target, passphrase, random=os.urandom, cost=QUICK)
    for start in range(0, len(content), 100_003):
        writer.write(content[start : start + 100_003])
    writer.finish()
    return target.getvalue()


def opened(content: bytes, passphrase: str = FAIR) -> bytes:
    return SealedReader(io.BytesIO(content), passphrase).read()


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 7])
def test_what_goes_in_comes_out(size: int) -> None:
    content = os.urandom(size)
    assert opened(sealed(content)) == content


def test_nothing_of_it_can_be_read_and_no_two_files_are_alike() -> None:
    content = b"Mira Sample, Tuesday, physiotherapy. " * 30
    first, second = sealed(content), sealed(content)
    assert b"Mira" not in first
    assert first[-200:] != second[-200:]


@pytest.mark.parametrize("wrong", ["", "Seven mild ibises wander", FAIR + "x"])
def test_another_passphrase_is_distinguished_from_damage(wrong: str) -> None:
    with pytest.raises(BadInput) as caught:
        opened(sealed(b"book"), wrong)
    assert caught.value.field == "passphrase"
    assert not isinstance(caught.value, FileRefused)


def test_spaces_around_the_passphrase_do_not_count() -> None:
    assert opened(sealed(b"book", f" {FAIR}\n"), FAIR) == b"book"


CONTENT = bytes(range(256)) * 3000
WHOLE = sealed(CONTENT)
HEAD = len(MAGIC) + WHOLE[len(MAGIC) :].index(b"\n") + 1


@given(place=st.integers(HEAD, len(WHOLE) - 1), bit=st.integers(0, 7))
def test_every_changed_bit_shows(place: int, bit: int) -> None:
    spoiled = bytearray(WHOLE)
    spoiled[place] ^= 1 << bit
    with pytest.raises(FileRefused):
        opened(bytes(spoiled))


@given(length=st.integers(0, len(WHOLE) - 1))
def test_every_shorter_file_shows(length: int) -> None:
    with pytest.raises(FileRefused):
        opened(WHOLE[:length])


CHUNKS = [WHOLE[at : at + CHUNK + 16] for at in range(HEAD, len(WHOLE), CHUNK + 16)]


@pytest.mark.parametrize(
    "order",
    [[0, 1], [1, 0, 2], [0, 2], [0, 0, 1, 2], [0, 1, 2, 2], [0, 1, 1, 2], [2], []],
    ids=str,
)
def test_chunks_left_out_swapped_or_repeated_show(order: list[int]) -> None:
    assert len(CHUNKS) == 3
    assert opened(WHOLE[:HEAD] + b"".join(CHUNKS)) == CONTENT
    with pytest.raises(FileRefused):
        opened(WHOLE[:HEAD] + b"".join(CHUNKS[each] for each in order))


@pytest.mark.parametrize(
    "change",
    [
        {"memory_kib": 1 << 30},
        {"time": 10_000},
        {"lanes": 0},
        {"time": True},
        {"salt": "!"},
        {"salt": ""},
        {"nonce": ""},
        {"check": 5},
        {"check": "ä"},
    ],
    ids=str,
)
def test_a_made_up_head_is_refused_before_any_work(change: dict[str, object]) -> None:
    head = json.loads(WHOLE[len(MAGIC) : HEAD])
    line = json.dumps({**head, **change}).encode() + b"\n"
    with pytest.raises(FileRefused):
        opened(MAGIC + line + WHOLE[HEAD:])


def test_a_newer_format_says_so_and_any_other_file_is_none_of_ours() -> None:
    with pytest.raises(StoreTooNew):
        opened(WHOLE.replace(b"CCBACKUP1", b"CCBACKUP2", 1))
    for other in (b"", b"CCBA", b"PK\x03\x04 a zip", os.urandom(5000)):
        with pytest.raises(FileRefused):
            opened(other)


# ── the archive ──────────────────────────────────────────────────────────────────────────────


def test_parts_come_back_as_files_for_this_user_alone(tmp_path: Path) -> None:
    book = tmp_path / "source.db"
    book.write_bytes(os.urandom(1_000_000))
    archive = SealedArchive(cost=QUICK)
    size = archive.write(tmp_path / "b", FAIR, {"manifest.json": b"{}", "book.db": book})
    assert size == (tmp_path / "b").stat().st_size
    sizes = archive.read(tmp_path / "b", FAIR, tmp_path / "out", NAMES)
    assert sizes == {"manifest.json": 2, "book.db": 1_000_000}
    assert (tmp_path / "out" / "book.db").read_bytes() == book.read_bytes()
    if os.name == "posix":
        assert (tmp_path / "b").stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "out" / "book.db").stat().st_mode & 0o777 == 0o600
    assert archive.read(tmp_path / "b", FAIR, None, NAMES) == sizes


def member(name: str, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, "/etc/passwd"
    return made


@pytest.mark.parametrize(
    "members",
    [
        [member("../outside")],
        [member("/tmp/outside")],
        [member("other.txt")],
        [member("book.db", tarfile.SYMTYPE)],
        [member("book.db", tarfile.DIRTYPE)],
        [member("book.db"), member("book.db")],
    ],
    ids=lambda members: f"{members[0].name}-{members[0].type!r}-{len(members)}",
)
def test_anything_but_the_known_parts_is_refused(
    members: list[tarfile.TarInfo], tmp_path: Path
) -> None:
    inner = io.BytesIO()
    with tarfile.open(mode="w:gz", fileobj=inner) as tar:
        for each in members:
            tar.addfile(each)
    (tmp_path / "b").write_bytes(sealed(inner.getvalue()))
    with pytest.raises(FileRefused):
        SealedArchive().read(tmp_path / "b", FAIR, tmp_path / "out", NAMES)
    assert [*tmp_path.rglob("outside")] == []


@pytest.mark.parametrize("inner", [b"", b"no archive at all", b"\x1f\x8b\x08broken"])
def test_a_sealed_file_of_something_else_is_damaged(inner: bytes, tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(sealed(inner))
    with pytest.raises(FileRefused):
        SealedArchive().read(tmp_path / "b", FAIR, tmp_path / "out", NAMES)


@pytest.mark.parametrize("step", [1, 2])
def test_a_full_disk_leaves_the_older_backup(step: int, tmp_path: Path) -> None:
    path = tmp_path / "b"
    SealedArchive(cost=QUICK).write(path, FAIR, {"manifest.json": b"old"})
    before = path.read_bytes()
    failing = SealedArchive(cost=QUICK, disk=FailingDisk(step, errno.ENOSPC))
    with pytest.raises(StoreError, match="The disk is full"):
        failing.write(path, FAIR, {"manifest.json": b"new"})
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["b"]


def test_a_file_that_is_not_there_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="cannot be read"):
        SealedArchive().read(tmp_path / "none", FAIR, None, NAMES)


def test_the_passphrase_is_stretched_with_the_recommended_cost() -> None:
    seen: dict[str, object] = {}
    target = io.BytesIO()
    maker: Callable[..., SealingWriter] = SealingWriter
    maker(target, FAIR, random=os.urandom).finish()
    seen = json.loads(target.getvalue().splitlines()[1])
    assert (seen["time"], seen["memory_kib"], seen["lanes"]) == (3, 65536, 4)
