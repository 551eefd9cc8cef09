"""Signing in, tokens and calendars: the gateway against the simulated Google, over real sockets.

Tests with the parameter run on the fake gateway too, so that the services' tests may trust it.
"""

import asyncio
import http.client
import json
import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from companion.adapters.google.account import Token
from companion.adapters.google.service import GoogleGateway
from companion.domain.errors import (
    BadInput,
    CalendarGone,
    ClientFileMissing,
    Offline,
    RateLimited,
    RemoteUnavailable,
    ScopeMissing,
    SignInDenied,
    SignInError,
    SignInExpired,
)
from companion.sandbox.server import SimulatedHandle, client_file
from companion.services.google.consents import APP_CREATED, CALENDAR_LIST, EVENTS_OWNED, IDENTITY
from companion.services.ports import DeleteEvent, Google, PatchEvent, SignedIn
from tests.contract.test_remote_calendar import event, insert, wanted_id
from tests.fakes.clock import FakeClock
from tests.fakes.google import FakeGoogle
from tests.fakes.secrets import FakeSecrets
from tests.fakes.simulator import JURGEN, SYDNEY, ZOE, simulated_google
from tests.fakes.waiting import until

BACK = "http://127.0.0.1:54321/oauth/callback"
NARROW = (*IDENTITY, APP_CREATED)


class Person(Protocol):
    """Somebody at Google's consent page; answers where the browser is sent."""

    def consents(self, url: str, account: str, untick: str = "") -> str: ...
    def cancels(self, url: str) -> str: ...


@dataclass
class PersonAtFake:
    google: FakeGoogle

    def consents(self, url: str, account: str, untick: str = "") -> str:
        return self.google.consent(url, account, untick=[untick])

    def cancels(self, url: str) -> str:
        return self.google.refuse(url)


@dataclass
class PersonAtPage:
    """Posts the consent page's form."""

    base_url: str

    def consents(self, url: str, account: str, untick: str = "") -> str:
        asked = urlsplit(url).query
        scopes = parse_qs(asked)["scope"][0].split()
        ticked = [each.rpartition("/")[2] for each in scopes if each != untick]
        form = [("request", asked), ("account", account), ("decision", "allow")]
        return self._post([*form, *(("scope", each) for each in ticked)])

    def cancels(self, url: str) -> str:
        return self._post([("request", urlsplit(url).query), ("decision", "cancel")])

    def _post(self, form: list[tuple[str, str]]) -> str:
        parts = urlsplit(self.base_url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=5)
        try:
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", "/o/oauth2/v2/auth", urlencode(form), headers)
            response = connection.getresponse()
            response.read()
            assert response.status == 303, response.status
            return response.getheader("Location") or ""
        finally:
            connection.close()


@dataclass
class World:
    google: Google
    person: Person
    secrets: FakeSecrets

    async def sign_in(
        self, account: str = ZOE, scopes: tuple[str, ...] = NARROW, name: str = "zoe"
    ) -> SignedIn:
        request = await self.google.begin_sign_in(redirect_uri=BACK, scopes=scopes, login="")
        answer = self.person.consents(request.url, account)
        signed_in = await self.google.finish_sign_in(request, answer)
        await self.secrets.put(f"google/token/{name}", signed_in.token)
        return signed_in


@dataclass
class SimulatedWorld(World):
    handle: SimulatedHandle
    clock: FakeClock
    gateway: GoogleGateway

    @property
    def token(self) -> Token:
        return Token.from_json(self.secrets.kept["google/token/zoe"])

    def refreshes(self) -> int:
        return len(self.handle.api.grants.access)


@asynccontextmanager
async def simulated() -> AsyncIterator[SimulatedWorld]:
    secrets = FakeSecrets()
    with simulated_google() as handle:
        clock = FakeClock(handle.api.clock(), auto=False)
        await secrets.put("google/client", json.dumps(client_file(handle.base_url)))
        google = GoogleGateway(
            secrets=secrets,
            clock=clock,
            api_root=handle.base_url,
            threads=4,
            timeout=3.0,
        )
        try:
            yield SimulatedWorld(
                google=google,
                gateway=google,
                person=PersonAtPage(handle.base_url),
                secrets=secrets,
                handle=handle,
                clock=clock,
            )
        finally:
            google.close()


