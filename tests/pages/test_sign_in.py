"""Signing in and out as the app is served: cookies, the way back, who may begin at Google."""

from __future__ import annotations

from collections.abc import AsyncIterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest

from companion.domain.users import Role
from tests.fakes.services import PASSWORD, fake_application, lived_in, the_sample
from tests.pages.browsing import ORIGIN, PORT, ZOE, Browser, serving

USER_COOKIE = f"companion-user-{PORT}"
NEXT = "pepper lantern quay"


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    async with serving(fake_application(the_sample()), tmp_path) as browser:
        yield browser


async def test_the_sign_in_page_needs_a_launch_first(browser: Browser) -> None:
    for ask in (browser.http.get("/sign-in"), browser.sign_in("Alex")):
        answer = await ask
        assert answer.status_code == 403
        assert "password" not in answer.text
    assert USER_COOKIE not in browser.http.cookies


async def test_a_known_browser_is_led_to_the_sign_in_and_back(browser: Browser) -> None:
    await browser.be_known()
    answer = await browser.http.get("/practice?a=1")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?to=%2Fpractice%3Fa%3D1"
    page = await browser.http.get(answer.headers["location"])
    assert page.status_code == 200
    assert 'value="/practice?a=1"' in page.text
    signed_in = await browser.sign_in("alex", to="/practice?a=1")
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/practice?a=1")
    cookie = signed_in.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Max-Age" not in cookie
    assert (await browser.http.get("/practice")).status_code == 200


@pytest.mark.parametrize(
    "to", ["https://evil.example/", "//evil.example", "/\\evil.example", "", "/sign-out", "/a\nb"]
)
async def test_the_way_back_is_a_path_of_ours(browser: Browser, to: str) -> None:
    await browser.be_known()
    assert (await browser.sign_in("Alex", to=to)).headers["location"] == "/"


async def test_a_wrong_password_is_said_at_its_field_and_the_name_kept(browser: Browser) -> None:
    await browser.be_known()
    answer = await browser.sign_in('Rob"><script>in', "wrong wrong wrong")
    assert answer.status_code == 403
    assert "do not belong together" in answer.text
    assert "<script>" not in answer.text
    assert "wrong wrong" not in answer.text
    assert USER_COOKIE not in browser.http.cookies


async def test_only_a_page_is_redirected_to_the_sign_in(browser: Browser) -> None:
    await browser.be_known()
    for path in ("/files/incoming", "/account"):
        assert (await browser.post(path)).status_code == 401
    answer = await browser.http.get("/practice", headers={"sec-fetch-mode": "cors"})
    assert answer.status_code == 401


async def test_signing_out_ends_the_session_not_only_the_cookie(browser: Browser) -> None:
    await browser.launch()
    kept = browser.http.cookies[USER_COOKIE]
    answer = await browser.post("/sign-out")
    assert answer.headers["location"] == "/sign-in?ended=1"
    browser.http.cookies.set(USER_COOKIE, kept)
    assert (await browser.http.get("/")).status_code == 303


async def test_a_link_elsewhere_cannot_sign_anybody_out(browser: Browser) -> None:
    await browser.launch()
    answer = await browser.http.post("/sign-out", headers={"origin": "http://evil.example"})
    assert answer.status_code == 403
    assert (await browser.http.get("/")).status_code == 200


async def test_idling_signs_out_and_using_the_app_does_not(tmp_path: Path) -> None:
    application = await lived_in()
    async with serving(application, tmp_path) as browser:
        await browser.launch()
        for _ in range(3):
            await application.clock.sleep(20 * 60)
            assert (await browser.http.get("/practice")).status_code == 200
        await application.clock.sleep(31 * 60)
        assert (await browser.http.get("/practice")).headers["location"].startswith("/sign-in")


async def test_what_a_page_loads_by_itself_does_not_keep_the_session(browser: Browser) -> None:
    await browser.launch()
    for _ in range(2):
        await browser.application.clock.sleep(20 * 60)
        await browser.http.get("/_nicegui_ws/socket.io/?EIO=4&transport=polling")
    assert (await browser.http.get("/practice")).status_code == 303


async def test_the_own_password_is_changed_and_ends_the_other_sessions(browser: Browser) -> None:
    elsewhere = Browser(browser.app, browser.application, browser.options)
    async with elsewhere.http:
        await elsewhere.launch()
        other = elsewhere.http.cookies[USER_COOKIE]
    await browser.launch()
    assert (await browser.http.get("/account")).status_code == 200
    answer = await browser.post("/account", present=PASSWORD, new=NEXT, again="different one")
    assert answer.status_code == 400
    assert "differ" in answer.text
    answer = await browser.post("/account", present=PASSWORD, new=NEXT, again=NEXT)
    assert answer.headers["location"] == "/"
    assert (await browser.http.get("/practice")).status_code == 200
    browser.http.cookies.clear()
    await browser.be_known()
    browser.http.cookies.set(USER_COOKIE, other)
    assert (await browser.http.get("/practice")).status_code == 303
    assert (await browser.sign_in("Alex", NEXT)).status_code == 303


async def test_signing_out_everywhere(browser: Browser) -> None:
    await browser.launch()
    await browser.post("/account/everywhere")
    assert (await browser.http.get("/practice")).status_code == 303


