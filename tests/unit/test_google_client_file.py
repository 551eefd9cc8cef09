"""The practice's OAuth client file: what is accepted, and what a refusal says."""

import json
from typing import Any

import pytest

from companion.adapters.google.client_file import GOOGLE_REVOKE, is_loopback, read_client
from companion.domain.errors import BadInput


def document(**changes: Any) -> dict[str, Any]:
    installed = {
        "client_id": "1.apps.googleusercontent.com",
        "project_id": "riverside-physio",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": "https://oauth2.googleapis.com/token",
        "client_secret": "made-up",
    }
    return {"installed": {key: each for key, each in (installed | changes).items() if each}}


def read(content: object) -> Any:
    return read_client(json.dumps(content).encode())


def test_a_desktop_client_is_known_by_its_project() -> None:
    client = read(document())
    assert client.name == "riverside-physio"
    assert client.revoke_uri == GOOGLE_REVOKE


def test_a_byte_order_mark_does_no_harm() -> None:
    assert read_client(b"\xef\xbb\xbf" + json.dumps(document()).encode()).name


def test_a_client_without_a_project_is_known_by_its_id() -> None:
    assert read(document(project_id="")).name == "1.apps.googleusercontent.com"


def test_a_web_client_is_refused_with_what_to_create_instead() -> None:
    with pytest.raises(BadInput) as caught:
        read({"web": document()["installed"]})
    assert "web site" in caught.value.what
    assert '"Desktop app"' in caught.value.remedy


@pytest.mark.parametrize("field", ["client_id", "client_secret", "auth_uri", "token_uri"])
def test_a_missing_field_is_named(field: str) -> None:
    with pytest.raises(BadInput, match=field):
        read(document(**{field: ""}))


@pytest.mark.parametrize("content", [b"", b"no json", b"[]", b"null", b"\xff\xfe", b"{}"])
def test_any_other_file_is_refused_in_a_sentence(content: bytes) -> None:
    with pytest.raises(BadInput, match="not a Google client file"):
        read_client(content)


def test_a_huge_file_is_not_even_parsed() -> None:
    with pytest.raises(BadInput, match="too large"):
        read_client(b"[" * 10_000_000)


@pytest.mark.parametrize(
    "address",
    [
        "http://accounts.google.com/token",
        "http://10.0.0.1/token",
        "http://127.0.0.1.example.com/token",
        "ftp://127.0.0.1/token",
        "token",
        "https://",
        "http://[::1",
    ],
)
def test_an_address_that_would_carry_secrets_in_clear_is_refused(address: str) -> None:
    with pytest.raises(BadInput, match="token_uri"):
        read(document(token_uri=address))


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9/token", "http://localhost:9/token", "http://[::1]:9/token"]
)
def test_plain_http_is_for_this_computer(address: str) -> None:
    client = read(document(token_uri=address, auth_uri=address))
    assert is_loopback(address)
    assert client.revoke_uri == address.replace("/token", "/revoke")
