"""SealedSecrets: the SecretStore as an envelope.

One random key of 32 bytes lies in the platform's password store (`KeyringEntry`, 44 characters);
everything secret lies in ``secrets.json``, each record sealed with AES-256-GCM under that key, its
name and generation being associated data, so that no record passes for another. A seal over the
head and the digests of all records makes a changed, dropped, added or rolled-back one detectable.
Writing is durable (`companion.services.files`), one writer at a time.

Which key a file has is decided when it is made, and the file says so: with COMPANION_SECRETS_KEY
set, a key made of that passphrase (argon2id, salt and cost in the file), even where a password
store exists; else the password store's; else SecretsUnavailable. There is no other kind of key, and
never plain text. An existing file is only ever opened by its own kind of key.

The key is stored before the file is written: a crash in between leaves a key without a file,
which the next start takes up. Whatever does not open is left untouched.

A file whose seal was checked is kept in memory, still sealed, until the disk shows another: a
practice of two hundred has four hundred records, and each look at one of them would read, hash and
check them all.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from companion.adapters import crypto
from companion.adapters.secrets.envelope import (
    VERSION,
    SealedFile,
    SealedRecord,
    argon2id,
    key_in,
    parse,
    record_data,
    seal_data,
    unseal,
    written,
)
from companion.domain.errors import SecretsDamaged, SecretsUnavailable
from companion.services.files import Disk, Signature, disk_errors, make_folder, write_file
from companion.services.pools import SECRETS

FILE_NAME = "secrets.json"
LOCK_NAME = "secrets.lock"
VARIABLE = "COMPANION_SECRETS_KEY"


class KeyVault(Protocol):
    """Keeps one text; blocking. Every method raises SecretsUnavailable."""

    def get(self) -> str | None: ...

    def set(self, value: str) -> None: ...

    def check(self) -> str:
        """Prove that it works; its name for people."""
        ...


class SealedSecrets:
    """Implements `SecretStore`. What blocks runs in threads: the event loop never waits."""

    def __init__(
        self,
        folder: Path,
        *,
        vault: KeyVault,
        lock: AbstractContextManager[object],
        passphrase: str = "",
        disk: Disk | None = None,
        random: Callable[[int], bytes] = os.urandom,
        stretch: Callable[[str, Mapping[str, Any]], bytes] | None = None,
    ) -> None:
        """`passphrase` is the text of COMPANION_SECRETS_KEY, "" when unset; `lock` the lock
        that all writers of this home share; `stretch` makes a key of passphrase and key head
        (`argon2id`)."""
        self.path = folder / FILE_NAME
        self._vault = vault
        self._lock = lock
        self._passphrase = passphrase
        self._spellings = crypto.spellings(passphrase.strip())
        self._disk = disk or Disk()
        self._random = random
        self._stretch = stretch or argon2id
        self._keys: dict[tuple[str, int], bytes] = {}
        """Made or fetched once per process, by the head of the file they belong to and the number
        of the passphrase's spelling."""
        self._making = threading.Lock()
        self._checked: tuple[Signature, SealedFile, bytes] | None = None
        """What lies on the disk, its seal found good, and its key."""

    async def get(self, name: str) -> str | None:
        """None, without asking for any key, while nothing was ever stored."""
        return await SECRETS.run(self._get, name)

    async def put(self, name: str, value: str) -> None:
        await SECRETS.run(self._put, name, value)

    async def remove(self, name: str) -> None:
        await SECRETS.run(self._remove, name)

    async def exchange(self, name: str, expected: str | None, value: str | None) -> bool:
        return await SECRETS.run(self._exchange, name, expected, value)

    async def names(self) -> tuple[str, ...]:
        """Of everything kept; no key is asked for."""
        return await SECRETS.run(self._names)

    async def check(self) -> str:
        """As in the port; an existing file must open too."""
        return await SECRETS.run(self._check)

    async def set_aside(self) -> Path | None:
        """Rename a file that no key opens, so that all can sign in again; its new path."""
        return await SECRETS.run(self._set_aside)

    # ── in a thread ───────────────────────────────────────────────────────────────────────────

    def _get(self, name: str) -> str | None:
        opened = self._look()
        if opened is None:
            return None
        file, key = opened
        record = file.records.get(name)
        return None if record is None else _text_of(file, key, name)

    def _names(self) -> tuple[str, ...]:
        file = self._read()
        return () if file is None else tuple(sorted(file.records))

    def _put(self, name: str, value: str) -> None:
        make_folder(self.path.parent)
        with self._lock:
            file, key = self._opened_or_new(self._read())
            self._write(key, self._with(file, key, name, value))

    def _exchange(self, name: str, expected: str | None, value: str | None) -> bool:
        make_folder(self.path.parent)
        with self._lock:
            file = self._read()
            if file is None and (expected is not None or value is None):
                return expected is None
            file, key = self._opened_or_new(file)
            found = _text_of(file, key, name) if name in file.records else None
            if found != expected:
                return False
            if value is not None:
                self._write(key, self._with(file, key, name, value))
            elif found is not None:
                self._write(key, _without(file, name))
            return True

    def _with(self, file: SealedFile, key: bytes, name: str, value: str) -> SealedFile:
        before = file.records.get(name)
        generation = before.generation + 1 if before is not None else 1
        data = record_data(file.head, name, generation)
        record = self._sealed(key, value.encode(), data, generation)
        return replace(file, records={**file.records, name: record})

    def _remove(self, name: str) -> None:
        if self._read() is None:
            return
        with self._lock:
            file = self._read()
            if file is None or name not in file.records:
                return
            self._write(self._open(file), _without(file, name))

    def _check(self) -> str:
        file = self._read()
        by_passphrase = file.kind == "passphrase" if file else bool(self._passphrase.strip())
        if by_passphrase:
            if file is not None:
                self._open(file)
            return f"passphrase ({VARIABLE})"
        name = self._vault.check()
        if file is not None:
            self._open(file)
        return name

    def _set_aside(self) -> Path | None:
        make_folder(self.path.parent)
        with self._lock, disk_errors(self.path):
            if self._disk.signature(self.path) is None:
                return None
            number = 1
            while (aside := self.path.with_name(f"secrets.aside-{number}.json")).exists():
                number += 1
            self._disk.replace(self.path, aside)
            self._disk.sync_folder(aside.parent)
        with self._making:
            self._keys.clear()
        return aside

    # ── the key ───────────────────────────────────────────────────────────────────────────────

    def _opened_or_new(self, file: SealedFile | None) -> tuple[SealedFile, bytes]:
        return self._new_file() if file is None else (file, self._open(file))

    def _new_file(self) -> tuple[SealedFile, bytes]:
        """Nothing is on the disk yet; a key of the password store is."""
        if self._passphrase.strip():
            key_head: dict[str, Any] = {
                "kind": "passphrase",
                "salt": crypto.to_text(self._random(16)),
                **crypto.COST,
            }
            head = {"version": VERSION, "key": key_head}
            key = self._key_of(head)
        else:
            head = {"version": VERSION, "key": {"kind": "keyring"}}
            key = self._key_in_vault(make=True)
            self._cache(head, key)
        empty = SealedFile(head=head, seal=SealedRecord(generation=0, nonce=b"", sealed=b""))
        return empty, key

    def _key_of(self, head: dict[str, Any], spelling: int = 0) -> bytes:
        with self._making:
            known = self._keys.get((crypto.canonical(head), spelling))
            if known is None:
                known = (
                    self._key_from_passphrase(head["key"], spelling)
                    if head["key"]["kind"] == "passphrase"
                    else self._key_in_vault(make=False)
                )
                self._keys[crypto.canonical(head), spelling] = known
            return known

    def _cache(self, head: dict[str, Any], key: bytes) -> None:
        with self._making:
            self._keys[crypto.canonical(head), 0] = key

    def _forget(self, head: dict[str, Any]) -> None:
        with self._making:
            self._keys.pop((crypto.canonical(head), 0), None)

    def _key_from_passphrase(self, key_head: dict[str, Any], spelling: int) -> bytes:
        if not self._passphrase.strip():
            raise SecretsUnavailable(
                f"The stored sign-ins are sealed with a passphrase, and {VARIABLE} is not set.",
                f"Set {VARIABLE} to that passphrase before starting. Nothing was changed.",
            )
        return self._stretch(self._spellings[spelling], key_head)

    def _key_in_vault(self, *, make: bool) -> bytes:
        """`make`: nothing depends on a key yet, so one may be stored. Takes up the key of a
        start that was interrupted before its file."""
        found = key_in(self._vault.get() or "")
        if found is not None:
            return found
        if not make:
            raise SecretsDamaged(
                "The key of the stored sign-ins is not in this user's password store.",
                "Was the data folder moved, or made by another user or computer? Put it back, or "
                "set the sign-ins aside and connect each practitioner again. Nothing was changed.",
            )
        fresh = self._random(32)
        self._vault.set(crypto.to_text(fresh))
        return fresh

    # ── the file ──────────────────────────────────────────────────────────────────────────────

    def _look(self) -> tuple[SealedFile, bytes] | None:
        """The file and its key, for reading; the seal is checked once for what lies there."""
        known = self._checked
        with disk_errors(self.path):
            signature = self._disk.signature(self.path)
        if known is not None and known[0] == signature:
            return known[1:]
        file = self._read()
        if file is None:
            return None
        key = self._open(file)
        if signature is not None:  # read after it: at worst what is newer is read once more
            self._checked = (signature, file, key)
        return file, key

    def _read(self) -> SealedFile | None:
        with disk_errors(self.path):
            if self._disk.signature(self.path) is None:
                return None
            with suppress(FileNotFoundError):
                return parse(self._disk.read(self.path))
        return None

    def _open(self, file: SealedFile) -> bytes:
        """The file's key, its seal checked."""
        if file.kind == "passphrase":
            for spelling in range(len(self._spellings)):
                key = self._key_of(file.head, spelling)
                with suppress(SecretsDamaged):
                    unseal(key, file.seal, seal_data(file))
                    return key
            raise SecretsDamaged(
                f"The stored sign-ins do not open with the passphrase in {VARIABLE}.",
                "Set it to the passphrase they were sealed with; if it is the right one, the "
                "file is damaged: restore a backup. Nothing was changed.",
            )
        key = self._key_of(file.head)
        try:
            unseal(key, file.seal, seal_data(file))
        except SecretsDamaged:
            # The next try asks the password store again: it may have been repaired.
            self._forget(file.head)
            raise
        return key

    def _write(self, key: bytes, file: SealedFile) -> None:
        generation = file.seal.generation + 1
        unsealed = replace(file, seal=replace(file.seal, generation=generation))
        seal = self._sealed(key, b"", seal_data(unsealed), generation)
        write_file(self.path, written(replace(file, seal=seal)), self._disk)

    def _sealed(self, key: bytes, content: bytes, data: bytes, generation: int) -> SealedRecord:
        nonce = self._random(12)
        sealed = crypto.seal(key, nonce, content, data)
        return SealedRecord(generation=generation, nonce=nonce, sealed=sealed)


def _text_of(file: SealedFile, key: bytes, name: str) -> str:
    """Of a record that is there."""
    record = file.records[name]
    return unseal(key, record, record_data(file.head, name, record.generation)).decode()


def _without(file: SealedFile, name: str) -> SealedFile:
    rest = {each: record for each, record in file.records.items() if each != name}
    return replace(file, records=rest)
