"""Backups and restoring as services: what goes in, what is proven, what is prepared."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from companion.adapters.backup import HomeSwap, SealedArchive, Swap
from companion.domain.appointments import Appointment, AppointmentKind, Practitioner
from companion.domain.errors import (
    BadInput,
    Busy,
    CompanionError,
    FileRefused,
    SecretsUnavailable,
    StoreDamaged,
    StoreTooNew,
)
from companion.domain.reconcile import EntryState, LedgerEntry
from companion.domain.settings import (
    GoogleLink,
    Practice,
    PractitionerSettings,
    Settings,
    SyncChoices,
)
from companion.domain.sync_state import Proof, SyncState
from companion.services.maintenance.backup import (
    BOOK,
    MANIFEST,
    SECRETS,
    SETTINGS,
    VERSION,
    Backups,
    weakness_of,
)
from companion.services.maintenance.restore import Restoring, Staged
from companion.services.ports import BookChange, CalendarRef, FeedDetail, FeedLink
from companion.services.settings.documents import to_tables
from tests.fakes.clock import FakeClock
from tests.fakes.maintenance import FAIR, QUICK, answering
from tests.fakes.secrets import FakeSecrets
from tests.fakes.settings import FakeSettings
from tests.fakes.stores import MemoryActivity, MemoryBook, MemoryFeeds, MemoryLedger

REF = CalendarRef(practitioner_id="anna", calendar_id="cal")
LATER = timedelta(days=3)


def settings(**choices: Any) -> Settings:
    record = PractitionerSettings(
        practitioner=Practitioner(id="anna", name="Anna Example"),
        google=GoogleLink(account="anna@clinic.example", calendar_id="cal"),
        choices=SyncChoices(enabled=True, **choices),
        disclosure_revision=4,
    )
    start = Settings(install_id="0123456789abcdef", practice=Practice(name="Banksia"))
    return start.with_practitioner(record)


def appointment() -> Appointment:
    start = datetime(2026, 3, 3, 9)  # noqa: DTZ001 - wall time
    return Appointment(
        id="a1",
        practitioner_id="anna",
        kind=AppointmentKind.CLIENT,
        start=start,
        end=start + timedelta(minutes=30),
        timezone="Australia/Sydney",
    )


@dataclass
class Fixture:
    """A home in memory beside a folder for the files."""

    folder: Path
    settings: FakeSettings = field(default_factory=lambda: FakeSettings(settings()))
    clock: FakeClock = field(default_factory=FakeClock)
    book: MemoryBook = field(default_factory=MemoryBook)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    feeds: MemoryFeeds = field(default_factory=MemoryFeeds)
    secrets: FakeSecrets = field(default_factory=FakeSecrets)
    activity: MemoryActivity = field(default_factory=MemoryActivity)
    integrity: str = "ok"
    app_lock: contextlib.AbstractContextManager[object] = field(
        default_factory=contextlib.nullcontext
    )
    written: Settings | None = None

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def file(self) -> Path:
        return self.folder / "it.ccbackup"

    def backups(self) -> Backups:
        return Backups(
            settings=self.settings,
            book=self.book,
            feeds=self.feeds,
            secrets=self.secrets,
            activity=self.activity,
            copy_database=self.copy,
            sealing=SealedArchive(cost=QUICK),
            clock=self.clock,
            home=self.home,
            program="1.2.3",
        )

    async def copy(self, path: Path) -> None:
        with contextlib.closing(sqlite3.connect(path)) as raw:
            raw.execute("CREATE TABLE book (row)")

    def restoring(self) -> Restoring:
        swap = Swap(self.home, lock=contextlib.nullcontext())

        @contextlib.asynccontextmanager
        async def staged(folder: Path) -> AsyncIterator[Staged]:
            assert (folder / BOOK).is_file()
            kept = FakeSettings(Settings(install_id="fresh"))
            yield Staged(
                settings=kept,
                book=self.book,
                ledger=self.ledger,
                feeds=self.feeds,
                activity=self.activity,
                secrets=self.secrets,
                integrity=answering(self.integrity),
            )
            self.written = kept.current
            (folder / SETTINGS).write_text("settings")  # as the store would
            (folder / SECRETS).write_text("sealed")

        return Restoring(
            home=self.home,
            sealing=SealedArchive(cost=QUICK),
            staged=staged,
            swapping=HomeSwap(self.home, self.home / "companion.db", swap),
            app_lock=self.app_lock,
            clock=self.clock,
        )

    def seal(self, **changes: bytes | None) -> None:
        """A backup with some parts changed or left out."""
        manifest = {
            "version": VERSION,
            "program": "1.2.3",
            "made_at": self.clock.now().isoformat(),
            "install_id": "0123456789abcdef",
            "practice": "Banksia",
            "practitioners": 1,
            "appointments": 0,
            "feeds": 0,
            "sign_ins": False,
        }
        parts: dict[str, bytes | None] = {
            MANIFEST: json.dumps(manifest).encode(),
            SETTINGS: json.dumps(to_tables(settings())).encode(),
            BOOK: b"a book",
            **{name.replace("_", "."): content for name, content in changes.items()},
        }
        kept: Mapping[str, Path | bytes] = {k: v for k, v in parts.items() if v is not None}
        SealedArchive(cost=QUICK).write(self.file, FAIR, kept)


@pytest.fixture
def fixture(tmp_path: Path) -> Fixture:
    return Fixture(folder=tmp_path)


# ── making one ───────────────────────────────────────────────────────────────────────────────


async def test_a_backup_says_what_it_holds(fixture: Fixture) -> None:
    await fixture.book.apply(BookChange(put=[appointment()]), fixture.clock.now())
    await fixture.secrets.put("google/token/anna", "a token")
    made = await fixture.backups().back_up(fixture.file, FAIR)
    assert made.size == fixture.file.stat().st_size
    assert (made.manifest.appointments, made.manifest.practitioners) == (1, 1)
    sizes = await fixture.backups().prove(fixture.file, FAIR)
    assert set(sizes) == {MANIFEST, SETTINGS, BOOK, SECRETS}
    content = fixture.file.read_bytes()
    for word in (b"Banksia", b"Anna", b"a token", b"anna"):
        assert word not in content
    assert [*(fixture.home / "drafts").iterdir()] == []
    assert fixture.activity.lines[-1].text == "A backup was made."


async def test_without_sign_ins_no_secret_is_even_asked_for(fixture: Fixture) -> None:
    fixture.secrets.trouble = SecretsUnavailable()
    await fixture.backups().back_up(fixture.file, FAIR, sign_ins=False)
    assert SECRETS not in await fixture.backups().prove(fixture.file, FAIR)


async def test_sign_ins_that_cannot_be_opened_say_how_to_go_on(fixture: Fixture) -> None:
    fixture.secrets.trouble = SecretsUnavailable()
    with pytest.raises(SecretsUnavailable, match="without the sign-ins"):
        await fixture.backups().back_up(fixture.file, FAIR)
    assert not fixture.file.exists()
    assert [*(fixture.home / "drafts").iterdir()] == []


@pytest.mark.parametrize(
    "weak",
    ["", "   short   ", "aaaaaaaaaaaaaaaa", "abababababab", "passwordpassword", "Password1234"],
)
async def test_a_weak_passphrase_makes_no_backup(fixture: Fixture, weak: str) -> None:
    with pytest.raises(BadInput) as caught:
        await fixture.backups().back_up(fixture.file, weak)
    assert caught.value.field == "passphrase"
    assert not fixture.file.exists()


@pytest.mark.parametrize("fair", [FAIR, "Wombat-Teapot-19", "καλημέρα ωραία θάλασσα"])
def test_a_fair_passphrase_is_taken(fair: str) -> None:
    assert weakness_of(fair) == ""


async def test_those_kept_in_the_home_are_listed_newest_first_and_discarded(
    fixture: Fixture,
) -> None:
    backups = fixture.backups()
    assert await backups.kept() == []
    first = await backups.back_up(None, FAIR)
    fixture.clock.shift(61)
    second = await backups.back_up(None, FAIR)
    assert {path for path, _, _ in await backups.kept()} == {first.path, second.path}
    await backups.discard(first.path.name)
    assert [path for path, _, _ in await backups.kept()] == [second.path]
    for name in (first.path.name, "../settings.json", ""):
        with pytest.raises(BadInput):
            await backups.discard(name)


# ── putting one back ─────────────────────────────────────────────────────────────────────────


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


def entry(key: str, begins: datetime, state: EntryState = EntryState.OK) -> LedgerEntry:
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
        entry("left", now + timedelta(days=3), EntryState.LEFT_OUT),
    ]
    await fixture.ledger.write(REF, put=rows)
    await made(fixture)
    await fixture.restoring().restore(fixture.file, FAIR)
    after = {each.key: each for each in await fixture.ledger.entries(REF)}
    assert after["past"] == rows[0]
    assert after["left"] == rows[2]
    doubted = replace(rows[1], state=EntryState.PENDING, content_hash="")
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
