"""SharedSecrets: the SecretStore of a practice, each text sealed in a row of its own.

AES-256-GCM under the practice's key for secrets (`practice_row`), which never is in the database:
who reads or copies all of it learns the names of the secrets alone. Practice, name and generation
are bound to each text, so that no row passes for another, nor for one of another practice. Whoever
may write to the database could still put an older text of the same name back.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import Connection, bindparam, delete, select, update

from companion.adapters import crypto
from companion.adapters.database.access import DatabaseAccess
from companion.adapters.database.schema import secrets
from companion.adapters.database.upserts import insert_new
from companion.domain.errors import SecretsDamaged, SecretsUnavailable
from companion.services.files import Disk, disk_trouble, write_durably
from companion.services.pools import SECRETS

_PROBE = "probe"
_OF_ONE = select(secrets.c.generation, secrets.c.nonce, secrets.c.sealed).where(
    secrets.c.name == bindparam("wanted")
)
_LOCKED = _OF_ONE.with_for_update()
_OF_ALL = select(secrets).order_by(secrets.c.name)
_NAMES = select(secrets.c.name)
_INSERT = insert_new(secrets).returning(secrets.c.generation)
_REPLACE = update(secrets).where(secrets.c.name == bindparam("wanted"))
_REMOVE = delete(secrets).where(secrets.c.name == bindparam("wanted"))


class SharedSecrets:
    """Implements `SecretStore`."""

    def __init__(
        self,
        access: DatabaseAccess,
        *,
        practice_id: str,
        key: bytes,
        home: Path,
        place: str = "the practice's database",
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """`key`: as of `secrets_key_of`; `home`: the folder for what is set aside; `place`: for
        people."""
        self._access = access
        self._home = home
        self._place = place
        self._sealing = RowSealing(practice_id, key, random)

    async def get(self, name: str) -> str | None:
        row = await self._access.ask(_OF_ONE, lambda rows: rows.one_or_none(), {"wanted": name})
        return None if row is None else self._sealing.opened(name, *row)

    async def put(self, name: str, value: str) -> None:
        await self._access.write(lambda connection: self._sealing.put(connection, name, value))

    async def remove(self, name: str) -> None:
        def remove(connection: Connection) -> None:
            connection.execute(_REMOVE, {"wanted": name})

        await self._access.write(remove)

    async def exchange(self, name: str, expected: str | None, value: str | None) -> bool:
        return await self._access.write(
            lambda connection: self._sealing.exchange(connection, name, expected, value)
        )

    async def names(self) -> tuple[str, ...]:
        found = await self._access.ask(_NAMES, lambda rows: rows.scalars().all())
        return tuple(sorted(found))

    async def check(self) -> str:
        """As in the port; each text must open too."""

        def probe(connection: Connection) -> bool:
            value = crypto.to_text(self._sealing.random(18))
            self._sealing.put(connection, _PROBE, value)
            row = connection.execute(_OF_ONE, {"wanted": _PROBE}).one()
            connection.execute(_REMOVE, {"wanted": _PROBE})
            return self._sealing.opened(_PROBE, *row) == value

        if not await self._access.write(probe):
            raise SecretsUnavailable(
                "The practice's database does not give back what it was given.",
                "Ask whoever looks after the database server.",
                detail="read back differs",
            )
        for name, generation, nonce, sealed in await self._access.read(_all):
            self._sealing.opened(name, generation, nonce, sealed)
        return self._place

    async def set_aside(self) -> Path | None:
        """All rows, sealed as they are, go into a file of this home."""

        rows = await self._access.read(_all)
        if not rows:
            return None
        aside = await SECRETS.run(self._write_aside, rows)

        def remove(connection: Connection) -> None:
            for name, generation, _nonce, _sealed in rows:
                same = secrets.c.generation == generation
                connection.execute(_REMOVE.where(same), {"wanted": name})

        await self._access.write(remove)
        return aside

    def _write_aside(self, rows: Sequence[tuple[str, int, bytes, bytes]]) -> Path:
        content = {
            name: {
                "generation": generation,
                "nonce": crypto.to_text(nonce),
                "sealed": crypto.to_text(sealed),
            }
            for name, generation, nonce, sealed in rows
        }
        number = 1
        while (aside := self._home / f"practice-secrets.aside-{number}.json").exists():
            number += 1
        try:
            write_durably(aside, json.dumps(content, indent=1).encode(), Disk())
        except OSError as error:
            raise disk_trouble(error, aside) from error
        return aside


def _all(connection: Connection) -> list[tuple[str, int, bytes, bytes]]:
    return [tuple(row) for row in connection.execute(_OF_ALL)]


class RowSealing:
    """Seals and opens single rows; for a transaction that does more besides."""

    def __init__(self, practice_id: str, key: bytes, random: Callable[[int], bytes]) -> None:
        self._practice_id = practice_id
        self._key = key
        self.random = random

    def put(self, connection: Connection, name: str, value: str) -> None:
        while True:
            found = connection.execute(_LOCKED, {"wanted": name}).one_or_none()
            if self._write(connection, name, 0 if found is None else found.generation, value):
                return

    def exchange(
        self, connection: Connection, name: str, expected: str | None, value: str | None
    ) -> bool:
        """As of `SecretStore`."""
        found = connection.execute(_LOCKED, {"wanted": name}).one_or_none()
        if (None if found is None else self.opened(name, *found)) != expected:
            return False
        if value is not None:
            generation = 0 if found is None else found.generation
            return self._write(connection, name, generation, value)
        connection.execute(_REMOVE, {"wanted": name})
        return True

    def _write(self, connection: Connection, name: str, before: int, value: str) -> bool:
        """`before`: the generation that was found and locked, 0 for none; then False where another
        workstation was first."""
        values = {"generation": before + 1, **self._sealed(name, before + 1, value)}
        if before:
            connection.execute(_REPLACE.values(values), {"wanted": name})
            return True
        return connection.execute(_INSERT, {"name": name, **values}).first() is not None

    def opened(self, name: str, generation: int, nonce: bytes, sealed: bytes) -> str:
        """Raises SecretsDamaged."""
        try:
            return crypto.unseal(self._key, nonce, sealed, self._data(name, generation)).decode()
        except ValueError:
            raise SecretsDamaged(
                "A sign-in that the practice keeps does not open with its key.",
                "Connect that practitioner again; if it happens to many, restore a backup.",
                detail="record",
            ) from None

    def _sealed(self, name: str, generation: int, value: str) -> dict[str, bytes]:
        nonce = self.random(12)
        sealed = crypto.seal(self._key, nonce, value.encode(), self._data(name, generation))
        return {"nonce": nonce, "sealed": sealed}

    def _data(self, name: str, generation: int) -> bytes:
        return crypto.canonical(["secret", self._practice_id, name, generation]).encode()
