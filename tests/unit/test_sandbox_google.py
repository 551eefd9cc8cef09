"""The simulated Google in-process: properties of its model that no single request shows."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.sandbox.access import SCOPES, Caller, full_name, short_name
from companion.sandbox.batch import read_parts, response_id, write_parts
from companion.sandbox.google import SimulatedGoogle
from companion.sandbox.partial import read_mask, select
from companion.sandbox.quotas import WINDOW_SECONDS, Meter, Quota
from companion.sandbox.refusals import SimulatedError
from companion.sandbox.simulator_api import SimulatorApi
from companion.sandbox.wire import ApiRequest

ZOE = "zoe@example.com"
ALL = Caller(account=ZOE, client_id="client", scopes=frozenset({"calendar"}))
START = datetime(2026, 3, 3, 9, tzinfo=UTC)


@dataclass
class Clock:
    time: datetime = START

    def __call__(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@dataclass
class World:
    clock: Clock = field(default_factory=Clock)
    google: SimulatedGoogle = field(init=False)

    def __post_init__(self) -> None:
        off = Quota(per_user=None, per_project=None)
        self.google = SimulatedGoogle(now=self.clock, quota=off)
        self.google.add_account(ZOE, name="Zoë", timezone="Australia/Sydney")

    def call(self, method: str, body: Any = None, **parameters: Any) -> Any:
        return self.google.call(ALL, method, {"calendarId": ZOE, **parameters}, body)


def event(event_id: str, hour: int = 9) -> dict[str, Any]:
    return {
        "id": event_id,
        "start": {"dateTime": f"2026-03-03T{hour:02d}:00:00Z"},
        "end": {"dateTime": f"2026-03-03T{hour + 1:02d}:00:00Z"},
    }


def outcome(world: World, method: str, body: Any = None, **parameters: Any) -> int:
    try:
        world.call(method, body, **parameters)
    except SimulatedError as refusal:
        return refusal.status
    return 200


# The model


IDS = st.sampled_from(["aaaaa", "bbbbb", "ccccc"])
STEPS = st.lists(
    st.tuples(st.sampled_from(["insert", "delete", "patch", "follow"]), IDS), max_size=40
)


@given(STEPS)
def test_following_sync_tokens_arrives_at_what_a_full_list_shows(
    steps: list[tuple[str, str]],
) -> None:
    world = World()
    mirror: dict[str, Any] = {}
    token = world.call("events.list")["nextSyncToken"]

    def follow(token: str) -> str:
        answer = world.call("events.list", syncToken=token, maxResults=1)
        while True:
            for item in answer["items"]:
                if item["status"] == "cancelled":
                    mirror.pop(item["id"], None)
                else:
                    mirror[item["id"]] = item
            if "nextPageToken" not in answer:
                return str(answer["nextSyncToken"])
            answer = world.call(
                "events.list", syncToken=token, maxResults=1, pageToken=answer["nextPageToken"]
            )

    for number, (step, event_id) in enumerate(steps):
        if step == "insert":
            outcome(world, "events.insert", event(event_id))
        elif step == "follow":
            token = follow(token)
        elif step == "delete":
            outcome(world, "events.delete", eventId=event_id)
        else:
            outcome(world, "events.patch", {"summary": str(number)}, eventId=event_id)
    follow(token)
    assert mirror == {item["id"]: item for item in world.call("events.list")["items"]}


@given(STEPS)
def test_an_id_is_used_once_and_deleted_once_whatever_the_order(
    steps: list[tuple[str, str]],
) -> None:
    world = World()
    state: dict[str, str] = {}
    for step, event_id in steps:
        if step == "insert":
            expected = 200 if event_id not in state else 409
            assert outcome(world, "events.insert", event(event_id)) == expected
            state.setdefault(event_id, "live")
        elif step == "delete":
            expected = {"live": 200, "dead": 410}.get(state.get(event_id, ""), 404)
            assert outcome(world, "events.delete", eventId=event_id) == expected
            if event_id in state:
                state[event_id] = "dead"


def test_two_models_of_one_seed_and_clock_are_the_same() -> None:
    def history() -> str:
        world = World()
        made = world.google.call(ALL, "calendars.insert", None, {"summary": "Book"})
        body = event("x") | {"id": None}
        return json.dumps([made, world.call("events.insert", body)])

    assert history() == history()


def test_changing_an_answer_does_not_change_what_google_holds() -> None:
    world = World()
    body = event("aaaaa") | {"extendedProperties": {"private": {"k": "v"}}}
    answer = world.call("events.insert", body)
    answer["extendedProperties"]["private"]["k"] = "spoilt"
    body["extendedProperties"]["private"]["k"] = "spoilt"
    held = world.call("events.get", eventId="aaaaa")
    assert held["extendedProperties"]["private"] == {"k": "v"}


def test_every_call_is_logged_with_its_answer_in_order() -> None:
    world = World()
    for _ in range(2):
        outcome(world, "events.insert", event("aaaaa"))
    assert [(call.method, call.event, call.status) for call in world.google.counts.log] == [
        ("events.insert", None, 200),
        ("events.insert", None, 409),
    ]


def test_every_method_has_scopes_and_the_full_calendar_scope_opens_all_of_them() -> None:
    assert all("calendar" in scopes for scopes in SCOPES.values())
    for scopes in SCOPES.values():
        assert {short_name(full_name(scope)) for scope in scopes} == scopes
    assert {short_name(full_name(scope)) for scope in ("openid", "email")} == {"openid", "email"}


# Quota


@given(
    st.lists(st.tuples(st.floats(0, 20), st.sampled_from(["events.get", "events.patch"]))),
    st.integers(3, 12),
)
def test_no_window_of_sixty_seconds_grants_more_than_the_limit(
    requests: list[tuple[float, str]], limit: int
) -> None:
    meter = Meter(Quota(per_user=limit, per_project=None))
    now = 0.0
    granted: list[tuple[float, int]] = []
    for pause, method in requests:
        now += pause
        weight = 3 if method == "events.patch" else 1
        in_window = sum(units for at, units in granted if at > now - WINDOW_SECONDS)
        if in_window + weight > limit:
            with pytest.raises(SimulatedError, match="403 userRateLimitExceeded"):
                meter.charge(ZOE, method, now, calendar=None)
        else:
            meter.charge(ZOE, method, now, calendar=None)
            granted.append((now, weight))


# Partial answers and batches


def test_a_field_mask_selects_and_a_broken_one_is_refused() -> None:
    resource = {"items": [{"id": 1, "start": {"date": "d", "timeZone": "z"}}], "etag": "e"}
    assert select(resource, read_mask("items(id,start/date)")) == {
        "items": [{"id": 1, "start": {"date": "d"}}]
    }
    assert select(resource, read_mask("items/id,etag")) == {"items": [{"id": 1}], "etag": "e"}
    assert select(resource, read_mask("*")) == resource
    for broken in ("", "items(", "items)", "a,,b", "a/"):
        with pytest.raises(SimulatedError, match="400"):
            read_mask(broken)


BODIES = st.lists(
    st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=40),
    min_size=1,
    max_size=5,
)


@given(BODIES, st.sampled_from(["\n", "\r\n"]))
def test_batch_parts_survive_either_kind_of_line_end(bodies: list[str], newline: str) -> None:
    lines: list[str] = []
    for number, body in enumerate(bodies):
        lines += [
            "--===1==",
            "Content-Type: application/http",
            f"Content-ID: <base +\n {number}>".replace("\n", newline),
            "",
            f"POST /calendar/v3/calendars/a%2Fb/events?alt=json&n={number} HTTP/1.1",
            "content-type: application/json",
            'If-Match: "1"',
            "",
            json.dumps(body, ensure_ascii=False),
            "",
        ]
    text = newline.join([*lines, "--===1==--", ""])
    parts = read_parts('multipart/mixed; boundary="===1=="', text.encode())
    assert [json.loads(part.body) for part in parts] == bodies
    assert parts[-1].content_id == f"<base + {len(bodies) - 1}>"
    assert parts[0].headers == {"content-type": "application/json", "if-match": '"1"'}
    assert parts[0].target == "/calendar/v3/calendars/a%2Fb/events?alt=json&n=0"


def test_an_answered_part_names_its_request() -> None:
    assert response_id("<a + 1>") == "<response-a + 1>"
    content_type, body = write_parts([("<a + 1>", 204, [], b"")])
    assert content_type.startswith("multipart/mixed; boundary=")
    assert b"Content-ID: <response-a + 1>\r\n\r\nHTTP/1.1 204 No Content\r\n" in body


# The API without a network


def test_the_api_answers_requests_in_process() -> None:
    api = SimulatorApi(base_clock=Clock(), quota=Quota(per_user=1))
    account = api.google.add_account(ZOE, name="Zoë", timezone="Australia/Sydney")
    token = api.grants.issue(account, frozenset({"calendar"}))["access_token"]
    request = ApiRequest(
        method="POST",
        path="/calendar/v3/calendars/primary/events",
        headers={"authorization": f"Bearer {token}"},
        body=json.dumps(event("aaaaa")).encode(),
    )
    assert api.answer(request).status == 200
    refused = api.answer(request)
    assert refused.status == 403
    assert json.loads(refused.body)["error"]["errors"][0]["domain"] == "usageLimits"
    api.faults.add(kind="timeout_after", ms=1_500)
    dead = api.answer(request)
    assert (dead.severed, dead.delay) == (True, 1.5)


def test_a_malformed_body_and_an_unknown_path_are_refused() -> None:
    api = SimulatorApi(base_clock=Clock())
    account = api.google.add_account(ZOE, name="Zoë", timezone="Australia/Sydney")
    tokens = api.grants.issue(account, frozenset({"calendar"}))
    headers = {"authorization": f"Bearer {tokens['access_token']}"}
    events = "/calendar/v3/calendars/primary/events"
    for path, body, status in (
        (events, b"{", 400),
        (events, b"[]", 400),
        ("/calendar/v3/calendars/primary/events/a/b/c", b"{}", 404),
        ("/calendar/v3/colours", b"{}", 404),
        ("/batch", b"", 400),
    ):
        request = ApiRequest(method="POST", path=path, headers=headers, body=body)
        assert api.answer(request).status == status


def test_a_calendar_is_the_making_of_one_client_alone() -> None:
    """`calendar.app.created` of another client of the same account does not reach it."""
    google = World().google
    narrow = frozenset({"calendar.app.created"})
    maker = Caller(account=ZOE, client_id="first", scopes=narrow)
    made = google.call(maker, "calendars.insert", {}, {"summary": "Appointments"})
    assert made is not None
    place = {"calendarId": made["id"]}
    assert google.call(maker, "events.list", place) is not None
    another = Caller(account=ZOE, client_id="second", scopes=narrow)
    for method in ("events.list", "calendarList.get", "calendars.get", "calendars.delete"):
        with pytest.raises(SimulatedError) as caught:
            google.call(another, method, place)
        assert caught.value.status == 403
    owner = Caller(account=ZOE, client_id="second", scopes=frozenset({"calendar.events.owned"}))
    assert google.call(owner, "events.list", place) is not None
