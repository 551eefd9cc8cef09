"""Setting up alone: from the first start to the proof, and what goes wrong on the way.

In a real browser against the simulated Google, with the program's own pages: nothing is pressed
but what a person sees. Screenshots go to the folder named by COMPANION_SCREENSHOTS.
"""

from __future__ import annotations

import json
import re
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, expect

from tests.e2e.screen import (
    SLOW,
    Person,
    accounts,
    faults,
    origin_of,
    serving,
)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

PASSWORD = "tram violet anchor"
# Each test has a practitioner of its own, so that it can run alone and in any order; those who
# share one leave them as they were.
WHOLE_WAY, UNTOUCHED, IN_TWO_TABS, TROUBLED, BY_KEYBOARD, FROM_A_LIST = range(6)
CONNECT = re.compile("^Connect to Google$")
"""In step 3; the card's names the practitioner too."""
PROOF = re.compile(r"Book .* = Google \d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstDay:
    launch: str
    google: str
    client: str
    export: str

    @property
    def address(self) -> str:
        return origin_of(self.launch)

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


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FirstDay]:
    """A home where nobody was before, in a process of its own."""
    with serving("serve_first_day.py", tmp_path_factory.mktemp("first-day")) as said:
        yield FirstDay(**json.loads(said))


@pytest.fixture(scope="module")
def settled(chromium: Browser, day: FirstDay) -> Iterator[BrowserContext]:
    """First start → administrator → the Google client → import; everybody is there afterwards."""
    context = chromium.new_context(base_url=day.address, locale="en-AU")
    context.set_default_timeout(SLOW)
    page = context.new_page()
    me = Person(page=page)
    page.goto(day.launch)

    expect(page.get_by_role("heading")).to_have_text("Welcome to Calendar Companion")
    me.look("welcome-1")
    page.get_by_label("Name of the practice").fill("Banksia Allied Health")
    page.get_by_label("Time zone").select_option("Australia/Sydney")
    me.press(me.button("Next"))
    expect(page.get_by_role("heading")).to_have_text("Who looks after it?")
    page.reload()
    expect(page.get_by_role("heading")).to_have_text("Who looks after it?")
    page.get_by_label("Your name").fill("Robin")
    starts = page.get_by_label("Start by itself")
    expect(starts).to_be_checked()
    starts.set_checked(sys.platform == "linux")  # elsewhere it would be this computer's own
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_label("The password again", exact=True).fill("short")
    me.press(me.button("Next"))
    expect(page.get_by_role("alert")).to_contain_text("shorter than 10 characters")
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    me.look("welcome-2")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The password again", exact=True).fill(PASSWORD)
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
    yield Person(page=page)
    page.close()


def practitioner(me: Person, place: int) -> str:
    """Opens the page of the nth practitioner by address, whoever needs somebody first; it."""
    me.page.goto("/")
    expect(me.page.locator(".who__name a").nth(FROM_A_LIST)).to_be_visible()
    links = me.page.locator(".who__name a").all()
    address = sorted(each.get_attribute("href") or "" for each in links)[place]
    me.press(me.page.locator(f".who__name a[href='{address}']"))
    expect(me.page.get_by_text(re.compile(r"\d of 9 steps done"))).to_be_visible()
    return address


def unfold(me: Person, title: str) -> None:
    heading = me.page.get_by_role("heading", name=title, exact=True)
    me.press(me.page.locator("summary", has=heading))


def begin(me: Person, *, calendar: str = "") -> list[str]:
    """Presses Connect to Google on a practitioner's page; the accounts Google offers."""
    if calendar:
        me.press(me.page.get_by_text(calendar, exact=True))
    me.press(me.button(CONNECT))
    return accounts(me)


