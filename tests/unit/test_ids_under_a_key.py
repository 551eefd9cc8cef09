"""A book whose ids were plain hashes moves to keyed ones, and with it what Google holds."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from companion.adapters.database import Database, open_database
from companion.adapters.icalendar import IcalendarWriter
from companion.domain.appointments import (
    Appointment,
    OccurrenceChange,
    Recurrence,
    ShowAs,
    appointment_id,
)
from companion.domain.calendar_writers import MARK
from companion.domain.event_keys import EventKey, event_id
from companion.domain.reconcile import LedgerEntryState
from companion.domain.sync_state import Held, HeldItem, HeldKey, SyncState
from companion.services.imports.drafts import natural_key
from companion.services.ports import BookChange, ImportRecord
from companion.services.rows import row_hash
from tests.battery.world import ANNA, INSTALL, MONDAY, World, appointment
from tests.fakes.clock import FakeClock
from tests.fakes.google_calendar import StoredEvent
from tests.fakes.plain_ids import age, plain_id
from tests.samples.drafts import draft
from tests.samples.exports import allied, csv_bytes
from tests.samples.import_bench import ImportBench

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
EVENTS = 3


def imported(number: int, **changes: Any) -> Appointment:
    return appointment(
        number,
        **{
            "id": plain_id("pms", f"key-{number}"),
            "source": "pms",
            "source_id": f"key-{number}",
            "start": MONDAY + timedelta(days=1, hours=number),
            **changes,
        },
    )


def opened(folder: Path) -> Database:
    return open_database(folder / "book.db", FakeClock())


async def moved(folder: Path, database: Database) -> Database:
    """The same book, opened by this version."""
    await database.close()
    age(folder / "book.db")
    return opened(folder)


async def of_the_book(database: Database) -> list[Appointment]:
    return await database.book.appointments(ANNA, MONDAY, MONDAY + timedelta(days=9))


# ── the book ──────────────────────────────────────────────────────────────────────────────────


async def test_every_imported_appointment_gets_its_keyed_id_and_the_hash_that_goes_with_it(
    tmp_path: Path,
) -> None:
    database = opened(tmp_path)
    series = Recurrence(
        rule="FREQ=DAILY;COUNT=3",
        changes=(
            OccurrenceChange(
                original_start=MONDAY + timedelta(days=2),
                start=MONDAY + timedelta(days=2, hours=1, microseconds=5),
                title="Zoë’s “turn”\n",
                show_as=ShowAs.FREE,
            ),
            OccurrenceChange(original_start=MONDAY + timedelta(days=1), cancelled=True),
        ),
    )
    before = [
        imported(
            1, notes='A "quoted"\tnote – 漢字', created=NOW, updated=NOW + timedelta(seconds=1)
        ),
        imported(2, all_day=True, start=datetime(2026, 3, 3), end=datetime(2026, 3, 4)),  # noqa: DTZ001
        imported(3, recurrence=series, reminder_minutes=10, created_by="Front desk"),
        imported(4, recurring=True, created=NOW.replace(microsecond=250_000)),
        appointment(5, id="own-1", start=MONDAY + timedelta(days=1, hours=5)),
    ]
    await database.book.apply(BookChange(put=before), NOW)
    kept = {each.start: each for each in await of_the_book(database)}
    database = await moved(tmp_path, database)
    key = await database.book.id_key()
    found = await of_the_book(database)
    for each in found:
        own = each.source == "book"
        wanted = "own-1" if own else appointment_id(each.source, each.source_id, key)
        assert each.id == wanted
        assert replace(each, id="") == replace(kept[each.start], id="")
    rows = await database.book.source_rows("pms")
    assert {row.row_hash for row in rows.values()} == {
        row_hash(each) for each in found if each.source == "pms"
    }
    await database.close()


async def test_the_key_is_made_once_and_goes_with_every_copy(tmp_path: Path) -> None:
    database, other = opened(tmp_path / "one"), opened(tmp_path / "two")
    key = await database.book.id_key()
    assert (len(key), key != await other.book.id_key()) == (32, True)
    (tmp_path / "copy").mkdir()
    await database.backup_to(tmp_path / "copy" / "book.db")
    for each in (database, other):
        await each.close()
    for folder in ("one", "copy"):
        database = opened(tmp_path / folder)
        assert await database.book.id_key() == key
        await database.close()


async def test_imports_are_undone_and_removed_appointments_come_back_as_before(
    tmp_path: Path,
) -> None:
    database = opened(tmp_path)
    record = ImportRecord(source="pms", at=NOW, file_name="a.csv")
    await database.book.apply(BookChange(put=[imported(1), imported(2)], imported=record), NOW)
    changed = replace(imported(1), location="Room 2")
    again = BookChange(put=[changed], remove=[imported(2).id], imported=record)
    await database.book.apply(again, NOW)
    database = await moved(tmp_path, database)
    (row,) = (await database.book.source_rows("pms")).values()
    replaced = await database.book.replaced(2)
    assert {each.appointment_id: each.now for each in replaced}[row.appointment_id] == 2
    assert {each.before.id for each in replaced if each.before} == {
        each.appointment_id for each in replaced
    }
    (gone,) = (each for each in replaced if each.now == 0)
    assert gone.before is not None
    await database.book.apply(BookChange(put=[gone.before]), NOW)
    back = await database.book.appointment(gone.appointment_id)
    assert back is not None
    assert back.revision == 2, "SEQUENCE goes on"
    await database.close()


async def test_what_waits_for_a_person_and_what_they_decided_is_still_known(tmp_path: Path) -> None:
    database = opened(tmp_path)
    plain = [imported(n).id for n in range(3)]
    series = str(EventKey.of_occurrence(plain[1], MONDAY))
    keys = [plain[0], f"{plain[0]}#evt1", series, "own-7", "test 0f"]
    state = SyncState(
        held=Held(since=NOW, why="many", items=tuple(HeldItem(key=e, begins=NOW) for e in keys)),
        kept=frozenset([HeldKey(plain[2]), HeldKey(series, "former@calendar"), HeldKey("own-8")]),
        fingerprint="nothing to do",
        events=3,
    )
    await database.ledger.edit_state(ANNA, lambda _: state)
    database = await moved(tmp_path, database)
    secret = await database.book.id_key()
    new = [appointment_id("pms", f"key-{n}", secret) for n in range(3)]
    after = await database.ledger.state(ANNA)
    series = str(EventKey.of_occurrence(new[1], MONDAY))
    assert after.held is not None
    assert [item.key for item in after.held.items] == [
        new[0], f"{new[0]}#evt1", series, "own-7", "test 0f",
    ]  # fmt: skip
    assert after.kept == {HeldKey(new[2]), HeldKey(series, "former@calendar"), HeldKey("own-8")}
    assert (after.audit_due, after.fingerprint, after.events) == (True, "", 3)
    await database.close()


async def test_the_same_file_again_finds_everything_unchanged(tmp_path: Path) -> None:
    content = csv_bytes([allied(n, **{"Appointment ID": ""}) for n in range(5)])
    bench = ImportBench(tmp_path)
    await bench.take(content)
    database = opened(tmp_path)
    old = [
        replace(each, id=plain_id(each.source, each.source_id))
        for each in (await bench.all()).values()
    ]
    await database.book.apply(BookChange(put=old), NOW)
    database = await moved(tmp_path, database)
    bench.importing._book = bench.importing._comparing._book = database.book
    report = await bench.take(content)
    assert (report.added, report.changed, report.removed, report.unchanged) == (0, 0, 0, 5)
    await database.close()


# ── Google ────────────────────────────────────────────────────────────────────────────────────


async def written_before(folder: Path, finish: Callable[[World], Any] | None = None) -> World:
    """A practice whose calendar was written by the version before."""
    world = World()
    database = opened(folder)
    world.stores = database  # type: ignore[assignment] # what passes use of it
    world.restart()
    await world.put(*map(imported, range(EVENTS)), appointment(40, id="own-1"))
    assert (await world.run()).error is None
    if finish is not None:
        await finish(world)
    return world


async def old_world(folder: Path, finish: Callable[[World], Any] | None = None) -> World:
    """The same, opened by this version."""
    world = await written_before(folder, finish)
    world.stores = await moved(folder, world.stores)  # type: ignore[assignment, arg-type]
    world.restart()
    return world


def live(world: World) -> Counter[object]:
    """Events by their time: no two of ours are at the same."""
    return Counter(each.content.start for each in world.remote().ours())


async def keys_of(world: World) -> list[str]:
    rows = await world.stores.book.source_rows("pms")
    return sorted(["own-1", *(row.appointment_id for row in rows.values())])


async def test_each_event_gets_its_new_mark_with_one_patch_and_none_is_there_twice(
    tmp_path: Path,
) -> None:
    world = await old_world(tmp_path)
    ids = {each.event_id for each in world.remote().ours()}
    result = await world.run()
    assert (result.error, result.inserted, result.deleted, result.updated) == (None, 0, 0, EVENTS)
    assert result.api_calls == EVENTS + 2, "a list before and one after for the proof"
    assert {each.event_id for each in world.remote().ours()} == ids
    assert sorted(each.key for each in world.remote().ours()) == await keys_of(world)
    assert max(live(world).values()) == 1
    audit = await world.audit()
    assert (audit.error, audit.differences, audit.updated) == (None, (), 0)
    world.remote().exploding = True
    assert (await world.run()).api_calls == 0
    await world.stores.close()  # type: ignore[attr-defined]


async def test_colour_and_reminder_of_the_practitioner_stay(tmp_path: Path) -> None:
    async def style(world: World) -> None:
        world.remote().person_styles(world.id_of(imported(2).id), "9|")

    world = await old_world(tmp_path, style)
    await world.run()
    assert [each.style for each in world.remote().ours() if each.style != "|"] == ["9|"]
    await world.stores.close()  # type: ignore[attr-defined]


async def test_a_lost_ledger_finds_events_of_the_old_kind_again(tmp_path: Path) -> None:
    async def lose(world: World) -> None:
        rows = await world.rows()
        await world.stores.ledger.write(world.ref(), drop=list(rows))

    world = await old_world(tmp_path, lose)
    result = await world.audit()
    assert (result.error, result.inserted, result.deleted, result.updated) == (None, 0, 0, EVENTS)
    assert sorted(each.key for each in world.remote().ours()) == await keys_of(world)
    await world.stores.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("changed", [imported(7), replace(imported(1), location="Room 2")])
def test_the_process_may_die_at_any_step_of_the_move(tmp_path: Path, changed: Appointment) -> None:
    """Also when it had died in the middle of the version before, its last answers unseen."""

    async def half_done(world: World) -> None:
        await world.put(changed, remove=[imported(2).id])
        await world.crash_at("after google.write", world.run)
        states = Counter(each.state for each in (await world.rows()).values())
        assert (states[LedgerEntryState.PENDING], states[LedgerEntryState.REMOVING]) == (1, 1)

    async def prepare() -> dict[str, StoredEvent]:
        world = await written_before(tmp_path, half_done)
        await world.stores.close()  # type: ignore[attr-defined]
        return world.remote().events

    events = asyncio.run(prepare())
    age(tmp_path / "book.db")

    async def die_at(step: int) -> bool:
        (folder := tmp_path / str(step)).mkdir()
        shutil.copy(tmp_path / "book.db", folder)
        world = World()
        world.remote().events.update(copy.deepcopy(events))
        world.stores = opened(folder)  # type: ignore[assignment]
        world.restart()
        died = await world.crash_at(step, world.run)
        assert max(live(world).values()) == 1
        for _ in range(2):
            assert (await world.run()).error is None
            assert max(live(world).values()) == 1
        audit = await world.audit()
        assert (audit.error, audit.differences) == (None, ())
        assert sorted(each.key for each in world.remote().ours()) == await keys_of(world)
        world.remote().exploding = True
        assert (await world.run()).api_calls == 0
        await world.stores.close()  # type: ignore[attr-defined]
        return died

    step = 1
    while asyncio.run(die_at(step)):
        step += 1
    assert step > 12


# ── what a dictionary finds ───────────────────────────────────────────────────────────────────


async def test_who_knows_everything_but_the_key_cannot_find_the_name(tmp_path: Path) -> None:
    """Practitioner, time and type are known; the names of a dictionary are tried."""
    bench = ImportBench(tmp_path)
    row = allied(0, **{"Appointment ID": "", "Client ID": "", "Notes": ""})
    await bench.take(csv_bytes([row]))
    (kept,) = (await bench.all()).values()
    who = str(row["Practitioner"])
    guess = draft(2, id="", who=who, client=kept.client_name)
    known = replace(kept, id="", practitioner_id="", source_id="", timezone="")
    tried = [natural_key(replace(guess, appointment=known), who)]
    assert tried == [kept.source_id], "the guess is right"
    keys = [plain_id(kept.source, each) for each in tried]
    hashes = [*tried, *keys]
    hashes += [event_id(MARK, "anna@calendar", each, 0) for each in keys]
    hashes += [IcalendarWriter(INSTALL).uid(each) for each in keys]
    hashes += [hashlib.sha256(each.encode()).hexdigest()[:20] for each in keys]
    world = World()
    await world.put(
        replace(kept, practitioner_id=ANNA, start=MONDAY, end=MONDAY + timedelta(1 / 48))
    )
    await world.run()
    told = [f"{each.event_id} {each.key}" for each in world.remote().ours()]
    told.append(IcalendarWriter(INSTALL).uid(kept.id))
    assert len(told) == 2
    assert [each for each in hashes if any(each in text for text in told)] == []
