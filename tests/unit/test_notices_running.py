"""The background work of notices: when it looks, after the computer slept, and at the app's end."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from companion.domain.notice_choices import MailServer, NoticeChoices
from companion.domain.practice_errors import Overtaken
from companion.services.maintenance.computer_checks import LITTLE
from companion.services.notices import notices as notices_module
from companion.services.notices.notices import GRACE, Notices
from companion.services.notices.telling import Way
from tests.fakes.background import in_background
from tests.fakes.clock import FakeClock
from tests.fakes.services import FakeApplication, fake_application, the_sample
from tests.fakes.waiting import until

OFFICE = "office@clinic.example"


async def practice() -> tuple[FakeApplication, FakeClock, Notices]:
    """Nobody is connected, and the disk is nearly full."""
    clock = FakeClock(auto=False)
    application = fake_application(the_sample(), clock=clock)
    choices = NoticeChoices(
        mail=True,
        server=MailServer(host="mail.clinic.example", sender=OFFICE),
        administrators=(OFFICE,),
        quiet_from=None,
        quiet_to=None,
    )
    await application.settings.change(
        lambda settings: replace(settings, practice=replace(settings.practice, notices=choices))
    )
    application.probes.free = LITTLE // 2
    return application, clock, application.services.notices


async def test_it_looks_after_the_first_minutes_and_again_after_a_sleep() -> None:
    application, clock, notices = await practice()
    mails = application.ways.mail.mails
    async with in_background(notices.run()):
        await clock.advance(GRACE.total_seconds() - 1)
        assert not mails
        await clock.advance(61)
        await until(lambda: len(mails) == 1 and clock.sleepers)

        clock.set(clock.now() + timedelta(hours=8))  # the computer slept
        application.probes.free = 10 * LITTLE
        await clock.advance(61)
        book = await application.ways.store.read()
        assert book is not None
        assert all(each.missing_from is None for each in book.episodes), "not looked at yet"
        for _ in range(15):
            await clock.advance(61)
        await until(lambda: len(mails) == 2)
        assert "Over: " in mails[1].subject


async def test_what_another_workstation_tells_meanwhile_is_not_told_here_too() -> None:
    application, clock, notices = await practice()
    store, mails = application.ways.store, application.ways.mail.mails
    clock.shift(GRACE.total_seconds() + 61)
    await notices.look()
    assert len(mails) == 1

    before, store.overtaken = store.kept, True
    application.probes.free = 10 * LITTLE
    clock.shift(3600)
    with pytest.raises(Overtaken):
        await notices.look()
    assert store.kept == before
    await notices.look()
    assert not store.overtaken, "what was told elsewhere was not read"
    assert len(mails) == 1


async def test_a_change_of_settings_is_followed_at_once() -> None:
    application, clock, notices = await practice()
    await application.services.practitioners.set_practice({"notice_mail": "false"})
    async with in_background(notices.run()):
        await clock.advance(GRACE.total_seconds() + 60)
        # It sleeps again once it has noted what it told: before that, time passes it by.
        await until(lambda: len(application.ways.desktop.shown) == 1 and clock.sleepers)
        assert not application.ways.mail.mails
        await application.services.practitioners.set_practice({"notice_mail": "true"})
        await clock.advance(12)
        await until(lambda: len(application.ways.mail.mails) == 1)


async def test_at_the_apps_end_a_message_under_way_is_noted_as_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(notices_module, "LAST_MOMENT", 20.0)
    application, clock, notices = await practice()
    begun, may_end = threading.Event(), threading.Event()

    def slow(*_: object) -> None:
        begun.set()
        assert may_end.wait(20)

    application.ways.mail.on_mail = slow
    clock.shift(GRACE.total_seconds() + 1)
    looking = asyncio.create_task(notices.look())
    await until(begun.is_set)
    looking.cancel()
    await asyncio.sleep(0)
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await looking
    book = await application.ways.store.read()
    assert book is not None
    (episode,) = book.episodes
    assert f"{Way.MAIL} {OFFICE}|begun" in episode.told
    assert not episode.tried
