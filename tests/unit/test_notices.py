"""Notices over the whole application: who is told of what, when, and what is kept of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

from companion.domain.backup_plan import BackupRecord
from companion.domain.errors import NoticeNotSent, SecretsUnavailable
from companion.services.maintenance.computer_checks import LITTLE
from companion.services.notices.looking import _KINDS
from companion.services.notices.telling import Way
from companion.services.notices.troubles import HANDLING, TroubleKind
from companion.services.ports import ActivityKind
from companion.services.sources.notes import SourceNote, Waiting
from companion.services.status import NEEDS_A_PERSON
from tests.fakes.services import the_sample
from tests.fakes.told_practice import (
    DESK,
    OFFICE,
    add_source,
    look,
    practice,
    restarted,
    shift,
)

SAMPLE = [each.name for each in the_sample().practitioners]
EMAILS = [each.email for each in the_sample().practitioners]


def test_every_state_that_needs_a_person_is_a_trouble_and_every_trouble_is_somebodys() -> None:
    assert set(_KINDS) == NEEDS_A_PERSON - {"stale"}  # a source's, or everybody's
    assert set(HANDLING) == set(TroubleKind)
    assert all(each.roles for each in HANDLING.values())


async def test_everybody_hears_of_what_they_can_mend_and_of_nothing_else() -> None:
    application = await practice()
    application.probes.free = LITTLE // 2
    await look(application)
    await look(application)
    post = application.ways.mail
    assert [each.split(":")[0] for each in post.to(EMAILS[2])] == [SAMPLE[2]]
    assert [each.split(":")[0] for each in post.to(DESK)] == [SAMPLE[1]]
    assert [each.split(":")[0] for each in post.to(EMAILS[1])] == [SAMPLE[1]]
    assert [each.split()[0] for each in post.to(OFFICE)] == ["Only"]
    assert not post.to(EMAILS[0])
    texts = [text for _, text in application.ways.desktop.shown]
    assert len(texts) == 3, "on the workstation: each of them"


async def test_a_restart_repeats_nothing_and_the_end_is_told_once() -> None:
    application = await practice()
    await look(application)
    await look(application)
    begun = application.ways.mail.to(EMAILS[2])
    assert len(begun) == 1
    for _ in range(3):
        restarted(application)
        await look(application)
    assert application.ways.mail.to(EMAILS[2]) == begun
    application.google.revoked.clear()
    await application.connect(the_sample().practitioners[2].id, EMAILS[2])
    await application.services.syncing.run(the_sample().practitioners[2].id, cause="upload")
    for _ in range(4):
        await look(application)
    after = [each for each in application.ways.mail.to(EMAILS[2]) if "sign-in" in each]
    assert after == [*begun, f"Over: {begun[0]}"]


async def test_nothing_is_told_in_the_first_minutes_after_a_start() -> None:
    application = await practice()
    await application.services.notices.look()
    await look(application, minutes=1)
    assert not application.ways.mail.mails
    await look(application, minutes=2)
    assert application.ways.mail.mails


async def test_quiet_hours_hold_people_back_but_not_the_webhook() -> None:
    application = await practice()
    await application.services.notices.set_webhook("https://hooks.clinic.example/x")
    quiet = application.services.practitioners
    await quiet.set_practice({"notice_quiet": "09:00-12:00"})  # it is 09:35 in Sydney
    await look(application)
    await look(application)
    assert not application.ways.mail.mails
    assert not application.ways.desktop.shown
    assert {each["event"] for each in application.ways.webhook.calls} == {"opened"}
    assert len(application.ways.webhook.calls) == 2
    await look(application, hours=3)
    assert len(application.ways.mail.to(EMAILS[2])) == 1


async def test_a_webhook_names_nobody() -> None:
    application = await practice()
    await application.services.notices.set_webhook("https://hooks.clinic.example/x")
    await look(application)
    await look(application)
    calls = application.ways.webhook.calls
    assert {each["kind"] for each in calls} == {"sign-in", "removals"}
    assert not any(name in str(calls) for name in SAMPLE)
    assert len({each["id"] for each in calls}) == 2
    assert all(each["practitioner"] in application.settings.read().practitioners for each in calls)


async def test_a_server_that_fails_is_asked_less_and_less_and_everything_arrives_later() -> None:
    application = await practice()
    tried: list[str] = []

    def down(*given: object) -> None:
        tried.append("")
        raise NoticeNotSent("The server does not answer.", "Check it.")

    application.ways.mail.on_mail = down
    await look(application)
    for _ in range(60):
        await look(application, minutes=4)
    assert 4 <= len(tried) <= 12, "not for each of three messages, nor at each look"
    standing = await application.services.notices.standing()
    assert standing.failing[Way.MAIL].what == "The server does not answer."
    found = {each.id: each for each in (await application.services.doctor.examine()).findings}
    assert "e-mail: The server does not answer." in found["notices:mail"].what
    assert not application.ways.mail.mails
    application.ways.mail.on_mail = lambda *_: None
    restarted(application)
    await look(application, minutes=3)
    await look(application)
    assert len(application.ways.mail.mails) == 3
    assert not (await application.services.notices.standing()).failing


async def test_one_bad_address_keeps_nobody_else_from_hearing() -> None:
    application = await practice()

    def refuse(_server: object, _password: str, mail: object) -> None:
        if getattr(mail, "to", "") == DESK:
            raise NoticeNotSent("No such user.", "Check it.", address_only=True)

    application.ways.mail.on_mail = refuse
    await look(application)
    await look(application)
    assert application.ways.mail.to(EMAILS[1])
    assert not application.ways.mail.to(DESK)
    assert (await application.services.notices.standing()).failing[Way.MAIL].what == "No such user."


async def test_an_answer_that_was_lost_repeats_a_message_once_and_no_more() -> None:
    application = await practice(reception=(), practitioners=False)

    def lost(_mail: object) -> None:
        raise NoticeNotSent("It did not say.", unconfirmed=True)

    application.ways.mail.after = lost
    await look(application)
    for _ in range(30):
        await look(application, minutes=30)
        restarted(application)
        shift(application, minutes=3)
    subjects = application.ways.mail.to(OFFICE)
    assert sorted(subjects.count(each) for each in set(subjects)) == [2, 2]


async def test_a_full_disk_is_told_though_nothing_can_be_saved() -> None:
    application = await practice()
    application.probes.free, application.ways.store.full = 1000, True
    await look(application)
    for _ in range(5):
        await look(application)
    assert len(application.ways.mail.to(OFFICE)) == 1


async def test_a_new_link_is_told_to_administrators_once_and_an_old_one_is_not() -> None:
    application = await practice()
    await look(application)  # there is a link already
    person = the_sample().practitioners[3]
    await application.services.feeds.add(person.id, label="Work phone")
    await look(application)
    await look(application, hours=20)
    await look(application, days=20)
    told = [each for each in application.ways.mail.to(OFFICE) if "link" in each]
    assert len(told) == 1
    assert told[0].startswith(f"{person.name}: A new link")


async def test_files_that_wait_and_sources_that_fail_are_receptions() -> None:
    application = await practice()
    await add_source(application, "Halaxy")
    await add_source(application, "Rooms")
    notes = application.services.sources._notes
    at = application.clock.now()
    file = Waiting(place="Smith Jane.csv", at=at, held=True, what="Why?")
    await notes.change("Halaxy", lambda note: replace(note, waiting=(file, file)))
    await notes.change("Rooms", lambda note: SourceNote(trouble="No.", trouble_since=at))
    await look(application)
    await look(application)
    await look(application, minutes=30)
    told = application.ways.mail.to(DESK)
    assert "2 files wait for an answer (Halaxy)." in told
    assert "Nothing arrives from Rooms." in told
    assert not any("Smith" in each.text + each.subject for each in application.ways.mail.mails)
    assert not application.ways.mail.to(OFFICE)


async def test_the_name_removal_looks_through_every_text() -> None:
    application = await practice()
    booked = max(the_sample().imported, key=lambda each: len(each.client_last_name))
    family = booked.client_last_name
    source = f"{booked.client_first_name} {family}"
    await add_source(application, source)
    notes = application.services.sources._notes
    trouble = SourceNote(trouble="No.", trouble_since=application.clock.now())
    await notes.change(source, lambda _: trouble)
    for _ in range(3):
        await look(application, minutes=15)
    told = [each for each in application.ways.mail.mails if "Nothing arrives" in each.subject]
    assert told
    for each in told:
        assert family not in each.subject + each.text
        assert "…" in each.subject


async def test_what_can_wait_comes_once_a_day_in_one_message() -> None:
    application = await practice(backup_days=7)
    await look(application)
    await look(application, days=8)
    for _ in range(30):
        await look(application, hours=1)
    daily = [each for each in application.ways.mail.mails if each.subject.endswith("summary")]
    assert [each.to for each in daily] == [OFFICE]
    assert "No backup has been made yet." in daily[0].text


async def test_a_daily_backup_that_fails_is_told_before_it_is_too_old() -> None:
    application = await practice(backup_days=7)
    daily = application.services.daily_backups
    folder = application.home / "not there"
    plan = replace(application.settings.read().backups, folder=str(folder))
    await application.settings.change(lambda settings: replace(settings, backups=plan))
    await look(application)
    failing = BackupRecord(failed_at=application.clock.now(), what="No folder.", remedy="Find it.")
    await daily.notes.change(lambda _: failing)
    for _ in range(30):
        await look(application, hours=1)
    (told,) = [each for each in application.ways.mail.mails if each.subject.endswith("summary")]
    assert told.to == OFFICE
    assert "No folder." in told.text


async def test_calendars_that_no_pass_keeps_are_one_trouble() -> None:
    application = await practice(behind_hours=4)
    await look(application)
    await look(application, hours=3)
    assert not application.ways.mail.to(OFFICE)
    await look(application, hours=2)
    assert ["2 calendars in Google have not" in e for e in application.ways.mail.to(OFFICE)] == [
        True
    ]


async def test_a_pause_is_no_trouble() -> None:
    application = await practice(behind_hours=4)
    await look(application)
    await application.services.pausing.pause(timedelta(hours=9))
    await look(application, hours=6)
    assert not application.ways.mail.to(OFFICE)


async def test_more_than_a_few_at_once_are_one_message() -> None:
    application = await practice(reception=(), practitioners=False)
    application.probes.free = 1000
    for name in ("A", "B"):
        await add_source(application, name)
        notes = application.services.sources._notes
        waiting = (Waiting(place="x", at=application.clock.now(), held=True, what=""),)
        await notes.change(name, partial(replace, waiting=waiting))
    application.ways.mail.on_mail = lambda *_: (_ for _ in ()).throw(NoticeNotSent())
    await look(application)
    await look(application)
    application.ways.mail.on_mail = lambda *_: None
    await look(application, hours=2)
    assert application.ways.mail.to(OFFICE) == ["5 things to look at"]


async def test_what_was_told_is_in_the_activity_without_addresses() -> None:
    application = await practice()
    await look(application)
    await look(application)
    lines = await application.services.notices.lately()
    assert {each.kind for each in lines} == {ActivityKind.TOLD}
    words = " ".join(each.text for each in lines)
    assert "@" not in words
    assert "E-mail to reception: " in words
    assert "Shown on this computer: " in words


async def test_without_the_password_store_nothing_is_lost() -> None:
    application = await practice()
    application.secrets.trouble = SecretsUnavailable()
    await look(application)
    await look(application)
    assert not application.ways.mail.mails
    application.secrets.trouble = None
    await look(application, hours=3)
    assert len(application.ways.mail.mails) == 3
