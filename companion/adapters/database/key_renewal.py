"""Renewing the practice key: whoever knew the old one is shut out, in one transaction.

The secrets get another key of their own too, and each is sealed anew: the old practice key opens
nothing in the database any more, and nor does the key that somebody once took out of the row with
it. No workstation is handed the new key by way of the database: whoever knew the old one and may
write there could have himself entered as a workstation. So a person types it at each, once, and who
has not got it seals nothing meanwhile (`secrets`).
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, select

from companion.adapters.database.practice_row import (
    PracticeRow,
    practice_in,
    replace_secrets_key,
)
from companion.adapters.database.schema import workstations
from companion.adapters.database.secrets import RowSealing
from companion.domain.errors import Busy
from companion.domain.practice_key import PracticeKey


def renew_key(
    connection: Connection,
    known: PracticeRow,
    secrets_key: bytes,
    key: PracticeKey,
    random: Callable[[int], bytes],
) -> int:
    """How many secrets `key` opens now. `known`: the row as the old key, and by it `secrets_key`,
    was found to open it. Raises Busy where another workstation was first."""
    row = practice_in(connection, held=True)
    if row is None or row.practice_id != known.practice_id or row.moved_to:
        raise Busy("Another workstation has just moved the practice.", "Look there.")
    if row.key_nonce != known.key_nonce:
        raise Busy(
            "Another workstation has renewed the practice key at this moment, and that one counts.",
            "See it there: python run.py practice key. Then type it here: python run.py practice "
            "join",
        )
    renewed = replace_secrets_key(connection, row.practice_id, key, random)
    old, new = (RowSealing(row.practice_id, each, random) for each in (secrets_key, renewed))
    return old.reseal(connection, under=new)


def names_besides(connection: Connection, workstation_id: str) -> tuple[str, ...]:
    """Of the other workstations, in order."""
    names = select(workstations.c.name).where(workstations.c.id != workstation_id)
    return tuple(sorted(connection.scalars(names), key=str.casefold))
