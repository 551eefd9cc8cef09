"""Renewing the practice key from one of its workstations.

The new key is kept on this computer beside the old one before the COMMIT that makes it count, and
alone after it: killed at any moment, one of the two opens everything (`membership`). What the other
workstations do is in `adapters/database/key_renewal`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import Connection

from companion.adapters.clock import SystemClock
from companion.adapters.database.inspection import inspect_database
from companion.adapters.database.key_renewal import names_besides, renew_key
from companion.adapters.database.opening_practice import open_practice_database
from companion.adapters.practice_note import PracticeNote, practice_note
from companion.domain.errors import BadInput, SecretsError, SecretsUnavailable
from companion.domain.practice_key import SECRET_BYTES, PracticeKey
from companion.environment import Environment
from companion.services.files import Disk
from companion.services.ports import SecretStore
from companion.storage.home import sealed_secrets
from companion.storage.membership import KEY_NAME, membership_of
from companion.storage.moving import HOLDER, holding_moving_lock, lock_moves, recover_move_locked
from companion.storage.practice import practice_row_of


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRenewed:
    note: PracticeNote
    key: PracticeKey
    secrets: int
    """How many it opens."""
    others: tuple[str, ...]
    """Names of the workstations where it has to be typed."""


async def renew_practice_key(
    environment: Environment,
    *,
    random: Callable[[int], bytes] = os.urandom,
    store: SecretStore | None = None,
) -> KeyRenewed:
    """The app may run meanwhile. `store`: where this computer keeps the keys, for tests. Raises
    BadInput, Busy, StoreError, SecretsError; then the old key counts, except after an unanswered
    COMMIT, when `practice key` shows which one does."""
    async with holding_moving_lock(environment.home):
        await recover_move_locked(environment, Disk())
        note = practice_note(environment.home)
        if note is None:
            raise BadInput("This computer has joined no practice.", "So there is no key to renew.")
        store = store or sealed_secrets(environment, holder=HOLDER)
        return await _renew(environment, note, store, PracticeKey(random(SECRET_BYTES)), random)


async def _renew(
    environment: Environment,
    note: PracticeNote,
    store: SecretStore,
    key: PracticeKey,
    random: Callable[[int], bytes],
) -> KeyRenewed:
    member = await membership_of(note, environment, store)
    found = await asyncio.to_thread(inspect_database, member.url)
    row = practice_row_of(found, note)
    proven, secrets_key = member.opened(row)
    # All that are kept: of an earlier renewal the COMMIT may be under way still.
    before = dict.fromkeys(each.text for each in (proven.key, member.key, *member.others))
    await _keep(store, " ".join([key.text, *before]))

    def renew(connection: Connection) -> tuple[int, tuple[str, ...]]:
        lock_moves(connection)
        done = renew_key(connection, row, secrets_key, key, random)
        return done, names_besides(connection, note.workstation_id)

    database = await asyncio.to_thread(
        open_practice_database, member.url, SystemClock(environment.now)
    )
    try:
        done, others = await database.access.write(renew)
    finally:
        await database.close()
    with suppress(SecretsError):  # the old one beside it does no harm
        await store.put(KEY_NAME, key.text)
    return KeyRenewed(note=note, key=key, secrets=done, others=others)


async def _keep(store: SecretStore, keys: str) -> None:
    try:
        await store.put(KEY_NAME, keys)
    except SecretsUnavailable as error:
        raise SecretsUnavailable(
            "This computer has no password store to keep the new practice key in, so it was not "
            "renewed.",
            "Renew it on a workstation that has one, or set COMPANION_SECRETS_KEY to a long "
            "passphrase first.",
        ) from error
