"""Practice, who is told when something needs somebody."""

from __future__ import annotations

from datetime import timedelta

from nicegui import ui

from companion.domain.errors import NoticeNotSent
from companion.domain.notice_choices import MailSecurity, NoticeChoices
from companion.services.notices.notices import PASSWORD, WEBHOOK
from companion.services.notices.telling import Failing, NoticeBook, Way
from companion.services.ports import Activity, ActivityKind
from tests.pages.conftest import Visit
from tests.pages.driving import button, field, press, tick, until

MAIL = {
    "Mail server": "mail.clinic.example",
    "User (of the mailbox)": "office@clinic.example",
    "Password": "tram violet anchor",
    "Messages come from": "office@clinic.example",
    "Administrators": "it@clinic.example, alex@clinic.example",
}


def choices(visit: Visit) -> NoticeChoices:
    return visit.application.settings.read().practice.notices


def save(visit: Visit) -> ui.button:
    """Below the card's fields: the last one of the page."""
    found: list[ui.button] = [each for each in visit.elements(ui.button) if each.text == "Save"]
    return found[-1]


async def test_e_mail_is_set_up_tested_and_its_password_sealed(first_day: Visit) -> None:
    await first_day.user.open("/practice")
    tick(first_day, "By e-mail").value = True
    for label, value in MAIL.items():
        field(first_day, label).value = value
    field(first_day, "Encryption").value = MailSecurity.TLS
    assert field(first_day, "Port").value == "465"
    await first_day.user.should_see("Not saved yet")
    press(button(first_day, "Save and send a test"))
    await first_day.user.should_see("took the test for alex@clinic.example, it@clinic.example")
    assert [each.to for each in first_day.application.ways.mail.mails] == [
        "alex@clinic.example",
        "it@clinic.example",
    ]
    assert choices(first_day).mail
    assert choices(first_day).server.security is MailSecurity.TLS
    assert first_day.application.secrets.kept[PASSWORD] == MAIL["Password"]
    assert field(first_day, "Password").value == ""
    await first_day.user.should_not_see("Not saved yet")

    first_day.application.ways.mail.on_mail = lambda *_: (_ for _ in ()).throw(
        NoticeNotSent("The server refuses the password.", "Type it again.")
    )
    press(button(first_day, "Save and send a test"))
    await first_day.user.should_see("The server refuses the password.")
    await first_day.user.should_not_see("took the test")


async def test_what_is_missing_is_said_at_its_field_and_nothing_is_kept(first_day: Visit) -> None:
    await first_day.user.open("/practice")
    tick(first_day, "By e-mail").value = True
    wanted = [label for label in MAIL if label != "User (of the mailbox)"]
    field(first_day, "User (of the mailbox)").value = "office"
    for label in ("Password", "Mail server", "Messages come from", "Administrators"):
        press(save(first_day))
        await until(lambda label=label: field(first_day, label).error)  # type: ignore[misc]
        assert [each for each in wanted if field(first_day, each).error] == [label]
        assert choices(first_day) == NoticeChoices()
        field(first_day, label).value = MAIL[label]
    press(save(first_day))
    await until(lambda: choices(first_day).mail)


async def test_quiet_hours_and_limits_are_saved(first_day: Visit) -> None:
    await first_day.user.open("/practice")
    tick(first_day, "On this computer's desktop").value = False
    tick(first_day, "Leave people alone at night").value = False
    field(first_day, "Hours that calendars may go without a sync").value = "8"
    press(save(first_day))
    await until(lambda: not choices(first_day).desktop)
    assert choices(first_day).quiet_from is None
    assert choices(first_day).behind_hours == 8
    field(first_day, "Days that the last backup may be old").value = "never"
    press(save(first_day))
    await until(lambda: field(first_day, "Days that the last backup may be old").error)


async def test_a_desktop_that_shows_nothing_says_so_in_place(first_day: Visit) -> None:
    await first_day.user.open("/practice")
    press(button(first_day, "Show a test"))
    await first_day.user.should_see("It was handed to this computer's desktop.")
    first_day.application.ways.desktop.trouble = NoticeNotSent("This desktop shows no notices.")
    press(button(first_day, "Show a test"))
    await first_day.user.should_see("This desktop shows no notices.")
    await first_day.user.should_not_see("It was handed")


async def test_a_webhook_is_added_tested_and_removed(first_day: Visit) -> None:
    await first_day.user.open("/practice")
    press(button(first_day, "Add a webhook …"))
    await until(lambda: button(first_day, "Keep it"))
    field(first_day, "Address").value = "http://hooks.clinic.example/x"
    press(button(first_day, "Keep it"))
    await until(lambda: "not secure" in (field(first_day, "Address").error or ""))
    field(first_day, "Address").value = "https://hooks.clinic.example/x"
    press(button(first_day, "Keep it"))
    await first_day.user.should_see("which is shown only now")
    press(button(first_day, "Done"))
    press(button(first_day, "Call it with a test"))
    await first_day.user.should_see("hooks.clinic.example took the test.")
    press(button(first_day, "Remove"))
    await until(lambda: button(first_day, "Remove it"))
    press(button(first_day, "Remove it"))
    await until(lambda: WEBHOOK not in first_day.application.secrets.kept)
    await first_day.user.should_see("Add a webhook …")


async def test_what_fails_and_what_was_told_is_shown(first_day: Visit) -> None:
    application = first_day.application
    at = application.clock.now() - timedelta(days=1)
    failing = Failing(since=at, what="The server refuses the password.", remedy="Type it again.")
    await application.ways.store.save(NoticeBook(begun_at=at, failing={Way.MAIL: failing}))
    line = Activity(
        at=at, practitioner_id="", cause="notices", kind=ActivityKind.TOLD, text="E-mail to Alex: x"
    )
    await application.activity.add([line])
    await first_day.user.open("/practice")
    await first_day.user.should_see("E-mail to Alex: x")
    await first_day.user.should_see("E-mail does not go out, since")
    await first_day.user.should_see("The server refuses the password. Type it again.")
