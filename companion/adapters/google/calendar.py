"""GoogleCalendar: the RemoteCalendar port over the Calendar API.

Single changes use PATCH (3 quota units), because it leaves alone what the practitioner touched;
a PUT would cost 1 but needs a read first to do the same. Several writes go as one batch request.

What an answer can leave open is decided here, at the cost of one more call in rare cases:

- a 404 on an event may mean the event or the whole calendar: the calendar is asked for;
- a patch never names `status` (see `wire`); where a live event comes back tentative that should
  not be, or the other way round, the status alone is set, on exactly that version of it;
- a 403 "forbidden" on a patch may mean the calendar, or an event that was deleted and that Google
  will not revive: the event is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from companion.adapters.google import wire
from companion.adapters.google.account import GoogleAccount, Json, Unauthorised, read_json
from companion.adapters.google.delegation import CallCredentials
from companion.adapters.google.errors import Subject, refusal
from companion.adapters.network.answer import HttpAnswer
from companion.domain.calendar_writers import CalendarWriter
from companion.domain.errors import (
    CalendarGone,
    CompanionError,
    EventGone,
    PermissionDenied,
    RemoteUnavailable,
    SignInExpired,
)
from companion.domain.events import BusyStatus
from companion.domain.reconcile import ObservedEvent
from companion.services.ports import (
    CalendarInfo,
    DeleteEvent,
    InsertEvent,
    MarkedEvent,
    PatchEvent,
    Write,
    WriteAnswer,
)

if TYPE_CHECKING:
    from companion.adapters.google.transport import GoogleConnection

MOST_WRITES = 50
PAGE = 2500

Part = HttpAnswer | CompanionError | None
"""What came of one write; None where nothing is known."""
Sent = tuple[CallCredentials, list[HttpAnswer | None]]
"""What the call bore, and the answers of its parts."""


class GoogleCalendar:
    def __init__(
        self,
        account: GoogleAccount,
        calendar_id: str,
        writer: CalendarWriter,
        wall_clock: Callable[[], datetime],
    ) -> None:
        """`wall_clock`: the machine's, whatever clock is rehearsed, for stamps."""
        self._account = account
        self._id = calendar_id
        self._writer = writer
        self._wall_clock = wall_clock
        self._timezone = ""
        """The calendar's, once an answer told it."""

    async def write(self, writes: Sequence[Write]) -> Sequence[WriteAnswer]:
        if len(writes) > MOST_WRITES:
            raise ValueError(f"{len(writes)} writes in one call")
        if not writes:
            return []
        access, parts = await self._send(writes)
        answers: list[Part] = [*parts]
        refused = [
            number for number, part in enumerate(parts) if part is not None and part.status == 401
        ]
        if refused:
            again = await self._again([writes[number] for number in refused], access)
            if len(refused) == len(writes) and isinstance(again[0], SignInExpired):
                raise again[0]
            for number, part in zip(refused, again, strict=True):
                answers[number] = part
        read = [self._read(*pair) for pair in zip(writes, answers, strict=True)]
        return await self._settle(writes, read)

    async def get(self, event_id: str) -> ObservedEvent | None:
        try:
            item = await self._account.ask(
                lambda connection: connection.events.get(
                    calendarId=self._id, eventId=event_id, fields=wire.FIELDS
                ),
                Subject.EVENT,
            )
        except EventGone:
            await self.info()  # raises when it is the calendar that is gone
            return None
        if "date" in (item.get("start") or {}) and not self._timezone:
            await self.info()
        return self._observe(item)

    async def list_ours(
        self, start: datetime | None, end: datetime | None, *, since: datetime | None = None
    ) -> list[ObservedEvent]:
        bounds = {
            name: moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            for name, moment in (("timeMin", start), ("timeMax", end), ("updatedMin", since))
            if moment is not None
        }
        items: list[Json] = []
        for mark in self._writer.marks:
            items += await self._list(
                wire.FIELDS, privateExtendedProperty=f"{wire.MARK}={mark}", **bounds
            )
        return [self._observe(item) for item in items]

    async def marked_events(self) -> list[MarkedEvent]:
        items = await self._list("id,updated,extendedProperties/private")
        return [found for item in items if (found := wire.marked(item)) is not None]

    async def info(self) -> CalendarInfo:
        """By an empty list: unlike `calendars.get`, every scope we ask for allows it, and it shows
        what this account may do in the calendar."""
        page = await self._account.ask(
            lambda connection: connection.events.list(
                calendarId=self._id, maxResults=1, fields="summary,timeZone,accessRole"
            )
        )
        self._timezone = str(page.get("timeZone") or "UTC")
        return CalendarInfo(
            id=self._id,
            name=str(page.get("summary") or ""),
            access_role=str(page.get("accessRole") or ""),
            primary=self._id in {"primary", self._account.email},
            timezone=self._timezone,
        )

    # Writing

    async def _send(self, writes: Sequence[Write]) -> Sent:

        def work(connection: GoogleConnection, access: CallCredentials) -> Sent:
            requests = [self._request(connection, write) for write in writes]
            if len(requests) == 1:
                answer = connection.call(requests[0], access)
                if answer.status == 401:
                    raise Unauthorised
                return access, [answer]
            answers = connection.batch(requests, access)
            if isinstance(answers, list):
                return access, answers
            if answers.status == 401:
                raise Unauthorised
            raise refusal(answers.status, answers.headers, answers.content, Subject.CALENDAR)

        return await self._account.call(work)

    async def _again(self, writes: Sequence[Write], access: CallCredentials) -> Sequence[Part]:
        """Parts of a batch that met an expired token, once more; the others are known."""
        try:
            await self._account.access(refused=access.token)
            return (await self._send(writes))[1]
        except CompanionError as err:
            return [err for _ in writes]

    def _request(self, connection: GoogleConnection, write: Write) -> Any:
        match write:
            case InsertEvent():
                return connection.events.insert(
                    calendarId=self._id,
                    body=wire.new_event(
                        write.event_id, write.event, self._writer, self._wall_clock()
                    ),
                    sendUpdates="none",
                    fields=wire.FIELDS,
                )
            case PatchEvent():
                body = wire.changed_event(
                    write.event, self._writer, self._wall_clock(), style=write.style
                )
                return self._patch(connection, write.event_id, body, write.if_match)
            case DeleteEvent():
                return connection.events.delete(
                    calendarId=self._id, eventId=write.event_id, sendUpdates="none"
                )

    def _patch(self, connection: GoogleConnection, event_id: str, body: Json, if_match: str) -> Any:
        request = connection.events.patch(
            calendarId=self._id,
            eventId=event_id,
            body=body,
            sendUpdates="none",
            fields=wire.FIELDS,
        )
        if if_match:
            request.headers["If-Match"] = if_match
        return request

    def _read(self, write: Write, answer: Part) -> WriteAnswer:
        if answer is None:
            return RemoteUnavailable(detail="a part of the batch was not answered")
        if isinstance(answer, CompanionError):
            return answer
        if not answer.ok:
            subject = Subject.CALENDAR if isinstance(write, InsertEvent) else Subject.EVENT
            return refusal(answer.status, answer.headers, answer.content, subject)
        if isinstance(write, DeleteEvent):
            return None
        try:
            seen = self._observe(read_json(answer), zone=write.event.timezone)
        except RemoteUnavailable as err:
            return err
        return EventGone(detail="deleted") if seen.deleted else seen

    async def _settle(self, writes: Sequence[Write], read: list[WriteAnswer]) -> list[WriteAnswer]:
        if any(isinstance(each, EventGone) and each.detail.startswith("404") for each in read):
            gone = await self._whether_gone()
            if gone is not None:
                return [gone if isinstance(each, EventGone) else each for each in read]
        for number, (write, each) in enumerate(zip(writes, read, strict=True)):
            if isinstance(write, DeleteEvent) and isinstance(each, EventGone):
                read[number] = None  # gone is what we wanted
            elif isinstance(write, PatchEvent) and isinstance(each, PermissionDenied):
                read[number] = await self._why_denied(write, each)
            elif isinstance(write, PatchEvent) and isinstance(each, ObservedEvent):
                tentative = write.event.content.availability is BusyStatus.TENTATIVE
                if tentative != (each.content.availability is BusyStatus.TENTATIVE):
                    read[number] = await self._set_status(write, each)
        return read

    async def _set_status(self, write: PatchEvent, seen: ObservedEvent) -> WriteAnswer:
        body = {"status": wire.status_of(write.event)}
        try:
            item = await self._account.ask(
                lambda connection: self._patch(connection, write.event_id, body, seen.etag),
                Subject.EVENT,
            )
        except CompanionError as err:
            return err
        return self._observe(item, zone=write.event.timezone)

    async def _whether_gone(self) -> CompanionError | None:
        try:
            await self.info()
        except (CalendarGone, PermissionDenied, SignInExpired) as err:
            return err
        except CompanionError:
            return None
        return None

    async def _why_denied(self, write: PatchEvent, denied: CompanionError) -> CompanionError:
        try:
            seen = await self.get(write.event_id)
        except CompanionError:
            return denied
        return EventGone(detail="not revived") if seen is None or seen.deleted else denied

    # Reading

    async def _list(self, fields: str, **parameters: str) -> list[Json]:
        """All pages."""
        items: list[Json] = []
        async for page in self._account.pages(
            lambda connection, token: connection.events.list(
                calendarId=self._id,
                showDeleted=False,
                singleEvents=False,
                maxResults=PAGE,
                pageToken=token,
                fields=f"nextPageToken,timeZone,items({fields})",
                **parameters,
            )
        ):
            self._timezone = str(page.get("timeZone") or "UTC")
            items += page.get("items", ())
        return items

    def _observe(self, item: Json, *, zone: str = "") -> ObservedEvent:
        """`zone` is used for the calendar's, which an answer to a write does not hold."""
        timezone = self._timezone or zone or "UTC"
        return wire.observe(item, marks=self._writer.marks, timezone=timezone)
