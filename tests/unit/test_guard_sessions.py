"""How the guard lets a browser in, and the headers of every answer."""

from __future__ import annotations

import html
import re
from typing import Any

import httpx
import pytest

from companion.domain.tokens import token_hash
from companion.web.control import CONTROL_PATH, proof_of
from companion.web.launching import LaunchTokens
from tests.fakes.guard import HOST, ORIGIN, PORT, SECRET, Application, Scope


@pytest.fixture
def application() -> Application:
    return Application()


# ── launch token and the machine's cookie ─────────────────────────────────────────────────────


async def test_an_unknown_browser_sees_a_calm_page_and_nothing_else(
    application: Application,
) -> None:
    answer = await application.ask(known=False)
    assert answer.status_code == 403
    assert "open Calendar Companion itself first" in answer.text
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


async def test_a_launch_from_a_file_first_becomes_a_visit_from_here(
    application: Application,
) -> None:
    """With the visit from a file no SameSite=Strict cookie comes: a known browser would look new,
    and the page behind a redirect would not know the fresh cookie either."""
    token = application.launches.issue()
    address = f"/import?a=1&launch={token}"
    from_file = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    page = await application.ask(address, known=False, also=from_file)
    assert page.status_code == 200
    assert "set-cookie" not in page.headers
    assert f'content="0;url={html.escape(address)}"' in page.text
    here = await application.ask(address, known=False, sec_fetch_site="same-origin")
    assert (here.status_code, here.headers["location"]) == (303, "/import?a=1")


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
    host = (b"host", HOST.encode())
    sent = await application.raw([host], path="//evil.example/", query=f"launch={token}")
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


async def test_a_second_start_that_proves_the_secret_gets_a_launch_token(
    application: Application,
) -> None:
    async def ask(said: str) -> httpx.Response:
        return await application.ask(
            CONTROL_PATH, method="POST", known=False, authorization=f"Companion {said}"
        )

    nonce = "a" * 43
    asked = await ask(nonce)
    proof = proof_of("start", SECRET, PORT, nonce, asked.json()["nonce"])
    token = (await ask(f"{nonce} {proof}")).json()["token"]
    assert (await application.ask(f"/?launch={token}", known=False)).status_code == 303


async def test_the_control_path_gives_nothing_for_a_secret_that_is_sent(
    application: Application,
) -> None:
    answer = await application.ask(
        CONTROL_PATH, method="POST", known=False, authorization=f"Bearer {SECRET}"
    )
    assert (answer.status_code, answer.json()) == (403, {})


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
