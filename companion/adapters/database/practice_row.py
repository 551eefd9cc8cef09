"""The row that makes a database the one of a practice: its id, and the key of its secrets, sealed.

The secrets have a random key of their own, so that another practice key could be given without
sealing each of them again. It is sealed under a key made of the practice key (HKDF, salted with the
practice's id), which is never in the database.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from datetime import UTC, datetime
from itertools import chain, count
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, insert, select, text, update

from companion.adapters import crypto
from companion.adapters.database.restored_copy import database_of
from companion.adapters.database.schema import practice, workstations
from companion.domain.errors import BadInput
from companion.domain.practice_key import PracticeKey

_PURPOSE = "calendar companion: the key of a practice's secrets"
_ROW = select(
    practice.c.practice_id,
    practice.c.key_nonce,
    practice.c.sealed_key,
    practice.c.created_at,
    practice.c.moved_to,
).where(practice.c.id == 1)


class PracticeRow(NamedTuple):
    practice_id: str
    key_nonce: bytes
    sealed_key: bytes
    created_at: datetime
    moved_to: str
    """Where the practice is kept now, for people; empty while it is here."""


def practice_in(connection: Connection) -> PracticeRow | None:
    """None where no practice is kept."""
    row = connection.execute(_ROW).one_or_none()
    return None if row is None else PracticeRow(*row)


def create_practice_row(
    connection: Connection,
    practice_id: str,
    key: PracticeKey,
    *,
    at: datetime,
    random: Callable[[int], bytes],
) -> bytes:
    """Write the row; the key of its secrets."""
    secrets_key, nonce = random(32), random(12)
    sealed = crypto.seal(_key_of(key, practice_id), nonce, secrets_key, _bound_to(practice_id))
    connection.execute(
        insert(practice).values(
            id=1,
            practice_id=practice_id,
            key_nonce=nonce,
            sealed_key=sealed,
            created_at=at,
            moved_to="",
            database=database_of(connection),
        )
    )
    return secrets_key


def secrets_key_of(row: PracticeRow, key: PracticeKey) -> bytes:
    """Raises BadInput where `key` is of another practice."""
    outer = _key_of(key, row.practice_id)
    try:
        return crypto.unseal(outer, row.key_nonce, row.sealed_key, _bound_to(row.practice_id))
    except ValueError:
        raise BadInput(
            f"The practice key with the fingerprint {key.fingerprint} is of another practice.",
            "Ask for the key of this one: a workstation that has joined shows it with "
            "python run.py practice key. Nothing was changed.",
            field="practice_key",
        ) from None


def mark_moved(connection: Connection, practice_id: str, moved_to: str) -> None:
    """Say where what was kept here is kept now; in the file of a home too, which has no key."""
    marked = update(practice).values(practice_id=practice_id, moved_to=moved_to)
    if not connection.execute(marked).rowcount:
        note_origin(connection, practice_id, moved_to=moved_to)


def note_origin(connection: Connection, practice_id: str, *, moved_to: str = "") -> None:
    """In the file of a home: the practice that it was, or has become."""
    connection.execute(delete(practice))
    connection.execute(
        insert(practice).values(
            id=1,
            practice_id=practice_id,
            key_nonce=b"",
            sealed_key=b"",
            created_at=datetime.now(UTC),
            moved_to=moved_to,
            database="",
        )
    )


def add_workstation(connection: Connection, workstation_id: str, name: str, version: str) -> str:
    """Be one of its workstations; its name, which is another where `name` is taken, and the one
    that it has where it is one already."""
    connection.execute(text("LOCK TABLE workstations IN SHARE ROW EXCLUSIVE MODE"))
    found = connection.execute(select(workstations.c.id, workstations.c.name))
    names: dict[str, str] = {row.id: row.name for row in found}
    if workstation_id in names:
        return names[workstation_id]
    free = _free_name({each.casefold() for each in names.values()}, name)
    now = func.clock_timestamp()
    connection.execute(
        insert(workstations).values(
            id=workstation_id,
            name=free,
            version=version,
            started_at=None,
            feed_address="",
            clock_ahead=0.0,
            joined_at=now,
            seen_at=now,
        )
    )
    return free


def _free_name(taken: Container[str], name: str) -> str:
    numbered = (f"{name} {number}" for number in count(2))
    return next(each for each in chain([name], numbered) if each.casefold() not in taken)


def remove_workstation(connection: Connection, workstation_id: str) -> None:
    """Not where its app seems to be on: who leaves has stopped it, so that is the app of another
    computer, of whose data folder this one's is a copy."""
    from companion.adapters.database.lease_session import IS_ON  # which a home does not load

    of_it = workstations.c.id == workstation_id
    connection.execute(delete(workstations).where(of_it, text(f"NOT ({IS_ON})")))


def _key_of(key: PracticeKey, practice_id: str) -> bytes:
    return crypto.derive(key.secret, salt=practice_id.encode(), purpose=_PURPOSE)


def _bound_to(practice_id: str) -> bytes:
    return crypto.canonical(["practice", practice_id]).encode()
