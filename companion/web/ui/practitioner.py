"""One practitioner's page: how their calendar stands and what to do next, then the vendor's steps
and the phone links.

Finished steps are folded, and say in a word what they hold. Steps 2 to 6 act at once, because they
call Google; 5 and 6 run by themselves after connecting. Steps 1, 7 and 8 are one form: nothing of
it is saved before *Apply* (or *OK*, which goes back as well); a bar shows that something is
unsaved, and leaving then asks. The last step, the upload, shows first what it would write.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from nicegui import ui
from nicegui.elements.mixins.value_element import ValueElement

from companion.domain.disclosure import Disclosure, DisclosureCap
from companion.domain.errors import BadInput, NotFound
from companion.domain.settings import PractitionerSettings, SyncChoices
from companion.domain.window import SyncWindow
from companion.services.access.policy import Action
from companion.services.access.rules import Rule
from companion.services.settings.setup import SetupProgress
from companion.web.ui import formatting
from companion.web.ui.components.copy_settings import open_copy_dialog
from companion.web.ui.components.disclosure_form import CLIENT_NAMES, ITEMS, DisclosureForm
from companion.web.ui.components.event_preview import EventPreview
from companion.web.ui.components.event_style_form import EventStyleForm
from companion.web.ui.components.google_steps import GoogleSteps
from companion.web.ui.components.held import open_held_dialog
from companion.web.ui.components.keep_calendar import open_keep_dialog
from companion.web.ui.components.leave_practice import leave_card
from companion.web.ui.components.practitioner_card import (
    PractitionerCard,
    calendar_address,
    card_of,
    colour_of,
)
from companion.web.ui.components.setup_steps import UPLOAD, SetupSteps
from companion.web.ui.components.typed_fields import NumberField
from companion.web.ui.components.upload_dialog import open_upload_dialog
from companion.web.ui.error_reports import notify_done, report_errors
from companion.web.ui.pages import page
from companion.web.ui.phones.links import PhoneLinks
from companion.web.ui.presses import on_press
from companion.web.ui.site import Site
from companion.web.ui.theme import back_link, box, button, card, frame, page_head, text

if TYPE_CHECKING:
    from companion.services.status import PractitionerStatus

LOOK_SECONDS = 0.25
MOST_DAYS = 730


def create(site: Site) -> None:
    @page(site, "/practitioner/{practitioner_id}", Rule(Action.GOOGLE, of="practitioner_id"))
    async def practitioner(practitioner_id: str) -> None:
        record = site.services.settings.read().practitioner(practitioner_id)
        await site.live.see(record.practitioner.id)
        with frame(site, record.practitioner.name, active="/"):
            if site.who().practitioner_id != record.practitioner.id:  # theirs is the overview
                back_link()
            page_head(record.practitioner.name)
            connecting = site.services.connecting
            _PractitionerPage(
                site,
                record,
                delegates=await connecting.delegates(),
                signs_in=await connecting.client_name() is not None,
            )


class _State:
    """How it stands: the practitioner's card, kept up to date."""

    def __init__(self, site: Site, practitioner_id: str) -> None:
        self._site = site
        self._id = practitioner_id
        board = site.live.latest()
        places = [each.practitioner.id for each in board.practitioners] if board else []
        self._place = places.index(practitioner_id) if practitioner_id in places else 0
        self._connect: Callable[[], object] | None = None
        status = site.live.status_of(practitioner_id)
        if status is None:
            return
        self._card = PractitionerCard(
            self._content(status),
            on_upload=partial(open_upload_dialog, site, practitioner_id),
            on_stop=partial(site.live.cancel, practitioner_id),
            on_held=partial(open_held_dialog, site, practitioner_id),
            on_keep=partial(open_keep_dialog, site, practitioner_id),
        )
        ui.timer(LOOK_SECONDS, self._look)

    def connects_by(self, connect: Callable[[], object] | None) -> None:
        """*Connect to Google* on the card takes what steps 2 and 4 hold."""
        self._connect = connect
        if connect is not None:
            on_press(self._card, connect, "connect")
        self._look()

    def _content(self, status: PractitionerStatus) -> dict[str, object]:
        card = card_of(
            status,
            colour=colour_of(status, self._place),
            now=self._site.services.clock.now(),
            may=self._site.may,
            calendar=calendar_address(self._site, status),
            paused=self._paused(),
        )
        for action in card["actions"]:
            if action["event"] == "connect" and not status.connected:
                action.pop("href")
                action["disabled"] = self._connect is None
        return card

    def _paused(self) -> bool:
        board = self._site.live.latest()
        return board is not None and board.paused_until is not None

    def _look(self) -> None:
        status = self._site.live.status_of(self._id)
        if status is not None:
            self._card.show(self._content(status))


