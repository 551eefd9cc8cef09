"""Backup and restore by commands: nothing is lost, and nothing is in Google twice."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from companion.sandbox.server import client_file, start_simulated_google
from tests.e2e.test_commands import LOGIN, Desk, write_export

PASSPHRASE = "seven mild ibises wander"


class BackedUp(Desk):
    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "COMPANION_BACKUP_KEY": PASSPHRASE}

    def keys(self) -> list[str]:
        return sorted(
            event["extendedProperties"]["private"]["companionKey"] for event in self.live()
        )


@pytest.fixture
def home(tmp_path: Path) -> Iterator[BackedUp]:
    """Connected, with forty appointments in Google."""
    with start_simulated_google() as google:
        with google.lock:
            google.google.add_account(LOGIN, name="Anna Example", timezone="Australia/Sydney")
            google.desk.auto_consent = LOGIN
        made = BackedUp(home=tmp_path / "home", google=google)
        client = tmp_path / "client_secret.json"
        client.write_text(json.dumps(client_file(google.base_url)), encoding="utf-8")
        made.run("practitioners", "add", "Anna Example")
        made.run("google", "client", client)
        made.run("import", write_export(tmp_path / "first.csv", 40))
        made.connect()
        made.run("upload", "Anna Example")
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


def test_what_we_deleted_ourselves_is_no_person_s_deletion(
    home: BackedUp, tmp_path: Path
) -> None:
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
    file = tmp_path / "all.ccbackup"
    home.run("backup", file)
    before = home.keys()
    other = BackedUp(home=tmp_path / "other", google=home.google)
    other.run("restore", file)
    assert other.one("sync", "Anna Example")["error"] is None
    assert other.keys() == before
    assert proof(other) == (40, 40, [])
    (link,) = other.json("feeds", "list")["feeds"]
    assert link["label"] == "Anna's phone"
    everything = b"".join(
        path.read_bytes() for path in other.home.rglob("*") if path.is_file()
    )
    assert url.rpartition("/")[2].removesuffix(".ics").encode() not in everything


def test_without_sign_ins_everything_else_comes_back(home: BackedUp, tmp_path: Path) -> None:
    file = tmp_path / "all.ccbackup"
    assert home.json("backup", file, "--no-sign-ins")["sign_ins"] is False
    other = BackedUp(home=tmp_path / "other", google=home.google)
    other.run("restore", file)
    assert other.one("sync", "Anna Example", code=1)["error"]["kind"] == "SignInExpired"
    # On the same computer the present sign-ins stay and still work.
    home.run("restore", file)
    assert home.one("sync", "Anna Example")["error"] is None


def test_a_refused_restore_changes_nothing(home: BackedUp, tmp_path: Path) -> None:
    file = tmp_path / "all.ccbackup"
    home.run("backup", file)
    kept = {each.name for each in home.home.iterdir()}
    content = file.read_bytes()
    damaged = tmp_path / "damaged.ccbackup"
    for spoiled in (content[:-100], content + b"x", content.replace(b"CC", b"XX", 1), b"hello"):
        damaged.write_bytes(spoiled)
        error = home.json("restore", damaged, code=1)["error"]
        assert error["kind"] == "FileRefused"
    assert {each.name for each in home.home.iterdir()} - {"app.lock.holder"} <= {
        *kept,
        "app.lock",
    }
    assert home.one("sync", "Anna Example")["api_calls"] == 0


def test_settings_go_out_and_come_back_as_a_file(home: BackedUp, tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    home.run("settings-file", "export", file)
    document = json.loads(file.read_text(encoding="utf-8"))
    document["practitioners"][0]["choices"]["days_in_advance"] = 30
    document["practice"]["name"] = "Banksia Allied Health"
    file.write_text(json.dumps(document), encoding="utf-8")
    seen = home.json("settings-file", "import", file, "--dry-run")
    assert (seen["changed"], seen["practice_changed"]) == (["Anna Example"], True)
    home.run("settings-file", "import", file)
    shown = home.json("settings", "Anna Example")["settings"]
    assert shown["days_in_advance"] == "30"
    assert home.one("sync", "Anna Example")["error"] is None  # still signed in
    document["practitioners"][0]["choices"]["days_in_advance"] = 5000
    file.write_text(json.dumps(document), encoding="utf-8")
    error = home.json("settings-file", "import", file, code=1)["error"]
    assert error["kind"] == "BadInput"
    assert "5000" in error["what"]


def test_the_doctor_finds_a_lost_sign_in_and_bundles_without_it(
    home: BackedUp, tmp_path: Path
) -> None:
    found = home.json("doctor")
    states = {each["id"]: each["state"] for each in found["findings"]}
    assert states["sign-in:anna-example"] == states["calendar:anna-example"] == "ok"
    assert states["database"] == states["client-file"] == "ok"
    with home.google.lock:
        home.google.desk.grants.revoke_account(LOGIN)
    ill = home.json("doctor", "--bundle", tmp_path / "help.zip", code=1)
    failing = {each["id"]: each for each in ill["findings"] if each["state"] == "fail"}
    assert "sign-in:anna-example" in failing
    assert failing["sign-in:anna-example"]["command"] == 'run.py google connect "anna-example"'
    assert (tmp_path / "help.zip").stat().st_size > 1000


def test_the_doctor_speaks_even_when_the_home_does_not_open(
    home: BackedUp, tmp_path: Path
) -> None:
    (home.home / "settings.json").write_text("{", encoding="utf-8")
    (home.home / "settings.json.bak").unlink()
    shutil.rmtree(home.home / "turns", ignore_errors=True)
    found = home.json("doctor", "--bundle", tmp_path / "help.zip", code=1)
    (finding,) = found["findings"]
    assert (finding["id"], finding["command"]) == ("home", "run.py restore FILE")
    assert (tmp_path / "help.zip").is_file()
