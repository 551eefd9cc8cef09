"""What becomes of events when a setting is changed: each case ends equal, or says what is
left where. The rules of a single pass are in test_passes; here people use the services."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from companion.domain.errors import BadInput, SignInExpired
from companion.domain.event_keys import is_notice
from companion.domain.expectations import Expected
from companion.domain.settings import SourceSettings
from companion.services.google.consents import CalendarChoice
from companion.services.ports import ActivityKind, BookChange, CalendarRef, ImportRecord
from companion.web.ui.upload_board import UploadBoard
from tests.fakes.google_calendar import FakeRemoteCalendar, content
from tests.fakes.services import FakeApplication
from tests.fakes.waiting import until
from tests.unit.test_signin_trouble import (
    appointments,
    calendar,
    connected,
    run,
    sign_in,
    status,
)


async def synced(count: int = 40) -> tuple[FakeApplication, FakeRemoteCalendar]:
    application = await connected(count)
    assert await run(application) is None
    remote = calendar(application)
    assert len(remote.ours()) == count
    return application, remote


async def choose(application: FakeApplication, **values: str) -> None:
    await application.services.practitioners.set_values("anna", values)


async def proven(application: FakeApplication, book: int) -> None:
    """An audit finds nothing amiss and nothing waits."""
    audit = await application.services.auditing.audit("anna")
    assert (audit.error, audit.differences) == (None, ())
    assert audit.proof is not None
    assert (audit.proof.book, audit.proof.google) == (book, book)
    assert (await application.services.syncing.run("anna", cause="test")).api_calls == 0


async def test_another_calendar_is_filled_and_the_former_waits_for_a_person() -> None:
    application, former = await synced()
    await sign_in(application, choice=CalendarChoice(kind="new", name="Second"))
    await run(application)
    assert len(calendar(application).ours()) == len(former.ours()) == 40
    shown = await status(application)
    assert (shown.state, shown.action, shown.held) == ("held", "look at held", 40)
    assert "Another Google calendar was chosen." in shown.sentence
    await run(application, release_held=True)
    assert former.ours() == []
    await proven(application, 40)


async def test_events_kept_in_a_former_calendar_are_noted_and_asked_about_once() -> None:
    application, former = await synced()
    await sign_in(application, choice=CalendarChoice(kind="new", name="Second"))
    await run(application)
    await application.services.syncing.keep_held("anna")
    await run(application)
    assert (await status(application)).held == 0
    assert len(former.ours()) == 40
    await proven(application, 40)


async def test_back_in_the_former_calendar_nothing_is_doubled() -> None:
    application, former = await synced()
    google = application.settings.read().practitioner("anna").google
    await sign_in(application, choice=CalendarChoice(kind="new", name="Second"))
    await run(application)
    await application.write(replace(appointments(1)[0], location="Room 9"))
    back = CalendarChoice(kind="existing", calendar_id=google.calendar_id)
    await sign_in(application, choice=back)
    await run(application)
    await run(application, release_held=True)
    keys = [event.key for event in former.ours()]
    assert len(keys) == len(set(keys)) == 40
    await proven(application, 40)


async def test_showing_less_rewrites_every_event_and_removes_none() -> None:
    application, remote = await synced()
    ids = {event.event_id for event in remote.ours()}
    await choose(application, client_name="none", include="none")
    result = await application.services.syncing.run("anna", cause="test")
    assert (result.updated, result.inserted, result.deleted) == (40, 0, 0)
    assert {event.event_id for event in remote.ours()} == ids
    assert {event.content.summary for event in remote.ours()} == {"Client appointment"}
    await proven(application, 40)


async def test_the_practice_s_cap_reaches_google_like_a_choice() -> None:
    application, remote = await synced()
    await application.services.practitioners.set_practice({"cap_client_name": "none"})
    await run(application)
    assert all("MS" not in event.content.summary for event in remote.ours())
    await proven(application, 40)


async def test_a_kind_that_goes_no_more_waits_when_it_is_many_and_then_goes() -> None:
    application, remote = await synced()
    await choose(application, kinds="meeting")
    result = await application.services.syncing.run("anna", cause="test")
    assert (result.held, len(remote.ours())) == (40, 40)
    await run(application, release_held=True)
    assert remote.ours() == []
    await choose(application, kinds="all")
    await run(application)
    await proven(application, 40)


async def test_a_release_while_an_upload_runs_follows_it() -> None:
    application, remote = await synced()
    await choose(application, kinds="meeting")
    await run(application)
    held = (await application.services.syncing.state("anna")).held
    live = UploadBoard(application.services)
    live.upload("anna")
    live.upload("anna", release=held)
    await until(lambda: not live.under_way())
    assert remote.ours() == []


async def test_one_practitioner_is_seen_anew_and_the_others_as_last_read() -> None:
    application, _remote = await synced()
    live = UploadBoard(application.services)
    await live.board()
    await application.services.connecting.disconnect("anna")
    before = live.status_of("anna")
    await live.see("anna")
    after = live.status_of("anna")
    assert before is not None
    assert after is not None
    assert (before.connected, after.connected) == (True, False)


async def test_a_shorter_period_removes_what_lies_beyond_and_a_longer_one_brings_it_back() -> None:
    application, remote = await synced()
    far = [
        replace(each, id=f"far{number}", start=each.start.replace(month=12, day=20),
                end=each.end.replace(month=12, day=20))
        for number, each in enumerate(appointments(5))
    ]  # fmt: skip
    await application.write(*far)
    await run(application)
    assert len(remote.ours()) == 45
    await choose(application, days_in_advance="10")
    await run(application)
    assert len(remote.ours()) == 40
    await proven(application, 40)
    await choose(application, days_in_advance="60")
    await run(application)
    await proven(application, 45)


async def test_a_shorter_look_back_leaves_history_and_a_longer_one_adopts_it() -> None:
    application, remote = await synced()
    past = [
        replace(each, id=f"past{number}", start=each.start.replace(day=20),
                end=each.end.replace(day=20))
        for number, each in enumerate(appointments(5))
    ]  # fmt: skip
    await application.write(*past)
    await run(application)
    await choose(application, days_in_arrears="1")
    await run(application)
    assert len(remote.ours()) == 45
    await choose(application, days_in_arrears="7")
    await run(application)
    assert len(remote.ours()) == 45
    await proven(application, 45)


async def test_another_zone_of_the_practitioner_doubles_and_loses_nothing() -> None:
    application, remote = await synced()
    ids = {event.event_id for event in remote.ours()}
    for zone in ("America/Los_Angeles", "Pacific/Auckland", "Australia/Sydney"):
        await choose(application, timezone=zone)
        assert await run(application) is None
        assert {event.event_id for event in remote.ours()} == ids
    await proven(application, 40)


async def test_switched_off_the_events_stay_and_the_card_says_so() -> None:
    application, remote = await synced()
    await choose(application, enabled="false")
    await application.write(*appointments(50))
    assert await run(application) is not None
    assert len(remote.ours()) == 40
    shown = await status(application)
    assert (shown.state, shown.action) == ("off", "enable")
    assert "40 events stay in Google unchanged" in shown.sentence
    await choose(application, enabled="true")
    await run(application)
    await proven(application, 50)


async def test_disconnected_without_removing_the_events_stay_and_are_said_to() -> None:
    application, remote = await synced()
    assert await application.services.connecting.disconnect("anna") == 0
    assert len(remote.ours()) == 40
    shown = await status(application)
    assert (shown.state, shown.action) == ("not connected", "connect")
    assert "40 events stay in Google unchanged" in shown.sentence
    assert application.activity.lines[-1].text.endswith("the events stay there as they are.")


@pytest.mark.parametrize("refuses", [False, True])
async def test_disconnected_the_word_that_the_schedule_is_old_does_not_stay(refuses: bool) -> None:
    application, remote = await synced()
    daily = SourceSettings(name="nookal", folder="/exports", expected=Expected.DAILY)
    await application.settings.change(lambda settings: settings.with_source(daily))
    old = ImportRecord(
        source="nookal",
        at=application.services.clock.now() - timedelta(days=30),
        file_name="export.csv",
    )
    await application.book.apply(BookChange(imported=old), application.services.clock.now())
    await application.services.clock.sleep(
        3 * 86_400
    )  # writing the appointments counted as an edit
    await application.services.auditing.audit("anna")
    assert [is_notice(each.key) for each in remote.ours()].count(True) == 1
    remote.refusing = SignInExpired() if refuses else None
    assert await application.services.connecting.disconnect("anna") == 0
    assert not application.settings.read().practitioner("anna").google.connected
    assert len(remote.ours()) == (41 if refuses else 40)


async def test_connected_again_what_stayed_is_adopted_and_brought_up_to_date() -> None:
    application, remote = await synced()
    await application.services.connecting.disconnect("anna")
    await application.write(replace(appointments(1)[0], location="Room 9"), remove=["a39"])
    await sign_in(application)
    await run(application)
    keys = [event.key for event in remote.ours()]
    assert len(keys) == len(set(keys)) == 39
    await proven(application, 39)


async def test_connected_again_after_a_lost_ledger_what_the_book_has_no_more_goes() -> None:
    """Only Google's own list knows of it: connecting makes an audit due."""
    application, remote = await synced()
    google = application.settings.read().practitioner("anna").google
    await application.services.connecting.disconnect("anna")
    ref = CalendarRef(practitioner_id="anna", calendar_id=google.calendar_id)
    await application.ledger.write(
        ref, drop=[row.key for row in await application.ledger.entries(ref)]
    )
    await application.write(remove=[appointments(1)[0].id])
    back = CalendarChoice(kind="existing", calendar_id=google.calendar_id)
    await sign_in(application, choice=back)
    await run(application)
    assert len(remote.ours()) == 39
    await proven(application, 39)


