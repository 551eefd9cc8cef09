"""Which storage a computer has: that of its home, or that of the practice it has joined."""

from __future__ import annotations

from contextlib import AsyncExitStack

from companion.adapters.practice_note import NOTE, PracticeNote, practice_note
from companion.domain.errors import BadInput
from companion.environment import Environment
from companion.services.changes import Changes
from companion.services.ports import Clock
from companion.storage import Storage
from companion.storage.home import open_home
from companion.storage.moving import recover_move


async def open_storage(
    environment: Environment,
    stack: AsyncExitStack,
    *,
    holder: str,
    clock: Clock,
    changes: Changes,
) -> Storage:
    """Closed with `stack`. Raises CompanionError."""
    await recover_move(environment)
    note = practice_note(environment.home)
    if note is None and environment.names_a_server:
        note = await _join_by_variables(environment)
    if note is None:
        return await open_home(environment, stack, holder=holder, clock=clock, changes=changes)
    from companion.storage.practice import open_practice  # a home needs none of it

    unattended = environment.names_a_server and bool(environment.practice_key.strip())
    return await open_practice(
        environment,
        note,
        stack,
        holder=holder,
        clock=clock,
        changes=changes,
        joining="" if unattended else None,
    )


def is_new(environment: Environment) -> bool:
    """Nothing was ever kept here."""
    return not environment.book.exists() and not (environment.home / NOTE).exists()


async def _join_by_variables(environment: Environment) -> PracticeNote:
    if not environment.practice_key.strip():
        raise BadInput(
            "COMPANION_DATABASE_URL names a database server, but this computer has joined no "
            "practice there.",
            "Join it: python run.py practice join. Or make the practice of what is here: python "
            "run.py practice create. Or leave the variable out.",
            field="COMPANION_DATABASE_URL",
        )
    from companion.storage.joining import join_by_variables

    return await join_by_variables(environment)
