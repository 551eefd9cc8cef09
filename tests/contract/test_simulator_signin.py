"""The simulated Google's sign-in, scopes and calendars, through Google's own libraries."""

import base64
import json
import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.oauth2.credentials import Credentials
from google_auth_oauthlib.flow import Flow
from oauthlib.oauth2 import OAuth2Error  # type: ignore[import-untyped] # ships no types

from companion.sandbox.access import full_name
from companion.sandbox.server import SimulatedHandle, client_file
from tests.fakes.simulator import (
    JURGEN,
    ZOE,
    appointment,
    client_for,
    connect,
    refused,
)

CALLBACK = "http://127.0.0.1:49321/oauth/callback"
WANTED = ("openid", "email", "calendar.events.owned", "calendar.calendarlist.readonly")


@pytest.fixture(autouse=True)
def _oauthlib_takes_a_local_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("OAUTHLIB_RELAX_TOKEN_SCOPE", "1")


def flow_for(handle: SimulatedHandle, scopes: Iterable[str] = WANTED) -> Flow:
    flow = Flow.from_client_config(
        client_file(handle.base_url),
        scopes=[full_name(scope) for scope in scopes],
        redirect_uri=CALLBACK,
    )
    flow.oauth2session.trust_env = False
    return flow


def consent_page(flow: Flow, **parameters: str) -> tuple[str, httpx.Response]:
    address, _ = flow.authorization_url(access_type="offline", prompt="consent", **parameters)
    return address, httpx.get(address, trust_env=False)


def decide(page: tuple[str, httpx.Response], **form: Any) -> str:
    """Submits the consent form as a browser would; gives the address it redirects to."""
    hidden = re.search(r'name="request" value="([^"]*)"', page[1].text)
    assert hidden is not None
    fields = {"request": hidden.group(1).replace("&amp;", "&"), "decision": "allow", **form}
    answer = httpx.post(page[0].split("?")[0], data=fields, trust_env=False)
    assert answer.status_code == 303
    return answer.headers["location"]


def sign_in(handle: SimulatedHandle, ticked: Iterable[str], email: str = ZOE) -> Flow:
    flow = flow_for(handle)
    location = decide(consent_page(flow), account=email, scope=list(ticked))
    flow.fetch_token(authorization_response=location, timeout=5)
    return flow


def renew(credentials: Credentials) -> None:
    credentials.refresh(Request())  # type: ignore[no-untyped-call] # google-auth is partly typed


def claims(token: str) -> dict[str, Any]:
    middle = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    return found


# Consent
def test_the_whole_sign_in_leads_to_a_working_calendar(handle: SimulatedHandle) -> None:
    flow = sign_in(handle, ["calendar.events.owned", "calendar.calendarlist.readonly"])
    assert flow.credentials.refresh_token
    client = client_for(handle, flow.credentials, timeout=5)
    client.insert(appointment("abcde"))
    assert client.calendar_list.list().execute()["items"][0]["id"] == ZOE
    told = claims(flow.credentials.id_token)
    assert (told["email"], told["email_verified"]) == (ZOE, True)
    assert told["sub"].isdigit()


def test_state_and_the_port_of_the_redirect_come_back(handle: SimulatedHandle) -> None:
    flow = flow_for(handle)
    page = consent_page(flow, state="abc123")
    location = urlsplit(decide(page, account=ZOE, scope=list(WANTED)))
    assert f"{location.scheme}://{location.netloc}{location.path}" == CALLBACK
    assert parse_qs(location.query)["state"] == ["abc123"]


def test_the_page_says_that_it_is_simulated_and_preselects_the_hinted_account(
    handle: SimulatedHandle,
) -> None:
    _, page = consent_page(flow_for(handle), login_hint=JURGEN)
    assert "Simulated Google – demo" in page.text
    assert page.text.count('type="radio"') == 2
    assert f'value="{JURGEN}" checked' in page.text
    assert f'value="{ZOE}" checked' not in page.text
    assert page.text.count('type="checkbox"') == 2


def test_cancel_sends_access_denied_back(handle: SimulatedHandle) -> None:
    location = decide(consent_page(flow_for(handle), state="s1"), decision="cancel")
    query = parse_qs(urlsplit(location).query)
    assert (query["error"], query["state"]) == (["access_denied"], ["s1"])


def test_an_unticked_scope_is_missing_from_the_grant_and_refused_later(
    handle: SimulatedHandle,
) -> None:
    flow = sign_in(handle, ["calendar.calendarlist.readonly"])
    granted = flow.oauth2session.token["scope"]
    assert full_name("calendar.events.owned") not in granted
    client = client_for(handle, flow.credentials, timeout=5)
    assert refused(lambda: client.insert(appointment())) == (403, "insufficientPermissions")
    assert len(client.calendar_list.list().execute()["items"]) == 1


@pytest.mark.parametrize(
    "redirect", ["https://example.com/back", "http://192.168.1.5:80/", "urn:ietf:wg:oauth:2.0:oob"]
)
def test_a_redirect_that_is_not_loopback_is_blocked(handle: SimulatedHandle, redirect: str) -> None:
    flow = flow_for(handle)
    flow.redirect_uri = redirect
    _, page = consent_page(flow)
    assert page.status_code == 400
    assert "redirect_uri_mismatch" in page.text
    assert 'name="decision"' not in page.text


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost:65000", "[::1]:8080"])
def test_any_loopback_address_and_port_is_served(handle: SimulatedHandle, host: str) -> None:
    flow = flow_for(handle)
    flow.redirect_uri = f"http://{host}/any/path"
    assert consent_page(flow)[1].status_code == 200


