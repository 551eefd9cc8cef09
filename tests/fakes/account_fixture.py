"""An Accounts service with fast passwords and sessions in memory."""

from __future__ import annotations

from dataclasses import dataclass

from companion.domain.tokens import token_hash
from companion.services.accounts.accounts import Accounts
from tests.fakes.accounts import MemorySessions, PlainPasswords
from tests.fakes.clock import FakeClock
from tests.fakes.settings import FakeSettings
from tests.fakes.stores import MemoryActivity

GOOD = "tram violet anchor"


NEXT = "pepper lantern quay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixture:
    accounts: Accounts
    settings: FakeSettings
    passwords: PlainPasswords
    sessions: MemorySessions
    clock: FakeClock
    activity: MemoryActivity

    def again(self) -> Accounts:
        """The program started anew on the same home."""
        return Accounts(
            settings=self.settings,
            passwords=self.passwords,
            sessions=self.sessions,
            activity=self.activity,
            clock=self.clock,
        )


async def enter(fixture: Fixture, name: str = "Robin", password: str = GOOD) -> str:
    """The hash of a new session's token."""
    _, token = await fixture.accounts.sign_in(name, password, machine="front")
    return token_hash(token)
