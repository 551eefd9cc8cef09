"""Google in memory: faithful in ids, tombstones, ETags, scopes and accounts, with faults on demand.

`FakeRemoteCalendar` is one calendar; `FakeGoogle` is the gateway with its accounts, sign-ins and
calendars. Both pass the contract suites that the real adapter passes against the simulator.

Breaking it: `fail_next(error)` fails whole calls before anything happened, `lose_answers(n)`
commits and then loses the answer, `die_after(parts)` commits the first parts of a batch and loses
everything, `fail_parts[event_id] = error` refuses one event until taken out again. `hook`, when
set, is awaited around every call with ("before" | "after", name): tests crash there.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from companion.domain.errors import (
    BadInput,
    CalendarGone,
    ClientFileMissing,
    CompanionError,
    DelegationRefused,
    EventGone,
    IdInUse,
    Offline,
    PermissionDenied,
    PreconditionFailed,
    RemoteError,
    RequestRefused,
    ScopeMissing,
    SignInDenied,
    SignInError,
    SignInExpired,
)
from companion.domain.events import EPOCH, BusyStatus, CalendarEvent, Content
from companion.domain.keepers import MARK, NOBODY, UNSTAMPED, Keeper, Stamp
from companion.domain.reconcile import ObservedEvent
from companion.services.ports import (
    Assumption,
    CalendarInfo,
    ClientFile,
    DeleteEvent,
    InsertEvent,
    MarkedCalendar,
    MarkedEvent,
    PatchEvent,
    SecretStore,
    SignedIn,
    SignInRequest,
    Write,
)

Hook = Callable[[str, str], Awaitable[None]]
_ID_CHARACTERS = frozenset("0123456789abcdefghijklmnopqrstuv")
MOST_WRITES = 50


@dataclass(slots=True, kw_only=True)
class StoredEvent:
    event_id: str
    key: str
    """Empty for an event that is not ours."""
    mark: str
    content: Content
    style: str
    etag: str
    deleted: bool = False
    stamp: Stamp = UNSTAMPED
    changed_at: datetime = EPOCH


@dataclass(slots=True, kw_only=True)
class FakeRemoteCalendar:
    """A RemoteCalendar without a network."""

    now: Callable[[], datetime] = lambda: datetime(2026, 3, 2, 9, tzinfo=UTC)
    id: str = "calendar@example.com"
    name: str = "Appointments"
    timezone: str = "Australia/Sydney"
    access_role: str = "owner"
    events: dict[str, StoredEvent] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    """HTTP requests by name: ``write``, ``get``, ``list``, ``info``."""
    parts: Counter[str] = field(default_factory=Counter)
    """Single writes that reached Google: ``insert``, ``patch``, ``delete``."""
    writes: list[Write] = field(default_factory=list)
    """Every single write that reached Google, in order."""
    sizes: list[int] = field(default_factory=list)
    """How many writes each call carried."""
    gone: bool = False
    refusing: RemoteError | None = None
    """Raised by every call while set (SignInExpired, AccountParked …)."""
    fail_parts: dict[str, RemoteError] = field(default_factory=dict)
    hook: Hook | None = None
    keeps: Callable[[Content], Content] = lambda content: content
    """What Google makes of the content it is sent."""
    _next_failures: deque[RemoteError] = field(default_factory=deque)
    _lost_answers: int = 0
    _die_after: int | None = None
    _changes: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _keeper: Keeper = NOBODY
    """As whom the call under way writes."""

    # Faults

    def fail_next(self, *errors: RemoteError) -> None:
        """The next calls fail with these, one each, before anything is done."""
        self._next_failures.extend(errors)

    def lose_answers(self, count: int = 1) -> None:
        """The next `count` writing calls commit everything; then the connection drops."""
        self._lost_answers += count

    def die_after(self, parts: int) -> None:
        """The next writing call commits its first `parts` writes; then the connection drops."""
        self._die_after = parts

    # What people do in Google

    def live(self) -> list[StoredEvent]:
        return [event for event in self.events.values() if not event.deleted]

    def ours(self) -> list[StoredEvent]:
        return [event for event in self.live() if event.mark == MARK]

    def person_adds(self, event_id: str, content: Content) -> None:
        self.events[event_id] = StoredEvent(
            event_id=event_id, key="", mark="", content=content, style="", etag=self._etag()
        )

    def person_deletes(self, event_id: str) -> None:
        event = self.events[event_id]
        event.deleted = True
        self._changed(event)

    def person_edits(
        self,
        event_id: str,
        *,
        summary: str | None = None,
        start: datetime | date | None = None,
        end: datetime | date | None = None,
        style: str | None = None,
    ) -> None:
        event = self.events[event_id]
        was = event.content
        event.content = replace(
            was,
            summary=was.summary if summary is None else summary,
            start=start or was.start,
            end=end or was.end,
        )
        event.style = event.style if style is None else style
        self._changed(event)

    def purge_tombstones(self) -> None:
        """Google forgets deleted events in its own time; their ids become free."""
        self.events = {key: each for key, each in self.events.items() if not each.deleted}

    # RemoteCalendar

    async def write(
        self, writes: Sequence[Write], keeper: Keeper = NOBODY
    ) -> Sequence[ObservedEvent | RemoteError | None]:
        if len(writes) > MOST_WRITES:
            raise ValueError(f"{len(writes)} writes in one call")
        if not writes:
            return []
        await self._called("write")
        self.sizes.append(len(writes))
        if self.access_role not in {"owner", "writer"}:
            return [PermissionDenied() for _ in writes]
        last, self._die_after = self._die_after, None
        self._keeper = keeper
        answers = [self._write(write) for write in writes[:last]]
        if last is not None:
            raise Offline(detail="died in the middle")
        if self._lost_answers:
            self._lost_answers -= 1
            raise Offline(detail="answer lost")
        await self._answered("write")
        return answers

    async def get(self, event_id: str, keeper: Keeper = NOBODY) -> ObservedEvent | None:
        await self._called("get")
        event = self.events.get(event_id)
        await self._answered("get")
        return None if event is None else self._observed(event, keeper.marks)

    async def list_ours(
        self,
        start: datetime | None,
        end: datetime | None,
        *,
        since: datetime | None = None,
        keeper: Keeper = NOBODY,
    ) -> list[ObservedEvent]:
        await self._called("list")
        found = [
            self._observed(event, keeper.marks)
            for event in self.live()
            if event.mark in keeper.marks and (since is None or event.changed_at >= since)
        ]
        await self._answered("list")
        return [
            event
            for event in found
            if (end is None or event.begins < end) and (start is None or event.ends > start)
        ]

    async def marked_events(self) -> list[MarkedEvent]:
        await self._called("marked")
        found = [
            MarkedEvent(
                event_id=each.event_id,
                mark=each.mark,
                key=each.key,
                stamp=each.stamp,
                changed_at=each.changed_at,
            )
            for each in self.live()
            if each.mark
        ]
        await self._answered("marked")
        return found

    async def info(self) -> CalendarInfo:
        await self._called("info")
        await self._answered("info")
        return CalendarInfo(
            id=self.id, name=self.name, access_role=self.access_role, timezone=self.timezone
        )

    # Parts

    async def _called(self, name: str) -> None:
        self.calls[name] += 1
        await asyncio.sleep(0)
        if self.hook is not None:
            await self.hook("before", name)
        if self._next_failures:
            raise self._next_failures.popleft()
        if self.refusing is not None:
            raise self.refusing
        if self.gone and name != "write":
            raise CalendarGone

    async def _answered(self, name: str) -> None:
        await asyncio.sleep(0)
        if self.hook is not None:
            await self.hook("after", name)

    def _write(self, write: Write) -> ObservedEvent | RemoteError | None:
        if self.gone:
            return CalendarGone()
        refusal = self.fail_parts.get(write.event_id)
        if refusal is not None:
            return refusal
        self.writes.append(write)
        match write:
            case InsertEvent():
                self.parts["insert"] += 1
                return self._insert(write)
            case PatchEvent():
                self.parts["patch"] += 1
                return self._patch(write)
            case DeleteEvent():
                self.parts["delete"] += 1
                event = self.events.get(write.event_id)
                if event is not None and not event.deleted:
                    self.person_deletes(write.event_id)
                return None

    def _insert(self, write: InsertEvent) -> ObservedEvent | RemoteError:
        if not 5 <= len(write.event_id) <= 1024 or not set(write.event_id) <= _ID_CHARACTERS:
            return RequestRefused(detail="400 invalid id")
        if write.event_id in self.events:
            return IdInUse()
        stored = StoredEvent(
            event_id=write.event_id,
            key=write.event.key,
            mark=self._keeper.mark,
            content=self.keeps(_trimmed(write.event)),
            style=write.event.style,
            etag="",
            stamp=self._keeper.stamp(self.now()),
        )
        self.events[write.event_id] = stored
        self._changed(stored)
        return self._observed(stored, self._keeper.marks)

    def _patch(self, write: PatchEvent) -> ObservedEvent | RemoteError:
        stored = self.events.get(write.event_id)
        if stored is not None and write.if_match and write.if_match != stored.etag:
            return PreconditionFailed()
        if stored is None or stored.deleted:
            return EventGone()
        stored.content = self.keeps(_trimmed(write.event))
        stored.key, stored.mark = write.event.key, self._keeper.mark
        stored.stamp = self._keeper.stamp(self.now())
        if write.style:
            stored.style = write.event.style
        self._changed(stored)
        return self._observed(stored, self._keeper.marks)

    def _changed(self, event: StoredEvent) -> None:
        event.etag, event.changed_at = self._etag(), self.now()

    def _etag(self) -> str:
        return f'"{next(self._changes)}"'

    def _observed(self, event: StoredEvent, marks: Collection[str]) -> ObservedEvent:
        return ObservedEvent(
            event_id=event.event_id,
            key=event.key if event.mark in marks else "",
            etag=event.etag,
            content=event.content,
            style=event.style,
            timezone=self.timezone,
            deleted=event.deleted,
            stamp=event.stamp,
        )


@dataclass(frozen=True, slots=True)
class KeptCalendar:
    """A RemoteCalendar: a calendar as one installation reads and writes it."""

    held: Any
    """A FakeRemoteCalendar."""
    keeper: Keeper

    async def write(self, writes: Sequence[Write]) -> Sequence[ObservedEvent | RemoteError | None]:
        answers: Sequence[ObservedEvent | RemoteError | None]
        answers = await self.held.write(writes, self.keeper)
        return answers

    async def get(self, event_id: str) -> ObservedEvent | None:
        seen: ObservedEvent | None = await self.held.get(event_id, self.keeper)
        return seen

    async def list_ours(
        self, start: datetime | None, end: datetime | None, *, since: datetime | None = None
    ) -> list[ObservedEvent]:
        listed: list[ObservedEvent]
        listed = await self.held.list_ours(start, end, since=since, keeper=self.keeper)
        return listed

    async def marked_events(self) -> list[MarkedEvent]:
        found: list[MarkedEvent] = await self.held.marked_events()
        return found

    async def info(self) -> CalendarInfo:
        told: CalendarInfo = await self.held.info()
        return told


def _trimmed(event: CalendarEvent) -> Content:
    """Google keeps titles and places without outer blanks."""
    content = event.content
    return replace(content, summary=content.summary.strip(), location=content.location.strip())


def content(
    summary: str = "Dentist",
    *,
    start: datetime | date = datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
    end: datetime | date = datetime(2026, 3, 2, 10, 0, tzinfo=UTC),
) -> Content:
    """An event's content, for `person_adds`."""
    return Content(
        start=start,
        end=end,
        summary=summary,
        location="",
        description="",
        availability=BusyStatus.BUSY,
        private=False,
    )


