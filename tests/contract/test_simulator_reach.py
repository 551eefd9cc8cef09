"""What each permission reaches at the simulated Google, and making calendars there."""

from datetime import timedelta
from typing import Any

import pytest

from companion.sandbox.server import SimulatedHandle
from tests.fakes.simulator import (
    JURGEN,
    ZOE,
    Client,
    appointment,
    connect,
    refused,
)


# Scopes and calendars
def test_app_created_reaches_only_calendars_of_the_same_client(handle: SimulatedHandle) -> None:
    client = connect(handle, scopes=["calendar.app.created"])
    made = client.calendars.insert(
        body={"summary": "Appointments", "timeZone": "Australia/Sydney"}
    ).execute()
    client.insert(appointment("abcde"), calendar=made["id"])
    assert refused(lambda: client.insert(appointment())) == (403, "insufficientPermissions")
    entry = client.calendar_list.get(calendarId=made["id"]).execute()
    assert entry["summary"] == "Appointments"
    assert refused(client.calendar_list.list().execute) == (403, "insufficientPermissions")


@pytest.mark.parametrize(
    ("policy", "answer"),
    [
        ("insufficientPermissions", (403, "insufficientPermissions")),
        ("forbidden", (403, "forbidden")),
        ("notFound", (404, "notFound")),
    ],
)
def test_the_refusal_of_what_a_scope_does_not_reach_can_be_chosen(
    handle: SimulatedHandle, policy: Any, answer: tuple[int, str]
) -> None:
    handle.google.policy.out_of_reach = policy
    client = connect(handle, scopes=["calendar.app.created"])
    assert refused(lambda: client.insert(appointment())) == answer


@pytest.mark.parametrize(("status", "reason"), [(404, "notFound"), (403, "forbidden")])
def test_a_fresh_calendar_is_refused_for_as_long_as_is_set(
    handle: SimulatedHandle, status: Any, reason: str
) -> None:
    handle.google.policy.fresh_calendar_seconds = 20
    handle.google.policy.fresh_calendar_status = status
    client = connect(handle)
    made = client.calendars.insert(body={"summary": "Appointments"}).execute()["id"]
    assert refused(client.events.list(calendarId=made).execute) == (status, reason)
    handle.api.clock.advance(timedelta(seconds=20))
    assert client.events.list(calendarId=made).execute()["items"] == []


@pytest.mark.parametrize("field", ["summary", "location", "description"])
def test_a_text_over_its_limit_is_refused(handle: SimulatedHandle, field: str) -> None:
    client = connect(handle)
    limit = getattr(handle.google.policy, f"longest_{field}")
    made = client.insert(appointment(**{field: "x" * limit}))
    assert refused(lambda: client.insert(appointment(**{field: "x" * (limit + 1)})))[0] == 400
    patch = client.events.patch(
        calendarId="primary", eventId=made["id"], body={field: "y" * (limit + 1)}
    )
    assert refused(patch.execute)[0] == 400


def test_owned_events_reach_no_calendar_that_is_only_shared(handle: SimulatedHandle) -> None:
    with handle.lock:
        shared = handle.google.add_calendar(JURGEN, "Rooms")
        handle.google.share(shared.id, ZOE, "writer")
    owned = connect(handle, scopes=["calendar.events.owned"])
    owned.insert(appointment())
    assert refused(lambda: owned.insert(appointment(), shared.id))[0] == 403
    connect(handle, scopes=["calendar.events"]).insert(appointment(), shared.id)


def test_a_reader_may_only_read_and_another_account_sees_nothing(
    handle: SimulatedHandle,
) -> None:
    with handle.lock:
        shared = handle.google.add_calendar(JURGEN, "Rooms")
    client = connect(handle)
    listed = client.events.list(calendarId=shared.id)
    assert refused(listed.execute) == (404, "notFound")
    handle.google.share(shared.id, ZOE, "reader")
    assert listed.execute()["accessRole"] == "reader"
    assert refused(lambda: client.insert(appointment(), shared.id)) == (
        403,
        "requiredAccessLevel",
    )


def test_a_read_only_scope_cannot_write(handle: SimulatedHandle) -> None:
    client = connect(handle, scopes=["calendar.events.readonly"])
    client.events.list(calendarId="primary").execute()
    assert refused(lambda: client.insert(appointment())) == (403, "insufficientPermissions")
    assert refused(client.calendar_list.list().execute) == (403, "insufficientPermissions")


def test_a_calendar_is_made_changed_read_and_removed(client: Client) -> None:
    body = {"summary": "Appointments", "description": "install 1", "timeZone": "Australia/Perth"}
    made = client.calendars.insert(body=body).execute()
    assert made["id"].endswith("@group.calendar.google.com")
    changed = client.calendars.patch(calendarId=made["id"], body={"summary": "Book"}).execute()
    assert (changed["summary"], changed["description"]) == ("Book", "install 1")
    entry = client.calendar_list.get(calendarId=made["id"]).execute()
    assert (entry["accessRole"], entry["timeZone"]) == ("owner", "Australia/Perth")
    client.calendars.delete(calendarId=made["id"]).execute()
    assert refused(client.calendars.get(calendarId=made["id"]).execute) == (404, "notFound")
    assert refused(client.events.list(calendarId=made["id"]).execute) == (404, "notFound")


def test_making_a_calendar_twice_makes_two(client: Client) -> None:
    made = [client.calendars.insert(body={"summary": "Same"}).execute()["id"] for _ in range(2)]
    assert made[0] != made[1]


def test_the_primary_calendar_cannot_be_removed(client: Client) -> None:
    assert refused(client.calendars.delete(calendarId="primary").execute)[0] == 400


def test_a_new_zone_shows_the_same_instants_with_other_offsets(client: Client) -> None:
    client.insert(appointment("abcde"))
    client.calendars.patch(calendarId="primary", body={"timeZone": "Australia/Perth"}).execute()
    shown = client.events.get(calendarId="primary", eventId="abcde").execute()
    assert shown["start"]["dateTime"] == "2026-03-03T06:00:00+08:00"


def test_the_calendar_list_is_paged_and_filtered_by_role(
    handle: SimulatedHandle, client: Client
) -> None:
    with handle.lock:
        for index in range(120):
            handle.google.add_calendar(ZOE, f"Calendar {index}")
        read_only = handle.google.add_calendar(JURGEN, "Rooms")
        handle.google.share(read_only.id, ZOE, "reader")
    first = client.calendar_list.list().execute()
    assert len(first["items"]) == 100
    rest = client.calendar_list.list(pageToken=first["nextPageToken"]).execute()
    assert (len(rest["items"]), "nextPageToken" in rest) == (22, False)
    writable = client.calendar_list.list(minAccessRole="writer", maxResults=250).execute()
    assert read_only.id not in {entry["id"] for entry in writable["items"]}


def test_creating_too_many_calendars_locks_the_account(
    handle: SimulatedHandle, client: Client
) -> None:
    handle.google.meter.quota.calendars_created = 1
    client.calendars.insert(body={"summary": "One"}).execute()
    second = client.calendars.insert(body={"summary": "Two"})
    assert refused(second.execute) == (403, "quotaExceeded")
    assert refused(lambda: client.insert(appointment())) == (403, "quotaExceeded")
