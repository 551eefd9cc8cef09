"""The guard, rule by rule, against an app that counts how often it was reached."""

from __future__ import annotations

import json
import re
from collections.abc import MutableMapping
from typing import Any

import httpx
import pytest

from companion.domain.tokens import token_hash
from companion.web.current_user import SessionUser
from companion.web.guard import Guard
from companion.web.launching import CONTROL_PATH, LaunchTokens

PORT = 8080
HOST = f"127.0.0.1:{PORT}"
ORIGIN = f"http://{HOST}"
SECRET = "a-control-secret-of-sufficient-length-0123456789"
Scope = MutableMapping[str, Any]


class Machines:
    def __init__(self) -> None:
        self.known: set[str] = set()
        self.trouble: OSError | None = None

    def knows(self, hashed: str) -> bool:
        return hashed in self.known

    async def add(self, hashed: str) -> None:
        self.known.add(hashed)
        if self.trouble:
            raise self.trouble


class FakeCurrentUser:
    """Robin is signed in."""

    def __init__(self) -> None:
        robin = SessionUser(user_id="robin", session=token_hash("robins-session"))
        self.session_users = {robin.session: robin}
        self.seen_often: list[str] = []
        self.empty = False
        self.token = ""

    def session_user(self, hashed: str) -> SessionUser | None:
        return self.session_users.get(hashed)

    def seen(self, hashed: str) -> None:
        self.seen_often.append(hashed)

    def has_no_users(self) -> bool:
        return self.empty

    async def automatic_session(self) -> str | None:
        return self.token or None