def test_the_wizard_leads_to_a_filled_calendar_with_its_proof(me: Person) -> None:
    page = me.page
    address = practitioner(me, WHOLE_WAY)
    me.look("practitioner-new")
    account = begin(me)[WHOLE_WAY]
    me.at_google(account)
    expect(page.get_by_text("Connected; nothing uploaded yet").first).to_be_visible()
    expect(page.get_by_text("6 of 9 steps done")).to_be_visible()
    page.reload()
    unfold(me, "Connect to Google")
    expect(page.get_by_text(f"Signed in as {account}")).to_be_visible()
    unfold(me, "Check Calendar is accessible")
    me.press(me.button("Check Calendar is accessible"))
    expect(me.button("Calendar Accessible (Succeeded)")).to_be_visible()
    page.reload()
    unfold(me, "Sync period")
    page.get_by_label("Days in Advance").fill("20")
    expect(page.get_by_text("Not saved yet")).to_be_visible()
    me.press(page.get_by_role("button", name="Apply", exact=True))
    expect(page.get_by_text("Not saved yet")).to_be_hidden()
    me.press(page.get_by_role("button", name=re.compile("^Upload to Google")))
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    me.look("upload")
    me.press(dialog.get_by_role("button", name=re.compile("^(Upload|Compare with Google)$")))
    expect(me.button(re.compile("^Cancel, "))).to_be_visible()  # the dialog's has no name
    page.reload()
    expect(page.get_by_text(PROOF)).to_be_visible(timeout=SLOW * 2)
    expect(page.get_by_text("All 9 steps are done.")).to_be_visible()
    me.look("practitioner-done")
    page.goto("/progress")
    expect(page.get_by_text("All done")).to_be_visible()
    me.look("progress")
    assert address.startswith("/practitioner/")


def test_saying_no_at_google_changes_nothing_and_can_be_tried_again(me: Person) -> None:
    practitioner(me, UNTOUCHED)
    begin(me)
    me.at_google(cancel=True)
    expect(me.page.get_by_text("cancelled").first).to_be_visible()
    me.press(me.link("Back to the practitioner"))
    expect(me.button(CONNECT)).to_be_visible()


def test_another_account_than_the_login_is_caught(me: Person) -> None:
    practitioner(me, UNTOUCHED)
    mine = me.page.get_by_label("E-mail of the Google account")
    mine.fill("somebody.else@banksia.example")
    other = begin(me)[0]
    me.at_google(other)
    expect(me.page.get_by_text("signed in, but the Google Login is")).to_be_visible()
    me.press(me.link("Back to the practitioner"))
    expect(me.button(CONNECT)).to_be_visible()


def test_an_unticked_calendar_is_caught_and_explained(me: Person) -> None:
    practitioner(me, UNTOUCHED)
    me.page.get_by_label("E-mail of the Google account").fill("juergen@banksia.example")
    account = begin(me)[UNTOUCHED]
    me.at_google(account, untick=True)
    expect(me.page.get_by_role("heading")).to_contain_text(re.compile("permission|calendar"))
    assert faults(me.page) == []
    me.press(me.link("Back to the practitioner"))
    expect(me.button(CONNECT)).to_be_visible()


def test_the_back_button_out_of_google_leaves_a_sign_in_that_can_be_cancelled(me: Person) -> None:
    address = practitioner(me, UNTOUCHED)
    begin(me)
    me.page.go_back()
    expect(me.page).to_have_url(re.compile(re.escape(address)))
    expect(me.page.get_by_text("A sign-in at Google is under way.")).to_be_visible()
    me.page.reload()
    expect(me.page.get_by_text("A sign-in at Google is under way.")).to_be_visible()
    me.press(me.button("Cancel the sign-in"))
    expect(me.page.get_by_text("A sign-in at Google is under way.")).to_be_hidden()


def test_a_calendar_is_chosen_from_the_list(me: Person) -> None:
    practitioner(me, FROM_A_LIST)
    account = begin(me, calendar="Choose from my list, after signing in")[FROM_A_LIST]
    me.at_google(account)
    mine = me.page.get_by_role("radiogroup", name="My calendars")
    expect(mine).to_be_visible(timeout=SLOW)
    me.page.reload()
    expect(mine).to_be_visible(timeout=SLOW)
    me.press(mine.get_by_role("radio").first)
    me.press(me.button("Use this calendar"))
    expect(me.page.get_by_text("Connected; nothing uploaded yet").first).to_be_visible()
    expect(me.page.get_by_text("6 of 9 steps done")).to_be_visible()


def test_a_second_tab_sees_what_the_first_did(me: Person, settled: BrowserContext) -> None:
    address = practitioner(me, IN_TWO_TABS)
    account = begin(me)[IN_TWO_TABS]
    second = settled.new_page()
    second.goto(address)
    expect(second.get_by_text("A sign-in at Google is under way.")).to_be_visible()
    me.at_google(account)
    expect(me.page.get_by_text("Connected; nothing uploaded yet").first).to_be_visible()
    expect(second.get_by_text(re.compile("[34567] of 9 steps done"))).to_be_visible()
    second.close()


