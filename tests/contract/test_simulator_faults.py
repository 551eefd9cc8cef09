"""The simulated Google's batches, quotas, limits and faults, through Google's own client."""

import logging
import socket
import time
from datetime import timedelta
from typing import Any

import httplib2
import httpx
import pytest
from googleapiclient.errors import HttpError

from companion.sandbox.quotas import WINDOW_SECONDS
from companion.sandbox.server import SimulatedHandle
from tests.fakes.simulator import (
    JURGEN,
    ZOE,
    Client,
    appointment,
    connect,
    refusal,
    refused,
    simulated_google,
)

DEAD = (OSError, httplib2.HttpLib2Error, ConnectionError)


def inserts(client: Client, number: int, first: int = 0) -> list[Any]:
    return [
        client.events.insert(calendarId="primary", body=appointment(f"abc{index:05d}"))
        for index in range(first, first + number)
    ]


def stored(handle: SimulatedHandle) -> set[str]:
    with handle.lock:
        return {event["id"] for event in handle.google.events(ZOE)}


# Batches


def test_the_parts_of_a_batch_fail_one_by_one(handle: SimulatedHandle, client: Client) -> None:
    client.insert(appointment("abcde"))
    answers = client.batch(
        [
            client.events.insert(calendarId="primary", body=appointment("abcde")),
            client.events.insert(calendarId="primary", body=appointment(summary="Zoë · 🧘 אבג")),
            client.events.delete(calendarId="primary", eventId="unknown"),
            client.events.delete(calendarId="primary", eventId="abcde"),
            client.events.insert(calendarId="elsewhere", body=appointment()),
        ]
    )
    outcomes = [None if error is None else refusal(error) for _, error in answers]
    assert outcomes == [(409, "duplicate"), None, (404, "notFound"), None, (404, "notFound")]
    accepted = answers[1][0]
    assert accepted is not None
    assert accepted["summary"] == "Zoë · 🧘 אבג"
    assert (handle.google.counts.batches, handle.google.counts.calls) == (1, 6)


def test_a_part_may_carry_its_own_if_match(client: Client) -> None:
    old = client.insert(appointment("abcde"))["etag"]
    client.events.patch(calendarId="primary", eventId="abcde", body={"summary": "x"}).execute()
    delete = client.events.delete(calendarId="primary", eventId="abcde")
    delete.headers["If-Match"] = old
    assert refusal(client.batch([delete])[0][1]) == (412, "conditionNotMet")


def test_fifty_parts_are_taken_and_fifty_one_refused_as_a_whole(
    handle: SimulatedHandle, client: Client
) -> None:
    assert all(error is None for _, error in client.batch(inserts(client, 50)))
    assert refused(lambda: client.batch(inserts(client, 51, 100))) == (400, "badRequest")
    assert len(stored(handle)) == 50


def test_an_expired_token_inside_a_batch_is_refreshed_by_the_client(
    handle: SimulatedHandle, client: Client
) -> None:
    with handle.lock:
        handle.api.grants.expire_access()
    assert all(error is None for _, error in client.batch(inserts(client, 3)))


# Quotas and limits


def test_the_users_quota_slides_over_sixty_seconds(handle: SimulatedHandle, client: Client) -> None:
    handle.google.meter.quota.per_user = 5
    answers = client.batch(inserts(client, 7))
    outcomes = [None if error is None else refusal(error) for _, error in answers]
    assert outcomes == [None] * 5 + [(403, "userRateLimitExceeded")] * 2
    handle.api.clock.advance(timedelta(seconds=WINDOW_SECONDS))
    client.insert(appointment("later"))
    assert handle.google.meter.users[ZOE].peak == 7


def test_a_patch_weighs_three_units(handle: SimulatedHandle, client: Client) -> None:
    client.insert(appointment("abcde"))
    handle.google.meter.forget_windows()
    handle.google.meter.quota.per_user = 5
    patch = client.events.patch(calendarId="primary", eventId="abcde", body={"summary": "x"})
    patch.execute()
    assert refused(patch.execute) == (403, "userRateLimitExceeded")
    get = client.events.get(calendarId="primary", eventId="abcde")
    for _ in range(2):
        get.execute()
    assert refused(get.execute) == (403, "userRateLimitExceeded")


def test_the_projects_quota_is_shared_by_all_accounts(
    handle: SimulatedHandle, client: Client
) -> None:
    other = connect(handle, JURGEN)
    handle.google.meter.quota.per_project = 3
    client.batch(inserts(client, 2))
    other.insert(appointment("abcde"))
    assert refused(lambda: other.insert(appointment("abcdf"))) == (403, "rateLimitExceeded")


