"""What every RemoteCalendar does: the fake, and the Google adapter against the simulated Google."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol

import pytest

from companion.adapters.clock import SystemClock
from companion.adapters.google import wire
from companion.adapters.google.account import Token
from companion.adapters.google.service import GoogleGateway
from companion.domain.appointments import ShowAs
from companion.domain.errors import (
    CalendarGone,
    CompanionError,
    EventGone,
    IdInUse,
    Offline,
    PermissionDenied,
    PreconditionFailed,
    RateLimited,
    SignInExpired,
)
from companion.domain.event_keys import event_id
from companion.domain.events import CalendarEvent
from companion.domain.keepers import MARK, Keeper
from companion.domain.reconcile import ObservedEvent
from companion.sandbox.grants import CLIENT_ID
from companion.sandbox.server import SimulatedHandle, client_file
from companion.services.ports import DeleteEvent, InsertEvent, PatchEvent, RemoteCalendar, Write
from tests.fakes.google import FakeRemoteCalendar, KeptCalendar, content
from tests.fakes.secrets import FakeSecrets
from tests.fakes.simulator import ZOE, simulated_google

KEEPER = Keeper(writer="one", term=3)
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


def event(key: str = "a", *, hours: float = 0, **fields: Any) -> CalendarEvent:
    start = NINE + timedelta(hours=hours)
    usual: dict[str, Any] = {
        "key": key,
        "start": start,
        "end": start + timedelta(minutes=30),
        "timezone": "Australia/Sydney",
        "summary": "ZO – Initial consultation",
        "location": "Room 2",
    }
    return CalendarEvent(**(usual | fields))


def wanted_id(key: str = "a", generation: int = 0) -> str:
    return event_id(MARK, "calendar", key, generation)


def insert(key: str = "a", **fields: Any) -> InsertEvent:
    return InsertEvent(event_id=wanted_id(key), event=event(key, **fields))


class World(Protocol):
    @property
    def calendar(self) -> RemoteCalendar: ...

    def person_deletes(self, event: str) -> None: ...
    def person_retitles(self, event: str, title: str) -> None: ...
    def person_recolours(self, event: str, colour: str) -> None: ...
    def person_adds(self, event: str) -> None: ...
    def another_writes(self, key: str, keeper: Keeper) -> None: ...
    def purge(self) -> None: ...
    def remove_calendar(self) -> None: ...
    def read_only(self) -> None: ...
    def refuse_next(self) -> None: ...
    def lose_answer(self) -> None: ...
    def die_after(self, parts: int) -> None: ...
    def limit_part(self, event: str) -> None: ...
    def revoke(self) -> None: ...
    def titles(self) -> list[str]: ...


@dataclass
class FakeWorld:
    held: FakeRemoteCalendar

    @property
    def calendar(self) -> RemoteCalendar:
        return KeptCalendar(self.held, KEEPER)

    def person_deletes(self, event: str) -> None:
        self.held.person_deletes(event)

    def person_retitles(self, event: str, title: str) -> None:
        self.held.person_edits(event, summary=title)

    def person_recolours(self, event: str, colour: str) -> None:
        self.held.person_edits(event, style=f"{colour}|")

    def person_adds(self, event: str) -> None:
        self.held.person_adds(event, content())

    def another_writes(self, key: str, keeper: Keeper) -> None:
        self.held._keeper = keeper
        self.held._write(insert(key))

    def purge(self) -> None:
        self.held.purge_tombstones()

    def remove_calendar(self) -> None:
        self.held.gone = True

    def read_only(self) -> None:
        self.held.access_role = "reader"

    def refuse_next(self) -> None:
        self.held.fail_next(Offline())

    def lose_answer(self) -> None:
        self.held.lose_answers()

    def die_after(self, parts: int) -> None:
        self.held.die_after(parts)

    def limit_part(self, event: str) -> None:
        self.held.fail_parts[event] = RateLimited()

    def revoke(self) -> None:
        self.held.refusing = SignInExpired()

    def titles(self) -> list[str]:
        return sorted(each.content.summary for each in self.held.live())


@dataclass
class SimulatedWorld:
    handle: SimulatedHandle
    calendar: RemoteCalendar
    calendar_id: str

    @property
    def _model(self) -> Any:
        return self.handle.google.calendars[self.calendar_id]

    def person_deletes(self, event: str) -> None:
        with self.handle.lock:
            self._model.delete(event)

    def person_retitles(self, event: str, title: str) -> None:
        with self.handle.lock:
            self._model.patch(event, {"summary": title})

    def person_recolours(self, event: str, colour: str) -> None:
        with self.handle.lock:
            self._model.patch(event, {"colorId": colour})

    def person_adds(self, event: str) -> None:
        body = {
            "id": event,
            "summary": "Dentist",
            "start": {"dateTime": "2026-03-02T09:00:00Z"},
            "end": {"dateTime": "2026-03-02T10:00:00Z"},
        }
        with self.handle.lock:
            self._model.insert(body, ZOE)

    def another_writes(self, key: str, keeper: Keeper) -> None:
        body = wire.new_event(wanted_id(key), event(key), keeper, datetime.now(UTC))
        with self.handle.lock:
            self._model.insert(body, ZOE)

    def purge(self) -> None:
        with self.handle.lock:
            self._model.purge_tombstones()

    def remove_calendar(self) -> None:
        with self.handle.lock:
            self.handle.google.remove_calendar(self.calendar_id)

    def read_only(self) -> None:
        with self.handle.lock:
            self.handle.google.share(self.calendar_id, ZOE, "reader")

    def refuse_next(self) -> None:
        self.handle.api.faults.add(kind="refuse", times=1)

    def lose_answer(self) -> None:
        self.handle.api.faults.add(kind="timeout_after", match="^POST /batch", times=1)

    def die_after(self, parts: int) -> None:
        self.handle.api.faults.add(kind="refuse", match="^batch-part", nth=parts + 1)

    def limit_part(self, event: str) -> None:
        rule = {"kind": "status", "status": 403, "reason": "rateLimitExceeded"}
        self.handle.api.faults.add(match=f"batch-part .*{event}", **rule)

    def revoke(self) -> None:
        with self.handle.lock:
            self.handle.api.grants.revoke_account(ZOE)

    def titles(self) -> list[str]:
        with self.handle.lock:
            found = self.handle.google.events(self.calendar_id)
        return sorted(each.get("summary", "") for each in found)


@asynccontextmanager
async def simulated_world() -> AsyncIterator[SimulatedWorld]:
    secrets = FakeSecrets()
    clock = SystemClock()
    with simulated_google() as handle:
        with handle.lock:
            made = handle.google.add_calendar(ZOE, "Appointments", created_by=CLIENT_ID)
            tokens = handle.api.grants.issue(
                handle.google.accounts[ZOE], frozenset({"calendar.app.created", "openid", "email"})
            )
        await secrets.put("google/client", json.dumps(client_file(handle.base_url)))
        token = Token(
            refresh_token=tokens["refresh_token"],
            client_id=CLIENT_ID,
            account=ZOE,
            scopes=(),
            consented_at=clock.now(),
            renewed_at=clock.now(),
        )
        await secrets.put("google/token/zoe", token.to_json())
        google = GoogleGateway(
            secrets=secrets,
            clock=clock,
            api_root=handle.base_url,
            threads=4,
            timeout=5.0,
        )
        try:
            calendar = await google.calendar("zoe", made.id, KEEPER)
            yield SimulatedWorld(handle=handle, calendar=calendar, calendar_id=made.id)
        finally:
            google.close()


@pytest.fixture(params=["fake", "google"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    if request.param == "fake":
        yield FakeWorld(held=FakeRemoteCalendar(now=lambda: datetime.now(UTC)))
    else:
        async with simulated_world() as made:
            yield made


def seen(answer: object) -> ObservedEvent:
    assert isinstance(answer, ObservedEvent), answer
    return answer


async def one(calendar: RemoteCalendar, write: Write) -> object:
    [answer] = await calendar.write([write])
    return answer


async def live_keys(calendar: RemoteCalendar) -> list[str]:
    return sorted(each.key for each in await calendar.list_ours(None, None))


# ── writing ───────────────────────────────────────────────────────────────────────────────────


async def test_an_insert_answers_the_event_as_google_keeps_it(world: World) -> None:
    answer = seen(await one(world.calendar, insert()))
    assert (answer.event_id, answer.key, answer.deleted) == (wanted_id(), "a", False)
    assert answer.content.fingerprint == event().fingerprint
    assert answer.style == event().style
    assert answer.etag


@pytest.mark.parametrize(
    "fields",
    [
        {"show_as": ShowAs.FREE},
        {"show_as": ShowAs.TENTATIVE},
        {"show_as": ShowAs.OUT_OF_OFFICE},
        {"private": False},
        {"description": "Line one\nLine ‹two› 💊"},
        {"start": date(2026, 3, 2), "end": date(2026, 3, 4)},
        {"reminder_minutes": 15, "colour": "5"},
        {"location": ""},
    ],
)
async def test_every_field_we_own_survives_the_round_trip(
    world: World, fields: dict[str, Any]
) -> None:
    written = event(**fields)
    answer = seen(await one(world.calendar, InsertEvent(event_id=wanted_id(), event=written)))
    assert answer.content.fingerprint == written.fingerprint
    assert answer.style == written.style
    [listed] = await world.calendar.list_ours(None, None)
    assert listed.content == answer.content


async def test_a_batch_answers_in_the_order_of_its_writes(world: World) -> None:
    keys = [f"k{number}" for number in range(50)]
    answers = await world.calendar.write(
        [insert(key, hours=number) for number, key in enumerate(keys)]
    )
    assert [seen(answer).key for answer in answers] == keys


async def test_more_than_fifty_writes_are_a_mistake_of_ours(world: World) -> None:
    with pytest.raises(ValueError, match="51"):
        await world.calendar.write([insert(f"k{number}") for number in range(51)])


async def test_no_writes_are_no_call(world: World) -> None:
    world.refuse_next()
    assert list(await world.calendar.write([])) == []


async def test_parts_of_a_batch_fail_one_by_one(world: World) -> None:
    await one(world.calendar, insert("a"))
    answers = await world.calendar.write(
        [
            insert("a"),
            insert("b"),
            PatchEvent(event_id=wanted_id("nowhere"), event=event("nowhere")),
            DeleteEvent(event_id=wanted_id("a")),
        ]
    )
    assert isinstance(answers[0], IdInUse)
    assert seen(answers[1]).key == "b"
    assert isinstance(answers[2], EventGone)
    assert answers[3] is None
    assert await live_keys(world.calendar) == ["b"]


async def test_a_repeated_insert_answers_that_the_id_is_in_use(world: World) -> None:
    await one(world.calendar, insert())
    assert isinstance(await one(world.calendar, insert()), IdInUse)


async def test_a_deleted_event_keeps_its_id_occupied(world: World) -> None:
    await one(world.calendar, insert())
    world.person_deletes(wanted_id())
    assert isinstance(await one(world.calendar, insert()), IdInUse)
    tombstone = seen(await world.calendar.get(wanted_id()))
    assert tombstone.deleted


async def test_a_patch_changes_what_we_own(world: World) -> None:
    first = seen(await one(world.calendar, insert()))
    moved = event(hours=3, summary="ZO – Review", location="")
    answer = seen(await one(world.calendar, PatchEvent(event_id=wanted_id(), event=moved)))
    assert answer.content.fingerprint == moved.fingerprint
    assert answer.etag != first.etag


async def test_a_patch_leaves_colour_and_reminder_to_the_practitioner(world: World) -> None:
    await one(world.calendar, insert(reminder_minutes=10))
    world.person_recolours(wanted_id(), "7")
    changed = event(summary="ZO – Review", colour="2", reminder_minutes=30)
    answer = seen(await one(world.calendar, PatchEvent(event_id=wanted_id(), event=changed)))
    assert answer.style.startswith("7|")
    styled = PatchEvent(event_id=wanted_id(), event=changed, style=True)
    assert seen(await one(world.calendar, styled)).style == changed.style


async def test_a_patch_of_the_style_can_take_colour_and_reminder_away(world: World) -> None:
    await one(world.calendar, insert(reminder_minutes=10, colour="3"))
    plain = PatchEvent(event_id=wanted_id(), event=event(), style=True)
    assert seen(await one(world.calendar, plain)).style == event().style


async def test_an_all_day_event_can_become_a_timed_one_and_back(world: World) -> None:
    all_day = event(start=date(2026, 3, 2), end=date(2026, 3, 3))
    await one(world.calendar, InsertEvent(event_id=wanted_id(), event=all_day))
    for wanted in (event(), all_day):
        answer = seen(await one(world.calendar, PatchEvent(event_id=wanted_id(), event=wanted)))
        assert answer.content.fingerprint == wanted.fingerprint


@pytest.mark.parametrize("before", list(ShowAs))
@pytest.mark.parametrize("after", list(ShowAs))
async def test_show_as_can_change_from_each_to_each(
    world: World, before: ShowAs, after: ShowAs
) -> None:
    await one(world.calendar, insert(show_as=before))
    wanted = event(show_as=after)
    answer = seen(await one(world.calendar, PatchEvent(event_id=wanted_id(), event=wanted)))
    assert answer.content.fingerprint == wanted.fingerprint


@pytest.mark.parametrize("fields", [{}, {"show_as": ShowAs.TENTATIVE}])
async def test_a_patch_never_revives_an_event_a_person_deleted(
    world: World, fields: dict[str, Any]
) -> None:
    await one(world.calendar, insert(**fields))
    world.person_deletes(wanted_id())
    patch = PatchEvent(event_id=wanted_id(), event=event(summary="ZO – Review", **fields))
    assert isinstance(await one(world.calendar, patch), EventGone)
    assert await live_keys(world.calendar) == []


async def test_a_condition_on_the_version_is_kept_alone_and_in_a_batch(world: World) -> None:
    first = seen(await one(world.calendar, insert()))
    world.person_retitles(wanted_id(), "Mine")
    stale = PatchEvent(event_id=wanted_id(), event=event(), if_match=first.etag)
    assert isinstance(await one(world.calendar, stale), PreconditionFailed)
    both = await world.calendar.write([stale, insert("b")])
    assert isinstance(both[0], PreconditionFailed)
    now = seen(await world.calendar.get(wanted_id()))
    fresh = replace(stale, if_match=now.etag)
    assert seen(await one(world.calendar, fresh)).content.summary == event().summary


async def test_deleting_what_is_gone_counts_as_done(world: World) -> None:
    await one(world.calendar, insert())
    delete = DeleteEvent(event_id=wanted_id())
    assert await one(world.calendar, delete) is None
    assert await one(world.calendar, delete) is None
    assert list(await world.calendar.write([delete, DeleteEvent(event_id=wanted_id("b"))])) == [
        None,
        None,
    ]


async def test_an_id_is_free_again_once_google_forgot_its_tombstone(world: World) -> None:
    await one(world.calendar, insert())
    await one(world.calendar, DeleteEvent(event_id=wanted_id()))
    world.purge()
    assert await world.calendar.get(wanted_id()) is None
    assert seen(await one(world.calendar, insert())).key == "a"


# ── reading ───────────────────────────────────────────────────────────────────────────────────


async def test_every_write_is_stamped_by_its_keeper(world: World) -> None:
    first = seen(await one(world.calendar, insert()))
    assert (first.stamp.term, first.stamp.writer) == (KEEPER.term, KEEPER.writer)
    assert first.stamp.moment is not None
    patch = PatchEvent(event_id=wanted_id(), event=event(summary="ZO – Review"))
    later = seen(await one(world.calendar, patch)).stamp
    assert (later.writer, later.at >= first.stamp.at) == (KEEPER.writer, True)
    world.person_retitles(wanted_id(), "Mine")
    [listed] = await world.calendar.list_ours(None, None)
    assert listed.stamp == later


async def test_the_list_can_be_of_what_changed_lately(world: World) -> None:
    await one(world.calendar, insert())
    now = datetime.now(UTC)
    for since, wanted in ((now - timedelta(days=1), ["a"]), (now + timedelta(days=1), [])):
        listed = await world.calendar.list_ours(None, None, since=since)
        assert [each.key for each in listed] == wanted


async def test_who_wrote_is_told_of_all_events_of_ours_whatever_their_mark(world: World) -> None:
    await one(world.calendar, insert())
    await one(world.calendar, insert("b", hours=1))
    await one(world.calendar, DeleteEvent(event_id=wanted_id("b")))
    world.person_adds("dentist12")
    world.another_writes("c", Keeper(writer="another", marks=("an older program's",)))
    found = {each.key: each for each in await world.calendar.marked_events()}
    assert set(found) == {"a", "c"}
    assert (found["a"].event_id, found["a"].mark) == (wanted_id(), MARK)
    assert (found["c"].mark, found["c"].stamp.writer) == ("an older program's", "another")
    assert all(each.written_at and each.changed_at for each in found.values())


async def test_get_is_none_for_an_unused_id(world: World) -> None:
    assert await world.calendar.get(wanted_id("nobody")) is None


async def test_the_list_holds_ours_alone(world: World) -> None:
    await one(world.calendar, insert())
    world.person_adds("dentist12")
    await one(world.calendar, insert("b", hours=1))
    await one(world.calendar, DeleteEvent(event_id=wanted_id("b")))
    assert await live_keys(world.calendar) == ["a"]
    assert world.titles() == ["Dentist", event().summary]


async def test_the_list_keeps_to_the_interval_half_open(world: World) -> None:
    await world.calendar.write([insert(key, hours=hour) for hour, key in enumerate("abcd")])
    start, end = NINE + timedelta(hours=1), NINE + timedelta(hours=3)
    found = await world.calendar.list_ours(start, end)
    assert sorted(each.key for each in found) == ["b", "c"]
    assert [each.key for each in await world.calendar.list_ours(end, None)] == ["d"]


async def test_the_list_goes_on_past_any_page(world: World) -> None:
    keys = [f"k{number:04d}" for number in range(2_600)]
    for first in range(0, len(keys), 50):
        batch = [
            insert(key, hours=number / 4)
            for number, key in enumerate(keys[first : first + 50], first)
        ]
        answers = await world.calendar.write(batch)
        assert all(isinstance(answer, ObservedEvent) for answer in answers)
    assert await live_keys(world.calendar) == keys


async def test_an_all_day_event_has_the_calendars_edges(world: World) -> None:
    all_day = event(start=date(2026, 3, 2), end=date(2026, 3, 3))
    await one(world.calendar, InsertEvent(event_id=wanted_id(), event=all_day))
    found = seen(await world.calendar.get(wanted_id()))
    assert found.timezone == "Australia/Sydney"
    assert found.begins == datetime(2026, 3, 1, 13, tzinfo=UTC)


async def test_info_gives_name_role_and_zone(world: World) -> None:
    info = await world.calendar.info()
    assert (info.name, info.access_role, info.timezone) == (
        "Appointments",
        "owner",
        "Australia/Sydney",
    )


# ── what goes wrong ───────────────────────────────────────────────────────────────────────────


async def test_a_refused_connection_is_offline_and_changes_nothing(world: World) -> None:
    world.refuse_next()
    with pytest.raises(Offline):
        await world.calendar.write([insert("a"), insert("b")])
    assert await live_keys(world.calendar) == []


async def test_a_lost_answer_raises_although_everything_was_done(world: World) -> None:
    world.lose_answer()
    with pytest.raises(Offline):
        await world.calendar.write([insert("a"), insert("b", hours=1)])
    assert await live_keys(world.calendar) == ["a", "b"]
    answers = await world.calendar.write([insert("a"), insert("b", hours=1)])
    assert [type(answer) for answer in answers] == [IdInUse, IdInUse]


async def test_a_batch_that_dies_in_the_middle_raises(world: World) -> None:
    world.die_after(2)
    with pytest.raises(Offline):
        await world.calendar.write([insert(key) for key in "abcd"])
    assert await live_keys(world.calendar) == ["a", "b"]


async def test_a_limited_part_is_that_parts_error(world: World) -> None:
    await world.calendar.write([insert("a"), insert("b")])
    world.limit_part(wanted_id("b"))
    answers = await world.calendar.write(
        [
            PatchEvent(event_id=wanted_id("a"), event=event("a", summary="New")),
            PatchEvent(event_id=wanted_id("b"), event=event("b", summary="New")),
        ]
    )
    assert seen(answers[0]).content.summary == "New"
    assert isinstance(answers[1], RateLimited)


async def raised_or_answered(calendar: RemoteCalendar, write: Write) -> CompanionError:
    try:
        answer = await one(calendar, write)
    except CompanionError as err:
        return err
    assert isinstance(answer, CompanionError)
    return answer


@pytest.mark.parametrize(
    "write",
    [
        insert(),
        PatchEvent(event_id=wanted_id(), event=event()),
        DeleteEvent(event_id=wanted_id()),
    ],
    ids=["insert", "patch", "delete"],
)
async def test_a_missing_calendar_is_distinguished_from_a_missing_event(
    world: World, write: Write
) -> None:
    world.remove_calendar()
    assert isinstance(await raised_or_answered(world.calendar, write), CalendarGone)


async def test_reading_a_calendar_that_is_gone_says_so(world: World) -> None:
    world.remove_calendar()
    with pytest.raises(CalendarGone):
        await world.calendar.info()
    with pytest.raises(CalendarGone):
        await world.calendar.list_ours(None, None)
    with pytest.raises(CalendarGone):
        await world.calendar.get(wanted_id())


async def test_a_calendar_that_may_only_be_read_says_so(world: World) -> None:
    world.read_only()
    assert isinstance(await raised_or_answered(world.calendar, insert()), PermissionDenied)


async def test_a_withdrawn_consent_asks_to_sign_in_again(world: World) -> None:
    await one(world.calendar, insert())
    world.revoke()
    calls: Sequence[Callable[[], Awaitable[object]]] = [
        lambda: world.calendar.write([insert("b")]),
        lambda: world.calendar.write([insert("b"), insert("c")]),
        world.calendar.info,
        lambda: world.calendar.list_ours(None, None),
        lambda: world.calendar.get(wanted_id()),
    ]
    for call in calls:
        with pytest.raises(SignInExpired):
            await call()


async def test_many_tasks_may_write_at_once(world: World) -> None:
    async def several(letter: str) -> None:
        for number in range(5):
            key = f"{letter}{number}"
            assert seen(await one(world.calendar, insert(key, hours=number))).key == key

    await asyncio.gather(*(several(letter) for letter in "abcdef"))
    assert len(await live_keys(world.calendar)) == 30
