"""A calendar is made once: whatever fails between the sign-in and the connection, trying again
ends with one calendar that is used, and none besides."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from companion.domain.appointments import Practitioner
from companion.domain.calendar_writers import CalendarWriter
from companion.domain.errors import (
    AccountParked,
    CalendarGone,
    CompanionError,
    Offline,
    PermissionDenied,
    RateLimited,
    RemoteError,
    RemoteUnavailable,
    ScopeMissing,
    StoreError,
)
from companion.domain.events import CalendarEvent
from companion.domain.settings import GoogleLink, PractitionerSettings, Settings
from companion.services.google.calendar_creation import FRESH, PATIENCE
from companion.services.google.connecting import Connecting
from companion.services.google.consents import APP_CREATED, CALENDAR_LIST, CalendarChoice
from companion.services.google.joining import Connected
from companion.services.ports import InsertEvent
from tests.fakes.clock import FakeClock
from tests.fakes.google import FakeGoogle
from tests.fakes.secrets import FakeSecrets
from tests.fakes.settings import FakeSettings
from tests.fakes.stores import MemoryActivity, MemoryLedger
from tests.fakes.syncing import connecting_over

ZOE, MAX = "zoe@example.com", "max@example.com"
BACK = "http://127.0.0.1:8080/oauth/callback"
CONNECTS = 1_000


class Killed(BaseException):
    """The process ends here."""


class FaultySettings(FakeSettings):
    """`strike` is asked before and after each write to the disk."""

    strike: Callable[[str, str], None] = staticmethod(lambda _when, _name: None)

    async def change(self, edit: Callable[[Settings], Settings]) -> Settings:
        self.strike("before", "settings")
        changed = await super().change(edit)
        self.strike("after", "settings")
        return changed


class Home:
    """One practitioner's home; each attempt to connect is that of a program started anew."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.secrets = FakeSecrets()
        self.secrets.kept["google/client"] = '{"installed": {"project_id": "riverside"}}'
        self.google = FakeGoogle(secrets=self.secrets, hook=self._called)
        person = PractitionerSettings(practitioner=Practitioner(id="zoe", name="Zoë"))
        self.settings = FaultySettings(Settings(install_id="install").with_practitioner(person))
        self.settings.strike = self._struck
        self.ledger, self.activity = MemoryLedger(), MemoryActivity()
        self.faults: dict[tuple[str, str], list[BaseException]] = {}
        """By moment and step: what the next calls there come to."""
        self.struck = 0
        self._words = itertools.count()

    @property
    def link(self) -> GoogleLink:
        return self.settings.read().record("zoe").google

    @property
    def orphans(self) -> set[str]:
        """Calendars that nobody uses."""
        return self.google.made_by_us - {self.link.calendar_id}

    def fail(self, when: str, step: str, *errors: BaseException) -> None:
        self.faults.setdefault((when, step), []).extend(errors)

    async def connect(
        self,
        account: str = ZOE,
        calendar: CalendarChoice | None = None,
        untick: tuple[str, ...] = (),
        login: str = "",
        *,
        take_over: bool = False,
    ) -> Connected:
        service = self._service()
        start = await service.begin(
            "zoe", login=login, calendar=calendar, take_over=take_over, redirect_uri=BACK
        )
        return await service.finish(self.google.consent(start.url, account, untick=untick))

    async def connect_at_last(self, *, take_over: bool = False) -> int:
        """A person presses Connect until it works; gives how often."""
        for attempt in range(1, 30):
            try:
                await self.connect(take_over=take_over)
            except (CompanionError, Killed):
                self.clock.shift(20)
            else:
                return attempt
        pytest.fail("never connected")

    def _service(self) -> Connecting:
        return connecting_over(
            google=self.google,
            settings=self.settings,
            secrets=self.secrets,
            ledger=self.ledger,
            activity=self.activity,
            clock=self.clock,
            random_word=lambda: f"word{next(self._words)}",
        )

    async def _called(self, when: str, name: str) -> None:
        self._struck(when, name)

    def _struck(self, when: str, name: str) -> None:
        waiting = self.faults.get((when, name))
        if waiting:
            self.struck += 1
            raise waiting.pop(0)