def test_usage_limits_lock_one_accounts_writes_for_hours(
    handle: SimulatedHandle, client: Client
) -> None:
    quota = handle.google.meter.quota
    quota.events_created, quota.lock_seconds = 2, 4 * 3600
    client.batch(inserts(client, 2))
    insert, patch = (
        client.events.insert(calendarId="primary", body=appointment("later")),
        client.events.patch(calendarId="primary", eventId="abc00000", body={"summary": "x"}),
    )
    assert refused(insert.execute) == (403, "quotaExceeded")
    quota.events_created = None
    assert refused(patch.execute) == (403, "quotaExceeded")
    assert len(client.events.list(calendarId="primary").execute()["items"]) == 2
    connect(handle, JURGEN).insert(appointment("other"))
    handle.api.clock.advance(timedelta(hours=4))
    patch.execute()


# Faults


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"status": 500}, (500, "backendError")),
        ({"status": 503}, (503, "backendError")),
        ({"status": 403, "reason": "quotaExceeded"}, (403, "quotaExceeded")),
        ({"status": 403}, (403, "rateLimitExceeded")),
    ],
)
def test_a_status_is_answered_once_and_counted(
    handle: SimulatedHandle,
    client: Client,
    settings: dict[str, Any],
    expected: tuple[int, str],
) -> None:
    handle.api.faults.add(kind="status", match="^POST /calendar", times=1, **settings)
    insert = client.events.insert(calendarId="primary", body=appointment("abcde"))
    assert refused(insert.execute) == expected
    assert stored(handle) == set()
    insert.execute()
    assert handle.google.counts.answers == {
        f"events.insert {expected[0]}": 1,
        "events.insert 200": 1,
    }


def test_429_carries_retry_after(handle: SimulatedHandle, client: Client) -> None:
    handle.api.faults.add(kind="status", status=429, retry_after=7)
    with pytest.raises(HttpError) as caught:
        client.insert(appointment("abcde"))
    assert refusal(caught.value) == (429, "rateLimitExceeded")
    assert caught.value.resp["retry-after"] == "7"


@pytest.mark.parametrize(
    ("kind", "committed"), [("refuse", 0), ("timeout_before", 0), ("timeout_after", 1)]
)
def test_a_dead_connection_leaves_the_event_uncommitted_or_committed(
    handle: SimulatedHandle, client: Client, kind: str, committed: int
) -> None:
    # httplib2 sends a request again when the server closes a connection it had kept open.
    handle.api.faults.add(kind=kind, match="^POST /calendar", times=None)
    with pytest.raises(DEAD):
        client.insert(appointment("abcde"))
    assert len(stored(handle)) == committed
    handle.api.faults.clear()
    if committed:
        assert refused(lambda: client.insert(appointment("abcde"))) == (409, "duplicate")
    else:
        client.insert(appointment("abcde"))


def test_a_slow_answer_runs_into_the_clients_timeout_after_committing(
    handle: SimulatedHandle,
) -> None:
    hasty = connect(handle, timeout=0.3)
    handle.api.faults.add(kind="slow", ms=1_500, match="^POST")
    with pytest.raises(TimeoutError):
        hasty.insert(appointment("abcde"))
    assert stored(handle) == {"abcde"}


def test_half_a_batch_is_committed_and_then_the_connection_dies(
    handle: SimulatedHandle, client: Client
) -> None:
    # Two attempts at most: the second is httplib2's own, and then the halves overlap.
    handle.api.faults.add(kind="half_batch", match="^POST /batch")
    with pytest.raises(DEAD):
        client.batch(inserts(client, 10))
    assert stored(handle) == {f"abc{index:05d}" for index in range(5)}
    handle.api.faults.clear()
    outcomes = [error for _, error in client.batch(inserts(client, 10))]
    assert [refusal(error)[0] for error in outcomes if error is not None] == [409] * 5
    assert len(stored(handle)) == 10


def test_single_parts_of_a_batch_can_be_refused_by_number(
    handle: SimulatedHandle, client: Client
) -> None:
    handle.api.faults.add(kind="status", status=503, match="^batch-part POST", nth=3)
    outcomes = [error is None for _, error in client.batch(inserts(client, 5))]
    assert outcomes == [True, True, False, True, True]


def test_a_part_that_dies_takes_the_connection_with_it(
    handle: SimulatedHandle, client: Client
) -> None:
    handle.api.faults.add(kind="timeout_after", match="^batch-part", nth=3)
    handle.api.faults.add(kind="refuse", match="^POST /batch", nth=2)
    with pytest.raises(DEAD):
        client.batch(inserts(client, 5))
    assert stored(handle) == {"abc00000", "abc00001", "abc00002"}


def test_probable_faults_replay_with_their_seed(handle: SimulatedHandle, client: Client) -> None:
    def outcomes() -> list[bool]:
        handle.api.reset()
        handle.google.meter.quota.per_user = None
        handle.api.faults.add(
            kind="status", match="batch-part", probability=0.4, seed=11, status=500
        )
        fresh = connect(handle)
        return [error is None for _, error in fresh.batch(inserts(fresh, 40))]

    first = outcomes()
    assert first == outcomes()
    assert 10 < first.count(False) < 30


