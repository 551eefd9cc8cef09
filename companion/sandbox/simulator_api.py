"""SimulatorApi: HTTP requests to API calls of the simulated Google, without a network.

`SimulatorApi.answer` takes an `ApiRequest` and gives a `Reply`; `sockets` carries that out, and a
test can equally do so in-process. Calls must not overlap: threads that share one take
`SimulatorApi.lock`.

The path decides the method, then: bearer token, faults, quota, scope, the method itself, partial
response. Every answer carries `Date` by the simulated clock.
"""

import json
import random
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from urllib.parse import parse_qs, unquote

from companion.sandbox import refusals
from companion.sandbox.access import SCOPES, Caller
from companion.sandbox.batch import read_parts, write_parts
from companion.sandbox.calendars import CalendarPolicy
from companion.sandbox.delegation import Delegation
from companion.sandbox.faults import Fault, Faults
from companion.sandbox.google import MethodCall, SimulatedGoogle
from companion.sandbox.grants import Grants
from companion.sandbox.listing import Parameters
from companion.sandbox.partial import read_mask, select
from companion.sandbox.quotas import Quota
from companion.sandbox.refusals import Json, SimulatedError
from companion.sandbox.wire import ApiRequest, Reply, SimulatedClock, date_header, json_reply

API = "/calendar/v3/"
BATCHES = ("/batch/calendar/v3", "/batch")
_OF_ALL = {"GET": "list", "POST": "insert"}
_OF_ONE = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}

Observer = Callable[["ApiRequest", Caller | None], None]


