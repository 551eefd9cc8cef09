"""The key of a service account: what is accepted, and what a refusal says."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from companion.adapters.google.client_file import OAuthClient, ServiceAccountKey, read_client
from companion.domain.errors import BadInput
from tests.fakes.keys import RSA_KEY, key_file, pem


def read(**changes: Any) -> ServiceAccountKey:
    found = read_client(json.dumps(key_file(**changes)).encode())
    assert not isinstance(found, OAuthClient)
    return found


def test_a_key_is_known_by_its_project_and_says_which_client_to_authorise() -> None:
    key = read()
    assert (key.name, key.client_id) == ("riverside-physio", "104727004242420010001")
    assert key.email == "sync@riverside-physio.iam.gserviceaccount.com"


def test_a_key_without_a_project_is_known_by_its_e_mail() -> None:
    assert read(project_id="").name == "sync@riverside-physio.iam.gserviceaccount.com"


def test_it_signs_under_its_own_key_id() -> None:
    signer = read().signer
    assert signer.key_id == "a1b2c3"
    assert len(signer.sign(b"words")) == 256


def test_a_key_says_nothing_of_itself() -> None:
    assert "PRIVATE" not in repr(read())


def test_two_keys_of_one_service_account_differ() -> None:
    assert read().digest == read().digest
    assert read().digest != read(private_key_id="d4e5f6").digest


@pytest.mark.parametrize("field", ["client_id", "client_email", "private_key", "token_uri"])
def test_a_missing_field_is_named_and_where_a_whole_key_comes_from(field: str) -> None:
    with pytest.raises(BadInput, match=field) as caught:
        read(**{field: ""})
    assert "Create new key > JSON" in caught.value.remedy


def _small() -> str:
    return pem(rsa.generate_private_key(65537, 1024))  # noqa: S505 - to be refused


def _locked() -> str:
    sealed = serialization.BestAvailableEncryption(b"words")
    kind = serialization.PrivateFormat.PKCS8
    return RSA_KEY.private_bytes(serialization.Encoding.PEM, kind, sealed).decode()


@pytest.mark.parametrize(
    "private_key",
    [
        pytest.param(lambda: "-----BEGIN PRIVATE KEY-----\nMIIE\n", id="cut off"),
        pytest.param(lambda: pem(RSA_KEY)[:900], id="half"),
        pytest.param(lambda: pem(RSA_KEY).replace("\n", "\\n"), id="escaped twice"),
        pytest.param(lambda: "secret", id="no key"),
        pytest.param(lambda: pem(ec.generate_private_key(ec.SECP256R1())), id="of another kind"),
        pytest.param(_small, id="too short"),
        pytest.param(_locked, id="under a passphrase"),
    ],
)
def test_a_key_that_cannot_sign_is_refused_before_it_is_kept(private_key: Any) -> None:
    with pytest.raises(BadInput, match="cut off or changed"):
        read(private_key=private_key())


def test_a_key_whose_halves_do_not_belong_together_is_refused() -> None:
    other = rsa.generate_private_key(65537, 2048)
    ours, theirs = RSA_KEY.private_numbers(), other.private_numbers()
    torn = rsa.RSAPrivateNumbers(
        p=ours.p,
        q=ours.q,
        d=theirs.d,
        dmp1=theirs.dmp1,
        dmq1=theirs.dmq1,
        iqmp=theirs.iqmp,
        public_numbers=ours.public_numbers,
    ).private_key(unsafe_skip_rsa_key_validation=True)
    with pytest.raises(BadInput, match="cut off or changed"):
        read(private_key=pem(torn))


@pytest.mark.parametrize(
    "changes", [{"client_id": "one@clinic"}, {"client_email": "sync"}, {"client_email": "a@b@c"}]
)
def test_an_id_or_e_mail_that_is_none_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="not the whole key"):
        read(**changes)


def test_a_key_of_another_cloud_is_refused() -> None:
    with pytest.raises(BadInput, match="another cloud"):
        read(universe_domain="example.com")


@pytest.mark.parametrize(
    "address",
    [
        "https://oauth2.example.com/token",
        "https://oauth2.googleapis.com.example.com/token",
        "http://oauth2.googleapis.com/token",
        "http://10.0.0.1/token",
        "http://[::1",
    ],
)
def test_an_address_where_others_would_read_the_sign_ins_is_refused(address: str) -> None:
    with pytest.raises(BadInput, match="token_uri"):
        read(token_uri=address)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9/token", "https://www.googleapis.com/oauth2/v4/token"]
)
def test_googles_own_addresses_and_this_computers_are_accepted(address: str) -> None:
    assert read(token_uri=address).token_uri == address


def test_a_key_without_a_key_id_is_a_key() -> None:
    assert read(private_key_id="").signer.key_id is None
