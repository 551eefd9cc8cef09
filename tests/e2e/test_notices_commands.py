"""`run.py notices` as an IT person uses it: a real mail server, a real session bus, and what is
kept of it sealed."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from companion.cli import app
from companion.domain.notice_choices import MailSecurity
from tests.e2e.command_home import CommandHome
from tests.fakes.certificates import write_certificate
from tests.fakes.mail_server import PASSWORD, USER, RunningMailServer, mail_server
from tests.fakes.session_bus import recording_service, session_bus

COMPLETE = "COMPANION_TEST_COMPLETE" in os.environ


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningMailServer]:
    certificate = write_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with mail_server(certificate, MailSecurity.STARTTLS) as running:
        yield running


def set_up(commands: CommandHome, server: RunningMailServer) -> None:
    commands.run(
        *("practice", "settings", "notice_desktop=false", "notice_mail=true"),
        *(f"notice_mail_server={server.settings().host}", f"notice_mail_port={server.port}"),
        *(f"notice_mail_login={USER}", f"notice_mail_from={USER}"),
        "notice_administrators=it@clinic.example",
    )


def give(commands: CommandHome, password: str) -> str:
    asked = ["notices", "--password"]
    result = CliRunner().invoke(app, asked, env=commands.settings, input=f"{password}\n")
    assert result.exit_code == 0, result.output
    return result.output


def test_e_mail_is_set_up_and_tested_by_command(
    commands: CommandHome, server: RunningMailServer
) -> None:
    set_up(commands, server)
    missing = commands.json("notices", "--test", code=1)
    assert missing["tests"][0]["error"]["what"] == "The mail server's password is not known."
    assert PASSWORD not in give(commands, PASSWORD)
    tested = commands.json("notices", "--test")
    assert tested["tests"] == [{"way": "mail", "sent": True, "error": None}]
    assert [each["Subject"] for each in server.taken] == ["Calendar Companion: test"]
    assert server.to == ["it@clinic.example"]
    assert PASSWORD.encode() not in commands.content()

    give(commands, "wrong")
    refused = commands.json("notices", "--test", code=1)["tests"][0]
    assert "refuses the user or the password" in refused["error"]["what"]


def test_a_webhook_is_named_and_its_address_sealed(commands: CommandHome) -> None:
    address = "https://hooks.clinic.example/private-3f9a"
    key = commands.run("notices", "--webhook", address).splitlines()[0]
    assert len(key) >= 32
    ways = {
        each["way"]: each["on"] for each in json.loads(commands.run("notices", "--json"))["ways"]
    }
    assert ways == {"desktop": True, "mail": False, "webhook": True}
    assert b"private-3f9a" not in commands.content()
    assert key.encode() not in commands.content()
    assert "forgotten" in commands.run("notices", "--webhook", "off")
    assert (
        "not secure"
        in commands.json("notices", "--webhook", "http://a.example", code=1)["error"]["what"]
    )


@pytest.mark.skipif(
    sys.platform != "linux" or not (COMPLETE or shutil.which("dbus-daemon")),
    reason="needs Linux with dbus-daemon",
)
def test_a_test_is_shown_on_the_desktop(
    commands: CommandHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with session_bus(tmp_path) as address, recording_service(address, "body") as recorder:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        assert "Look whether it was shown" in commands.run("notices", "--test")
    assert recorder.shown == [
        ("Calendar Companion", "Calendar Companion", "A test: notices look like this.")
    ]
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
    failed = commands.json("notices", "--test", code=1)
    assert failed["tests"][0]["error"]["what"] == "This desktop shows no notices."
