"""The simulated Google's domain-wide delegation, through Google's own libraries."""

import base64
import json
import time
from typing import Any

import httpx
import pytest
from google.auth import crypt
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials
from googleapiclient.errors import HttpError

from companion.sandbox import delegation
from companion.sandbox.access import full_name
from companion.sandbox.server import SimulatedHandle
from tests.fakes.simulator import (
    JURGEN,
    ZOE,
    Client,
    appointment,
    client_for,
    refusal,
)

ROBOT = "sync@clinic.iam.gserviceaccount.com"
SCOPES = ("calendar.app.created", "calendar.calendarlist.readonly")
Json = dict[str, Any]


@pytest.fixture
def key(handle: SimulatedHandle) -> Json:
    """Of a service account that may speak for everybody of example.com."""
    made = handle.api.delegation.new_key(ROBOT, handle.base_url)
    handle.api.delegation.authorise(made["client_id"], "example.com", SCOPES)
    return made


def credentials(key: Json, who: str | None = ZOE, scopes: tuple[str, ...] = SCOPES) -> Credentials:
    wanted = [full_name(scope) for scope in scopes]
    made: Credentials = Credentials.from_service_account_info(  # type: ignore[no-untyped-call] # google-auth is partly typed
        key, scopes=wanted, subject=who
    )
    return made


def signed_in(
    handle: SimulatedHandle, key: Json, who: str = ZOE, scopes: tuple[str, ...] = SCOPES
) -> Client:
    made = credentials(key, who, scopes)
    made.refresh(Request())  # type: ignore[no-untyped-call] # as above
    return client_for(handle, made, timeout=5)  # type: ignore[arg-type] # another kind of them


def test_a_signed_assertion_speaks_for_a_person_of_the_domain(
    handle: SimulatedHandle, key: Json
) -> None:
    client = signed_in(handle, key)
    made = client.calendars.insert(body={"summary": "Appointments"}).execute()
    client.insert(appointment(), made["id"])
    calendar = handle.google.calendars[made["id"]]
    assert (calendar.owner, calendar.created_by) == (ZOE, key["client_id"])


def test_a_token_lasts_an_hour_and_has_nothing_to_renew_it_with(
    handle: SimulatedHandle, key: Json
) -> None:
    answer = post(handle, assertion(key)).json()
    assert answer.keys() == {"access_token", "expires_in", "token_type"}
    assert answer["expires_in"] == 3599


# Refusals, in Google's words


def assertion(key: Json, head: Json | None = None, **changes: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": key["client_email"],
        "sub": ZOE,
        "aud": "https://oauth2.googleapis.com/token",
        "iat": now,
        "exp": now + 3600,
        "scope": " ".join(full_name(scope) for scope in SCOPES),
    } | changes
    head = {"alg": "RS256", "typ": "JWT"} | (head or {})
    claims = {name: value for name, value in claims.items() if value is not None}
    signed = f"{_text(head)}.{_text(claims)}"
    signer = crypt.RSASigner.from_string(key["private_key"])  # type: ignore[no-untyped-call] # as above
    return f"{signed}.{_base64(signer.sign(signed))}"


def _text(part: Json) -> str:
    return _base64(json.dumps(part).encode())


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def post(handle: SimulatedHandle, text: str) -> httpx.Response:
    form = {"grant_type": delegation.GRANT_TYPE, "assertion": text}
    return httpx.post(f"{handle.base_url}/token", data=form, trust_env=False)


@pytest.mark.parametrize(
    ("changes", "status", "error", "words"),
    [
        ({"iss": "nobody@clinic.iam.gserviceaccount.com"}, 400, "invalid_grant", "not found"),
        ({"head": {"alg": "none"}}, 400, "invalid_grant", "Invalid JWT Signature."),
        ({"head": {"kid": "another"}}, 400, "invalid_grant", "Invalid JWT Signature."),
        ({"iat": None}, 400, "invalid_grant", "iat (issued at) is not set"),
        ({"exp": None}, 400, "invalid_grant", "exp (expiration time) is not set"),
        ({"iat": 1_000_000, "exp": 1_003_600}, 400, "invalid_grant", "short-lived token"),
        ({"iat": int(time.time()) - 3600}, 400, "invalid_grant", "short-lived token"),
        ({"iat": int(time.time()) + 4000}, 400, "invalid_grant", "short-lived token"),
        ({"scope": ""}, 400, "invalid_scope", "Invalid OAuth scope"),
        ({"aud": "https://example.com/token"}, 400, "invalid_grant", "audience check"),
        ({"sub": "nobody@example.com"}, 400, "invalid_grant", "Invalid email or User ID"),
        ({"sub": "zoe"}, 400, "invalid_request", "impersonation"),
        ({"sub": None}, 401, "unauthorized_client", "not authorized for any of the scopes"),
        ({"scope": full_name("calendar")}, 401, "unauthorized_client", "not authorized"),
        (
            {"scope": " ".join(map(full_name, (*SCOPES, "calendar.events")))},
            401,
            "unauthorized_client",
            "not authorized",
        ),
    ],
)
def test_each_thing_that_is_wrong_has_googles_refusal(
    handle: SimulatedHandle, key: Json, changes: Json, status: int, error: str, words: str
) -> None:
    answer = post(handle, assertion(key, **changes))
    assert answer.status_code == status
    assert answer.json()["error"] == error
    assert words in answer.json()["error_description"]


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", f"{_text({})}.{_base64(b'[]')}.x"])
def test_of_an_undecodable_assertion_nothing_is_said(handle: SimulatedHandle, text: str) -> None:
    answer = post(handle, text)
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "invalid_request", "error_description": "Bad Request"},
    )


