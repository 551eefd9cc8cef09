"""Setting up alone: from the first start to the proof, and what goes wrong on the way.

In a real browser against the simulated Google, with the program's own pages: nothing is pressed
but what a person sees. Screenshots go to the folder named by COMPANION_SCREENSHOTS.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from companion.testing import find_chromium

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

HERE = Path(__file__).resolve().parent
AXE = (HERE.parent / "vendor" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SHOTS = os.environ.get("COMPANION_SCREENSHOTS", "")
PASSWORD = "tram violet anchor"
PROOF = re.compile(r"Book .* = Google \d+")
SLOW = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstDay:
    launch: str
    google: str
    client: str
    export: str

    @property
    def address(self) -> str:
        parts = urlsplit(self.launch)
        return f"{parts.scheme}://{parts.netloc}"

    def control(self, name: str, **body: object) -> None:
        """Something happens at Google."""
        self._ask("POST", f"/_control/{name}", body)

    def remove_calendar(self, email: str) -> None:
        """The person deletes the calendar that we made, in Google."""
        state = json.loads(self._ask("GET", "/_control/state", None))
        token = json.loads(
            self._ask(
                "POST",
                "/_control/tokens",
                {"email": email, "scopes": ["https://www.googleapis.com/auth/calendar"]},
            )
        )["access_token"]
        for each in state["calendars"]:
            if each["id"] != email and each["owner"] == email:
                path = f"/calendar/v3/calendars/{quote(each['id'])}"
                self._ask("DELETE", path, None, authorization=f"Bearer {token}")

    def _ask(self, method: str, path: str, body: object, **headers: str) -> bytes:
        request = urllib.request.Request(
            self.google.rstrip("/") + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"content-type": "application/json", **headers},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            content: bytes = answer.read()
            return content


@dataclass(slots=True, kw_only=True)
class Person:
    """Somebody at the screen; counts what they press."""

    page: Page
    day: FirstDay
    clicks: int = 0
    names: list[str] = field(default_factory=list)

    def press(self, what: Locator) -> None:
        self.clicks += 1
        what.click()

    def button(self, name: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("button", name=name)

    def link(self, name: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("link", name=name)

    def at_google(self, account: str = "", *, untick: bool = False, cancel: bool = False) -> None:
        """Google's own page: which account, which permission, yes or no."""
        expect(self.button("Allow")).to_be_visible(timeout=SLOW)
        if account:
            self.press(self.page.locator(f"input[name=account][value='{account}']"))
        if untick:
            for box in self.page.locator("input[name=scope]").all():
                if "calendar" in (box.get_attribute("value") or ""):
                    self.press(box)
        self.press(self.button("Cancel" if cancel else "Allow"))

    def look(self, name: str) -> None:
        """Accessible, no wider than the window; a picture in every size and colour."""
        page = self.page
        expect(page.locator(".q-notification")).to_have_count(0, timeout=10_000)
        for width, height in ((1280, 900), (390, 844)):
            page.set_viewport_size({"width": width, "height": height})
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
                page.wait_for_timeout(350)
                if SHOTS:
                    path = Path(SHOTS) / f"setup-{name}-{width}-{scheme}.png"
                    page.screenshot(path=path, full_page=True)
                assert faults(page) == [], f"{name} {width} {scheme}"
            beyond = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert beyond <= 0, f"{name} is wider than {width}"
        page.set_viewport_size({"width": 1280, "height": 900})
        page.emulate_media(color_scheme="light")


