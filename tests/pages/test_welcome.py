"""The welcome: three screens of a home without users, and never again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from companion.domain.errors import CompanionError
from companion.domain.users import Role
from tests.fakes.services import PASSWORD, fake_application, the_sample
from tests.pages.browsing import Browser, serving


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    """Nobody and nothing there yet; the browser was launched."""
    async with serving(fake_application(), tmp_path) as browser:
        await browser.be_known()
        yield browser


async def practice(browser: Browser) -> None:
    answer = await browser.post("/welcome", name="Harbour Physio", timezone="Australia/Hobart")
    assert answer.headers["location"] == "/welcome/administrator"


async def test_a_home_without_users_begins_with_the_welcome(browser: Browser) -> None:
    for path in ("/", "/practice", "/sign-in"):
        answer = await browser.http.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/welcome")
    page = await browser.http.get("/welcome")
    assert "1 of 3" in page.text
    assert "Australia/Sydney</option>" in page.text


async def test_three_screens_lead_to_a_practice_with_an_administrator(browser: Browser) -> None:
    await practice(browser)
    assert browser.application.settings.read().practice.timezone == "Australia/Hobart"
    answer = await browser.post(
        "/welcome/administrator", name="Robin", new=PASSWORD, again=PASSWORD
    )
    assert answer.headers["location"] == "/welcome/appointments"
    page = await browser.http.get("/welcome/appointments")
    assert "3 of 3" in page.text
    for way in ("/import", "/sources", "/book", "/"):
        assert f'href="{way}"' in page.text
        assert (await browser.http.get(way)).status_code == 200
    users = browser.application.services.accounts.users()
    assert [(each.name, each.role) for each in users] == [("Robin", Role.ADMINISTRATOR)]


@pytest.mark.parametrize(
    ("path", "form", "said"),
    [
        ("/welcome", {"name": "", "timezone": "Australia/Sydney"}, "The name is empty."),
        ("/welcome", {"name": "A", "timezone": "Mars/Base"}, "is not a time zone"),
        (
            "/welcome/administrator",
            {"name": "Robin", "new": "short", "again": "short"},
            "shorter than 10",
        ),
        (
            "/welcome/administrator",
            {"name": "Robin", "new": PASSWORD, "again": "other"},
            "passwords differ",
        ),
        ("/welcome/administrator", {"name": " ", "new": PASSWORD, "again": PASSWORD}, "empty"),
    ],
)
async def test_what_is_wrong_is_said_at_its_field(
    browser: Browser, path: str, form: dict[str, str], said: str
) -> None:
    answer = await browser.post(path, **form)
    assert answer.status_code == 400
    assert said in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert PASSWORD not in answer.text
    assert browser.application.services.accounts.users() == ()


async def test_the_demo_is_explained_on_the_way(browser: Browser) -> None:
    assert 'href="/welcome/demo"' in (await browser.http.get("/welcome")).text
    assert (await browser.http.get("/welcome/demo")).headers["location"] == "/welcome"


async def test_the_demo_opens_in_a_window_of_its_own_at_one_press(tmp_path: Path) -> None:
    began = []

    async def open_demo() -> str:
        began.append(1)
        return "http://127.0.0.1:9/?launch=abc"

    async with serving(fake_application(), tmp_path, open_demo=open_demo) as browser:
        await browser.be_known()
        assert 'href="/welcome/demo" target="_blank"' in (await browser.http.get("/welcome")).text
        fetched = await browser.http.get("/welcome/demo", headers={"sec-purpose": "prefetch"})
        assert (fetched.headers["location"], began) == ("/welcome", [])
        answer = await browser.http.get("/welcome/demo")
        assert answer.headers["location"] == "http://127.0.0.1:9/?launch=abc"
        await browser.application.services.accounts.add_first("Robin", PASSWORD)
        assert (await browser.http.get("/welcome/demo")).headers["location"] == "/"
        assert began == [1]


async def test_the_demo_is_ended_from_its_own_page(tmp_path: Path) -> None:
    ended: list[int] = []
    application = fake_application(the_sample())
    end = partial(ended.append, 1)
    async with serving(application, tmp_path, demo=True, end_demo=end) as browser:
        await browser.be_known()
        await browser.http.get("/account")  # it signs in by itself
        answer = await browser.post("/demo/end")
        assert "Close this window." in answer.text
        assert ended == [1]


async def test_a_practice_of_ones_own_is_not_ended_so(browser: Browser) -> None:
    assert (await browser.post("/demo/end")).status_code == 401


async def test_the_last_screen_is_for_the_administrator(browser: Browser) -> None:
    assert (await browser.http.get("/welcome/appointments")).status_code == 303


async def test_the_welcome_makes_no_second_administrator(tmp_path: Path) -> None:
    async with serving(fake_application(the_sample()), tmp_path) as browser:
        await browser.be_known()
        before = browser.application.settings.read()
        for path in ("/welcome", "/welcome/administrator"):
            assert (await browser.http.get(path)).headers["location"] == "/"
            form = {"name": "Eve", "timezone": "UTC", "new": PASSWORD, "again": PASSWORD}
            answer = await browser.post(path, **form)
            assert (answer.status_code, answer.headers["location"]) == (303, "/")
            assert "set-cookie" not in answer.headers
        assert browser.application.settings.read() == before


async def test_an_unknown_browser_cannot_use_the_welcome(tmp_path: Path) -> None:
    async with serving(fake_application(), tmp_path) as browser:
        answer = await browser.post(
            "/welcome/administrator", name="Eve", new=PASSWORD, again=PASSWORD
        )
        assert answer.status_code == 403
        assert browser.application.services.accounts.users() == ()


async def test_a_home_from_before_there_were_users_keeps_its_name(tmp_path: Path) -> None:
    application = fake_application(the_sample())
    await application.settings.change(lambda settings: settings.without_user("robin"))
    async with serving(application, tmp_path) as browser:
        await browser.be_known()
        assert 'value="Banksia Allied Health (sample)"' in (await browser.http.get("/welcome")).text


@pytest.mark.parametrize(
    ("ticked", "refused", "said"),
    [
        (True, False, "starts by itself"),
        (False, False, "does not start by itself"),
        (True, True, "does not start by itself"),
    ],
)
async def test_the_start_at_sign_in_is_offered_and_what_became_of_it_is_said(
    browser: Browser, *, ticked: bool, refused: bool, said: str
) -> None:
    desktop = browser.application.desktop
    if refused:
        desktop.autostart.trouble = CompanionError("Windows says no.", "Ask.")
    await practice(browser)
    assert 'value="yes" checked' in (await browser.http.get("/welcome/administrator")).text
    form = {"name": "Robin", "new": PASSWORD, "again": PASSWORD}
    await browser.post("/welcome/administrator", **form, **({"start": "yes"} if ticked else {}))
    assert desktop.autostart.found.there is (ticked and not refused)
    assert f"Calendar Companion {said}" in (await browser.http.get("/welcome/appointments")).text


async def test_a_tick_that_was_taken_away_stays_away_while_the_form_is_corrected(
    browser: Browser,
) -> None:
    await practice(browser)
    answer = await browser.post("/welcome/administrator", name="R", new="short", again="short")
    assert "checked" not in answer.text
