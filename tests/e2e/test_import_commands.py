"""Imports by command: what is asked, the history, undoing, and removing what a source brought."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from companion.console import operator
from companion.sandbox.cliniko.service import KEY
from tests.e2e.command_home import CommandHome, write_export
from tests.fakes.calendar_server import CalendarServer, says
from tests.fakes.cliniko import clinic

pytestmark = pytest.mark.timeout(300)


def test_a_question_is_answered_by_its_key(commands: CommandHome, tmp_path: Path) -> None:
    export = write_export(tmp_path / "first.csv", 5)
    commands.run("import", export, "--source", "by hand")
    asked = commands.json("import", export, code=3)
    (question,) = asked["questions"]
    assert (question["key"], question["guess"], question["count"]) == ("same:by hand", "skip", 5)
    assert question["choices"] == ["skip", "take_over", "add"]
    assert (asked["held"], asked["added"], asked["kept"], asked["older"]) == (True, 0, [], 0)
    assert len(commands.json("imports", "list")["imports"]) == 1, "nothing was applied"
    commands.run("import", export, "--answer", "same:by hand", code=1)
    taken = commands.json("import", export, "--answer", "same:by hand=take_over")
    assert (taken["changed"], taken["held"], taken["questions"]) == (5, False, [])
    assert commands.json("import", export, "--source", "by hand", "--yes")["unchanged"] == 5


def test_an_import_is_listed_and_undone(commands: CommandHome, tmp_path: Path) -> None:
    commands.run("import", write_export(tmp_path / "first.csv", 5))
    commands.run("import", write_export(tmp_path / "second.csv", 6, {3: {"location": "Room 9"}}))
    second, first = commands.json("imports", "list")["imports"]
    assert (second["file"], second["by"], second["added"], second["changed"]) == (
        "second.csv", operator(), 1, 1,
    )  # fmt: skip
    shown = commands.json("imports", "undo", str(second["import"]), "--dry-run")
    assert (shown["takes_out"], shown["puts_back"], shown["undone"]) == (1, 1, False)
    assert "takes out 1 appointment" in commands.run("imports", "undo", str(second["import"]))
    commands.run("imports", "undo", str(second["import"]), code=1)
    assert commands.json("imports", "undo", str(first["import"]))["takes_out"] == 5
    assert [each["can_undo"] for each in commands.json("imports", "list")["imports"]] == [False] * 2


def test_what_a_source_brought_is_removed_only_when_said_twice(
    commands: CommandHome, tmp_path: Path
) -> None:
    commands.run("import", write_export(tmp_path / "first.csv", 5), "--source", "old")
    held = commands.json("sources", "remove", "old", "--appointments", code=3)
    assert (held["appointments"], held["removed"], held["held"]) == (5, False, True)
    gone = commands.json("sources", "remove", "old", "--appointments", "--yes")
    assert (gone["appointments"], gone["removed"]) == (5, True)
    removal = commands.json("imports", "list")["imports"][0]
    assert (removal["file"], removal["removed"]) == ("", 5)
    assert commands.json("imports", "undo", str(removal["import"]))["restores"] == 5


def test_a_file_is_explained_without_changing_anything(
    commands: CommandHome, tmp_path: Path
) -> None:
    export = tmp_path / "other.csv"
    export.write_text(
        "Provider,Begins,Finishes,Client,State of booking\n"
        "Jo Smith,13/12/2026 9:00,13/12/2026 9:30,Mira Halloway,Booked\n"
        "Jo Smith,13/12/2026 10:00,13/12/2026 10:30,Pell O'Dowd,Moved\n"
    )
    mapping = tmp_path / "mapping.toml"
    found = commands.json(
        "import", export, "--explain", "--save-mapping", mapping,
        "--answer", "column:status=State of booking",
    )  # fmt: skip
    assert found["columns"]["start"]["heading"] == "Begins"
    assert found["date_order"]["order"] == "dmy"
    assert found["sheets"] == [{"name": "", "header_row": 1, "rows": 2, "used": True}]
    assert found["practitioners"] == [{"name": "Jo Smith", "count": 2, "id": None, "near": None}]
    assert [(each["word"], each["means"], each["asked"]) for each in found["statuses"]] == [
        ("Booked", "booked", False), ("Moved", "cancelled", True),
    ]  # fmt: skip
    assert found["mapping"] == mapping.read_text("utf-8")
    assert commands.json("imports", "list")["imports"] == []
    report = commands.json("import", export, "--mapping", mapping)
    assert (report["added"], report["cancelled"], report["questions"]) == (2, 1, [])


CALENDAR = b"".join(
    (
        b"BEGIN:VCALENDAR\r\n",
        *(
            b"BEGIN:VEVENT\r\nUID:%d\r\nDTSTART:202603%02dT000000Z\r\nDURATION:PT30M\r\n"
            b"SUMMARY:Mira Halloway - Review\r\nEND:VEVENT\r\n" % (day, day)
            for day in range(9, 15)
        ),
        b"END:VCALENDAR\r\n",
    )
)


def test_a_calendar_is_fetched_from_a_link_that_is_never_said(commands: CommandHome) -> None:
    server = CalendarServer(CALENDAR, "private-3f9a.ics")
    try:
        commands.run("practitioners", "add", "Jo Smith")
        commands.run("practitioners", "add", "Anh Nguyen")
        said = commands.run("sources", "add", "books", server.link, "--every", "60")
        assert "every hour" in said
        assert "3f9a" not in said
        (held,) = commands.json("sources", "sync", code=3)["sources"]
        assert [each["key"] for each in held["questions"]] == ["practitioner:*"]
        answer = ("--answer", "practitioner:*=jo-smith")
        (taken,) = commands.json("sources", "sync", "books", *answer)["sources"]
        assert (taken["fetched"], taken["added"], taken["held"]) == (True, 6, False)
        (same,) = commands.json("sources", "sync")["sources"]
        assert same == {"source": "books", "fetched": True, "error": ""}
        server.answer = says(403)
        (failed,) = commands.json("sources", "sync", code=1)["sources"]
        assert "refuses the link" in failed["error"]
        (source,) = commands.json("sources", "list")["sources"]
        assert (source["place"], source["every_minutes"]) == ("127.0.0.1", 60)
        assert "refuses the link" in source["trouble"]
        assert b"3f9a" not in commands.content()
        commands.run("sources", "add", "x", "http://calendar.example/x.ics", code=1)
        commands.run("sources", "add", "x", "--kind", "pigeons", code=1)
        commands.run("sources", "add", "x", "exports", "--kind", "link", code=1)
        commands.run("sources", "add", "x", "--kind", "link", "--field", "a=b", code=1)
        assert "link: Calendar link." in commands.run("sources", "kinds")
        commands.run("sources", "remove", "books")
        commands.run("sources", "sync", "books", code=1)
    finally:
        server.close()


def test_a_fetch_that_was_killed_is_done_again_whole_and_once(commands: CommandHome) -> None:
    server, come = CalendarServer(CALENDAR, "private-3f9a.ics"), threading.Event()
    usual = server.answer
    try:
        commands.run("practitioners", "add", "Jo Smith")
        answer = ("--answer", "practitioner:*=jo-smith")
        commands.run("sources", "add", "books", server.link, *answer)

        def half(request: BaseHTTPRequestHandler) -> None:
            request.send_response(200)
            request.send_header("Content-Length", str(len(CALENDAR)))
            request.end_headers()
            request.wfile.write(CALENDAR[:-100])
            request.wfile.flush()
            come.set()
            gone.wait(60)

        gone = threading.Event()
        server.answer = half
        process = commands.start("sources", "sync")
        assert come.wait(60)
        process.kill()
        process.communicate(timeout=30)
        gone.set()
        server.answer = usual
        (taken,) = commands.json("sources", "sync")["sources"]
        assert (taken["added"], taken["held"]) == (6, False)
        (same,) = commands.json("sources", "sync")["sources"]
        assert same == {"source": "books", "fetched": True, "error": ""}
    finally:
        server.close()


def test_cliniko_is_fetched_with_a_key_that_is_never_said(commands: CommandHome) -> None:
    now = datetime(2026, 3, 1, 22, tzinfo=UTC)
    with clinic(lambda: now) as cliniko:
        here = replace(commands, cliniko=cliniko.base_url)
        here.run("practitioners", "add", "Jo Smith")
        for day in range(30):
            cliniko.book(days=day)
        here.run("sources", "add", "cliniko", "--cliniko", typed=f"{KEY}\n", code=1)
        typed = f"{KEY}\ndesk@banksia.example\n"
        said = here.run("sources", "add", "cliniko", "--cliniko", "--every", "1", typed=typed)
        assert "every minute" in said
        (taken,) = here.json("sources", "sync")["sources"]
        assert (taken["fetched"], taken["added"], taken["held"]) == (True, 30, False)
        (same,) = here.json("sources", "sync")["sources"]
        assert same == {"source": "cliniko", "fetched": True, "error": ""}
        assert "cliniko: Cliniko" in here.run("sources", "kinds")
    (gone,) = here.json("sources", "sync", code=1)["sources"]
    assert "cannot be reached" in gone["error"]
    assert KEY.encode() not in here.content()