# ── the gateway ───────────────────────────────────────────────────────────────────────────────

APP_CREATED = "https://www.googleapis.com/auth/calendar.app.created"
EVENTS_OWNED = "https://www.googleapis.com/auth/calendar.events.owned"
EVENTS = "https://www.googleapis.com/auth/calendar.events"
CALENDAR_LIST = "https://www.googleapis.com/auth/calendar.calendarlist.readonly"


@dataclass(slots=True, kw_only=True)
class FakeGoogle:
    """A Google gateway: give it the same SecretStore as the service under test."""

    secrets: SecretStore
    now: Callable[[], datetime] = lambda: datetime(2026, 3, 2, 9, tzinfo=UTC)
    calendars_by_id: dict[str, FakeRemoteCalendar] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    """Calendar id to the account that owns it."""
    guests: dict[str, set[str]] = field(default_factory=dict)
    """Calendar id to accounts with whom it is shared."""
    made_by_us: set[str] = field(default_factory=set)
    makers: dict[str, str] = field(default_factory=dict)
    """Calendar id to the client that made it: the scope `calendar.app.created` reaches its own."""
    authorised: set[str] = field(default_factory=lambda: {APP_CREATED, CALENDAR_LIST})
    """Scopes of the service account, in the Admin console."""
    strangers: set[str] = field(default_factory=set)
    """Logins that the Workspace does not know."""
    minted: list[str] = field(default_factory=list)
    """Logins for which a token was asked for, in order."""
    marks: dict[str, str] = field(default_factory=dict)
    """Mark to the calendar that bears it."""
    revoked: set[str] = field(default_factory=set)
    """Accounts whose consent was withdrawn: as at Google, all tokens of an account die at once."""
    revocations: list[str] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    fail_create: RemoteError | None = None
    create_loses_answer: bool = False
    out_of_reach: type[CompanionError] = ScopeMissing
    """What Google answers for a calendar that the permission does not extend to."""
    offline: bool = False
    assumptions: Sequence[Assumption] = (Assumption(id="own-id", assumed="An id is kept."),)
    """What a self-test finds."""
    hook: Hook | None = None
    """Awaited around the calls of the gateway, and of calendars it makes."""
    creations: int = 0
    _consents: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    # What people do in Google

    def add_calendar(
        self, calendar_id: str, owner: str, *, name: str = "Work", access_role: str = "owner"
    ) -> FakeRemoteCalendar:
        made = FakeRemoteCalendar(now=self.now, id=calendar_id, name=name, access_role=access_role)
        self.calendars_by_id[calendar_id] = made
        self.owners[calendar_id] = owner
        return made

    def consent(self, url: str, account: str, *, untick: Sequence[str] = ()) -> str:
        """A person allows at Google; returns the address Google sends the browser back to."""
        asked = {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}
        code = f"code-{next(self._numbers)}"
        granted = tuple(each for each in asked["scope"].split() if each not in untick)
        self._consents[code] = (account, granted)
        self.revoked.discard(account)
        answer = urlencode({"state": asked["state"], "code": code, "scope": " ".join(granted)})
        return f"{asked['redirect_uri']}?{answer}"

    def refuse(self, url: str) -> str:
        """A person presses Cancel at Google."""
        asked = {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}
        answer = urlencode({"state": asked["state"], "error": "access_denied"})
        return f"{asked['redirect_uri']}?{answer}"

    # Google

    def check_client(self, content: bytes) -> ClientFile:
        try:
            document = json.loads(content)
            key = document.get("type") == "service_account"
            said = document if key else document["installed"]
            name = str(said["project_id"])
        except (ValueError, KeyError, TypeError, AttributeError) as err:
            raise BadInput("This is not a Google client file.", field="file") from err
        return ClientFile(
            service_account=str(said["client_email"]) if key else "",
            name=name,
            client_id=str(said.get("client_id", name)),
            token_uri=str(said.get("token_uri", "")),
            digest=json.dumps(said, sort_keys=True),
        )

    async def begin_sign_in(
        self, *, redirect_uri: str, scopes: Sequence[str], login: str
    ) -> SignInRequest:
        if await self.secrets.get("google/client") is None:
            raise ClientFileMissing
        state = f"state-{next(self._numbers)}"
        query = urlencode(
            {
                "redirect_uri": redirect_uri,
                "scope": " ".join(scopes),
                "state": state,
                "login_hint": login,
            }
        )
        return SignInRequest(
            url=f"https://accounts.example/auth?{query}",
            state=state,
            code_verifier="verifier",
            redirect_uri=redirect_uri,
            scopes=tuple(scopes),
        )

    async def finish_sign_in(self, request: SignInRequest, response_url: str) -> SignedIn:
        await asyncio.sleep(0)
        if self.offline:
            raise Offline
        await self._at("before", "exchange")
        answer = {key: values[0] for key, values in parse_qs(urlsplit(response_url).query).items()}
        if answer.get("state") != request.state:
            raise SignInError("This answer belongs to another sign-in.")
        if answer.get("error") == "access_denied":
            raise SignInDenied
        consent = self._consents.pop(answer.get("code", ""), None)
        if consent is None:
            raise SignInError
        account, granted = consent
        await self._at("after", "exchange")
        client_id = await self._client_id()
        token = json.dumps(
            {
                "account": account,
                "scopes": list(granted),
                "serial": next(self._numbers),
                "client": client_id,
            }
        )
        return SignedIn(account=account, granted_scopes=granted, token=token, client_id=client_id)

    async def delegate(
        self, practitioner_id: str, *, login: str, scopes: Sequence[str]
    ) -> SignedIn:
        await asyncio.sleep(0)
        key = await self._key()
        if self.offline:
            raise Offline
        self.minted.append(login)
        await self._at("before", "mint")
        if login in self.strangers:
            raise DelegationRefused("Google Workspace knows nobody with this Google Login.")
        if not set(scopes) <= self.authorised:
            raise DelegationRefused("Google Workspace has not authorised the service account.")
        token = {"account": login, "scopes": list(scopes), "delegated": key}
        return SignedIn(
            account=login, granted_scopes=tuple(scopes), token=json.dumps(token), delegated=key
        )

    async def discard(self, signed_in: SignedIn) -> None:
        await asyncio.sleep(0)
        if "delegated" in json.loads(signed_in.token):
            return
        if self.offline:
            raise Offline
        self.revocations.append(signed_in.account)
        self.revoked.add(signed_in.account)

    async def calendar(
        self, practitioner_id: str, calendar_id: str, keeper: Keeper = NOBODY
    ) -> KeptCalendar:
        account, scopes = await self._signed_in(practitioner_id)
        client = await self._maker(practitioner_id)
        found = self.calendars_by_id.get(calendar_id)
        if found is None:
            return KeptCalendar(FakeRemoteCalendar(id=calendar_id, gone=True), keeper)
        owned = self.owners[calendar_id] == account
        reached = (
            EVENTS in scopes
            or (EVENTS_OWNED in scopes and owned)
            or (
                APP_CREATED in scopes
                and owned
                and calendar_id in self.made_by_us
                and self.makers.get(calendar_id, client) == client
            )
        )
        if not reached:
            raise self.out_of_reach()
        return KeptCalendar(found, keeper)

    async def calendars(self, practitioner_id: str) -> list[CalendarInfo]:
        account, scopes = await self._signed_in(practitioner_id)
        if CALENDAR_LIST not in scopes:
            raise ScopeMissing
        return [
            CalendarInfo(
                id=each.id, name=each.name, access_role=each.access_role, timezone=each.timezone
            )
            for each in self.calendars_by_id.values()
            if self.owners[each.id] == account or account in self.guests.get(each.id, ())
        ]

    async def create_calendar(
        self, practitioner_id: str, name: str, timezone: str, mark: str
    ) -> CalendarInfo:
        account, scopes = await self._signed_in(practitioner_id)
        if APP_CREATED not in scopes:
            raise ScopeMissing
        await self._at("before", "create")
        if self.fail_create is not None:
            raise self.fail_create
        self.creations += 1
        calendar_id = f"made-{next(self._numbers)}@group.calendar.google.com"
        made = self.add_calendar(calendar_id, account, name=name)
        made.timezone, made.hook = timezone, self.hook
        self.made_by_us.add(calendar_id)
        self.makers[calendar_id] = await self._maker(practitioner_id)
        self.marks[mark] = calendar_id
        if self.create_loses_answer:
            self.create_loses_answer = False
            raise Offline
        await self._at("after", "create")
        return _info_of(made)

    async def marked_calendars(self, practitioner_id: str) -> list[MarkedCalendar]:
        account, scopes = await self._signed_in(practitioner_id)
        await self._at("before", "find")
        if CALENDAR_LIST not in scopes:
            raise ScopeMissing
        found = [
            MarkedCalendar(info=_info_of(self.calendars_by_id[each]), mark=mark)
            for mark, each in self.marks.items()
            if each in self.calendars_by_id and self.owners[each] == account
        ]
        await self._at("after", "find")
        return found

    async def delete_calendar(self, practitioner_id: str, calendar_id: str) -> None:
        await self._signed_in(practitioner_id)
        self.calendars_by_id.pop(calendar_id, None)

    async def revoke(self, practitioner_id: str) -> None:
        await asyncio.sleep(0)
        if await self._client_of(practitioner_id):
            return
        if self.offline:
            raise Offline
        stored = await self.secrets.get(f"google/token/{practitioner_id}")
        if stored is not None:
            account = str(json.loads(stored)["account"])
            self.revocations.append(account)
            self.revoked.add(account)

    async def forget(self, practitioner_id: str) -> None:
        self.forgotten.append(practitioner_id)

    async def close(self) -> None:
        pass

    async def check_assumptions(
        self, practitioner_id: str, calendar_id: str, tell: Callable[[Assumption], None]
    ) -> list[Assumption]:
        await self._signed_in(practitioner_id)
        assert calendar_id in self.calendars_by_id
        for line in self.assumptions:
            tell(line)
        return list(self.assumptions)

    async def _key(self) -> str:
        """Client id of the service account. Raises ClientFileMissing."""
        stored = await self.secrets.get("google/service-account")
        if stored is None:
            raise ClientFileMissing("The key of the practice's service account is not here.")
        return str(json.loads(stored)["client_id"])

    async def _client_id(self) -> str:
        """Of the practice's Google client."""
        client = await self.secrets.get("google/client")
        return self.check_client(client.encode()).client_id if client else ""

    async def _maker(self, practitioner_id: str) -> str:
        """Client id of whoever speaks for the practitioner."""
        stored = await self.secrets.get(f"google/token/{practitioner_id}")
        return await self._client_of(practitioner_id) or str(json.loads(stored or "{}")["client"])

    async def _client_of(self, practitioner_id: str) -> str:
        """Client id of the service account that speaks for the practitioner; else empty."""
        stored = await self.secrets.get(f"google/token/{practitioner_id}")
        return "" if stored is None else str(json.loads(stored).get("delegated", ""))

    async def _at(self, when: str, name: str) -> None:
        if self.hook is not None:
            await self.hook(when, name)

    async def _signed_in(self, practitioner_id: str) -> tuple[str, tuple[str, ...]]:
        await asyncio.sleep(0)
        if self.offline:
            raise Offline
        stored = await self.secrets.get(f"google/token/{practitioner_id}")
        if stored is None:
            raise SignInExpired("This practitioner is not connected to Google.")
        token = json.loads(stored)
        if "delegated" in token:
            if token["delegated"] != await self._key():
                raise DelegationRefused("The practice's service account was replaced.")
            if token["account"] in self.strangers or not set(token["scopes"]) <= self.authorised:
                raise DelegationRefused
        elif token["account"] in self.revoked:
            raise SignInExpired
        return str(token["account"]), tuple(token["scopes"])


def _info_of(calendar: FakeRemoteCalendar) -> CalendarInfo:
    return CalendarInfo(
        id=calendar.id,
        name=calendar.name,
        access_role=calendar.access_role,
        timezone=calendar.timezone,
    )
