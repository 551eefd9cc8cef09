"""The simulated Google's events, through Google's own client: ids, tombstones, ETags, sequence."""

from typing import Any

import pytest

from companion.sandbox.server import SimulatedHandle
from tests.fakes.simulator import SYDNEY, Client, appointment, refused


@pytest.mark.parametrize("event_id", ["abcd", "wxyz1", "ABCDE", "abc-de", "a" * 1025, ""])
def test_an_id_outside_base32hex_or_of_wrong_length_is_refused(
    client: Client, event_id: str
) -> None:
    assert refused(lambda: client.insert(appointment(event_id))) == (400, "invalid")


def test_shortest_and_longest_ids_are_taken(client: Client) -> None:
    for event_id in ("0v9a1", "v" * 1024):
        assert client.insert(appointment(event_id))["id"] == event_id


def test_an_event_without_an_id_gets_a_valid_one_of_its_own(client: Client) -> None:
    first, second = client.insert(appointment()), client.insert(appointment())
    assert first["id"] != second["id"]
    assert set(first["id"]) <= set("0123456789abcdefghijklmnopqrstuv")


def test_a_repeated_insert_answers_409(client: Client) -> None:
    client.insert(appointment("abcde"))
    assert refused(lambda: client.insert(appointment("abcde"))) == (409, "duplicate")


def test_a_deleted_event_keeps_its_id_occupied_and_a_second_delete_answers_410(
    client: Client,
) -> None:
    client.insert(appointment("abcde"))
    delete = client.events.delete(calendarId="primary", eventId="abcde")
    assert delete.execute() == ""
    assert refused(delete.execute) == (410, "deleted")
    assert refused(lambda: client.insert(appointment("abcde"))) == (409, "duplicate")
    tombstone = client.events.get(calendarId="primary", eventId="abcde").execute()
    assert tombstone["status"] == "cancelled"


def test_a_purged_tombstone_frees_its_id(handle: SimulatedHandle, client: Client) -> None:
    client.insert(appointment("abcde"))
    client.events.delete(calendarId="primary", eventId="abcde").execute()
    with handle.lock:
        calendar = handle.google.calendars["zoe@example.com"]
        assert calendar.purge_tombstones() == 1
    assert client.insert(appointment("abcde"))["status"] == "confirmed"


def test_deleting_or_reading_an_unknown_event_answers_404(client: Client) -> None:
    for call in (client.events.delete, client.events.get):
        assert refused(call(calendarId="primary", eventId="nothere").execute) == (404, "notFound")


def test_revival_is_allowed_or_refused_by_switch(handle: SimulatedHandle, client: Client) -> None:
    client.insert(appointment("abcde"))
    client.events.delete(calendarId="primary", eventId="abcde").execute()
    tombstone = client.events.get(calendarId="primary", eventId="abcde").execute()
    body = appointment(status="confirmed", sequence=tombstone["sequence"])
    revive = client.events.update(calendarId="primary", eventId="abcde", body=body)
    handle.google.policy.revival = "refuse"
    assert refused(revive.execute) == (403, "forbidden")
    handle.google.policy.revival = "allow"
    assert revive.execute()["status"] == "confirmed"


def test_every_write_changes_the_etag_and_a_stale_one_answers_412(client: Client) -> None:
    first = client.insert(appointment("abcde"))
    patch = client.events.patch(calendarId="primary", eventId="abcde", body={"summary": "Moved"})
    second = patch.execute()
    assert first["etag"] != second["etag"]
    for call in (
        client.events.update(calendarId="primary", eventId="abcde", body=appointment()),
        client.events.patch(calendarId="primary", eventId="abcde", body={"summary": "No"}),
        client.events.delete(calendarId="primary", eventId="abcde"),
    ):
        call.headers["If-Match"] = first["etag"]
        assert refused(call.execute) == (412, "conditionNotMet")
    delete = client.events.delete(calendarId="primary", eventId="abcde")
    delete.headers["If-Match"] = second["etag"]
    delete.execute()


def test_a_moved_event_takes_the_next_sequence_and_an_update_below_it_is_refused(
    client: Client,
) -> None:
    stored = client.insert(appointment("abcde"))
    assert stored["sequence"] == 0
    later = appointment(hour=11, sequence=0)
    moved = client.events.update(calendarId="primary", eventId="abcde", body=later).execute()
    assert moved["sequence"] == 1
    for body in (appointment(hour=12, sequence=0), appointment(hour=12)):
        update = client.events.update(calendarId="primary", eventId="abcde", body=body)
        assert refused(update.execute) == (400, "invalid")
    same = appointment(hour=11, sequence=1, summary="New title")
    kept = client.events.update(calendarId="primary", eventId="abcde", body=same).execute()
    assert kept["sequence"] == 1


def test_an_update_replaces_everything_and_a_patch_keeps_what_it_does_not_name(
    client: Client,
) -> None:
    private = {"private": {"companion": "1", "old": "x"}}
    client.insert(appointment("abcde", colorId="5", location="Room 1", extendedProperties=private))
    change = {"summary": "Moved", "extendedProperties": {"private": {"old": None, "new": "y"}}}
    patched = client.events.patch(calendarId="primary", eventId="abcde", body=change).execute()
    assert (patched["colorId"], patched["location"]) == ("5", "Room 1")
    assert patched["extendedProperties"]["private"] == {"companion": "1", "new": "y"}
    update = client.events.update(calendarId="primary", eventId="abcde", body=appointment())
    assert not {"colorId", "location", "extendedProperties"} & update.execute().keys()


