"""The app in the background: real processes that outlive who started them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from companion.adapters.database.schema import HEAD
from companion.services.settings.documents import VERSION
from companion.web.binding import free_app_port
from tests.contract.test_desktop_entries import as_the_specification_says
from tests.e2e.command_home import CommandHome, open_desk
from tests.e2e.test_contract_commands import document
from tests.fakes.free_ports import free_port

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def commands(tmp_path: Path) -> Iterator[CommandHome]:
    with open_desk(tmp_path, CommandHome) as made:
        yield made
        for each in processes_of(made.home):
            each.kill()


def processes_of(home: Path, word: str = "--background") -> list[psutil.Process]:
    """That serve this home, or were started with that word."""
    found = []
    for each in psutil.process_iter(["cmdline"]):
        if word not in (each.info["cmdline"] or ()):
            continue
        try:
            if each.environ().get("COMPANION_HOME") == str(home):
                found.append(each)
        except psutil.Error:
            continue
    return found


def started(commands: CommandHome, **variables: str) -> dict[str, Any]:
    options = ["--port", str(free_port()), "--feed-port", str(free_port())]
    return document(commands, "start", "--no-browser", *options, code=0, **variables)[0]


def test_it_starts_answers_says_what_runs_and_stops(commands: CommandHome) -> None:
    first = started(commands)
    assert (first["running"], first["already"]) == (True, False)
    (process,) = processes_of(commands.home)
    assert process.terminal() is None

    status = commands.json("status")
    assert status["app"]["running"] is True
    assert status["app"]["address"] == first["address"]
    assert status["app"]["since"].startswith("2026-03-01T22:00")
    assert status["schema"] == {"settings": VERSION, "database": HEAD}
    assert "has been running since" in commands.run("status")

    again = started(commands)
    assert again == {**first, "already": True}
    assert processes_of(commands.home) == [process]
    said = (commands.home / "background.log").read_text("utf-8")
    assert "launch=" not in said, "what lets somebody in lies in no file"

    assert commands.json("stop") == {"running": False, "stopped": True}
    process.wait(10)
    assert commands.json("stop") == {"running": False, "stopped": False}
    assert commands.json("status")["app"]["running"] is False

    port = int(first["address"].rstrip("/").rpartition(":")[2])
    assert document(commands, "start", "--no-browser", code=0)[0]["address"] == first["address"]
    assert free_app_port(port) != port, "the port it had last, taken again"
    commands.run("stop")


def test_a_port_of_somebody_else_is_said_at_once(commands: CommandHome) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        found, _ = document(
            commands, "start", "--no-browser", "--port", str(port), "--feed-port", "0", code=2
        )
        assert found["error"]["kind"] == "WrongUsage"
        found, err = document(commands, "start", "--no-browser", "--port", str(port), code=1)
    assert "used by another program" in found["error"]["what"]
    assert "another port" in err
    assert processes_of(commands.home) == []


def test_two_people_on_one_computer_get_a_port_each() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert free_app_port(port) in range(port + 1, port + 20)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM for one process")
def test_signing_out_ends_it_in_order(commands: CommandHome) -> None:
    started(commands)
    (process,) = processes_of(commands.home)
    os.kill(process.pid, signal.SIGTERM)
    began = time.monotonic()
    process.wait(10)
    assert time.monotonic() - began < 10
    assert "Nothing is lost" in (commands.home / "background.log").read_text("utf-8")
    assert commands.json("status")["app"]["running"] is False


@pytest.mark.skipif(sys.platform != "linux", reason="writes this computer's own entries elsewhere")
def test_at_sign_in_the_desktop_starts_what_autostart_wrote(
    commands: CommandHome, tmp_path: Path
) -> None:
    there = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_DATA_HOME": str(tmp_path / "data")}
    assert document(commands, "autostart", "status", code=0, **there)[0]["on"] is False
    state, _ = document(commands, "autostart", "on", code=0, **there)
    path = tmp_path / "config" / "autostart" / "calendar-companion.desktop"
    assert (state["on"], state["place"]) == (True, str(path))
    assert document(commands, "menu", "on", code=0, **there)[0]["on"] is True

    line = next(each for each in path.read_text("utf-8").splitlines() if each.startswith("Exec="))
    command = as_the_specification_says(line.removeprefix("Exec="))
    assert str(commands.home) in command, "what was set in a terminal is not set at sign-in"
    signed_in = {key: value for key, value in commands.environment.items() if "HOME" not in key}
    done = subprocess.run(command, env=signed_in, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    assert commands.json("status")["app"]["running"] is True
    assert commands.json("stop")["stopped"] is True

    assert document(commands, "autostart", "off", code=0, **there)[0]["on"] is False
    assert not path.exists()


def people(commands: CommandHome) -> list[str]:
    return [each["name"] for each in commands.json("practitioners", "list")["practitioners"]]


def test_a_restore_stops_the_app_and_starts_it_again(commands: CommandHome, tmp_path: Path) -> None:
    """Killed before the backup takes its place, everything is as it was."""
    key = {"COMPANION_BACKUP_KEY": "seven mild ibises wander"}
    file = tmp_path / "monday.ccbackup"
    document(commands, "backup", file, code=0, **key)
    commands.run("practitioners", "add", "Ben Muster")
    first = started(commands)
    restored, _ = document(commands, "restore", file, "--restart", code=0, **key)
    assert people(commands) == ["Anna Example"]
    assert Path(restored["kept"]).is_dir()
    assert '"done": true' in (commands.home / "restored.json").read_text("utf-8")
    assert commands.json("status")["app"]["address"] == first["address"]
    (process,) = processes_of(commands.home)
    assert "COMPANION_BACKUP_KEY" not in process.environ()

    commands.run("practitioners", "add", "Cara Example")
    with commands.start("restore", file, "--restart", **key) as helper:
        until = time.monotonic() + 60
        while not (commands.home / "restoring").exists():
            assert helper.poll() is None
            assert time.monotonic() < until
        helper.kill()
    assert people(commands) == ["Anna Example", "Cara Example"]
    assert commands.json("status")["app"]["running"] is False
