"""Cliniko as a source, against the simulated one: what a fetch brings, costs and says of errors."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from companion.adapters.sources.cliniko import ClinikoSource
from companion.domain.errors import BadInput
from companion.sandbox.cliniko.sample import fill
from companion.sandbox.cliniko.service import KEY
from tests.fakes.cliniko import (
    FIELDS,
    START,
    Clinic,
    Row,
    by_id,
    is_gone,
)

# ── what is typed ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("key", "shard"),
    [(KEY, "au1"), (f" {KEY} ", "au1"), ("MS0xLWl4SzYYYY-uk12", "uk12"), ("MS0xLWl4SzYYYY", "au1")],
)
def test_a_key_says_where_its_account_lives(key: str, shard: str) -> None:
    place = ClinikoSource().check(FIELDS, key)
    assert place.place == f"Cliniko ({shard})"
    assert key.strip() not in repr(place.place)
    assert place.secret == key.strip()


@pytest.mark.parametrize(
    ("fields", "key", "field"),
    [
        (FIELDS, "", "secret"),
        (FIELDS, "a key with spaces", "secret"),
        (FIELDS, "https://evil.example/-au1", "secret"),
        (FIELDS, "MS0xLWl4SzYYYY-au1@evil.example", "secret"),
        ({"contact": "somebody"}, KEY, "contact"),
        ({"contact": "a@b.example\r\nX: 1"}, KEY, "contact"),
        ({"contact": "a@b.example", "days_back": "9999"}, KEY, "days_back"),
        ({"contact": "a@b.example", "days_back": "some"}, KEY, "days_back"),
    ],
)
def test_what_cannot_be_used_is_said_of_its_field(
    fields: dict[str, str], key: str, field: str
) -> None:
    with pytest.raises(BadInput) as refused:
        ClinikoSource().check(fields, key)
    assert refused.value.field == field
    assert not key or key not in f"{refused.value} {refused.value.remedy}"


# ── everything ────────────────────────────────────────────────────────────────────────────────


def test_the_first_fetch_brings_everything_with_its_names(there: Clinic, tmp_path: Path) -> None:
    kept = there.book(notes="Bring the scan")
    cancelled, missed, deleted, old = (there.book(days=each) for each in (2, -1, 4, -40))
    there.account.cancel(cancelled)
    there.account.edit(there.account.bookings, missed, did_not_arrive=True)
    there.account.delete(there.account.bookings, deleted)
    answer, rows = there.fetch(tmp_path)
    found = by_id(rows)
    assert answer.whole
    assert answer.cursor
    assert set(found) == {str(kept), str(cancelled), str(missed)}
    assert str(old) not in found
    row = found[str(kept)]
    assert (row["practitioner"], row["business"], row["appointment_type"]) == (
        "Jo Smith", "Bondi", "Follow-up",
    )  # fmt: skip
    assert (row["patient_name"], row["patient_id"]) == ("Mira Halloway", str(there.mira))
    assert (row["starts_at"], row["ends_at"]) == (
        "2026-12-02 12:00:00+11:00",
        "2026-12-02 12:45:00+11:00",
    )
    assert row["notes"] == "Bring the scan"
    assert [is_gone(found[str(each)]) for each in (kept, cancelled, missed)] == [False, True, True]
    assert "telehealth" not in (tmp_path / "rows.csv").read_text("utf-8")


def test_many_pages_are_one_whole(there: Clinic, tmp_path: Path) -> None:
    fill(there.account, 1_234, first=START)
    seen: list[tuple[int, int | None]] = []
    answer, rows = there.fetch(tmp_path, on_progress=lambda done, of: seen.append((done, of)))
    assert answer.whole
    assert len(by_id(rows)) == 1_234
    assert seen[-1] == (1_234, 1_234)
    assert len(seen) == 13


def test_practitioners_who_left_and_archived_types_keep_their_names(
    there: Clinic, tmp_path: Path
) -> None:
    gone = there.account.add_practitioner("Anh", "Nguyen", active=False)
    there.account.book(gone, there.mira, START, kind_of=there.consultation, business=there.place)
    there.account.delete(there.account.appointment_types, there.consultation)
    _answer, rows = there.fetch(tmp_path)
    assert (rows[0]["practitioner"], rows[0]["appointment_type"]) == ("Anh Nguyen", "Follow-up")


@pytest.mark.parametrize(
    ("zone", "start"),
    [
        ("Australia/Perth", "2026-12-02 09:00:00+08:00"),
        (None, "2026-12-02 12:00:00+11:00"),
        ("Mars/Olympus", "2026-12-02 12:00:00+11:00"),
    ],
)
def test_times_are_those_of_the_place_or_of_the_practice(
    there: Clinic, tmp_path: Path, zone: str | None, start: str
) -> None:
    there.account.edit(there.account.businesses, there.place, time_zone_identifier=zone)
    there.book()
    _answer, rows = there.fetch(tmp_path)
    assert rows[0]["starts_at"] == start


def test_two_practitioners_of_one_name_are_told_apart(there: Clinic, tmp_path: Path) -> None:
    other = there.account.add_practitioner("Jo", "Smith")
    there.book()
    there.account.book(other, there.mira, START, kind_of=there.consultation, business=there.place)
    _answer, rows = there.fetch(tmp_path)
    names = {row["practitioner"] for row in rows}
    assert names == {f"Jo Smith {str(each)[-4:]}" for each in (there.practitioner, other)}


def test_a_booking_that_goes_while_pages_are_read_is_noticed(there: Clinic, tmp_path: Path) -> None:
    fill(there.account, 250, first=START)
    first = next(iter(there.account.bookings))
    requests: list[str] = []

    def one_goes(request: Any) -> None:
        requests.append(request.query)
        if "page=2" in request.query and first in there.account.bookings:
            there.account.forget(first)

    there.service.observers.append(one_goes)
    answer, rows = there.fetch(tmp_path)
    assert answer.whole
    assert len(by_id(rows)) == 249
    assert sum("page=2" in each for each in requests) == 2


def test_a_try_brings_the_next_few_only(there: Clinic, tmp_path: Path) -> None:
    fill(there.account, 300, first=START + timedelta(days=1))
    there.book(days=0.5)
    answer, rows = there.fetch(tmp_path, most=10)
    assert not answer.whole
    assert not answer.cursor
    assert len(rows) == 10
    assert rows[0]["patient_name"] == "Mira Halloway"


# ── groups and unavailable time ───────────────────────────────────────────────────────────────


def coming(rows: list[Row], booking: int) -> list[str]:
    return [
        row["patient_first_name"] or "(nobody)"
        for row in rows
        if row["id"] == str(booking) and not is_gone(row)
    ]


def test_a_group_has_a_row_for_each_client(there: Clinic, tmp_path: Path) -> None:
    full, empty = there.group(there.mira, there.otto), there.group(days=3)
    _answer, rows = there.fetch(tmp_path)
    assert coming(rows, full) == ["Mira", "Otto"]
    assert coming(rows, empty) == ["(nobody)"]
    assert {row["kind"] for row in rows} == {"client"}


def test_who_leaves_a_group_and_joins_again_is_there_once(there: Clinic, tmp_path: Path) -> None:
    group = there.group(there.mira, there.otto)
    first, second = there.account.attendees_of(group)
    there.account.cancel_attendee(first.id)
    there.account.delete(there.account.attendees, second.id)
    _answer, rows = there.fetch(tmp_path)
    assert coming(rows, group) == ["(nobody)"]
    there.account.attend(group, there.mira)
    _answer, rows = there.fetch(tmp_path)
    assert coming(rows, group) == ["Mira"]
    assert len([row for row in rows if row["patient_first_name"] == "Mira"]) == 1


def test_without_the_right_to_see_clients_a_group_is_numbers(there: Clinic, tmp_path: Path) -> None:
    there.service.policy.patients = False
    group = there.group(there.mira, there.otto)
    _answer, rows = there.fetch(tmp_path)
    assert coming(rows, group) == ["(nobody)", "(nobody)"]
    assert [row["patient_id"] for row in rows if not is_gone(row)] == [
        str(there.mira), str(there.otto),
    ]  # fmt: skip


def test_unavailable_time_is_a_reservation(there: Clinic, tmp_path: Path) -> None:
    account = there.account
    lunch = account.block(there.practitioner, START, business=there.place, notes="Lunch")
    midnight = datetime(2026, 12, 3, 13, 0, tzinfo=UTC)
    leave = account.block(
        there.practitioner, midnight, business=there.place, minutes=2 * 1440,
        kind_of=account.add_block_type("Annual leave"),
    )  # fmt: skip
    _answer, rows = there.fetch(tmp_path)
    found = by_id(rows)
    short, days = found[str(lunch)], found[str(leave)]
    assert (short["kind"], short["appointment_type"], short["notes"], short["all_day"]) == (
        "casual", "Unavailable", "Lunch", "",
    )  # fmt: skip
    assert (days["all_day"], days["starts_at"], days["ends_at"], days["appointment_type"]) == (
        "true", "2026-12-04", "2026-12-06", "Annual leave",
    )  # fmt: skip


# ── what changed ──────────────────────────────────────────────────────────────────────────────


def test_an_unchanged_account_costs_one_request(there: Clinic, tmp_path: Path) -> None:
    there.book()
    there.after(minutes=1)
    answer, _rows = there.fetch(tmp_path)
    there.after(minutes=1)
    for _time in range(3):
        before = there.service.requests
        answer, rows = there.fetch(tmp_path, answer.cursor)
        assert (answer.file, rows) == (None, [])
        assert there.service.requests == before + 1
        there.after(minutes=5)


def test_a_change_brings_what_changed_and_no_names_anew(there: Clinic, tmp_path: Path) -> None:
    moved, cancelled, deleted, stays = (there.book(days=each) for each in (1, 2, 3, 4))
    there.after(minutes=1)
    answer, _rows = there.fetch(tmp_path)
    there.after(minutes=30)
    there.account.move(moved, START + timedelta(days=5))
    there.account.cancel(cancelled)
    there.account.delete(there.account.bookings, deleted)
    new = there.book(days=6)
    before = there.service.requests
    answer, rows = there.fetch(tmp_path, answer.cursor)
    assert there.service.requests == before + 1
    assert not answer.whole
    found = by_id(rows)
    assert set(found) == {str(each) for each in (moved, cancelled, deleted, new)}
    assert str(stays) not in found
    assert {number for number, row in found.items() if is_gone(row)} == {
        str(cancelled), str(deleted),
    }  # fmt: skip
    assert found[str(moved)]["starts_at"] == "2026-12-06 12:00:00+11:00"


def test_what_becomes_visible_late_is_found(there: Clinic, tmp_path: Path) -> None:
    answer, _rows = there.fetch(tmp_path)
    there.after(minutes=10)
    answer, _rows = there.fetch(tmp_path, answer.cursor)
    late = there.book()  # dated three minutes before the fetch that could not see it
    there.account.bookings[late].updated_at -= timedelta(minutes=3)
    there.account.version += 1
    there.after(minutes=1)
    _answer, rows = there.fetch(tmp_path, answer.cursor)
    assert set(by_id(rows)) == {str(late)}


def test_a_second_change_within_the_second_of_the_fetch_is_found(
    there: Clinic, tmp_path: Path
) -> None:
    booking = there.book()
    answer, _rows = there.fetch(tmp_path)
    there.account.move(booking, START + timedelta(days=8))
    there.after(minutes=1)
    _answer, rows = there.fetch(tmp_path, answer.cursor)
    assert by_id(rows)[str(booking)]["starts_at"] == "2026-12-09 12:00:00+11:00"


def test_clients_of_a_group_change_without_their_booking(there: Clinic, tmp_path: Path) -> None:
    group = there.group(there.mira)
    answer, _rows = there.fetch(tmp_path)
    there.after(minutes=30)
    there.account.attend(group, there.otto)
    answer, rows = there.fetch(tmp_path, answer.cursor)
    assert coming(rows, group) == ["Mira", "Otto"]
    there.after(minutes=30)
    there.account.cancel_attendee(there.account.attendees_of(group)[0].id)
    _answer, rows = there.fetch(tmp_path, answer.cursor)
    assert coming(rows, group) == ["Otto"]


def test_the_first_group_of_an_account_is_followed(there: Clinic, tmp_path: Path) -> None:
    answer, _rows = there.fetch(tmp_path)
    there.after(minutes=30)
    group = there.group(there.mira)
    answer, rows = there.fetch(tmp_path, answer.cursor)
    assert coming(rows, group) == ["Mira"]
    there.after(minutes=30)
    there.account.attend(group, there.otto)
    _answer, rows = there.fetch(tmp_path, answer.cursor)
    assert coming(rows, group) == ["Mira", "Otto"]


def test_deleted_ones_of_an_older_account_are_found_in_their_list(
    there: Clinic, tmp_path: Path
) -> None:
    there.account.deletes_apart = True
    deleted, stays = there.book(days=1), there.book(days=2)
    block = there.account.block(there.practitioner, START, business=there.place)
    there.after(minutes=1)
    answer, _rows = there.fetch(tmp_path)
    there.after(minutes=30)
    there.account.delete(there.account.bookings, deleted)
    there.account.delete(there.account.bookings, block)
    there.after(minutes=1)
    answer, rows = there.fetch(tmp_path, answer.cursor)
    assert {row["id"] for row in rows if is_gone(row)} == {str(deleted), str(block)}
    assert str(stays) not in by_id(rows)
    there.after(minutes=1)
    answer, rows = there.fetch(tmp_path, answer.cursor)
    assert answer.file is None


def test_a_cursor_of_another_version_fetches_everything(there: Clinic, tmp_path: Path) -> None:
    booking = there.book()
    for cursor in ("{}", "[]", json.dumps({"since": "x", "colour": 1}), "2026"):
        answer, rows = there.fetch(tmp_path, cursor)
        assert answer.whole
        assert set(by_id(rows)) == {str(booking)}
