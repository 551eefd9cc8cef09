"""The main job in a browser: `run.py demo`, connect, upload, a later export, a link for a phone.

With COMPANION_SCREENSHOTS=1 it uploads for three people and renews the picture of the README.
"""

from __future__ import annotations

import csv
import io
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from companion.sandbox.demo import LATER_EXPORT, ZONE
from companion.sandbox.sample import sample_export_csv
from tests.e2e.screen import faults
from tests.fakes.free_ports import free_port
from tests.fakes.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
LONGEST_UPLOAD = 120_000
"""Milliseconds; Google takes ten changes a second."""


@dataclass(frozen=True, kw_only=True)
class Demo:
    launch: str
    address: str


@pytest.fixture
def demo() -> Iterator[Demo]:
    """`run.py demo` in a process of its own."""
    port, feed_port = free_port(), free_port()
    kept = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    options = ["--no-browser", "--port", str(port), "--feed-port", str(feed_port)]
    process = subprocess.Popen(
        [sys.executable, "-c", "from companion.cli import run; run()", "demo", *options],
        cwd=ROOT,
        env=kept,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    assert process.stdout is not None
    try:
        while not (found := re.search(r"http://\S+launch=\S+", process.stdout.readline())):
            assert process.poll() is None, "the demo did not start; see its error above"
        yield Demo(launch=found[0], address=f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


def connect(page: Page, name: str) -> None:
    """Through Google's page, as a person who says yes."""
    page.get_by_role("link", name=f"Connect to Google, {name}").click()
    allow = page.get_by_role("button", name="Allow")
    expect(allow).to_be_visible()
    choices = page.locator("input[name=account]")
    if choices.count() and not page.locator("input[name=account]:checked").count():
        choices.first.check()
    allow.click()
    expect(page.locator(".who").first).to_be_visible(timeout=20_000)


def card_of(page: Page, name: str) -> Locator:
    return page.locator(".who").filter(has_text=name)


def upload(card: Locator, name: str) -> None:
    """Press the button, unless the background sync, told of the new connection, was quicker."""
    button = card.get_by_role("button", name=f"Upload to Google, {name}")
    bar = card.get_by_role("progressbar")
    expect(button.or_(bar).first).to_be_visible()
    if not bar.is_visible():
        button.click()
    expect(bar).to_be_visible(timeout=20_000)


def practitioners_by_moves() -> list[str]:
    """Everybody in the sample, first those who have an appointment moved by the later export."""
    today = datetime.now(ZoneInfo(ZONE)).date()
    first, second = (
        {row["Appointment ID"]: row for row in csv.DictReader(io.StringIO(text))}
        for text in (sample_export_csv(today, ZONE, changed=changed) for changed in (False, True))
    )
    moved = [
        row["Practitioner"]
        for key, row in first.items()
        if key in second and second[key]["Start"] != row["Start"]
    ]
    everybody = [row["Practitioner"] for row in first.values()]
    return list(dict.fromkeys([*moved, *everybody]))


def fetch(url: str, **headers: str) -> tuple[int, bytes, str]:
    """As curl would: status, body, ETag."""
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=named), timeout=10) as got:
            return got.status, got.read(), got.headers["ETag"]
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read(), refused.headers["ETag"]


def test_an_export_reaches_google_and_the_phone(demo: Demo, chromium: Browser) -> None:
    names = practitioners_by_moves()[:1]
    name = names[0]
    context = chromium.new_context(
        viewport={"width": 1280, "height": 900}, color_scheme="light", locale="en-AU"
    )
    page = context.new_page()
    page.goto(demo.launch)
    expect(page.locator(".who")).to_have_count(6)
    expect(page.get_by_text("invented people")).to_be_visible()

    for each in names:
        connect(page, each)
        page.goto(demo.address)
        upload(card_of(page, each), each)
    for each in names:
        proof = card_of(page, each).get_by_text(re.compile(r"Book .* = Google \d+"))
        expect(proof).to_be_visible(timeout=LONGEST_UPLOAD)
    assert faults(page) == []

    google = context.new_page()
    google.goto(page.get_by_role("link", name="Simulated Google").get_attribute("href") or "")
    google.get_by_role("link", name=f"Appointments – {name}").click()
    expect(google.locator("li.event").first).to_be_visible()
    google.wait_for_load_state()  # a long page shows its first lines before its last have come
    before = google.locator("body").inner_text()

    def google_changed() -> bool:
        google.reload()
        return google.locator("body").inner_text() != before

    assert not google_changed(), "the upload was shown as proven and went on"

    page.goto(f"{demo.address}/import")
    page.get_by_role("button", name=LATER_EXPORT).click()
    expect(page.get_by_role("button", name="Apply")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("link", name="Go to the overview")).to_be_visible()
    wait_until(google_changed, seconds=20)
    google.close()  # a tab behind another draws nothing, and dialogs open by being drawn

    page.goto(demo.address)
    page.locator(".who__name a", has_text=name).click()
    expect(page.get_by_role("heading", name=name).first).to_be_visible()
    assert faults(page) == []
    page.get_by_role("link", name="Phone links").click()
    page.get_by_role("button", name="Add a device").click()
    page.get_by_label("Device", exact=True).wait_for()
    page.get_by_label("Whose or which one").fill("A phone")
    page.get_by_role("button", name="Make the link").click()
    shown = page.get_by_text(re.compile(r"/feeds/[\w-]{43}\.ics")).first
    expect(shown).to_be_visible()
    url = re.sub(r"^webcal", "http", shown.inner_text().strip())

    status, body, tag = fetch(url)
    assert status == 200
    assert body.count(b"BEGIN:VEVENT") > 100
    assert fetch(url, If_None_Match=tag)[:2] == (304, b"")
    context.close()