def test_times_come_back_with_the_calendars_offset_and_the_zone_that_was_sent(
    client: Client,
) -> None:
    body = appointment("abcde")
    body["start"] = {"dateTime": "2026-07-01T00:00:00Z", "timeZone": "Europe/Berlin"}
    body["end"] = {"dateTime": "2026-07-01T00:30:00.250Z"}
    stored = client.insert(body)
    assert stored["start"] == {
        "dateTime": "2026-07-01T10:00:00+10:00",
        "timeZone": "Europe/Berlin",
    }
    assert stored["end"] == {"dateTime": "2026-07-01T10:30:00+10:00", "timeZone": SYDNEY}
    berlin = client.events.get(calendarId="primary", eventId="abcde", timeZone="Europe/Berlin")
    assert berlin.execute()["start"]["dateTime"] == "2026-07-01T02:00:00+02:00"


def test_texts_are_normalised_but_html_and_emoji_stay(client: Client) -> None:
    stored = client.insert(
        appointment(
            "abcde",
            summary="  Zoë 🧘 \u202eאבג ",
            description="<b>bold</b>\r\nsecond\x07 line ",
            location="",
            transparency="opaque",
            visibility="private",
        )
    )
    assert stored["summary"] == "Zoë 🧘 \u202eאבג"
    assert stored["description"] == "<b>bold</b>\nsecond line "
    assert "location" not in stored
    assert "transparency" not in stored
    assert stored["visibility"] == "private"


def test_long_property_keys_vanish_and_long_values_are_cut(client: Client) -> None:
    private = {"k" * 44: "v" * 2000, "k" * 45: "gone"}
    stored = client.insert(appointment(extendedProperties={"private": private}))
    assert stored["extendedProperties"]["private"] == {"k" * 44: "v" * 1024}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"start": {"dateTime": "2026-03-03T12:00:00", "timeZone": SYDNEY}}, "timeRangeEmpty"),
        ({"start": None}, "required"),
        ({"start": {"dateTime": "2026-03-03T09:00:00"}}, "required"),
        ({"start": {"dateTime": "2026-03-03T09:00:00", "timeZone": "Mars/Base"}}, "invalid"),
        ({"start": {"dateTime": "soon", "timeZone": SYDNEY}}, "invalid"),
        ({"start": {"date": "2026-03-03"}}, "invalid"),
        ({"start": {"date": "2026-03-03", "dateTime": "2026-03-03T09:00:00Z"}}, "invalid"),
        ({"colorId": "12"}, "invalid"),
        ({"status": "maybe"}, "invalid"),
        ({"recurrence": ["RRULE:FREQ=SOMETIMES"]}, "invalid"),
        (
            {"reminders": {"useDefault": True, "overrides": [{"method": "popup", "minutes": 5}]}},
            "cannotUseDefaultRemindersAndSpecifyOverride",
        ),
        ({"reminders": {"overrides": [{"method": "popup", "minutes": 40_321}]}}, "invalid"),
    ],
)
def test_a_wrong_field_is_refused_and_nothing_is_stored(
    handle: SimulatedHandle, client: Client, changes: dict[str, Any], reason: str
) -> None:
    assert refused(lambda: client.insert(appointment("abcde") | changes)) == (400, reason)
    assert handle.google.events("zoe@example.com", deleted=True) == []


def test_an_all_day_event_keeps_its_dates_and_its_exclusive_end(client: Client) -> None:
    days = {"start": {"date": "2026-04-05"}, "end": {"date": "2026-04-07"}}
    stored = client.insert(appointment() | days)
    assert (stored["start"], stored["end"]) == (days["start"], days["end"])


def test_turning_an_all_day_event_into_a_timed_one_needs_the_date_removed(client: Client) -> None:
    days = {"start": {"date": "2026-04-05"}, "end": {"date": "2026-04-06"}}
    client.insert(appointment("abcde") | days)
    times = {key: appointment()[key] for key in ("start", "end")}
    patch = client.events.patch(calendarId="primary", eventId="abcde", body=times)
    assert refused(patch.execute) == (400, "invalid")
    cleared = {key: value | {"date": None} for key, value in times.items()}
    patch = client.events.patch(calendarId="primary", eventId="abcde", body=cleared)
    assert patch.execute()["start"]["dateTime"] == "2026-03-03T09:00:00+11:00"


def test_fields_selects_parts_of_the_answer(client: Client) -> None:
    client.insert(appointment("abcde", extendedProperties={"private": {"a": "1", "b": "2"}}))
    listed = client.events.list(
        calendarId="primary", fields="items(id,start/dateTime,extendedProperties/private/a)"
    ).execute()
    assert listed == {
        "items": [
            {
                "id": "abcde",
                "start": {"dateTime": "2026-03-03T09:00:00+11:00"},
                "extendedProperties": {"private": {"a": "1"}},
            }
        ]
    }
