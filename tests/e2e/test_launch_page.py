"""From the start command into a real browser, by way of the private file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.command_home import CommandHome
from tests.e2e.screen import a_browser
from tests.fakes.browsers import recording_browser
from tests.fakes.free_ports import free_port

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_each_start_leads_a_real_browser_in_and_leaves_no_file(
    commands: CommandHome, tmp_path: Path
) -> None:
    port = free_port()
    options = ["serve", "--port", str(port), "--feed-port", str(free_port())]
    with recording_browser(tmp_path) as recorder, a_browser() as chromium:
        page = chromium.new_page()
        app = commands.start(*options, BROWSER=recorder.variable)
        try:
            for _ in range(2):
                with recorder.opened() as opened:
                    assert "launch=" not in str(opened.arguments)
                page.goto(opened.page.as_uri())
                page.wait_for_url(f"http://127.0.0.1:{port}/welcome")
                expect(page.get_by_role("heading", level=1)).to_contain_text("Welcome")
                assert not opened.page.exists()
                second = commands.start("serve", BROWSER=recorder.variable)
                assert "already running" in second.communicate(timeout=30)[0]
            known = json.loads((commands.home / "browsers.json").read_text(encoding="utf-8"))
            assert len(known) == 1, "the second launch finds the browser known"
            with recorder.opened() as opened:
                assert opened.page.exists(), "not used yet"
        finally:
            app.terminate()
            app.communicate(timeout=20)
    assert list(commands.home.glob("companion-launch-*")) == []