def test_an_unknown_client_or_scope_is_blocked(handle: SimulatedHandle) -> None:
    address, _ = flow_for(handle).authorization_url()
    for wrong in (
        address.replace("client_id=", "client_id=x"),
        address.replace("calendar.events.owned", "calendar.everything"),
        address.replace("code_challenge_method=S256", "code_challenge_method=plain"),
        address.replace("response_type=code", "response_type=token"),
    ):
        page = httpx.get(wrong, trust_env=False)
        assert page.status_code in {400, 401}
        assert "Access blocked" in page.text


def test_consent_can_be_automatic_for_tests(handle: SimulatedHandle) -> None:
    handle.api.auto_consent = ZOE
    flow = flow_for(handle)
    _, answer = consent_page(flow)
    assert answer.status_code == 303
    flow.fetch_token(authorization_response=answer.headers["location"], timeout=5)
    assert flow.credentials.refresh_token


# Tokens
def test_a_wrong_verifier_or_a_used_code_is_refused(handle: SimulatedHandle) -> None:
    flow = flow_for(handle)
    location = decide(consent_page(flow), account=ZOE, scope=list(WANTED))
    flow.code_verifier = "x" * 60
    with pytest.raises(OAuth2Error, match="invalid_grant"):
        flow.fetch_token(authorization_response=location, timeout=5)
    again = flow_for(handle)
    location = decide(consent_page(again), account=ZOE, scope=list(WANTED))
    again.fetch_token(authorization_response=location, timeout=5)
    with pytest.raises(OAuth2Error, match="invalid_grant"):
        again.fetch_token(authorization_response=location, timeout=5)


def test_a_second_silent_consent_brings_no_refresh_token(handle: SimulatedHandle) -> None:
    sign_in(handle, WANTED)
    flow = flow_for(handle)
    address, _ = flow.authorization_url(access_type="offline")
    page = (address, httpx.get(address, trust_env=False))
    flow.fetch_token(
        authorization_response=decide(page, account=ZOE, scope=list(WANTED)), timeout=5
    )
    assert flow.credentials.refresh_token is None


def test_an_expired_access_token_answers_401_and_is_renewed_by_the_refresh_token(
    handle: SimulatedHandle,
) -> None:
    client = connect(handle)
    token = client.credentials.token
    handle.api.clock.advance(timedelta(hours=1))
    listed = f"{handle.base_url}/calendar/v3/calendars/primary/events"
    stale = httpx.get(listed, headers={"Authorization": f"Bearer {token}"}, trust_env=False)
    assert stale.json()["error"]["errors"][0]["reason"] == "authError"
    assert stale.status_code == 401
    assert httpx.get(listed, trust_env=False).status_code == 401
    client.insert(appointment("abcde"))
    assert client.credentials.token != token


@pytest.mark.parametrize("way", ["revoked", "testing", "withdrawn", "unused"])
def test_a_dead_refresh_token_answers_invalid_grant(handle: SimulatedHandle, way: str) -> None:
    credentials = connect(handle).credentials
    if way == "revoked":
        form = {"token": credentials.refresh_token}
        answer = httpx.post(f"{handle.base_url}/revoke", data=form, trust_env=False)
        assert answer.status_code == 200
    elif way == "testing":
        handle.api.grants.testing = True
        handle.api.clock.advance(timedelta(days=6, hours=23))
        renew(credentials)
        handle.api.clock.advance(timedelta(hours=1))
    elif way == "withdrawn":
        assert handle.api.grants.revoke_account(ZOE) == 1
    else:
        handle.api.clock.advance(timedelta(days=183))
    with pytest.raises(RefreshError, match="invalid_grant"):
        renew(credentials)


def test_revoking_ends_the_access_token_too(handle: SimulatedHandle) -> None:
    client = connect(handle)
    revoke = f"{handle.base_url}/revoke"
    httpx.post(revoke, data={"token": client.credentials.token}, trust_env=False)
    with pytest.raises(RefreshError, match="invalid_grant"):
        client.insert(appointment())
    assert httpx.post(revoke, data={"token": "unknown"}, trust_env=False).status_code == 400


def test_revoking_one_token_ends_every_grant_of_account_and_client(handle: SimulatedHandle) -> None:
    first, second, other = connect(handle), connect(handle), connect(handle, JURGEN)
    form = {"token": first.credentials.refresh_token}
    httpx.post(f"{handle.base_url}/revoke", data=form, trust_env=False)
    with pytest.raises(RefreshError, match="invalid_grant"):
        renew(second.credentials)
    renew(other.credentials)


def test_of_more_than_a_hundred_tokens_the_oldest_ends_without_a_word(
    handle: SimulatedHandle,
) -> None:
    clients = [connect(handle) for _ in range(101)]
    with pytest.raises(RefreshError, match="invalid_grant"):
        renew(clients[0].credentials)
    renew(clients[1].credentials)
    renew(clients[100].credentials)


@pytest.mark.parametrize("block", ["admin_policy_enforced", "org_internal", "access_denied"])
def test_a_consent_can_be_blocked_on_googles_own_page_or_sent_back(
    handle: SimulatedHandle, block: str
) -> None:
    handle.api.consent_block = block
    _, shown = consent_page(flow_for(handle))
    assert block in shown.text
    assert "location" not in shown.headers
    handle.api.consent_block = f"redirected:{block}"
    _, sent = consent_page(flow_for(handle))
    assert parse_qs(urlsplit(sent.headers["location"]).query)["error"] == [block]


def test_user_information_names_the_account(handle: SimulatedHandle) -> None:
    flow = sign_in(handle, [])
    headers = {"Authorization": f"Bearer {flow.credentials.token}"}
    answer = httpx.get(
        f"{handle.base_url}/oauth2/v3/userinfo", headers=headers, trust_env=False
    ).json()
    assert answer["email"] == ZOE
