"""Doctor: runs every check; each finding says what it means and what resolves it.

The checks (`computer_checks`, `google_checks`) run side by side, each with a time limit of its own:
one that hangs is left behind and becomes a finding, and so does one that raises an unexpected
error. The event loop is never blocked; `on_progress` gets each finding as it comes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from companion.domain.errors import CompanionError, Technical
from companion.domain.practice_errors import DatabaseAway
from companion.services.access.policy import Action
from companion.services.access.rules import allows
from companion.services.maintenance import computer_checks, google_checks, practice_checks
from companion.services.maintenance.findings import (
    Check,
    CheckContext,
    Finding,
    FindingAction,
    State,
    Topic,
)
from companion.services.maintenance.practice_checks import SERVER, server_away
from companion.services.pools import PROBES

log = logging.getLogger(__name__)

AT_ONCE = 8
"""Checks that run side by side."""
OFFLINE = frozenset(
    {"settings", "time-zones", "key-store", "disk", "home-rights", "versions", "database"}
)
"""Checks that need neither a network nor another computer."""
_RANK = {"fail": 0, "warn": 1, "ok": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """How far it is."""

    done: int
    total: int
    findings: tuple[Finding, ...]
    """Of the check that was just done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    at: datetime
    program: str
    findings: tuple[Finding, ...]
    """The worst first."""

    @property
    def healthy(self) -> bool:
        """Nothing fails; there may be warnings."""
        return all(each.state != "fail" for each in self.findings)

    def count(self, state: State) -> int:
        return sum(each.state == state for each in self.findings)


@dataclass(slots=True)
class _Examination:
    total: int
    on_progress: Callable[[Examined], None]
    done: int = 0
    findings: list[Finding] = field(default_factory=list)

    def add(self, found: Sequence[Finding]) -> None:
        self.done += 1
        self.findings.extend(found)
        self.on_progress(Examined(done=self.done, total=self.total, findings=tuple(found)))


class Doctor:
    def __init__(
        self,
        context: CheckContext,
        *,
        checks: Callable[[CheckContext], Sequence[Check]] | None = None,
        seconds: float | None = None,
    ) -> None:
        """`checks`: others than the usual; `seconds`: one time limit for all."""
        self._context = context
        self._checks = checks or usual_checks
        self._seconds = seconds
        self._left_behind: set[asyncio.Task[Sequence[Finding]]] = set()

    @allows(Action.PRACTICE)
    async def examine(
        self,
        on_progress: Callable[[Examined], None] = lambda _: None,
        *,
        offline: bool = False,
    ) -> Diagnosis:
        """Every check, or those that need no network; raises nothing: errors become findings."""
        context = self._context
        try:
            checks = self._checks(context)
        except CompanionError as error:
            checks = [_failing_check(computer_checks.SETTINGS, error)]
        if offline:
            checks = [each for each in checks if each.topic.id in OFFLINE]
        examination = _Examination(total=len(checks), on_progress=on_progress)
        places = asyncio.Semaphore(AT_ONCE)

        async def one(check: Check) -> None:
            async with places:
                examination.add(await self._within_limit(check))

        await asyncio.gather(*(one(check) for check in checks))
        return Diagnosis(
            at=context.clock.now(),
            program=context.program,
            findings=tuple(sorted(examination.findings, key=lambda e: (_RANK[e.state], e.id))),
        )

    @allows(Action.PRACTICE)
    async def fix(self, name: str) -> str:
        """Do what a finding's action names; a sentence of what was done."""
        if name == "secrets-aside":
            aside = await self._context.secrets.set_aside()
            if aside is None:
                return "There was nothing to set aside."
            return (
                f"The sign-ins were set aside as {aside.name}. Add the Google client file again, "
                "then connect each practitioner."
            )
        if name == "home-rights":
            await PROBES.run(self._context.home_rights.close, self._context.home)
            return "From now on only you can open the data folder."
        raise CompanionError("The doctor does not know how to mend that.", "Run it again.")

    async def _within_limit(self, check: Check) -> Sequence[Finding]:
        """Not `asyncio.wait_for`: it waits for what it has cancelled, and a thread cannot be."""
        task = asyncio.ensure_future(_run(check))
        limit = self._seconds or check.seconds
        await asyncio.wait({task}, timeout=limit)
        if task.done():
            return task.result()
        task.cancel()
        self._left_behind.add(task)
        task.add_done_callback(self._left_behind.discard)
        what = f"There was no answer within {limit:g} seconds."
        remedy = "Run the doctor again; if it stays, start this computer anew."
        again = FindingAction(label="Check again", command="run.py doctor")
        return [check.topic.fail(what, remedy, action=again)]


async def _run(check: Check) -> Sequence[Finding]:
    try:
        found = await check.run()
        return (found,) if isinstance(found, Finding) else tuple(found or ())
    except DatabaseAway as error:
        # The check of the server says it once, so no other repeats it.
        return [server_away(error)] if check.topic == SERVER else []
    except CompanionError as error:
        return [check.topic.failed(error)]
    except Exception as error:  # noqa: BLE001 - a broken check is itself a finding
        log.error(
            "the check %s failed with an internal error: %s",
            Technical(check.topic.id.partition(":")[0]),
            type(error).__name__,
        )
        return [
            check.topic.fail(
                f"The check itself failed ({type(error).__name__}).",
                "This is a mistake in Calendar Companion: send the support bundle to "
                "whoever looks after your computers.",
                action=FindingAction(
                    label="Support bundle", command="run.py doctor --bundle FILE.zip"
                ),
            )
        ]


def closed_home(error: CompanionError, program: str, at: datetime) -> Diagnosis:
    """The diagnosis of a home that does not open."""
    if isinstance(error, DatabaseAway):
        return Diagnosis(at=at, program=program, findings=(server_away(error),))
    action = FindingAction(label="Restore a backup", command="run.py restore FILE")
    finding = Topic("home", "Data folder").failed(error, action=action)
    return Diagnosis(at=at, program=program, findings=(finding,))


def _failing_check(topic: Topic, error: CompanionError) -> Check:
    async def run() -> Finding:
        raise error

    return Check(topic, run)


def usual_checks(context: CheckContext) -> list[Check]:
    """Raises CompanionError when not even the settings can be read."""
    return [
        *computer_checks.checks(context),
        *practice_checks.checks(context),
        *google_checks.checks(context),
    ]
