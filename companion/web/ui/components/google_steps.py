"""Google steps: login, sign-in, calendar, and the two checks of the vendor's page.

Asking Google for the narrowest permission needs the choice of calendar first, so the sign-in of
step 3 carries the choice of step 4.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from nicegui import ui

from companion.domain.errors import BadInput, CalendarInUse, CompanionError
from companion.domain.settings import PractitionerSettings
from companion.services.access.policy import Action
from companion.services.google.consents import CalendarChoice, same_account
from companion.services.settings import checks as setting_checks
from companion.web.ui import formatting
from companion.web.ui.components.calendar_list import WIDER, CalendarList
from companion.web.ui.components.dialogs import dialog
from companion.web.ui.components.fields import fail_field
from companion.web.ui.components.folds import Fold
from companion.web.ui.components.google_account import add_account_notes
from companion.web.ui.components.google_pages import add_other_pages
from companion.web.ui.components.setup_steps import SetupSteps
from companion.web.ui.components.take_over import add_decision
from companion.web.ui.error_reports import as_companion_error
from companion.web.ui.site import Site
from companion.web.ui.theme import box, button, card, notice, say_error, text

if TYPE_CHECKING:
    from companion.services.google.checks import CheckResult

_SAID = {None: "", True: "Succeeded", False: "Failed"}
KEEP, NEW, LIST, EXISTING = "keep", "new", "list", "existing"


class GoogleSteps:
    """Steps 2 to 6."""

    def __init__(
        self,
        site: Site,
        record: PractitionerSettings,
        head: SetupSteps,
        on_check: Callable[[], None],
        *,
        delegates: bool,
        signs_in: bool,
    ) -> None:
        """`on_check` is called when a check was answered. `delegates`: the practice has a service
        account; `signs_in`: it has a client to sign in with, or nothing yet."""
        self._site = site
        self._record = record
        self._head = head
        self._id = record.practitioner.id
        self._on_check = on_check
        self._delegates = delegates and site.may(Action.PRACTICE)
        self._signs_in = signs_in or not delegates
        google = record.google
        with head.step(2, "Google Login", google.account or google.login or "Not chosen"):
            text("The Google account whose calendar is to be filled.", "card__lead")
            self._login = ui.input(
                "E-mail of the Google account",
                value=google.login or record.practitioner.email,
            )
            self._login.classes("field").props("outlined type=email autocomplete=off")
        how = "By the service account" if google.delegated else "Signed in"
        with head.step(3, "Connect to Google", how if google.account else "Not connected"):
            self._sign_in()
        with head.step(4, "Calendar", google.calendar_name or google.calendar_id) as calendar:
            ui.link_target("calendar")
            waiting = add_decision(site, self._id)
            if waiting:
                calendar.element.props("open")
            with box("stack") as ways:
                self._calendar()
            ways.set_visibility(not waiting)
        self._checks = (
            self._check(
                head,
                5,
                "Test Credentials",
                "Asks Google whether the sign-in still works.",
                lambda: site.services.connecting.test(self._id),
                site.services.setup.tested,
            ),
            self._check(
                head,
                6,
                "Check Calendar is accessible",
                "Writes one test event to the calendar and removes it again.",
                lambda: site.services.connecting.check(self._id),
                site.services.setup.accessible,
            ),
        )

    async def check_new(self) -> None:
        """Right after connecting both checks run by themselves; each at most once."""
        for number, check in zip((5, 6), self._checks, strict=True):
            if self._record.google.connected and self._head.answer(number) is None:
                await check()

    @property
    def connect(self) -> Callable[[], object] | None:
        """What *Connect to Google* does; None where somebody else does it."""
        if self._delegates:
            return self._delegate
        return self._go if self._signs_in else None

    # ── 3 ────────────────────────────────────────────────────────────────────────────────────

    def _sign_in(self) -> None:
        google = self._record.google
        if google.account:
            since = formatting.exact(google.connected_at, self._record.practitioner.timezone)
            with notice("ok"):
                how = "Connected by the service account as" if google.delegated else "Signed in as"
                text(f"{how} {google.account}", "strong")
                if since:
                    text(f"Since {since}", "small")
            add_account_notes(self._site, self._record)
            if google.ends_at is not None:
                self._warn_of_testing(google.ends_at)
        elif self._delegates:
            text(
                "The practice's service account connects the Google Login of step 2: nobody signs "
                "in.",
                "card__lead",
            )
        elif self._signs_in:
            text(
                "Google opens, asks which account, and for permission. Leave the calendar box "
                "ticked, then press Allow. You come back here by yourself.",
                "card__lead",
            )
        else:
            text("An administrator of the practice connects everybody; nobody signs in.")
        self._waiting = box("stack")
        label = "Connect again" if google.account else "Connect to Google"
        with box("actions"):
            if self._delegates:
                button(label, self._delegate, icon="login")
            if self._delegates and self._signs_in:
                button("Sign in at Google instead", self._go, look="plain")
            elif self._signs_in:
                button(label, self._go, icon="login")
        self._show_waiting()
        if self._signs_in:
            add_other_pages(self._site)

    async def _delegate(self) -> None:
        wanted = self._asked()
        if wanted is None:
            return
        try:
            await self._site.services.connecting.delegate(
                self._id,
                login=wanted["login"],
                calendar=CalendarChoice.of(
                    wanted.get("calendar", ""),
                    wanted.get("name", ""),
                    shared="shared" in wanted,
                ),
                upload_by_hand=True,
            )
        except CalendarInUse:  # the page asks about it
            ui.navigate.reload()
            return
        ui.navigate.to(f"/practitioner/{self._id}")

    def _warn_of_testing(self, ends_at: datetime) -> None:
        day = formatting.exact(ends_at, self._record.practitioner.timezone)
        with notice("warn"):
            text(f"Google ends this sign-in on {day}.", "strong")
            text(
                'The practice\'s Google app is in "Testing". In the Google Cloud console open '
                "Google Auth Platform > Audience and press Publish app; then connect once more."
            )

    def _show_waiting(self) -> None:
        waiting = self._site.services.connecting.waiting(self._id)
        self._waiting.clear()
        if waiting is None:
            return
        with self._waiting, notice("info", icon="hourglass_top"):
            text("A sign-in at Google is under way.", "strong")
            text("Finish it in the tab that shows Google, within five minutes.")
            button("Cancel the sign-in", self._cancel, look="plain")

    def _cancel(self) -> None:
        waiting = self._site.services.connecting.waiting(self._id)
        if waiting is not None:
            self._site.services.connecting.cancel(waiting.state)
        self._show_waiting()

    def _asked(self) -> dict[str, str] | None:
        """Login and calendar; None where a field is wrong and says so."""
        try:
            login = setting_checks.email(str(self._login.value or ""), "login")
            return {"login": login} | self._wanted_calendar()
        except BadInput as error:
            fail_field(error, {"login": self._login, "calendar": self._existing})
            return None

    def _go(self) -> None:
        asked = self._asked()
        if asked is not None:
            ui.navigate.to(f"/oauth/start/{self._id}?{urlencode(asked)}")

    # ── 4 ────────────────────────────────────────────────────────────────────────────────────

    def _calendar(self) -> None:
        google = self._record.google
        if google.account and not google.connected:
            CalendarList(self._site, self._id)
        options = {
            NEW: "Create a calendar for me (recommended)",
            LIST: "Choose from my list, after signing in",
            EXISTING: "Paste a Google Calendar ID",
        }
        if google.connected:
            options = {KEEP: f"Keep “{google.calendar_name or google.calendar_id}”"} | options
            text(f"Now filled: {google.calendar_name or google.calendar_id}", "strong")
        self._kind = ui.radio(options, value=KEEP if google.connected else NEW)
        self._kind.props("aria-label=Calendar")
        if google.connected:  # another account does not have the present calendar
            self._login.on_value_change(self._offer_another)
        self._name = ui.input("Name of the new calendar", value="Appointments")
        self._name.classes("field").props("outlined maxlength=100")
        self._name.bind_visibility_from(self._kind, "value", value=NEW)
        looks = text(
            "Google also asks whether your list of calendars may be seen: so a calendar that an "
            "earlier installation made is found, and no second one is made. You may untick it.",
            "soft small",
        )
        looks.bind_visibility_from(self._kind, "value", value=NEW)
        self._existing = ui.input("Google Calendar ID", placeholder="…@group.calendar.google.com")
        self._existing.classes("field").props(
            "outlined maxlength=300 hint=\"In Google Calendar: the calendar's Settings, "
            'Integrate calendar, Calendar ID"'
        )
        self._shared = ui.checkbox("It is shared with me")
        wider = text(WIDER, "soft small")
        wider.bind_visibility_from(self._shared, "value")
        for each in (self._existing, self._shared):
            each.bind_visibility_from(self._kind, "value", value=EXISTING)
        if google.connected:
            connect = self._delegate if self._delegates and google.delegated else self._go
            change = button("Change the calendar", connect, icon="sync_alt")
            change.bind_visibility_from(self._kind, "value", backward=lambda kind: kind != KEEP)
            note = text(
                ""
                if google.delegated
                else "Google asks for permission again, because it gives it for one calendar only.",
                "soft small",
            )
            note.bind_visibility_from(self._kind, "value", backward=lambda kind: kind != KEEP)
        else:
            text("Used when you press Connect to Google.", "soft small")

    def _offer_another(self) -> None:
        login, google = str(self._login.value or "").strip(), self._record.google
        same = not login or same_account(login, google.account)
        if self._kind.value in {KEEP, NEW}:
            self._kind.value = KEEP if same else NEW

    def _wanted_calendar(self) -> dict[str, str]:
        if self._kind.value == NEW:
            return {"calendar": "new", "name": str(self._name.value or "").strip()}
        if self._kind.value == LIST:
            return {"calendar": "list"}
        if self._kind.value == EXISTING:
            identity = str(self._existing.value or "").strip()
            if "@" not in identity or any(mark.isspace() for mark in identity):
                raise BadInput(
                    "This is not a Google Calendar ID.",
                    "It looks like an e-mail address; copy it from the calendar's settings.",
                    field="calendar",
                )
            return {"calendar": identity} | ({"shared": "1"} if self._shared.value else {})
        return {}

    # ── 5 and 6 ──────────────────────────────────────────────────────────────────────────────

    def _check(
        self,
        head: SetupSteps,
        number: int,
        label: str,
        lead: str,
        ask: Callable[[], Awaitable[CheckResult]],
        remember: Callable[..., Awaitable[None]],
    ) -> Callable[[], Awaitable[None]]:
        async def check() -> None:
            outcome.clear()
            step.say("Asking Google …")
            try:
                result = await ask()
                await remember(self._id, good=result.ok)
            except CompanionError as error:
                press.set_text(f"{label} (Failed)")
                _tell(step, good=False)
                with outcome:
                    say_error(as_companion_error(error))
                return
            self._on_check()
            _tell(step, good=result.ok)
            press.set_text(result.label)
            press.props["icon"] = "check_circle" if result.ok else "error"
            press.classes(
                add="btn--done" if result.ok else "btn--danger",
                remove="btn--danger" if result.ok else "btn--done",
            )
            with outcome:
                _show_result(result)

        said = _SAID[head.answer(number)]
        with head.step(number, label, said) as step:
            text(lead, "card__lead")
            with box("actions"):
                press = button(label, check)
            outcome = box("stack").props("aria-live=polite")
            if not self._record.google.connected:
                press.set_enabled(False)
                with outcome:
                    text("Connect to Google first.", "soft small")
        return check

    def disconnect_card(self) -> None:
        google = self._record.google
        if not google.connected:
            return
        with card("Disconnect from Google"):
            end = (
                f"The calendar of {google.account} is then filled no more."
                if google.delegated
                else f"{google.account} is signed out here."
            )
            text(
                f"{end} The events can stay in the calendar or be removed with it.",
                "card__lead",
            )
            with box("actions"):
                button("Disconnect …", self._open_disconnect, look="danger")

    def _open_disconnect(self) -> None:
        with dialog("Disconnect from Google?", asks=False) as opened:
            remove = ui.checkbox("Also remove our events from the Google calendar")

            async def go() -> None:
                await self._site.services.connecting.disconnect(
                    self._id, remove_events=bool(remove.value)
                )
                ui.navigate.to(f"/practitioner/{self._id}")

            with box("actions"):
                button("Disconnect", go, look="danger")
                button("Stay connected", opened.close, look="primary")


def _tell(step: Fold, *, good: bool) -> None:
    step.say(_SAID[good])
    if not good:
        step.unfold()


def _show_result(result: CheckResult) -> None:
    if result.ok:
        if result.what:
            text(result.what, "soft")
        return
    with notice("bad", alert=True):
        text(result.what, "strong")
        if result.remedies:
            text("What to try, in this order:")
            with box("quiet-list", tag="ol"):
                for place, remedy in enumerate(result.remedies, 1):
                    text(f"{place}. {remedy}", tag="li")
