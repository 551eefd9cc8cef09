"""Joining a practice from another workstation: its address and its key are proven first, then kept
sealed, and the note that decides is written with them."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from uuid import uuid4

from companion.adapters.clock import SystemClock
from companion.adapters.database.inspection import inspect_database
from companion.adapters.database.postgres import url_of
from companion.adapters.database.practice_row import PracticeRow, practice_in, secrets_key_of
from companion.adapters.practice_note import PracticeNote, practice_note, write_note
from companion.domain.errors import BadInput, StoreError
from companion.domain.practice_key import practice_key_of
from companion.environment import Environment
from companion.services.changes import Changes
from companion.services.files import Disk, make_folder
from companion.services.pools import BACKUPS
from companion.storage.home import open_home, sealed_secrets
from companion.storage.membership import KEY_NAME, URL_NAME, Membership, place_of
from companion.storage.moving import (
    HOLDER,
    exclusive_home,
    fresh_folder,
    holding_moving_lock,
    moves_into_practice,
    recover_move_locked,
    staged_secrets,
    staging_of,
    swap_of,
)
from companion.storage.practice import no_practice, practice_row_of, refuse_moved

ASIDE = "before-joining"


async def join_practice_here(
    environment: Environment, address: str, typed_key: str, *, disk: Disk | None = None
) -> PracticeNote:
    """Its note; where this computer has joined that practice already, only the address changes.
    Raises BadInput, Busy, StoreError, SecretsError; then nothing was changed."""
    await asyncio.to_thread(make_folder, environment.home)
    with exclusive_home(environment):
        return await _join(environment, address, typed_key, disk or Disk())


async def give_practice_key(environment: Environment, address: str, typed_key: str) -> PracticeNote:
    """The renewed key, to a workstation that has joined; its app may run, or wait for it. Raises
    BadInput, Busy, StoreError, SecretsError."""
    async with holding_moving_lock(environment.home):
        await recover_move_locked(environment, Disk())
        note = practice_note(environment.home)
        if note is None:
            raise BadInput("This computer has joined no practice.", "Join it: practice join")
        key = practice_key_of(typed_key)
        found = await asyncio.to_thread(inspect_database, url_of(address))
        secrets_key_of(practice_row_of(found, note), key)
        await sealed_secrets(environment, holder=HOLDER).put(KEY_NAME, key.text)
        return note


async def type_practice_key(environment: Environment, typed_key: str) -> None:
    """The same at the address that is kept here. Raises the same."""
    kept = sealed_secrets(environment, holder=HOLDER)
    address = environment.database_url if environment.names_a_server else await kept.get(URL_NAME)
    await give_practice_key(environment, address or "", typed_key)


async def join_by_variables(environment: Environment) -> PracticeNote:
    """The same for a start, which may be that of the app. Raises the same."""
    async with holding_moving_lock(environment.home):
        key = environment.practice_key
        return await _join(environment, environment.database_url, key, Disk())


async def _join(environment: Environment, address: str, typed: str, disk: Disk) -> PracticeNote:
    home = environment.home
    await recover_move_locked(environment, disk)
    url, key = url_of(address), practice_key_of(typed)
    place = place_of(url)
    found = await asyncio.to_thread(inspect_database, url)
    if found.row is None:
        raise no_practice(place)
    known = practice_note(home)
    if known is None and found.row.moved_to:
        raise BadInput(
            f"The practice has moved away from the database {place}: {found.row.moved_to}.",
            "To share it again, make it anew there: python run.py practice create. Then join with "
            "the new key.",
            field="database",
        )
    refuse_moved(found.row)
    secrets_key_of(found.row, key)
    if known is not None and known.practice_id == found.row.practice_id:
        note = replace(known, place=place)
        kept = sealed_secrets(environment, holder=HOLDER)
        await Membership(note=note, url=url, key=key).keep(kept, environment)
        write_note(home, note, disk)
        return note
    if known is not None:
        raise BadInput(
            f"This computer belongs to another practice, in {known.place}.",
            "Leave that one first: python run.py practice leave",
            field="database",
        )
    await _refuse_own_data(environment, found.row)
    note = PracticeNote(practice_id=found.row.practice_id, workstation_id=uuid4().hex, place=place)
    staging = staging_of(home)
    await BACKUPS.run(fresh_folder, staging)
    member = Membership(note=note, url=url, key=key)
    await member.keep(staged_secrets(environment, staging), environment)
    write_note(staging, note, disk)
    aside = f"{ASIDE}-{SystemClock(environment.now).now():%Y%m%d-%H%M%S}"
    swap = swap_of(home, disk)
    await BACKUPS.run(swap.run, moves_into_practice(environment, aside), environment.book)
    return note


async def _refuse_own_data(environment: Environment, row: PracticeRow) -> None:
    """Nothing that only this home has may be put aside. Raises BadInput."""
    if not environment.book.exists() and not (environment.home / "settings.json").exists():
        return
    if await _moved_into(environment) == row.practice_id:
        return
    clock = SystemClock(environment.now)
    async with AsyncExitStack() as stack:
        try:
            opened = await open_home(
                environment, stack, holder=HOLDER, clock=clock, changes=Changes(), mover=True
            )
        except StoreError as error:
            raise BadInput(
                f"What lies in the data folder {environment.home} cannot be looked at, so it is "
                f"not put aside. {error.what}",
                "Join from an empty data folder: set COMPANION_HOME.",
                field="database",
            ) from error
        settings = opened.settings.read()
        holds = {
            "appointments": await opened.stores.book.count() > 0,
            "practitioners": bool(settings.practitioners),
            "users": bool(settings.users),
            "sources": bool(settings.sources),
            "sign-ins": bool(await opened.secrets.names()),
        }
    if any(holds.values()):
        words = " and ".join(name for name, there in holds.items() if there)
        raise BadInput(
            f"This computer has data of its own ({words}), which joining would hide.",
            "If they are the ones to share, make the practice of them: python run.py practice "
            "create. If they are not needed, join from an empty data folder: move "
            f"{environment.home} away, or set COMPANION_HOME.",
            field="database",
        )


async def _moved_into(environment: Environment) -> str:
    """Id of the practice that took over what lies here; empty for none."""
    from companion.adapters.database.opening import open_database

    if not environment.book.exists():
        return ""
    database = await asyncio.to_thread(open_database, environment.book, SystemClock(""))
    try:
        found = await database.access.read(practice_in)
    finally:
        await database.close()
    return found.practice_id if found is not None and found.moved_to else ""
