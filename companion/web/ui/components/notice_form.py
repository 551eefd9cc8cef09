"""Who is told when something needs somebody: the ways, the addresses, quiet hours, and a test."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import time
from typing import Any

from nicegui import ui
from nicegui.elements.mixins.validation_element import ValidationElement
from nicegui.elements.mixins.value_element import ValueElement

from companion.domain.errors import BadInput, CompanionError
from companion.domain.notice_choices import MailSecurity
from companion.services.notices.notices import NoticesStanding
from companion.services.notices.telling import Way
from companion.services.settings.notice_words import NONE
from companion.web.ui.components.fields import errors_at
from companion.web.ui.components.typed_fields import TimeField
from companion.web.ui.error_reports import notify_done
from companion.web.ui.site import Site
from companion.web.ui.theme import box, button, notice, text

_PORTS = {MailSecurity.STARTTLS: 587, MailSecurity.TLS: 465}
_SECURITY = {
    MailSecurity.STARTTLS: "STARTTLS (usually port 587)",
    MailSecurity.TLS: "TLS from the start (usually port 465)",
}
_QUIET = "19:00", "07:00"


class NoticeForm:
    """The fields; `fields` are all that can be changed."""

    def __init__(self, site: Site, standing: NoticesStanding) -> None:
        self._site = site
        self._kept = standing.password
        values = site.services.practitioners.practice_values()
        notices = site.services.notices
        with box("actions"):
            self._desktop = ui.checkbox("On this computer's desktop", value=_on(values, "desktop"))
            shown = TestResult()
            button("Show a test", lambda: shown.of(lambda: notices.test(Way.DESKTOP)))
        shown.place()
        self._mail = ui.checkbox(
            "By e-mail", value=_on(values, "mail"), on_change=lambda _: self._arrange()
        )
        self._mail_block = box("stack")
        with self._mail_block:
            self._mail_fields(values)
            self._mail_actions = box("actions")
            self._mail_sent = TestResult()
            self._mail_sent.place()
        self._when_fields(values)
        self._arrange()

    def _mail_fields(self, values: dict[str, str]) -> None:
        text(
            "Messages go through the practice's own mail server, always encrypted. Whoever runs "
            "your e-mail knows these words.",
            "soft small",
        )
        with box("choices choices--fields"):
            self._server = _input("Mail server", values["notice_mail_server"], 253, "off")
            self._security = ui.select(
                dict(_SECURITY),
                label="Encryption",
                value=MailSecurity(values["notice_mail_security"]),
                on_change=self._usual_port,
            )
            self._security.classes("field").props("outlined")
            self._port = _input("Port", values["notice_mail_port"], 5, "off")
            self._port.props("inputmode=numeric")
            self._login = _input("User (of the mailbox)", values["notice_mail_login"], 200, "off")
            self._password = ui.input("Password", password=True, password_toggle_button=True)
            self._password.classes("field").props(
                "outlined hide-bottom-space autocomplete=new-password maxlength=200"
            )
            self._hint_password()
            self._sender = _input("Messages come from", values["notice_mail_from"], 254, "email")
        self._administrators = _input(
            "Administrators", _spaced(values["notice_administrators"]), 4000, "off"
        )
        self._administrators.props(
            "hint=\"Hear of this computer, backups, new links and Google's app. "
            'Several addresses: with commas"'
        )
        self._reception = _input("Reception", _spaced(values["notice_reception"]), 4000, "off")
        self._reception.props(
            'hint="Hears of files and removals that wait, and of sources. '
            'Nothing here: the administrators do"'
        )
        self._practitioners = ui.checkbox(
            "Practitioners hear of their own sign-in and calendar, at their own address",
            value=_on(values, "practitioners"),
        )

    def _when_fields(self, values: dict[str, str]) -> None:
        quiet = values["notice_quiet"]
        begin, _, end = (quiet if quiet != NONE else "-".join(_QUIET)).partition("-")
        self._quiet = ui.checkbox(
            "Leave people alone at night", value=quiet != NONE, on_change=lambda _: self._arrange()
        )
        self._hours = box("choices choices--fields")
        with self._hours:
            self._from = TimeField("Quiet from", time.fromisoformat(begin), field="quiet_from")
            self._to = TimeField(
                "Quiet until (then the day's summary comes)",
                time.fromisoformat(end),
                field="quiet_to",
            )
            for clock in (self._from, self._to):
                clock.props("hide-bottom-space")
        with box("choices choices--fields"):
            self._behind = _input(
                "Hours that calendars may go without a sync",
                values["notice_behind_hours"],
                5,
                "off",
            )
            self._backup = _input(
                "Days that the last backup may be old", values["notice_backup_days"], 5, "off"
            )
            for each in (self._behind, self._backup):
                each.props("inputmode=decimal")

    @property
    def fields(self) -> tuple[ValueElement[Any], ...]:
        return (
            *(self._desktop, self._mail, self._server, self._security, self._port, self._login),
            *(self._password, self._sender, self._administrators, self._reception),
            *(self._practitioners, self._quiet, self._from, self._to, self._behind, self._backup),
        )

    def actions(self, saved: Callable[[], None]) -> None:
        """And the button of the e-mail test, which saves first: it tests what was saved."""

        async def press() -> None:
            with errors_at(self._places):
                await self._keep()
                saved()
                notify_done("Saved.")

        async def test() -> None:
            self._mail_sent.clear()
            with errors_at(self._places):
                await self._keep()
                saved()
                await self._mail_sent.of(lambda: self._site.services.notices.test(Way.MAIL))

        button("Save", press, look="primary")
        with self._mail_actions:
            button("Save and send a test", test)

    def _arrange(self) -> None:
        self._mail_block.set_visibility(bool(self._mail.value))
        self._hours.set_visibility(bool(self._quiet.value))

    def _usual_port(self) -> None:
        if self._port.value in {str(each) for each in _PORTS.values()}:
            self._port.value = str(_PORTS[MailSecurity(self._security.value)])

    def _hint_password(self) -> None:
        hint = "Kept, sealed. Type a new one to replace it" if self._kept else "Is kept sealed"
        self._password.props["hint"] = hint

    @property
    def _places(self) -> dict[str, ValidationElement[Any]]:
        """By the field that an error names."""
        return {
            "notice_mail_server": self._server,
            "notice_mail_port": self._port,
            "notice_mail_login": self._login,
            "password": self._password,
            "notice_mail_from": self._sender,
            "notice_administrators": self._administrators,
            "notice_reception": self._reception,
            "notice_quiet": self._from,
            "quiet_from": self._from,
            "quiet_to": self._to,
            "notice_behind_hours": self._behind,
            "notice_backup_days": self._backup,
        }

    async def _keep(self) -> None:
        login, password = str(self._login.value or "").strip(), str(self._password.value or "")
        if self._mail.value and login and not (password or self._kept):
            raise BadInput("The password is missing.", "Type the mailbox's.", field="password")
        quiet = NONE
        if self._quiet.value:
            quiet = f"{self._from.clock():%H:%M}-{self._to.clock():%H:%M}"
        await self._site.services.practitioners.set_practice(
            {
                "notice_desktop": str(bool(self._desktop.value)),
                "notice_mail": str(bool(self._mail.value)),
                "notice_mail_server": str(self._server.value or ""),
                "notice_mail_security": str(self._security.value),
                "notice_mail_port": str(self._port.value or ""),
                "notice_mail_login": login,
                "notice_mail_from": str(self._sender.value or ""),
                "notice_administrators": str(self._administrators.value or ""),
                "notice_reception": str(self._reception.value or ""),
                "notice_practitioners": str(bool(self._practitioners.value)),
                "notice_quiet": quiet,
                "notice_behind_hours": str(self._behind.value or ""),
                "notice_backup_days": str(self._backup.value or ""),
            }
        )
        if password or (self._kept and not login):
            await self._site.services.notices.set_password(password if login else "")
            self._kept = bool(password and login)
            self._password.value = ""
            self._hint_password()


class TestResult:
    """What came of the last test."""

    def __init__(self) -> None:
        self._place: ui.element | None = None

    def place(self) -> None:
        self._place = box("stack").props("role=status")
        self.clear()

    def clear(self) -> None:
        if self._place is not None:
            self._place.clear()
            self._place.set_visibility(False)

    async def of(self, test: Callable[[], Awaitable[str]]) -> None:
        self.clear()
        if self._place is None:
            return
        try:
            said = await test()
        except CompanionError as error:
            with self._place, notice("bad"):
                text(error.what, "strong")
                text(error.remedy)
        else:
            with self._place, notice("ok"):
                text(said)
        self._place.set_visibility(True)


def _on(values: dict[str, str], name: str) -> bool:
    return values[f"notice_{name}"] == "true"


def _spaced(addresses: str) -> str:
    return addresses.replace(",", ", ")


def _input(label: str, value: str, longest: int, autocomplete: str) -> ui.input:
    made = ui.input(label, value=value)
    return made.classes("field").props(
        f"outlined hide-bottom-space maxlength={longest} autocomplete={autocomplete} "
        "spellcheck=false"
    )
