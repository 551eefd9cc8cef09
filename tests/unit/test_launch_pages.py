"""How an address reaches the browser, with a browser that is really started."""

from __future__ import annotations

import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from companion.services.processes import without_secrets
from companion.web.launch_pages import LaunchPages, _browser_is_confined
from tests.fakes.browsers import RecordingBrowser, recording_browser

ADDRESS = "http://127.0.0.1:8080/?launch=not-for-anybody-else"


@pytest.fixture
def browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordingBrowser]:
    with recording_browser(tmp_path) as made:
        monkeypatch.setenv("BROWSER", made.variable)
        yield made


def command_lines() -> str:
    """Of every process of this computer."""
    return "\n".join(
        " ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])
    )


def test_the_address_is_in_a_private_file_and_in_no_process_list(
    browser: RecordingBrowser, tmp_path: Path
) -> None:
    pages = LaunchPages(tmp_path)
    assert pages.open(ADDRESS, "Calendar Companion")
    with browser.opened() as opened:
        assert "browser.py" in command_lines(), "while it runs, it is seen"
        assert "not-for-anybody-else" not in command_lines()
    page = opened.page
    assert f'content="0;url={ADDRESS}"' in page.read_text(encoding="utf-8")
    if sys.platform != "win32":
        assert stat.S_IMODE(page.stat().st_mode) == 0o600
    pages.remove(ADDRESS)
    assert not page.exists()


def test_the_browser_has_none_of_our_secrets(
    browser: RecordingBrowser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPANION_SECRETS_KEY", "the passphrase of this test")
    monkeypatch.setenv("PGPASSWORD", "another passphrase of this test")
    LaunchPages(tmp_path).open(ADDRESS, "Calendar Companion")
    with browser.opened() as opened:
        assert "passphrase of this test" not in str(opened.variables)
        assert opened.variables["PATH"]


def test_a_child_keeps_what_it_needs_and_loses_what_may_be_a_secret() -> None:
    needed = {
        "PATH": "/bin",
        "HOME": "/home/anna",
        "PWD": "/tmp",
        "DISPLAY": ":0",
        "XAUTHORITY": "/run/x",
        "DBUS_SESSION_BUS_ADDRESS": "unix:path=/run/bus",
        "SSH_AUTH_SOCK": "/run/agent",
        "HTTPS_PROXY": "http://proxy.clinic.example:8080",
        "XDG_SESSION_ID": "3",
        "SystemRoot": "C:\\Windows",
        "KEYBOARD": "au",
    }
    secret = {
        "COMPANION_SECRETS_KEY": "x",
        "COMPANION_BACKUP_KEY": "x",
        "COMPANION_HOME": "/x",
        "PGPASSWORD": "x",
        "MYSQL_PWD": "x",
        "KEYRING_CRYPTFILE_PASSWORD": "x",
        "GITHUB_TOKEN": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "Api_Key": "x",
        "REDISCLI_AUTH": "x",
        "DATABASE_URL": "postgresql://anna:x@db.example/practice",
        "HTTP_PROXY": "http://anna:x@proxy.clinic.example:8080",
    }
    assert without_secrets(needed | secret) == needed


def test_what_a_killed_program_left_goes_with_the_next_start(
    browser: RecordingBrowser, tmp_path: Path
) -> None:
    LaunchPages(tmp_path).open(ADDRESS, "Calendar Companion")
    with browser.opened() as opened:
        page = opened.page
    kept = tmp_path / "settings.json"
    kept.touch()
    LaunchPages(tmp_path).sweep()
    assert (page.exists(), kept.exists()) == (False, True)


def test_a_folder_that_cannot_be_written_to_is_said(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    assert not LaunchPages(tmp_path / "home").open(ADDRESS, "Calendar Companion")


def test_a_browser_that_is_a_snap_is_noticed(tmp_path: Path) -> None:
    assert not _browser_is_confined(tmp_path / "nowhere")
    (tmp_path / "notes_notes.desktop").write_text("MimeType=text/plain;", encoding="utf-8")
    assert not _browser_is_confined(tmp_path)
    (tmp_path / "firefox_firefox.desktop").write_text(
        "MimeType=text/html;x-scheme-handler/http;x-scheme-handler/https;", encoding="utf-8"
    )
    assert _browser_is_confined(tmp_path)