class Inside:
    """The guarded app: remembers who came and answers with what it was told to."""

    def __init__(self) -> None:
        self.reached: list[Scope] = []
        self.body = b"<html><script>let a</script><script type='module'>let b</script></html>"
        self.headers: list[tuple[bytes, bytes]] = [(b"content-type", b"text/html; charset=utf-8")]

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        self.reached.append(scope)
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            return
        headers = [*self.headers, (b"content-length", str(len(self.body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        middle = len(self.body) // 2
        await send({"type": "http.response.body", "body": self.body[:middle], "more_body": True})
        await send({"type": "http.response.body", "body": self.body[middle:]})


class Application:
    def __init__(self) -> None:
        self.inside = Inside()
        self.machines = Machines()
        self.current_user = FakeCurrentUser()
        self.launches = LaunchTokens()
        self.guard = Guard(
            self.inside,
            port=PORT,
            launches=self.launches,
            machines=self.machines,
            current_user=self.current_user,
            control_secret=SECRET,
        )
        self.machines.known.add(token_hash("known-browser"))
        self.machine_cookie = f"{self.guard.cookie}=known-browser"
        self.user_cookie = f"{self.guard.user_cookie}=robins-session"
        self.cookie = {"cookie": f"{self.machine_cookie}; {self.user_cookie}"}

    async def ask(
        self,
        path: str = "/",
        *,
        method: str = "GET",
        known: bool = True,
        also: dict[str, str] | None = None,
        **headers: str,
    ) -> httpx.Response:
        """One request; `sec_fetch_site="…"` becomes that header."""
        sent = {"host": HOST} | {
            name.replace("_", "-"): value for name, value in {**(also or {}), **headers}.items()
        }
        if known:
            sent |= self.cookie
        transport = httpx.ASGITransport(self.guard)
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            return await client.request(method, path, headers=sent)

    async def raw(
        self,
        headers: list[tuple[bytes, bytes]],
        *,
        kind: str = "http",
        path: str = "/",
        query: str = "",
    ) -> list[MutableMapping[str, Any]]:
        """What the guard sends for exactly these headers."""
        scope: Scope = {
            "type": kind,
            "method": "GET",
            "path": path,
            "query_string": query.encode(),
            "headers": headers,
        }
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "websocket.connect" if kind == "websocket" else "http.request"}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        await self.guard(scope, receive, send)
        return sent

    async def connect(self, *extra: tuple[bytes, bytes], known: bool = True) -> str:
        """Open a websocket with these headers; the type of the first answer."""
        headers = [*extra]
        if known:
            headers.append((b"cookie", self.cookie["cookie"].encode()))
        return str((await self.raw(headers, kind="websocket", path="/_nicegui_ws/"))[0]["type"])


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
    await application.ask(x_forwarded_prefix="/evil", x_forwarded_host="evil.example")
    names = [name for name, _ in application.inside.reached[0]["headers"]]
    assert not [name for name in names if name.startswith(b"x-forwarded")]


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


# ── launch token and the machine's cookie ─────────────────────────────────────────────────────


async def test_an_unknown_browser_sees_a_calm_page_and_nothing_else(
    application: Application,
) -> None:
    answer = await application.ask(known=False)
    assert answer.status_code == 403
    assert "start Calendar Companion from the desktop" in answer.text
    assert not application.inside.reached


async def test_an_unknown_program_gets_plain_text(application: Application) -> None:
    answer = await application.ask("/data", known=False, sec_fetch_mode="cors")
    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("text/plain")


async def test_a_launch_token_becomes_a_cookie_and_leaves_the_address(
    application: Application,
) -> None:
    token = application.launches.issue()
    answer = await application.ask(f"/import?a=1&launch={token}&b=2", known=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/import?a=1&b=2"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"companion-machine-{PORT}=")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    value = cookie.partition("=")[2].partition(";")[0]
    assert value not in application.machines.known, "only the hash is kept"
    assert token_hash(value) in application.machines.known
    assert not application.inside.reached


async def test_a_launch_token_works_once(application: Application) -> None:
    token = application.launches.issue()
    assert (await application.ask(f"/?launch={token}", known=False)).status_code == 303
    assert (await application.ask(f"/?launch={token}", known=False)).status_code == 403


async def test_an_old_launch_token_is_refused() -> None:
    moment = 0.0
    launches = LaunchTokens(monotonic=lambda: moment)
    token = launches.issue()
    moment = 31 * 60.0
    assert not launches.take(token)


async def test_a_made_up_token_is_refused(application: Application) -> None:
    assert (await application.ask("/?launch=guess", known=False)).status_code == 403


async def test_a_known_browser_keeps_its_cookie_when_launched_again(
    application: Application,
) -> None:
    token = application.launches.issue()
    answer = await application.ask(f"/?launch={token}")
    assert answer.status_code == 303
    assert "set-cookie" not in answer.headers
    assert not application.launches.take(token), "it is spent all the same"


async def test_a_browser_that_only_fetches_ahead_does_not_spend_the_token(
    application: Application,
) -> None:
    token = application.launches.issue()
    ahead = await application.ask(
        f"/?launch={token}", known=False, sec_purpose="prefetch;prerender"
    )
    assert ahead.status_code == 503
    assert (await application.ask(f"/?launch={token}", known=False)).status_code == 303


async def test_the_clean_address_never_leaves_the_app(application: Application) -> None:
    token = application.launches.issue()
    sent = await application.raw([_HOST], path="//evil.example/", query=f"launch={token}")
    assert dict(sent[0]["headers"])[b"location"] == b"/evil.example/"


async def test_a_full_disk_does_not_keep_the_person_out(application: Application) -> None:
    application.machines.trouble = OSError("disk full")
    answer = await application.ask(f"/?launch={application.launches.issue()}", known=False)
    assert answer.status_code == 303


async def test_health_and_googles_way_back_need_no_cookie(application: Application) -> None:
    assert (await application.ask("/healthz", known=False)).status_code == 200
    back = await application.ask(
        "/oauth/callback?state=s&code=c",
        known=False,
        sec_fetch_site="cross-site",
        sec_fetch_mode="navigate",
        sec_fetch_dest="document",
    )
    assert back.status_code == 200
    assert [scope["companion.user"] for scope in application.inside.reached] == ["", ""]


# ── a second start ────────────────────────────────────────────────────────────────────────────


async def test_a_second_start_with_the_secret_gets_a_launch_address(
    application: Application,
) -> None:
    answer = await application.ask(
        CONTROL_PATH, method="POST", known=False, authorization=f"Bearer {SECRET}"
    )
    url = json.loads(answer.text)["url"]
    assert url.startswith(f"http://127.0.0.1:{PORT}/?launch=")
    launched = await application.ask(url.removeprefix(ORIGIN), known=False)
    assert launched.status_code == 303


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", f"Basic {SECRET}", SECRET])
async def test_the_control_path_refuses_a_wrong_secret(
    application: Application, given: str
) -> None:
    answer = await application.ask(CONTROL_PATH, method="POST", known=False, authorization=given)
    assert answer.status_code == 403
    assert "launch" not in answer.text


@pytest.mark.parametrize("header", [{"origin": ORIGIN}, {"sec_fetch_site": "same-origin"}])
async def test_no_browser_may_call_the_control_path(
    application: Application, header: dict[str, str]
) -> None:
    answer = await application.ask(
        CONTROL_PATH, method="POST", authorization=f"Bearer {SECRET}", also=header
    )
    assert answer.status_code == 403


async def test_the_control_path_wants_a_post(application: Application) -> None:
    answer = await application.ask(CONTROL_PATH, known=False, authorization=f"Bearer {SECRET}")
    assert answer.status_code == 405


# ── what every answer carries ─────────────────────────────────────────────────────────────────


async def test_every_answer_carries_the_security_headers(application: Application) -> None:
    for answer in (
        await application.ask(),
        await application.ask(known=False),
        await application.ask(host="evil.example"),
        await application.ask("/files", method="POST"),
    ):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "form-action 'self'" in policy
        assert "evil" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"


async def test_each_script_tag_carries_this_answers_own_nonce(application: Application) -> None:
    first, second = await application.ask(), await application.ask()
    nonces = []
    for answer in (first, second):
        found = re.search(r"'nonce-([^']+)'", answer.headers["content-security-policy"])
        assert found
        assert answer.text.count(f'<script nonce="{found[1]}"') == 2
        assert int(answer.headers["content-length"]) == len(answer.content)
        nonces.append(found[1])
    assert nonces[0] != nonces[1]


async def test_pages_are_not_kept_by_the_browser_but_files_may_be(application: Application) -> None:
    assert (await application.ask()).headers["cache-control"] == "no-store"
    application.inside.headers = [(b"content-type", b"text/css"), (b"cache-control", b"max-age=60")]
    assert (await application.ask("/static/app.css")).headers["cache-control"] == "max-age=60"


async def test_what_is_not_html_passes_byte_for_byte(application: Application) -> None:
    application.inside.headers = [(b"content-type", b"text/javascript")]
    answer = await application.ask("/x.js")
    assert answer.content == application.inside.body


async def test_the_lifespan_goes_straight_to_the_app(application: Application) -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    application.guard.app = app
    await application.raw([], kind="lifespan")
    assert seen == ["lifespan"]
