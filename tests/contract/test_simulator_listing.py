"""The simulated Google's lists: pages, filters, sync tokens, recurring events."""

from datetime import date, timedelta
from typing import Any

import pytest
from googleapiclient.errors import HttpError

from companion.sandbox.server import SimulatedHandle
from tests.fakes.simulator import (
    ZOE,
    Client,
    appointment,
    refusal,
    refused,
)


def fill(handle: SimulatedHandle, number: int) -> None:
    """Events of one day each, put there without the network."""
    first = date(2026, 1, 1)
    with handle.lock:
        for index in range(number):
            day = (first + timedelta(days=index % 300)).isoformat()
            handle.google.calendars[ZOE].insert(appointment(f"abc{index:05d}", day=day), ZOE)


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for item in items]


def test_a_page_holds_250_by_default_and_2500_at_most(
    handle: SimulatedHandle, client: Client
) -> None:
    fill(handle, 2_600)
    first = client.events.list(calendarId="primary").execute()
    assert (len(first["items"]), "nextSyncToken" in first) == (250, False)
    most = client.events.list(calendarId="primary", maxResults=9_999).execute()
    assert len(most["items"]) == 2_500
    last = client.events.list(
        calendarId="primary", maxResults=9_999, pageToken=most["nextPageToken"]
    ).execute()
    assert (len(last["items"]), "nextPageToken" in last) == (100, False)
    assert last["nextSyncToken"]
    every = client.every(client.events.list(calendarId="primary", maxResults=1_000))
    assert len(set(ids(every))) == 2_600


def test_deleting_between_pages_neither_skips_nor_repeats_an_event(
    handle: SimulatedHandle, client: Client
) -> None:
    fill(handle, 30)
    first = client.events.list(calendarId="primary", maxResults=10).execute()
    client.events.delete(calendarId="primary", eventId="abc00003").execute()
    rest = client.every(
        client.events.list(calendarId="primary", maxResults=10, pageToken=first["nextPageToken"])
    )
    assert ids(first["items"] + rest) == [f"abc{index:05d}" for index in range(30)]


def test_the_answer_carries_what_a_client_needs(client: Client) -> None:
    listed = client.events.list(calendarId="primary").execute()
    assert listed["kind"] == "calendar#events"
    assert listed["timeZone"] == "Australia/Sydney"
    assert {"etag", "updated", "items", "summary", "accessRole"} <= listed.keys()


def test_time_bounds_are_exclusive_and_apply_to_end_and_start(client: Client) -> None:
    client.insert(appointment("abcde", hour=9))

    def found(low: str, high: str) -> bool:
        listed = client.events.list(
            calendarId="primary",
            timeMin=f"2026-03-03T{low}:00+11:00",
            timeMax=f"2026-03-03T{high}:00+11:00",
        )
        return bool(listed.execute()["items"])

    assert found("09:59", "11:00")
    assert not found("10:00", "11:00")
    assert found("08:00", "09:01")
    assert not found("08:00", "09:00")
    with pytest.raises(HttpError) as caught:
        found("10:00", "10:00")
    assert refusal(caught.value) == (400, "timeRangeEmpty")


def test_a_bound_without_an_offset_is_refused(client: Client) -> None:
    listed = client.events.list(calendarId="primary", timeMin="2026-03-03T09:00:00")
    assert refused(listed.execute) == (400, "badRequest")


def test_private_properties_are_joined_by_and(client: Client) -> None:
    for event_id, private in (
        ("aaaaa", {"install": "1", "practitioner": "7"}),
        ("bbbbb", {"install": "1", "practitioner": "8"}),
        ("ccccc", {}),
    ):
        client.insert(appointment(event_id, extendedProperties={"private": private}))
    listed = client.events.list(calendarId="primary", privateExtendedProperty="install=1")
    assert ids(listed.execute()["items"]) == ["aaaaa", "bbbbb"]
    both = ["install=1", "practitioner=8"]
    listed = client.events.list(calendarId="primary", privateExtendedProperty=both)
    assert ids(listed.execute()["items"]) == ["bbbbb"]


def test_deleted_events_are_listed_only_on_request(client: Client) -> None:
    client.insert(appointment("abcde"))
    client.events.delete(calendarId="primary", eventId="abcde").execute()
    assert client.events.list(calendarId="primary").execute()["items"] == []
    shown = client.events.list(calendarId="primary", showDeleted=True).execute()["items"]
    assert [(item["id"], item["status"]) for item in shown] == [("abcde", "cancelled")]


