"""What the program does for an update, and the wheel as pipx and uv install it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from companion.packaging import ROOT, make_wheel
from companion.services.maintenance.doctor import OFFLINE
from tests.e2e.command_home import CommandHome


def people(home: CommandHome) -> list[str]:
    return [each["name"] for each in home.json("practitioners", "list")["practitioners"]]


def test_the_data_are_copied_proven_and_put_back(commands: CommandHome, tmp_path: Path) -> None:
    disk = tmp_path / "usb disk"
    commands.run("practitioners", "add", "Ben Muster")
    before = json.loads(commands.run("update-step", "keep"))
    assert (before["ran"], before["failing"], before["warning"]) == (False, [], "")
    kept = Path(before["kept"])
    assert kept.parent == commands.home
    commands.run("practitioners", "add", "Cara Example")
    found = commands.json("doctor", "--offline")["findings"]
    assert {each["id"] for each in found} == OFFLINE
    commands.run("update-step", "put-back", kept)
    assert people(commands) == ["Anna Example", "Ben Muster"]
    assert not disk.exists()
    assert "is changed by run.py" in commands.json("update", "it.zip", code=2)["error"]["what"]
    commands.run("update-step", "put-back", tmp_path, code=1)
    assert people(commands) == ["Anna Example", "Ben Muster"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of an environment that has the wheel, and ours for its packages."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False)
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / ("python.exe" if os.name == "nt" else "python")
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index",
         "--quiet", wheel],
        check=True,
    )  # fmt: skip
    (site,) = folder.rglob("site-packages")
    (site / "theirs.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    return scripts


def test_the_wheel_is_the_whole_program_without_what_only_a_folder_needs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {"companion/cli.py", "companion/static/icon.svg", "companion/static/app.css"} <= names
    outside = {each.partition("/")[0] for each in names}
    assert len(outside) == 2, outside
    for each in ("testing.py", "packaging.py", "launcher/update.py"):
        assert f"companion/{each}" not in names


def test_installed_it_is_the_command_companion(installed: Path, tmp_path: Path) -> None:
    def run(*arguments: str | Path, code: int = 0) -> str:
        done = subprocess.run(
            [installed / "companion", *arguments],
            env={**os.environ, "COMPANION_HOME": str(tmp_path / "home")},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
        return done.stdout + done.stderr

    assert run("--version").startswith("Calendar Companion ")
    run("practitioners", "add", "Anna Example")
    assert "Start it: companion start" in run("status")
    newer = tmp_path / "newer.whl"
    newer.write_bytes(b"")
    said = run("update", newer)
    assert f'-m pip install "{newer}"' in said
    assert len([*(tmp_path / "home").glob("before-update-*")]) == 1
    assert "ends in .whl" in run("update", tmp_path, code=1)
