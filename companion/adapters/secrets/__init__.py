"""The SecretStore: a key in the platform's password store, all else sealed in one file."""

from companion.adapters.secrets.envelope import argon2id
from companion.adapters.secrets.store import FILE_NAME, LOCK_NAME, SealedSecrets

__all__ = ["FILE_NAME", "LOCK_NAME", "SealedSecrets", "argon2id"]
