"""What the commands of a practice need of the one that this computer has joined."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from companion.adapters.practice_note import PracticeNote
    from companion.environment import Environment
    from companion.storage.membership import Membership

HOLDER = "a command"


async def kept_address(environment: Environment) -> str:
    """Of the practice that this computer has joined; empty where that is not known."""
    from companion.adapters.practice_note import practice_note
    from companion.storage.home import sealed_secrets
    from companion.storage.membership import URL_NAME

    if practice_note(environment.home) is None:
        return ""
    if environment.names_a_server:
        return environment.database_url
    return await sealed_secrets(environment, holder=HOLDER).get(URL_NAME) or ""


async def member_here(environment: Environment) -> Membership | None:
    from companion.adapters.practice_note import practice_note
    from companion.storage.home import sealed_secrets
    from companion.storage.membership import membership_of, with_key_in_use
    from companion.storage.moving import recover_move

    await recover_move(environment)
    note = practice_note(environment.home)
    if note is None:
        return None
    member = await membership_of(note, environment, sealed_secrets(environment, holder=HOLDER))
    return await asyncio.to_thread(with_key_in_use, member)


async def open_once(
    environment: Environment,
    note: PracticeNote,
    *,
    anyway: bool = False,
    joining: str | None = None,
) -> None:
    from companion.adapters.clock import SystemClock
    from companion.services.changes import Changes
    from companion.storage.practice import open_practice

    clock = SystemClock(environment.now)
    async with AsyncExitStack() as stack:
        await open_practice(
            environment,
            note,
            stack,
            holder=HOLDER,
            clock=clock,
            changes=Changes(),
            anyway=anyway,
            joining=joining,
        )
