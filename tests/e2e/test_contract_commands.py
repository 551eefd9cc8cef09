"""The contract's small print, by commands: documents, exit codes, one app per home, secrets."""

from __future__ import annotations

import json
import re
import signal
import socket
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from typer.testing import CliRunner

from companion.cli import app
from companion.sandbox.grants import CLIENT_SECRET
from tests.e2e.command_home import CommandHome, open_desk, write_export
from tests.fakes import warm
from tests.fakes.free_ports import free_port
from tests.fakes.waiting import wait_until
from tests.fakes.warm import ROOT

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandHome]:
    """Shared: every test leaves the book as it finds it, or does not mind."""
    with open_desk(tmp_path_factory.mktemp("desk"), CommandHome) as made:
        yield made


def document(
    commands: CommandHome, *arguments: str | Path, code: int, **variables: str
) -> tuple[dict[str, Any], str]:
    """The one JSON document of a command, and what it said on standard error."""
    process = commands.start(*arguments, "--json", **variables)
    out, err = process.communicate(timeout=150)  # `start` itself gives the app 120 s
    assert (process.returncode, "Traceback" in err) == (code, False), out + err
    return dict(json.loads(out)), err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["no-such-command"], 2),
        (["import"], 2),
        (["export", "Anna Example", "--from", "2026-13-01"], 2),
        (["export", "Anna Example", "--from", "0001-01-01", "--to", "9999-12-31"], 2),
        (["google", "connect", "Anna Example", "--calendar", "a", "--new-calendar", "b"], 2),
        (["export", "Anna Example", "--out", "no/such/folder/anna.ics"], 1),
        (["settings", "Nobody"], 1),
        (["settings"], 2),
        (["practice", "settings", "user_rate=0"], 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_failure_with_json_is_one_document_and_a_sentence(
    commands: CommandHome, arguments: list[str], code: int
) -> None:
    found, err = document(commands, *arguments, code=code)
    assert set(found["error"]) == {"kind", "what", "remedy"}
    assert "mistake of its own" not in err
    assert err.strip()


def test_googles_quotas_are_settings_of_the_practice(commands: CommandHome) -> None:
    assert commands.json("practice", "settings")["settings"]["project_rate"] == "166.0"
    said = commands.run("practice", "settings", "user_rate=5", "project_rate=80")
    assert "user_rate=5.0" in said
    assert "project_rate=80.0" in said


def test_settings_of_the_environment_that_mean_nothing_are_said(commands: CommandHome) -> None:
    for variable, value in (
        ("COMPANION_NOW", "the day after"),
        ("COMPANION_DATABASE_URL", "postgresql://me:hunter2@nowhere/book"),
        ("COMPANION_HOME", str(ROOT / "run.py")),
    ):
        found, err = document(commands, "status", code=1, **{variable: value})
        assert found["error"]["remedy"]
        assert "hunter2" not in err


def test_the_readme_s_mapping_file_works_as_it_stands(
    commands: CommandHome, tmp_path: Path
) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    columns = list(tomllib.loads(text)["columns"].values())
    row = ["A1", "3/3/2026 9:00", "3/3/2026 9:30", '"SMITH, J"', "Mira", "Sample", "Standard"]
    assert len(columns) == len(row)
    export, mapping = tmp_path / "export.csv", tmp_path / "our-software.toml"
    export.write_text(",".join(columns) + "\n" + ",".join(row) + "\n", encoding="utf-8")
    mapping.write_text(text, encoding="utf-8")
    report = commands.json("import", export, "--mapping", mapping, "--dry-run")
    assert (report["source"], report["added"], report["rejected"]) == ("our-software", 1, [])


@POSIX
def test_control_c_during_the_start_of_a_command_is_said_too(commands: CommandHome) -> None:
    process = commands.cold_start("google", "connect", "Anna Example", "--no-browser")
    while psutil.Process(process.pid).cpu_times().user < 0.6:  # our own code has begun
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Nothing is lost" in err


def test_the_running_app_shows_and_syncs_what_a_command_changed(
    commands: CommandHome, tmp_path: Path
) -> None:
    commands.run("import", write_export(tmp_path / "first.csv", 20))
    commands.connect()
    with serving(commands) as (process, port):
        wait_until(lambda: len(commands.live()) == 20, seconds=30)

        commands.run("import", write_export(tmp_path / "second.csv", 21))
        wait_until(lambda: len(commands.live()) == 21, seconds=10)

        for second in (["--port", str(port)], ["--port", str(free_port())]):
            said = commands.run("serve", "--no-browser", *second)
            assert f"already running. Opening it: http://127.0.0.1:{port}/?launch=" in said

        url = commands.run("feeds", "add", "Anna Example", "--label", "A phone").strip()
        token = url.rpartition("/")[2].removesuffix(".ics")
        commands.run("google", "test", "Anna Example")
        tested = commands.json("google", "selftest", "Anna Example")
        assert (tested["practitioner"], tested["passed"]) == ("Anna Example", True)
        assert {"id", "holds", "assumed", "came"} == tested["lines"][0].keys()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) in {0, -signal.SIGTERM}  # Windows has no SIGTERM to catch
    kept = {path: path.read_bytes() for path in commands.home.rglob("*") if path.is_file()}
    for secret in (CLIENT_SECRET, token, "a passphrase for tests"):
        assert [path for path, content in kept.items() if secret.encode() in content] == []
    names = [path.name for path, content in kept.items() if b"Mira" in content]
    assert all(name.startswith("companion.db") for name in names), names


def test_another_program_on_the_port_is_named_and_hears_nothing(commands: CommandHome) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        stranger.setblocking(False)
        result = CliRunner().invoke(app, ["serve", "--port", str(port)], env=commands.settings)
        with pytest.raises(BlockingIOError):
            stranger.accept()
    assert result.exit_code == 1
    assert f"Port {port} of this computer is used by another program" in result.stderr
    assert f"python run.py --port {port + 1}" in result.stderr


@POSIX
def test_control_c_ends_the_app_with_130(commands: CommandHome) -> None:
    with serving(commands) as (process, _port):
        process.send_signal(signal.SIGINT)
        out, _err = process.communicate(timeout=20)
        assert process.returncode == 130
        assert "Nothing is lost" in out


@contextmanager
def serving(commands: CommandHome) -> Iterator[tuple[warm.Process, int]]:
    port = free_port()
    process = commands.start(
        "serve",
        "--no-browser",
        *("--port", str(port)),
        *("--feed-host", "127.0.0.1"),
        *("--feed-port", str(free_port())),
    )
    assert process.stdout is not None
    try:
        assert f"http://127.0.0.1:{port}/?launch=" in process.stdout.readline()
        process.stdout.readline()
        yield process, port
    finally:
        process.kill()
        process.communicate(timeout=20)
