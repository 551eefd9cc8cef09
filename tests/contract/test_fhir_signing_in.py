"""A FHIR server's key and token, and what a person gives to reach it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from companion.adapters.sources.fhir.keys import read_key
from companion.adapters.sources.fhir.source import FhirSource
from companion.domain.errors import BadInput, SourceTrouble
from tests.fakes.fhir_asked import Server, people
from tests.fakes.keys import RSA_KEY, pem


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.thread.stop(wait=False)


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
