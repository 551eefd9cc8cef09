"""A workstation that nobody sits at while it is installed: the two commands of the README."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import URL

from tests.contract.test_desktop_entries import as_the_specification_says
from tests.e2e.command_home import CommandHome, open_desk, write_export
from tests.e2e.test_background import processes_of
from tests.fakes.moving_practice import shown

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.timeout(180),
    pytest.mark.skipif(
        sys.platform != "linux", reason="writes this computer's own entries elsewhere"
    ),
]
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Fresh(CommandHome):
    """A computer with a password store, on which only the variables of the README are set."""

    @property
    def system(self) -> dict[str, str]:
        """What the system itself has set, also at sign-in."""
        beside = self.home.parent
        return {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTHON_KEYRING_BACKEND": "tests.fakes.keyrings_of_keyring.Kept",
            "TEST_KEYRING_FILE": str(beside / "keyring.json"),
            "XDG_CONFIG_HOME": str(beside / "config"),
            "XDG_DATA_HOME": str(beside / "data"),
        }

    @property
    def environment(self) -> dict[str, str]:
        return {**self.system, "COMPANION_HOME": str(self.home), **self.more}

    def command(self, *arguments: str) -> str:
        """By a process of its own."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=90)
        assert process.returncode == 0, out + err
        return out + err


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[CommandHome]:
    with open_desk(tmp_path, CommandHome) as made:
        made.run("import", write_export(tmp_path / "a.csv", 2))
        yield made


def test_two_commands_install_it_and_the_next_sign_in_needs_no_variable(
    desk: CommandHome, tmp_path: Path, practice_url: URL
) -> None:
    made = desk.json("practice", "create", "--database", shown(practice_url), "--name", "Desk")
    (tmp_path / "room").mkdir()
    variables = {
        "COMPANION_DATABASE_URL": shown(practice_url),
        "COMPANION_PRACTICE_KEY": made["key"],
    }
    room = Fresh(tmp_path / "room" / "home", desk.google, more=dict(variables))
    assert "is “Room 3” of the practice" in room.command("practice", "join", "--name", "Room 3")
    assert "Starts by itself at sign-in: yes" in room.command("autostart", "on")

    room.more.clear()
    entry = tmp_path / "room" / "config" / "autostart" / "calendar-companion.desktop"
    lines = entry.read_text("utf-8").splitlines()
    line = next(each for each in lines if each.startswith("Exec="))
    signing_in = as_the_specification_says(line.removeprefix("Exec="))
    assert not any(name.startswith("COMPANION_") for name in room.system)
    try:
        done = subprocess.run(
            signing_in, env=room.system, capture_output=True, text=True, check=True
        )
        assert (done.stdout, done.stderr) == ("", "")
        found = {each["name"]: each["on"] for each in _status(desk)}
        assert found == {"Desk": False, "Room 3": True}
        assert "has been running since" in room.command("status")
        assert "Anna Example" in room.command("practitioners", "list")
        room.command("stop")
    finally:
        for each in processes_of(room.home):
            each.kill()
    for file in (path for path in tmp_path.joinpath("room").rglob("*") if path.is_file()):
        content = file.read_bytes()
        for secret in (made["key"], practice_url.password or "?"):
            assert secret.encode() not in content, file


def _status(desk: CommandHome) -> list[dict[str, object]]:
    told: list[dict[str, object]] = desk.json("practice", "status")["workstations"]
    return told
