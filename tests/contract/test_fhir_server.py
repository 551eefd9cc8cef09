"""A FHIR server as a source: pages, names, signing in, and what is said of its refusals."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from companion.adapters.sources.fhir.keys import read_key
from companion.adapters.sources.fhir.source import FhirSource
from companion.domain.errors import BadInput, SourceTrouble, SourceUnreachable
from companion.sandbox.fhir.queries import CONTROLS, KNOWN
from companion.sandbox.fhir.service import BASE, FhirService
from companion.sandbox.fhir.store import FhirStore, appointment, fill
from companion.sandbox.sockets import ServerThread
from companion.services.sources.remote import FetchAnswer, FetchRequest
from tests.fakes.keys import RSA_KEY, pem
from tests.samples.reading import read

NOW = datetime(2026, 12, 1, 1, 0, tzinfo=UTC)
START = datetime(2026, 12, 7, 9, 0, tzinfo=UTC)
ALL = frozenset().union(*KNOWN.values()) | CONTROLS


class Server:
    """One on this computer, whose clock a test pushes."""

    def __init__(self) -> None:
        self.now = NOW
        self.store = FhirStore(lambda: self.now)
        self.service = FhirService(self.store)
        self.thread = ServerThread(self.service, "simulated-fhir")
        self.fields: dict[str, str] = {"address": self.thread.base_url + BASE}
        self.source = FhirSource(now=lambda: self.now)
        self.asked: list[str] = []
        self.service.observers.append(
            lambda request: self.asked.append(f"{request.path}?{request.query}")
        )
        for kind, key, name in (
            ("Practitioner", "jo", "Jo Smith"),
            ("Patient", "kim", "Kim Ng"),
            ("Patient", "ash", "Ash Reed"),
        ):
            given, _, family = name.partition(" ")
            self.named(kind, key, {"given": [given], "family": family})
        self.store.put({"resourceType": "Location", "id": "l", "name": "Banksia House"})

    def named(self, kind: str, key: str, *names: Mapping[str, object]) -> None:
        self.store.put({"resourceType": kind, "id": key, "name": [*names]})

    def book(self, key: str, patient: str = "Patient/kim", **more: Any) -> None:
        booked = appointment(
            key, START, patient=patient, practitioner="Practitioner/jo", location="Location/l"
        )
        self.store.put({**booked, **more})

    def fetch(
        self, folder: Path, *, secret: str = "", cursor: str = "", most: int | None = None
    ) -> FetchAnswer:
        request = FetchRequest(
            fields=self.fields,
            secret=secret,
            cursor=cursor,
            folder=folder,
            now=self.now,
            timezone="Australia/Sydney",
            most=most,
        )
        return self.source.fetch(request)

    def refused(self, folder: Path, **more: Any) -> SourceUnreachable:
        with pytest.raises(SourceUnreachable) as found:
            self.fetch(folder, **more)
        said = f"{found.value} {found.value.detail}"
        assert "Kim" not in said
        return found.value


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.thread.stop(wait=False)


def people(answer: FetchAnswer) -> list[tuple[str, str, str, str]]:
    """Practitioner, client, place and status of each row, as the import reads them."""
    assert answer.file is not None
    found = read(answer.file.read_bytes())
    assert found.content.rejections == []
    return sorted(
        (
            each.name,
            f"{each.appointment.client_first_name} {each.appointment.client_last_name}",
            each.appointment.location,
            each.appointment.status.value,
        )
        for each in found.content.drafts
    )


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


# ── signing in ────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(params=["ES384", "RS384", "JWK"])
def key(request: pytest.FixtureRequest) -> str:
    if request.param == "RS384":
        return pem(RSA_KEY)
    made = ec.generate_private_key(ec.SECP384R1())
    if request.param == "ES384":
        return pem(made).replace("\n", " ")  # as one line, which a prompt takes
    jwk = read_key(pem(made)).public_jwk()
    number = made.private_numbers().private_value.to_bytes(48, "big")
    return json.dumps({**jwk, "d": base64.urlsafe_b64encode(number).decode().rstrip("=")})


def register(server: Server, key: str) -> None:
    server.fields["client_id"] = "companion"
    server.service.tokens.clients["companion"] = read_key(key).public_jwk()
    server.book("a1")


def test_a_program_signs_in_with_its_key_and_keeps_the_token(
    server: Server, tmp_path: Path, key: str
) -> None:
    register(server, key)
    assert len(people(server.fetch(tmp_path, secret=key))) == 1
    server.fetch(tmp_path, secret=key)
    assert len(server.service.tokens.issued) == 1
    assert sum("/oauth/token" in each for each in server.asked) == 1


def test_a_token_that_ended_is_got_anew(server: Server, tmp_path: Path) -> None:
    key = pem(RSA_KEY)
    register(server, key)
    server.fetch(tmp_path, secret=key)
    server.now += timedelta(minutes=6)  # to our own clock it would be good still
    assert len(people(server.fetch(tmp_path, secret=key))) == 1
    assert len(server.service.tokens.issued) == 2


def test_an_unknown_key_or_too_little_scope_is_said(server: Server, tmp_path: Path) -> None:
    key = pem(RSA_KEY)
    register(server, pem(ec.generate_private_key(ec.SECP384R1())))
    error = server.refused(tmp_path, secret=key)
    assert error.reason is SourceTrouble.CREDENTIALS
    assert "not its key" in error.what
    register(server, key)
    server.service.tokens.scopes = frozenset({"system/Patient.rs"})
    assert (
        "does not let this program read appointments" in server.refused(tmp_path, secret=key).what
    )
    server.service.tokens.clients.clear()
    assert "where programs sign in" in server.refused(tmp_path, secret=key).what


# ── what a person gives ───────────────────────────────────────────────────────────────────────


def test_an_address_is_taken_as_people_copy_it() -> None:
    source = FhirSource()
    for typed in (
        "https://fhir.example/R4",
        " fhir+https://fhir.example/R4/ ",
        "https://fhir.example/R4/Appointment",
        "https://fhir.example/R4/metadata",
    ):
        place = source.check({"address": typed}, "")
        assert place.fields["address"] == "https://fhir.example/R4"
        assert place.place == "fhir.example"


@pytest.mark.parametrize(
    ("field", "fields", "secret"),
    [
        ("address", {"address": ""}, ""),
        ("address", {"address": "http://fhir.example/R4"}, ""),
        ("address", {"address": "https://user:word@fhir.example/R4"}, ""),
        ("address", {"address": "https://fhir.example/R4?token=x"}, ""),
        ("address", {"address": "ftp://fhir.example"}, ""),
        ("secret", {}, "two words"),
        (
            "secret",
            {"client_id": "c"},
            "-----BEGIN PRIVATE KEY-----nothing-----END PRIVATE KEY-----",
        ),
        ("secret", {"client_id": "c"}, '{"kty": "oct", "k": "abc"}'),
        ("secret", {"client_id": "c"}, "@/no/such/file"),
        ("client_id", {}, pem(RSA_KEY)),
        ("filter", {"filter": "date=ge2020"}, ""),
        ("filter", {"filter": "location"}, ""),
        ("days_back", {"days_back": "-3"}, ""),
    ],
)
def test_what_cannot_be_used_is_named_and_not_repeated(
    field: str, fields: dict[str, str], secret: str
) -> None:
    with pytest.raises(BadInput) as refused:
        FhirSource().check({"address": "https://fhir.example/R4", **fields}, secret)
    assert refused.value.field == field
    assert not secret or secret not in str(refused.value)


def test_a_key_may_lie_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text(pem(RSA_KEY), "utf-8")
    fields = {"address": "https://fhir.example", "client_id": "c"}
    assert FhirSource().check(fields, f"@{file}").secret == pem(RSA_KEY).strip()


def test_only_some_appointments_can_be_asked_for(server: Server, tmp_path: Path) -> None:
    server.book("a1")
    server.book("a2", "Patient/ash")
    server.fields["filter"] = "patient=Patient/ash"
    assert [each[1] for each in people(server.fetch(tmp_path))] == ["Ash Reed"]
