"""A practice by commands alone: made on one computer, joined on another, which then can do all."""

from __future__ import annotations

import io
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL
from typer.testing import CliRunner

from companion.cli import app
from tests.e2e.command_home import CommandHome, open_desk, write_export
from tests.fakes.moving_practice import connected, shown
from tests.fakes.practice_database import PracticeServer
from tests.fakes.waiting import wait_until

pytestmark = pytest.mark.postgresql

BACKUP = "four words not together"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[CommandHome]:
    with open_desk(tmp_path, CommandHome) as made:
        made.connect()
        yield made


def create(desk: CommandHome, url: URL) -> dict[str, Any]:
    return dict(desk.json("practice", "create", "--database", shown(url), "--name", "Desk"))


def join(desk: CommandHome, key: str, url: URL) -> tuple[CommandHome, dict[str, Any]]:
    """A second computer beside the first, and what its command said."""
    second = CommandHome(home=desk.home.with_name("second"), google=desk.google)
    second.more["COMPANION_PRACTICE_KEY"] = key
    said = second.json("practice", "join", "--database", shown(url), "--name", "Back")
    del second.more["COMPANION_PRACTICE_KEY"]
    return second, said


def test_a_second_workstation_does_by_commands_all_that_the_first_could(
    desk: CommandHome, tmp_path: Path, practice_url: URL
) -> None:
    export = write_export(tmp_path / "a.csv", 20)
    desk.run("import", export)
    desk.run("upload", "Anna Example")
    desk.run("feeds", "add", "Anna Example", "--label", "A phone")
    assert len(desk.live()) == 20
    made = create(desk, practice_url)
    assert (made["rows"]["appointments"], made["rows"]["ledger"]) == (20, 20)
    second, joined = join(desk, made["key"].lower(), practice_url)
    assert joined["fingerprint"] == made["fingerprint"]
    second.more["COMPANION_BACKUP_KEY"] = BACKUP

    told = second.json("practice", "status")
    assert [each["name"] for each in told["workstations"]] == ["Back", "Desk"]
    assert len(second.json("practitioners", "list")["practitioners"]) == 1
    assert desk.one("sync", "Anna Example")["updated"] == 1, "by it a copy of the home would stop"
    written = second.writes
    assert second.one("sync", "Anna Example")["unchanged"] == 20
    assert second.writes == written, "the same ids, whichever workstation writes"
    second.run("import", write_export(tmp_path / "b.csv", 21))
    assert second.one("sync", "Anna Example")["inserted"] == 1
    assert second.one("audit", "Anna Example")["differences"] == []
    assert len(desk.live()) == 21
    second.run("settings", "Anna Example", "client_name=none")
    assert "client_name=none" in desk.run("settings", "Anna Example")
    assert desk.one("sync", "Anna Example")["updated"] == 21
    assert [each["label"] for each in second.json("feeds", "list")["feeds"]] == ["A phone"]
    for word in ("test", "check"):
        second.run("google", word, "Anna Example")
    assert "BEGIN:VCALENDAR" in second.run("export", "Anna Example")
    (tmp_path / "exports").mkdir()
    second.run("sources", "add", "Exports", tmp_path / "exports")
    assert "Exports" in desk.run("sources", "list")
    for word in ("status", "doctor"):
        second.run(word)

    file = tmp_path / "practice.ccbackup"
    assert second.json("backup", file)["appointments"] == 21
    refused = second.json("restore", file, code=1)
    assert "--take-everything" in refused["error"]["remedy"]
    third = CommandHome(home=tmp_path / "third", google=desk.google, more=second.more)
    assert third.json("restore", file)["appointments"] == 21
    assert third.json("practice", "status") == {"joined": False}
    assert len(third.json("practitioners", "list")["practitioners"]) == 1

    assert second.json("practice", "key", "--yes")["key"] == made["key"]
    assert second.json("practice", "leave", "--take-everything", code=3) == {"held": True}
    second.run("practice", "leave", "--take-everything", "--yes")
    assert second.one("sync", "Anna Example")["unchanged"] == 20
    assert second.one("sync", "Anna Example")["unchanged"] == 21
    assert "has moved away" in desk.json("status", code=1)["error"]["what"]
    left = desk.run("practice", "leave")
    assert made["kept"] in left, "the book as it was before the practice, to be deleted by a person"
    assert "clients' names" in left
    assert desk.json("practitioners", "list") == {"practitioners": []}


class Terminal(io.BytesIO):
    """Somebody who types."""

    def isatty(self) -> bool:
        return True


