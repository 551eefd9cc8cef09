"""Documents: texts that are kept whole under a name, each with a version that rises.

A change is decided on versions that were read before and is written only where they still are the
same (compare and set); else nothing is written, `VersionConflict` is raised, and the change is
decided again on what is there now. So no change is ever lost, and no lock is held while one is
decided.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection, bindparam, select, update

from companion.adapters.database.access import DatabaseAccess, Rows
from companion.adapters.database.schema import documents
from companion.adapters.database.upserts import insert_new
from companion.domain.errors import Busy

Made = TypeVar("Made")
TRIES = 60
"""Each one that fails is another's change that succeeded."""
_LONGEST_PAUSE = 0.2

_VERSIONS = select(documents.c.name, documents.c.version).where(
    documents.c.name.startswith(bindparam("prefix"))
)
_ALL = select(documents.c.name, documents.c.version, documents.c.body).where(
    documents.c.name.startswith(bindparam("prefix"))
)
_ONE = select(documents.c.version, documents.c.body).where(documents.c.name == bindparam("wanted"))
_INSERT = insert_new(documents).returning(documents.c.version)
_UPDATE = (
    update(documents)
    .where(documents.c.name == bindparam("wanted"), documents.c.version == bindparam("seen"))
    .values(body=bindparam("new_body"), version=documents.c.version + 1)
)


class Document(NamedTuple):
    version: int
    """From 1 on."""
    body: str


class VersionConflict(Exception):
    """A document has another version than the one that the change was decided on. Never leaves
    this package."""


def documents_under(connection: Connection, prefix: str) -> dict[str, Document]:
    """By name."""
    rows = connection.execute(_ALL, {"prefix": prefix})
    return {name: Document(version, body) for name, version, body in rows}


def versions_under(connection: Connection, prefix: str) -> dict[str, int]:
    return dict(connection.execute(_VERSIONS, {"prefix": prefix}).all())


def write_under(
    connection: Connection, prefix: str, seen: Mapping[str, int], bodies: Mapping[str, str]
) -> dict[str, int]:
    """`bodies` by name; the versions that all documents under `prefix` have now. Raises
    VersionConflict where any of them, also one that is not written, is not as `seen`: the change
    was decided on all of them."""
    locked = _VERSIONS.order_by(documents.c.name).with_for_update()
    if dict(connection.execute(locked, {"prefix": prefix}).all()) != seen:
        raise VersionConflict
    return {
        **seen,
        **{name: write(connection, name, seen.get(name), bodies[name]) for name in bodies},
    }


def write(connection: Connection, name: str, seen: int | None, body: str) -> int:
    """The new version. `seen`: None for one that is new. Raises VersionConflict."""
    if seen is None:
        row = {"name": name, "body": body, "version": 1}
        written = connection.execute(_INSERT, row).first() is not None
    else:
        values = {"wanted": name, "seen": seen, "new_body": body}
        written = connection.execute(_UPDATE, values).rowcount == 1
    if not written:
        raise VersionConflict
    return 1 if seen is None else seen + 1


async def pause(tries: int, chance: random.Random) -> None:
    """Between two tries. Raises Busy when there were too many."""
    if tries >= TRIES:
        raise Busy(detail="documents")
    if tries:
        await asyncio.sleep(chance.uniform(0, min(0.002 * 2**tries, _LONGEST_PAUSE)))


class Documents:
    """Single documents, each for itself."""

    def __init__(self, access: DatabaseAccess, *, chance: random.Random | None = None) -> None:
        self._access = access
        self._chance = chance or random.Random()  # noqa: S311 - only pauses

    async def read(self, name: str) -> Document | None:
        def read(rows: Rows) -> Document | None:
            row = rows.one_or_none()
            return None if row is None else Document(*row)

        return await self._access.ask(_ONE, read, {"wanted": name})

    async def write(self, name: str, seen: int | None, body: str) -> int:
        """As the function of this name."""
        return await self._access.write(lambda connection: write(connection, name, seen, body))

    async def change(self, name: str, edit: Callable[[str | None], str | None]) -> None:
        """`edit` gets the body, None where there is none, and gives the new one, or None to leave
        it as it is. It runs in a thread, and again where another process wrote meanwhile. Raises
        what it raises, Busy, StoreError."""
        tries = 0
        while True:
            await pause(tries, self._chance)
            before = await self.read(name)
            after = await asyncio.to_thread(edit, None if before is None else before.body)
            if after is None:
                return
            try:
                await self.write(name, None if before is None else before.version, after)
            except VersionConflict:
                tries += 1
            else:
                return