@pytest.fixture
def home() -> Home:
    return Home()


# Every step and fault; after a call was done only its answer can be lost.
LOST: list[Callable[[], BaseException]] = [Offline, RemoteUnavailable, Killed]
REFUSED: list[Callable[[], BaseException]] = [*LOST, RateLimited, PermissionDenied, AccountParked]
FRESHNESS: list[Callable[[], BaseException]] = [CalendarGone, PermissionDenied, RemoteUnavailable]
STEPS: dict[tuple[str, str], list[Callable[[], BaseException]]] = {
    ("before", "exchange"): REFUSED,
    ("after", "exchange"): LOST,
    ("before", "create"): REFUSED,
    ("after", "create"): LOST,
    ("before", "find"): REFUSED,
    ("after", "find"): LOST,
    ("before", "info"): [*REFUSED, *FRESHNESS],
    ("after", "info"): LOST,
    ("before", "settings"): [StoreError, Killed],
    ("after", "settings"): [Killed],
}
SINGLE = [(step, fault) for step, faults in STEPS.items() for fault in faults]
MARKED = [
    *((("before", "marked"), fault) for fault in [*REFUSED, *FRESHNESS]),
    *((("after", "marked"), fault) for fault in LOST),
]
"""While it is read whose events a calendar holds."""


@pytest.mark.parametrize(("step", "fault"), SINGLE)
async def test_one_fault_at_one_step_leaves_no_orphan(
    home: Home, step: tuple[str, str], fault: Callable[[], BaseException]
) -> None:
    if step[1] == "find":
        home.fail("after", "create", Offline())
    home.fail(*step, fault())
    await home.connect_at_last()
    assert home.struck
    assert home.link.connected
    assert home.orphans == set()
    assert home.link.creations == ()


async def test_a_thousand_connects_with_faults_at_every_step_leave_no_orphan() -> None:
    chance = random.Random(11)
    struck = attempts = 0
    for _ in range(CONNECTS):
        home = Home()
        for step, fault in chance.sample(SINGLE, chance.randint(1, 4)):
            home.fail(*step, *(fault() for _ in range(chance.choice([1, 1, 2, 9]))))
        for faults in home.faults.values():
            del faults[4:]
        attempts += await home.connect_at_last()
        struck += home.struck
        assert home.link.connected
        assert home.orphans == set()
    assert struck > CONNECTS
    assert attempts > CONNECTS


def earlier_calendar(home: Home) -> str:
    """Made and written by another installation."""
    earlier = "earlier@group.calendar.google.com"
    held = home.google.add_calendar(earlier, ZOE, name="Appointments")
    held.hook = home.google.hook
    home.google.made_by_us.add(earlier)
    home.google.marks["companion-earlier"] = earlier
    held._writer = CalendarWriter(id="lost")
    start = datetime(2026, 3, 3, 9, tzinfo=UTC)
    event = CalendarEvent(
        key="a", start=start, end=start + timedelta(hours=1), timezone="UTC", summary="ZO"
    )
    held._write(InsertEvent(event_id="aaaaa1", event=event))
    return earlier


