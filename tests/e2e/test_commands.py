"""The main job by commands alone: each is a process of its own, Google is the simulated one."""

from __future__ import annotations

import json
import re
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.command_home import HEADER, CommandHome, write_export

pytestmark = pytest.mark.timeout(300)  # up to twenty processes each, on a machine that is busy


def test_an_export_goes_in_and_google_and_the_phone_show_it(
    commands: CommandHome, tmp_path: Path
) -> None:
    report = commands.json("import", write_export(tmp_path / "first.csv", 100))
    assert (report["added"], report["rejected"], report["held"]) == (100, [], False)
    assert "Anna Example is connected as anna@clinic.example" in commands.connect()

    assert "Add " in commands.run("sync", "Anna Example", "--dry-run")
    first = commands.one("upload", "Anna Example")
    assert (first["inserted"], first["api_calls"], first["error"]) == (100, 100, None)
    again = commands.one("sync", "Anna Example")
    assert (again["unchanged"], again["api_calls"]) == (100, 0)
    events = commands.live()
    assert len(events) == 100
    everything = json.dumps(events)
    assert "Mira" not in everything
    assert "private words" not in everything

    changes = {3: {"location": "Room 9"}, 4: {"cancelled": "Yes"}, 5: {"gone": "yes"}}
    second = write_export(tmp_path / "second.csv", 101, changes)
    report = commands.json("import", second, "--snapshot")
    assert {key: report[key] for key in ("added", "changed", "removed", "unchanged")} == {
        "added": 1,
        "changed": 2,
        "removed": 1,
        "unchanged": 97,
    }
    result = commands.one("sync", "--all")
    counts = [result[key] for key in ("inserted", "updated", "deleted", "api_calls")]
    assert counts == [1, 1, 2, 4]

    proof = commands.one("audit", "Anna Example")
    assert (proof["book"], proof["google"], proof["differences"]) == (99, 99, [])
    assert "Test Credentials (Succeeded)" in commands.run("google", "test", "Anna Example")
    assert "Calendar Accessible (Succeeded)" in commands.run("google", "check", "Anna Example")

    url = commands.run("feeds", "add", "Anna Example", "--label", "Anna's phone").strip()
    assert re.fullmatch(r"http://[\d.]+:8090/feeds/[\w-]{43}\.ics", url)
    exported = commands.run("export", "Anna Example", "--from", "2026-03-02", "--to", "2026-03-02")
    assert exported.count("BEGIN:VEVENT") == 16
    (state,) = commands.json("status")["practitioners"]
    assert state["proof"] == "Book (imported 09:00) 99 = Google 99, verified 09:00"


def test_a_persons_edit_and_deletion_in_google_are_named_and_repaired(
    commands: CommandHome, tmp_path: Path
) -> None:
    commands.upload(20)
    first, second = commands.live()[:2]
    with commands.google.lock:
        for calendar in commands.google.google.calendars.values():
            if first["id"] in calendar.events:
                calendar.delete(first["id"])
                calendar.patch(second["id"], {"summary": "Something else"})
    found = commands.one("audit", "Anna Example", "--no-repair")
    assert sorted(each["kind"] for each in found["differences"]) == [
        "changed in Google",
        "deleted in Google",
    ]
    commands.run("audit", "Anna Example")
    proof = commands.one("audit", "Anna Example")
    assert (proof["book"], proof["google"], proof["differences"]) == (20, 20, [])

    commands.run("settings", "Anna Example", "put_back_deleted=false")
    with commands.google.lock:
        gone = commands.live()[0]["id"]
        for calendar in commands.google.google.calendars.values():
            if gone in {event.id for event in calendar.live()}:
                calendar.delete(gone)
    assert commands.one("audit", "Anna Example")["inserted"] == 0
    assert len(commands.live()) == 19
    assert commands.one("audit", "Anna Example", "--put-back")["inserted"] == 1
    assert len(commands.live()) == 20


def test_an_upload_killed_in_the_middle_goes_on_without_a_duplicate(
    commands: CommandHome, tmp_path: Path
) -> None:
    commands.run("import", write_export(tmp_path / "first.csv", 100))
    commands.connect()
    upload = commands.start("upload", "Anna Example")
    until = time.monotonic() + 30
    while len(commands.live()) < 15:
        assert time.monotonic() < until
        time.sleep(0.05)
    upload.kill()
    upload.communicate(timeout=10)
    assert len(commands.live()) < 100
    finished = commands.one("upload", "Anna Example")
    assert finished["error"] is None
    events = commands.live()
    keys = {event["extendedProperties"]["private"]["companionKey"] for event in events}
    assert (len(events), len(keys)) == (100, 100)
    assert commands.one("sync", "Anna Example")["api_calls"] == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_control_c_says_that_nothing_is_lost(commands: CommandHome, tmp_path: Path) -> None:
    commands.run("import", write_export(tmp_path / "first.csv", 80))
    commands.connect()
    upload = commands.start("upload", "Anna Example")
    while len(commands.live()) < 10:
        time.sleep(0.05)
    upload.send_signal(signal.SIGINT)
    _out, err = upload.communicate(timeout=10)
    assert upload.returncode == 130
    assert "Nothing is lost" in err
    assert commands.one("upload", "Anna Example")["error"] is None
    assert len(commands.live()) == 80