def faults(page: Page) -> list[str]:
    page.evaluate(AXE)
    found = page.evaluate("axe.run().then(result => result.violations)")
    return [
        f"{each['impact']} {each['id']} {each['nodes'][0]['target']}"
        for each in found
        if each["impact"] in {"serious", "critical"}
    ]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FirstDay]:
    """A home where nobody was before, in a process of its own."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    folder = tmp_path_factory.mktemp("first-day")
    process = subprocess.Popen(
        [sys.executable, str(HERE / "serve_first_day.py"), str(folder)],
        env=kept,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    assert process.stdout is not None
    try:
        yield FirstDay(**json.loads(process.stdout.readline()))
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


@pytest.fixture(scope="module")
def settled(chromium: Browser, day: FirstDay) -> Iterator[BrowserContext]:
    """First start → administrator → the Google client → import; everybody is there afterwards."""
    context = chromium.new_context(base_url=day.address, locale="en-AU")
    context.set_default_timeout(SLOW)
    page = context.new_page()
    me = Person(page=page, day=day)
    page.goto(day.launch)

    expect(page.get_by_role("heading")).to_have_text("Welcome to Calendar Companion")
    me.look("welcome-1")
    page.get_by_label("Name of the practice").fill("Banksia Allied Health")
    page.get_by_label("Time zone").select_option("Australia/Sydney")
    me.press(me.button("Next"))
    expect(page.get_by_role("heading")).to_have_text("Who looks after it?")
    page.get_by_label("Your name").fill("Robin")
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_label("The password again").fill("short")
    me.press(me.button("Next"))
    expect(page.get_by_role("alert")).to_contain_text("shorter than 10 characters")
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    me.look("welcome-2")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The password again").fill(PASSWORD)
    me.press(me.button("Next"))
    expect(page.get_by_role("heading")).to_have_text("Where do the appointments come from?")
    me.look("welcome-3")

    page.goto("/practice/google")
    expect(page.get_by_text("Not added yet")).to_be_visible()
    me.look("google-guide")
    page.locator("input[type=file]").set_input_files(day.client)
    expect(page.get_by_text("Practitioners can connect to Google.").first).to_be_visible()

    page.goto("/import")
    page.locator("input[type=file]").set_input_files(day.export)
    me.press(me.button("Apply"))
    expect(page.get_by_text("The book is up to date with the file.")).to_be_visible()
    page.close()
    yield context
    context.close()


@pytest.fixture
def me(settled: BrowserContext, day: FirstDay) -> Iterator[Person]:
    page = settled.new_page()
    page.set_viewport_size({"width": 1280, "height": 900})
    yield Person(page=page, day=day)
    page.close()


def practitioner(me: Person, place: int) -> str:
    """Opens the page of the nth practitioner; their address."""
    me.page.goto("/")
    link = me.page.locator(".who__name a").nth(place)
    address = link.get_attribute("href") or ""
    me.press(link)
    expect(me.page.get_by_text(re.compile(r"\d of 9 steps done"))).to_be_visible()
    return address


def accounts(me: Person) -> list[str]:
    """The e-mail addresses on Google's consent page."""
    boxes = me.page.locator("input[name=account]")
    expect(boxes.first).to_be_visible(timeout=SLOW)
    return [each.get_attribute("value") or "" for each in boxes.all()]


def begin(me: Person, *, calendar: str = "") -> list[str]:
    """Presses Connect to Google on a practitioner's page; the accounts Google offers."""
    if calendar:
        me.press(me.page.get_by_text(calendar, exact=True))
    me.press(me.button("Connect to Google"))
    return accounts(me)


def test_the_wizard_leads_to_a_filled_calendar_with_its_proof(me: Person) -> None:
    page = me.page
    address = practitioner(me, 0)
    me.look("practitioner-new")
    account = begin(me)[0]
    me.at_google(account)
    expect(page.get_by_text("Connected.").first).to_be_visible()
    page.reload()
    expect(page.get_by_text(f"Signed in as {account}")).to_be_visible()
    me.press(me.button("Test Credentials"))
    expect(me.button("Test Credentials (Succeeded)")).to_be_visible()
    page.reload()
    me.press(me.button("Check Calendar is accessible"))
    expect(me.button("Calendar Accessible (Succeeded)")).to_be_visible()
    page.reload()
    page.get_by_label("Days in Advance").fill("20")
    expect(page.get_by_text("Not saved yet")).to_be_visible()
    me.press(page.get_by_role("button", name="Apply", exact=True))
    expect(page.get_by_text("Not saved yet")).to_be_hidden()
    me.press(page.get_by_role("button", name=re.compile("^Upload to Google")))
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    page.wait_for_timeout(400)
    me.look("upload")
    me.press(dialog.get_by_role("button", name=re.compile("^(Upload|Compare with Google)$")))
    expect(page.get_by_text(PROOF)).to_be_visible(timeout=SLOW * 2)
    expect(page.get_by_text("All 9 steps are done.")).to_be_visible()
    me.look("practitioner-done")
    page.goto("/progress")
    expect(page.get_by_text("All done")).to_be_visible()
    me.look("progress")
    assert address.startswith("/practitioner/")