class _PractitionerPage:
    def __init__(
        self, site: Site, record: PractitionerSettings, *, delegates: bool, signs_in: bool
    ) -> None:
        self._site = site
        self._record = record
        self._id = record.practitioner.id
        state = _State(site, self._id)
        with card("Set-up"):
            head = self._head = SetupSteps(self._progress())
            with box("folds"):
                self._steps(head, delegates=delegates, signs_in=signs_in)
        state.connects_by(self._google.connect)
        self._bar = box("savebar unsaved").props("role=status")
        with self._bar:
            text("Not saved yet", "strong")
            self._wrong = text("", "bad").props("role=alert")
            with box("actions"):
                button("Undo", self._undo, look="plain")
                button("OK", self._okay, icon="done_all")
                button("Apply", self._apply, look="primary", icon="check")
        self._saved = self._values()
        self._bar.set_visibility(False)
        ui.timer(LOOK_SECONDS * 4, self._look)
        with card("Phone links"):
            text(
                "A private link shows the same appointments in any calendar app. Google fetches "
                "such links only every 8 to 24 hours; for Google use the steps above.",
                "card__lead",
            )
            self._links = PhoneLinks(site, self._id)
        self._google.disconnect_card()
        if site.may(Action.PRACTITIONERS):
            leave_card(site, record)
        # They read, the preview the whole period: the page does not wait for them.
        ui.timer(0.01, report_errors(self._fill), once=True)

    def _steps(self, head: SetupSteps, *, delegates: bool, signs_in: bool) -> None:
        record, choices = self._record, self._record.choices
        said = "On" if choices.enabled else "Off"
        with head.step(1, "Enable Google Calendar Sync", said) as self._fold_enabled:
            self._enabled = ui.switch(
                "Keep this practitioner's Google Calendar equal to the book",
                value=choices.enabled,
                on_change=self._changed,
            )
        self._google = GoogleSteps(
            self._site, record, head, self._look, delegates=delegates, signs_in=signs_in
        )
        with head.step(7, "Sync period", _period(choices)) as self._fold_period:
            with box("columns"):
                self._arrears = self._days(
                    "Days in Arrears", choices.days_in_arrears, "days_in_arrears"
                )
                self._advance = self._days(
                    "Days in Advance", choices.days_in_advance, "days_in_advance"
                )
            self._dates = text("", "soft").props("aria-live=polite")
        cap = self._site.services.settings.read().practice.cap
        with head.step(8, "Items to include", _items(choices.disclosure, cap)) as self._fold_items:
            self._form = DisclosureForm(choices.disclosure, cap, self._changed)
            self._style = EventStyleForm(choices, self._changed)
            self._put_back = ui.switch(
                "Put back events that somebody deletes in Google",
                value=choices.put_back_deleted,
                on_change=self._changed,
            )
            self._tidy = ui.switch(
                "Remove events from Google once they are older than the days in arrears",
                value=choices.tidy_past,
                on_change=self._changed,
            )
            text("Preview", tag="h4")
            self._preview = EventPreview(self._site, record)
            self._other_actions(record)
        self._upload_step(head)

    def _other_actions(self, record: PractitionerSettings) -> None:
        with box("actions"):
            if record.google.connected:
                button("Put back what was left out", self._put_left_out_back, icon="restore")
            if self._site.may(Action.PRACTITIONERS):
                copy = partial(open_copy_dialog, self._site, self._id)
                button("Copy settings to others …", copy, icon="content_copy")

    def _upload_step(self, head: SetupSteps) -> None:
        with head.step(
            UPLOAD, "Upload to Google", _uploaded(self._progress())
        ) as self._fold_upload:
            text(
                "Fills the calendar and compares it with the book. From then on the background "
                "sync keeps it so by itself.",
                "card__lead",
            )
            if not self._site.may(Action.UPLOAD, self._id):
                text("Somebody who may upload presses the button.", "soft")
            elif self._record.google.connected:
                upload = partial(open_upload_dialog, self._site, self._id)
                with box("actions"):
                    button("Preview the upload …", upload, icon="cloud_upload")
            else:
                text("It can begin once a calendar is connected: steps 2 to 4.", "soft")

    async def _fill(self) -> None:
        await self._links.fill()
        await self._draw()
        await self._google.check_new()

    def _days(self, label: str, value: int, field: str) -> NumberField:
        made = NumberField(
            label, value, least=0, most=MOST_DAYS, field=field, on_change=self._changed
        )
        return made.props("debounce=250")

    def _values(self) -> list[object]:
        fields: tuple[ValueElement[Any], ...] = (
            self._enabled,
            self._arrears,
            self._advance,
            *self._form.fields,
            self._put_back,
            self._tidy,
        )
        return [*(each.value for each in fields), *self._style.values]

    def _choices(self) -> SyncChoices:
        """The choices of the form. Raises BadInput."""
        return SyncChoices(
            enabled=self._enabled.value,
            days_in_arrears=self._arrears.whole(),
            days_in_advance=self._advance.whole(),
            disclosure=self._form.draft(),
            colour=self._style.colour,
            type_colours=self._style.type_colours,
            reminder=self._style.reminder,
            put_back_deleted=self._put_back.value,
            tidy_past=self._tidy.value,
        )

    def _look(self) -> None:
        try:
            progress = self._progress()
        except NotFound:  # removed meanwhile; another page is on its way
            return
        self._head.show(progress)
        self._fold_upload.say(_uploaded(progress))

    def _progress(self) -> SetupProgress:
        status = self._site.live.status_of(self._id)
        filled = status is not None and status.last_sync is not None
        return self._site.services.setup.steps(self._id, filled=filled)

    def _changed(self, *_: object) -> None:
        if not hasattr(self, "_saved"):
            return
        self._bar.set_visibility(self._values() != self._saved)
        ui.timer(0.01, report_errors(self._draw), once=True)

    async def _draw(self) -> None:
        try:
            choices = self._choices()
        except BadInput:  # reported when it is applied
            return
        arrears, advance = choices.days_in_arrears, choices.days_in_advance
        window = SyncWindow.around(
            self._site.services.clock.now(),
            self._record.practitioner.timezone,
            days_in_arrears=arrears,
            days_in_advance=advance,
        )
        first = formatting.day(window.first_day, year=True)
        self._dates.set_text(f"From {first} to {formatting.day(window.last_day, year=True)}.")
        self._style.offer(await self._preview.show(choices))

    async def _okay(self) -> None:
        if await self._apply():
            ui.navigate.to("/")

    async def _apply(self) -> bool:
        """All of the form or nothing; whether it was kept."""
        values, before = self._values(), self._record.choices
        try:
            self._record = await self._site.services.practitioners.set_choices(
                self._id, self._choices()
            )
        except BadInput as error:
            fields = {"days_in_arrears": self._arrears, "days_in_advance": self._advance}
            field = fields.get(error.field)
            if field is None:
                self._wrong.set_text(f"{error.what} {error.remedy}")
            else:
                field.error = f"{error.what} {error.remedy}"
            return False
        self._wrong.set_text("")
        await self._site.services.setup.applied(self._id)
        self._saved = values
        self._say(self._record.choices)
        self._bar.set_visibility(False)
        self._look()
        notify_done("Saved.", undo=partial(self._take_back, before))
        return True

    async def _take_back(self, choices: SyncChoices) -> None:
        await self._site.services.practitioners.set_choices(self._id, choices)
        ui.navigate.reload()

    def _say(self, choices: SyncChoices) -> None:
        cap = self._site.services.settings.read().practice.cap
        self._fold_enabled.say("On" if choices.enabled else "Off")
        self._fold_period.say(_period(choices))
        self._fold_items.say(_items(choices.disclosure, cap))

    async def _put_left_out_back(self) -> None:
        count = await self._site.services.auditing.put_back(self._id)
        if not count:
            notify_done("No event is left out: nobody deleted one in Google.")
            return
        self._site.live.upload(self._id)
        notify_done(f"{formatting.counted(count, 'event')} will be in Google again in a moment.")

    def _undo(self) -> None:
        self._bar.set_visibility(False)
        ui.navigate.reload()


def _uploaded(progress: SetupProgress) -> str:
    return "Done" if progress.steps[UPLOAD - 1].done else "Not yet"


def _period(choices: SyncChoices) -> str:
    """``7 days back, 60 ahead``."""
    back = formatting.counted(choices.days_in_arrears, "day")
    return f"{back} back, {choices.days_in_advance} ahead"


def _items(disclosure: Disclosure, cap: DisclosureCap) -> str:
    """``Initials, Appointment type, Location``: what is shown of a client's appointment."""
    shown = disclosure.capped(cap)
    names = [CLIENT_NAMES[shown.client_name].removesuffix(" (recommended)")]
    names += [label.partition(" (")[0] for item, label in ITEMS.items() if item in shown.items]
    return ", ".join(names)
