"""An export that nobody knows, from the drop to the undo, by mouse alone: clicks are counted."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.screen import SLOW, Person, a_browser, origin_of, serving

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

MOST_CLICKS = 12
ROWS = [
    ("Harbour Street Clinic – diary", "", "", "", "", "", ""),
    ("Printed 23/11/2026", "", "", "", "", "", ""),
    ("", "", "", "", "", "", ""),
    ("Ref", "Begins", "Duration", "Clinician", "Attending", "Service", "Status"),
    ("A-1", "30/11/2026 9:00", "45", "Zoë O'Brien-Nguyen", "Robin Sample", "Physio", "Fixed"),
    (
        "A-2",
        "30/11/2026 10:00",
        "45",
        "Zoë O'Brien-Nguyen",
        "Kim Sample",
        "Physio",
        "DNA – charged",
    ),
    ("A-3", "30/11/2026 11:00", "30", "Noor Invented", "Lee Sample", "Massage", "Shifted"),
    ("A-4", "01/12/2026 9:00", "30", "Noor Invented", "Jo Sample", "Massage", "Fixed"),
    ("A-5", "31/13/2026 9:00", "30", "Noor Invented", "Al Sample", "Massage", "Fixed"),
    ("Total", "", "", "", "5 appointments", "", ""),
]


def test_an_unknown_layout_is_answered_applied_and_undone_by_mouse(tmp_path: Path) -> None:
    export = tmp_path / "diary.csv"
    export.write_text("\n".join(";".join(row) for row in ROWS), encoding="utf-8")
    with serving("serve_pages.py", tmp_path / "home") as launch, a_browser() as browser:
        page = browser.new_context(locale="en-AU").new_page()
        page.set_viewport_size({"width": 1280, "height": 900})
        me = Person(page=page)
        page.goto(launch)
        page.goto(f"{origin_of(launch)}/import")
        me.look("import-choose")
        began = time.monotonic()
        with page.expect_file_chooser() as chooser:
            me.press(me.button("Choose a file"))
        chooser.value.set_files(export)
        expect(page.get_by_role("heading", name="What the file leaves open")).to_be_visible(
            timeout=SLOW
        )
        me.look("import-questions")

        me.press(me.button("Change how columns are read"))
        # The preview's own cell says the same until the form stands in its place.
        people = page.get_by_role("paragraph").filter(has_text="Robin Sample · Kim Sample")
        expect(people).to_be_visible()
        me.look("import-columns")
        me.press(page.get_by_label("“Attending” holds"))
        me.press(page.get_by_role("option", name="Client, whole name"))
        me.press(me.button("Read the file again"))
        expect(page.get_by_text("Robin Sample").first).to_be_visible()

        shifted = page.get_by_role("group", name=re.compile("Shifted"))
        me.press(shifted.get_by_text("No, they are cancelled"))
        me.press(me.button("Use these answers"))
        expect(me.button("Apply")).to_be_visible(timeout=SLOW)
        expect(page.get_by_text("Importing adds 4 (2 of them cancelled)")).to_be_visible()
        expect(page.get_by_text("31/13/2026").first).to_be_visible()
        me.look("import-preview")

        me.press(me.button("Apply"))
        expect(page.get_by_text("The book is up to date with the file.")).to_be_visible()
        me.look("import-report")
        me.press(me.button("Undo the import of diary.csv"))
        expect(page.get_by_text("Undoing it takes out 4 appointments.")).to_be_visible()
        me.look("import-undo")
        me.press(page.get_by_role("dialog").get_by_role("button", name="Undo this import"))
        expect(page.get_by_text(re.compile("^Undone, "))).to_be_visible(timeout=SLOW)
        print(f"{me.clicks} clicks, {time.monotonic() - began:.0f} s")
        assert me.clicks <= MOST_CLICKS
        me.look("import-history")
        page.goto(f"{origin_of(launch)}/sources")
        expect(page.get_by_role("heading", name="Sources", exact=True)).to_be_visible()
        me.look("import-sources")
