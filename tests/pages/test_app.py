"""The whole app as it is served: guard, plain routes and pages, without a network."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from companion.domain.errors import Busy, StoreError
from companion.web.control import proof_of
from tests.fakes.services import fake_application, the_sample
from tests.pages.browsing import ORIGIN, PORT, ZOE, Browser, serving


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    async with serving(fake_application(the_sample()), tmp_path) as browser:
        yield browser


async def test_health_is_open_and_reveals_nothing_else(browser: Browser) -> None:
    answer = await browser.http.get("/healthz")
    assert answer.json() == {"status": "ok"}


async def test_no_page_opens_without_a_launch(browser: Browser) -> None:
    for path in ("/", "/import", "/practice", f"/practitioner/{ZOE.id}", "/static/app.css"):
        answer = await browser.http.get(path)
        assert answer.status_code == 403
        assert ZOE.name not in answer.text


async def test_a_launched_browser_gets_the_pages_with_a_nonce_on_every_script(
    browser: Browser,
) -> None:
    await browser.launch()
    answer = await browser.http.get("/")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    tags = re.findall(r"<script[^>]*>", answer.text)
    assert tags
    assert all("nonce=" in tag for tag in tags)
    assert "https://" not in re.sub(r"https://[^\"']*\.(dev|org|io)", "", answer.text)


async def test_the_framework_has_no_doors_of_its_own(browser: Browser) -> None:
    await browser.launch()
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert (await browser.http.get(path)).status_code == 404


async def test_styles_and_icon_are_served(browser: Browser) -> None:
    await browser.launch()
    for name in ("app.css", "page.js", "icon.svg"):
        assert (await browser.http.get(f"/static/{name}")).status_code == 200


# ── Connect to Google ─────────────────────────────────────────────────────────────────────────


async def test_connecting_goes_to_google_and_back(browser: Browser) -> None:
    await browser.launch()
    address = await browser.begin("?calendar=new&name=Clinic")
    asked = parse_qs(urlsplit(address).query)
    assert asked["redirect_uri"] == [f"{ORIGIN}/oauth/callback"]
    back = browser.application.google.consent(address, ZOE.email)
    answer = await browser.http.get(back)
    assert answer.status_code == 200
    assert "Connected to Google" in answer.text
    assert f"url=/practitioner/{ZOE.id}" in answer.text
    google = browser.application.settings.read().practitioners[ZOE.id].google
    assert google.account == ZOE.email
    assert google.calendar_name == "Clinic"


async def test_the_way_back_needs_no_machine_cookie_but_the_sign_ins_own(
    browser: Browser,
) -> None:
    await browser.launch()
    address = await browser.begin()
    back = browser.application.google.consent(address, ZOE.email)
    own = f"companion-sign-in-{PORT}={browser.http.cookies[f'companion-sign-in-{PORT}']}"
    browser.http.cookies.clear()
    answer = await browser.http.get(back, headers={"cookie": own})
    assert answer.status_code == 200
    assert browser.application.settings.read().practitioners[ZOE.id].google.connected


async def test_another_browser_cannot_finish_the_sign_in(browser: Browser) -> None:
    await browser.launch()
    address = await browser.begin()
    back = browser.application.google.consent(address, ZOE.email)
    browser.http.cookies.clear()
    answer = await browser.http.get(back)
    assert answer.status_code == 400
    assert "not started in this browser" in answer.text
    assert not browser.application.settings.read().practitioners[ZOE.id].google.connected


async def test_the_way_back_works_once(browser: Browser) -> None:
    await browser.launch()
    back = browser.application.google.consent(await browser.begin(), ZOE.email)
    assert (await browser.http.get(back)).status_code == 200
    assert (await browser.http.get(back)).status_code == 400


async def test_the_way_back_works_again_where_somebody_else_connects_just_then(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object, **__: object) -> None:
        raise Busy

    await browser.launch()
    back = browser.application.google.consent(await browser.begin(), ZOE.email)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(browser.application.services.syncing, "lock", busy)
        answer = await browser.http.get(back)
    assert answer.status_code == 400
    assert '<a href="">Try again</a>' in answer.text  # this very address
    assert (await browser.http.get(back)).status_code == 200


async def test_a_calendar_that_is_not_shown_offers_that_it_is_shared(browser: Browser) -> None:
    await browser.launch()
    address = await browser.begin("?calendar=team%40example.com")
    answer = await browser.http.get(browser.application.google.consent(address, ZOE.email))
    assert answer.status_code == 400
    assert "It is shared with me" in answer.text
    again = f"/oauth/start/{ZOE.id}?calendar=team%40example.com&shared=1"
    assert again.replace("&", "&amp;") in answer.text
    asked = parse_qs(urlsplit((await browser.http.get(again)).headers["location"]).query)
    assert "https://www.googleapis.com/auth/calendar.events" in asked["scope"][0].split()


async def test_cancel_at_google_is_said_calmly(browser: Browser) -> None:
    await browser.launch()
    answer = await browser.http.get(browser.application.google.refuse(await browser.begin()))
    assert answer.status_code == 200
    assert "cancelled" in answer.text
    assert f"/practitioner/{ZOE.id}" in answer.text


@pytest.mark.parametrize("query", [f"?login={ZOE.email}", ""], ids=["named", "the own one"])
async def test_an_account_is_caught_that_is_not_the_login(browser: Browser, query: str) -> None:
    """Where none is named, the practitioner's own address is the login."""
    await browser.launch()
    address = await browser.begin(query)
    answer = await browser.http.get(
        browser.application.google.consent(address, "other@example.com")
    )
    assert answer.status_code == 400
    assert "other@example.com signed in, but the Google Login is" in answer.text
    assert ZOE.email in answer.text


