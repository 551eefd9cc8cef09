"""The practice's files from Google's console: the OAuth client with which people sign in
(`client_secret….json`, of type "installed"), and the key of a service account that speaks for the
people of a Google Workspace (of type "service_account").

Their `auth_uri` and `token_uri` say where to sign in, which is also how a simulated Google takes
Google's place.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from companion.adapters.network import route
from companion.domain.errors import BadInput

LARGEST = 64 * 1024
GOOGLE_REVOKE = "https://oauth2.googleapis.com/revoke"
GOOGLE_HOSTS = {
    "auth_uri": frozenset({"accounts.google.com"}),
    "token_uri": frozenset({"oauth2.googleapis.com", "accounts.google.com", "www.googleapis.com"}),
}
"""Where a client file may lead; a simulated Google on this computer besides."""
_CREATE = (
    "In the Google Cloud console, under APIs & Services > Credentials, create an OAuth client ID "
    'of type "Desktop app", download its JSON file and add that one.'
)
_CREATE_KEY = (
    "In the Google Cloud console, under IAM & Admin > Service Accounts, open the service account, "
    "choose Keys > Add key > Create new key > JSON, and add the file that is downloaded."
)
SHORTEST_KEY = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthClient:
    client_id: str
    client_secret: str
    auth_uri: str
    token_uri: str
    name: str
    """Its Google project, or the client id where the file names none."""

    @property
    def config(self) -> dict[str, dict[str, str]]:
        """As google-auth-oauthlib reads it."""
        return {
            "installed": {
                "client_id": self.client_id,
                "client_secret": self.client_secret,
                "auth_uri": self.auth_uri,
                "token_uri": self.token_uri,
            }
        }

    @property
    def digest(self) -> str:
        """Equal for two files that say the same of the client, however they are written."""
        text = json.dumps(self.config, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def revoke_uri(self) -> str:
        """Where a token is given back: beside the token endpoint, as Google has it too."""
        if not is_loopback(self.token_uri):
            return GOOGLE_REVOKE
        parts = urlsplit(self.token_uri)
        folder = parts.path.rpartition("/")[0]
        return urlunsplit((parts.scheme, parts.netloc, f"{folder}/revoke", "", ""))


@dataclass(frozen=True, kw_only=True)
class ServiceAccountKey:
    client_id: str
    """Its number, which an administrator of Google Workspace authorises."""
    email: str
    key_id: str
    private_key: str = field(repr=False)
    token_uri: str
    name: str
    """Its Google project, or its e-mail where the file names none."""

    @property
    def digest(self) -> str:
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def signer(self) -> Any:
        """google-auth's. Raises ValueError for a key that is none, or does not fit itself."""
        from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
        from google.auth.crypt import RSASigner

        try:  # the library's own check of the primes takes fifty times as long as a signature
            key = load_pem_private_key(
                self.private_key.encode(), None, unsafe_skip_rsa_key_validation=True
            )
            if not isinstance(key, RSAPrivateKey) or key.key_size < SHORTEST_KEY:
                raise ValueError("no RSA key of a service account")
            signature = key.sign(b"a test", PKCS1v15(), SHA256())
            key.public_key().verify(signature, b"a test", PKCS1v15(), SHA256())
        except (TypeError, InvalidSignature, UnsupportedAlgorithm) as err:
            raise ValueError(type(err).__name__) from err
        return RSASigner(key, self.key_id or None)  # type: ignore[no-untyped-call] # google-auth has no types


def read_client(content: bytes) -> OAuthClient | ServiceAccountKey:
    """Raises BadInput with what to do instead."""
    if len(content) > LARGEST:
        raise _refused("This file is far too large for a Google client file.")
    try:
        document: Any = json.loads(content.decode("utf-8-sig"))
    except ValueError as err:
        raise _refused("This file is not a Google client file.") from err
    if not isinstance(document, dict):
        raise _refused("This file is not a Google client file.")
    if document.get("type") == "service_account":
        return _read_key(document)
    if "web" in document:
        raise _refused('This client is for a web site ("web"), not for a program on a computer.')
    installed = document.get("installed")
    if not isinstance(installed, dict):
        raise _refused("This file is not a Google client file.")
    values = _texts(installed, "client_id", "client_secret", "auth_uri", "token_uri")
    return OAuthClient(name=_name(installed, values["client_id"]), **values)


def _read_key(document: dict[str, Any]) -> ServiceAccountKey:
    values = _texts(
        document, "client_id", "client_email", "private_key", "token_uri", remedy=_CREATE_KEY
    )
    email = values.pop("client_email")
    if not values["client_id"].isdecimal() or email.count("@") != 1:
        raise _refused("This is not the whole key of a service account.", _CREATE_KEY)
    if document.get("universe_domain", "googleapis.com") != "googleapis.com":
        raise _refused("This key is for another cloud than Google's own.", _CREATE_KEY)
    made = ServiceAccountKey(
        email=email,
        key_id=str(document.get("private_key_id") or ""),
        name=_name(document, email),
        **values,
    )
    try:
        made.signer  # noqa: B018 - to see whether it can sign
    except ValueError as err:
        raise _refused(
            "The private key in this file cannot be used: it is cut off or changed.", _CREATE_KEY
        ) from err
    return made


def _texts(values: dict[str, Any], *names: str, remedy: str = _CREATE) -> dict[str, str]:
    """The fields with these names, its addresses checked. Raises BadInput."""
    found: dict[str, str] = {}
    for name in names:
        value = values.get(name)
        if not isinstance(value, str) or not value.strip():
            raise _refused(f'This Google client file has no "{name}".', remedy)
        found[name] = value.strip()
        if name in GOOGLE_HOSTS:
            _check_address(name, found[name], remedy)
    return found


def _check_address(name: str, address: str, remedy: str) -> None:
    if not is_safe(address):
        raise _refused(f'The address "{name}" in this file is not a secure one (https).', remedy)
    if not is_loopback(address) and urlsplit(address).hostname not in GOOGLE_HOSTS[name]:
        raise _refused(
            f'The address "{name}" in this file is not one of Google\'s: whoever runs it could '
            "read every practitioner's sign-in.",
            remedy,
        )


def _name(values: dict[str, Any], otherwise: str) -> str:
    project = values.get("project_id")
    return (project if isinstance(project, str) and project else otherwise)[:200]


def is_loopback(address: str) -> bool:
    """Does the URL lead to this computer?"""
    return route.is_loopback(urlsplit(address).hostname or "")


def is_safe(address: str) -> bool:
    """https, or http on this computer."""
    try:
        parts = urlsplit(address)
        if not parts.hostname:
            return False
        return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(address))
    except ValueError:
        return False


def _refused(what: str, remedy: str = _CREATE) -> BadInput:
    return BadInput(what, remedy, field="file")
