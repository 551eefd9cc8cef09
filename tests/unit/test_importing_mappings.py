"""Imports of files without ids, of other layouts by a mapping, and from named sources."""

from datetime import datetime
from pathlib import Path

import pytest

from companion.domain.errors import BadInput, StoreError
from companion.services.imports.importing import BY_KEY
from companion.services.ports import BookChange, SourceRow
from tests.fakes.book_store import MemoryBook
from tests.samples.exports import ALLIED, PREMIER, allied, csv_bytes, premier
from tests.samples.import_bench import ImportBench, only, wall


@pytest.fixture
def bench(tmp_path: Path) -> ImportBench:
    return ImportBench(tmp_path)


# ── files without ids ─────────────────────────────────────────────────────────────────────────


BARE = tuple(name for name in ALLIED if name != "Appointment ID")


async def test_without_ids_practitioner_start_client_and_type_tell_appointments(
    bench: ImportBench,
) -> None:
    rows = [allied(0), allied(1), allied(1, Client_ID="C9")]
    report = await bench.take(csv_bytes(rows, BARE))
    assert (report.added, report.matched_by) == (3, BY_KEY)
    rows[0]["Notes"] = "changed"
    report = await bench.take(csv_bytes(rows, BARE))
    assert (report.added, report.changed, report.unchanged) == (0, 1, 2)


async def test_an_id_column_with_nothing_in_it_is_no_id_column(bench: ImportBench) -> None:
    report = await bench.take(csv_bytes([allied(0, Appointment_ID="")]))
    assert (report.added, report.matched_by) == (1, BY_KEY)


async def test_without_ids_the_same_row_twice_is_one_and_copies_stay_apart(
    bench: ImportBench,
) -> None:
    rows = [allied(0), allied(0), allied(0, Location="Room 2")]
    report = await bench.take(csv_bytes(rows, BARE))
    assert report.added == 2
    assert [each.reason for each in report.rejected] == ["The same appointment as in row 2."]
    assert (await bench.take(csv_bytes(rows, BARE))).unchanged == 2


async def test_the_key_of_a_file_without_ids_spells_nobody_out(bench: ImportBench) -> None:
    await bench.take(csv_bytes([allied(0)], BARE))
    assert "vane" not in (await only(bench)).source_id.casefold()


async def test_without_ids_another_spelling_of_a_known_name_is_the_same_appointment(
    bench: ImportBench,
) -> None:
    await bench.take(csv_bytes([allied(0)], BARE))
    person = bench.settings.read().practitioner("Ada Example").practitioner
    shown = await bench.preview(csv_bytes([allied(0, Practitioner="A. Example")], BARE))
    report = await bench.importing.apply(shown, assignments={"A. Example": person.id})
    assert (report.added, report.unchanged) == (0, 1)


async def test_without_ids_two_spellings_in_one_file_do_not_collide(bench: ImportBench) -> None:
    person = await bench.practitioners.add("Dr Ada Example")
    await bench.practitioners.edit(person.id, aliases=["A. Example"])
    await bench.take(csv_bytes([allied(0)], BARE))
    both = csv_bytes([allied(0, Practitioner="A. Example"), allied(0)], BARE)
    await bench.take(both)
    assert (await bench.take(both)).unchanged == 2


# ── mappings and sources ──────────────────────────────────────────────────────────────────────


OTHER = ("Nr", "Day", "From", "Until", "Who sees", "Client")
MAPPING = """
[columns]
id = "Nr"
date = "Day"
time = "From"
end_time = "Until"
practitioner = "Who sees"
client_name = "Client"
[practitioners]
"Room 1" = "Dr Ada Example"
"""


def other(nr: int, **changes: object) -> dict[str, object]:
    row: dict[str, object] = {
        "Nr": nr,
        "Day": "2/3/2026",
        "From": "9:00",
        "Until": "9:30",
        "Who sees": "Room 1",
        "Client": "Vane, Ottoline",
    }
    return row | changes


async def test_an_unknown_layout_lists_its_columns(bench: ImportBench) -> None:
    with pytest.raises(BadInput, match="“Who sees”") as refused:
        await bench.take(csv_bytes([{"Nr": 1, "Who sees": "Room 1"}], ("Nr", "Who sees")))
    assert "--mapping" in refused.value.remedy


async def test_a_file_without_a_header_row_is_not_repeated(bench: ImportBench) -> None:
    with pytest.raises(BadInput) as refused:
        await bench.take(b"Vane,Ottoline,2/3/2026 9:00\r\n")
    assert "Vane" not in str(refused.value)


async def test_where_the_table_was_is_remembered_while_it_is_there(bench: ImportBench) -> None:
    above = b"Room,Client,Start,End,Practitioner\n"
    table = b"Start,End,Client,Practitioner\n2/3/2026 9:00,2/3/2026 9:30,Ottoline Vane,Ada\n"
    await bench.take(above + table, source="house", answers={"header_row": "2"}, yes=True)
    assert bench.settings.read().sources["house"].answers["header_row"] == "2"
    again = await bench.preview(above + table, source="house")
    assert [each.header_row for each in again.reading.sheets] == [2]
    for file in (table, table + b"2/3/2026 10:00,2/3/2026 10:30,Bo Quill,Ada\n" * 3):
        alone = await bench.preview(file, source="house")
        assert [each.header_row for each in alone.reading.sheets] == [1]


