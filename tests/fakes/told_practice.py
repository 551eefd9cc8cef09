"""A practice in use whose people are told of troubles, by e-mail and on the desktop."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from companion.domain.notice_choices import MailServer, NoticeChoices
from companion.domain.settings import RemoteSettings, SourceSettings
from companion.services.notices.notices import PASSWORD, Notices
from tests.fakes.clock import FakeClock
from tests.fakes.services import TUESDAY, FakeApplication, lived_in

OFFICE, DESK = "office@clinic.example", "desk@clinic.example"
CHOICES = NoticeChoices(
    mail=True,
    server=MailServer(host="mail.clinic.example", login=OFFICE, sender=OFFICE),
    administrators=(OFFICE,),
    reception=(DESK,),
    quiet_from=None,
    quiet_to=None,
    backup_days=365,
    behind_hours=200,
)


async def practice(**changed: object) -> FakeApplication:
    """In use: one calendar is held, one sign-in has ended; e-mail is on."""
    application = await lived_in(clock=FakeClock(TUESDAY))
    await choose(application, replace(CHOICES, **changed))  # type: ignore[arg-type]
    await application.secrets.put(PASSWORD, "made up")
    shift(application, seconds=5)
    restarted(application)  # what happened before is no news
    return application


async def choose(application: FakeApplication, choices: NoticeChoices) -> None:
    await application.settings.change(
        lambda settings: replace(settings, practice=replace(settings.practice, notices=choices))
    )


def shift(application: FakeApplication, **length: float) -> None:
    assert isinstance(application.clock, FakeClock)
    application.clock.shift(timedelta(**length).total_seconds())


async def look(application: FakeApplication, **length: float) -> None:
    """After some time."""
    shift(application, **(length or {"minutes": 5}))
    await application.services.notices.look()


def restarted(application: FakeApplication) -> Notices:
    """The service as the next run has it: over what was kept."""
    again = replace(application.services.notices, ways=application.ways.ways())
    object.__setattr__(application.services, "notices", again)
    return again


async def add_source(application: FakeApplication, name: str) -> None:
    remote = RemoteSettings(kind="link", place="cal.example.org")
    source = SourceSettings(name=name, remote=remote)
    await application.settings.change(lambda settings: settings.with_source(source))