def test_saying_no_at_google_changes_nothing_and_can_be_tried_again(me: Person) -> None:
    practitioner(me, 1)
    begin(me)
    me.at_google(cancel=True)
    expect(me.page.get_by_text("cancelled").first).to_be_visible()
    me.press(me.link("Back to the practitioner"))
    expect(me.button("Connect to Google")).to_be_visible()


def test_another_account_than_the_login_is_caught(me: Person) -> None:
    practitioner(me, 1)
    mine = me.page.get_by_label("E-mail of the Google account")
    mine.fill("somebody.else@banksia.example")
    other = begin(me)[0]
    me.at_google(other)
    expect(me.page.get_by_text("signed in, but the Google Login is")).to_be_visible()
    me.press(me.link("Back to the practitioner"))
    expect(me.button("Connect to Google")).to_be_visible()


def test_an_unticked_calendar_is_caught_and_explained(me: Person) -> None:
    practitioner(me, 1)
    account = begin(me)[1]
    me.at_google(account, untick=True)
    expect(me.page.get_by_role("heading")).to_contain_text(re.compile("permission|calendar"))
    assert faults(me.page) == []
    me.press(me.link("Back to the practitioner"))
    expect(me.button("Connect to Google")).to_be_visible()


def test_the_back_button_out_of_google_leaves_a_sign_in_that_can_be_cancelled(me: Person) -> None:
    address = practitioner(me, 1)
    begin(me)
    me.page.goto(address)
    expect(me.page.get_by_text("A sign-in at Google is under way.")).to_be_visible()
    me.press(me.button("Cancel the sign-in"))
    expect(me.page.get_by_text("A sign-in at Google is under way.")).to_be_hidden()


def test_a_calendar_is_chosen_from_the_list(me: Person) -> None:
    practitioner(me, 1)
    account = begin(me, calendar="Choose from my list, after signing in")[1]
    me.at_google(account)
    mine = me.page.get_by_role("radiogroup", name="My calendars")
    expect(mine).to_be_visible(timeout=SLOW)
    me.press(mine.get_by_role("radio").first)
    me.press(me.button("Use this calendar"))
    expect(me.page.get_by_text("Connected.").first).to_be_visible()
    me.press(me.button("Test Credentials"))
    expect(me.button("Test Credentials (Succeeded)")).to_be_visible()


def test_a_second_tab_sees_what_the_first_did(me: Person, settled: BrowserContext) -> None:
    address = practitioner(me, 2)
    account = begin(me)[2]
    second = settled.new_page()
    second.goto(address)
    expect(second.get_by_text("A sign-in at Google is under way.")).to_be_visible()
    me.at_google(account)
    expect(me.page.get_by_text("Connected.").first).to_be_visible()
    expect(second.get_by_text(re.compile("[34567] of 9 steps done"))).to_be_visible()
    second.close()


def test_an_ended_sign_in_and_a_removed_calendar_say_what_to_do(me: Person) -> None:
    practitioner(me, 3)
    account = begin(me)[3]
    me.at_google(account)
    expect(me.page.get_by_text("Connected.").first).to_be_visible()
    me.day.remove_calendar(account)
    me.press(me.button("Check Calendar is accessible"))
    expect(me.page.get_by_text("What to try, in this order:").first).to_be_visible()
    assert faults(me.page) == []
    me.day.control("revoke", email=account)
    me.day.control("expire", email=account)
    me.press(me.button("Test Credentials"))
    expect(me.page.get_by_text("What to try, in this order:").last).to_be_visible()


