"""What every AppointmentBook does with sources, imports, their undoing, and known names."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import strategies as st

from companion.domain.appointments import (
    AppointmentStatus,
)
from companion.domain.errors import ChangedMeanwhile
from companion.services.ports import (
    UNDO_IMPORTS,
    AppointmentBook,
    BookChange,
    ImportMemory,
    ImportRecord,
    Undoing,
)
from companion.services.rows import row_hash
from tests.contract.book_samples import DAY, HOUR, NOW, appointment, on, put, weekly

LATER = NOW + timedelta(hours=1)


minutes = st.integers(-4 * 1440, 4 * 1440)


# ── sources, merging, imports ─────────────────────────────────────────────────────────────────


async def test_source_rows_say_enough_to_compare_a_new_file(book: AppointmentBook) -> None:
    one = appointment(1, status=AppointmentStatus.CANCELLED)
    await put(book, one, appointment(2), appointment(3, source="other"))
    rows = await book.source_rows("pms")
    assert set(rows) == {"1", "2"}
    row = rows["1"]
    assert (row.appointment_id, row.source_id, row.practitioner_id) == (one.id, "1", "mira")
    assert (row.start, row.end, row.cancelled) == (one.start, one.end, True)
    assert row.row_hash == row_hash(one)
    assert not rows["2"].cancelled


async def test_merging_two_practitioners_moves_all_appointments(book: AppointmentBook) -> None:
    await put(book, appointment(1), appointment(2), appointment(3, practitioner_id="omar"))
    await book.reassign("mira", "omar", LATER)
    assert await book.count("mira") == 0
    moved = await book.appointments("omar", DAY, DAY + timedelta(days=1))
    assert [(each.revision, each.changed_at) for each in moved if each.source_id != "3"] == [
        (2, LATER),
        (2, LATER),
    ]
    assert await book.revisions() == {"mira": 2, "omar": 2}


async def test_after_a_merge_the_same_file_changes_nothing(book: AppointmentBook) -> None:
    await put(book, appointment())
    await book.reassign("mira", "omar", LATER)
    rows = await book.source_rows("pms")
    assert rows["1"].row_hash == row_hash(appointment(practitioner_id="omar"))


async def test_merging_nothing_or_into_oneself_touches_no_practitioner(
    book: AppointmentBook,
) -> None:
    await put(book, appointment())
    await book.reassign("nobody", "mira", LATER)
    await book.reassign("mira", "mira", LATER)
    assert await book.revisions() == {"mira": 1}


async def test_counts_are_of_everyone_or_of_one(book: AppointmentBook) -> None:
    await put(book, appointment(1), weekly(), appointment(3, practitioner_id="omar"))
    assert await book.count() == 3
    assert await book.count("mira") == 2
    assert await book.count("nobody") == 0


async def test_rows_elsewhere_are_those_of_other_sources_that_begin_in_the_span(
    book: AppointmentBook,
) -> None:
    named = {"client_first_name": "Ada", "client_last_name": "Example", "client_id": "C1"}
    stamp = NOW - timedelta(days=1)
    one = appointment(1, source="other", updated=stamp, appointment_type="Long", **named)
    await put(
        book,
        one,
        appointment(2),
        replace(appointment(3, start=DAY - HOUR), source="other"),
        appointment(4, source="other", practitioner_id="omar"),
        replace(weekly(), id="own-1", source="book", source_id="", title="Lunch"),
    )
    found = await book.rows_elsewhere("pms", ["mira"], DAY, DAY + timedelta(days=1))
    row, own = sorted(found, key=lambda each: each.source, reverse=True)
    assert (row.appointment_id, row.source, row.source_id) == (one.id, "other", "1")
    assert (row.client_id, row.client_name, row.what) == ("C1", "Ada Example", "Long")
    assert (row.start, row.end, row.updated) == (one.start, one.end, stamp)
    assert row.row_hash == row_hash(one)
    assert (own.source, own.source_id, own.what) == ("book", "", "Lunch")


# ── imports and their undoing ─────────────────────────────────────────────────────────────────


def record(file_name: str = "a.csv", **changes: Any) -> ImportRecord:
    return replace(ImportRecord(source="pms", at=NOW, file_name=file_name, by="desk"), **changes)


async def test_imports_come_newest_first_with_all_that_was_recorded(
    book: AppointmentBook,
) -> None:
    memory = ImportMemory(
        created=("mira",),
        aliases={"omar": ("O. Example",)},
        answers=("date_order",),
        columns={"start": "Begins"},
    )
    records = [
        record(
            f"{number}.csv",
            at=NOW + timedelta(minutes=minute),
            added=1,
            changed=2,
            removed=3,
            unchanged=4,
            rejected=5,
            cancelled=6,
            older=7,
            kept=8,
            memory=memory,
        )
        for number, minute in enumerate([0, 5, 5, 1])
    ]
    for each in records:
        await book.apply(BookChange(imported=each), NOW)
    found = await book.imports()
    assert [each.id for each in found] == [3, 2, 4, 1]
    assert [replace(each, id=0) for each in found] == [records[n] for n in (2, 1, 3, 0)]
    assert [each.id for each in await book.imports(1)] == [3]


async def test_an_import_keeps_what_it_replaced(book: AppointmentBook) -> None:
    stays, changes, goes = appointment(1), appointment(2, notes="was"), appointment(3)
    await put(book, stays, changes, goes)
    before = {each.id: each for each in await on(book, DAY)}
    new = appointment(4)
    change = BookChange(
        put=[replace(changes, notes="is"), new], remove=[goes.id, "nobody"], imported=record()
    )
    await book.apply(change, LATER)
    (kept,) = await book.imports()
    assert kept.can_undo
    found = {each.appointment_id: each for each in await book.replaced(kept.id)}
    assert {key: each.before for key, each in found.items()} == {
        changes.id: before[changes.id],
        goes.id: before[goes.id],
        new.id: None,
    }
    revisions = {key: (each.revision, each.now) for key, each in found.items()}
    assert revisions == {changes.id: (2, 2), goes.id: (0, 0), new.id: (1, 1)}
    await put(book, replace(new, notes="later"))
    await book.apply(BookChange(remove=[changes.id]), LATER)
    found = {each.appointment_id: each for each in await book.replaced(kept.id)}
    assert (found[new.id].now, found[changes.id].now) == (2, 0)


async def test_an_import_that_comes_back_leaves_the_next_revision(book: AppointmentBook) -> None:
    await put(book, appointment(1))
    await book.apply(BookChange(remove=[appointment(1).id]), LATER)
    await book.apply(BookChange(put=[appointment(1)], imported=record()), LATER)
    (replaced,) = await book.replaced((await book.imports())[0].id)
    assert (replaced.before, replaced.revision, replaced.now) == (None, 2, 2)


async def test_an_import_is_undone_once(book: AppointmentBook) -> None:
    await book.apply(BookChange(put=[appointment(1)], imported=record()), NOW)
    (kept,) = await book.imports()
    undoing = BookChange(remove=[appointment(1).id], undoes=Undoing(import_id=kept.id, by="ada"))
    await book.apply(undoing, LATER)
    (undone,) = await book.imports()
    assert (undone.undone_at, undone.undone_by, undone.can_undo) == (LATER, "ada", False)
    assert await book.replaced(kept.id) == []
    await put(book, appointment(1))
    with pytest.raises(ChangedMeanwhile):
        await book.apply(undoing, LATER)
    assert await book.count() == 1


async def test_an_undone_import_leaves_the_one_before_it_to_be_undone(
    book: AppointmentBook,
) -> None:
    one = appointment(1)
    await book.apply(BookChange(put=[one], imported=record("first")), NOW)
    await book.apply(BookChange(put=[replace(one, notes="new")], imported=record("2nd")), LATER)
    second, first = await book.imports()
    (replaced,) = await book.replaced(second.id)
    assert replaced.before is not None
    undoing = Undoing(import_id=second.id, by="ada")
    await book.apply(BookChange(put=[replaced.before], undoes=undoing), LATER)
    (replaced,) = await book.replaced(first.id)
    assert (replaced.before, replaced.revision, replaced.now) == (None, 3, 3)


async def test_the_arrivals_of_a_source_are_its_files_that_are_in_the_book(
    book: AppointmentBook,
) -> None:
    minutes = [NOW + timedelta(minutes=number) for number in range(5)]
    for record_ in (
        record("1.csv", at=minutes[0]),
        record("2.csv", at=minutes[1]),
        replace(record("3.csv", at=minutes[2]), source="other"),
        record("", at=minutes[3]),
        record("5.csv", at=minutes[4]),
    ):
        await book.apply(BookChange(imported=record_), NOW)
    (newest, *_) = await book.imports(1)
    await book.apply(BookChange(undoes=Undoing(import_id=newest.id, by="mira")), NOW)
    assert await book.arrivals(newest.source, 10) == [minutes[1], minutes[0]]
    assert await book.arrivals(newest.source, 1) == [minutes[1]]
    assert await book.arrivals("nobody", 10) == []


async def test_an_edit_is_told_from_what_an_import_wrote(book: AppointmentBook) -> None:
    assert await book.edited_at(NOW) is None
    imported = appointment(1, source="pms", source_id="1")
    await book.apply(BookChange(put=[imported]), NOW)
    assert await book.edited_at(NOW) is None
    assert await book.edited_at(NOW - HOUR) == NOW
    await book.apply(BookChange(put=[replace(imported, title="x")]), LATER)
    assert await book.edited_at(NOW) == LATER
    own = appointment(2, source="book", source_id="")
    await book.apply(BookChange(put=[own]), LATER + HOUR)
    assert await book.edited_at(LATER + 5 * HOUR) == LATER + HOUR


async def test_only_the_newest_imports_can_be_undone(book: AppointmentBook) -> None:
    for number in range(UNDO_IMPORTS + 2):
        await book.apply(BookChange(put=[appointment(1)], imported=record(f"{number}")), NOW)
    await book.apply(BookChange(imported=record("nothing")), LATER)
    found = await book.imports(1_000)
    assert [each.can_undo for each in found] == [False, *[True] * UNDO_IMPORTS, False, False]


async def test_a_refused_change_records_nothing(book: AppointmentBook) -> None:
    change = BookChange(put=[appointment(1)], expect={appointment(1).id: 7}, imported=record())
    with pytest.raises(ChangedMeanwhile):
        await book.apply(change, NOW)
    assert await book.imports() == []


# ── names ─────────────────────────────────────────────────────────────────────────────────────


async def test_names_of_clients_stay_known_once_they_were_in_the_book(
    book: AppointmentBook,
) -> None:
    assert await book.client_names() == []
    before = appointment(1, client_first_name="Jane", client_last_name="Quill")
    await book.apply(BookChange(put=(before, appointment(2))), NOW)
    (first,) = await book.client_names()
    assert first[1:] == ("Jane", "Quill")
    assert await book.client_names(first.number) == []
    married = replace(before, client_last_name="Wren")
    await book.apply(BookChange(put=(married,)), LATER)
    await book.apply(BookChange(remove=(married.id,)), LATER)
    await book.apply(BookChange(put=(before,)), LATER)
    assert [each[1:] for each in await book.client_names()] == [("Jane", "Quill"), ("Jane", "Wren")]
    assert [each[1:] for each in await book.client_names(first.number)] == [("Jane", "Wren")]