async def test_connected_to_another_calendar_what_stayed_waits_for_a_person() -> None:
    application, former = await synced()
    await application.services.connecting.disconnect("anna")
    await sign_in(application, choice=CalendarChoice(kind="new", name="Second", look=False))
    result = await application.services.syncing.run("anna", cause="test")
    assert (result.inserted, result.held, len(former.ours())) == (40, 40, 40)


async def test_disconnected_with_removing_nothing_of_ours_is_left_and_others_stay() -> None:
    application, remote = await synced()
    remote.person_adds("lunch", content("Lunch"))
    assert await application.services.connecting.disconnect("anna", remove_events=True) == 40
    assert [event.event_id for event in remote.live()] == ["lunch"]
    shown = await status(application)
    assert (shown.sentence, shown.in_google) == ("Not connected to Google yet.", 0)
    kinds = {line.kind: line.count for line in application.activity.lines}
    assert kinds[ActivityKind.DELETE] == 40


async def test_removing_under_a_running_upload_leaves_nothing_of_ours_behind() -> None:
    application = await connected(200)
    remote = calendar(application)
    disconnecting: list[asyncio.Task[int]] = []
    google = application.settings.read().practitioner("anna").google

    async def disconnect_soon(moment: str, name: str) -> None:
        if (moment, name) == ("before", "write") and len(remote.ours()) > 10 and not disconnecting:
            work = application.services.connecting.disconnect("anna", remove_events=True)
            disconnecting.append(asyncio.create_task(work))
        await asyncio.sleep(0.01)

    remote.hook = disconnect_soon
    upload = asyncio.create_task(application.services.syncing.run("anna", cause="upload"))
    await asyncio.gather(upload, return_exceptions=True)
    assert await disconnecting[0] > 10
    assert remote.ours() == []
    ref = CalendarRef(practitioner_id="anna", calendar_id=google.calendar_id)
    assert await application.ledger.entries(ref) == []


async def test_removing_that_fails_half_way_says_what_went_and_goes_on_later() -> None:
    application, remote = await synced(120)

    async def fail_soon(moment: str, name: str) -> None:
        if (moment, name) == ("before", "write") and len(remote.ours()) < 100:
            remote.refusing = SignInExpired()

    remote.hook = fail_soon
    with pytest.raises(SignInExpired):
        await application.services.connecting.disconnect("anna", remove_events=True)
    left = len(remote.ours())
    assert 0 < left < 100
    assert [line.count for line in application.activity.lines if line.kind == "delete"] == [
        120 - left
    ]
    assert not application.settings.read().practitioner("anna").choices.enabled
    remote.refusing, remote.hook = None, None
    assert await application.services.connecting.disconnect("anna", remove_events=True) == left
    assert remote.ours() == []


async def test_a_person_who_is_still_connected_cannot_be_removed_unnoticed() -> None:
    application, _ = await synced(3)
    with pytest.raises(BadInput, match="still connected"):
        await application.services.practitioners.remove("anna")
