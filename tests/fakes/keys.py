"""The key file of a service account, as Google lets it be downloaded once."""

from __future__ import annotations

import json
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

RSA_KEY = rsa.generate_private_key(65537, 2048)


def pem(key: PrivateKeyTypes) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def key_file(**changes: Any) -> dict[str, Any]:
    """A change to an empty text leaves the field out."""
    made = {
        "type": "service_account",
        "project_id": "riverside-physio",
        "private_key_id": "a1b2c3",
        "private_key": pem(RSA_KEY),
        "client_email": "sync@riverside-physio.iam.gserviceaccount.com",
        "client_id": "104727004242420010001",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": "https://oauth2.googleapis.com/token",
        "universe_domain": "googleapis.com",
    }
    return {name: each for name, each in (made | changes).items() if each}


def key_text(**changes: Any) -> bytes:
    """The file itself."""
    return json.dumps(key_file(**changes)).encode()