async def test_a_password_set_by_another_has_to_be_changed_first(browser: Browser) -> None:
    _, password = await browser.application.services.accounts.add("Kim", Role.RECEPTION)
    await browser.be_known()
    await browser.sign_in("Kim", password)
    answer = await browser.http.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    page = await browser.http.get("/account")
    assert "set by somebody else" in page.text
    assert (await browser.post("/files/incoming")).status_code == 401
    await browser.post("/account", present=password, new=NEXT, again=NEXT)
    assert (await browser.http.get("/")).status_code == 200


async def test_reception_and_others_cannot_begin_at_google(browser: Browser) -> None:
    accounts, other = browser.application.services.accounts, the_sample().practitioners[1]
    await browser.be_known()
    for name, role, whose in (
        ("Kim", Role.RECEPTION, ""),
        ("Own", Role.PRACTITIONER, other.id),
    ):
        _, password = await accounts.add(name, role, practitioner_id=whose)
        await browser.sign_in(name, password)
        await browser.post("/account", present=password, new=NEXT, again=NEXT)
        answer = await browser.http.get(f"/oauth/start/{ZOE.id}")
        assert answer.status_code == 403
        assert "may not change settings of Google" in answer.text
    assert (await browser.http.get(f"/oauth/start/{other.id}")).status_code == 303


async def test_a_sign_in_at_google_ends_with_the_session_that_began_it(browser: Browser) -> None:
    await browser.launch()
    address = await browser.begin()
    await browser.application.services.accounts.sign_out_everywhere("robin")
    answer = await browser.http.get(browser.application.google.consent(address, ZOE.email))
    assert answer.status_code == 400
    assert "signed out here" in answer.text
    assert not browser.application.settings.read().practitioners[ZOE.id].google.connected


async def test_a_form_that_is_none_is_a_sentence(browser: Browser) -> None:
    await browser.be_known()
    for content in (b"x" * 20_000, b"name=\xff"):
        answer = await browser.http.post("/sign-in", content=content, headers={"origin": ORIGIN})
        assert answer.status_code == 400
        assert "Traceback" not in answer.text


async def test_the_demo_signs_in_by_itself_and_says_so(tmp_path: Path) -> None:
    async with serving(fake_application(), tmp_path, demo=True) as browser:
        await browser.be_known()
        answer = await browser.http.get("/practice?x=1")
        assert (answer.status_code, answer.headers["location"]) == (303, "/practice?x=1")
        page = await browser.http.get("/practice?x=1")
        assert page.status_code == 200
        assert "Signed in by itself as Demo administrator" in page.text
        assert "invented people" in (await browser.http.get("/account")).text


async def test_without_the_demo_no_user_is_signed_in_automatically(browser: Browser) -> None:
    await browser.be_known()
    assert (await browser.http.get("/")).headers["location"] == "/sign-in"


# ── websockets ────────────────────────────────────────────────────────────────────────────────


async def first_answer(browser: Browser) -> str:
    """What the guard says to a websocket with this browser's cookies."""
    cookies = "; ".join(f"{name}={value}" for name, value in browser.http.cookies.items())
    scope: MutableMapping[str, Any] = {
        "type": "websocket",
        "path": "/_nicegui_ws/socket.io/",
        "query_string": b"",
        "headers": [
            (b"host", f"127.0.0.1:{PORT}".encode()),
            (b"origin", ORIGIN.encode()),
            (b"cookie", cookies.encode()),
        ],
    }
    sent: list[str] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(str(message["type"]))

    await browser.app(scope, receive, send)  # type: ignore[operator]  # an ASGI app
    return sent[0]


async def test_a_websocket_needs_a_signed_in_user(browser: Browser) -> None:
    await browser.be_known()
    assert await first_answer(browser) == "websocket.close"


async def test_the_sign_in_names_the_practice_and_shows_a_password_at_a_press(
    browser: Browser,
) -> None:
    await browser.be_known()
    page = (await browser.http.get("/sign-in")).text
    assert "Banksia Allied Health (sample)" in page
    assert "<svg" in page
    assert 'data-shows="password"' in page


async def test_a_browser_that_is_not_known_hears_no_name(browser: Browser) -> None:
    assert "Banksia" not in (await browser.http.get("/")).text


async def test_a_short_name_signs_in_where_only_one_has_it(browser: Browser) -> None:
    await browser.be_known()
    accounts = browser.application.services.accounts
    _, password = await accounts.add("Kim van Example", Role.RECEPTION)
    for name in ("kim", "Example", "kim-van-example", "Kim  van Example"):
        assert (await browser.sign_in(name, password)).status_code == 303, name
    await accounts.add("Kim Other", Role.RECEPTION)
    assert (await browser.sign_in("kim", password)).status_code == 403


async def test_a_short_name_gives_no_further_tries(browser: Browser) -> None:
    await browser.be_known()
    accounts = browser.application.services.accounts
    _, password = await accounts.add("Kim Example", Role.RECEPTION)
    for name in ("Kim Example", "kim", "example", "kim-example", "kim", "example"):
        await browser.sign_in(name, "wrong wrong wrong")
    answer = await browser.sign_in("Kim Example", password)
    assert answer.status_code == 403
    assert "tried too often" in answer.text