def test_leaving_with_something_unsaved_asks(me: Person) -> None:
    practitioner(me, 0)
    me.page.get_by_label("Days in Arrears").fill("3")
    expect(me.page.get_by_text("Not saved yet")).to_be_visible()
    asked: list[str] = []

    def answer(dialog: object) -> None:
        asked.append(str(getattr(dialog, "type", "")))
        dialog.dismiss()  # type: ignore[attr-defined]  # Playwright's own

    me.page.on("dialog", answer)
    me.page.locator(".back").click(no_wait_after=True)
    me.page.wait_for_timeout(500)
    assert asked == ["beforeunload"]
    me.press(me.button("Undo"))
    expect(me.page.get_by_text("Not saved yet")).to_be_hidden()


def test_the_wizard_is_reached_and_used_with_the_keyboard_alone(me: Person) -> None:
    practitioner(me, 4)
    account = begin(me)[4]
    me.at_google(account)
    expect(me.page.get_by_text("Connected.").first).to_be_visible()
    reached = []
    for _ in range(60):
        me.page.keyboard.press("Tab")
        reached.append(
            me.page.evaluate(
                "(document.activeElement.getAttribute('aria-label') "
                "|| document.activeElement.textContent "
                "|| document.activeElement.closest('label')?.textContent || '').trim()"
            )
        )
    text = " | ".join(reached)
    for wanted in ("Sign out", "5 Test Credentials", "Connect again", "Copy settings to others"):
        assert wanted in text, wanted
    test = me.button(re.compile("^Test Credentials"))
    test.focus()
    me.page.keyboard.press("Enter")
    expect(me.button("Test Credentials (Succeeded)")).to_be_visible()


def test_a_user_signs_in_elsewhere_and_out_of_every_tab(
    me: Person, chromium: Browser, settled: BrowserContext
) -> None:
    page = me.page
    page.goto("/users")
    me.press(me.button("Add user"))
    page.get_by_role("dialog").get_by_label("Name").fill("Kim")
    page.wait_for_timeout(300)
    me.press(page.get_by_role("dialog").get_by_role("button", name="Add"))
    password = page.locator(".address").inner_text()
    me.press(me.button("Done"))
    page.wait_for_timeout(400)
    me.look("users")

    machine = [e for e in settled.cookies() if e["name"].startswith("companion-machine")]
    context = chromium.new_context(base_url=me.day.address, locale="en-AU")
    context.add_cookies(machine)  # type: ignore[arg-type]  # what cookies() gave
    front = context.new_page()
    front.goto("/practice")
    kim = Person(page=front, day=me.day)
    front.get_by_label("Your name").fill("Kim")
    front.get_by_label("Password").fill("wrong wrong wrong")
    kim.press(kim.button("Sign in"))
    expect(front.get_by_role("alert")).to_contain_text("do not belong together")
    kim.look("sign-in")
    front.get_by_label("Password").fill(password)
    kim.press(kim.button("Sign in"))
    expect(front.get_by_role("heading")).to_have_text("Password of Kim")
    front.get_by_label("Present password").fill(password)
    front.get_by_label("New password", exact=True).fill(PASSWORD)
    front.get_by_label("The new password again").fill(PASSWORD)
    kim.press(kim.button("Change the password"))
    expect(front.locator(".who").first).to_be_visible()
    expect(front.get_by_role("link", name="Practice", exact=True)).to_have_count(0)
    expect(kim.button(re.compile("Upload to Google"))).to_have_count(0)
    kim.look("overview-reception")
    second = context.new_page()
    second.goto("/import")
    expect(second.get_by_role("heading", name="Import appointments")).to_be_visible()
    kim.press(kim.button("Sign out"))
    expect(front.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(second.get_by_role("heading", name="Sign in")).to_be_visible(timeout=10_000)
    context.close()
