"""A FHIR server as a source: pages, names, signing in, and what is said of its refusals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from companion.domain.errors import SourceTrouble
from companion.sandbox.fhir.queries import CONTROLS, KNOWN
from companion.sandbox.fhir.service import BASE
from companion.sandbox.fhir.store import fill
from tests.fakes.fhir_asked import START, Server, people

ALL = frozenset().union(*KNOWN.values()) | CONTROLS


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.thread.stop(wait=False)


def test_one_request_gives_appointments_and_their_people(server: Server, tmp_path: Path) -> None:
    server.book("a1")
    answer = server.fetch(tmp_path)
    assert answer.whole
    assert people(answer) == [("Jo Smith", "Kim Ng", "Banksia House", "booked")]
    assert server.service.requests == 1
    assert "date=ge2026-10-31" in server.asked[0]
    assert "Appointment:patient" in server.asked[0]


def test_every_page_is_read_and_each_once(server: Server, tmp_path: Path) -> None:
    fill(server.store, 230, first=START)
    server.service.policy.page = 50
    answer = server.fetch(tmp_path)
    assert len(people(answer)) == 230
    assert server.service.requests == 5
    few = server.fetch(tmp_path, most=10)
    assert len(people(few)) == 10


def test_a_server_without_includes_is_asked_for_names_by_their_ids(
    server: Server, tmp_path: Path
) -> None:
    server.book("a1")
    server.book("a2", "Patient/ash")
    server.service.policy.supported = ALL - {"_include"}
    assert [each[1] for each in people(server.fetch(tmp_path))] == ["Ash Reed", "Kim Ng"]
    asked = len(server.asked)
    assert any("Patient?_id=ash,kim" in each for each in server.asked)
    server.now += timedelta(hours=1)
    server.book("a3")
    cursor = json.dumps({"at": server.now.isoformat(), "seen": []})
    assert len(people(server.fetch(tmp_path, cursor=cursor))) == 1
    assert len(server.asked) == asked + 1, "what it does not understand and names are remembered"


def test_names_are_read_one_by_one_where_nothing_else_is_understood(
    server: Server, tmp_path: Path
) -> None:
    server.book("a1")
    server.book("a2", "Patient/ash")
    server.service.policy.supported = ALL - {"_include", "_id"}
    assert [each[1] for each in people(server.fetch(tmp_path))] == ["Ash Reed", "Kim Ng"]
    assert f"{BASE}/Patient/ash?" in server.asked


def test_a_client_who_was_deleted_is_no_error(server: Server, tmp_path: Path) -> None:
    server.book("a1", "Patient/ash")
    server.store.delete("Patient/ash")
    assert [each[0] for each in people(server.fetch(tmp_path))] == ["Jo Smith"]


def test_roles_contained_people_and_other_servers_are_told_apart(
    server: Server, tmp_path: Path
) -> None:
    role = {
        "resourceType": "PractitionerRole",
        "id": "r",
        "practitioner": {"reference": "Practitioner/jo"},
    }
    server.store.put(role)
    inside = {"resourceType": "Patient", "id": "p1", "name": [{"text": "Lee Inside"}]}
    actors = ["PractitionerRole/r", "#p1"]
    server.book("a1", contained=[inside], participant=_accepted(*actors))
    elsewhere = "https://other.example/fhir/Patient/kim"
    server.book("a2", participant=_accepted("Practitioner/jo/_history/3", elsewhere))
    found = people(server.fetch(tmp_path))
    assert [each[:2] for each in found] == [("Jo Smith", " "), ("Jo Smith", "Lee Inside")]


def _accepted(*references: str) -> list[dict[str, object]]:
    return [{"actor": {"reference": each}, "status": "accepted"} for each in references]


def test_the_name_that_counts_is_the_official_one(server: Server, tmp_path: Path) -> None:
    server.named(
        "Patient",
        "kim",
        {"use": "old", "family": "Before", "given": ["Kim"]},
        {"use": "official", "family": "Now", "given": ["Kim"]},
    )
    server.book("a1")
    assert [each[1] for each in people(server.fetch(tmp_path))] == ["Kim Now"]


def test_no_more_of_a_client_than_the_name_is_written_down(server: Server, tmp_path: Path) -> None:
    fill(server.store, 5, first=START)
    answer = server.fetch(tmp_path)
    assert answer.file is not None
    assert "0491 570 156" not in answer.file.read_text("utf-8")
    assert answer.file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("status", "kept"),
    [
        ("booked", "booked"), ("arrived", "booked"), ("checked-in", "booked"),
        ("fulfilled", "booked"), ("pending", "booked"), ("proposed", "booked"),
        ("cancelled", "cancelled"), ("noshow", "cancelled"), ("entered-in-error", "cancelled"),
        ("waitlist", "cancelled"),
    ],
)  # fmt: skip
def test_every_status_is_read(server: Server, tmp_path: Path, status: str, kept: str) -> None:
    server.book("a1", status=status)
    assert [each[3] for each in people(server.fetch(tmp_path))] == [kept]


def test_what_changed_is_asked_for_by_the_servers_clock(server: Server, tmp_path: Path) -> None:
    server.book("a1")
    server.book("a2", "Patient/ash")
    first = server.fetch(tmp_path)
    server.now += timedelta(minutes=2)
    unchanged = server.fetch(tmp_path, cursor=first.cursor)
    assert unchanged.file is None
    server.book("a2", "Patient/ash", status="cancelled")
    later = server.fetch(tmp_path, cursor=unchanged.cursor)
    assert not later.whole
    assert [each[1:] for each in people(later)] == [("Ash Reed", "Banksia House", "cancelled")]
    assert "_lastUpdated=ge2026-12-01T00:57:00Z" in server.asked[-1]


@pytest.mark.parametrize("missing", [{"_lastUpdated"}, {"_lastUpdated", "date"}])
@pytest.mark.parametrize("ignores", [True, False])
def test_a_server_that_leaves_out_what_was_asked_gives_all_of_it(
    server: Server, tmp_path: Path, missing: set[str], ignores: bool
) -> None:
    server.book("a1")
    server.book("old", start="2024-01-01T09:00:00+00:00", end="2024-01-01T10:00:00+00:00")
    server.service.policy.supported = ALL - missing
    server.service.policy.ignores = ignores
    first = server.fetch(tmp_path)
    assert len(people(first)) == 1, "what is long past is left out here"
    again = server.fetch(tmp_path, cursor=first.cursor)
    assert again.whole
    assert len(people(again)) == 1


def test_pages_that_ran_out_are_asked_for_anew_once(server: Server, tmp_path: Path) -> None:
    fill(server.store, 30, first=START)
    server.service.policy.page = 10
    forgotten: list[str] = []

    def forget(request: Any) -> None:
        if "_getpagesoffset=20" in request.query and not forgotten:
            forgotten.append(request.query)
            server.service.forget_pages()

    server.service.observers.append(forget)
    assert len(people(server.fetch(tmp_path))) == 30
    assert forgotten
    server.service.observers.append(lambda _request: server.service.forget_pages())
    error = server.refused(tmp_path)
    assert error.reason is SourceTrouble.BROKEN


def test_a_next_page_elsewhere_gets_no_token(server: Server, tmp_path: Path) -> None:
    fill(server.store, 30, first=START)
    server.service.policy.page = 10
    server.service.policy.origin = "https://internal.example"
    error = server.refused(tmp_path, secret="abc")
    assert "another address" in error.what
    assert server.service.requests == 1


def test_a_server_that_asks_for_a_little_patience_gets_it(server: Server, tmp_path: Path) -> None:
    server.book("a1")
    server.service.faults.add(kind="status", status=429, retry_after=1, times=1)
    assert len(people(server.fetch(tmp_path))) == 1
    server.service.faults.clear()
    server.service.faults.add(kind="status", status=503, retry_after=600)
    error = server.refused(tmp_path)
    assert (error.reason, error.wait) == (SourceTrouble.BROKEN, 600)


@pytest.mark.parametrize(
    ("status", "reason", "words"),
    [
        (401, SourceTrouble.CREDENTIALS, "does not accept"),
        (403, SourceTrouble.CREDENTIALS, "does not let this program read"),
        (404, SourceTrouble.NOT_THERE, "no appointments under this address"),
        (400, SourceTrouble.UNREADABLE, "does not understand the search"),
        (422, SourceTrouble.UNREADABLE, "does not understand the search"),
        (504, SourceTrouble.SLOW, "took too long"),
        (500, SourceTrouble.BROKEN, "out of order (500)"),
    ],
)
def test_a_refusal_is_a_sentence_with_its_codes_for_the_log(
    server: Server, tmp_path: Path, status: int, reason: SourceTrouble, words: str
) -> None:
    server.service.faults.add(kind="status", status=status)
    error = server.refused(tmp_path)
    assert error.reason is reason
    assert words in error.what
    assert f"HTTP {status}" in error.detail


def test_an_error_beside_results_is_an_error(server: Server, tmp_path: Path) -> None:
    issue = {"severity": "error", "code": "too-costly", "diagnostics": "Kim Ng"}
    server.store.resources["Appointment"] = {
        "x": {
            "resourceType": "OperationOutcome",
            "id": "x",
            "issue": [issue],
            "participant": [],
            "start": "2026-12-07T00:00:00Z",
        }
    }
    error = server.refused(tmp_path)
    assert error.reason is SourceTrouble.LARGE
