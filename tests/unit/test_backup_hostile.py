"""Backups that somebody made to do harm: each is refused in words, and the home stays as it is."""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
import tarfile
import tracemalloc
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.adapters.backup import SealedArchive
from companion.adapters.backup.archive import KEPT_FREE, MOST_BYTES, MOST_BYTES_BESIDES
from companion.adapters.backup.sealing import SealingWriter
from companion.adapters.database.opening import open_database
from companion.domain.errors import CompanionError, FileRefused, StoreDamaged, StoreError
from companion.restoring import restoring_of
from companion.services.files import Disk
from companion.services.maintenance.backup import BOOK, MANIFEST, PARTS, SETTINGS
from companion.services.maintenance.restore import MOST_SIGN_INS
from companion.services.ports import BookChange
from companion.services.settings.documents import to_tables
from tests.fakes.backup_fixture import Fixture, appointment, settings
from tests.fakes.clock import FakeClock
from tests.fakes.maintenance import FAIR, QUICK
from tests.unit.test_backup_home import at
from tests.unit.test_restore import manifest

DEEP = b"[" * 100_000
MANY = json.dumps({str(number): "" for number in range(MOST_SIGN_INS + 1)}).encode()


def sealed(path: Path, stream: bytes) -> Path:
    with path.open("wb") as file:
        writer = SealingWriter(file, FAIR, random=os.urandom, cost=QUICK)
        writer.write(stream)
        writer.finish()
    return path


