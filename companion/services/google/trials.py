"""Trials: fresh sign-ins that lie under names of their own until everything about them is right.

Two people may connect the same practitioner at the same moment, in two windows or on two
workstations, with different accounts: each try has a name that no other has, so that none is
checked with another's token. What a crashed try left goes when a later one has succeeded; by then
it is a day old, longer than any try lasts.
"""

from __future__ import annotations

import contextlib
import re
import secrets as randomness
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from companion.domain.errors import CompanionError
from companion.services.google.account_changes import AccountChanges
from companion.services.ports import Clock, SignedIn

OLD = timedelta(days=1)
_STAMP = "%Y%m%d%H%M%S"
_NAME = re.compile(r".+\.new(?:-(?P<begun>\d{14})-[0-9a-f]+)?")
"""Without a time: of an earlier version, one name for all tries."""


class Trials:
    def __init__(self, changes: AccountChanges, clock: Clock) -> None:
        self._changes = changes
        self._clock = clock

    @contextlib.asynccontextmanager
    async def trying(self, practitioner_id: str, signed_in: SignedIn) -> AsyncIterator[str]:
        """The name of the sign-in while it lasts."""
        name = f"{practitioner_id}.new-{self._clock.now():{_STAMP}}-{randomness.token_hex(4)}"
        try:
            await self._changes.keep_token(name, signed_in)
            yield name
        finally:
            await self._changes.drop_token(name)

    async def clear_up(self) -> None:
        """What crashed tries left; another time where it cannot be removed now."""
        with contextlib.suppress(CompanionError):
            for name in await self._changes.token_names():
                if self._left_over(name):
                    await self._changes.drop_token(name)

    def _left_over(self, name: str) -> bool:
        found = _NAME.fullmatch(name)
        if found is None or name in self._changes.settings.read().practitioners:
            return False
        if found["begun"] is None:
            return True
        try:
            begun = datetime.strptime(found["begun"], _STAMP).replace(tzinfo=UTC)
        except ValueError:
            return True
        return abs(self._clock.now() - begun) > OLD