class SimulatorApi:
    observers: ClassVar[list[Observer]] = []
    """Told of every API request that reaches any simulated Google of this process."""

    def __init__(
        self,
        *,
        base_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        seed: int = 0,
        quota: Quota | None = None,
        policy: CalendarPolicy | None = None,
    ) -> None:
        self.clock = SimulatedClock(base_clock)
        self.google = SimulatedGoogle(now=self.clock, seed=seed, quota=quota, policy=policy)
        self.grants = Grants(
            now=self.clock,
            chance=random.Random(seed + 1),  # noqa: S311 - simulated tokens protect nothing
        )
        self.delegation = Delegation(
            now=self.clock,
            chance=random.Random(seed + 2),  # noqa: S311 - as above
        )
        self.faults = Faults()
        self.latency = 0.0
        """Seconds added to every HTTP request; a batch pays once."""
        self.auto_consent: str | None = None
        """The e-mail that consents to everything by itself, for tests without a browser."""
        self.consent_block: str | None = None
        """One of `oauth.BLOCKS`: what stands in the way of every consent."""
        self.lock = threading.RLock()
        self._date = (0, "")

    def reset(self) -> None:
        """Empties calendars, tokens, counters and faults; accounts, service accounts and settings
        stay."""
        before = self.google
        self.clock.shift = timedelta()
        self.google = SimulatedGoogle(
            now=self.clock,
            seed=before.seed,
            quota=before.meter.quota,
            policy=before.policy,
        )
        for account in before.accounts.values():
            self.google.add_account(account.email, name=account.name, timezone=account.timezone)
        self.grants.forget()
        self.faults.clear()

    def answers(self, path: str) -> bool:
        """Whether the path belongs to the API, rather than to sign-in, pages or control."""
        return path.startswith(API) or path in BATCHES

    def answer(self, request: ApiRequest) -> Reply:
        with self.lock:
            self.google.counts.requests += 1
            for observer in self.observers:
                observer(request, self.caller(request))
            reply = self._answer(request)
            reply.delay += self.latency
            reply.headers.append(("Date", self.date()))
            return reply

    def date(self) -> str:
        now = self.clock()
        second = int(now.timestamp())
        if self._date[0] != second:
            self._date = (second, date_header(now))
        return self._date[1]

    # Whole requests

    def _answer(self, request: ApiRequest) -> Reply:
        caller = self.caller(request)
        fault = self.faults.strike(
            f"{request.method} {request.path}", caller.account if caller else None
        )
        if fault is None:
            return self._serve(request, caller)
        if fault.kind == "half_batch":
            delay = self._serve(request, caller, half=True).delay + fault.ms / 1000
            return Reply(severed=True, delay=delay)
        return fault.carry_out(
            lambda: self._serve(request, caller), lambda: self._refuse(request, caller, fault)
        )

    def _serve(self, request: ApiRequest, caller: Caller | None, *, half: bool = False) -> Reply:
        if request.path in BATCHES:
            return self._batch(request, half=half)
        return self._call(request, caller)

    def _batch(self, request: ApiRequest, *, half: bool) -> Reply:
        if request.method != "POST":
            return _refused(refusals.not_found())
        self.google.counts.batches += 1
        try:
            parts = read_parts(request.headers.get("content-type", ""), request.body)
        except SimulatedError as refusal:
            return _refused(refusal)
        bearer = request.headers.get("authorization")
        answers: list[tuple[str | None, int, Sequence[tuple[str, str]], bytes]] = []
        delay = 0.0
        for part in parts[: len(parts) // 2] if half else parts:
            headers = part.headers
            if bearer is not None and "authorization" not in headers:
                headers = {**headers, "authorization": bearer}
            path, _, query = part.target.partition("?")
            reply = self._part(
                ApiRequest(
                    method=part.method, path=path, query=query, headers=headers, body=part.body
                )
            )
            delay += reply.delay
            if reply.severed:
                return Reply(severed=True, delay=delay)
            answers.append((part.content_id, reply.status, reply.headers, reply.body))
        content_type, body = write_parts(answers)
        return Reply(headers=[("Content-Type", content_type)], body=body, delay=delay)

    def _part(self, request: ApiRequest) -> Reply:
        caller = self.caller(request)
        label = f"batch-part {request.method} {request.path}"
        fault = self.faults.strike(label, caller.account if caller else None)
        if fault is None:
            return self._call(request, caller)
        return fault.carry_out(
            lambda: self._call(request, caller), lambda: self._refuse(request, caller, fault)
        )

    def _refuse(self, request: ApiRequest, caller: Caller | None, fault: Fault) -> Reply:
        """A refusal by rule is an answered call, and counted like one."""
        if caller is not None and request.path not in BATCHES:
            method, calendar, event = route(request.method, request.path)
            asked = MethodCall(caller=caller, method=method, calendar_id=calendar, event_id=event)
            self.google.note(asked, fault.status)
        return _refused(fault.refusal())

    # Single calls

    def caller(self, request: ApiRequest) -> Caller | None:
        """Whose access token the request bears."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return self.grants.caller(token.strip()) if scheme.lower() == "bearer" else None

    def _call(self, request: ApiRequest, caller: Caller | None) -> Reply:
        try:
            if caller is None:
                if "authorization" in request.headers:
                    raise refusals.not_authenticated()
                raise refusals.no_credentials()
            method, calendar, event = route(request.method, request.path)
            parameters: Parameters = (
                parse_qs(request.query, keep_blank_values=True) if request.query else {}
            )
            mask = read_mask(parameters["fields"][-1]) if "fields" in parameters else None
            body = _read_body(request)
            asked = MethodCall(
                caller=caller,
                method=method,
                calendar_id=calendar,
                event_id=event,
                parameters=parameters,
                body=body,
                if_match=request.headers.get("if-match"),
            )
            resource = self.google.perform(asked)
        except SimulatedError as refusal:
            return _refused(refusal)
        return _resource_reply(request, resource, mask)


def _resource_reply(request: ApiRequest, resource: Json | None, mask: Json | None) -> Reply:
    if resource is None:
        return Reply(status=204)
    etag = resource.get("etag")
    named = [] if etag is None else [("ETag", etag)]
    if named and request.method == "GET" and request.headers.get("if-none-match") == etag:
        return Reply(status=304, headers=named)
    return json_reply(resource if mask is None else select(resource, mask), 200, *named)


def route(method: str, path: str) -> tuple[str, str | None, str | None]:
    """The API method with the calendar's and the event's id, or 404."""
    if not path.startswith(API):
        raise refusals.not_found()
    name = ""
    all_of, one_of = _OF_ALL.get(method, ""), _OF_ONE.get(method, "")
    calendar: str | None = None
    event: str | None = None
    match [unquote(piece) for piece in path[len(API) :].split("/")]:
        case ["calendars"]:
            name = f"calendars.{all_of}"
        case ["calendars", calendar]:
            name = f"calendars.{one_of}"
        case ["calendars", calendar, "events"]:
            name = f"events.{all_of}"
        case ["calendars", calendar, "events", event]:
            name = f"events.{one_of}"
        case ["calendars", calendar, "events", event, "instances"]:
            name = "events.instances" if method == "GET" else ""
        case ["users", "me", "calendarList"]:
            name = f"calendarList.{all_of}"
        case ["users", "me", "calendarList", calendar]:
            name = f"calendarList.{one_of}"
    if name not in SCOPES:
        raise refusals.not_found()
    return name, calendar, event


def _read_body(request: ApiRequest) -> Json | None:
    if not request.body:
        return None
    try:
        body = json.loads(request.body)
    except ValueError as err:
        raise refusals.parse_error() from err
    if not isinstance(body, dict):
        raise refusals.parse_error()
    return body


def _refused(refusal: SimulatedError) -> Reply:
    reply = json_reply(refusal.body(), refusal.status)
    if refusal.status == 401:
        reply.headers.append(("WWW-Authenticate", 'Bearer realm="https://accounts.google.com/"'))
    return reply