def test_a_sync_token_brings_changes_and_deletions_since_it_was_given(client: Client) -> None:
    for event_id in ("aaaaa", "bbbbb", "ccccc"):
        client.insert(appointment(event_id))
    token = client.events.list(calendarId="primary").execute()["nextSyncToken"]
    quiet = client.events.list(calendarId="primary", syncToken=token).execute()
    assert quiet["items"] == []
    client.events.delete(calendarId="primary", eventId="aaaaa").execute()
    client.events.patch(calendarId="primary", eventId="bbbbb", body={"summary": "New"}).execute()
    changed = client.events.list(calendarId="primary", syncToken=token).execute()
    statuses = {item["id"]: item["status"] for item in changed["items"]}
    assert statuses == {"aaaaa": "cancelled", "bbbbb": "confirmed"}
    after = client.events.list(calendarId="primary", syncToken=changed["nextSyncToken"]).execute()
    assert after["items"] == []


def test_a_change_between_two_pages_comes_with_the_next_sync_token(
    handle: SimulatedHandle, client: Client
) -> None:
    fill(handle, 20)
    first = client.events.list(calendarId="primary", maxResults=15).execute()
    client.events.patch(calendarId="primary", eventId="abc00001", body={"summary": "x"}).execute()
    last = client.events.list(
        calendarId="primary", maxResults=15, pageToken=first["nextPageToken"]
    ).execute()
    changed = client.events.list(calendarId="primary", syncToken=last["nextSyncToken"]).execute()
    assert ids(changed["items"]) == ["abc00001"]


def test_an_expired_sync_token_answers_410(handle: SimulatedHandle, client: Client) -> None:
    token = client.events.list(calendarId="primary").execute()["nextSyncToken"]
    with handle.lock:
        handle.google.calendars[ZOE].expire_sync_tokens()
    listed = client.events.list(calendarId="primary", syncToken=token)
    assert refused(listed.execute) == (410, "fullSyncRequired")


@pytest.mark.parametrize(
    "filters",
    [
        {"timeMin": "2026-03-03T09:00:00Z"},
        {"timeMax": "2026-03-03T09:00:00Z"},
        {"q": "x"},
        {"orderBy": "updated"},
        {"updatedMin": "2026-03-03T09:00:00Z"},
        {"iCalUID": "x"},
        {"privateExtendedProperty": "a=b"},
        {"sharedExtendedProperty": "a=b"},
        {"showDeleted": False},
    ],
)
def test_a_sync_token_excludes_filters(client: Client, filters: dict[str, Any]) -> None:
    token = client.events.list(calendarId="primary").execute()["nextSyncToken"]
    listed = client.events.list(calendarId="primary", syncToken=token, **filters)
    assert refused(listed.execute) == (400, "badRequest")


def test_words_uid_order_and_last_change_are_served(
    handle: SimulatedHandle, client: Client
) -> None:
    client.insert(appointment("aaaaa", hour=15, summary="Physio follow-up"))
    client.insert(appointment("bbbbb", hour=9, location="Physio room"))
    client.insert(appointment("ccccc", hour=7))
    found = client.events.list(
        calendarId="primary", q="PHYSIO", singleEvents=True, orderBy="startTime"
    )
    assert ids(found.execute()["items"]) == ["bbbbb", "aaaaa"]
    by_uid = client.events.list(calendarId="primary", iCalUID="ccccc@google.com")
    assert ids(by_uid.execute()["items"]) == ["ccccc"]
    handle.api.clock.advance(timedelta(hours=1))
    client.events.patch(calendarId="primary", eventId="aaaaa", body={"colorId": "3"}).execute()
    last = client.events.list(calendarId="primary", orderBy="updated").execute()["items"]
    assert ids(last)[-1] == "aaaaa"
    recent = client.events.list(calendarId="primary", updatedMin=last[-1]["updated"]).execute()
    assert ids(recent["items"]) == ["aaaaa"]


# Recurring events

LUNCH: dict[str, Any] = {"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=6"]}


def instances(client: Client, **parameters: Any) -> list[dict[str, Any]]:
    listed = client.events.instances(calendarId="primary", eventId="aaaaa", **parameters)
    found: list[dict[str, Any]] = listed.execute()["items"]
    return found


def test_instances_carry_the_original_start_in_utc_and_keep_wall_time_across_dst(
    client: Client,
) -> None:
    client.insert(appointment("aaaaa", day="2026-03-24", hour=12, **LUNCH))
    found = instances(client)
    assert ids(found)[1:3] == ["aaaaa_20260331T010000Z", "aaaaa_20260407T020000Z"]
    assert {item["start"]["dateTime"][11:16] for item in found} == {"12:00"}
    assert {item["recurringEventId"] for item in found} == {"aaaaa"}


