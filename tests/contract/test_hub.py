"""What one workstation of a practice writes shows on the others, whatever is lost on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import URL, Connection, text

from companion.adapters.database import dedicated_connection
from companion.adapters.database.announcing import LARGEST
from companion.adapters.database.hub import Hub
from companion.adapters.database.opening_practice import hub_of
from companion.domain.errors import BadInput
from companion.domain.settings import Settings
from companion.domain.sync_state import SyncState
from companion.services.changes import (
    ActivityAdded,
    BookChanged,
    Change,
    FeedLinksChanged,
    SettingsChanged,
    SyncStateChanged,
)
from companion.services.ports import (
    Activity,
    ActivityKind,
    BookChange,
    ImportRecord,
)
from tests.contract.book_samples import NOW, appointment, put
from tests.contract.test_feed_store import link
from tests.fakes.any_database import opened_database
from tests.fakes.beside import Beside, beside, end_hubs
from tests.fakes.cables import cable_to
from tests.fakes.waiting import until

pytestmark = pytest.mark.postgresql
OFTEN = 0.1
"""Seconds between looks at everything, where a test has no notices."""
MIRA = BookChanged(practitioner_ids=frozenset({"mira"}))


@pytest.fixture
async def one(practice_url: URL) -> AsyncIterator[Beside]:
    async with beside(practice_url) as made:
        yield made


@pytest.fixture
async def other(practice_url: URL, one: Beside) -> AsyncIterator[Beside]:
    async with beside(practice_url) as made:
        yield made


def named(name: str) -> Callable[[Settings], Settings]:
    return lambda found: replace(found, practice=replace(found.practice, name=name))


async def next_look(hub: Hub) -> None:
    """At everything."""
    before = hub.answered_at
    await until(lambda: hub.answered_at > before)


async def everything(workstation: Beside) -> list[Change]:
    """One change of each kind."""
    await workstation.settings.change(named("Harbour Physio"))
    await put(workstation.database.book, appointment())
    await workstation.database.ledger.edit_state("mira", _one_more)
    await workstation.database.activity.add(
        [
            Activity(
                at=NOW,
                kind=ActivityKind.IMPORT,
                text="Done",
                practitioner_id="mira",
                cause="worker",
            )
        ]
    )
    await workstation.database.feeds.put(link())
    return [
        SettingsChanged(),
        MIRA,
        SyncStateChanged(practitioner_id="mira"),
        ActivityAdded(),
        FeedLinksChanged(),
    ]


def _one_more(state: SyncState) -> SyncState:
    return replace(state, events=state.events + 1)


# ── what is heard ─────────────────────────────────────────────────────────────────────────────


async def test_each_kind_of_change_is_published_on_the_other_workstation(
    one: Beside, other: Beside
) -> None:
    expected = await everything(one)
    await until(lambda: len(other.heard) >= len(expected))
    assert other.heard == expected
    assert one.heard == expected


async def test_the_settings_of_another_are_read_before_they_are_published(
    one: Beside, other: Beside
) -> None:
    seen: list[str] = []
    other.changes.subscribe(lambda _: seen.append(other.settings.read().practice.name))
    await one.settings.change(named("Harbour Physio"))
    await until(lambda: seen)
    assert seen == ["Harbour Physio"]


async def test_what_this_process_wrote_is_published_once_and_moves_only_its_own_sign(
    practice_url: URL,
) -> None:
    async with beside(practice_url, look_seconds=OFTEN) as one:
        before = await one.database.book.change_sign()
        expected = await everything(one)
        for _ in range(3):
            await next_look(one.hub)
        after = await one.database.book.change_sign()
        assert one.heard == expected
        assert after.others == before.others
        assert after.own > before.own


async def test_any_commit_of_another_moves_the_sign_and_what_is_read_then_shows_it(
    one: Beside, other: Beside
) -> None:
    before = await other.database.book.change_sign()
    await put(one.database.book, appointment())
    await until(lambda: other.hub.others != before.others)
    after = await other.database.book.change_sign()
    assert after.own == before.own
    assert after.others != before.others
    assert await other.database.book.revisions() == {"mira": 1}


async def test_two_hundred_practitioners_are_told_in_notices_that_fit(
    one: Beside, other: Beside
) -> None:
    people = {
        f"practitioner-with-a-long-id-that-fills-sixty-four-characters-{i:03}" for i in range(200)
    }
    assert sum(map(len, people)) > LARGEST
    await put(
        one.database.book,
        *(appointment(i, practitioner_id=each) for i, each in enumerate(sorted(people))),
    )
    told: set[str] = set()

    def all_told() -> bool:
        for each in other.heard:
            assert isinstance(each, BookChanged)
            told.update(each.practitioner_ids)
        return told == people

    await until(all_told)


async def test_an_import_that_changed_nothing_is_published_too(one: Beside, other: Beside) -> None:
    imported = ImportRecord(source="pms", at=NOW, file_name="a.csv")

    await one.database.book.apply(BookChange(imported=imported), NOW)
    await until(lambda: other.heard)
    assert other.heard == [BookChanged()]


async def test_what_is_rolled_back_is_not_told(one: Beside, other: Beside) -> None:
    def fail(connection: Connection) -> None:
        one.hub.announce(connection, MIRA)
        raise BadInput

    with pytest.raises(BadInput):
        await one.database.access.write(fail)
    await put(one.database.book, appointment(practitioner_id="omar"))
    await until(lambda: other.heard)
    assert other.heard == [BookChanged(practitioner_ids=frozenset({"omar"}))]


# ── what is lost ──────────────────────────────────────────────────────────────────────────────


async def test_changes_whose_notices_were_lost_are_found_by_looking(practice_url: URL) -> None:
    async with beside(practice_url, look_seconds=OFTEN) as one:
        silent = opened_database(practice_url)  # a writer that tells nobody
        await put(silent.book, appointment())
        await until(lambda: one.heard)
        await put(silent.book, replace(appointment(), practitioner_id="omar"))
        await silent.ledger.edit_state("mira", _one_more)
        await silent.close()
        both = BookChanged(practitioner_ids=frozenset({"mira", "omar"}))
        await until(lambda: len(one.heard) >= 3)
        assert one.heard[0] == MIRA
        assert set(one.heard[1:]) <= {both, SyncStateChanged(practitioner_id="mira")}


async def test_settings_whose_notice_was_lost_are_read_too(practice_url: URL) -> None:
    async with beside(practice_url, look_seconds=OFTEN) as one:
        async with beside(practice_url) as other:
            other.settings._announce = lambda _connection, _change: None
            await other.settings.change(named("Harbour Physio"))
        await until(lambda: one.settings.read().practice.name == "Harbour Physio")
        await until(lambda: SettingsChanged() in one.heard)


async def test_after_its_connection_was_ended_a_hub_listens_again_and_misses_nothing(
    practice_url: URL, one: Beside, other: Beside
) -> None:
    for number in range(3):
        assert end_hubs(practice_url) == 2
        await put(one.database.book, appointment(number))
        await until(lambda: len(other.heard) > number)  # noqa: B023 - awaited at once
        await until(lambda: other.hub.listening and one.hub.listening)
    assert set(other.heard) == {MIRA}
    assert other.hub.reachable


async def test_a_notice_of_a_later_version_makes_it_look_at_everything(one: Beside) -> None:
    def send(payload: str) -> Any:
        return lambda connection: connection.execute(
            text("SELECT pg_notify('companion', :payload)"), {"payload": payload}
        )

    for payload in ("new words", '{"from": "x", "facts": {"z/1": "2"}}', "[]"):
        looking = asyncio.create_task(next_look(one.hub))
        await one.database.access.write(send(payload))
        await looking
    assert one.heard == []


async def test_a_pulled_cable_is_noticed_and_what_was_missed_comes_once_it_is_back(
    practice_url: URL, one: Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dedicated_connection, "PATIENCE", 0.3)
    assert practice_url.port is not None
    with cable_to(practice_url.port) as cable:
        async with beside(practice_url.set(port=cable.port), look_seconds=OFTEN) as far:
            cable.pull_out()
            await put(one.database.book, appointment())
            await until(lambda: not far.hub.listening)
            cable.refuse(refusing=True)
            cable.plug_in()
            await until(lambda: not far.hub.reachable)
            cable.refuse(refusing=False)
            await until(lambda: far.hub.reachable)
            await until(lambda: far.heard)
            assert far.heard == [MIRA]
            assert cable.injected["pulled cables"] == 1


# ── other topics ──────────────────────────────────────────────────────────────────────────────


async def test_what_is_sent_on_a_topic_comes_to_its_listeners_elsewhere(
    one: Beside, other: Beside
) -> None:
    here: list[Any] = []
    there: list[Any] = []
    one.hub.subscribe("progress", here.append)
    leave = other.hub.subscribe("progress", there.append)
    other.hub.subscribe("lease", there.append)
    one.hub.send("progress", {"practitioner": "mira", "done": 3, "total": 9})
    one.hub.send("unknown", {})
    one.hub.send("lease", {"to": "front desk"})
    progress, lease = {"practitioner": "mira", "done": 3, "total": 9}, {"to": "front desk"}
    await until(lambda: len(there) == 2)
    assert progress in there
    assert lease in there
    assert here == []
    leave()
    one.hub.send("progress", {})
    one.hub.send("lease", {})
    await until(lambda: len(there) == 3)
    assert there[2] == {}
    assert other.heard == []


async def test_a_notice_that_is_too_long_is_refused_at_once(one: Beside) -> None:
    with pytest.raises(ValueError, match="too long"):
        one.hub.send("progress", {"much": "x" * 8000})


# ── beginning and ending ──────────────────────────────────────────────────────────────────────


async def test_it_starts_while_the_server_is_away_and_tells_all_once_it_is_there(
    practice_url: URL, one: Beside
) -> None:
    await put(one.database.book, appointment())
    assert practice_url.port is not None
    with cable_to(practice_url.port) as cable:
        cable.refuse(refusing=True)
        heard: list[Change] = []
        one.changes.subscribe(heard.append)
        far = hub_of(practice_url.set(port=cable.port), one.changes)
        await far.start()
        assert not far.reachable
        cable.refuse(refusing=False)
        await until(lambda: MIRA in heard)
        await far.close()


async def test_nothing_is_published_after_it_was_closed(one: Beside, practice_url: URL) -> None:
    async with beside(practice_url) as other:
        await other.hub.close()
        await put(one.database.book, appointment())
        await until(lambda: one.heard)
        assert other.heard == []
        await other.hub.close()