async def test_taking_over_with_faults_at_every_step_makes_no_calendar() -> None:
    chance = random.Random(12)
    struck = 0
    for _ in range(CONNECTS // 4):
        home = Home()
        earlier = earlier_calendar(home)
        for step, fault in chance.sample([*SINGLE, *MARKED], chance.randint(1, 4)):
            home.fail(*step, *(fault() for _ in range(chance.choice([1, 1, 2, 9]))))
        for faults in home.faults.values():
            del faults[4:]
        await home.connect_at_last(take_over=True)
        struck += home.struck
        assert (home.link.calendar_id, home.link.term) == (earlier, 2)
        assert home.google.creations == 0
    assert struck > CONNECTS // 5


async def test_the_intent_is_saved_before_the_call_and_the_id_after_it(home: Home) -> None:
    home.fail("before", "create", Killed())
    with pytest.raises(Killed):
        await home.connect()
    (intent,) = home.link.creations
    assert (intent.account, intent.calendar_id) == (ZOE, "")
    home.fail("before", "info", Killed())
    with pytest.raises(Killed):
        await home.connect()
    (made,) = home.link.creations
    assert made.mark == intent.mark
    assert made.calendar_id in home.google.made_by_us
    await home.connect()
    assert home.link.calendar_id == made.calendar_id


async def test_after_a_lost_answer_google_is_asked_for_the_permission_to_look(home: Home) -> None:
    home.fail("after", "create", Offline())
    with pytest.raises(Offline) as caught:
        await home.connect()
    assert "list of calendars" in caught.value.remedy
    start = await home._service().begin("zoe", redirect_uri=BACK)
    assert CALENDAR_LIST.rpartition("/")[2] in start.url
    with pytest.raises(ScopeMissing):
        await home.connect(untick=(CALENDAR_LIST,))
    assert home.google.creations == 1
    await home.connect()
    assert home.google.creations == 1


async def test_the_permission_to_look_is_not_asked_for_where_a_person_wants_another(
    home: Home,
) -> None:
    another = CalendarChoice(kind="new", look=False)
    start = await home._service().begin("zoe", calendar=another, redirect_uri=BACK)
    assert APP_CREATED.rpartition("/")[2] in start.url
    assert CALENDAR_LIST.rpartition("/")[2] not in start.url


async def test_a_refusal_is_no_lost_answer(home: Home) -> None:
    home.fail("before", "create", RateLimited())
    with pytest.raises(RateLimited):
        await home.connect()
    assert home.link.creations == ()


@pytest.mark.parametrize(
    "refusal", [CalendarGone, PermissionDenied, ScopeMissing, RemoteUnavailable]
)
async def test_a_fresh_calendars_refusals_are_waited_out(
    home: Home, refusal: type[RemoteError]
) -> None:
    home.fail("before", "info", *(refusal() for _ in range(4)))
    await home.connect()
    assert 0 < sum(home.clock.slept) <= PATIENCE
    made = home.google.calendars_by_id[home.link.calendar_id]
    assert made.calls["list"] == 0


async def test_a_calendar_that_stays_shut_is_used_by_the_next_try(home: Home) -> None:
    home.fail("before", "info", *(CalendarGone() for _ in range(6)))
    with pytest.raises(RemoteUnavailable) as caught:
        await home.connect()
    assert "again in a minute" in caught.value.remedy
    assert home.google.revocations == []
    home.faults.clear()
    await home.connect()
    assert home.google.creations == 1


async def test_a_calendar_that_a_person_deleted_before_it_was_used_is_made_anew(home: Home) -> None:
    home.fail("before", "info", Killed())
    with pytest.raises(Killed):
        await home.connect()
    home.google.calendars_by_id.clear()
    home.clock.shift(FRESH / timedelta(seconds=1))
    await home.connect()
    assert home.google.creations == 2
    assert home.link.calendar_id in home.google.calendars_by_id


async def test_an_unused_calendar_waits_in_its_own_account(home: Home) -> None:
    home.fail("before", "info", Killed())
    with pytest.raises(Killed):
        await home.connect(ZOE)
    await home.connect(MAX)
    assert home.google.owners[home.link.calendar_id] == MAX
    (waiting,) = home.link.creations
    assert waiting.account == ZOE
    await home.connect(ZOE, CalendarChoice(kind="new"), login=ZOE)
    assert home.link.calendar_id == waiting.calendar_id
    assert home.google.creations == 2