def test_a_fault_can_strike_one_account_only(handle: SimulatedHandle, client: Client) -> None:
    other = connect(handle, JURGEN)
    handle.api.faults.add(kind="status", status=503, account=JURGEN)
    client.insert(appointment("abcde"))
    assert refused(lambda: other.insert(appointment("abcde"))) == (503, "backendError")


def test_latency_is_paid_once_per_batch(handle: SimulatedHandle, client: Client) -> None:
    handle.api.latency = 0.2
    started = time.monotonic()
    client.batch(inserts(client, 20))
    assert 0.2 <= time.monotonic() - started < 20 * 0.2


# The control API, and who may reach it


def test_everything_can_be_set_and_read_over_http(handle: SimulatedHandle, client: Client) -> None:
    with httpx.Client(base_url=f"{handle.base_url}/_control/", trust_env=False) as control:
        settings = {"quota": {"per_user": 2}, "latency_ms": 0, "policy": {"revival": "refuse"}}
        assert control.post("settings", json=settings).status_code == 200
        answers = client.batch(inserts(client, 3))
        assert [error is None for _, error in answers] == [True, True, False]
        counts = control.get("counts").json()
        assert counts["methods"] == {"events.insert": 3}
        assert counts["answers"] == {"events.insert 200": 2, "events.insert 403": 1}
        assert (counts["batches"], counts["requests"]) == (1, 1)
        dump = control.get("events", params={"calendar": ZOE}).json()
        assert len(dump[ZOE]) == 2
        fault = {"kind": "status", "status": 500, "match": "^GET"}
        assert control.post("faults", json=fault).json()["fired"] == 0
        state = control.get("state").json()
        assert state["policy"]["revival"] == "refuse"
        assert len(state["faults"]) == 1
        assert [call["status"] for call in control.get("log").json()] == [200, 200, 403]
        before = state["now"]
        after = control.post("clock", json={"advance_seconds": 3600}).json()["now"]
        assert after > before
        control.post("edit", json={"calendar": ZOE, "event": "abc00000", "delete": True})
        tokens = control.post("tokens", json={"email": ZOE, "scopes": ["calendar"]}).json()
        assert tokens["access_token"]
        control.post("reset")
        fresh = control.get("state").json()
        assert fresh["counts"]["calls"] == 0
        assert [calendar["stored"] for calendar in fresh["calendars"]] == [0, 0]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("settings", {"speed": 3}),
        ("settings", {"quota": {"speed": 3}}),
        ("faults", {"kind": "explode"}),
        ("faults", {"kind": "status", "when": "now"}),
        ("edit", {"calendar": "nowhere", "event": "x", "delete": True}),
    ],
)
def test_a_wrong_control_request_answers_400(
    handle: SimulatedHandle, path: str, body: dict[str, Any]
) -> None:
    answer = httpx.post(f"{handle.base_url}/_control/{path}", json=body, trust_env=False)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_only_loopback_names_and_same_site_forms_are_served(handle: SimulatedHandle) -> None:
    foreign = {"Host": "calendar.example.com"}
    assert httpx.get(handle.base_url, headers=foreign, trust_env=False).status_code == 421
    other_site = {"Origin": "https://example.com"}
    reset = f"{handle.base_url}/_control/reset"
    assert httpx.post(reset, headers=other_site, trust_env=False).status_code == 403
    assert httpx.post(reset, trust_env=False).status_code == 200


def test_it_listens_on_the_loopback_address_only(handle: SimulatedHandle) -> None:
    assert handle.server.bound_to == "127.0.0.1"
    assert handle.base_url.startswith("http://127.0.0.1:")


def test_it_is_silent_without_touching_the_loggers_of_the_process(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demo runs it beside the app, whose server is to be heard."""
    theirs = logging.getLogger("uvicorn.error")
    monkeypatch.setattr(theirs, "level", logging.NOTSET)
    with simulated_google() as handle:
        port = handle.server._socket.getsockname()[1]
        handle.api.latency = 600
        with socket.create_connection(("127.0.0.1", port), 10) as line:
            line.sendall(b"nonsense\r\n\r\n")
            assert line.recv(12) == b"HTTP/1.1 400"
        with socket.create_connection(("127.0.0.1", port), 10) as line:
            line.sendall(b"GET /calendar/v3/colors HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            while not handle.server._server.server_state.tasks:
                time.sleep(0.001)
            handle.stop()
    assert theirs.level == logging.NOTSET
    assert not [each.getMessage() for each in caplog.records]


def test_every_answer_carries_the_simulated_date(handle: SimulatedHandle) -> None:
    handle.api.clock.advance(timedelta(days=400))
    year = str(handle.api.clock().year)
    for path in ("/", "/_control/state", "/calendar/v3/users/me/calendarList"):
        assert year in httpx.get(handle.base_url + path, trust_env=False).headers["date"]
