"""An Accounts service with fast passwords and sessions in memory."""

from __future__ import annotations

from dataclasses import dataclass

from companion.domain.appointments import Practitioner
from companion.domain.settings import PractitionerSettings, Settings
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


def new_fixture() -> Fixture:
    """With one practitioner, Anna Lee, and no user."""
    settings = FakeSettings(
        Settings(install_id="0123456789abcdef").with_practitioner(
            PractitionerSettings(practitioner=Practitioner(id="anna-lee", name="Anna Lee"))
        )
    )
    passwords, sessions = PlainPasswords(), MemorySessions()
    clock, activity = FakeClock(), MemoryActivity()
    accounts = Accounts(
        settings=settings, passwords=passwords, sessions=sessions, activity=activity, clock=clock
    )
    return Fixture(
        accounts=accounts,
        settings=settings,
        passwords=passwords,
        sessions=sessions,
        clock=clock,
        activity=activity,
    )


async def enter(fixture: Fixture, name: str = "Robin", password: str = GOOD) -> str:
    """The hash of a new session's token."""
    _, token = await fixture.accounts.sign_in(name, password, machine="front")
    return token_hash(token)
