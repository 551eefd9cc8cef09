"""An Accounts service with fast passwords and sessions in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

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


def _settings() -> FakeSettings:
    anna = PractitionerSettings(practitioner=Practitioner(id="anna-lee", name="Anna Lee"))
    return FakeSettings(Settings(install_id="0123456789abcdef").with_practitioner(anna))


@dataclass(slots=True, kw_only=True)
class Fixture:
    """With one practitioner, Anna Lee, and no user."""

    settings: FakeSettings = field(default_factory=_settings)
    passwords: PlainPasswords = field(default_factory=PlainPasswords)
    sessions: MemorySessions = field(default_factory=MemorySessions)
    clock: FakeClock = field(default_factory=FakeClock)
    activity: MemoryActivity = field(default_factory=MemoryActivity)
    accounts: Accounts = field(init=False)

    def __post_init__(self) -> None:
        self.accounts = self.again()

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
