"""What a link answers, through changes, expiry and unknown clients."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from companion.services.feeds.views import EMPTY, SWITCHED_OFF
from companion.services.ports import FeedDetail
from tests.fakes.feed_polls import ADDRESS, fetched, read, tag_of
from tests.fakes.feeds import NOON, TODAY, FeedApplication, asking, visit, with_a_phone

# ── the book's changes ───────────────────────────────────────────────────────────────────────


async def test_a_poll_that_finds_nothing_new_reads_nothing_for_a_second() -> None:
    application, token = await with_a_phone()
    tag = tag_of(await fetched(application, token))
    application.book.reads.clear()
    for _poll in range(100):
        assert (await fetched(application, token, tag)).status == 304
    assert application.book.reads == []
    application.clock.shift(1.1)
    assert (await fetched(application, token, tag)).status == 304
    assert application.book.reads == ["revisions"]


async def test_a_change_by_another_process_shows_within_two_seconds() -> None:
    application = FeedApplication()
    await application.write(visit(1), visit(2), visit(3))
    token = await application.token()
    first = await read(application, token)
    application.clock.shift(60)
    await application.write(replace(visit(2), location="Room 9"), visit(4), remove=[visit(3).id])
    application.clock.shift(2)
    second = await read(application, token)
    assert [each["LOCATION"][:6] for each in second] == ["Room 2", "Room 9", "Room 2"]
    assert second[0] == first[0], "what did not change keeps its every byte"
    assert second[1]["UID"] == first[1]["UID"]
    assert int(second[1]["SEQUENCE"]) > int(first[1]["SEQUENCE"])
    assert second[1]["LAST-MODIFIED"] > first[1]["LAST-MODIFIED"]


async def test_a_published_change_shows_at_once_and_reads_only_what_changed() -> None:
    application = FeedApplication()
    await application.write(*(visit(each) for each in range(100)))
    token = await application.token()
    await fetched(application, token)
    await application.edit(replace(visit(50), location="Room 9"))
    application.book.reads.clear()
    assert [each["LOCATION"] for each in await read(application, token)].count("Room 9") == 1
    assert application.book.reads == ["revisions", "versions", "appointment"]


async def test_an_appointment_that_went_to_a_colleague_leaves_the_feed() -> None:
    application = FeedApplication()
    await application.write(visit(1), visit(2))
    token = await application.token()
    assert len(await read(application, token)) == 2
    await application.edit(replace(visit(2), practitioner_id="blake"))
    assert len(await read(application, token)) == 1


async def test_another_practitioners_change_leaves_the_bytes_alone() -> None:
    application, token = await with_a_phone()
    first = await fetched(application, token)
    await application.edit(visit(2, practitioner_id="blake"))
    assert await fetched(application, token) is first


async def test_midnight_in_the_practitioners_zone_moves_the_window() -> None:
    application = FeedApplication()
    await application.write(visit(0, TODAY + timedelta(days=8)))
    token = await application.token(days_in_arrears=0, days_in_advance=7)
    assert [each["SUMMARY"] for each in await read(application, token)] == [EMPTY]
    application.clock.set(datetime(2026, 3, 2, 12, 59, 58, tzinfo=UTC))
    application.clock.shift(1.5)
    assert [each["SUMMARY"] for each in await read(application, token)] == [EMPTY]
    application.clock.shift(1.5)
    assert [each["DTSTART"] for each in await read(application, token)] == ["20260309T130000Z"]


async def test_a_change_of_what_is_shown_raises_the_sequence_of_every_event() -> None:
    application = FeedApplication()
    await application.write(visit(1))
    token = await application.token(detail=FeedDetail.GOOGLE)
    (before,) = await read(application, token)
    record = application.settings.current.practitioner("avery")
    application.clock.shift(60)
    changed = replace(record, disclosure_revision=1, disclosure_changed_at=application.clock.now())
    await application.settings.change(lambda settings: settings.with_practitioner(changed))
    (after,) = await read(application, token)
    assert int(after["SEQUENCE"]) > int(before["SEQUENCE"])
    assert after["LAST-MODIFIED"] > before["LAST-MODIFIED"]


async def test_two_devices_with_the_same_view_share_one_body() -> None:
    application = FeedApplication()
    await application.write(visit(1))
    one, other = await application.token(), await application.token()
    first = await fetched(application, one)
    application.book.reads.clear()
    assert await fetched(application, other) is first
    assert "appointments" not in application.book.reads


async def test_each_detail_hides_what_it_says() -> None:
    application = FeedApplication()
    await application.write(visit(1, notes="Marigold is anxious"))
    summaries = {}
    for detail in ("full", "initials", "busy"):
        (event,) = await read(application, await application.token(detail=detail))
        summaries[detail] = event["SUMMARY"]
        said = " ".join(event.values())
        assert ("Quillfeather" in said) == (detail == "full")
        assert ("anxious" in said) == (detail == "full")
    assert summaries == {
        "full": "Marigold Quillfeather – Standard consultation",
        "initials": "MQ – Standard consultation",
        "busy": "Busy",
    }


# ── notices ──────────────────────────────────────────────────────────────────────────────────


async def test_an_empty_feed_says_so_on_today_without_making_anybody_busy() -> None:
    application = FeedApplication()
    token = await application.token()
    (event,) = await read(application, token)
    assert event["SUMMARY"] == EMPTY
    assert (event["DTSTART"], event["DTEND"]) == ("20260302", "20260303")
    assert (event["TRANSP"], event["CLASS"]) == ("TRANSPARENT", "PUBLIC")
    first = await fetched(application, token)
    application.clock.shift(3600)
    assert (await fetched(application, token, tag_of(first))).status == 304


async def test_a_notice_moves_with_the_days_and_its_sequence_rises() -> None:
    application = FeedApplication()
    token = await application.token()
    (before,) = await read(application, token)
    application.clock.set(NOON + timedelta(days=1))
    application.clock.shift(2)
    (after,) = await read(application, token)
    assert after["UID"] == before["UID"]
    assert int(after["SEQUENCE"]) == int(before["SEQUENCE"]) + 1
    assert after["LAST-MODIFIED"] > before["LAST-MODIFIED"]


async def test_a_schedule_that_is_not_kept_up_to_date_says_since_when_at_the_top() -> None:
    since = datetime(2026, 2, 27, 22, 41, tzinfo=UTC)
    application = FeedApplication(stale_since=lambda who: since if who == "avery" else None)
    await application.write(visit(1))
    first, second = await read(application, await application.token())
    assert first["SUMMARY"] == "Schedule not updated since Sat 28 February 09:41"
    assert (first["DTSTART"], first["TRANSP"]) == ("20260302", "TRANSPARENT")
    assert second["SUMMARY"].startswith("MQ")


async def test_a_schedule_that_grows_old_between_two_polls_says_so_at_the_next() -> None:
    since: list[datetime] = []
    application = FeedApplication(stale_since=lambda _who: since[0] if since else None)
    await application.write(visit(1))
    token = await application.token()
    assert len(await read(application, token)) == 1
    since.append(datetime(2026, 2, 27, 22, 41, tzinfo=UTC))
    application.clock.shift(2)
    assert len(await read(application, token)) == 2


async def test_a_link_switched_off_says_so_for_90_days_and_is_then_unknown() -> None:
    application = FeedApplication()
    await application.write(visit(1))
    link, url = await application.feeds.add("avery", label="Phone")
    token = url.rpartition("/")[2].removesuffix(".ics")
    await fetched(application, token)
    await application.feeds.revoke(link.id)
    assert [each["SUMMARY"] for each in await read(application, token)] == [SWITCHED_OFF]
    application.clock.set(NOON + timedelta(days=89, hours=23))
    application.clock.shift(2)
    assert [each["SUMMARY"] for each in await read(application, token)] == [SWITCHED_OFF]
    application.clock.set(NOON + timedelta(days=90))
    application.clock.shift(2)
    gone, never = await fetched(application, token), await fetched(application, "A" * 43)
    assert gone is never
    assert gone.status == 404


async def test_an_expired_link_says_so_from_the_next_midnight() -> None:
    application = FeedApplication()
    await application.write(visit(1))
    token = await application.token(expires=date(2026, 3, 2))
    assert (await read(application, token))[0]["SUMMARY"] != SWITCHED_OFF
    application.clock.set(datetime(2026, 3, 2, 13, 0, tzinfo=UTC))
    application.clock.shift(1.1)
    assert [each["SUMMARY"] for each in await read(application, token)] == [SWITCHED_OFF]


async def test_a_practitioner_who_left_or_a_practice_without_links_switches_them_off() -> None:
    application, token = await with_a_phone()
    before = application.settings.current
    await application.settings.change(
        lambda each: replace(each, practice=replace(each.practice, feeds_allowed=False))
    )
    assert [each["SUMMARY"] for each in await read(application, token)] == [SWITCHED_OFF]
    await application.settings.change(lambda _each: before.without_practitioner("avery"))
    application.clock.shift(1.1)
    assert [each["SUMMARY"] for each in await read(application, token)] == [SWITCHED_OFF]
    await application.settings.change(lambda _each: before)
    application.clock.shift(1.1)
    assert [each["SUMMARY"] for each in await read(application, token)] != [SWITCHED_OFF]


# ── strangers ────────────────────────────────────────────────────────────────────────────────


async def test_misses_are_limited_by_address_but_never_a_known_link() -> None:
    application, token = await with_a_phone()
    statuses = [(await fetched(application, f"{each:043}")).status for each in range(40)]
    assert statuses == [404] * 30 + [429] * 10
    assert (await fetched(application, token)).status == 200
    application.clock.shift(5)
    assert (await fetched(application, token)).status == 200
    elsewhere = await application.feeds.fetch("C" * 43, asking("C" * 43), "192.168.20.41")
    assert elsewhere.status == 404
    assert application.feeds.miss(ADDRESS).status == 404, "two tries came back in five seconds"
    assert application.feeds.miss(ADDRESS).status == 404
    assert application.feeds.miss(ADDRESS).status == 429


async def test_a_link_that_another_process_just_made_works_at_once() -> None:
    application = FeedApplication()
    await application.write(visit(1))
    await fetched(application, await application.token())
    elsewhere = FeedApplication(
        settings=application.settings,
        book=application.book,
        store=application.store,
        secrets=application.secrets,
    )
    token = await elsewhere.token()
    assert (await fetched(application, token)).status == 200


async def test_a_link_that_another_process_switched_off_stops_within_two_seconds() -> None:
    application = FeedApplication()
    await application.write(visit(1))
    link, url = await application.feeds.add("avery", label="Phone")
    token = url.rpartition("/")[2].removesuffix(".ics")
    await fetched(application, token)
    with application.changes.losing():
        await application.store.put(replace(link, revoked_at=application.clock.now()))
    application.clock.shift(2)
    assert [each["SUMMARY"] for each in await read(application, token)] == [SWITCHED_OFF]


async def test_who_fetched_last_is_noted_but_not_at_every_poll() -> None:
    application = FeedApplication()
    token = await application.token()
    for _poll in range(10):
        await fetched(application, token)
    await application.feeds.close()
    (link,) = await application.feeds.links()
    assert (link.fetches, link.last_client, link.last_fetched_at) == (1, "iOS/17.5", NOON)
    application.clock.shift(31)
    await fetched(application, token)
    await application.feeds.close()
    (link,) = await application.feeds.links()
    assert link.fetches == 2


async def test_no_log_line_holds_a_token_or_a_name(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    application = FeedApplication()
    await application.write(visit(1))
    token = await application.token(detail=FeedDetail.FULL)
    await fetched(application, token)
    application.book.fault = ValueError("Marigold Quillfeather")
    application.clock.shift(60)
    await fetched(application, token)
    await application.feeds.close()
    assert "ValueError" in caplog.text
    assert token not in caplog.text
    assert "Quillfeather" not in caplog.text
