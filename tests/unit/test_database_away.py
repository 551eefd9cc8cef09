"""The practice's database cannot be reached: what is said of it, to whom, and why it is so."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from nicegui import ui
from sqlalchemy import URL, make_url

from companion.adapters.database.postgres_transactions import UNKNOWN
from companion.adapters.database.why_away import explaining, place_of
from companion.background_work import keep_going
from companion.domain.errors import Busy, CompanionError, Offline
from companion.domain.practice_errors import DatabaseAway, Unreached
from companion.web.ui import error_reports
from companion.web.ui.book.pulse import BookPulse
from companion.web.ui.upload_board import UploadBoard
from tests.fakes.free_ports import free_port
from tests.fakes.services import fake_application

SECRET = "postgresql+psycopg://kim:s3cret-word@"


def address(rest: str) -> URL:
    return make_url(f"{SECRET}{rest}")


def explained(url: URL) -> DatabaseAway:
    with pytest.raises(DatabaseAway) as found, explaining(url):
        raise DatabaseAway(detail="08001")
    said = f"{found.value} {found.value.place} {found.value.detail}"
    assert not [each for each in ("kim", "s3cret") if each in said]
    assert found.value.detail == "08001"
    return found.value


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as door:
        yield door.getsockname()[1]


# ── what is said ──────────────────────────────────────────────────────────────────────────────


def test_whoever_asked_for_something_is_not_told_that_it_is_tried_again() -> None:
    error = DatabaseAway()
    assert "Nothing was changed. Try again" in error.remedy
    assert "by itself" not in str(error)


@pytest.mark.parametrize(
    ("error", "caption"),
    [
        (DatabaseAway(), "what you typed is still here. Do it again when the server is back."),
        (UNKNOWN, "Look whether it is there before you enter it again."),
        (Offline(), "the sync goes on by itself"),
    ],
)
def test_a_page_says_that_what_was_typed_is_still_there(
    monkeypatch: pytest.MonkeyPatch, error: CompanionError, caption: str
) -> None:
    said: list[dict[str, Any]] = []
    monkeypatch.setattr(ui, "notify", lambda _words, **more: said.append(more))
    error_reports.notify(error)
    assert caption in said[0]["caption"]


def test_what_the_program_does_unasked_is_tried_again() -> None:
    assert "tried again by itself" in DatabaseAway().unattended


def test_a_remedy_of_its_own_is_said_in_either_case() -> None:
    error = DatabaseAway(remedy="Look whether it is there.")
    assert (error.remedy, error.unattended) == ("Look whether it is there.",) * 2
    assert Offline().unattended == Offline().remedy


# ── why ───────────────────────────────────────────────────────────────────────────────────────


def test_a_port_without_a_server_is_said_to_refuse() -> None:
    port = free_port()
    error = explained(address(f"127.0.0.1:{port}/practice"))
    assert (error.place, error.reason) == (f"127.0.0.1:{port}", Unreached.REFUSED)
    assert error.what == (
        f"The practice's database cannot be reached. 127.0.0.1:{port} refuses the connection: "
        "PostgreSQL is not running there, or its port is another."
    )


def test_a_port_where_another_program_listens_is_said_to_be_mute(listening: int) -> None:
    error = explained(address(f"127.0.0.1:{listening}/practice"))
    assert error.reason is Unreached.MUTE
    assert "takes the connection, but PostgreSQL does not answer" in error.what


@pytest.mark.parametrize(
    ("failure", "reason", "said"),
    [
        (socket.gaierror(-2), Unreached.NAME_UNKNOWN, "The name db.example is not known"),
        (UnicodeError(), Unreached.NAME_UNKNOWN, "The name db.example is not known"),
        (TimeoutError(), Unreached.NO_ANSWER, "db.example:5432 does not answer"),
        (OSError(113, "No route to host"), Unreached.NO_WAY, "no way to db.example:5432"),
    ],
)
def test_each_way_of_not_getting_there_has_its_sentence(
    monkeypatch: pytest.MonkeyPatch, failure: Exception, reason: Unreached, said: str
) -> None:
    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr(socket, "create_connection", fail)
    error = explained(address("db.example/practice"))
    assert error.reason is reason
    assert said in error.what


def test_another_error_is_not_explained() -> None:
    with pytest.raises(CompanionError) as found, explaining(address("127.0.0.1:1/practice")):
        raise Offline
    assert isinstance(found.value, Offline)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("db.example/practice", "db.example:5432"),
        ("[::1]:5433/practice", "[::1]:5433"),
        ("/practice?host=/var/run/postgresql", "/var/run/postgresql"),
        ("/practice?host=one.example:6543&host=two.example", "one.example:6543"),
        ("/practice?host=one.example,two.example&port=1,2", "one.example:1"),
        ("/practice", ""),
    ],
)
def test_the_place_is_host_and_port_or_a_folder(url: str, place: str) -> None:
    assert place_of(address(url)) == place


# ── the log ───────────────────────────────────────────────────────────────────────────────────


async def test_what_waits_for_the_database_says_so_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(keep_going.__globals__, "AWAY_SECONDS", 0)
    caplog.set_level("INFO", "companion")
    tries = 0
    tried_often = asyncio.Event()

    async def run() -> None:
        nonlocal tries
        tries += 1
        if tries == 20:
            tried_often.set()
        raise DatabaseAway

    task = asyncio.create_task(keep_going(run, "lease")())
    await tried_often.wait()
    task.cancel()
    assert [each.getMessage() for each in caplog.records] == [
        "the lease waits for the practice's database"
    ]


@pytest.mark.parametrize(
    ("failure", "lines"),
    [
        (DatabaseAway, []),  # said by who notices it, once
        (Busy, ["The revisions could not be read: Busy"]),
    ],
)
async def test_an_open_book_does_not_log_twice_a_second_that_it_is_away(
    caplog: pytest.LogCaptureFixture, failure: type[CompanionError], lines: list[str]
) -> None:
    async def change_sign() -> None:
        raise failure

    book: Any = SimpleNamespace(change_sign=change_sign)  # all that is asked of it
    services = replace(fake_application().services, book=book)
    pulse = BookPulse(services, UploadBoard(services))
    pulse.look()
    assert pulse._reading is not None
    await pulse._reading
    assert [each.getMessage() for each in caplog.records] == lines
