"""The practice's OAuth client file: `client_secret….json`, of type "installed".

Google lets the owner of a Google project download it. Its `auth_uri` and `token_uri` say where to
sign in, which is also how a simulated Google takes Google's place.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
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


def read_client(content: bytes) -> OAuthClient:
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
        raise _refused("This is the key of a service account, which cannot sign in a person.")
    if "web" in document:
        raise _refused('This client is for a web site ("web"), not for a program on a computer.')
    installed = document.get("installed")
    if not isinstance(installed, dict):
        raise _refused("This file is not a Google client file.")
    values: dict[str, str] = {}
    for key in ("client_id", "client_secret", "auth_uri", "token_uri"):
        value = installed.get(key)
        if not isinstance(value, str) or not value.strip():
            raise _refused(f'This Google client file has no "{key}".')
        values[key] = value.strip()
    for key, hosts in GOOGLE_HOSTS.items():
        if not is_safe(values[key]):
            raise _refused(f'The address "{key}" in this file is not a secure one (https).')
        if not is_loopback(values[key]) and urlsplit(values[key]).hostname not in hosts:
            raise _refused(
                f'The address "{key}" in this file is not one of Google\'s: whoever runs it could '
                "read every practitioner's sign-in."
            )
    project = installed.get("project_id")
    name = project if isinstance(project, str) and project else values["client_id"]
    return OAuthClient(name=name[:200], **values)


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


def _refused(what: str) -> BadInput:
    return BadInput(what, _CREATE, field="file")