def test_an_ended_sign_in_and_a_removed_calendar_say_what_to_do(me: Person, day: FirstDay) -> None:
    practitioner(me, TROUBLED)
    account = begin(me)[TROUBLED]
    me.at_google(account)
    expect(me.page.get_by_text("Connected; nothing uploaded yet").first).to_be_visible()
    expect(me.page.get_by_text("6 of 9 steps done")).to_be_visible()
    day.remove_calendar(account)
    unfold(me, "Check Calendar is accessible")
    me.press(me.button("Calendar Accessible (Succeeded)"))
    expect(me.page.get_by_text("What to try, in this order:").first).to_be_visible()
    assert faults(me.page) == []
    day.control("revoke", email=account)
    day.control("expire", email=account)
    unfold(me, "Test Credentials")
    me.press(me.button("Test Credentials"))
    expect(me.page.get_by_text("What to try, in this order:").last).to_be_visible()


def test_leaving_with_something_unsaved_asks(me: Person) -> None:
    address = practitioner(me, UNTOUCHED)
    unfold(me, "Sync period")
    me.page.get_by_label("Days in Arrears").fill("3")
    expect(me.page.get_by_text("Not saved yet")).to_be_visible()
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    me.page.once("dialog", stay)
    with me.page.expect_event("dialog"):
        me.page.locator(".back").click(no_wait_after=True)
    assert asked == ["beforeunload"]
    expect(me.page).to_have_url(re.compile(re.escape(address)))
    with me.page.expect_navigation():
        me.press(me.button("Undo"))
    expect(me.page.get_by_text("Not saved yet")).to_be_hidden()
    with me.page.expect_navigation():
        me.press(me.page.locator(".back"))
    expect(me.page.locator(".who").first).to_be_visible()


def test_the_wizard_is_reached_and_used_with_the_keyboard_alone(me: Person) -> None:
    practitioner(me, BY_KEYBOARD)
    account = begin(me)[BY_KEYBOARD]
    me.at_google(account)
    expect(me.page.get_by_text("Connected; nothing uploaded yet").first).to_be_visible()
    expect(me.page.get_by_text("6 of 9 steps done")).to_be_visible()
    unfold(me, "Connect to Google")
    unfold(me, "Items to include")
    reached = []
    me.page.locator("h1").click()
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
    for wanted in ("Sign out", "Test Credentials", "Connect again", "Copy settings to others"):
        assert wanted in text, wanted
    me.page.locator("summary", has_text="Test Credentials").focus()
    me.page.keyboard.press("Enter")
    test = me.button(re.compile("^Test Credentials"))
    test.focus()
    me.page.keyboard.press("Enter")
    expect(me.button("Test Credentials (Succeeded)")).to_be_visible()


def test_a_user_signs_in_elsewhere_and_out_of_every_tab(
    me: Person, day: FirstDay, chromium: Browser, settled: BrowserContext
) -> None:
    page = me.page
    page.goto("/users")
    me.press(me.button("Add user"))
    page.get_by_role("dialog").get_by_label("Name").fill("Kim")
    me.press(page.get_by_role("dialog").get_by_role("button", name="Add"))
    password = page.locator(".address").inner_text()
    me.press(me.button("Done"))
    me.look("users")

    machine = [e for e in settled.cookies() if e["name"].startswith("companion-machine")]
    context = chromium.new_context(base_url=day.address, locale="en-AU")
    context.add_cookies(machine)  # type: ignore[arg-type]  # what cookies() gave
    front = context.new_page()
    front.goto("/practice")
    kim = Person(page=front)
    front.get_by_label("Your name").fill("Kim")
    front.get_by_label("Password", exact=True).fill("wrong wrong wrong")
    kim.press(kim.button("Sign in"))
    expect(front.get_by_role("alert")).to_contain_text("do not belong together")
    kim.look("sign-in")
    front.get_by_label("Password", exact=True).fill(password)
    kim.press(kim.button("Sign in"))
    expect(front.get_by_role("heading")).to_have_text("Password of Kim")
    front.get_by_label("Present password", exact=True).fill(password)
    front.get_by_label("New password", exact=True).fill(PASSWORD)
    front.get_by_label("The new password again", exact=True).fill(PASSWORD)
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
