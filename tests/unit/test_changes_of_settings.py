"""What becomes of events when somebody changes a setting: each case ends equal, or says what is
left where. The rules of a single pass are in test_passes; here people use the services."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from companion.domain.errors import BadInput, SignInExpired
from companion.domain.event_keys import is_notice
from companion.services.google.connecting import CalendarChoice
from companion.services.ports import BookChange, CalendarRef, ImportRecord
from companion.web.ui.live import Live
from tests.fakes.google import FakeRemoteCalendar, content
from tests.fakes.services import FakeHouse
from tests.unit.test_signin_trouble import (
    appointments,
    calendar,
    connected,
    run,
    sign_in,
    status,
)


async def synced(count: int = 40) -> tuple[FakeHouse, FakeRemoteCalendar]:
    house = await connected(count)
    assert await run(house) is None
    remote = calendar(house)
    assert len(remote.ours()) == count
    return house, remote


async def choose(house: FakeHouse, **values: str) -> None:
    await house.services.practitioners.set_values("anna", values)


async def proven(house: FakeHouse, book: int) -> None:
    """An audit finds nothing amiss and nothing waits."""
    audit = await house.services.auditing.audit("anna")
    assert (audit.error, audit.differences) == (None, ())
    assert audit.proof is not None
    assert (audit.proof.book, audit.proof.google) == (book, book)
    assert (await house.services.syncing.run("anna", cause="test")).api_calls == 0


async def test_another_calendar_is_filled_and_the_former_waits_for_a_person() -> None:
    house, former = await synced()
    await sign_in(house, choice=CalendarChoice(kind="new", name="Second"))
    await run(house)
    assert len(calendar(house).ours()) == len(former.ours()) == 40
    shown = await status(house)
    assert (shown.state, shown.action, shown.held) == ("held", "look at held", 40)
    assert "Another Google calendar was chosen." in shown.sentence
    await run(house, release_held=True)
    assert former.ours() == []
    await proven(house, 40)


async def test_events_kept_in_a_former_calendar_are_noted_and_asked_about_once() -> None:
    house, former = await synced()
    await sign_in(house, choice=CalendarChoice(kind="new", name="Second"))
    await run(house)
    await house.services.syncing.keep_held("anna")
    await run(house)
    assert (await status(house)).held == 0
    assert len(former.ours()) == 40
    await proven(house, 40)


async def test_back_in_the_former_calendar_nothing_is_doubled() -> None:
    house, former = await synced()
    google = house.settings.read().practitioner("anna").google
    await sign_in(house, choice=CalendarChoice(kind="new", name="Second"))
    await run(house)
    await house.write(replace(appointments(1)[0], location="Room 9"))
    back = CalendarChoice(kind="existing", calendar_id=google.calendar_id)
    await sign_in(house, choice=back)
    await run(house)
    await run(house, release_held=True)
    keys = [event.key for event in former.ours()]
    assert len(keys) == len(set(keys)) == 40
    await proven(house, 40)


async def test_showing_less_rewrites_every_event_and_removes_none() -> None:
    house, remote = await synced()
    ids = {event.event_id for event in remote.ours()}
    await choose(house, client_name="none", include="none")
    result = await house.services.syncing.run("anna", cause="test")
    assert (result.updated, result.inserted, result.deleted) == (40, 0, 0)
    assert {event.event_id for event in remote.ours()} == ids
    assert {event.content.summary for event in remote.ours()} == {"Client appointment"}
    await proven(house, 40)


async def test_the_practice_s_cap_reaches_google_like_a_choice() -> None:
    house, remote = await synced()
    await house.services.practitioners.set_practice({"cap_client_name": "none"})
    await run(house)
    assert all("MS" not in event.content.summary for event in remote.ours())
    await proven(house, 40)


async def test_a_kind_that_goes_no_more_waits_when_it_is_many_and_then_goes() -> None:
    house, remote = await synced()
    await choose(house, kinds="meeting")
    result = await house.services.syncing.run("anna", cause="test")
    assert (result.held, len(remote.ours())) == (40, 40)
    await run(house, release_held=True)
    assert remote.ours() == []
    await choose(house, kinds="all")
    await run(house)
    await proven(house, 40)


async def test_a_release_while_an_upload_runs_follows_it() -> None:
    house, remote = await synced()
    await choose(house, kinds="meeting")
    await run(house)
    held = (await house.services.syncing.state("anna")).held
    live = Live(house.services)
    live.upload("anna")
    live.upload("anna", release=held)
    for _ in range(1_000):
        await asyncio.sleep(0.01)
        if not live.uploading("anna"):
            break
    assert remote.ours() == []


async def test_one_practitioner_is_seen_anew_and_the_others_as_last_read() -> None:
    house, _remote = await synced()
    live = Live(house.services)
    await live.board()
    await house.services.connecting.disconnect("anna")
    before = live.status_of("anna")
    await live.see("anna")
    after = live.status_of("anna")
    assert before is not None
    assert after is not None
    assert (before.connected, after.connected) == (True, False)


async def test_a_shorter_period_removes_what_lies_beyond_and_a_longer_one_brings_it_back() -> None:
    house, remote = await synced()
    far = [
        replace(each, id=f"far{number}", start=each.start.replace(month=12, day=20),
                end=each.end.replace(month=12, day=20))
        for number, each in enumerate(appointments(5))
    ]  # fmt: skip
    await house.write(*far)
    await run(house)
    assert len(remote.ours()) == 45
    await choose(house, days_in_advance="10")
    await run(house)
    assert len(remote.ours()) == 40
    await proven(house, 40)
    await choose(house, days_in_advance="60")
    await run(house)
    await proven(house, 45)


async def test_a_shorter_look_back_leaves_history_and_a_longer_one_adopts_it() -> None:
    house, remote = await synced()
    past = [
        replace(each, id=f"past{number}", start=each.start.replace(day=20),
                end=each.end.replace(day=20))
        for number, each in enumerate(appointments(5))
    ]  # fmt: skip
    await house.write(*past)
    await run(house)
    await choose(house, days_in_arrears="1")
    await run(house)
    assert len(remote.ours()) == 45
    await choose(house, days_in_arrears="7")
    await run(house)
    assert len(remote.ours()) == 45
    await proven(house, 45)


async def test_another_zone_of_the_practitioner_doubles_and_loses_nothing() -> None:
    house, remote = await synced()
    ids = {event.event_id for event in remote.ours()}
    for zone in ("America/Los_Angeles", "Pacific/Auckland", "Australia/Sydney"):
        await choose(house, timezone=zone)
        assert await run(house) is None
        assert {event.event_id for event in remote.ours()} == ids
    await proven(house, 40)


async def test_switched_off_the_events_stay_and_the_card_says_so() -> None:
    house, remote = await synced()
    await choose(house, enabled="false")
    await house.write(*appointments(50))
    assert await run(house) is not None
    assert len(remote.ours()) == 40
    shown = await status(house)
    assert (shown.state, shown.action) == ("off", "enable")
    assert "40 events stay in Google unchanged" in shown.sentence
    await choose(house, enabled="true")
    await run(house)
    await proven(house, 50)


async def test_disconnected_without_removing_the_events_stay_and_are_said_to() -> None:
    house, remote = await synced()
    assert await house.services.connecting.disconnect("anna") == 0
    assert len(remote.ours()) == 40
    shown = await status(house)
    assert (shown.state, shown.action) == ("not connected", "connect")
    assert "40 events stay in Google unchanged" in shown.sentence
    assert house.activity.lines[-1].text.endswith("the events stay there as they are.")


@pytest.mark.parametrize("refuses", [False, True])
async def test_disconnected_the_word_that_the_schedule_is_old_does_not_stay(refuses: bool) -> None:
    house, remote = await synced()
    old = ImportRecord(
        source="nookal",
        at=house.services.clock.now() - timedelta(days=30),
        file_name="export.csv",
        **dict.fromkeys(("added", "changed", "removed", "unchanged", "rejected"), 0),
    )
    await house.book.apply(BookChange(imported=old), house.services.clock.now())
    await house.services.clock.sleep(60)  # what was read of imports a moment ago is old now
    await house.services.auditing.audit("anna")
    assert [is_notice(each.key) for each in remote.ours()].count(True) == 1
    remote.refusing = SignInExpired() if refuses else None
    assert await house.services.connecting.disconnect("anna") == 0
    assert not house.settings.read().practitioner("anna").google.connected
    assert len(remote.ours()) == (41 if refuses else 40)


async def test_connected_again_what_stayed_is_adopted_and_brought_up_to_date() -> None:
    house, remote = await synced()
    await house.services.connecting.disconnect("anna")
    await house.write(replace(appointments(1)[0], location="Room 9"), remove=["a39"])
    await sign_in(house)
    await run(house)
    keys = [event.key for event in remote.ours()]
    assert len(keys) == len(set(keys)) == 39
    await proven(house, 39)


async def test_connected_again_after_a_lost_ledger_what_the_book_has_no_more_goes() -> None:
    """Only Google's own list knows of it: connecting makes an audit due."""
    house, remote = await synced()
    google = house.settings.read().practitioner("anna").google
    await house.services.connecting.disconnect("anna")
    ref = CalendarRef(practitioner_id="anna", calendar_id=google.calendar_id)
    await house.ledger.write(ref, drop=[row.key for row in await house.ledger.entries(ref)])
    await house.write(remove=[appointments(1)[0].id])
    back = CalendarChoice(kind="existing", calendar_id=google.calendar_id)
    await sign_in(house, choice=back)
    await run(house)
    assert len(remote.ours()) == 39
    await proven(house, 39)


