"""Argon2Passwords: the PasswordHasher by argon2id, with the library's own parameters
(RFC 9106's second recommendation: 64 MiB, three passes)."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from companion.adapters.crypto import spellings


class Argon2Passwords:
    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()

    def hash(self, password: str) -> str:
        return self._hasher.hash(spellings(password)[0])

    def matches(self, kept: str, password: str) -> bool:
        """Also where an earlier version took it as the keyboard gave it."""
        return any(self._verified(kept, each) for each in spellings(password)[:2])

    def _verified(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False

    def outdated(self, kept: str) -> bool:
        return self._hasher.check_needs_rehash(kept)
