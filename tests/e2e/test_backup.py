"""Backup and restore by commands: nothing is lost, and nothing is in Google twice."""

from __future__ import annotations

import json
import stat
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command_home import LOGIN, CommandHome, open_desk, write_export

PASSPHRASE = "seven mild ibises wander"


class BackedUp(CommandHome):
    def keys(self) -> list[str]:
        return sorted(
            event["extendedProperties"]["private"]["companionKey"] for event in self.live()
        )


@pytest.fixture
def home(tmp_path: Path) -> Iterator[BackedUp]:
    """Connected, with forty appointments in Google."""
    with open_desk(tmp_path, BackedUp) as made:
        made.more["COMPANION_BACKUP_KEY"] = PASSPHRASE
        made.upload(40)
        yield made


def change_since(home: BackedUp, folder: Path) -> None:
    """Ten more, three moved, one cancelled, one gone; all of it in Google."""
    changes: dict[int, dict[str, str]] = {
        18: {"start": "04/03/2026 17:00", "end": "04/03/2026 17:29"},
        19: {"location": "Room 9"},
        20: {"location": "Room 9"},
        21: {"cancelled": "Yes"},
        22: {"gone": "yes"},
    }
    home.run("import", write_export(folder / "second.csv", 50, changes), "--snapshot")
    home.run("sync", "Anna Example", "--yes")
    assert len(home.live()) == 48


def proof(home: BackedUp) -> tuple[Any, ...]:
    found = home.one("audit", "Anna Example", "--no-repair")
    return found["book"], found["google"], found["differences"]


def test_restoring_an_old_backup_adopts_what_google_holds(home: BackedUp, tmp_path: Path) -> None:
    file = tmp_path / "monday.ccbackup"
    made = home.json("backup", file)
    assert (made["appointments"], made["practitioners"], made["sign_ins"]) == (40, 1, True)
    before = home.keys()
    change_since(home, tmp_path)

    damaged = tmp_path / "damaged.ccbackup"
    damaged.write_bytes(file.read_bytes()[:-100])
    assert home.json("restore", damaged, code=1)["error"]["kind"] == "FileRefused"
    assert home.one("sync", "Anna Example")["api_calls"] == 0  # nothing was changed

    restored = home.json("restore", file)
    assert (restored["appointments"], restored["calendars"]) == (40, 1)
    result = home.one("sync", "Anna Example", "--yes")
    assert result["error"] is None
    assert result["unchanged"] >= 35
    assert home.keys() == before
    assert len(set(home.keys())) == 40
    assert proof(home) == (40, 40, [])
    assert home.one("sync", "Anna Example")["api_calls"] == 0
    assert (Path(restored["kept"]) / "companion.db").is_file()


def test_what_we_deleted_ourselves_is_no_person_s_deletion(home: BackedUp, tmp_path: Path) -> None:
    home.run("settings", "Anna Example", "put_back_deleted=false")
    file = tmp_path / "monday.ccbackup"
    home.run("backup", file)
    change_since(home, tmp_path)
    home.run("restore", file)
    home.run("sync", "Anna Example", "--yes")
    assert len(home.keys()) == 40
    assert proof(home) == (40, 40, [])


def test_a_new_computer_takes_over_from_a_backup(home: BackedUp, tmp_path: Path) -> None:
    url = home.run("feeds", "add", "Anna Example", "--label", "Anna's phone").strip()
    with_all, without = tmp_path / "all.ccbackup", tmp_path / "less.ccbackup"
    home.run("backup", with_all)
    assert home.json("backup", without, "--no-sign-ins")["sign_ins"] is False
    before = home.keys()

    other = BackedUp(home=tmp_path / "other", google=home.google, more=home.more)
    other.run("restore", without)
    assert other.one("sync", "Anna Example", code=1)["error"]["kind"] == "SignInExpired"
    other.run("restore", with_all)
    assert other.one("sync", "Anna Example")["error"] is None
    assert other.keys() == before
    assert proof(other) == (40, 40, [])
    (link,) = other.json("feeds", "list")["feeds"]
    assert link["label"] == "Anna's phone"
    token = url.rpartition("/")[2].removesuffix(".ics").encode()
    assert token not in other.content()


def test_settings_as_a_file_and_what_the_doctor_says(home: BackedUp, tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    home.run("settings-file", "export", file)
    document = json.loads(file.read_text(encoding="utf-8"))
    document["practitioners"][0]["choices"]["days_in_advance"] = 30
    document["practice"]["name"] = "Banksia Allied Health"
    file.write_text(json.dumps(document), encoding="utf-8")
    seen = home.json("settings-file", "import", file, "--dry-run")
    assert (seen["changed"], seen["practice_changed"]) == (["Anna Example"], True)
    home.run("settings-file", "import", file)
    assert home.json("settings", "Anna Example")["settings"]["days_in_advance"] == "30"
    document["practitioners"][0]["choices"]["days_in_advance"] = 5000
    file.write_text(json.dumps(document), encoding="utf-8")
    assert "5000" in home.json("settings-file", "import", file, code=1)["error"]["what"]

    found = home.json("doctor")
    states = {each["id"]: each["state"] for each in found["findings"]}
    assert states["sign-in:anna-example"] == states["calendar:anna-example"] == "ok"
    assert states["database"] == states["client-file"] == "ok"
    if sys.platform != "win32":
        home.home.chmod(0o755)
        assert "Every user of this computer can open the data folder" in home.run("doctor")
        home.run("doctor", "--fix", "home-rights")
        assert stat.S_IMODE(home.home.stat().st_mode) == 0o700
    with home.google.lock:
        home.google.api.grants.revoke_account(LOGIN)
    ill = home.json("doctor", "--bundle", tmp_path / "help.zip", code=1)
    failing = {each["id"]: each for each in ill["findings"] if each["state"] == "fail"}
    assert failing["sign-in:anna-example"]["command"] == 'run.py google connect "anna-example"'
    with zipfile.ZipFile(tmp_path / "help.zip") as bundle:
        everything = b"".join(map(bundle.read, bundle.namelist()))
    assert b"Banksia" not in everything
    assert b"Anna" not in everything
    assert LOGIN.encode() not in everything

    (home.home / "settings.json").write_text("{", encoding="utf-8")
    (home.home / "settings.json.bak").unlink()
    (finding,) = home.json("doctor", "--bundle", tmp_path / "more.zip", code=1)["findings"]
    assert (finding["id"], finding["command"]) == ("home", "run.py restore FILE")
    assert (tmp_path / "more.zip").is_file()
