"""SharedSecrets: the SecretStore of a practice, each text sealed in a row of its own.

AES-256-GCM under the practice's key for secrets (`practice_row`), which never is in the database:
who reads or copies all of it learns the names of the secrets alone. Practice, name and generation
are bound to each text, so that no row passes for another, nor for one of another practice. Whoever
may write to the database could still put an older text of the same name back.

Another workstation may renew the key at any moment (`key_renewal`). So every text is read together
with the mark of the key that seals all of them, and a write holds that mark still while it lasts:
who has an older key gets the new one first, or is told so, and seals nothing under the old.
"""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, bindparam, delete, select, update

from companion.adapters import crypto
from companion.adapters.database.access import DatabaseAccess
from companion.adapters.database.schema import practice, secrets
from companion.adapters.database.upserts import insert_new
from companion.domain.errors import SecretsDamaged, SecretsUnavailable
from companion.services.files import write_file
from companion.services.pools import SECRETS

_PROBE = "probe"
_OF_ONE = select(secrets.c.generation, secrets.c.nonce, secrets.c.sealed).where(
    secrets.c.name == bindparam("wanted")
)
_LOCKED = _OF_ONE.with_for_update()
_MARK = select(practice.c.key_nonce).where(practice.c.id == 1)
_WITH_MARK = _OF_ONE.add_columns(_MARK.scalar_subquery())
_MARK_HELD = _MARK.with_for_update(read=True)
_OF_ALL = select(secrets).order_by(secrets.c.name)
_NAMES = select(secrets.c.name)
_INSERT = insert_new(secrets).returning(secrets.c.generation)
_REPLACE = update(secrets).where(secrets.c.name == bindparam("wanted"))
_REMOVE = delete(secrets).where(secrets.c.name == bindparam("wanted"))


Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretsKey:
    key: bytes = field(repr=False)
    """As of `secrets_key_of`."""
    mark: bytes | None
    """The `key_nonce` that it was sealed with; None where the database is no practice's."""
    place: str = "the practice's database"
    """For people."""


class SharedSecrets:
    """Implements `SecretStore`."""

    def __init__(
        self,
        access: DatabaseAccess,
        *,
        practice_id: str,
        key: SecretsKey,
        open_anew: Callable[[], Awaitable[SecretsKey]],
        home: Path,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """`open_anew`: the key as it is now, where `key` was renewed; raises PracticeKeyRenewed.
        `home`: the folder for what is set aside."""
        self._access = access
        self._practice_id = practice_id
        self._key = key
        self._open_anew = open_anew
        self._home = home
        self._random = random

    async def get(self, name: str) -> str | None:
        while True:
            row = await self._access.ask(
                _WITH_MARK, lambda rows: rows.one_or_none(), {"wanted": name}
            )
            if row is None:
                return None
            if row[3] == self._key.mark:
                return self._sealing().opened(name, *row[:3])
            self._key = await self._open_anew()

    async def put(self, name: str, value: str) -> None:
        await self._write(lambda connection, sealing: sealing.put(connection, name, value))

    async def remove(self, name: str) -> None:
        def remove(connection: Connection) -> None:
            connection.execute(_REMOVE, {"wanted": name})

        await self._access.write(remove)

    async def exchange(self, name: str, expected: str | None, value: str | None) -> bool:
        return await self._write(
            lambda connection, sealing: sealing.exchange(connection, name, expected, value)
        )

    async def names(self) -> tuple[str, ...]:
        found = await self._access.ask(_NAMES, lambda rows: rows.scalars().all())
        return tuple(sorted(found))

    async def check(self) -> str:
        """As in the port; each text must open too."""

        def probe(connection: Connection, sealing: RowSealing) -> bool:
            value = crypto.to_text(sealing.random(18))
            sealing.put(connection, _PROBE, value)
            row = connection.execute(_OF_ONE, {"wanted": _PROBE}).one()
            connection.execute(_REMOVE, {"wanted": _PROBE})
            return sealing.opened(_PROBE, *row) == value

        if not await self._write(probe):
            raise SecretsUnavailable(
                "The practice's database does not give back what it was given.",
                "Ask whoever looks after the database server.",
                detail="read back differs",
            )
        mark, rows = await self._access.read(lambda each: (each.scalar(_MARK), _all(each)))
        if mark != self._key.mark:  # renewed since the probe
            return await self.check()
        sealing = self._sealing()
        for name, generation, nonce, sealed in rows:
            sealing.opened(name, generation, nonce, sealed)
        return self._key.place

    async def keep_open(self) -> None:
        """Notice a renewal, before anybody asks for a secret. Raises PracticeKeyRenewed."""
        if await self._access.ask(_MARK, lambda rows: rows.scalar()) != self._key.mark:
            self._key = await self._open_anew()

    def _sealing(self) -> RowSealing:
        return RowSealing(self._practice_id, self._key.key, self._random)

    async def _write(self, work: Callable[[Connection, RowSealing], Result]) -> Result:
        while True:
            mark, sealing = self._key.mark, self._sealing()

            def fitting(
                connection: Connection,
                mark: bytes | None = mark,
                sealing: RowSealing = sealing,
            ) -> list[Result]:
                if connection.scalar(_MARK_HELD) != mark:
                    return []
                return [work(connection, sealing)]

            if done := await self._access.write(fitting):
                return done[0]
            self._key = await self._open_anew()

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
        write_file(aside, json.dumps(content, indent=1).encode())
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

    def reseal(self, connection: Connection, under: RowSealing) -> int:
        """All texts, in the transaction that renews the key; how many. What does not open stays as
        it is: it opened before no more than after."""
        done = 0
        for name, *sealed in connection.execute(_OF_ALL.with_for_update()).all():
            with suppress(SecretsDamaged):
                under._write(connection, name, sealed[0], self.opened(name, *sealed))
                done += 1
        return done

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