def test_an_all_day_series_has_dates_in_its_instance_ids(client: Client) -> None:
    days = {"start": {"date": "2026-04-03"}, "end": {"date": "2026-04-04"}}
    client.insert(appointment("aaaaa") | days | {"recurrence": ["RRULE:FREQ=DAILY;COUNT=3"]})
    assert ids(instances(client)) == ["aaaaa_20260403", "aaaaa_20260404", "aaaaa_20260405"]
    assert instances(client)[2]["end"] == {"date": "2026-04-06"}


def test_single_events_expands_the_series_with_moved_and_without_cancelled_instances(
    client: Client,
) -> None:
    client.insert(appointment("aaaaa", day="2026-03-24", hour=12, **LUNCH))
    moved, gone = ids(instances(client))[1:3]
    times = {key: appointment(day="2026-04-01", hour=15)[key] for key in ("start", "end")}
    client.events.patch(calendarId="primary", eventId=moved, body=times).execute()
    client.events.delete(calendarId="primary", eventId=gone).execute()
    expanded = client.events.list(calendarId="primary", singleEvents=True, orderBy="startTime")
    items = expanded.execute()["items"]
    assert len(items) == 5
    assert "aaaaa" not in ids(items)
    assert gone not in ids(items)
    exception = items[1]
    assert exception["id"] == moved
    assert exception["start"]["dateTime"] == "2026-04-01T15:00:00+11:00"
    assert exception["originalStartTime"]["dateTime"] == "2026-03-31T12:00:00+11:00"
    assert refused(client.events.delete(calendarId="primary", eventId=gone).execute)[0] == 410


def test_an_unexpanded_list_gives_the_master_and_its_cancelled_instances(client: Client) -> None:
    client.insert(appointment("aaaaa", day="2026-03-24", hour=12, **LUNCH))
    gone = ids(instances(client))[2]
    client.events.delete(calendarId="primary", eventId=gone).execute()
    items = client.events.list(calendarId="primary", showDeleted=False).execute()["items"]
    assert [(item["id"], item["status"]) for item in items] == [
        ("aaaaa", "confirmed"),
        (gone, "cancelled"),
    ]


def test_changing_the_masters_start_drops_its_exceptions(client: Client) -> None:
    client.insert(appointment("aaaaa", day="2026-03-24", hour=12, **LUNCH))
    gone = ids(instances(client))[2]
    client.events.delete(calendarId="primary", eventId=gone).execute()
    assert len(instances(client)) == 5
    times = {key: appointment(day="2026-03-24", hour=13)[key] for key in ("start", "end")}
    client.events.patch(calendarId="primary", eventId="aaaaa", body=times).execute()
    assert len(instances(client)) == 6


def test_exclusions_and_extra_dates_shape_the_series(client: Client) -> None:
    rules = [
        "RRULE:FREQ=DAILY;UNTIL=20260306T235959Z",  # in Sydney the 7th, 10:59
        "EXDATE;TZID=Australia/Sydney:20260304T090000",
        "RDATE:20260309T220000Z",
    ]
    client.insert(appointment("aaaaa", recurrence=rules))
    days = [item["start"]["dateTime"][:10] for item in instances(client)]
    assert days == ["2026-03-03", "2026-03-05", "2026-03-06", "2026-03-07", "2026-03-10"]


def test_a_series_without_end_is_cut_by_the_window(client: Client) -> None:
    client.insert(appointment("aaaaa", recurrence=["RRULE:FREQ=WEEKLY;BYDAY=TU,TH"]))
    listed = client.events.list(
        calendarId="primary",
        singleEvents=True,
        timeMin="2026-03-10T00:00:00+11:00",
        timeMax="2026-03-17T00:00:00+11:00",
    )
    days = [item["start"]["dateTime"][:10] for item in listed.execute()["items"]]
    assert days == ["2026-03-10", "2026-03-12"]


def test_deleting_the_master_ends_every_instance(client: Client) -> None:
    client.insert(appointment("aaaaa", **LUNCH))
    last = ids(instances(client))[-1]
    client.events.delete(calendarId="primary", eventId="aaaaa").execute()
    assert client.events.list(calendarId="primary", singleEvents=True).execute()["items"] == []
    gone = client.events.get(calendarId="primary", eventId=last).execute()
    assert gone["status"] == "cancelled"
