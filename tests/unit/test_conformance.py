"""The conformance check itself: it knows the real requests, and finds each seeded mistake."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from companion.adapters.google import batch, wire
from companion.adapters.google.batch import Call
from companion.adapters.network.http import USER_AGENT
from companion.sandbox.access import SCOPES, Caller
from companion.sandbox.wire import ApiRequest
from tests.fakes.conformance import Conformance, scopes_of, violations_of

EVENTS = "/calendar/v3/calendars/zoe%40example.com/events"
MOMENT = {"dateTime": "2026-03-02T09:00:00Z", "timeZone": "Australia/Sydney"}
BODY: dict[str, Any] = {
    "id": "abcde",
    "summary": "ZO",
    "start": MOMENT,
    "end": MOMENT,
    "status": "tentative",
    "reminders": {"useDefault": False, "overrides": [{"method": "popup", "minutes": 10}]},
    "extendedProperties": {"private": {"companion": "install"}},
}
CALLER = Caller(
    account="zoe@example.com", client_id="c", scopes=frozenset({"calendar.app.created"})
)
SPOKEN_FOR = replace(CALLER, charged="sync@clinic.iam.gserviceaccount.com")
OPAQUE = "0123456789abcdef0123456789abcdef"


def call(
    method: str = "POST", path: str = EVENTS, query: str = "", body: object = None
) -> ApiRequest:
    content = b"" if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json", "user-agent": USER_AGENT}
    return ApiRequest(method=method, path=path, query=query, headers=headers, body=content)


def batched(*calls: Call, content: bytes | None = None) -> ApiRequest:
    return ApiRequest(
        method="POST",
        path="/batch/calendar/v3",
        headers={"content-type": batch.CONTENT_TYPE, "user-agent": USER_AGENT},
        body=batch.write_batch(calls) if content is None else content,
    )


RIGHT = [
    call(query=f"sendUpdates=none&fields={wire.FIELDS}&alt=json", body=BODY),
    call(
        path=EVENTS + "/abcde", method="PATCH", body={"start": {"date": None}, "recurrence": None}
    ),
    call(
        "GET",
        query="maxResults=2500&timeMin=2026-03-02T09:00:00Z&privateExtendedProperty=a%3Db"
        f"&privateExtendedProperty=c%3Dd&fields=nextPageToken,items({wire.FIELDS})",
    ),
    call(path="/calendar/v3/calendars", body={"summary": "A", "timeZone": "UTC"}),
    batched(Call(method="DELETE", target=EVENTS + "/abcde?sendUpdates=none")),
]


@pytest.mark.parametrize("request_", RIGHT)
def test_what_the_program_sends_is_in_order(request_: ApiRequest) -> None:
    assert violations_of(request_, CALLER) == []


@pytest.mark.parametrize(
    ("request_", "found"),
    [
        (call(body=BODY | {"colour": "1"}), "unknown field body.colour"),
        (call(body=BODY | {"start": {"dateTime": MOMENT["dateTime"], "zone": "UTC"}}), "zone"),
        (call(body=BODY | {"summary": 7}), "body.summary is no string"),
        (call(body=BODY | {"sequence": True}), "body.sequence is no integer"),
        (call(body=BODY | {"status": "free"}), "none of confirmed, tentative, cancelled: free"),
        (call(body=BODY | {"start": {"date": "2026-3-2"}}), "no date"),
        (call(body=BODY | {"start": {"dateTime": "tomorrow"}}), "no moment"),
        (call(body=BODY | {"location": None}), "body.location is null"),
        (call(body={"summary": "ZO"}), "the body lacks start"),
        (call(body=BODY | {"recurrence": "RRULE"}), "body.recurrence is no array"),
        (
            call(body=BODY | {"reminders": {"overrides": [{"method": "sms"}]}}),
            "none of email, popup: sms",
        ),
        (call(query="sendUpdates=nobody", body=BODY), "parameter sendUpdates is nobody"),
        (call(query="sendMail=true", body=BODY), "unknown parameter sendMail"),
        (call(query="fields=id,summery", body=BODY), "the mask names summery"),
        (call("GET", query="fields=items(id,extendedProperties/mine)"), "extendedProperties/mine"),
        (call("GET", query="maxResults=0"), "out of range"),
        (call("GET", query="maxResults=5&maxResults=6"), "is repeated"),
        (call("GET", query="singleEvents=True"), "no boolean"),
        (call("GET", query="timeMin=2026-03-02T09:00:00"), "no moment"),
        (call("GET", body={"a": 1}), "a body that the method does not take"),
        (call("PUT"), "no such method"),
        (call("POST", path="/calendar/v3/calender"), "no such method"),
        (call(path=EVENTS + "/abcde/move", query="destination=x"), "permitted by none"),
        (call("GET", path="/calendar/v3/users/me/calendarList"), "permitted by none"),
        (batched(Call(method="DELETE", target="/calendar/v3/events")), "no such method"),
        (batched(*[Call(method="DELETE", target=EVENTS + "/abcde")] * 51), "51 parts"),
        (batched(content=b"nothing"), "multipart"),
        (
            batched(
                content=batch.write_batch(
                    [Call(method="POST", target=EVENTS, body=json.dumps(BODY))] * 2
                ).replace(b"<w1>", b"<w0>")
            ),
            "Content-IDs",
        ),
    ],
)
def test_a_seeded_mistake_is_found(request_: ApiRequest, found: str) -> None:
    assert found in " | ".join(violations_of(request_, CALLER))


@pytest.mark.parametrize(
    ("query", "caller", "found"),
    [
        (f"quotaUser={OPAQUE}", SPOKEN_FOR, ""),
        ("", CALLER, ""),
        ("", SPOKEN_FOR, "without quotaUser"),
        (f"quotaUser={OPAQUE}", CALLER, "where Google knows the user"),
        ("quotaUser=zoe%40example.com", SPOKEN_FOR, "no opaque word"),
        (f"quotaUser={OPAQUE}{OPAQUE}", SPOKEN_FOR, "no opaque word"),
    ],
)
def test_a_service_account_names_whose_quota_it_is_and_nobody_else_does(
    query: str, caller: Caller, found: str
) -> None:
    alone = call("GET", query=query)
    part = batched(Call(method="GET", target=f"{EVENTS}?{query}"))
    for violations in (violations_of(alone, caller), violations_of(part, caller)):
        assert len(violations) == bool(found)
        assert found in " | ".join(violations)


def test_only_our_own_requests_are_held() -> None:
    conformance = Conformance()
    conformance.observe(call("PUT"), CALLER)
    assert len(conformance.take()) == 1
    assert conformance.take() == []
    other = ApiRequest(method="PUT", path=EVENTS, headers={"user-agent": "a test"})
    conformance.observe(other, CALLER)
    assert conformance.take() == []


@pytest.mark.parametrize("method", SCOPES)
def test_the_simulated_google_opens_each_method_to_the_scopes_of_the_description(
    method: str,
) -> None:
    known = frozenset().union(*SCOPES.values())
    assert SCOPES[method] == scopes_of(method) & known
