"""Sealing: a stream encrypted in chunks under a passphrase.

    CCBACKUP1\\n
    one line of JSON: argon2id's salt and cost, a check value, the nonces' beginning
    chunk, chunk, … last chunk

Each chunk is AES-256-GCM over at most `CHUNK` bytes, with the header line as associated data and a
nonce of beginning, number and "this is the last" (the STREAM construction of Hoang, Reyhanitabar,
Rogaway and Vizár): a chunk that is missing, moved, repeated or added shows, and so does an end
that came too early. Nothing but the chunk at hand is in memory.

argon2id gives 64 bytes: half is the key, a digest of the other half the check value. It
distinguishes a wrong passphrase from a damaged file, and binds the file to one key.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import IO, Any

from companion.adapters.crypto import (
    COST,
    is_stretchable,
    seal,
    spellings,
    stretch,
    to_bytes,
    to_text,
    unseal,
)
from companion.domain.errors import BadInput, FileRefused, StoreTooNew

MAGIC = b"CCBACKUP1\n"
_FAMILY = b"CCBACKUP"
CHUNK = 256 * 1024
_TAG, _BEGINNING, _LONGEST_HEADER = 16, 7, 1000


class SealingWriter:
    """Binary and write-only; `finish` must be called, or the file has no end."""

    def __init__(
        self,
        file: IO[bytes],
        passphrase: str,
        *,
        random: Callable[[int], bytes],
        cost: Mapping[str, int] = COST,
    ) -> None:
        head: dict[str, Any] = {"salt": to_text(random(16)), **cost}
        key, check = _stretch(spellings(passphrase.strip())[0], head)
        beginning = random(_BEGINNING)
        head |= {"check": check, "nonce": to_text(beginning)}
        self._header = json.dumps(head, separators=(",", ":")).encode() + b"\n"
        self._seal = _Seal(key, beginning, self._header)
        self._file = file
        self._waiting = bytearray()
        file.write(MAGIC + self._header)

    def write(self, content: bytes) -> int:
        self._waiting += content
        while len(self._waiting) > CHUNK:  # the last chunk must be known as such
            self._file.write(self._seal.close(bytes(self._waiting[:CHUNK]), last=False))
            del self._waiting[:CHUNK]
        return len(content)

    def finish(self) -> None:
        self._file.write(self._seal.close(bytes(self._waiting), last=True))
        self._waiting.clear()


class SealedReader:
    """Binary and read-only; raises FileRefused at the first chunk that is not as it was written,
    so no unverified data is ever returned."""

    def __init__(self, file: IO[bytes], passphrase: str) -> None:
        """Raises FileRefused, StoreTooNew, or BadInput whose field is ``passphrase``."""
        magic = file.read(len(MAGIC))
        if magic != MAGIC:
            if len(magic) == len(MAGIC) and magic.startswith(_FAMILY):
                raise StoreTooNew(
                    "This backup was made by a newer version of Calendar Companion.",
                    "Install that version or a later one, then restore.",
                )
            raise FileRefused(
                "This file is not a backup of Calendar Companion.",
                "Choose a file that was made with Backup (its name ends in .ccbackup).",
                field="file",
            )
        header = file.readline(_LONGEST_HEADER)
        head = _head_in(header)
        for spelling in spellings(passphrase.strip()):
            key, check = _stretch(spelling, head)
            if hmac.compare_digest(check, head["check"]):
                break
        else:
            raise BadInput(
                "The passphrase is not the one this backup was made with.",
                "Try again; capitals and spaces count. Nothing was changed.",
                field="passphrase",
            )
        self._seal = _Seal(key, to_bytes(head["nonce"]), header)
        self._file = file
        self._next = file.read(CHUNK + _TAG)
        self._open = bytearray()
        self._ended = False

    def read(self, size: int = -1) -> bytes:
        while not self._ended and (size < 0 or len(self._open) < size):
            self._take_chunk()
        taken = bytes(self._open if size < 0 else self._open[:size])
        del self._open[: len(taken)]
        return taken

    def drain(self) -> None:
        """Prove the rest up to the end."""
        while not self._ended:
            self._take_chunk()
            self._open.clear()

    def _take_chunk(self) -> None:
        sealed, self._next = self._next, self._file.read(CHUNK + _TAG)
        self._ended = not self._next
        self._open += self._seal.open(sealed, last=self._ended)


class _Seal:
    def __init__(self, key: bytes, beginning: bytes, header: bytes) -> None:
        self._key = key
        self._beginning = beginning
        self._data = MAGIC + header
        self._number = 0

    def close(self, content: bytes, *, last: bool) -> bytes:
        return seal(self._key, self._nonce(last=last), content, self._data)

    def open(self, sealed: bytes, *, last: bool) -> bytes:
        try:
            return unseal(self._key, self._nonce(last=last), sealed, self._data)
        except ValueError as error:
            raise damaged() from error

    def _nonce(self, *, last: bool) -> bytes:
        nonce = self._beginning + self._number.to_bytes(4, "big") + bytes([last])
        self._number += 1
        return nonce


def damaged() -> FileRefused:
    return FileRefused(
        "This backup is damaged or incomplete.",
        "Copy it again from where it is kept, or use an older one. Nothing was changed.",
        field="file",
    )


def _stretch(passphrase: str, head: Mapping[str, Any]) -> tuple[bytes, str]:
    """The key and the check value."""
    stretched = stretch(passphrase, head, 64)
    check = hashlib.sha256(b"calendar companion backup check" + stretched[32:])
    return stretched[:32], check.hexdigest()


def _head_in(line: bytes) -> dict[str, Any]:
    try:
        head: dict[str, Any] = json.loads(line)
        whole = (
            line.endswith(b"\n")
            and is_stretchable(head)
            and len(to_bytes(head["nonce"])) == _BEGINNING
            and isinstance(head["check"], str)
            and head["check"].isascii()
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged() from error
    if not whole:
        raise damaged()
    return head