async def test_what_a_slipped_row_says_of_a_client_is_not_kept_with_the_source(
    bench: ImportBench,
) -> None:
    names = ("Ottoline Vane0", "Vane0, Ottoline", "Vane1", "Elsewhere")
    rows = [allied(n, Status=name) for n, name in enumerate(names)]
    await bench.take(csv_bytes(rows), yes=True)
    kept = bench.settings.read().sources["bp-allied"]
    assert [*kept.statuses] == ["Elsewhere"]
    assert [*kept.answers] == ["status:Elsewhere"]


async def test_a_mapping_reads_any_other_file(bench: ImportBench) -> None:
    report = await bench.take(csv_bytes([other(1)], OTHER), mapping=MAPPING, source="house")
    assert [each.name for each in report.created] == ["Dr Ada Example"]
    kept = await only(bench, "house")
    assert (kept.start, kept.end) == (wall(2, 9), wall(2, 9, 30))
    assert (kept.client_first_name, kept.client_last_name) == ("Ottoline", "Vane")


async def test_a_mapping_given_once_is_used_again(bench: ImportBench) -> None:
    content = csv_bytes([other(1)], OTHER)
    await bench.take(content, mapping=MAPPING, source="house")
    assert bench.settings.read().sources["house"].mapping == MAPPING
    assert (await bench.take(content, source="house")).unchanged == 1
    assert (await bench.take(content)).source == "house"


async def test_a_preview_keeps_no_mapping(bench: ImportBench) -> None:
    await bench.preview(csv_bytes([other(1)], OTHER), mapping=MAPPING, source="house")
    assert not bench.settings.read().sources


async def test_times_of_a_mapping_may_be_in_another_zone(bench: ImportBench) -> None:
    mapping = 'timezone = "Australia/Perth"\n' + MAPPING
    await bench.take(csv_bytes([other(1)], OTHER), mapping=mapping, source="house")
    kept = await only(bench, "house")
    assert (kept.start, kept.timezone) == (wall(2, 12), "Australia/Sydney")


async def test_a_source_can_be_named_and_keeps_its_own_appointments(bench: ImportBench) -> None:
    content = csv_bytes([allied(0)])
    await bench.take(content, source="north")
    other = csv_bytes([allied(0, Client_ID="C77", Client_Last_Name="Brook")])
    report = await bench.take(other, source="south")
    assert report.added == 1
    assert await bench.book.count() == 2


@pytest.mark.parametrize("name", ["book", " Book ", "", "\x00"])
async def test_no_file_may_pose_as_the_appointment_book(bench: ImportBench, name: str) -> None:
    with pytest.raises(BadInput, match="name of a source"):
        await bench.take(csv_bytes([allied(0)]), source=name)


async def test_a_file_without_most_headings_of_its_software_is_another_source(
    bench: ImportBench,
) -> None:
    await bench.take(csv_bytes([allied(0)]))
    few = ("Appointment ID", "Client ID", "Start", "End", "Practitioner")
    shown = await bench.preview(csv_bytes([allied(1)], few))
    assert shown.source.startswith("import-")
    assert not [each for each in shown.questions if each.kind == "column"]
    assert any("choose that source" in each for each in shown.notes)
    said = await bench.preview(csv_bytes([allied(1)], few), source="bp-allied")
    assert not any("choose that source" in each for each in said.notes)
    assert {"column:status", "column:cancelled"} <= {each.key for each in said.questions}


async def test_an_empty_file_belongs_to_the_only_source_there_is(bench: ImportBench) -> None:
    await bench.take(csv_bytes([allied(0)]))
    assert (await bench.take(b"")).source == "bp-allied"
    await bench.take(csv_bytes([premier(0)], PREMIER))
    with pytest.raises(BadInput, match="empty"):
        await bench.take(b"")
    assert (await bench.take(b"", source="bp-premier")).removed == 0


async def test_an_import_goes_into_the_book_with_its_record_or_not_at_all(
    bench: ImportBench,
) -> None:
    shown = await bench.preview(csv_bytes([allied(0)]))
    bench.activity.lines.clear()

    class Full(MemoryBook):
        async def apply(self, change: BookChange, now: datetime) -> None:
            assert change.put
            assert change.imported is not None
            raise StoreError

    full = Full()
    full.__dict__.update(bench.book.__dict__)
    bench.book = full
    bench.__post_init__()
    with pytest.raises(StoreError):
        await bench.importing.apply(shown)
    assert await bench.book.imports() == []
    assert await bench.book.count() == 0
    assert bench.activity.lines == []


class CountingBook(MemoryBook):
    """Counts how often a file is compared with it."""

    compared = 0

    async def source_rows(self, source: str) -> dict[str, SourceRow]:
        self.compared += 1
        return await super().source_rows(source)


async def test_a_file_is_compared_again_only_when_the_book_has_changed(tmp_path: Path) -> None:
    book = CountingBook()
    bench = ImportBench(tmp_path, book=book)
    shown = await bench.preview(csv_bytes([allied(0), allied(1)]))
    assert (await bench.importing.apply(shown)).added == 2
    assert book.compared == 1
    shown = await bench.preview(csv_bytes([allied(0), allied(1), allied(2)]))
    await bench.take(csv_bytes([allied(2)]))  # somebody else was quicker
    compared = book.compared
    report = await bench.importing.apply(shown)
    assert (report.added, report.unchanged) == (0, 3)
    assert book.compared == compared + 1