def test_a_changed_claim_breaks_the_signature(handle: SimulatedHandle, key: Json) -> None:
    head, _, signature = assertion(key).split(".")
    claims = assertion(key, sub=JURGEN).split(".")[1]
    assert "Signature" in post(handle, f"{head}.{claims}.{signature}").text


def test_another_domain_is_not_delegated_by_this_one(handle: SimulatedHandle, key: Json) -> None:
    handle.google.add_account("gus@gmail.com", name="Gus", timezone="UTC")
    with pytest.raises(RefreshError, match="unauthorized_client"):
        signed_in(handle, key, "gus@gmail.com")


def test_a_key_that_was_deleted_signs_nothing_and_a_new_one_does(
    handle: SimulatedHandle, key: Json
) -> None:
    assert httpx.request(
        "DELETE", f"{handle.base_url}/_control/service-keys?email={ROBOT}", trust_env=False
    ).is_success
    with pytest.raises(RefreshError, match="Invalid JWT Signature"):
        signed_in(handle, key)
    url = f"{handle.base_url}/_control/service-keys"
    renewed = httpx.post(url, json={"email": ROBOT}, trust_env=False).json()
    assert renewed["client_id"] == key["client_id"]
    signed_in(handle, renewed)


def test_an_administrator_withdraws_and_another_policy_refuses(
    handle: SimulatedHandle, key: Json
) -> None:
    control = f"{handle.base_url}/_control"
    body: Json = {"client_id": key["client_id"], "domain": "example.com", "scopes": []}
    assert httpx.post(f"{control}/delegate", json=body, trust_env=False).is_success
    with pytest.raises(RefreshError, match="unauthorized_client"):
        signed_in(handle, key)
    body["scopes"] = [full_name(scope) for scope in SCOPES]
    assert httpx.post(f"{control}/delegate", json=body, trust_env=False).is_success
    policy = {"email": ZOE, "error": "access_denied", "description": "Account restricted"}
    assert httpx.post(f"{control}/refuse", json=policy, trust_env=False).is_success
    with pytest.raises(RefreshError, match="access_denied: Account restricted"):
        signed_in(handle, key)
    signed_in(handle, key, JURGEN)
    httpx.post(f"{control}/refuse", json={"email": ZOE, "error": None}, trust_env=False)
    signed_in(handle, key)


# Whose quota


def test_the_service_account_is_charged_for_everybody(handle: SimulatedHandle, key: Json) -> None:
    handle.google.meter.quota.per_user = 1
    signed_in(handle, key).calendar_list.list().execute()
    with pytest.raises(HttpError) as caught:
        signed_in(handle, key, JURGEN).calendar_list.list().execute()
    assert refusal(caught.value) == (403, "userRateLimitExceeded")
    assert set(handle.google.meter.users) == {ROBOT}


def test_whom_quota_user_names_is_charged_alone(handle: SimulatedHandle, key: Json) -> None:
    handle.google.meter.quota.per_user = 1
    for who, name in ((ZOE, "one"), (JURGEN, "two")):
        client = signed_in(handle, key, who)
        client.calendar_list.list(quotaUser=name).execute()
        with pytest.raises(HttpError) as caught:
            client.calendar_list.list(quotaUser=name).execute()
        assert refusal(caught.value) == (403, "userRateLimitExceeded")
    assert {name: each.peak for name, each in handle.google.meter.users.items()} == {
        "one": 2,
        "two": 2,
    }


def test_each_part_of_a_batch_is_charged_to_whom_it_names(
    handle: SimulatedHandle, key: Json
) -> None:
    client = signed_in(handle, key)
    made = client.calendars.insert(body={"summary": "A"}, quotaUser="one").execute()["id"]
    parts = [
        client.events.insert(calendarId=made, body=appointment(), quotaUser=name)
        for name in ("one", "two", "two")
    ]
    assert [error for _, error in client.batch(parts)] == [None] * 3
    assert {name: each.peak for name, each in handle.google.meter.users.items()} == {
        "one": 2,
        "two": 2,
    }


def test_a_quota_user_of_more_than_forty_characters_is_refused(
    handle: SimulatedHandle, key: Json
) -> None:
    with pytest.raises(HttpError) as caught:
        signed_in(handle, key).calendar_list.list(quotaUser="x" * 41).execute()
    assert refusal(caught.value) == (400, "invalid")
