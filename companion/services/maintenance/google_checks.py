"""The doctor's checks of Google: the client file, and each practitioner's sign-in and calendar.

Read-only: nothing is written to a calendar. One practitioner's three findings come of
two calls; where the first fails to reach Google, the second is not made.

A service account asks for one token for each practitioner: here for those who are connected, in
`delegation_checks` for the others.

Testing mode shows when a sign-in begins: Google then says that it will end. Where it did not say,
it shows later: while the practice's Google app is in "Testing", every sign-in ends after seven
days. So one that has lasted longer proves the opposite, and one that ended on its seventh day
suggests it.

Where Google cannot be reached at all, the check of the network says so once; the findings of the
practitioners, which would all say the same, are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial

from companion.domain.errors import (
    CompanionError,
    Offline,
    ScopeMissing,
    SignInError,
    SignInExpired,
    TransientError,
)
from companion.domain.practice_errors import DatabaseAway
from companion.domain.settings import GoogleLink, PractitionerSettings
from companion.domain.sync_state import SyncState
from companion.services.google.consents import CalendarChoice, missing, scopes_for
from companion.services.maintenance.delegation_checks import SERVICE_ACCOUNT, service_account
from companion.services.maintenance.findings import (
    Check,
    CheckContext,
    Finding,
    FindingAction,
    Topic,
    no_network,
)
from companion.services.sync.one_writer import stopped

CLIENT_FILE = Topic("client-file", "Google client")
TESTING_MODE = Topic("testing-mode", "Testing mode")
TESTING_LIFE = timedelta(days=7)
_SLACK = timedelta(hours=2)
_PUBLISH = (
    "In the Google Cloud console open Google Auth Platform > Audience and press Publish app; then "
    "each practitioner connects once more."
)


def checks(context: CheckContext) -> list[Check]:
    """One per practitioner who is connected, and those of the practice."""
    people = [
        each for each in context.settings.read().practitioners.values() if each.google.account
    ]
    return [
        Check(CLIENT_FILE, partial(client_file, context)),
        Check(SERVICE_ACCOUNT, partial(service_account, context), 180.0),
        Check(TESTING_MODE, partial(testing_mode, context)),
        *(
            Check(_about(each, "sign-in", "Sign-in of"), partial(sign_in, context, each), 60.0)
            for each in people
        ),
    ]


def _about(record: PractitionerSettings, kind: str, words: str) -> Topic:
    person = record.practitioner
    return Topic(f"{kind}:{person.id}", f"{words} {person.name}", subject=person.id)


async def client_file(context: CheckContext) -> Finding | None:
    add = FindingAction(
        label="Add the client file", page="/practice", command="run.py google client FILE"
    )
    try:
        name = await context.connecting.client_name()
    except DatabaseAway:  # nothing is known of the file
        raise
    except CompanionError as error:
        return CLIENT_FILE.failed(error, action=add)
    if name is not None:
        return CLIENT_FILE.ok(f"The practice's Google client is there: {name}.")
    people = context.settings.read().practitioners.values()
    needed = any(each.google.account and not each.google.delegated for each in people)
    if not needed and await context.connecting.delegates():
        what = "Nobody signs in with a Google client: a service account connects everybody."
        return CLIENT_FILE.ok(what)
    return CLIENT_FILE.finding(
        "fail" if needed else "warn",
        "The practice's Google client file has not been added, so nobody can connect.",
        "Add it once.",
        action=add,
    )


async def testing_mode(context: CheckContext) -> Finding | None:
    now = context.clock.now()
    people = [
        each
        for each in context.settings.read().practitioners.values()
        if each.google.account and not each.google.delegated
    ]
    if not people and await context.connecting.delegates():
        return None
    ending = [each for each in people if each.google.ends_at is not None]
    if ending:
        first = min(each.google.ends_at or now for each in ending)
        return TESTING_MODE.warn(
            f'The practice\'s Google app is in "Testing": Google ends {len(ending)} '
            f"sign-in{'s' if len(ending) > 1 else ''}, the first on {first:%d/%m/%Y}.",
            _PUBLISH,
            action=FindingAction(
                label="Connect again", page=f"/practitioner/{ending[0].practitioner.id}"
            ),
        )
    states = await context.ledger.states()
    suspects = [
        each
        for each in people
        if _ended_with_its_week(each.google, _state(states, each)) is not None
    ]
    if suspects:
        return TESTING_MODE.fail(
            "Google ended a sign-in after 7 days, as it does while the practice's Google "
            'app is in "Testing". It will end every other one too.',
            _PUBLISH,
            action=FindingAction(
                label="Connect again", page=f"/practitioner/{suspects[0].practitioner.id}"
            ),
        )
    proven = any(_outlived(each.google, _state(states, each)) for each in people)
    if proven or not people:
        what = (
            "A sign-in has lasted longer than 7 days: the Google app is published."
            if proven
            else "Nobody is connected yet."
        )
        return TESTING_MODE.ok(what)
    begun = [each.google.connected_at for each in people if each.google.connected_at]
    known = max(now, min(begun, default=now) + TESTING_LIFE)
    return TESTING_MODE.finding(
        "ok",
        "All sign-ins are younger than 7 days, so it cannot be told before "
        f'{known:%d/%m/%Y} whether the Google app is still in "Testing".',
        _PUBLISH,
    )


def _state(states: Mapping[str, SyncState], record: PractitionerSettings) -> SyncState:
    return states.get(record.practitioner.id, SyncState())


def _ended_with_its_week(link: GoogleLink, state: SyncState) -> datetime | None:
    trouble = state.trouble
    if trouble is None or trouble.kind != "SignInExpired" or link.connected_at is None:
        return None
    end = link.connected_at + TESTING_LIFE
    last = state.last_success or link.connected_at
    ended = last <= end + _SLACK and trouble.since >= end - _SLACK
    return trouble.since if ended else None


def _outlived(link: GoogleLink, state: SyncState) -> bool:
    if link.connected_at is None or state.last_success is None:
        return False
    return state.last_success > link.connected_at + TESTING_LIFE + _SLACK


async def sign_in(context: CheckContext, record: PractitionerSettings) -> Iterable[Finding]:
    """*Test Credentials*, the permissions, and the calendar."""
    person, topic = record.practitioner, _about(record, "sign-in", "Sign-in of")
    connect = FindingAction(
        label="Connect to Google",
        page=f"/practitioner/{person.id}"
        if record.google.delegated
        else f"/oauth/start/{person.id}",
        command=f'run.py google connect "{person.id}"',
    )
    if not record.choices.enabled:
        return [topic.ok("Google Calendar sync is switched off, so it is not tried.")]
    tested = await context.connecting.test(person.id)
    if isinstance(tested.error, Offline) and await no_network(context):
        return []
    client_id = await context.connecting.client_id()
    found = [
        topic.finding(
            "ok" if tested.ok else "fail",
            f"{tested.label}. {tested.what}",
            " ".join(tested.remedies[:1]),
            action=None if tested.ok else connect,
        ),
        # A service account has what it asked for, or nothing.
        *([] if record.google.delegated else [_permissions(record, connect, client_id)]),
    ]
    if tested.ok:
        found.append(await _calendar(context, record, connect))
    elsewhere = stopped(await context.ledger.state(person.id), person.timezone)
    if elsewhere is not None:
        keep = FindingAction(
            label="Decide which computer",
            page=f"/practitioner/{person.id}",
            command=f'run.py google take-over "{person.id}"',
        )
        two = _about(record, "writer", "Two computers for")
        found.append(two.failed(elsewhere, action=keep))
    return found


def _permissions(record: PractitionerSettings, connect: FindingAction, client_id: str) -> Finding:
    link, topic = record.google, _about(record, "scopes", "Permissions of")
    choice = (
        CalendarChoice(kind="existing", calendar_id=link.calendar_id)
        if link.calendar_id
        else CalendarChoice(kind="new", look=False)
    )
    lacking = missing(scopes_for(choice, link, client_id=client_id), link.scopes)
    if not lacking:
        return topic.ok("Google gave the permission that is needed, and no more.")
    return topic.fail(
        "Google was not given permission for the calendar.",
        "Connect again and leave the calendar box ticked on Google's page.",
        action=connect,
    )


async def _calendar(
    context: CheckContext, record: PractitionerSettings, connect: FindingAction
) -> Finding:
    person, link = record.practitioner, record.google
    topic = _about(record, "calendar", "Calendar of")
    page = FindingAction(
        label="Choose a calendar",
        page=f"/practitioner/{person.id}",
        command=f'run.py google check "{person.id}"',
    )
    if not link.calendar_id:
        what, remedy = "No calendar has been chosen yet.", "Choose one, or let us create a new one."
        return topic.fail(what, remedy, action=page)
    try:
        remote = await context.google.calendar(person.id, link.calendar_id)
        info = await remote.info()
    except (SignInExpired, SignInError, ScopeMissing) as error:
        return topic.failed(error, action=connect)
    except (Offline, TransientError) as error:
        return topic.warn(error.what, error.remedy)
    except DatabaseAway:
        raise
    except CompanionError as error:
        return topic.failed(error, action=page)
    if info.access_role not in {"owner", "writer"}:
        return topic.fail(
            "The calendar can be read, but this account may not write to it.",
            "Choose a calendar of its own, or let us create a new one.",
            action=page,
        )
    return topic.ok("It is there, and may be written to.")