async def test_connected_to_another_calendar_what_stayed_waits_for_a_person() -> None:
    house, former = await synced()
    await house.services.connecting.disconnect("anna")
    await sign_in(house, choice=CalendarChoice(kind="new", name="Second"))
    result = await house.services.syncing.run("anna", cause="test")
    assert (result.inserted, result.held, len(former.ours())) == (40, 40, 40)


async def test_disconnected_with_removing_nothing_of_ours_is_left_and_others_stay() -> None:
    house, remote = await synced()
    remote.person_adds("lunch", content("Lunch"))
    assert await house.services.connecting.disconnect("anna", remove_events=True) == 40
    assert [event.event_id for event in remote.live()] == ["lunch"]
    shown = await status(house)
    assert (shown.sentence, shown.in_google) == ("Not connected to Google yet.", 0)
    kinds = {line.kind: line.count for line in house.activity.lines}
    assert kinds["delete"] == 40


async def test_removing_under_a_running_upload_leaves_nothing_of_ours_behind() -> None:
    house = await connected(200)
    remote = calendar(house)
    disconnecting: list[asyncio.Task[int]] = []
    google = house.settings.read().practitioner("anna").google

    async def disconnect_soon(moment: str, name: str) -> None:
        if (moment, name) == ("before", "write") and len(remote.ours()) > 10 and not disconnecting:
            work = house.services.connecting.disconnect("anna", remove_events=True)
            disconnecting.append(asyncio.create_task(work))
        await asyncio.sleep(0.01)

    remote.hook = disconnect_soon
    upload = asyncio.create_task(house.services.syncing.run("anna", cause="upload"))
    await asyncio.gather(upload, return_exceptions=True)
    assert await disconnecting[0] > 10
    assert remote.ours() == []
    ref = CalendarRef(practitioner_id="anna", calendar_id=google.calendar_id)
    assert await house.ledger.entries(ref) == []


async def test_removing_that_fails_half_way_says_what_went_and_goes_on_later() -> None:
    house, remote = await synced()

    async def fail_soon(moment: str, name: str) -> None:
        if (moment, name) == ("before", "write") and len(remote.ours()) < 30:
            remote.refusing = SignInExpired()

    remote.hook = fail_soon
    with pytest.raises(SignInExpired):
        await house.services.connecting.disconnect("anna", remove_events=True)
    left = len(remote.ours())
    assert 0 < left < 30
    assert [line.count for line in house.activity.lines if line.kind == "delete"] == [40 - left]
    assert not house.settings.read().practitioner("anna").choices.enabled
    remote.refusing, remote.hook = None, None
    assert await house.services.connecting.disconnect("anna", remove_events=True) == left
    assert remote.ours() == []


async def test_a_person_who_is_still_connected_cannot_be_removed_unnoticed() -> None:
    house, _ = await synced(3)
    with pytest.raises(BadInput, match="still connected"):
        await house.services.practitioners.remove("anna")
