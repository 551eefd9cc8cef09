"""Tokens of the gateway: asked for, renewed, replaced and ended, against the simulated Google."""

import asyncio
import json
import os
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from companion.adapters.google.account import Token
from companion.domain.errors import Offline, SignInError, SignInExpired
from companion.sandbox.server import client_file
from tests.contract.calendar_world import insert
from tests.contract.google_world import BACK, NARROW, SimulatedWorld
from tests.fakes.simulator import SYDNEY, ZOE


async def test_the_request_is_for_a_desktop_program_with_pkce(real: SimulatedWorld) -> None:
    request = await real.google.begin_sign_in(redirect_uri=BACK, scopes=NARROW, login=ZOE)
    asked = {key: values[0] for key, values in parse_qs(urlsplit(request.url).query).items()}
    assert asked["code_challenge_method"] == "S256"
    assert len(request.code_verifier) >= 43
    assert request.code_verifier not in request.url
    assert asked["state"] == request.state
    assert (asked["access_type"], asked["prompt"]) == ("offline", "consent")
    assert asked["login_hint"] == ZOE
    assert asked["redirect_uri"] == BACK
    assert asked["scope"] == " ".join(NARROW)


async def test_another_verifier_than_the_challenges_is_refused(real: SimulatedWorld) -> None:
    request = await real.google.begin_sign_in(redirect_uri=BACK, scopes=NARROW, login="")
    answer = real.person.consents(request.url, ZOE)
    with pytest.raises(SignInError):
        await real.google.finish_sign_in(replace(request, code_verifier="x" * 64), answer)


async def test_plain_http_is_allowed_for_the_one_call_only(real: SimulatedWorld) -> None:
    await real.sign_in()
    assert "OAUTHLIB_INSECURE_TRANSPORT" not in os.environ
    assert "OAUTHLIB_RELAX_TOKEN_SCOPE" not in os.environ


async def test_a_silent_token_endpoint_is_offline_and_soon(real: SimulatedWorld) -> None:
    request = await real.google.begin_sign_in(redirect_uri=BACK, scopes=NARROW, login="")
    answer = real.person.consents(request.url, ZOE)
    real.handle.api.faults.add(kind="refuse", match="POST /token")
    with pytest.raises(Offline):
        await real.google.finish_sign_in(request, answer)


async def test_an_expired_token_is_renewed_once_for_many_calls(real: SimulatedWorld) -> None:
    calendar = await real.signed_in_calendar()
    with real.handle.lock:
        real.handle.api.grants.expire_access(ZOE)
    single = [calendar.write([insert(f"s{number}")]) for number in range(10)]
    batches = [calendar.write([insert(f"b{number}"), insert(f"c{number}")]) for number in range(10)]
    answers = await asyncio.gather(*single, *batches)
    assert all(getattr(each, "key", "") for answer in answers for each in answer)
    assert real.refreshes() == 1
    assert real.token.access_token in real.handle.api.grants.access


async def test_a_token_past_its_time_is_renewed_before_it_is_refused(real: SimulatedWorld) -> None:
    calendar = await real.signed_in_calendar()
    real.clock.shift(3590)
    real.handle.google.counts.clear()
    await calendar.info()
    assert real.handle.google.counts.answers == {"events.list 200": 1}
    assert real.token.renewed_at == real.clock.now()
    assert real.token.expires_at > real.clock.now() + timedelta(minutes=50)


async def test_a_renewed_token_serves_the_next_run_of_the_program(real: SimulatedWorld) -> None:
    await real.sign_in()
    info = await real.google.create_calendar("zoe", "Appointments", SYDNEY, "m")
    with real.handle.lock:
        real.handle.api.grants.expire_access(ZOE)
    await (await real.google.calendar("zoe", info.id)).info()
    await real.google.forget("zoe")
    before = real.refreshes()
    await (await real.google.calendar("zoe", info.id)).info()
    assert real.refreshes() == before


