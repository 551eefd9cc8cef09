"""The self-test: what this program assumes of Google Calendar, tried on a calendar of its own.

Each check sends the requests that the sync sends, made by the same code (`wire`), and compares the
answer with what the sync relies on. A check that cannot be finished names the error in the place
of the answer; the others go on.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from companion.adapters.google import wire
from companion.adapters.google.account import GoogleAccount, Json, Unauthorised
from companion.adapters.google.delegation import CallCredentials
from companion.adapters.google.errors import Subject, refusal
from companion.adapters.network.answer import HttpAnswer
from companion.domain.calendar_writers import CalendarWriter
from companion.domain.errors import CompanionError, RateLimited, SignInExpired
from companion.domain.events import CalendarEvent
from companion.domain.wording import DESCRIPTION_LIMIT, LOCATION_LIMIT, SUMMARY_LIMIT
from companion.services.ports import Assumption, Clock

if TYPE_CHECKING:
    from companion.adapters.google.transport import GoogleConnection

WRITER = CalendarWriter(id="selftest", marks=("companion-selftest",))
OPENS_WITHIN = 30.0
"""Seconds that connecting waits for a fresh calendar."""
_WAITED_AT_MOST = 90.0
_BURST = 50
_ZONE = "Australia/Sydney"
_START = datetime(2030, 3, 4, 0, 0, tzinfo=UTC)
Make = Callable[["GoogleConnection"], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    body: Json
    reason: str

    @property
    def short(self) -> str:
        return f"{self.status} {self.reason}".strip()


class CalendarSelfTest:
    def __init__(self, account: GoogleAccount, calendar_id: str, clock: Clock) -> None:
        self._account = account
        self._calendar = calendar_id
        self._clock = clock
        self._made = 0

    async def run(self, tell: Callable[[Assumption], None]) -> list[Assumption]:
        """The calendar must be empty and is not removed here."""
        lines: list[Assumption] = []
        for name, assumed, check in self._checks():
            try:
                wrong = await check()
            except CompanionError as error:
                wrong = f"no answer to judge: {error.what}"
            lines.append(Assumption(id=name, assumed=assumed, came=wrong))
            tell(lines[-1])
        return lines

    def _checks(self) -> Sequence[tuple[str, str, Callable[[], Awaitable[str]]]]:
        """Id, what is assumed, and the check; it gives what came instead, empty when as assumed."""
        return (
            ("fresh-calendar", "A new calendar answers within 30 seconds.", self._fresh),
            ("own-id", "An event keeps the id we give it.", self._own_id),
            ("id-in-use", "The same id again is refused with 409.", self._id_in_use),
            ("bad-id", "An id with other characters is refused with 400.", self._bad_id),
            ("utc-times", "Times sent in UTC come back as the same moments.", self._utc_times),
            ("stale-etag", "A change of an outdated version is refused with 412.", self._stale),
            ("style", "Colour and reminder are kept, and a patch leaves them.", self._style),
            (
                "null-patch",
                "A patch turns a timed event into an all-day one and back.",
                self._nulls,
            ),
            ("properties", "Private properties are kept, and searched with AND.", self._properties),
            ("paging", "A list comes in pages that hold each event once.", self._paging),
            ("title-limit", f"A title of {SUMMARY_LIMIT} characters is kept.", self._title),
            ("place-limit", f"A place of {LOCATION_LIMIT} characters is kept.", self._place),
            (
                "notes-limit",
                f"A description of {DESCRIPTION_LIMIT} characters is kept.",
                self._description,
            ),
            ("tombstone", "A deleted event is still known, as cancelled.", self._tombstone),
            ("deleted-id", "The id of a deleted event stays in use (409).", self._deleted_id),
            ("deleted-again", "Deleting again answers 410.", self._deleted_again),
            ("deleted-patch", "A patch does not bring a deleted event back.", self._deleted_patch),
            ("deleted-unlisted", "A deleted event is not listed.", self._deleted_unlisted),
            ("unknown-id", "Deleting an unknown id answers 404.", self._unknown),
            ("batch", "A batch answers in order, each part for itself.", self._batch),
            ("rate", f"{_BURST} calls at once are answered, or refused as too fast.", self._rate),
        )

    # ── the checks ────────────────────────────────────────────────────────────────────────────

    async def _fresh(self) -> str:
        began = self._clock.monotonic()
        while True:
            answer = await self._send(self._list)
            seconds = self._clock.monotonic() - began
            if answer.status == 200:
                return "" if seconds <= OPENS_WITHIN else f"it took {seconds:.0f} seconds"
            if seconds >= _WAITED_AT_MOST:
                return f"after {seconds:.0f} seconds it still answers {answer.short}"
            await self._clock.sleep(2.0)

    async def _own_id(self) -> str:
        event_id, answer = await self._inserted()
        return _status(answer, 200) or _equal(answer.body.get("id"), event_id)

    async def _id_in_use(self) -> str:
        event_id, _ = await self._inserted()
        return _status(await self._insert(event_id, self._event()), 409)

    async def _bad_id(self) -> str:
        return _status(await self._insert("wxyz-WXYZ", self._event()), 400)

    async def _utc_times(self) -> str:
        _, answer = await self._inserted()
        seen = wire.observe(answer.body, marks=WRITER.marks, timezone=_ZONE)
        return _status(answer, 200) or _equal(seen.content.start, self._event().start)

    async def _stale(self) -> str:
        event_id, first = await self._inserted()
        changed = await self._patch(event_id, {"summary": "changed"})
        if _status(changed, 200):
            return _status(changed, 200)
        again = await self._patch(
            event_id, {"summary": "again"}, if_match=str(first.body.get("etag"))
        )
        return _status(again, 412)

    async def _style(self) -> str:
        event_id, first = await self._inserted(colour="11", reminder_minutes=25)
        answer = await self._patch_event(event_id, self._event(summary="changed"))
        wanted = {"useDefault": False, "overrides": [{"method": "popup", "minutes": 25}]}
        for seen in (first, answer):
            wrong = (
                _status(seen, 200)
                or _equal(seen.body.get("colorId"), "11")
                or _equal(seen.body.get("reminders"), wanted)
            )
            if wrong:
                return wrong
        return ""

    async def _nulls(self) -> str:
        event_id, _ = await self._inserted()
        day = date(2030, 3, 5)
        whole = self._event()._replace(start=day, end=day + timedelta(days=1))
        answer = await self._patch_event(event_id, whole)
        if _status(answer, 200) or answer.body.get("start") != {"date": day.isoformat()}:
            return _status(answer, 200) or f"all-day: start is {answer.body.get('start')}"
        answer = await self._patch_event(event_id, self._event())
        start = answer.body.get("start") or {}
        if _status(answer, 200) or "date" in start or "dateTime" not in start:
            return _status(answer, 200) or f"timed again: start is {start}"
        return ""

    async def _properties(self) -> str:
        event_id, answer = await self._inserted()
        key = self._event().key
        seen = wire.observe(answer.body, marks=WRITER.marks, timezone=_ZONE)
        if (seen.key, seen.stamp.writer) != (key, WRITER.id):
            return f"kept: {(answer.body.get('extendedProperties') or {}).get('private')}"
        for second, wanted in ((key, [event_id]), ("another", [])):
            pairs = [f"{wire.MARK}={WRITER.mark}", f"{wire.KEY}={second}"]
            found = await self._send(partial(self._list, privateExtendedProperty=pairs))
            listed = [each.get("id") for each in found.body.get("items") or ()]
            if found.status != 200 or listed != wanted:
                return _status(found, 200) or f"{len(listed)} found for {len(wanted)}"
        return ""

    async def _paging(self) -> str:
        for _ in range(3):
            await self._inserted()
        seen: list[str] = []
        token: str | None = None
        pages = 0
        while pages == 0 or token:
            page = await self._send(partial(self._list, maxResults=2, pageToken=token))
            if page.status != 200:
                return page.short
            seen += [str(each.get("id")) for each in page.body.get("items") or ()]
            token = page.body.get("nextPageToken")
            pages += 1
        if pages < 2:
            return f"{len(seen)} events in one page"
        return "" if len(set(seen)) == len(seen) else "an event came twice"

    async def _title(self) -> str:
        return await self._text("summary", SUMMARY_LIMIT)

    async def _place(self) -> str:
        return await self._text("location", LOCATION_LIMIT)

    async def _description(self) -> str:
        return await self._text("description", DESCRIPTION_LIMIT)

    async def _text(self, name: str, limit: int) -> str:
        text = "Ω" * limit
        _, answer = await self._inserted(**{name: text})
        kept = str(answer.body.get(name) or "")
        return _status(answer, 200) or ("" if kept == text else f"{len(kept)} characters kept")

    async def _tombstone(self) -> str:
        event_id = await self._deleted()
        answer = await self._get(event_id)
        return _status(answer, 200) or _equal(answer.body.get("status"), "cancelled")

    async def _deleted_id(self) -> str:
        return _status(await self._insert(await self._deleted(), self._event()), 409)

    async def _deleted_again(self) -> str:
        return _status(await self._delete(await self._deleted()), 410)

    async def _deleted_patch(self) -> str:
        answer = await self._patch_event(await self._deleted(), self._event(summary="changed"))
        refused = answer.status in {403, 404, 410}
        return "" if refused or answer.body.get("status") == "cancelled" else answer.short

    async def _deleted_unlisted(self) -> str:
        event_id = await self._deleted()
        answer = await self._send(partial(self._list, maxResults=250))
        listed = event_id in [each.get("id") for each in answer.body.get("items") or ()]
        return _status(answer, 200) or ("it is listed" if listed else "")

    async def _unknown(self) -> str:
        return _status(await self._delete(self._new_id()), 404)

    async def _batch(self) -> str:
        known, _ = await self._inserted()
        unknown, fresh = self._new_id(), self._new_id()
        event = self._event()
        statuses = await self._send_batch(
            lambda connection: [
                self._insertion(connection, fresh, event),
                self._insertion(connection, known, event),
                self._deletion(connection, unknown),
                self._getting(connection, known),
            ]
        )
        return _equal([each.status for each in statuses], [200, 409, 404, 200])

    async def _rate(self) -> str:
        known, _ = await self._inserted()
        answers = await self._send_batch(
            lambda connection: [self._getting(connection, known) for _ in range(_BURST)]
        )
        odd = [each for each in answers if each.status != 200 and not _too_fast(each)]
        return f"{len(odd)} of {_BURST} answered {odd[0].short}" if odd else ""

    # ── requests ──────────────────────────────────────────────────────────────────────────────

    def _new_id(self) -> str:
        self._made += 1
        return f"selftest{self._made:05d}"

    def _event(self, **fields: Any) -> CalendarEvent:
        start = _START + timedelta(hours=self._made)
        usual: Json = {
            "key": f"selftest-{self._made}",
            "start": start,
            "end": start + timedelta(minutes=30),
            "timezone": _ZONE,
            "summary": "Calendar Companion test",
        }
        return CalendarEvent(**usual | fields)

    async def _inserted(self, **fields: Any) -> tuple[str, Answer]:
        event_id = self._new_id()
        return event_id, await self._insert(event_id, self._event(**fields))

    async def _deleted(self) -> str:
        event_id, _ = await self._inserted()
        await self._delete(event_id)
        return event_id

    async def _insert(self, event_id: str, event: CalendarEvent) -> Answer:
        return await self._send(lambda connection: self._insertion(connection, event_id, event))

    async def _get(self, event_id: str) -> Answer:
        return await self._send(lambda connection: self._getting(connection, event_id))

    async def _delete(self, event_id: str) -> Answer:
        return await self._send(lambda connection: self._deletion(connection, event_id))

    async def _patch_event(self, event_id: str, event: CalendarEvent) -> Answer:
        body = wire.changed_event(event, WRITER, self._clock.now(), style=False)
        return await self._patch(event_id, body)

    async def _patch(self, event_id: str, body: Json, *, if_match: str = "") -> Answer:
        def make(connection: GoogleConnection) -> Any:
            request = connection.events.patch(
                calendarId=self._calendar, eventId=event_id, body=body, sendUpdates="none"
            )
            if if_match:
                request.headers["If-Match"] = if_match
            return request

        return await self._send(make)

    def _insertion(self, connection: GoogleConnection, event_id: str, event: CalendarEvent) -> Any:
        return connection.events.insert(
            calendarId=self._calendar,
            body=wire.new_event(event_id, event, WRITER, self._clock.now()),
            sendUpdates="none",
        )

    def _getting(self, connection: GoogleConnection, event_id: str) -> Any:
        return connection.events.get(calendarId=self._calendar, eventId=event_id)

    def _deletion(self, connection: GoogleConnection, event_id: str) -> Any:
        return connection.events.delete(
            calendarId=self._calendar, eventId=event_id, sendUpdates="none"
        )

    def _list(self, connection: GoogleConnection, **parameters: Any) -> Any:
        return connection.events.list(calendarId=self._calendar, showDeleted=False, **parameters)

    async def _send(self, make: Make) -> Answer:
        return _read(await self._account.answer(make))

    async def _send_batch(self, make: Callable[[GoogleConnection], list[Any]]) -> list[Answer]:
        def work(
            connection: GoogleConnection, access: CallCredentials
        ) -> HttpAnswer | list[HttpAnswer | None]:
            answer = connection.batch(make(connection), access)
            if isinstance(answer, HttpAnswer) and answer.status == 401:
                raise Unauthorised
            return answer

        answers = await self._account.call(work)
        if isinstance(answers, HttpAnswer):
            return [_read(answers)]
        return [Answer(status=0, body={}, reason="") if a is None else _read(a) for a in answers]


def _read(answer: HttpAnswer) -> Answer:
    """Raises what says nothing of Google's ways: no network, a sign-in that ended."""
    try:
        body = json.loads(answer.content) if answer.content else {}
    except ValueError:
        body = {}
    body = body if isinstance(body, dict) else {}
    if answer.ok:
        return Answer(status=answer.status, body=body, reason="")
    error = refusal(answer.status, answer.headers, answer.content, Subject.CALENDAR)
    if isinstance(error, SignInExpired) or not body:
        raise error
    return Answer(
        status=answer.status,
        body=body,
        reason=error.detail.removeprefix(str(answer.status)).strip(),
    )


def _too_fast(answer: Answer) -> bool:
    content = json.dumps(answer.body).encode()
    return isinstance(refusal(answer.status, {}, content, Subject.EVENT), RateLimited)


def _status(answer: Answer, wanted: int) -> str:
    return "" if answer.status == wanted else answer.short


def _equal(came: object, wanted: object) -> str:
    return "" if came == wanted else f"{came}"