def header(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    member = tarfile.TarInfo(name)
    member.size, member.type = size, kind
    return member.tobuf(tarfile.GNU_FORMAT)


# ── the archive ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "size"), [(SETTINGS, MOST_BYTES_BESIDES + 1), (BOOK, MOST_BYTES + 1), (BOOK, 10**12)]
)
def test_a_part_that_would_fill_the_disk_is_refused_before_its_first_byte(
    name: str, size: int, tmp_path: Path
) -> None:
    stream = gzip.compress(header(name, size) + bytes(10**6))
    file = sealed(tmp_path / "b", stream)
    with pytest.raises(FileRefused, match="would unpack to more than") as refused:
        SealedArchive().read(file, FAIR, tmp_path / "out", PARTS)
    assert "made to do harm" in refused.value.what
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("extension", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_extensions_of_any_size_fill_no_memory(extension: bytes, tmp_path: Path) -> None:
    size = 200_000_000
    with gzip.open(tmp_path / "gz", "wb", compresslevel=1) as packed:
        packed.write(header("x", size, extension))
        for _ in range(size // 10**7):
            packed.write(bytes(10**7))
    file = sealed(tmp_path / "b", (tmp_path / "gz").read_bytes())
    tracemalloc.start()
    with pytest.raises(FileRefused, match="damaged"):
        SealedArchive().read(file, FAIR, tmp_path / "out", PARTS)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 20_000_000


INNER = header(MANIFEST, 2) + b"{}".ljust(512, b"\0") + header(BOOK, 600) + bytes(1024 + 1024)


@given(place=st.integers(0, len(INNER) - 1), byte=st.integers(0, 255))
def test_a_changed_archive_is_read_or_refused(place: int, byte: int) -> None:
    stream = INNER[:place] + bytes([byte]) + INNER[place + 1 :]
    with TemporaryDirectory() as folder, suppress(FileRefused):
        file = sealed(Path(folder) / "b", gzip.compress(stream))
        sizes = SealedArchive().read(file, FAIR, Path(folder) / "out", PARTS)
        assert sizes.keys() <= PARTS


@pytest.mark.parametrize("rest", [b"", bytes(3 * 10**6), os.urandom(3 * 10**6)])
def test_a_stream_that_ends_too_early_is_damaged(rest: bytes, tmp_path: Path) -> None:
    file = sealed(tmp_path / "b", gzip.compress(header(BOOK, 10**6) + b"half a book") + rest)
    with pytest.raises(FileRefused, match="damaged"):
        SealedArchive().read(file, FAIR, tmp_path / "out", PARTS)


def test_what_the_disk_has_no_room_for_is_not_begun(tmp_path: Path) -> None:
    class NearlyFull(Disk):
        def free(self, folder: Path) -> int:
            return KEPT_FREE + 999

    archive = SealedArchive(cost=QUICK, disk=NearlyFull())
    for size, fits in ((999, True), (1000, False)):
        archive.write(tmp_path / "b", FAIR, {BOOK: bytes(size)})
        out = tmp_path / f"out-{size}"
        if fits:
            assert archive.read(tmp_path / "b", FAIR, out, PARTS) == {BOOK: size}
        else:
            with pytest.raises(StoreError, match="The disk is full"):
                archive.read(tmp_path / "b", FAIR, out, PARTS)
            assert list(out.iterdir()) == []


# ── the documents in it ───────────────────────────────────────────────────────────────────────


def changed(**practitioner: Any) -> bytes:
    tables = to_tables(settings())
    tables["practitioners"][0] |= practitioner
    return json.dumps(tables).encode()


@pytest.mark.parametrize(
    ("part", "content", "kind"),
    [
        ("manifest_json", DEEP, FileRefused),
        ("manifest_json", manifest(made_at="0001-01-01T00:00:00+14:00"), FileRefused),
        ("manifest_json", manifest(made_at="9999-12-31T23:59:59-14:00"), FileRefused),
        ("manifest_json", manifest(made_at="1999-01-01T00:00:00+00:00"), FileRefused),
        ("manifest_json", manifest(practitioners="\x1b]0;a terminal\x07"), FileRefused),
        ("manifest_json", manifest(appointments=True), FileRefused),
        ("manifest_json", manifest(practice=["a"]), FileRefused),
        ("settings_json", DEEP, StoreDamaged),
        ("settings_json", changed(disclosure_changed_at="9999-12-31T23:59:59+00:00"), StoreDamaged),
        ("settings_json", changed(disclosure_changed_at="0001-01-01T00:00:00+00:00"), StoreDamaged),
        ("settings_json", changed(disclosure_revision=2**63), StoreDamaged),
        ("settings_json", changed(disclosure_revision=-1), StoreDamaged),
        ("secrets_json", DEEP, FileRefused),
        ("secrets_json", b"no document", FileRefused),
        ("secrets_json", b"\xff", FileRefused),
        ("secrets_json", MANY, FileRefused),
    ],
)  # fmt: skip
async def test_depth_years_and_kinds_are_bounded(
    part: str, content: bytes, kind: type[CompanionError], tmp_path: Path
) -> None:
    fixture = Fixture(folder=tmp_path)
    fixture.seal(**{part: content})
    with pytest.raises(kind) as refused:
        await fixture.restoring().restore(fixture.file, FAIR)
    assert refused.value.what
    assert not (fixture.home / "companion.db").exists()
    assert not (fixture.home / "restoring").exists()


async def test_a_year_that_cannot_be_is_named(tmp_path: Path) -> None:
    fixture = Fixture(folder=tmp_path)
    fixture.seal(manifest_json=manifest(made_at="9999-01-01T00:00:00+00:00"))
    with pytest.raises(FileRefused, match="in the year 9999, which cannot be"):
        await fixture.restoring().restore(fixture.file, FAIR)


# ── the book in it ────────────────────────────────────────────────────────────────────────────

Harm = Callable[[sqlite3.Connection], object]


def column(name: str, value: object) -> Harm:
    return lambda raw: raw.execute(f"UPDATE appointments SET {name} = ?", (value,))  # noqa: S608 - ours


HARM: dict[str, Harm] = {
    "year-9999": column("starts", "9999-12-31 23:00:00.000000"),
    "year-1": column("ends", "0001-01-01 00:00:00.000000"),
    "no-time": column("starts", "soon"),
    "kind": column("kind", "surprise"),
    "zone": column("timezone", "Nowhere/Land"),
    "zone-path": column("timezone", "../../etc/passwd"),
    "deep": column("recurrence", "[" * 100_000),
    "no-rule": column("recurrence", "{}"),
    "every-second": column("recurrence", json.dumps({"rule": "FREQ=SECONDLY", "changes": []})),
    "moved-to-9999": column(
        "recurrence",
        json.dumps(
            {
                "rule": "FREQ=DAILY;COUNT=5",
                "changes": [
                    {"original_start": "2026-03-03T09:00", "start": "9999-12-31T23:59:59"},
                ],
            }
        ),
    ),
    "trigger": lambda raw: raw.execute(
        "CREATE TRIGGER t AFTER INSERT ON activity BEGIN DELETE FROM appointments; END"
    ),
    "view": lambda raw: raw.execute("CREATE VIEW v AS SELECT 1"),
    "virtual": lambda raw: raw.execute("CREATE VIRTUAL TABLE v USING fts5(x)"),
    "no-revision": lambda raw: raw.execute("DELETE FROM alembic_version"),
}


async def backup_of_a_book(folder: Path, harm: Harm | None) -> Path:
    database = open_database(folder / "made.db", FakeClock())
    await database.book.apply(BookChange(put=[appointment()]), FakeClock().now())
    await database.backup_to(folder / "copy.db")
    await database.close()
    if harm is not None:
        with closing(sqlite3.connect(folder / "copy.db")) as raw:
            harm(raw)
            raw.commit()
    parts: dict[str, Path | bytes] = {
        MANIFEST: manifest(appointments=1),
        SETTINGS: json.dumps(to_tables(settings())).encode(),
        BOOK: folder / "copy.db",
    }
    SealedArchive(cost=QUICK).write(folder / "it.ccbackup", FAIR, parts)
    return folder / "it.ccbackup"


@pytest.mark.parametrize("harm", HARM)
async def test_a_book_that_no_program_of_ours_wrote_replaces_nothing(
    harm: str, tmp_path: Path
) -> None:
    file = await backup_of_a_book(tmp_path, HARM[harm])
    with pytest.raises(StoreDamaged) as refused:
        await restoring_of(at(tmp_path / "home")).restore(file, FAIR)
    assert refused.value.remedy
    assert not (tmp_path / "home" / "companion.db").exists()
    assert not (tmp_path / "home" / "restoring").exists()


async def test_the_same_book_unharmed_is_taken(tmp_path: Path) -> None:
    file = await backup_of_a_book(tmp_path, None)
    done = await restoring_of(at(tmp_path / "home")).restore(file, FAIR)
    assert done.manifest.appointments == 1
