"""The sealed file's format: records, the seal over them, and how a key is made or written.

    version, key      the head: {"kind": "keyring"}, or {"kind": "passphrase", "salt", cost …}
    records           name → generation, nonce, sealed text
    seal              AES-256-GCM of nothing, over head, generation and every record's digest

Associated data is `crypto.canonical`: a record never passes for a seal.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from companion.adapters import crypto
from companion.domain.errors import SecretsDamaged, StoreTooNew

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedRecord:
    generation: int
    nonce: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedFile:
    """As read; not trusted before its seal is checked."""

    head: dict[str, Any]
    """``version`` and ``key``: {"kind": "keyring"} or {"kind": "passphrase", "salt", cost …}."""
    records: dict[str, SealedRecord] = field(default_factory=dict)
    seal: SealedRecord

    @property
    def kind(self) -> str:
        return str(self.head["key"]["kind"])


def argon2id(passphrase: str, key_head: Mapping[str, Any]) -> bytes:
    """The file's key."""
    return crypto.stretch(passphrase, key_head, 32)


def unseal(key: bytes, record: SealedRecord, data: bytes) -> bytes:
    try:
        return crypto.unseal(key, record.nonce, record.sealed, data)
    except ValueError as error:
        raise SecretsDamaged(detail=type(error).__name__) from error


def record_data(head: dict[str, Any], name: str, generation: int) -> bytes:
    return crypto.canonical(["record", head, name, generation]).encode()


def seal_data(file: SealedFile) -> bytes:
    listed = {
        name: [record.generation, hashlib.sha256(record.nonce + record.sealed).hexdigest()]
        for name, record in file.records.items()
    }
    return crypto.canonical(["seal", file.head, file.seal.generation, listed]).encode()


def key_in(text: str) -> bytes | None:
    try:
        key = _to_bytes(text)
    except SecretsDamaged:
        return None
    return key if len(key) == 32 else None


def _to_bytes(text: object) -> bytes:
    try:
        return crypto.to_bytes(text)
    except ValueError as error:
        raise SecretsDamaged(detail="no base64") from error


def written(file: SealedFile) -> bytes:
    document = {
        **file.head,
        "seal": _record_document(file.seal),
        "records": {name: _record_document(each) for name, each in file.records.items()},
    }
    return json.dumps(document, indent=1).encode()


def _record_document(record: SealedRecord) -> dict[str, Any]:
    return {
        "generation": record.generation,
        "nonce": crypto.to_text(record.nonce),
        "sealed": crypto.to_text(record.sealed),
    }


def _record_in(document: Any) -> SealedRecord:
    generation = document["generation"]
    if type(generation) is not int:
        raise SecretsDamaged(detail="generation")
    return SealedRecord(
        generation=generation,
        nonce=_to_bytes(document["nonce"]),
        sealed=_to_bytes(document["sealed"]),
    )


def parse(content: bytes) -> SealedFile:
    """Raises SecretsDamaged, StoreTooNew; the seal is not looked at."""
    try:
        document = json.loads(content)
        head = {"version": document["version"], "key": document["key"]}
        if type(head["version"]) is int and head["version"] > VERSION:
            raise StoreTooNew(detail=f"secrets of version {head['version']}, ours is {VERSION}")
        _check_head(head)
        records = {str(name): _record_in(each) for name, each in document["records"].items()}
        return SealedFile(head=head, records=records, seal=_record_in(document["seal"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SecretsDamaged(
            "The file of stored sign-ins is damaged.", detail=type(error).__name__
        ) from error


def _check_head(head: dict[str, Any]) -> None:
    key = head["key"]
    good = {
        "keyring": set(key) == {"kind"},
        "passphrase": set(key) == {"kind", "salt", *crypto.COST} and crypto.is_stretchable(key),
    }
    if head["version"] != VERSION or not good.get(key["kind"], False):
        raise SecretsDamaged("The file of stored sign-ins is damaged.", detail="head")