async def test_a_sign_in_of_another_process_is_taken_up(real: SimulatedWorld) -> None:
    calendar = await real.signed_in_calendar()
    with real.handle.lock:
        real.handle.api.grants.revoke(real.token.refresh_token)
    other = await real.sign_in(name="elsewhere")
    await real.secrets.put("google/token/zoe", other.token)
    await calendar.info()
    assert real.token.refresh_token == Token.from_json(other.token).refresh_token


@pytest.mark.parametrize("while_it_is_renewed", [False, True])
async def test_a_removed_sign_in_is_not_revived_by_a_renewal(
    real: SimulatedWorld, while_it_is_renewed: bool
) -> None:
    calendar = await real.signed_in_calendar()
    if while_it_is_renewed:
        real.secrets.elsewhere = lambda: real.secrets.remove("google/token/zoe")
    else:
        await real.secrets.remove("google/token/zoe")
    real.clock.shift(7200)
    with pytest.raises(SignInExpired):
        await calendar.info()
    assert "google/token/zoe" not in real.secrets.kept


async def test_a_sign_in_replaced_elsewhere_while_it_was_renewed_is_the_one_that_stays(
    real: SimulatedWorld,
) -> None:
    calendar = await real.signed_in_calendar()
    other = await real.sign_in(name="elsewhere")
    real.secrets.elsewhere = lambda: real.secrets.put("google/token/zoe", other.token)
    real.clock.shift(7200)
    await calendar.info()
    assert real.google.same_sign_in(real.secrets.kept["google/token/zoe"], other.token)


async def test_a_replaced_client_asks_to_sign_in_again(real: SimulatedWorld) -> None:
    await real.sign_in()
    info = await real.google.create_calendar("zoe", "Appointments", SYDNEY, "m")
    document = client_file(real.handle.base_url)
    document["installed"]["client_id"] = "another"
    await real.secrets.put("google/client", json.dumps(document))
    with pytest.raises(SignInExpired, match="client was replaced"):
        await real.google.calendar("zoe", info.id)


async def test_a_client_replaced_while_somebody_signs_in_is_said(real: SimulatedWorld) -> None:
    request = await real.google.begin_sign_in(redirect_uri=BACK, scopes=NARROW, login="")
    answer = real.person.consents(request.url, ZOE)
    document = client_file(real.handle.base_url)
    document["installed"]["client_id"] = "another"
    await real.secrets.put("google/client", json.dumps(document))
    with pytest.raises(SignInError, match="client was replaced"):
        await real.google.finish_sign_in(request, answer)


@pytest.mark.parametrize(("days", "testing"), [(7, True), (20, True), (3, False)])
async def test_a_sign_in_that_ended_with_its_seventh_day_says_testing(
    real: SimulatedWorld, days: int, testing: bool
) -> None:
    real.handle.api.grants.testing = testing
    await real.sign_in()
    info = await real.google.create_calendar("zoe", "Appointments", SYDNEY, "m")
    real.handle.api.clock.advance(timedelta(days=days))
    real.clock.shift(days * 86_400)
    if not testing:
        with real.handle.lock:
            real.handle.api.grants.revoke_account(ZOE)
    with pytest.raises(SignInExpired) as caught:
        await (await real.google.calendar("zoe", info.id)).info()
    assert ("Testing" in caught.value.what) is testing


async def test_a_sign_in_that_worked_longer_than_seven_days_is_not_blamed_on_testing(
    real: SimulatedWorld,
) -> None:
    calendar = await real.signed_in_calendar()
    for _day in range(9):
        real.handle.api.clock.advance(timedelta(days=1))
        real.clock.shift(86_400)
        await calendar.info()
    with real.handle.lock:
        real.handle.api.grants.revoke_account(ZOE)
    with pytest.raises(SignInExpired) as caught:
        await calendar.info()
    assert "Testing" not in caught.value.what