async def test_a_sign_in_for_an_unknown_practitioner_is_a_sentence(browser: Browser) -> None:
    await browser.launch()
    answer = await browser.http.get("/oauth/start/nobody")
    assert answer.status_code == 400
    assert "There is no practitioner" in answer.text


async def test_a_sign_in_cannot_be_started_by_an_unknown_browser(browser: Browser) -> None:
    assert (await browser.http.get(f"/oauth/start/{ZOE.id}")).status_code == 403


# ── files ─────────────────────────────────────────────────────────────────────────────────────


async def test_a_dropped_file_lands_in_the_home(browser: Browser) -> None:
    await browser.launch()
    answer = await browser.http.post(
        "/files/incoming",
        content=b"a,b\n1,2\n",
        headers={"origin": ORIGIN, "x-file-name": "M%C3%A4rz.csv"},
    )
    assert set(answer.json()) == {"ticket"}
    kept = list(browser.options.incoming.iterdir())
    assert [each.read_bytes() for each in kept] == [b"a,b\n1,2\n"]
    assert "rz" not in kept[0].name


async def test_another_site_cannot_drop_a_file(browser: Browser) -> None:
    await browser.launch()
    for origin in ({}, {"origin": "http://evil.example"}):
        answer = await browser.http.post("/files/incoming", content=b"x", headers=origin)
        assert answer.status_code == 403
    assert not browser.options.incoming.exists()


# ── failures ──────────────────────────────────────────────────────────────────────────────────


async def test_an_error_while_a_page_is_made_is_shown_without_a_traceback(
    browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    await browser.launch()

    async def broken(**_: object) -> None:
        raise ValueError("client Robin Sample, token abc")

    browser.application.activity.recent = broken  # type: ignore[method-assign, assignment]
    answer = await browser.http.get("/")
    assert answer.status_code == 500
    assert "Something unexpected went wrong." in answer.text
    number = re.search(r"number ([0-9A-F]{6})", answer.text)
    assert number
    assert number[1] in caplog.text
    for secret in ("Robin", "token abc", "Traceback"):
        assert secret not in answer.text
        assert secret not in caplog.text


async def test_a_store_that_cannot_be_read_is_a_page_in_words(browser: Browser) -> None:
    await browser.launch()

    async def broken(*_: object, **__: object) -> None:
        raise StoreError

    browser.application.activity.recent = broken  # type: ignore[method-assign, assignment]
    answer = await browser.http.get("/")
    assert answer.status_code == 500
    assert "Check that the disk has space" in answer.text


async def test_a_second_start_opens_this_one(browser: Browser) -> None:
    secret = browser.options.control_file.read_text(encoding="utf-8")

    async def ask(said: str) -> dict[str, str]:
        headers = {"authorization": f"Companion {said}"}
        document: dict[str, str] = (
            await browser.http.post("/control/launch", headers=headers)
        ).json()
        return document

    nonce = "a" * 43
    app = (await ask(nonce))["nonce"]
    proof = proof_of("start", secret, browser.options.port, nonce, app)
    token = (await ask(f"{nonce} {proof}"))["token"]
    assert (await browser.http.get(f"/?launch={token}")).status_code == 303
