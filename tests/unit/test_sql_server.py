"""Bp Premier's database, by what is asked of SQL Server's driver: no server can be had for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pymssql
import pytest

from companion.adapters.sources.database.source import DatabaseSource
from companion.domain.errors import BadInput, SourceTrouble, SourceUnreachable
from companion.services.sources.remote import FetchAnswer, FetchRequest
from tests.fakes.sql_server import FakeSqlServer, Rows, refusal
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


def bp(rows: Rows | Exception = VIEW) -> Callable[[str], Rows]:
    def answer(_statement: str) -> Rows:
        if isinstance(rows, Exception):
            raise rows
        return rows

    return answer


def fetch(
    server: FakeSqlServer,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    query: str = QUERY,
    cursor: str = "",
) -> FetchAnswer:
    monkeypatch.setattr(pymssql, "connect", server.connect)
    request = FetchRequest(
        fields={"query": query},
        secret=ADDRESS,
        cursor=cursor,
        folder=folder,
        now=datetime(2026, 12, 7, 1, 0, tzinfo=UTC),
        timezone="Australia/Sydney",
    )
    return DatabaseSource(seconds=60).fetch(request)


def test_the_view_of_bp_premier_is_read_without_a_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = fetch(FakeSqlServer(bp()), tmp_path, monkeypatch)
    assert answer.file is not None
    assert answer.whole
    reading = read(answer.file.read_bytes())
    assert reading.layout.name == "Bp Premier view"
    assert asked(reading) == {}
    assert times(reading) == [(at(7, 9, 30), at(7, 9, 45)), (at(7, 10, 15), at(7, 10, 45))]
    first = drafts(reading)[0]
    assert (first.name, first.appointment.client_last_name) == ("Dr Jo Smith", "Ng")


def test_it_is_asked_as_a_reader_within_limits_and_nothing_is_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = FakeSqlServer(bp())
    fetch(server, tmp_path, monkeypatch)
    assert server.connected == {
        "host": r"BPSERVER\BPSINSTANCE",
        "user": "bpsviewer",
        "password": "secret",
        "database": "BPSPatients",
        "appname": "Calendar Companion",
        "login_timeout": 15,
        "timeout": 60,
        "read_only": True,
    }
    own = server.said[server.said.index("SET LOCK_TIMEOUT 15000") :]
    assert own == ["SET LOCK_TIMEOUT 15000", QUERY, "ROLLBACK", "CLOSE"]
    assert "COMMIT" not in server.said


def test_where_the_database_keeps_versions_it_is_read_as_of_one_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = FakeSqlServer(bp(), versions=1)
    fetch(server, tmp_path, monkeypatch)
    level = server.said.index("SET TRANSACTION ISOLATION LEVEL SNAPSHOT")
    assert level < server.said.index(QUERY)


def test_changes_are_asked_for_by_the_earlier_of_the_servers_time_and_utc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = FakeSqlServer(bp())
    query = "SELECT * FROM BPS_Changes WHERE UPDATED >= :since AND NOTE LIKE '50%'"
    answer = fetch(server, tmp_path, monkeypatch, query=query, cursor=CURSOR)
    assert not answer.whole
    said = next(each for each in server.said if "BPS_Changes" in each)
    assert "UPDATED >= %(since)s AND NOTE LIKE '50%'" in said
    # By UTC half past midnight, by the server half past eleven (12:00 less half an hour).
    assert "datetime.datetime(2026, 12, 6, 22, 30)" in said


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (refusal(18456, "Login failed for user 'bpsviewer'."), SourceTrouble.CREDENTIALS),
        (refusal(4060, "Cannot open database 'x' by the login."), SourceTrouble.NOT_THERE),
        (refusal(229, "SELECT was denied on 'PATIENTS'."), SourceTrouble.CREDENTIALS),
        (refusal(1222, "Lock request time out period exceeded."), SourceTrouble.BROKEN),
        (refusal(20003, "Adaptive Server connection timed out"), SourceTrouble.SLOW),
        (refusal(20009, "Unable to connect: BPSERVER"), SourceTrouble.OFFLINE),
        (refusal(20047, "DBPROCESS is dead or not enabled"), SourceTrouble.OFFLINE),
        (refusal(245, "Conversion failed converting 'Kim Ng' to int."), SourceTrouble.BROKEN),
    ],
)  # fmt: skip
def test_what_the_server_refuses_is_a_sentence_without_its_words(
    error: Exception, reason: SourceTrouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SourceUnreachable) as refused:
        fetch(FakeSqlServer(bp(error)), tmp_path, monkeypatch)
    assert refused.value.reason is reason
    said = f"{refused.value} {refused.value.detail}"
    assert not any(word in said for word in ("bpsviewer", "secret", "Kim", "PATIENTS"))


def test_a_column_that_is_not_there_is_named_in_the_servers_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = refusal(207, "Invalid column name 'Providr'.")
    with pytest.raises(BadInput, match="understand the query: Invalid column name 'Providr'"):
        fetch(FakeSqlServer(bp(error)), tmp_path, monkeypatch)


def test_without_its_driver_the_line_that_installs_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(BadInput) as refused:
        DatabaseSource().check({"query": QUERY}, ADDRESS)
    assert "SQL Server needs a driver" in refused.value.what
    assert refused.value.remedy.endswith("-m pip install pymssql")
