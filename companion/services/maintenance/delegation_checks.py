"""The doctor's check of the practice's service account: a token for each practitioner who has a
Google Login and is not connected yet, some at a time. Nothing is kept or written."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable

from companion.domain.errors import CompanionError, Offline
from companion.domain.practice_errors import DatabaseAway
from companion.domain.settings import PractitionerSettings
from companion.services.google.client import ServiceAccount
from companion.services.google.consents import DELEGATION
from companion.services.google.delegating import login_of
from companion.services.maintenance.findings import (
    CheckContext,
    Finding,
    FindingAction,
    Topic,
    no_network,
)

AT_ONCE = 8
SERVICE_ACCOUNT = Topic("service-account", "Service account")


async def service_account(context: CheckContext) -> Iterable[Finding]:
    account = await context.connecting.service_account()
    if account is None:
        return []
    people = [*context.settings.read().practitioners.values()]
    waiting = deque(each for each in people if login_of(each) and not each.google.account)
    asked = len(waiting)
    refused: list[Finding] = []
    silent: list[Offline] = []

    async def some() -> None:
        while waiting and not silent:
            record = waiting.popleft()
            person = record.practitioner
            try:
                await context.google.delegate(person.id, login=login_of(record), scopes=DELEGATION)
            except Offline as error:
                silent.append(error)
            except DatabaseAway:
                raise
            except CompanionError as error:
                refused.append(_refused(record, error))

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))
    if silent:
        if await no_network(context):
            return []
        return [SERVICE_ACCOUNT.failed(silent[0])]
    return [_summary(account, people, may=asked - len(refused)), *refused]


def _refused(record: PractitionerSettings, error: CompanionError) -> Finding:
    person = record.practitioner
    title = f"{SERVICE_ACCOUNT.title} for {person.name}"
    look = FindingAction(label="Open the practitioner", page=f"/practitioner/{person.id}")
    topic = Topic(f"delegation:{person.id}", title, subject=person.id)
    return topic.warn(error.what, error.remedy, action=look)


def _summary(account: ServiceAccount, people: list[PractitionerSettings], *, may: int) -> Finding:
    spoken = sum(bool(each.google.delegated) for each in people)
    connect = FindingAction(
        label="Connect everybody", page="/practice/workspace", command="run.py google connect --all"
    )
    return SERVICE_ACCOUNT.finding(
        "ok",
        f"{account.email} (client ID {account.client_id}) speaks for {spoken} of "
        f"{len(people)} practitioners{f', and may speak for {may} more' if may else ''}.",
        "Press Connect everybody under Practice > Google Workspace." if may else "",
        action=connect if may else None,
    )
