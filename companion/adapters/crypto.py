"""What all that is sealed shares: argon2id for a passphrase, HKDF for a key, AES-256-GCM for bytes.

The salt and cost of argon2id stand in the head of the file that they protect, as ``salt`` (base64),
``time``, ``memory_kib`` and ``lanes``; `is_stretchable` proves them before they are used. Each
format raises its own errors for a wrong key or a damaged file.
"""

from __future__ import annotations

import base64
import json
import unicodedata
from collections.abc import Mapping
from typing import Any

from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

COST = {"time": 3, "memory_kib": 65536, "lanes": 4}
"""Of argon2id: the second recommendation of RFC 9106, some 0.1 s on a small machine."""
_COST_LIMITS = {"time": 20, "memory_kib": 1 << 20, "lanes": 16}
"""A forged file must not make us fill the memory."""


def spellings(passphrase: str) -> tuple[str, ...]:
    """How a passphrase may have been taken, without repetition. What is new is sealed with the
    first, which is the same however a keyboard composes its letters (NFKC); earlier versions took
    it as the keyboard gave it, which another computer may do in another form."""
    forms = (unicodedata.normalize(form, passphrase) for form in ("NFKC", "NFC", "NFD"))
    return tuple(dict.fromkeys((next(forms), passphrase, *forms)))


def stretch(passphrase: str, head: Mapping[str, Any], length: int) -> bytes:
    """`length` bytes of key material; `head` must be stretchable."""
    return hash_secret_raw(
        passphrase.encode("utf-8", "surrogatepass"),
        salt=to_bytes(head["salt"]),
        time_cost=head["time"],
        memory_cost=head["memory_kib"],
        parallelism=head["lanes"],
        hash_len=length,
        type=Type.ID,
    )


def is_stretchable(head: Mapping[str, Any]) -> bool:
    """Are salt and cost there and within bounds? Raises ValueError for a salt that is no base64."""
    costs_fit = all(
        type(head.get(each)) is int and 1 <= head[each] <= most
        for each, most in _COST_LIMITS.items()
    )
    return (
        costs_fit
        and head["memory_kib"] >= 8 * head["lanes"]
        and len(to_bytes(head.get("salt"))) >= 8
    )


def derive(secret: bytes, *, salt: bytes, purpose: str) -> bytes:
    """A key of 32 bytes, of a secret that is random already (RFC 5869)."""
    return HKDF(SHA256(), length=32, salt=salt, info=purpose.encode()).derive(secret)


def canonical(value: object) -> str:
    """JSON in one form, for what is bound to a sealed text; it begins with a word for its purpose,
    so that nothing sealed for one passes for another."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def seal(key: bytes, nonce: bytes, content: bytes, data: bytes) -> bytes:
    """`data` is bound to it and not kept. Never twice with one nonce under one key."""
    return AESGCM(key).encrypt(nonce, content, data)


def unseal(key: bytes, nonce: bytes, sealed: bytes, data: bytes) -> bytes:
    """Raises ValueError where any of the four is not as it was."""
    try:
        return AESGCM(key).decrypt(nonce, sealed, data)
    except InvalidTag as error:
        raise ValueError("not as it was sealed") from error


def to_text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def to_bytes(text: object) -> bytes:
    """Raises ValueError for what is no base64."""
    return base64.b64decode(str(text).encode("ascii"), validate=True)
