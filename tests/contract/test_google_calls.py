"""Calls of the gateway: connections, batches, waiting and the end, against the simulated Google."""

import asyncio
import logging
import subprocess
import sys

import pytest

from companion.adapters.google.account import Token
from companion.adapters.google.service import GoogleGateway
from companion.domain.errors import BadInput, Offline, RateLimited, RemoteUnavailable
from companion.services.google.consents import CALENDAR_LIST
from companion.services.ports import DeleteEvent, PatchEvent
from tests.contract.calendar_world import event, insert, wanted_id
from tests.contract.google_world import NARROW, SimulatedWorld
from tests.fakes.clock import FakeClock
from tests.fakes.secrets import FakeSecrets
from tests.fakes.simulator import JURGEN, SYDNEY, ZOE
from tests.fakes.waiting import until


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
    calendar = await real.signed_in_calendar()
    await calendar.write([insert("a")])
    await calendar.write([insert("b"), insert("c")])
    counts = real.handle.google.counts
    assert counts.batches == 1
    assert counts.methods["events.insert"] == 3


async def test_every_write_forbids_google_to_e_mail_guests(real: SimulatedWorld) -> None:
    calendar = await real.signed_in_calendar()
    made = insert("a")
    await calendar.write([made])
    await calendar.write([PatchEvent(event_id=made.event_id, event=made.event, style=True)])
    await calendar.write([DeleteEvent(event_id=made.event_id)])
    counts = real.handle.google.counts
    assert {"events.insert", "events.patch", "events.delete"} <= set(counts.methods)
    assert counts.mailing == 0


async def test_calls_share_the_connection_of_their_thread(real: SimulatedWorld) -> None:
    calendar = await real.signed_in_calendar()
    opened = len(socket_ports(real))
    for number in range(10):
        await calendar.write([insert(f"k{number}")])
    assert len(socket_ports(real)) == opened == 1


def socket_ports(world: SimulatedWorld) -> set[int]:
    return set().union(*(line.http.open_ports() for line in world.gateway._threads._owned))


async def test_a_connection_the_server_closed_is_replaced_unseen(real: SimulatedWorld) -> None:
    calendar = await real.signed_in_calendar()
    real.handle.server.drop_connections()
    await until(lambda: not real.handle.server.connections)
    assert (await calendar.info()).name == "Appointments"


async def test_a_part_that_met_an_expired_token_is_sent_again_alone(real: SimulatedWorld) -> None:
    calendar = await real.signed_in_calendar()
    real.handle.api.faults.add(
        kind="status", status=401, match="batch-part", nth=2, reason="authError"
    )
    answers = await calendar.write([insert("a"), insert("b"), insert("c")])
    assert [getattr(each, "key", each) for each in answers] == ["a", "b", "c"]
    assert real.handle.google.counts.methods["events.insert"] == 4


async def test_google_asking_to_wait_gives_the_seconds(real: SimulatedWorld) -> None:
    calendar = await real.signed_in_calendar()
    real.handle.api.faults.add(kind="status", status=429, retry_after=9, times=1)
    [answer] = await calendar.write([insert()])
    assert isinstance(answer, RateLimited)
    assert answer.retry_after == 9
    real.handle.api.faults.add(kind="status", status=503, match="^POST /batch", times=1)
    with pytest.raises(RemoteUnavailable):
        await calendar.write([insert("a"), insert("b")])


async def test_nothing_is_tried_again_by_the_adapter(real: SimulatedWorld) -> None:
    calendar = await real.signed_in_calendar()
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
    calendar = await real.signed_in_calendar()
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