def test_a_plan_that_removes_too_much_waits_for_a_person(
    commands: CommandHome, tmp_path: Path
) -> None:
    commands.upload(64)
    empty = tmp_path / "empty.csv"
    empty.write_text(f"{HEADER}\n", encoding="utf-8")
    held = commands.json("import", empty, "--snapshot", "--source", "bp-allied", code=3)
    assert held["held"] is True
    assert commands.one("sync", "Anna Example")["api_calls"] == 0
    few = write_export(tmp_path / "few.csv", 64, {n: {"cancelled": "Yes"} for n in range(20, 60)})
    commands.run("import", few)
    waiting = commands.one("sync", "Anna Example", code=3)
    assert (waiting["held"], waiting["deleted"]) == (40, 0)
    assert len(commands.live()) == 64
    assert commands.one("sync", "Anna Example", "--yes")["deleted"] == 40
    assert len(commands.live()) == 24


def test_wrong_usage_and_failures_have_their_exit_codes(
    commands: CommandHome, tmp_path: Path
) -> None:
    commands.run("sync", "Nobody At All", code=1)
    commands.run("upload", "Anna Example", code=1)
    commands.run("settings", "Anna Example", "days_in_advance", code=2)
    commands.run("no-such-command", code=2)
    commands.run("import", tmp_path / "missing.csv", code=1)
    broken = tmp_path / "broken.csv"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n")
    commands.run("import", broken, code=1)


def test_when_a_schedule_is_old_is_set_for_the_whole_practice(
    commands: CommandHome, tmp_path: Path
) -> None:
    shown = commands.json("practice", "settings")["settings"]
    assert (shown["stale_days"], shown["opening_days"]) == ("1", "automatic")
    said = commands.run("practice", "settings", "stale_days=never", "opening_days=mon,sat")
    assert "stale_days=never\n" in said
    assert "opening_days=Monday,Saturday\n" in said
    commands.run("practice", "settings", "closed_on=Christmas", code=1)
    folder = tmp_path / "exports"
    folder.mkdir()
    commands.run("sources", "add", "nookal", folder, "--expected", "weekly")
    (source,) = commands.json("sources", "list")["sources"]
    assert source["expected"] == "weekly"
    commands.run("sources", "add", "nookal", folder)
    (source,) = commands.json("sources", "list")["sources"]
    assert source["expected"] == "weekly"
    assert f"{folder} is watched for nookal" in commands.run("sources", "watch", "nookal")
    (source,) = commands.json("sources", "list")["sources"]
    assert (source["folder"], source["workstation"]) == (str(folder), "")


def test_another_google_client_waits_for_a_person_and_the_same_one_changes_nothing(
    commands: CommandHome, tmp_path: Path
) -> None:
    commands.connect()
    same = tmp_path / "client_secret.json"
    assert "already the practice's Google client" in commands.run("google", "client", same)
    document = json.loads(same.read_text(encoding="utf-8"))
    document["installed"]["client_id"] = "another.apps.example"
    other = tmp_path / "client_secret_2.json"
    other.write_text(json.dumps(document), encoding="utf-8")
    assert commands.json("google", "client", other, code=3)["held"] is True
    assert "Succeeded" in commands.run("google", "test", "Anna Example")
    assert "was replaced by" in commands.run("google", "client", other, "--yes")
    commands.run("google", "test", "Anna Example", code=1)


def test_two_names_are_merged_and_a_practitioner_who_left_is_removed(
    commands: CommandHome, tmp_path: Path
) -> None:
    commands.run("import", write_export(tmp_path / "export.csv", 5))
    commands.run("practitioners", "add", "Anne Example")
    held = commands.json("practitioners", "merge", "Anna Example", "Anne Example", code=3)
    assert (held["appointments"], held["done"]) == (5, False)
    assert "5 appointments moved" in commands.run(
        "practitioners", "merge", "Anna Example", "Anne Example", "--yes"
    )
    (left,) = commands.json("practitioners", "list")["practitioners"]
    assert left["name"] == "Anne Example"
    assert commands.json("settings", "Anna Example")["practitioner"] == "Anne Example"
    commands.run("practitioners", "remove", "Anne Example", code=3)
    gone = commands.json("practitioners", "remove", "Anne Example", "--yes")
    assert (gone["appointments"], gone["done"]) == (5, True)
    assert commands.json("practitioners", "list")["practitioners"] == []


def test_disconnecting_can_take_every_event_of_ours_out_of_google(
    commands: CommandHome, tmp_path: Path
) -> None:
    commands.upload(60)
    assert len(commands.live()) == 60
    done = commands.json("google", "disconnect", "Anna Example", "--remove-events")
    assert done["removed"] == 60
    assert commands.live() == []
    (state,) = commands.json("status")["practitioners"]
    assert state["state"] == "not connected"
