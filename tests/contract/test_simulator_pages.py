"""The simulated Google's pages for people: what they show, and edits made on them."""

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlencode

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from companion.sandbox.access import full_name
from companion.sandbox.grants import CLIENT_ID
from companion.sandbox.server import SimulatedHandle, serving
from companion.sandbox.simulator_api import SimulatorApi
from companion.testing import find_chromium
from tests.fakes.simulator import SYDNEY, ZOE, appointment, connect, simulated_google

VIEW = "/view/zoe%40example.com/zoe%40example.com"
HOSTILE = "<script>document.title='owned'</script> أ.ب 🧘"


@pytest.fixture
def handle() -> Iterator[SimulatedHandle]:
    with simulated_google() as running:
        with running.lock:
            running.google.calendars[ZOE].insert(
                appointment("aaaaa", day=soon(running), summary=HOSTILE), ZOE
            )
        yield running


@pytest.fixture
def web(handle: SimulatedHandle) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=handle.base_url, trust_env=False) as client:
        yield client


def soon(handle: SimulatedHandle) -> str:
    """Tomorrow, so that the agenda shows it."""
    zone = handle.google.calendars[ZOE].zone
    return (handle.api.clock().astimezone(zone).date() + timedelta(days=1)).isoformat()


def start_of(handle: SimulatedHandle, event_id: str = "aaaaa") -> str:
    with handle.lock:
        time: str = handle.google.calendars[ZOE].get(event_id).wire["start"]["dateTime"]
    return time


def test_every_page_says_that_it_is_a_demo_and_fetches_nothing(web: httpx.Client) -> None:
    for path in ("/", VIEW, "/o/oauth2/v2/auth", "/view/nobody/nothing"):
        page = web.get(path).text
        assert "Simulated Google – demo" in page
        assert "src=" not in page
        assert "http://" not in page
        assert "https://" not in page


def test_the_agenda_escapes_what_it_shows(web: httpx.Client) -> None:
    page = web.get(VIEW).text
    assert HOSTILE not in page
    assert "&lt;script&gt;document.title" in page
    assert "1 event" in web.get("/").text


def test_a_person_moves_deletes_and_adds_without_being_counted(
    handle: SimulatedHandle, web: httpx.Client
) -> None:
    day = soon(handle)
    moved = web.post(f"{VIEW}/aaaaa/move", data={"minutes": "30"})
    assert moved.headers["location"] == VIEW
    assert start_of(handle).startswith(f"{day}T09:30:00")
    web.post(f"{VIEW}/add", data={"summary": "Dentist", "start": f"{day}T12:00"})
    assert {item["summary"] for item in handle.google.events(ZOE)} == {HOSTILE, "Dentist"}
    web.post(f"{VIEW}/aaaaa/delete")
    assert [item["summary"] for item in handle.google.events(ZOE)] == ["Dentist"]
    assert web.post(f"{VIEW}/aaaaa/delete").status_code == 410
    assert handle.google.counts.calls == 0


def test_a_persons_edit_reaches_a_client_by_its_sync_token(
    handle: SimulatedHandle, web: httpx.Client
) -> None:
    client = connect(handle)
    token = client.events.list(calendarId="primary").execute()["nextSyncToken"]
    web.post(f"{VIEW}/aaaaa/delete")
    changed = client.events.list(calendarId="primary", syncToken=token).execute()
    assert [item["status"] for item in changed["items"]] == ["cancelled"]


def test_all_day_events_move_by_whole_days(handle: SimulatedHandle, web: httpx.Client) -> None:
    with handle.lock:
        days = {"start": {"date": "2026-04-05"}, "end": {"date": "2026-04-06"}}
        handle.google.calendars[ZOE].insert({"id": "bbbbb", **days}, ZOE)
    web.post(f"{VIEW}/bbbbb/move", data={"minutes": "-30"})
    with handle.lock:
        wire = handle.google.calendars[ZOE].get("bbbbb").wire
    assert (wire["start"]["date"], wire["end"]["date"]) == ("2026-04-04", "2026-04-05")


def test_unknown_pages_and_broken_forms_answer_404(web: httpx.Client) -> None:
    for path in ("/nothing", "/view", "/view/zoe%40example.com/elsewhere", f"{VIEW}/aaaaa/burn"):
        assert web.get(path).status_code == 404
    for path, form in ((f"{VIEW}/add", {"start": "soon"}), (f"{VIEW}/aaaaa/move", {})):
        assert web.post(path, data=form).status_code == 404


async def test_the_demo_serves_it_inside_a_running_event_loop() -> None:
    api = SimulatorApi()
    api.google.add_account(ZOE, name="Zoë", timezone=SYDNEY)
    async with (
        serving(api) as base_url,
        httpx.AsyncClient(base_url=base_url, trust_env=False) as client,
    ):
        assert "Zoë" in (await client.get("/")).text
    async with httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(base_url)


# In a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    flags = ("no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-sync")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=find_chromium(),
            args=[*(f"--{flag}" for flag in flags), "--disable-background-networking"],
        )
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 800})
    yield context.new_page()
    context.close()


@pytest.mark.browser
def test_an_event_appears_on_the_open_agenda_and_can_be_moved_there(
    handle: SimulatedHandle, page: Page
) -> None:
    page.goto(handle.base_url + VIEW)
    assert "owned" not in page.title()
    with handle.lock:
        body = appointment("bbbbb", day=soon(handle), hour=14, summary="Appears by itself")
        handle.google.calendars[ZOE].insert(body, ZOE)
    row = page.locator("li.event", has_text="Appears by itself")
    row.wait_for(timeout=10_000)
    row.locator("summary").click()
    row.get_by_role("button", name="30 min later").click()
    page.wait_for_load_state()
    assert row.locator(".when").inner_text() == "14:30 – 15:30"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.browser
def test_consent_is_given_with_one_box_unticked(handle: SimulatedHandle, page: Page) -> None:
    asked = {
        "client_id": CLIENT_ID,
        "redirect_uri": f"{handle.base_url}/nothing",
        "response_type": "code",
        "scope": " ".join(map(full_name, ["email", "calendar.events", "calendar.readonly"])),
        "login_hint": ZOE,
        "state": "s1",
    }
    page.goto(f"{handle.base_url}/o/oauth2/v2/auth?{urlencode(asked)}")
    page.get_by_label("See and download any calendar").uncheck()
    page.get_by_role("button", name="Allow").click()
    page.wait_for_url("**/nothing?**")
    assert "state=s1" in page.url
    (consent, _expiry) = next(iter(handle.api.grants.codes.values()))
    assert consent.scopes == {"email", "calendar.events"}
    assert consent.account.email == ZOE
