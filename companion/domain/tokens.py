"""What is kept of a token: its SHA-256, enough to recognise it and useless to sign in with."""

from __future__ import annotations

import hashlib


def token_digest(token: str) -> bytes:
    """32 bytes."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def token_hash(token: str) -> str:
    """The same in 64 hex digits."""
    return token_digest(token).hex()
