"""Restoring: what is proven before, and what is prepared for the next sync."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from companion.domain.errors import (
    BadInput,
    Busy,
    CompanionError,
    FileRefused,
    SecretsUnavailable,
    StoreDamaged,
    StoreTooNew,
)
from companion.domain.reconcile import LedgerEntry, LedgerEntryState
from companion.domain.sync_state import Proof, SyncState
from companion.services.maintenance.backup import (
    SECRETS,
)
from companion.services.ports import BookChange, FeedDetail, FeedLink
from companion.services.settings.documents import to_tables
from tests.fakes.backup_fixture import LATER, REF, Fixture, appointment, settings
from tests.fakes.maintenance import FAIR


@pytest.fixture
def fixture(tmp_path: Path) -> Fixture:
    return Fixture(folder=tmp_path)


async def made(fixture: Fixture) -> None:
    await fixture.backups().back_up(fixture.file, FAIR)


async def test_every_calendar_is_to_be_compared_with_google(fixture: Fixture) -> None:
    proof = Proof(at=fixture.clock.now(), book=1, google=1, differences=0)
    await fixture.ledger.edit_state("anna", lambda _: SyncState(proof=proof, parkings=2))
    await fixture.ledger.edit_state("somebody-gone", lambda _: SyncState())
    await made(fixture)
    done = await fixture.restoring().restore(fixture.file, FAIR)
    states = await fixture.ledger.states()
    assert states["anna"] == SyncState(parkings=2, audit_due=True)
    assert states["somebody-gone"].audit_due
    assert done.calendars == 1
    assert (fixture.home / "companion.db").is_file()
    assert not (fixture.home / "restoring").exists()


async def test_a_restored_home_is_another_writer_each_time(fixture: Fixture) -> None:
    await fixture.ledger.edit_state(
        "anna", lambda _: SyncState(others={}, overruled_by="2 other 2026-03-02T09:00:00.000Z")
    )
    await made(fixture)
    writers = {
        fixture.settings.read().writer_for(fixture.settings.read().practitioners["anna"].google).id
    }
    for _ in range(2):
        await fixture.restoring().restore(fixture.file, FAIR)
        assert fixture.written is not None
        writers.add(fixture.written.writer_for(fixture.written.practitioners["anna"].google).id)
    assert len(writers) == 3
    state = (await fixture.ledger.states())["anna"]
    assert (state.others, state.overruled_by) == (None, "")


async def test_sequence_and_dtstamp_of_feeds_never_go_back(fixture: Fixture) -> None:
    await made(fixture)
    fixture.clock.set(fixture.clock.now() + LATER)
    await fixture.restoring().restore(fixture.file, FAIR)
    assert fixture.written is not None
    record = fixture.written.practitioners["anna"]
    assert record.disclosure_revision >= 4 + LATER.total_seconds() / 60
    assert record.disclosure_changed_at == fixture.clock.now()
    assert fixture.written.install_id == "0123456789abcdef"


async def test_a_clock_that_went_back_still_raises_them(fixture: Fixture) -> None:
    await made(fixture)
    fixture.clock.set(fixture.clock.now() - LATER)
    await fixture.restoring().restore(fixture.file, FAIR)
    assert fixture.written is not None
    assert fixture.written.practitioners["anna"].disclosure_revision == 5


def entry(key: str, begins: datetime, state: LedgerEntryState = LedgerEntryState.OK) -> LedgerEntry:
    return LedgerEntry(
        key=key,
        event_id=f"id{key}",
        generation=0,
        state=state,
        fingerprint="f",
        style="",
        begins=begins,
        ends=begins + timedelta(hours=1),
        content_hash="c",
    )


@pytest.mark.parametrize("put_back", [True, False])
async def test_rows_of_coming_events_are_doubted_where_deletions_are_left_so(
    fixture: Fixture, put_back: bool
) -> None:
    now = fixture.clock.now()
    fixture.settings.current = settings(put_back_deleted=put_back)
    rows = [
        entry("past", now - timedelta(days=2)),
        entry("coming", now + timedelta(days=2)),
        entry("left", now + timedelta(days=3), LedgerEntryState.LEFT_OUT),
    ]
    await fixture.ledger.write(REF, put=rows)
    await made(fixture)
    await fixture.restoring().restore(fixture.file, FAIR)
    after = {each.key: each for each in await fixture.ledger.entries(REF)}
    assert after["past"] == rows[0]
    assert after["left"] == rows[2]
    doubted = replace(rows[1], state=LedgerEntryState.PENDING, content_hash="")
    assert after["coming"] == (rows[1] if put_back else doubted)


async def test_sign_ins_are_sealed_anew_only_when_wanted(fixture: Fixture) -> None:
    await fixture.secrets.put("google/token/anna", "a token")
    await made(fixture)
    fixture.secrets.kept.clear()
    (fixture.home / SECRETS).write_text("present")
    done = await fixture.restoring().restore(fixture.file, FAIR, sign_ins=False)
    assert (done.sign_ins, fixture.secrets.kept) == (False, {})
    assert (fixture.home / SECRETS).read_text() == "present"
    fixture.clock.shift(1)
    done = await fixture.restoring().restore(fixture.file, FAIR)
    assert done.sign_ins
    assert fixture.secrets.kept == {"google/token/anna": "a token"}
    assert (fixture.home / SECRETS).read_text() == "sealed"
    assert (done.aside / SECRETS).read_text() == "present"


async def test_a_machine_without_a_password_store_changes_nothing(fixture: Fixture) -> None:
    await fixture.secrets.put("google/token/anna", "a token")
    await made(fixture)
    fixture.secrets.trouble = SecretsUnavailable()
    await refused(fixture, SecretsUnavailable)


async def refused(
    fixture: Fixture, kind: type[CompanionError], passphrase: str = FAIR
) -> CompanionError:
    """Nothing has changed, and nothing in clear is left."""
    fixture.home.mkdir(exist_ok=True)
    before = {path: path.read_bytes() for path in fixture.home.rglob("*") if path.is_file()}
    with pytest.raises(kind) as caught:
        await fixture.restoring().restore(fixture.file, passphrase)
    assert {path: path.read_bytes() for path in fixture.home.rglob("*") if path.is_file()} == before
    return caught.value


async def test_a_running_app_is_not_replaced_under_its_feet(fixture: Fixture) -> None:
    class Taken:
        def __enter__(self) -> None:
            raise Busy

        def __exit__(self, *_: object) -> None:
            raise AssertionError("it was never entered")

    await made(fixture)
    fixture.app_lock = Taken()
    error = await refused(fixture, Busy)
    assert "is running" in error.what


async def test_a_book_in_use_is_not_replaced(fixture: Fixture) -> None:
    await made(fixture)
    other = sqlite3.connect(fixture.home / "companion.db")
    other.execute("PRAGMA journal_mode=WAL")
    other.execute("CREATE TABLE present (row)")
    with pytest.raises(Busy):
        await fixture.restoring().restore(fixture.file, FAIR)
    other.execute("SELECT * FROM present")
    other.close()
    assert not (fixture.home / "restoring").exists()


async def test_the_wrong_passphrase_and_none_at_all(fixture: Fixture) -> None:
    await made(fixture)
    for wrong in ("", "   ", "another one entirely"):
        error = await refused(fixture, BadInput, wrong)
        assert isinstance(error, BadInput)
        assert error.field == "passphrase"


async def test_a_damaged_book_in_a_backup_replaces_nothing(fixture: Fixture) -> None:
    await made(fixture)
    fixture.integrity = "row 7 missing from index"
    await refused(fixture, StoreDamaged)


async def test_a_book_that_lost_everything_replaces_nothing(fixture: Fixture) -> None:
    await fixture.book.apply(BookChange(put=[appointment()]), fixture.clock.now())
    await made(fixture)
    await fixture.book.apply(BookChange(remove=["a1"]), fixture.clock.now())
    error = await refused(fixture, StoreDamaged)
    assert "1 appointments" in error.what


def tables(**home: Any) -> bytes:
    document = to_tables(settings())
    document["home"][0] |= home
    return json.dumps(document).encode()


def manifest(**changes: Any) -> bytes:
    made_at = datetime(2026, 3, 1, tzinfo=UTC).isoformat()
    whole = {"version": 1, "program": "9", "made_at": made_at, "install_id": "x"}
    whole |= {"practice": "", "practitioners": 0, "appointments": 0, "feeds": 0, "sign_ins": False}
    return json.dumps({**whole, **changes}).encode()


@pytest.mark.parametrize(
    ("part", "content", "kind"),
    [
        ("manifest_json", None, FileRefused),
        ("settings_json", None, FileRefused),
        ("book_db", None, FileRefused),
        ("manifest_json", b"[]", FileRefused),
        ("manifest_json", b"{", FileRefused),
        ("manifest_json", manifest(version="1"), FileRefused),
        ("manifest_json", manifest(made_at="yesterday"), FileRefused),
        ("manifest_json", manifest(version=2), StoreTooNew),
        ("settings_json", b"{", StoreDamaged),
        ("settings_json", b"[]", StoreDamaged),
        ("settings_json", tables(surprise=1), StoreDamaged),
        ("settings_json", tables(version=99), StoreTooNew),
        ("secrets_json", b'{"a": 1}', FileRefused),
    ],
)
async def test_what_is_missing_odd_or_newer_replaces_nothing(
    fixture: Fixture, part: str, content: bytes | None, kind: type[CompanionError]
) -> None:
    fixture.seal(**{part: content})
    await refused(fixture, kind)


async def test_an_untouched_sealed_backup_is_taken(fixture: Fixture) -> None:
    fixture.seal()
    done = await fixture.restoring().restore(fixture.file, FAIR)
    assert (done.manifest.practice, done.sign_ins) == ("Banksia", False)


def link() -> FeedLink:
    return FeedLink(
        id="f1",
        practitioner_id="anna",
        label="Anna's phone",
        detail=FeedDetail.INITIALS,
        token_hash=b"h" * 32,
        created_at=datetime(2026, 3, 1, tzinfo=UTC),
        days_in_arrears=7,
        days_in_advance=60,
    )


async def test_links_are_counted(fixture: Fixture) -> None:
    await fixture.feeds.put(link())
    result = await fixture.backups().back_up(fixture.file, FAIR)
    assert result.manifest.feeds == 1


async def test_looking_into_a_backup_touches_nothing(fixture: Fixture) -> None:
    await fixture.book.apply(BookChange(put=[appointment()]), fixture.clock.now())
    await fixture.secrets.put("google/token/anna", "a token")
    await made(fixture)
    asked = fixture.secrets.kept.copy()
    found = await fixture.restoring().look(fixture.file, FAIR)
    assert (dict(found.appointments), found.manifest.sign_ins) == ({"anna": 1}, True)
    assert list(found.settings.names().values()) == ["Anna Example"]
    assert fixture.secrets.kept == asked
    assert not list((fixture.home / "drafts").iterdir())
    assert not (fixture.home / "companion.db").exists()
    for passphrase in ("", "another passphrase 12"):
        with pytest.raises(BadInput):
            await fixture.restoring().look(fixture.file, passphrase)
    fixture.integrity = "row 3 missing from index"
    with pytest.raises(StoreDamaged):
        await fixture.restoring().look(fixture.file, FAIR)
    assert not list((fixture.home / "drafts").iterdir())
