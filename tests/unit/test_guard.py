"""The guard, rule by rule, against an app that counts how often it was reached."""

from __future__ import annotations

import httpx
import pytest

from companion.web.guard import Guard, Receive
from companion.web.launching import LaunchTokens
from companion.web.security_headers import Message, Send
from tests.fakes.guard import (
    HOST,
    ORIGIN,
    SECRET,
    Application,
    FakeCurrentUser,
    Inside,
    Machines,
    Scope,
)


@pytest.fixture
def application() -> Application:
    return Application()


# ── Host ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("host", [HOST, "localhost:8080", "[::1]:8080", "LOCALHOST:8080"])
async def test_each_loopback_name_with_our_port_is_let_in(
    application: Application, host: str
) -> None:
    answer = await application.ask(host=host)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8080",
        "127.0.0.1",
        "127.0.0.1:8081",
        "127.0.0.1:8080.evil.example",
        "localhost.evil.example:8080",
        "user@127.0.0.1:8080",
        "0.0.0.0:8080",
        "192.168.1.20:8080",
    ],
)
async def test_any_other_host_is_misdirected(application: Application, host: str) -> None:
    answer = await application.ask(host=host)
    assert answer.status_code == 421
    assert not application.inside.reached
    assert host not in answer.text


async def test_a_request_without_host_is_misdirected(application: Application) -> None:
    sent = await application.raw([(b"cookie", application.cookie["cookie"].encode())])
    assert sent[0]["status"] == 421


@pytest.mark.parametrize("name", [b"host", b"origin", b"sec-fetch-site"])
async def test_a_doubled_header_is_refused(application: Application, name: bytes) -> None:
    value = {b"host": HOST, b"origin": ORIGIN, b"sec-fetch-site": "same-origin"}[name].encode()
    others = [] if name == b"host" else [(b"host", HOST.encode())]
    cookie = (b"cookie", application.cookie["cookie"].encode())
    sent = await application.raw([*others, (name, value), (name, value), cookie])
    assert sent[0]["status"] == 400
    assert not application.inside.reached


async def test_port_80_may_be_left_unsaid() -> None:
    inside = Inside()
    guard = Guard(
        inside,
        port=80,
        launches=LaunchTokens(),
        machines=Machines(),
        current_user=FakeCurrentUser(),
        control_secret=SECRET,
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(guard)) as client:
        assert (await client.get("http://127.0.0.1/healthz")).status_code == 200


async def test_headers_of_a_proxy_never_reach_the_app(application: Application) -> None:
    await application.ask(
        x_forwarded_prefix="/evil",
        x_forwarded_host="evil.example",
        forwarded="for=203.0.113.7",
        x_real_ip="203.0.113.7",
    )
    names = [name for name, _ in application.inside.reached[0]["headers"]]
    assert not [
        name for name in names if name.startswith((b"x-forwarded", b"forwarded", b"x-real"))
    ]


# ── Origin and Sec-Fetch-Site ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_a_method_that_changes_something_needs_our_origin(
    application: Application, method: str
) -> None:
    assert (await application.ask("/files", method=method)).status_code == 403
    assert (await application.ask("/files", method=method, origin="null")).status_code == 403
    foreign = await application.ask("/files", method=method, origin="http://evil.example")
    assert foreign.status_code == 403
    assert (await application.ask("/files", method=method, origin=ORIGIN)).status_code == 200


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:8080",  # ours as well, yet another origin than this Host
        "https://127.0.0.1:8080",
        "http://127.0.0.1:8081",
        "http://127.0.0.1",
        "http://127.0.0.1:8080.evil.example",
    ],
)
async def test_the_origin_must_be_that_of_the_host(application: Application, origin: str) -> None:
    assert (await application.ask("/files", method="POST", origin=origin)).status_code == 403
    assert (await application.ask("/", origin=origin)).status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
async def test_a_post_the_browser_calls_foreign_is_refused(
    application: Application, site: str
) -> None:
    answer = await application.ask("/files", method="POST", origin=ORIGIN, sec_fetch_site=site)
    assert answer.status_code == 403


async def test_another_site_may_link_here_but_not_embed_or_read(application: Application) -> None:
    link = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}
    assert (await application.ask(also=link, sec_fetch_dest="document")).status_code == 200
    assert (await application.ask(also=link, sec_fetch_dest="iframe")).status_code == 403
    read = await application.ask(sec_fetch_site="cross-site", sec_fetch_mode="no-cors")
    assert read.status_code == 403


async def test_a_typed_address_and_our_own_requests_pass(application: Application) -> None:
    assert (await application.ask(sec_fetch_site="none")).status_code == 200
    own = await application.ask(sec_fetch_site="same-origin", sec_fetch_mode="cors")
    assert own.status_code == 200


# ── websockets ────────────────────────────────────────────────────────────────────────────────


_HOST = (b"host", HOST.encode())
_ORIGIN = (b"origin", ORIGIN.encode())


async def test_our_own_websocket_is_accepted(application: Application) -> None:
    assert await application.connect(_HOST, _ORIGIN) == "websocket.accept"
    assert application.inside.reached[0]["companion.user"] == "robin"


@pytest.mark.parametrize(
    "headers",
    [
        (_HOST,),
        (_HOST, (b"origin", b"http://evil.example")),
        (_HOST, (b"origin", b"null")),
        (_HOST, (b"origin", b"http://localhost:8080")),
        ((b"host", b"evil.example:8080"), (b"origin", b"http://evil.example:8080")),
        (_HOST, _ORIGIN, _ORIGIN),
        (_HOST, _HOST, _ORIGIN),
        (_HOST, _ORIGIN, (b"sec-fetch-site", b"cross-site")),
    ],
    ids=[
        "no origin",
        "foreign",
        "null",
        "other name",
        "rebound",
        "two origins",
        "two hosts",
        "site",
    ],
)
async def test_a_foreign_websocket_is_closed_before_the_app_sees_it(
    application: Application, headers: tuple[tuple[bytes, bytes], ...]
) -> None:
    assert await application.connect(*headers) == "websocket.close"
    assert not application.inside.reached


async def test_a_websocket_without_the_machines_cookie_is_closed(application: Application) -> None:
    assert await application.connect(_HOST, _ORIGIN, known=False) == "websocket.close"
    assert not application.inside.reached


async def test_what_a_websocket_sends_after_its_session_ended_reaches_nobody(
    application: Application,
) -> None:
    coming: list[Message] = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": "as Robin"},
        {"type": "websocket.receive", "text": "as nobody"},
        {"type": "websocket.disconnect", "code": 1001},
    ]
    heard: list[str] = []

    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        while (message := await receive())["type"] != "websocket.disconnect":
            heard.append(str(message.get("text", message["type"])))
            if len(heard) == 2:
                application.current_user.session_users.clear()

    async def receive() -> Message:
        return coming.pop(0)

    async def send(_message: Message) -> None:
        raise AssertionError("nothing is answered")

    application.guard.app = app
    cookie = (b"cookie", application.cookie["cookie"].encode())
    scope: Scope = {
        "type": "websocket",
        "path": "/_nicegui_ws/",
        "headers": [_HOST, _ORIGIN, cookie],
    }
    await application.guard(scope, receive, send)
    assert heard == ["websocket.connect", "as Robin"]
