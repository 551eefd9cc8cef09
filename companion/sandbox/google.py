"""The simulated Google as a whole: accounts, their calendars, and the API's methods by name.

`SimulatedGoogle.call(caller, "events.insert", …)` is what one HTTP request comes to, without
HTTP: quota, then scope, then access, then the method; it returns the resource or raises
`SimulatedError`. It is deterministic given its clock and seed and cheap to make, so a battery of
tests can use thousands of them in one process. It is not thread-safe: the server holds a lock.
"""

import copy
import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from companion.sandbox import access, refusals
from companion.sandbox.access import Caller
from companion.sandbox.calendar_list import list_calendars, list_entry, resource, timezone_of
from companion.sandbox.calendars import Calendar, CalendarPolicy
from companion.sandbox.listing import (
    Parameters,
    list_events,
    list_instances,
    one,
    wanted_zone,
)
from companion.sandbox.quotas import Meter, Quota
from companion.sandbox.refusals import Json, SimulatedError

LONGEST_LOG = 200_000
LONGEST_QUOTA_USER = 40


_TOO_FRESH = {403: refusals.forbidden, 404: refusals.not_found, 503: refusals.backend_error}
_OUT_OF_REACH = {
    "insufficientPermissions": refusals.insufficient_scope,
    "forbidden": refusals.forbidden,
    "notFound": refusals.not_found,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedGoogleAccount:
    email: str
    name: str
    timezone: str
    subject: str
    """Google's `sub`: the account's number, which never changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedCall:
    """One API call as the server saw it, refused ones included."""

    at: datetime
    account: str
    method: str
    calendar: str | None
    event: str | None
    status: int


@dataclass(slots=True)
class Counts:
    methods: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    """"events.insert 409" and the like."""
    accounts: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    """HTTP requests; a batch is one."""
    batches: int = 0
    mailing: int = 0
    """Writes of events that did not forbid Google to e-mail guests."""
    log: deque[LoggedCall] = field(default_factory=lambda: deque(maxlen=LONGEST_LOG))

    @property
    def calls(self) -> int:
        return self.methods.total()

    def clear(self) -> None:
        self.methods.clear()
        self.answers.clear()
        self.accounts.clear()
        self.log.clear()
        self.requests = self.batches = self.mailing = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodCall:
    """One API call, its parts already separated."""

    caller: Caller
    method: str
    calendar_id: str | None = None
    event_id: str | None = None
    parameters: Parameters = field(default_factory=dict)
    body: Json | None = None
    if_match: str | None = None


class SimulatedGoogle:
    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        seed: int = 0,
        quota: Quota | None = None,
        policy: CalendarPolicy | None = None,
    ) -> None:
        self.now = now
        self.seed = seed
        self.chance = random.Random(seed)  # noqa: S311 - reproducible ids, no secret
        self.meter = Meter(quota or Quota())
        self.policy = policy or CalendarPolicy()
        self.counts = Counts()
        self.accounts: dict[str, SimulatedGoogleAccount] = {}
        self.calendars: dict[str, Calendar] = {}

    # People and calendars, as they stand before a program comes along

    def add_account(self, email: str, *, name: str, timezone: str) -> SimulatedGoogleAccount:
        """A new account with its primary calendar, whose id is the address."""
        account = SimulatedGoogleAccount(
            email=email,
            name=name,
            timezone=timezone,
            subject=str(self.chance.randrange(10**20, 10**21)),
        )
        self.accounts[email] = account
        self.add_calendar(email, email, calendar_id=email, timezone=timezone, primary=True)
        return account

    def add_calendar(
        self,
        owner: str,
        summary: str,
        *,
        calendar_id: str | None = None,
        timezone: str | None = None,
        description: str | None = None,
        created_by: str | None = None,
        primary: bool = False,
    ) -> Calendar:
        if calendar_id is None:
            calendar_id = f"c_{self.chance.randbytes(32).hex()}@group.calendar.google.com"
        calendar = Calendar(
            id=calendar_id,
            summary=summary,
            description=description,
            timezone=timezone or self.accounts[owner].timezone,
            owner=owner,
            now=self.now,
            chance=self.chance,
            policy=self.policy,
            created_by=created_by,
            primary=primary,
            readers={owner: "owner"},
        )
        self.calendars[calendar_id] = calendar
        return calendar

    def share(self, calendar_id: str, email: str, role: str) -> None:
        """Gives *email* the role reader, writer or owner."""
        self.calendars[calendar_id].readers[email] = role

    def unshare(self, calendar_id: str, email: str) -> None:
        self.calendars[calendar_id].readers.pop(email, None)

    def remove_calendar(self, calendar_id: str) -> None:
        del self.calendars[calendar_id]

    def events(self, calendar_id: str, *, deleted: bool = False) -> list[Json]:
        """A copy of everything in a calendar, uncounted: the test's own view."""
        return [
            copy.deepcopy(event.wire)
            for event in self.calendars[calendar_id].events.values()
            if deleted or not event.cancelled
        ]

    # The API

    def call(
        self,
        caller: Caller,
        method: str,
        parameters: Json | None = None,
        body: Json | None = None,
        *,
        if_match: str | None = None,
    ) -> Json | None:
        """One API call in-process; the answer and the body are copies, as over a network.

        *parameters* hold the path and query parameters under Google's names; a list repeats.
        """
        spread = {
            key: [_text(item) for item in (value if isinstance(value, list) else [value])]
            for key, value in (parameters or {}).items()
        }
        asked = MethodCall(
            caller=caller,
            method=method,
            calendar_id=one(spread, "calendarId"),
            event_id=one(spread, "eventId"),
            parameters=spread,
            body=copy.deepcopy(body),
            if_match=if_match,
        )
        return copy.deepcopy(self.perform(asked))

    def perform(self, asked: MethodCall) -> Json | None:
        """As `call`, with nothing copied."""
        if asked.calendar_id == "primary":
            asked = replace(asked, calendar_id=asked.caller.account)
        status = 200
        try:
            return self._answer(asked)
        except SimulatedError as refusal:
            status = refusal.status
            raise
        finally:
            self.note(asked, status)
            if asked.method in access.EVENT_WRITES:
                self.counts.mailing += one(asked.parameters, "sendUpdates") != "none"

    def note(self, asked: MethodCall, status: int) -> None:
        counts, account = self.counts, asked.caller.account
        counts.methods[asked.method] += 1
        counts.answers[f"{asked.method} {status}"] += 1
        counts.accounts[account] += 1
        counts.log.append(
            LoggedCall(
                at=self.now(),
                account=account,
                method=asked.method,
                calendar=asked.calendar_id,
                event=asked.event_id,
                status=status,
            )
        )

    def _answer(self, asked: MethodCall) -> Json | None:
        caller, method, parameters = asked.caller, asked.method, asked.parameters
        now = self.now().timestamp()
        written = asked.calendar_id if method in access.EVENT_WRITES else None
        user = one(parameters, "quotaUser") or caller.charged
        if len(user) > LONGEST_QUOTA_USER:
            raise refusals.invalid("Invalid value for: quotaUser", "quotaUser")
        self.meter.charge(caller.account, method, now, calendar=written, user=user)
        useful = access.check_method(caller, method)
        if method == "calendars.insert":
            return self._insert_calendar(caller, asked.body or {}, now)
        if method == "calendarList.list":
            return list_calendars(self.calendars.values(), caller, useful, parameters)
        calendar = self.calendars.get(asked.calendar_id or "")
        if calendar is None or caller.account not in calendar.readers:
            raise refusals.not_found()
        if calendar.opens_at is not None and self.now() < calendar.opens_at:
            refuse = _TOO_FRESH[self.policy.fresh_calendar_status]
            raise refuse()
        if not access.reaches(caller, useful, calendar):
            refuse = _OUT_OF_REACH[self.policy.out_of_reach]
            raise refuse()
        access.check_role(caller, calendar, method)
        if not method.startswith("events."):
            return self._calendar_method(caller, method, calendar, asked.body or {})
        if method == "events.list":
            answer = list_events(calendar, parameters)
            answer["accessRole"] = calendar.readers[caller.account]
            return answer
        return self._event_method(asked, calendar)

    def _event_method(self, asked: MethodCall, calendar: Calendar) -> Json | None:
        account, method, if_match = asked.caller.account, asked.method, asked.if_match
        event_id, body = asked.event_id or "", asked.body or {}
        if method == "events.insert":
            self.meter.check_creation(account, "events", self.now().timestamp())
            made = calendar.insert(body, account).wire
            self.meter.note_creation(account, "events")
            return made
        if method == "events.update":
            return calendar.update(event_id, body, if_match=if_match).wire
        if method == "events.patch":
            return calendar.patch(event_id, body, if_match=if_match).wire
        if method == "events.delete":
            calendar.delete(event_id, if_match=if_match)
            return None
        if method == "events.instances":
            return list_instances(calendar, event_id, asked.parameters)
        event = calendar.get(event_id)
        zone = wanted_zone(asked.parameters)
        return event.wire if zone is None else calendar.render(event, zone)

    # Calendars

    def _insert_calendar(self, caller: Caller, body: Json, now: float) -> Json:
        summary = body.get("summary")
        if not isinstance(summary, str) or not summary.strip():
            raise refusals.required("Missing title.")
        self.meter.check_creation(caller.account, "calendars", now)
        # Google makes a calendar in UTC when no zone is given.
        timezone = timezone_of(body) or "UTC"
        calendar = self.add_calendar(
            caller.account,
            summary,
            timezone=timezone,
            description=body.get("description") or None,
            created_by=caller.client_id,
        )
        if self.policy.fresh_calendar_seconds:
            calendar.opens_at = self.now() + timedelta(seconds=self.policy.fresh_calendar_seconds)
        self.meter.note_creation(caller.account, "calendars")
        return resource(calendar)

    def _calendar_method(
        self, caller: Caller, method: str, calendar: Calendar, body: Json
    ) -> Json | None:
        if method == "calendarList.get":
            return list_entry(caller, calendar)
        if method == "calendars.delete":
            if calendar.primary:
                raise refusals.primary_calendar()
            self.remove_calendar(calendar.id)
            return None
        if method in {"calendars.patch", "calendars.update"}:
            summary = body.get("summary", calendar.summary if method.endswith("patch") else None)
            if not isinstance(summary, str) or not summary.strip():
                raise refusals.required("Missing title.")
            timezone = timezone_of(body)
            calendar.summary = summary
            if "description" in body or method == "calendars.update":
                calendar.description = body.get("description") or None
            if timezone is not None and timezone != calendar.timezone:
                calendar.set_timezone(timezone)
            calendar.settings_revision += 1
        return resource(calendar)


def _text(value: object) -> str:
    """A parameter as the client library would write it into an address."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
