"""SelfTest: proves on the Google it is pointed at that Google behaves as this program assumes.

It works in a throw-away calendar that it makes in the practitioner's account and removes again. As
with every calendar of ours a record is saved before it is made; one that a crash left behind is
removed by the next self-test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from companion.domain.errors import CompanionError, ScopeMissing, SignInExpired
from companion.domain.settings import CalendarCreation, GoogleLink
from companion.services.access.policy import Action
from companion.services.access.rules import allows
from companion.services.google.account_changes import AccountChanges
from companion.services.google.calendar_creation import with_creation, without_creation
from companion.services.google.consents import APP_CREATED, missing
from companion.services.ports import ActivityKind, Assumption, Clock, Google

NAME = "Calendar Companion test (may be deleted)"
REMOVAL = "removal"


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTestReport:
    """Holds no names, no addresses and no ids: it may be sent to anybody."""

    at: datetime
    program: str
    """Version of Calendar Companion."""
    lines: tuple[Assumption, ...]

    @property
    def passed(self) -> bool:
        return all(line.holds for line in self.lines)

    @property
    def sentence(self) -> str:
        differing = sum(not line.holds for line in self.lines)
        if not differing:
            return f"Google behaves as assumed in all {len(self.lines)} points."
        return f"Google differs in {differing} of {len(self.lines)} points: send this report."

    def text(self) -> str:
        head = f"Calendar Companion {self.program}: self-test of {self.at:%d/%m/%Y %H:%M} UTC"
        return "\n".join([head, self.sentence, "", *map(str, self.lines), ""])


@dataclass
class SelfTest:
    google: Google
    changes: AccountChanges
    clock: Clock
    program: str
    random_word: Callable[[], str]

    @allows(Action.GOOGLE, of="practitioner_id")
    async def run(
        self,
        practitioner_id: str,
        tell: Callable[[Assumption], None] = lambda _line: None,
    ) -> SelfTestReport:
        """`tell` gets each line as it comes. Raises SignInExpired, ScopeMissing and what keeps the
        calendar from being made."""
        self._check(self.changes.record(practitioner_id).google)
        await self._remove_left_behind(practitioner_id)
        creation = await self._make(practitioner_id)
        try:
            lines = await self.google.check_assumptions(practitioner_id, creation.calendar_id, tell)
        finally:
            removal = await self._remove(practitioner_id, creation)
        tell(removal)
        report = SelfTestReport(at=self.clock.now(), program=self.program, lines=(*lines, removal))
        await self.changes.log(practitioner_id, ActivityKind.CHECK, report.sentence)
        return report

    @staticmethod
    def _check(link: GoogleLink) -> None:
        if not link.account:
            raise SignInExpired(
                "This practitioner is not connected to Google.", "Press Connect to Google."
            )
        if missing([APP_CREATED], link.scopes):
            raise ScopeMissing(
                "The self-test makes a calendar of its own, which this sign-in does not permit.",
                "Use a practitioner whose calendar Calendar Companion created.",
            )

    async def _make(self, practitioner_id: str) -> CalendarCreation:
        creation = CalendarCreation(
            mark=f"companion-selftest-{self.random_word()}",
            account=self.changes.record(practitioner_id).google.account,
            begun_at=self.clock.now(),
            throwaway=True,
        )
        await self.changes.edit(practitioner_id, lambda link: with_creation(link, creation))
        info = await self.google.create_calendar(practitioner_id, NAME, "UTC", creation.mark)
        made = replace(creation, calendar_id=info.id)
        await self.changes.edit(practitioner_id, lambda link: with_creation(link, made))
        return made

    async def _remove(self, practitioner_id: str, creation: CalendarCreation) -> Assumption:
        came = ""
        try:
            await self.google.delete_calendar(practitioner_id, creation.calendar_id)
        except CompanionError as error:
            came = f"{error.what} The next self-test removes it."
        else:
            await self._forget(practitioner_id, creation.mark)
        return Assumption(id=REMOVAL, assumed="The calendar of this test is removed.", came=came)

    async def _remove_left_behind(self, practitioner_id: str) -> None:
        """Of an earlier self-test; one of which only the mark is known cannot be reached."""
        for each in self.changes.record(practitioner_id).google.creations:
            if each.throwaway and each.calendar_id:
                await self.google.delete_calendar(practitioner_id, each.calendar_id)
            if each.throwaway:
                await self._forget(practitioner_id, each.mark)

    async def _forget(self, practitioner_id: str, mark: str) -> None:
        await self.changes.edit(practitioner_id, lambda link: without_creation(link, mark))
