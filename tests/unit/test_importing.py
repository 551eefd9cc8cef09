"""An export goes into the book: what is kept, what is refused, and what is said."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from companion.domain.appointments import (
    Appointment,
    AppointmentKind,
    AppointmentStatus,
    ShowAs,
    appointment_id,
)
from companion.domain.errors import NotFound, StoreError
from companion.services.imports.importing import BY_ID
from companion.services.ports import BookChange
from tests.fakes.book_store import ID_KEY, MemoryBook
from tests.samples.exports import PREMIER, allied, csv_bytes, premier, xlsx_bytes
from tests.samples.import_bench import ImportBench, only, wall


@pytest.fixture
def bench(tmp_path: Path) -> ImportBench:
    return ImportBench(tmp_path)


async def test_a_row_of_the_allied_style_becomes_an_appointment(bench: ImportBench) -> None:
    report = await bench.take(csv_bytes([allied(0, Notes="Bring shoes")]))
    assert (report.source, report.added, report.rejected) == ("bp-allied", 1, ())
    assert report.matched_by == BY_ID
    (person,) = report.created
    kept = await only(bench)
    assert kept == Appointment(
        id=appointment_id("bp-allied", "A1000", ID_KEY),
        practitioner_id=person.id,
        kind=AppointmentKind.CLIENT,
        start=wall(2, 9),
        end=wall(2, 9, 15),
        timezone="Australia/Sydney",
        appointment_type="Standard",
        client_id="C0",
        client_first_name="Ottoline",
        client_last_name="Vane0",
        location="Main street",
        notes="Bring shoes",
        source="bp-allied",
        source_id="A1000",
        created=datetime(2026, 2, 19, 21, 0, tzinfo=UTC),
        created_by="Front desk",
        updated=datetime(2026, 2, 19, 21, 0, tzinfo=UTC),
        revision=1,
        changed_at=bench.clock.now(),
    )


async def test_kinds_types_and_show_as_follow_the_allied_rules(bench: ImportBench) -> None:
    rows = [
        allied(0, Type="Meeting", Meeting_Type="Lunch", Recurring="Yes", Client_ID=""),
        allied(1, Type="casual", Status="Out of office"),
        allied(2, Recurring="Yes", Status="something else"),
        allied(3, Cancelled="Y"),
        allied(4, Status="Tentative"),
    ]
    await bench.take(csv_bytes(rows))
    lunch, away, client, gone, perhaps = (await bench.all()).values()
    assert (lunch.kind, lunch.appointment_type) == (AppointmentKind.MEETING, "Lunch")
    assert lunch.in_series
    assert (away.kind, away.show_as) == (AppointmentKind.CASUAL, ShowAs.OUT_OF_OFFICE)
    assert not client.in_series
    assert client.show_as is ShowAs.BUSY
    assert gone.status is AppointmentStatus.CANCELLED
    assert perhaps.show_as is ShowAs.TENTATIVE


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [("2/3/2026", "4/3/2026", 3), ("2/3/2026", "", 1), ("2/3/2026 00:00", "2/3/2026 00:00", 1)],
)
async def test_the_end_of_an_all_day_row_is_its_last_day(
    bench: ImportBench, start: str, end: str, days: int
) -> None:
    await bench.take(csv_bytes([allied(0, All_Day="Yes", Start=start, End=end)]))
    kept = await only(bench)
    assert kept.all_day
    assert (kept.start, kept.end) == (wall(2), wall(2) + timedelta(days=days))


async def test_a_row_of_the_premier_style_has_a_length(bench: ImportBench) -> None:
    rows = [
        premier(0, REASON="Knee", COMMENT="Left one"),
        premier(1, RECORDSTATUS=2),
        premier(2, INTERNALID=0, APPOINTMENTLENGTH="1:30"),
        premier(3, APPOINTMENTTIME=43_200, APPOINTMENTLENGTH=900),
    ]
    report = await bench.take(csv_bytes(rows, PREMIER))
    assert (report.source, report.added) == ("bp-premier", 4)
    knee, deleted, reserved, seconds = (await bench.all("bp-premier")).values()
    assert (knee.start, knee.end) == (wall(2, 9), wall(2, 9, 15))
    assert (knee.kind, knee.appointment_type) == (AppointmentKind.CLIENT, "Long")
    assert knee.notes == "Knee\nLeft one"
    assert deleted.cancelled
    assert reserved.kind is AppointmentKind.CASUAL
    assert reserved.end - reserved.start == timedelta(minutes=90)
    assert (seconds.start, seconds.end) == (wall(2, 12), wall(2, 12, 15))


async def test_csv_and_xlsx_of_the_same_rows_are_the_same_appointments(bench: ImportBench) -> None:
    rows = [allied(n, Appointment_ID=str(7000 + n)) for n in range(3)]
    typed = [
        row
        | {
            "Appointment ID": 7000 + n,
            "Start": wall(2, 9) + timedelta(minutes=15 * n),
            "End": wall(2, 9, 15) + timedelta(minutes=15 * n),
        }
        for n, row in enumerate(rows)
    ]
    await bench.take(csv_bytes(rows))
    report = await bench.take(xlsx_bytes(typed))
    assert (report.unchanged, report.added, report.changed) == (3, 0, 0)


async def test_the_same_file_twice_changes_nothing(bench: ImportBench) -> None:
    content = csv_bytes([allied(n) for n in range(5)])
    await bench.take(content)
    before = await bench.book.revisions()
    report = await bench.take(content)
    assert (report.unchanged, report.added, report.changed, report.removed) == (5, 0, 0, 0)
    assert await bench.book.revisions() == before
    assert len(await bench.book.imports()) == 2


async def test_an_unchanged_file_writes_nothing_at_all(bench: ImportBench) -> None:
    content = csv_bytes([allied(0)])
    await bench.take(content)

    class Sealed(MemoryBook):
        async def apply(self, change: BookChange, now: datetime) -> None:
            if change.put or change.remove:
                raise StoreError
            await super().apply(change, now)

    sealed = Sealed()
    sealed.__dict__.update(bench.book.__dict__)
    bench.book = sealed
    bench.__post_init__()
    assert (await bench.take(content)).unchanged == 1
    with pytest.raises(StoreError):
        await bench.take(csv_bytes([allied(0, Location="Elsewhere")]))


async def test_bad_rows_are_named_and_good_ones_go_in(bench: ImportBench) -> None:
    rows = [
        allied(0, Start="32/13/2026"),
        allied(1),
        allied(2, End="2/3/2026 08:00"),
        allied(3, Practitioner=" "),
        allied(4, Appointment_ID=""),
        allied(5, Type="Party"),
        allied(6, Cancelled="perhaps"),
        allied(7, Appointment_ID="A1001"),
        allied(8, Start="2/3/2026"),
        allied(9, Start=""),
        allied(10, Start="1/1/1066 9:00"),
        allied(11),
    ]
    report = await bench.take(csv_bytes(rows))
    assert report.added == 4, "row 9 has a number of row 3, and is of another client and time"
    assert [(each.row, each.reason) for each in report.rejected] == [
        (2, "Start: “32/13/2026” is not a date (day/month/year is expected)."),
        (4, "End: the end does not come after the start."),
        (5, "Practitioner: the cell is empty."),
        (6, "Appointment ID: the cell is empty."),
        (7, "Type: the text there is none of client, casual, meeting."),
        (10, "Start: “2/3/2026” has no time of day."),
        (11, "Start: the cell is empty."),
        (12, "Start: “1/1/1066 9:00” is in no plausible year."),
    ]


async def test_a_row_whose_cells_have_slipped_is_rejected(bench: ImportBench) -> None:
    content = csv_bytes([allied(0), allied(1)]).replace(b"Ottoline,Vane0", b"Ottoline,Vane0,Jr")
    report = await bench.take(content)
    assert report.added == 1
    assert [each.row for each in report.rejected] == [2]
    assert "separator" in report.rejected[0].reason


async def test_no_reason_repeats_a_name(bench: ImportBench) -> None:
    rows = [allied(0, Start="Ottoline Vane", End="Vane"), allied(1, Start="Vane")]
    report = await bench.take(csv_bytes(rows))
    assert len(report.rejected) == 2
    assert "Vane" not in str(report.rejected)


async def test_a_rejected_first_row_does_not_take_the_id_of_a_good_second(
    bench: ImportBench,
) -> None:
    rows = [allied(0, Start="?"), allied(1, Appointment_ID="A1000")]
    report = await bench.take(csv_bytes(rows))
    assert (report.added, len(report.rejected)) == (1, 1)


async def test_changes_say_only_what_the_file_names(bench: ImportBench) -> None:
    await bench.take(csv_bytes([allied(n) for n in range(3)]))
    report = await bench.take(csv_bytes([allied(1, Location="Room 2"), allied(9)]))
    assert (report.added, report.changed, report.removed) == (1, 1, 0)
    assert len(await bench.all()) == 4


async def test_an_appointment_that_moves_to_another_practitioner_keeps_its_id(
    bench: ImportBench,
) -> None:
    await bench.take(csv_bytes([allied(0)]))
    before = await only(bench)
    report = await bench.take(csv_bytes([allied(0, Practitioner="Bo Sample")]))
    after = await only(bench)
    assert report.changed == 1
    assert after.id == before.id
    assert after.practitioner_id != before.practitioner_id


async def test_times_are_the_practitioners_own_wall_time(bench: ImportBench) -> None:
    await bench.practitioners.add("Dr Ada Example", timezone="Australia/Perth")
    await bench.take(csv_bytes([allied(0)]))
    kept = await only(bench)
    assert (kept.start, kept.timezone) == (wall(2, 9), "Australia/Perth")
    assert kept.created == datetime(2026, 2, 20, 0, 0, tzinfo=UTC)


async def test_times_with_an_offset_become_the_practitioners_wall_time(bench: ImportBench) -> None:
    row = allied(0, Start="2026-03-01T22:00:00Z", End="2026-03-01T22:30:00Z")
    await bench.take(csv_bytes([row]))
    kept = await only(bench)
    assert (kept.start, kept.end) == (wall(2, 9), wall(2, 9, 30))


async def test_an_appointment_across_the_repeated_hour_keeps_its_length(bench: ImportBench) -> None:
    row = allied(0, Start="2026-04-04T15:45:00Z", End="2026-04-04T16:15:00Z")
    await bench.take(csv_bytes([row]))
    kept = await only(bench)
    assert kept.end - kept.start == timedelta(minutes=30)


async def test_an_end_may_be_a_time_of_day_alone(bench: ImportBench) -> None:
    await bench.take(csv_bytes([allied(0, End="9:40 am")]))
    assert (await only(bench)).end == wall(2, 9, 40)


async def test_strange_texts_are_kept_as_texts(bench: ImportBench) -> None:
    note = "=cmd|' /C calc'!A0 <script>x</script>\x00\x1b " + "n" * 10_000
    row = allied(0, Notes=note, Client_Last_Name="+Vane", Location="a\x07b")
    await bench.take(csv_bytes([row], encoding="utf-8").replace(b"\x00", b""))
    kept = await only(bench)
    assert kept.notes == note.replace("\x00", "").replace("\x1b", "")
    assert (kept.client_last_name, kept.location) == ("+Vane", "ab")


async def test_unreadable_helpers_do_not_cost_the_row(bench: ImportBench) -> None:
    await bench.take(csv_bytes([allied(0, Created="whenever", Updated="0001-01-01")]))
    kept = await only(bench)
    assert (kept.created, kept.updated) == (None, None)


async def test_a_dry_run_changes_nothing(bench: ImportBench) -> None:
    shown = await bench.preview(csv_bytes([allied(0), allied(1, Start="?")]))
    assert (shown.added, len(shown.rejected), shown.layout) == (1, 1, "Bp Allied style")
    assert [(each.action, each.start) for each in shown.samples] == [("add", wall(2, 9))]
    assert await bench.book.count() == 0
    assert not bench.settings.read().practitioners
    assert await bench.activity.recent() == []


async def test_a_preview_says_whose_each_appointment_is(bench: ImportBench) -> None:
    shown = await bench.preview(csv_bytes([allied(n) for n in range(2)]))
    assert [(each.practitioner, each.client, each.what) for each in shown.samples] == [
        ("Ada Example", "Ottoline Vane0", "Standard"),
        ("Ada Example", "Ottoline Vane1", "Standard"),
    ]


async def test_the_activity_says_counts_and_nothing_of_the_file(bench: ImportBench) -> None:
    path = bench.file(csv_bytes([allied(0), allied(1, End="")]), "Vane Ottoline.csv")
    await bench.importing.apply(await bench.importing.preview(path), cause="Robin")
    (line,) = await bench.activity.recent()
    assert (line.kind, line.cause, line.count) == ("import", "Robin", 1)
    assert line.text == (
        "Import from bp-allied: 1 added, 0 changed, 0 removed, 0 unchanged, 1 rejected."
    )


async def test_an_import_is_kept_with_its_counts(bench: ImportBench) -> None:
    await bench.take(csv_bytes([allied(0), allied(1, End="")]))
    (record,) = await bench.book.imports()
    assert (record.source, record.file_name) == ("bp-allied", "export.csv")
    assert (record.added, record.rejected, record.at) == (1, 1, bench.clock.now())


async def test_a_book_that_changed_since_the_preview_is_looked_at_again(bench: ImportBench) -> None:
    content = csv_bytes([allied(0), allied(1)])
    shown = await bench.preview(content)
    await bench.take(csv_bytes([allied(0)]))
    report = await bench.importing.apply(shown)
    assert (report.added, report.unchanged) == (1, 1)


# ── names ─────────────────────────────────────────────────────────────────────────────────────


async def test_the_command_creates_new_names_in_the_practices_zone(bench: ImportBench) -> None:
    rows = [allied(0), allied(1, Practitioner="Bo Sample"), allied(2, Practitioner="bo  sample")]
    report = await bench.take(csv_bytes(rows))
    assert [each.name for each in report.created] == ["Ada Example", "Bo Sample"]
    assert {each.timezone for each in report.created} == {"Australia/Sydney"}
    assert (await bench.take(csv_bytes(rows))).created == ()


async def test_a_rejected_row_creates_nobody(bench: ImportBench) -> None:
    rows = [allied(0), allied(1, Practitioner="Nobody Yet", Start="?")]
    report = await bench.take(csv_bytes(rows))
    assert [each.name for each in report.created] == ["Ada Example"]


async def test_a_typo_is_shown_with_the_person_it_may_mean(bench: ImportBench) -> None:
    known = await bench.practitioners.add("Dr Ada Example")
    shown = await bench.preview(csv_bytes([allied(0, Practitioner="Dr Ada Exmaple"), allied(1)]))
    (name,) = shown.new_names
    assert (name.name, name.rows) == ("Dr Ada Exmaple", 1)
    assert (name.suggestion, name.suggestion_name) == (known.id, "Dr Ada Example")


async def test_a_name_given_to_a_known_person_is_kept_as_an_alias(bench: ImportBench) -> None:
    known = await bench.practitioners.add("Dr Ada Example")
    content = csv_bytes([allied(0, Practitioner="Ada E.")])
    shown = await bench.preview(content)
    chosen: dict[str, str | None] = {"Ada E.": known.id}
    again = await bench.importing.reconsider(shown, chosen)
    assert again.samples[0].practitioner == "Dr Ada Example"
    report = await bench.importing.apply(shown, assignments=chosen)
    assert report.created == ()
    assert (await only(bench)).practitioner_id == known.id
    assert bench.settings.read().practitioner("ada e.").practitioner.id == known.id
    assert (await bench.take(content)).unchanged == 1


async def test_a_name_given_to_someone_who_is_gone_is_refused(bench: ImportBench) -> None:
    shown = await bench.preview(csv_bytes([allied(0)]))
    with pytest.raises(NotFound):
        await bench.importing.apply(shown, assignments={"Dr Ada Example": "nobody"})
    assert await bench.book.count() == 0


async def test_names_are_kept_as_the_settings_keep_them(bench: ImportBench) -> None:
    content = csv_bytes([allied(0, Practitioner="Dr\u00a0Ada \u200eExample\u202e")])
    await bench.take(content)
    assert (await bench.take(content)).created == ()
    assert len(bench.settings.read().practitioners) == 1
