"""Bp Premier's database, by SQL Server's real driver and a small server of its protocol."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from companion.adapters.sources.database.source import DatabaseSource
from companion.domain.errors import BadInput, SourceTrouble, SourceUnreachable
from companion.services.sources.remote import FetchAnswer, FetchRequest, Stop, Stopped
from tests.fakes.sql_server import FakeSqlServer, Rows, SqlError
from tests.samples.reading import asked, at, drafts, read, times

ADDRESS = r"mssql://bpsviewer:secret@BPSERVER\BPSINSTANCE/BPSPatients"
QUERY = """SELECT Patient, InternalID, AppointmentDate, AppointmentTime, AppointmentLength,
       Provider, Urgent, AppointmentType, Status, ArrivalTime, ConsultationTime, BookedBy
FROM BPS_Appointments
WHERE AppointmentDate BETWEEN DATEADD(day, -7, GETDATE()) AND DATEADD(day, 366, GETDATE())"""
CURSOR = '{"at": "2026-12-07T00:30:00+00:00", "seen": []}'
DAY = datetime(2026, 12, 7)  # noqa: DTZ001 - wall time
VIEW: Rows = (
    [
        "Patient", "InternalID", "AppointmentDate", "AppointmentTime", "AppointmentLength",
        "Provider", "Urgent", "AppointmentType", "Status", "ArrivalTime", "ConsultationTime",
        "BookedBy",
    ],
    [
        ["Ng, Kim ", 11, DAY, 34200, 900, "Dr Jo Smith ", False, "Short ", "Booked ", 0, 0, ""],
        ["Reed, Ash ", 12, DAY, 36900, 1800, "Dr Jo Smith ", False, "Long ", "Waiting", 0, 0, ""],
    ],
)  # fmt: skip


def bp(_statement: str) -> Rows:
    return VIEW


@pytest.fixture
def server() -> Iterator[FakeSqlServer]:
    made = FakeSqlServer(bp)
    yield made
    made.close()


def fetch(server: FakeSqlServer, folder: Path, query: str = QUERY, **more: Any) -> FetchAnswer:
    given: dict[str, Any] = {"cursor": "", "stop": Stop(), "seconds": 60.0} | more
    seconds = given.pop("seconds")
    request = FetchRequest(
        fields={"query": query},
        secret=f"mssql://bpsviewer:secret@127.0.0.1:{server.port}/BPSPatients",
        folder=folder,
        now=datetime(2026, 12, 7, 1, 0, tzinfo=UTC),
        timezone="Australia/Sydney",
        **given,
    )
    return DatabaseSource(seconds=seconds).fetch(request)


def test_the_view_of_bp_premier_is_read_without_a_question(
    server: FakeSqlServer, tmp_path: Path
) -> None:
    answer = fetch(server, tmp_path)
    assert answer.file is not None
    assert answer.whole
    reading = read(answer.file.read_bytes())
    assert reading.layout.name == "Bp Premier view"
    assert asked(reading) == {}
    assert times(reading) == [(at(7, 9, 30), at(7, 9, 45)), (at(7, 10, 15), at(7, 10, 45))]
    first = drafts(reading)[0]
    assert (first.name, first.appointment.client_last_name) == ("Dr Jo Smith", "Ng")


def test_it_is_asked_as_a_reader_and_nothing_is_committed(
    server: FakeSqlServer, tmp_path: Path
) -> None:
    fetch(server, tmp_path)
    assert server.reads_only
    own = server.said[server.said.index("SET LOCK_TIMEOUT 15000") :]
    assert own[:3] == ["SET LOCK_TIMEOUT 15000", QUERY, "ROLLBACK TRAN"]
    assert not any(each.startswith("COMMIT") for each in server.said)


def test_where_the_database_keeps_versions_it_is_read_as_of_one_moment(
    server: FakeSqlServer, tmp_path: Path
) -> None:
    server.versions = 1
    fetch(server, tmp_path)
    level = server.said.index("SET TRANSACTION ISOLATION LEVEL SNAPSHOT")
    assert server.said[level + 1 : level + 3] == ["COMMIT TRAN", "BEGIN TRAN"]
    assert level < server.said.index(QUERY)


def test_changes_are_asked_for_by_the_earlier_of_the_servers_time_and_utc(
    server: FakeSqlServer, tmp_path: Path
) -> None:
    query = "SELECT * FROM BPS_Changes WHERE UPDATED >= :since AND NOTE LIKE '50%'"
    answer = fetch(server, tmp_path, query, cursor=CURSOR)
    assert not answer.whole
    said = next(each for each in server.said if "BPS_Changes" in each)
    # By UTC half past midnight, by the server half past eleven (12:00 less half an hour).
    # With a T, for else a login whose language is British reads it as year, day, month.
    assert said == query.replace(":since", "N'2026-12-06T22:30:00'")


def test_a_stopped_query_is_left_and_so_ended_by_the_server(
    server: FakeSqlServer, tmp_path: Path
) -> None:
    stop = Stop()
    raised: list[BaseException] = []

    def run() -> None:
        try:
            fetch(server, tmp_path, "SELECT * FROM BPS_Never", stop=stop)
        except Stopped as error:
            raised.append(error)

    running = threading.Thread(target=run)
    running.start()
    assert server.asked.wait(20)
    stop.ask()
    running.join(20)
    assert raised
    assert server.left.wait(20)


def test_a_query_that_takes_too_long_is_ended(server: FakeSqlServer, tmp_path: Path) -> None:
    with pytest.raises(SourceUnreachable) as refused:
        fetch(server, tmp_path, "SELECT * FROM BPS_Never", seconds=2.0)
    assert refused.value.reason is SourceTrouble.SLOW
    assert not server.asked.is_set() or server.left.wait(20)


def test_a_refused_sign_in_is_a_sentence_without_the_servers_words(
    server: FakeSqlServer, tmp_path: Path
) -> None:
    """At sign-in the driver may give the number of an earlier refusal."""
    for number, words in (
        (18456, "Login failed for user 'bpsviewer'."),
        (4060, "Cannot open database 'x' by the login."),
    ):
        server.refuses = SqlError(number, words)
        _refused(server, tmp_path, SourceTrouble.CREDENTIALS, SourceTrouble.NOT_THERE)


@pytest.mark.parametrize(
    ("number", "words", "reason"),
    [
        (229, "SELECT was denied on 'PATIENTS'.", SourceTrouble.CREDENTIALS),
        (1222, "Lock request time out period exceeded.", SourceTrouble.BROKEN),
        (245, "Conversion failed converting 'Kim Ng' to int.", SourceTrouble.BROKEN),
    ],
)
def test_what_the_server_refuses_is_a_sentence_without_its_words(
    server: FakeSqlServer, tmp_path: Path, number: int, words: str, reason: SourceTrouble
) -> None:
    server.answer = _raising(number, words)
    _refused(server, tmp_path, reason)


def test_a_server_that_is_not_there_is_said(server: FakeSqlServer, tmp_path: Path) -> None:
    server.refuses = SqlError(18456, "Login failed for user 'bpsviewer'.")
    _refused(server, tmp_path, SourceTrouble.CREDENTIALS, SourceTrouble.NOT_THERE)
    server.port = 1  # of which the driver says, besides, the number of its last error
    _refused(server, tmp_path, SourceTrouble.OFFLINE)


def test_a_column_that_is_not_there_is_named_in_the_servers_words(
    server: FakeSqlServer, tmp_path: Path
) -> None:
    server.answer = _raising(207, "Invalid column name 'Providr'.")
    with pytest.raises(BadInput, match="understand the query: Invalid column name 'Providr'"):
        fetch(server, tmp_path)


def _raising(number: int, words: str) -> Callable[[str], Rows]:
    def answer(_statement: str) -> Rows:
        raise SqlError(number, words)

    return answer


def _refused(server: FakeSqlServer, folder: Path, *reasons: SourceTrouble) -> None:
    with pytest.raises(SourceUnreachable) as refused:
        fetch(server, folder)
    assert refused.value.reason in reasons
    said = f"{refused.value} {refused.value.detail}"
    assert not any(word in said for word in ("bpsviewer", "secret", "Kim", "PATIENTS"))


def test_without_its_driver_the_line_that_installs_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(BadInput) as refused:
        DatabaseSource().check({"query": QUERY}, ADDRESS)
    assert "SQL Server needs a driver" in refused.value.what
    assert refused.value.remedy.endswith("-m pip install pymssql")
