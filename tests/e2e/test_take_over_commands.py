"""By command alone: a computer that was lost without a backup, and an old one that was left on."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from companion.domain.settings import Settings
from tests.e2e.command_home import CommandHome, open_desk, settings_of, write_export

EVENTS = 60


@pytest.fixture
def lost(tmp_path: Path) -> Iterator[CommandHome]:
    with open_desk(tmp_path, CommandHome) as made:
        made.more["COMPANION_BACKUP_KEY"] = "tram violet anchor lemon"
        made.run("import", write_export(tmp_path / "monday.csv", EVENTS))
        made.connect()
        assert made.one("upload", "Anna Example")["inserted"] == EVENTS
        yield made


def doubled(home: CommandHome) -> list[str]:
    starts = Counter(each["start"]["dateTime"] for each in home.live())
    return [start for start, count in starts.items() if count > 1]


def calendars(home: CommandHome) -> list[str]:
    with home.google.lock:
        found = home.google.google.calendars.values()
        return [each.id for each in found if not each.primary]


def test_a_lost_computer_is_taken_over_by_command(lost: CommandHome, tmp_path: Path) -> None:
    new = lost.elsewhere(tmp_path / "new")
    new.run("import", write_export(tmp_path / "tuesday.csv", EVENTS, {5: {"location": "Room 9"}}))
    said = new.connect(code=3)
    assert f"{EVENTS} events, last written on" in said
    assert "--take-over" in said
    held = json.loads(new.connect("--json", code=3))
    assert [(each["calendar_id"], each["events"]) for each in held["calendars"]] == [
        (calendars(lost)[0], EVENTS)
    ]
    assert (held["held"], held["error"]["kind"]) == (True, "CalendarInUse")
    assert not new.json("status")["practitioners"][0]["connected"]
    assert len(calendars(lost)) == 1
    new.connect("--take-over")
    assert len(calendars(lost)) == 1
    before = lost.writes
    result = new.one("sync", "Anna Example")
    assert (result["error"], result["inserted"], result["deleted"]) == (None, 0, 0)
    assert (result["updated"], result["unchanged"]) == (1, EVENTS - 1)
    assert lost.writes == before + 1
    audit = new.one("audit", "Anna Example")
    assert (audit["equal"], audit["google"], audit["differences"]) == (True, EVENTS, [])
    assert doubled(new) == []
    stopped = lost.one("audit", "Anna Example", code=1)
    assert stopped["error"]["kind"] == "AnotherWriter"


def test_another_calendar_is_made_where_a_person_says_so(lost: CommandHome, tmp_path: Path) -> None:
    new = lost.elsewhere(tmp_path / "new")
    new.connect("--new-calendar", "Second")
    assert len(calendars(lost)) == 2


def test_an_old_computer_left_on_after_a_restore_says_so(lost: CommandHome, tmp_path: Path) -> None:
    backup = tmp_path / "monday.ccbackup"
    lost.run("backup", backup)
    new = CommandHome(home=tmp_path / "new", google=lost.google, more=lost.more)
    new.run("restore", backup)
    assert new.one("sync", "Anna Example")["error"] is None
    new.run("import", write_export(tmp_path / "new.csv", EVENTS, {3: {"location": "Room 2"}}))
    assert new.one("sync", "Anna Example")["updated"] == 1

    stopped = lost.one("audit", "Anna Example", code=1)
    assert stopped["error"]["kind"] == "AnotherWriter"
    assert "Another computer" in lost.run("status")
    [status] = lost.json("status")["practitioners"]
    assert (status["state"], status["action"]) == ("another computer", "keep calendar")
    findings = {each["id"]: each for each in lost.json("doctor", code=1)["findings"]}
    assert findings["writer:anna-example"]["command"] == 'run.py google take-over "anna-example"'
    lost.run("sync", "Anna Example", code=1)

    lost.run("google", "take-over", "Anna Example")
    assert lost.one("sync", "Anna Example")["error"] is None
    assert new.one("audit", "Anna Example", code=1)["error"]["kind"] == "AnotherWriter"
    before = lost.writes
    for _ in range(2):
        lost.run("audit", "Anna Example")
        new.run("audit", "Anna Example", code=1)
    assert lost.writes == before
    assert doubled(lost) == []
    assert len(lost.live()) == EVENTS


def test_a_home_of_before_goes_on_with_its_own_marks(lost: CommandHome, tmp_path: Path) -> None:
    """Written when each installation had a mark of its own, and without stamps."""
    store = settings_of(lost.home)
    install_id = store.read().install_id
    with lost.google.lock:
        for calendar in lost.google.google.calendars.values():
            for event in [*calendar.live()]:
                private = {"companion": install_id, "companionStamp": None}
                calendar.patch(event.id, {"extendedProperties": {"private": private}})

    def as_before(settings: Settings) -> Settings:
        record = settings.record("anna-example")
        link = replace(record.google, marks=(install_id,))
        return settings.with_practitioner(replace(record, google=link))

    asyncio.run(store.change(as_before))
    assert lost.one("audit", "Anna Example")["equal"]
    lost.run("import", write_export(tmp_path / "b.csv", EVENTS + 1, {3: {"location": "Room 2"}}))
    result = lost.one("sync", "Anna Example")
    assert (result["inserted"], result["updated"]) == (1, 1)

    new = lost.elsewhere(tmp_path / "new")
    new.run("import", write_export(tmp_path / "c.csv", EVENTS + 1))
    new.connect("--take-over")
    result = new.one("sync", "Anna Example")
    assert (result["inserted"], result["updated"], result["deleted"]) == (0, 1, 0)
    assert new.one("audit", "Anna Example")["equal"]
    assert doubled(new) == []