@pytest.fixture
async def real() -> AsyncIterator[SimulatedWorld]:
    async with simulated() as world:
        yield world


@pytest.fixture(params=["fake", "google"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    if request.param == "google":
        async with simulated() as made:
            yield made
        return
    secrets = FakeSecrets()
    await secrets.put("google/client", json.dumps({"installed": {"project_id": "p"}}))
    fake = FakeGoogle(secrets=secrets)
    yield World(google=fake, person=PersonAtFake(fake), secrets=secrets)


# ── signing in ────────────────────────────────────────────────────────────────────────────────


async def test_a_sign_in_gives_account_and_granted_scopes(world: World) -> None:
    signed_in = await world.sign_in()
    assert signed_in.account == ZOE
    assert APP_CREATED in signed_in.granted_scopes


async def test_an_unticked_scope_is_seen_in_what_was_granted(world: World) -> None:
    request = await world.google.begin_sign_in(redirect_uri=BACK, scopes=NARROW, login="")
    answer = world.person.consents(request.url, ZOE, untick=APP_CREATED)
    signed_in = await world.google.finish_sign_in(request, answer)
    assert APP_CREATED not in signed_in.granted_scopes
    assert signed_in.account == ZOE


async def test_cancelling_at_google_is_reported_as_that(world: World) -> None:
    request = await world.google.begin_sign_in(redirect_uri=BACK, scopes=NARROW, login="")
    with pytest.raises(SignInDenied):
        await world.google.finish_sign_in(request, world.person.cancels(request.url))


async def test_the_answer_of_another_sign_in_is_refused(world: World) -> None:
    first = await world.google.begin_sign_in(redirect_uri=BACK, scopes=NARROW, login="")
    second = await world.google.begin_sign_in(redirect_uri=BACK, scopes=NARROW, login="")
    with pytest.raises(SignInError):
        await world.google.finish_sign_in(second, world.person.consents(first.url, ZOE))


async def test_a_code_works_once(world: World) -> None:
    request = await world.google.begin_sign_in(redirect_uri=BACK, scopes=NARROW, login="")
    answer = world.person.consents(request.url, ZOE)
    await world.google.finish_sign_in(request, answer)
    with pytest.raises(SignInError):
        await world.google.finish_sign_in(request, answer)


async def test_without_a_client_file_there_is_no_sign_in(world: World) -> None:
    await world.secrets.remove("google/client")
    with pytest.raises(ClientFileMissing):
        await world.google.begin_sign_in(redirect_uri=BACK, scopes=NARROW, login="")


async def test_without_a_sign_in_there_is_no_calendar(world: World) -> None:
    with pytest.raises(SignInExpired):
        await world.google.calendar("nobody", "primary")


async def test_a_discarded_sign_in_is_of_no_use_afterwards(world: World) -> None:
    signed_in = await world.sign_in()
    info = await world.google.create_calendar("zoe", "Appointments", SYDNEY, "mark-1")
    await world.google.discard(signed_in)
    await world.google.discard(signed_in)
    await world.google.forget("zoe")

    async def look() -> None:
        calendar = await world.google.calendar("zoe", info.id)
        await calendar.info()

    with pytest.raises(SignInExpired):
        await look()


async def test_revoking_twice_and_revoking_nothing_are_fine(world: World) -> None:
    await world.sign_in()
    await world.google.revoke("zoe")
    await world.google.revoke("zoe")
    await world.google.revoke("nobody")


# ── calendars ─────────────────────────────────────────────────────────────────────────────────


async def test_a_created_calendar_can_be_written_to(world: World) -> None:
    await world.sign_in()
    info = await world.google.create_calendar("zoe", "Appointments", SYDNEY, "mark-1")
    assert (info.name, info.access_role, info.timezone) == ("Appointments", "owner", SYDNEY)
    calendar = await world.google.calendar("zoe", info.id)
    assert (await calendar.info()).name == "Appointments"


async def test_a_created_calendar_is_found_by_its_mark_where_the_list_may_be_seen(
    world: World,
) -> None:
    await world.sign_in(scopes=(*NARROW, CALENDAR_LIST))
    made = await world.google.create_calendar("zoe", "Appointments", SYDNEY, "companion-1")
    [found] = await world.google.marked_calendars("zoe")
    assert (found.info.id, found.mark) == (made.id, "companion-1")


@pytest.mark.unpermitted
async def test_the_narrow_permission_does_not_open_the_list_of_calendars(world: World) -> None:
    await world.sign_in()
    with pytest.raises(ScopeMissing):
        await world.google.marked_calendars("zoe")


async def test_a_deleted_calendar_is_gone_and_deleting_it_again_is_fine(world: World) -> None:
    await world.sign_in()
    made = await world.google.create_calendar("zoe", "Appointments", SYDNEY, "mark-1")
    await world.google.delete_calendar("zoe", made.id)
    await world.google.delete_calendar("zoe", made.id)
    calendar = await world.google.calendar("zoe", made.id)
    with pytest.raises(CalendarGone):
        await calendar.info()


@pytest.mark.unpermitted
async def test_the_list_of_calendars_needs_its_own_permission(world: World) -> None:
    await world.sign_in(scopes=(*IDENTITY, EVENTS_OWNED))
    with pytest.raises(ScopeMissing):
        await world.google.calendars("zoe")
    await world.google.forget("zoe")
    await world.sign_in(scopes=(*IDENTITY, EVENTS_OWNED, CALENDAR_LIST))
    assert all(each.access_role for each in await world.google.calendars("zoe"))


async def test_the_primary_calendar_is_in_the_list(real: SimulatedWorld) -> None:
    await real.sign_in(scopes=(*IDENTITY, EVENTS_OWNED, CALENDAR_LIST))
    [primary] = await real.google.calendars("zoe")
    assert (primary.id, primary.primary) == (ZOE, True)


# ── the adapter alone: the request, tokens, the network ───────────────────────────────────────


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
    await real.sign_in()
    info = await real.google.create_calendar("zoe", "Appointments", SYDNEY, "m")
    calendar = await real.google.calendar("zoe", info.id)
    with real.handle.lock:
        real.handle.api.grants.expire_access(ZOE)
    single = [calendar.write([insert(f"s{number}")]) for number in range(10)]
    batches = [calendar.write([insert(f"b{number}"), insert(f"c{number}")]) for number in range(10)]
    answers = await asyncio.gather(*single, *batches)
    assert all(getattr(each, "key", "") for answer in answers for each in answer)
    assert real.refreshes() == 1
    assert real.token.access_token in real.handle.api.grants.access


async def test_a_token_past_its_time_is_renewed_before_it_is_refused(real: SimulatedWorld) -> None:
    await real.sign_in()
    info = await real.google.create_calendar("zoe", "Appointments", SYDNEY, "m")
    calendar = await real.google.calendar("zoe", info.id)
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
    await real.sign_in()
    info = await real.google.create_calendar("zoe", "Appointments", SYDNEY, "m")
    calendar = await real.google.calendar("zoe", info.id)
    with real.handle.lock:
        real.handle.api.grants.revoke(real.token.refresh_token)
    other = await real.sign_in(name="elsewhere")
    await real.secrets.put("google/token/zoe", other.token)
    await calendar.info()
    assert real.token.refresh_token == Token.from_json(other.token).refresh_token


async def test_a_removed_sign_in_is_not_revived_by_a_renewal(real: SimulatedWorld) -> None:
    await real.sign_in()
    info = await real.google.create_calendar("zoe", "Appointments", SYDNEY, "m")
    calendar = await real.google.calendar("zoe", info.id)
    await real.secrets.remove("google/token/zoe")
    real.clock.shift(7200)
    with pytest.raises(SignInExpired):
        await calendar.info()
    assert "google/token/zoe" not in real.secrets.kept


async def test_a_replaced_client_asks_to_sign_in_again(real: SimulatedWorld) -> None:
    await real.sign_in()
    info = await real.google.create_calendar("zoe", "Appointments", SYDNEY, "m")
    document = client_file(real.handle.base_url)
    document["installed"]["client_id"] = "another"
    await real.secrets.put("google/client", json.dumps(document))
    with pytest.raises(SignInExpired, match="client was replaced"):
        await real.google.calendar("zoe", info.id)


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
    await real.sign_in()
    info = await real.google.create_calendar("zoe", "Appointments", SYDNEY, "m")
    calendar = await real.google.calendar("zoe", info.id)
    for _day in range(9):
        real.handle.api.clock.advance(timedelta(days=1))
        real.clock.shift(86_400)
        await calendar.info()
    with real.handle.lock:
        real.handle.api.grants.revoke_account(ZOE)
    with pytest.raises(SignInExpired) as caught:
        await calendar.info()
    assert "Testing" not in caught.value.what


async def test_a_lost_answer_is_never_sent_again_behind_our_back(real: SimulatedWorld) -> None:
    """httplib2 would repeat the request, and there would be two calendars."""
    await real.sign_in(scopes=(*NARROW, CALENDAR_LIST))
    real.handle.api.faults.add(kind="timeout_after", match=r"^POST /calendar/v3/calendars", times=1)
    with pytest.raises(Offline):
        await real.google.create_calendar("zoe", "Appointments", SYDNEY, "companion-1")
    made = [each for each in real.handle.google.calendars.values() if not each.primary]
    assert len(made) == 1
    [found] = await real.google.marked_calendars("zoe")
    assert found.info.id == made[0].id


async def test_the_calendar_of_a_self_test_is_none_of_ours_to_keep(real: SimulatedWorld) -> None:
    await real.sign_in(scopes=(*NARROW, CALENDAR_LIST))
    await real.google.create_calendar("zoe", "Test", SYDNEY, "companion-selftest-1")
    assert await real.google.marked_calendars("zoe") == []


async def test_single_calls_and_batches_both_go_where_we_say(real: SimulatedWorld) -> None:
    await real.sign_in()
    info = await real.google.create_calendar("zoe", "Appointments", SYDNEY, "m")
    calendar = await real.google.calendar("zoe", info.id)
    await calendar.write([insert("a")])
    await calendar.write([insert("b"), insert("c")])
    counts = real.handle.google.counts
    assert counts.batches == 1
    assert counts.methods["events.insert"] == 3


async def test_every_write_forbids_google_to_e_mail_guests(real: SimulatedWorld) -> None:
    await real.sign_in()
    info = await real.google.create_calendar("zoe", "Appointments", SYDNEY, "m")
    calendar = await real.google.calendar("zoe", info.id)
    made = insert("a")
    await calendar.write([made])
    await calendar.write([PatchEvent(event_id=made.event_id, event=made.event, style=True)])
    await calendar.write([DeleteEvent(event_id=made.event_id)])
    counts = real.handle.google.counts
    assert {"events.insert", "events.patch", "events.delete"} <= set(counts.methods)
    assert counts.mailing == 0


async def test_calls_share_the_connection_of_their_thread(real: SimulatedWorld) -> None:
    await real.sign_in()
    info = await real.google.create_calendar("zoe", "Appointments", SYDNEY, "m")
    calendar = await real.google.calendar("zoe", info.id)
    opened = len(socket_ports(real))
    for number in range(10):
        await calendar.write([insert(f"k{number}")])
    assert len(socket_ports(real)) == opened == 1


def socket_ports(world: SimulatedWorld) -> set[int]:
    return set().union(*(line.http.open_ports() for line in world.gateway._threads._owned))


async def test_a_connection_the_server_closed_is_replaced_unseen(real: SimulatedWorld) -> None:
    await real.sign_in()
    info = await real.google.create_calendar("zoe", "Appointments", SYDNEY, "m")
    calendar = await real.google.calendar("zoe", info.id)
    real.handle.server.drop_connections()
    await until(lambda: not real.handle.server.connections)
    assert (await calendar.info()).name == "Appointments"


async def test_a_part_that_met_an_expired_token_is_sent_again_alone(real: SimulatedWorld) -> None:
    await real.sign_in()
    info = await real.google.create_calendar("zoe", "Appointments", SYDNEY, "m")
    calendar = await real.google.calendar("zoe", info.id)
    real.handle.api.faults.add(
        kind="status", status=401, match="batch-part", nth=2, reason="authError"
    )
    answers = await calendar.write([insert("a"), insert("b"), insert("c")])
    assert [getattr(each, "key", each) for each in answers] == ["a", "b", "c"]
    assert real.handle.google.counts.methods["events.insert"] == 4


async def test_google_asking_to_wait_gives_the_seconds(real: SimulatedWorld) -> None:
    await real.sign_in()
    info = await real.google.create_calendar("zoe", "Appointments", SYDNEY, "m")
    calendar = await real.google.calendar("zoe", info.id)
    real.handle.api.faults.add(kind="status", status=429, retry_after=9, times=1)
    [answer] = await calendar.write([insert()])
    assert isinstance(answer, RateLimited)
    assert answer.retry_after == 9
    real.handle.api.faults.add(kind="status", status=503, match="^POST /batch", times=1)
    with pytest.raises(RemoteUnavailable):
        await calendar.write([insert("a"), insert("b")])


async def test_nothing_is_tried_again_by_the_adapter(real: SimulatedWorld) -> None:
    await real.sign_in()
    info = await real.google.create_calendar("zoe", "Appointments", SYDNEY, "m")
    calendar = await real.google.calendar("zoe", info.id)
    for status in (403, 429, 500, 503):
        real.handle.google.counts.clear()
        real.handle.api.faults.clear()
        real.handle.api.faults.add(kind="status", status=status)
        await calendar.write([insert()])
        assert real.handle.google.counts.requests == 1


async def test_two_practitioners_never_use_each_others_token(real: SimulatedWorld) -> None:
    await real.sign_in()
    await real.sign_in(JURGEN, name="jurgen")
    for name in ("zoe", "jurgen"):
        info = await real.google.create_calendar(name, name, SYDNEY, f"mark-{name}")
        calendar = await real.google.calendar(name, info.id)
        await asyncio.gather(*(calendar.write([insert(f"k{n}")]) for n in range(8)))
    accounts = real.handle.google.counts.accounts
    assert accounts[ZOE] == accounts[JURGEN]


async def test_no_log_line_holds_a_token_a_name_or_an_address(
    real: SimulatedWorld, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        signed_in = await real.sign_in()
        info = await real.google.create_calendar("zoe", "Appointments", SYDNEY, "m")
        calendar = await real.google.calendar("zoe", info.id)
        with real.handle.lock:
            real.handle.api.grants.expire_access(ZOE)
        real.handle.api.faults.add(kind="status", status=403, reason="forbidden", nth=3)
        for key in "abcd":
            await calendar.write([insert(key)])
        await calendar.list_ours(None, None)
    token = Token.from_json(signed_in.token)
    for secret in (token.refresh_token, token.access_token, ZOE, event().summary, wanted_id()):
        assert secret not in caplog.text


async def test_no_work_is_left_behind_when_the_gateway_closes(real: SimulatedWorld) -> None:
    await real.sign_in()
    info = await real.google.create_calendar("zoe", "Appointments", SYDNEY, "m")
    calendar = await real.google.calendar("zoe", info.id)
    real.handle.api.latency = 30.0
    before = real.handle.google.counts.requests
    hanging = asyncio.ensure_future(calendar.write([insert()]))
    await until(lambda: real.handle.google.counts.requests > before)
    real.gateway.close()
    with pytest.raises(Offline):
        await asyncio.wait_for(hanging, 3)


@pytest.mark.parametrize("root", ["http://calendar.example.com/", "ftp://127.0.0.1", "nonsense"])
def test_an_api_address_that_would_carry_tokens_in_clear_is_refused(root: str) -> None:
    with pytest.raises(BadInput, match="COMPANION_GOOGLE_API"):
        GoogleGateway(secrets=FakeSecrets(), clock=FakeClock(), api_root=root)


@pytest.fixture(scope="module")
def modules_loaded() -> set[str]:
    code = (
        "import sys; from companion.adapters.google.service import GoogleGateway;"
        "from companion.services.google.connecting import Connecting;"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "library", ["googleapiclient", "google.auth", "httplib2", "requests", "oauthlib"]
)
def test_googles_libraries_are_not_loaded_before_they_are_needed(
    modules_loaded: set[str], library: str
) -> None:
    assert library not in modules_loaded
