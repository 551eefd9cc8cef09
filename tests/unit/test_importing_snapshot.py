"""Snapshots: what is missing was removed, unless that cannot be meant."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes.clock import MONDAY, FakeClock
from tests.samples.exports import ALLIED, allied, csv_bytes
from tests.samples.import_bench import ImportBench

EARLY = MONDAY - timedelta(days=1)
"""Before every sample: all are upcoming."""
ROWS = [allied(n) for n in range(10)]


@pytest.fixture
async def bench(tmp_path: Path) -> ImportBench:
    """Ten upcoming appointments of one practitioner are in the book."""
    made = ImportBench(tmp_path, clock=FakeClock(EARLY))
    await made.take(csv_bytes(ROWS))
    return made


async def test_a_missing_appointment_is_removed(bench: ImportBench) -> None:
    report = await bench.take(csv_bytes(ROWS[:4] + ROWS[5:]), snapshot=True)
    assert (report.removed, report.unchanged, report.held) == (1, 9, False)
    assert "A1004" not in await bench.all()


async def test_changes_remove_nothing(bench: ImportBench) -> None:
    assert (await bench.take(csv_bytes(ROWS[:1]))).removed == 0


async def test_a_fifth_may_go_and_more_is_held(bench: ImportBench) -> None:
    first, last = ROWS[0], ROWS[9]
    kept = [first, *ROWS[3:9], last]
    shown = await bench.preview(csv_bytes(kept), snapshot=True)
    assert (shown.removed, shown.held) == (2, "")
    report = await bench.take(csv_bytes([first, *ROWS[4:9], last]), snapshot=True)
    assert report.held
    assert report.why_held == ("This file would remove 3 of 10 upcoming appointments of bp-allied.")


async def test_a_held_import_changes_nothing_at_all(bench: ImportBench) -> None:
    before = await bench.book.revisions()
    rows = [allied(0, Location="Room 9"), allied(9, Practitioner="Somebody New"), allied(20)]
    report = await bench.take(csv_bytes([ROWS[1], *rows]), snapshot=True)
    assert (report.held, report.added, report.changed, report.removed) == (True, 1, 2, 7)
    assert report.created == ()
    assert await bench.book.revisions() == before
    assert len(bench.settings.read().practitioners) == 1
    assert len(await bench.book.imports()) == 1
    newest, _first = await bench.activity.recent()
    assert newest.kind == "held"


async def test_yes_releases_a_held_import(bench: ImportBench) -> None:
    content = csv_bytes([ROWS[0], ROWS[9]])
    assert (await bench.take(content, snapshot=True)).held
    report = await bench.take(content, snapshot=True, yes=True)
    assert (report.held, report.removed) == (False, 8)
    assert len(await bench.all()) == 2


@pytest.mark.parametrize("content", [b"", csv_bytes([]), csv_bytes([], delimiter="\t")])
async def test_a_file_without_rows_would_empty_the_source_and_is_held(
    bench: ImportBench, content: bytes
) -> None:
    report = await bench.take(content, snapshot=True)
    assert report.held
    assert report.why_held == (
        "The file has no rows: it would remove all 10 appointments of bp-allied."
    )
    assert (await bench.take(content)).held is False
    assert (await bench.take(content, snapshot=True, yes=True)).removed == 10
    assert (await bench.take(content, snapshot=True)).held is False, "nothing is left to remove"


async def test_emptying_a_source_of_the_past_is_held_too(bench: ImportBench) -> None:
    bench.clock.set(MONDAY + timedelta(days=30))
    assert (await bench.take(csv_bytes([]), snapshot=True)).held


async def test_the_first_snapshot_of_a_source_is_not_held(tmp_path: Path) -> None:
    report = await ImportBench(tmp_path).take(csv_bytes(ROWS), snapshot=True)
    assert (report.added, report.held) == (10, False)


async def test_renumbered_appointments_are_asked_about(bench: ImportBench) -> None:
    rows = [row | {"Appointment ID": f"N{n}"} for n, row in enumerate(ROWS)]
    content = csv_bytes(rows)
    report = await bench.take(content, snapshot=True)
    assert (report.held, report.added, report.removed) == (True, 0, 0)
    assert [each.key for each in report.questions] == ["same:bp-allied"]
    before = await bench.all()
    shown = await bench.preview(content, snapshot=True)
    report = await bench.importing.apply(shown, answers={"same:bp-allied": "take_over"})
    assert (report.held, report.added, report.changed, report.removed) == (False, 0, 10, 0)
    after = await bench.all()
    assert after.keys() == {f"N{n}" for n in range(10)}
    assert {each.id for each in after.values()} == {each.id for each in before.values()}


async def test_other_days_and_other_practitioners_are_left_alone(bench: ImportBench) -> None:
    tuesday = "3/3/2026 {}"
    others = [
        allied(20, Practitioner="Bo Sample"),
        allied(30, Start=tuesday.format("9:00"), End=tuesday.format("9:30")),
    ]
    await bench.take(csv_bytes(others))
    report = await bench.take(csv_bytes(ROWS[:9]), snapshot=True)
    assert report.removed == 1
    assert {"A1020", "A1030"} <= (await bench.all()).keys()


async def test_another_source_is_left_alone(bench: ImportBench) -> None:
    south = [row | {"Client Last Name": "South", "Client ID": "S"} for row in ROWS]
    await bench.take(csv_bytes(south), source="south")
    await bench.take(csv_bytes(south[:9]), source="south", snapshot=True)
    assert len(await bench.all("south")) == 9
    assert len(await bench.all()) == 10


async def test_a_cancelled_row_is_not_a_missing_one_and_widens_the_days(bench: ImportBench) -> None:
    gone = allied(0, Start="1/3/2026 9:00", End="1/3/2026 9:30", Cancelled="Yes")
    report = await bench.take(csv_bytes([gone, *ROWS[1:9]]), snapshot=True)
    assert (report.changed, report.removed) == (1, 1)
    assert (await bench.all())["A1000"].cancelled


async def test_a_typo_in_a_row_does_not_remove_its_appointment(bench: ImportBench) -> None:
    broken = allied(4, Start="2/3/2026 9:xx")
    report = await bench.take(csv_bytes([*ROWS[:4], broken, *ROWS[5:]]), snapshot=True)
    assert (len(report.rejected), report.removed) == (1, 0)
    assert "A1004" in await bench.all()


async def test_a_rejected_row_with_an_id_shields_no_other_appointment(bench: ImportBench) -> None:
    broken = allied(50, Start="?")
    report = await bench.take(csv_bytes([*ROWS[:9], broken]), snapshot=True)
    assert (len(report.rejected), report.removed) == (1, 1)


async def test_a_row_without_a_readable_id_shields_what_it_may_have_meant(
    bench: ImportBench,
) -> None:
    nameless = allied(9, Appointment_ID="", End="?")
    report = await bench.take(csv_bytes([*ROWS[:9], nameless]), snapshot=True)
    assert report.removed == 0
    elsewhere = allied(9, Appointment_ID="", Start="5/3/2026 9:00", End="?")
    report = await bench.take(csv_bytes([*ROWS[:9], elsewhere]), snapshot=True)
    assert report.removed == 1


async def test_a_row_that_cannot_be_taken_apart_shields_everything(bench: ImportBench) -> None:
    lines = csv_bytes(ROWS).split(b"\r\n")
    lines[5] = lines[5].replace(b",Client,", b',"Client,')
    report = await bench.take(b"\r\n".join([*lines[:10], lines[11]]), snapshot=True)
    assert [each.row for each in report.rejected] == [6]
    assert report.removed == 0


async def test_a_file_of_rejected_rows_alone_removes_nothing(bench: ImportBench) -> None:
    report = await bench.take(csv_bytes([allied(0, Start="?")]), snapshot=True)
    assert (report.removed, report.held) == (0, False)


async def test_appointments_that_change_hands_are_moved_not_removed(bench: ImportBench) -> None:
    rows = [allied(n, Practitioner="Bo Sample" if n < 2 else "Dr Ada Example") for n in range(10)]
    report = await bench.take(csv_bytes(rows), snapshot=True)
    assert (report.changed, report.removed, report.held) == (2, 0, False)


async def test_cancelled_and_past_ones_do_not_count_as_upcoming(tmp_path: Path) -> None:
    bench = ImportBench(tmp_path, clock=FakeClock(EARLY))
    rows = [allied(n, Cancelled="Yes" if n < 8 else "No") for n in range(12)]
    await bench.take(csv_bytes(rows))
    assert not (await bench.preview(csv_bytes(rows[2:]), snapshot=True)).held
    held = await bench.preview(csv_bytes([*rows[:8], rows[8], rows[9], rows[10]]), snapshot=True)
    assert held.held == "This file would remove 1 of 4 upcoming appointments of bp-allied."


async def test_the_preview_shows_removals_first(bench: ImportBench) -> None:
    rows = [allied(0, Location="Room 9"), *ROWS[1:9], allied(20)]
    shown = await bench.preview(csv_bytes(rows), snapshot=True)
    assert [each.action for each in shown.samples] == ["remove", "change", "add"]
    assert shown.samples[0].practitioner == "Ada Example"
    assert shown.samples[0].row == 0


async def test_a_mapping_can_say_that_files_are_whole(bench: ImportBench) -> None:
    lines = [f'{name} = "{header}"' for name, header in (
        ("id", "Appointment ID"), ("start", "Start"), ("end", "End"),
        ("practitioner", "Practitioner"),
    )]  # fmt: skip
    mapping = "\n".join(["snapshot = true", "[columns]", *lines])
    await bench.take(csv_bytes(ROWS, ALLIED), mapping=mapping, source="whole")
    assert bench.settings.read().sources["whole"].snapshot
    assert (await bench.take(csv_bytes(ROWS[:9]), source="whole")).removed == 1
    report = await bench.take(csv_bytes(ROWS[:8]), source="whole", snapshot=False)
    assert report.removed == 0