def test_whoever_leaves_is_asked_and_told_which_folder_nobody_watches_then(
    desk: CommandHome, tmp_path: Path, practice_url: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "typer.testing.make_input_stream", lambda typed, code: Terminal(typed.encode(code))
    )
    (tmp_path / "exports").mkdir()
    desk.run("sources", "add", "Nookal", tmp_path / "exports")
    made = create(desk, practice_url)
    second, _joined = join(desk, made["key"], practice_url)
    desk.run("sources", "watch", "Nookal")

    def leave(typed: str) -> tuple[int, str]:
        ended = CliRunner().invoke(app, ["practice", "leave"], env=desk.settings, input=typed)
        return ended.exit_code, ended.output

    code, said = leave("n\n")
    assert code == 3
    assert "alone watches the folder of Nookal" in said.replace("\n", " ")
    assert "This computer leaves the practice. Go on? [y/N]" in said.replace("\n", " ")
    assert "Nothing was done." in said
    assert leave("")[0] == 130  # Ctrl-D
    assert desk.json("practice", "status")["joined"]
    code, said = leave("y\n")
    assert code == 0
    assert "no longer belongs to the practice" in said.replace("\n", " ")
    assert desk.json("practice", "status") == {"joined": False}
    (left_over,) = second.json("sources", "list")["sources"]
    assert "has left the practice" in left_over["not_watched"]


def test_a_copy_of_the_home_that_still_runs_stops_writing(
    desk: CommandHome, tmp_path: Path, practice_url: URL
) -> None:
    desk.run("import", write_export(tmp_path / "a.csv", 20))
    desk.run("upload", "Anna Example")
    shutil.copytree(desk.home, tmp_path / "copy")
    copy = CommandHome(home=tmp_path / "copy", google=desk.google)
    create(desk, practice_url)
    desk.run("sync", "Anna Example")

    copy.run("import", write_export(tmp_path / "b.csv", 21))
    assert copy.one("audit", "Anna Example", code=1)["error"]["kind"] == "AnotherWriter"
    written = desk.writes
    assert copy.one("sync", "Anna Example", code=1)["error"]["kind"] == "AnotherWriter"
    assert desk.writes == written
    assert desk.one("audit", "Anna Example")["differences"] == []
    assert len(desk.live()) == 20


def test_the_practice_key_is_renewed_by_one_command_and_typed_once_on_each_other_workstation(
    desk: CommandHome, tmp_path: Path, practice_url: URL
) -> None:
    refused = desk.json("practice", "key", "--renew", "--yes", code=1)
    assert "joined no practice" in refused["error"]["what"]
    made = create(desk, practice_url)
    second, _joined = join(desk, made["key"], practice_url)
    assert desk.json("practice", "key", "--renew", code=3) == {"held": True}
    assert second.json("practice", "key", "--yes")["key"] == made["key"]

    said = desk.run("practice", "key", "--renew", "--yes")
    assert "Type it on each other workstation (Back)" in said.replace("\n", " ")
    shown_now = desk.json("practice", "key", "--yes")
    assert shown_now["key"] != made["key"]
    assert shown_now["key"] in said
    for command in (("status",), ("practice", "status"), ("practice", "key", "--yes")):
        told = second.json(*command, code=1)["error"]
        assert "was renewed on another workstation" in told["what"]
        assert "practice join" in told["remedy"]
    second.more["COMPANION_PRACTICE_KEY"] = made["key"]
    assert "was renewed since" in second.json("practice", "join", code=1)["error"]["what"]
    second.more["COMPANION_PRACTICE_KEY"] = shown_now["key"]
    joined = second.json("practice", "join")
    assert (joined["name"], joined["fingerprint"]) == ("Back", shown_now["fingerprint"])
    del second.more["COMPANION_PRACTICE_KEY"]
    assert second.json("practice", "status")["fingerprint"] == shown_now["fingerprint"]
    second.run("google", "test", "Anna Example")
    files = [each.read_bytes() for each in tmp_path.rglob("*") if each.is_file()]
    assert files
    assert not [each for each in files for key in (made, shown_now) if key["key"].encode() in each]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_control_c_while_the_key_is_renewed_is_said_and_a_second_run_renews_it(
    desk: CommandHome, practice_server: PracticeServer, practice_url: URL
) -> None:
    made = create(desk, practice_url)
    with connected(practice_url) as holding:
        holding.execute("SELECT * FROM secrets FOR UPDATE")  # so that none is sealed anew
        process = desk.start("practice", "key", "--renew", "--yes")
        waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        mine = f"{waiting} AND datname = current_database()"
        wait_until(lambda: practice_server.value_in(practice_url, mine), 60)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert "Which practice key counts now: python run.py practice key" in err
    assert "Interrupted. Nothing is lost" in err
    assert "Traceback" not in err
    assert desk.json("practice", "key", "--yes")["key"] == made["key"]
    renewed = desk.json("practice", "key", "--renew", "--yes")
    assert desk.json("practice", "key", "--yes")["key"] == renewed["key"] != made["key"]
    desk.run("google", "test", "Anna Example")
