"""Overview: until a calendar is filled, how to get there; then who needs attention first, a row per
practitioner, the last weeks at a glance, and what happened lately.

One timer a page looks at `UploadBoard.version`; only cards that differ are sent again.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from nicegui import ui

from companion.domain.client_names import skeleton
from companion.domain.practice_errors import DatabaseAway
from companion.services.access.policy import Action
from companion.services.access.rules import Rule
from companion.services.activity_csv import EVERYTHING, activity_csv
from companion.services.status import NEEDS_A_PERSON
from companion.services.sync.auditing import clock_time
from companion.web.ui import formatting
from companion.web.ui.components.activity import activity_list
from companion.web.ui.components.add_practitioner import open_add_dialog
from companion.web.ui.components.daily_backups import BackupTrouble
from companion.web.ui.components.first_run import FirstRun
from companion.web.ui.components.held import open_held_dialog
from companion.web.ui.components.history import weeks_card
from companion.web.ui.components.keep_calendar import open_keep_dialog
from companion.web.ui.components.practitioner_card import (
    May,
    PractitionerCard,
    calendar_address,
    card_of,
    colour_of,
)
from companion.web.ui.components.several import (
    open_connect_several,
    open_upload_several,
    to_connect,
    to_upload,
)
from companion.web.ui.error_reports import report_errors
from companion.web.ui.importing.waiting import WaitingFiles
from companion.web.ui.pages import page
from companion.web.ui.site import Site
from companion.web.ui.theme import (
    box,
    button,
    frame,
    link_button,
    notice,
    page_head,
    set_class,
    text,
)
from companion.web.ui.workstations import PATH as WORKSTATIONS

if TYPE_CHECKING:
    from datetime import datetime

    from companion.services.status import Board, PractitionerStatus

SEARCH_FROM = 9
"""A search field from this many practitioners on."""
MANY = 24
"""From here on, cards out of sight are not laid out."""
AT_ONCE = 8
"""Cards that are drawn at a time; other work runs between."""
LOOK_SECONDS = 0.25


def create(site: Site) -> None:
    @page(site, "/", Rule(Action.SEE_STATUS, somewhere=True))
    async def home() -> None:
        board = await site.live.board()
        with frame(site, "Overview", active="/"):
            overview = _Home(site, board)
            await overview.begin(board)


class _Home:
    """What is on one open page."""

    def __init__(self, site: Site, board: Board) -> None:
        self._site = site
        self._cards: dict[str, PractitionerCard] = {}
        self._wanted = ""
        self._empty = False
        self._sets_up = site.may(Action.PRACTITIONERS)
        """Otherwise the cards only show the state."""
        actions, self._summary = page_head(board.practice.name or "Your practice")
        self._summary.props("role=status")
        with actions:
            if board.practitioners:
                link_button("Import appointments", "/import", icon="upload_file")
                if self._sets_up:
                    button("Add practitioner", self._add, icon="person_add")
        self._keeping = box()
        self._keeping_seen: object = None
        self._paused = box()
        self._pause_seen: object = None
        self._backups = BackupTrouble(site) if site.may(Action.PRACTICE) else None
        self._first_run = (
            FirstRun(site, add=self._add, connect=partial(open_connect_several, site))
            if self._sets_up
            else None
        )
        self._waiting = WaitingFiles(site) if site.may(Action.IMPORT) else None
        if len(board.practitioners) >= SEARCH_FROM:
            search = ui.input("Find a practitioner", on_change=self._search)
            search.classes("field").props("outlined clearable type=search debounce=150")
        with box("actions"):
            self._connect_many = button(
                "Connect several …", partial(open_connect_several, site), icon="group_add"
            )
            self._upload_many = button(
                "Upload several …", partial(open_upload_several, site), icon="cloud_upload"
            )
            if board.practitioners and self._sets_up:
                link_button("Who is set up", "/progress", icon="checklist", look="plain")
        self._grid = box("rows")
        self._weeks = box()
        self._weeks_seen: object = None
        with box("card", tag="section") as section:
            heading = text("Activity", tag="h2")
            section.props(f"aria-labelledby={heading.html_id}")
            self._activity = box()
            if board.activity:
                with box("actions"):
                    button("Save as a table (CSV)", self._save_activity, icon="download")
        self._shown: object = None
        self._activity_seen: object = None

    async def begin(self, board: Board) -> None:
        await self._draw(board)
        if self._waiting is not None:
            self._waiting.begin()
        ui.timer(LOOK_SECONDS, report_errors(self._look))

    async def _look(self) -> None:
        board = self._site.live.latest()
        minute = int(self._site.services.clock.monotonic() // 30)  # "5 min ago" grows older
        version = (self._site.live.version, minute)
        if board is not None and version != self._shown:
            self._shown = version
            await self._draw(board)

    async def _draw(self, board: Board) -> None:
        ids = {each.practitioner.id for each in board.practitioners}
        if not ids:
            if not self._empty:
                self._draw_empty()
        elif ids != self._cards.keys():
            await self._rebuild(board)
        else:
            may = self._site.rights()
            for place, status in enumerate(board.practitioners):
                await _let_others(place)
                self._cards[status.practitioner.id].show(self._card(board, status, place, may))
        now = self._site.services.clock.now()
        self._summary.set_text(_summary(board, now, guided=self._first_run is not None))
        if self._first_run is not None:
            with suppress(DatabaseAway):  # the banner says so
                await self._first_run.show(board)
        self._connect_many.set_visibility(len(to_connect(self._site)) > 1)
        known = board.known_until is None
        self._upload_many.set_visibility(known and len(to_upload(self._site)) > 1)
        if self._waiting is not None:
            self._waiting.set_visibility(known)
        self._draw_keeping(board)
        self._draw_pause(board)
        self._draw_weeks(board)
        self._draw_activity(board)
        if self._backups is not None:
            with suppress(DatabaseAway):
                await self._backups.draw()
            self._backups.set_visibility(known)

    def _draw_keeping(self, board: Board) -> None:
        """Which workstation keeps the calendars, where it is another; the banner tells of a server
        that is away."""
        keeping = board.keeping
        said = keeping if keeping and not keeping.here and not keeping.away else None
        if said == self._keeping_seen:
            return
        self._keeping_seen = said
        self._keeping.clear()
        if said is None:
            return
        with self._keeping:
            if said.remedy:
                with notice("warn"):
                    text(said.sentence, "strong")
                    text(said.remedy)
                    self._to_workstations()
            else:
                with box("keeping"):
                    text(said.sentence, "soft", tag="span")
                    self._to_workstations()

    def _to_workstations(self) -> None:
        if self._site.pages[WORKSTATIONS].offered(self._site.who()):
            ui.link("Workstations", WORKSTATIONS)

    def _draw_weeks(self, board: Board) -> None:
        zone = ZoneInfo(board.practice.timezone)
        today = self._site.services.clock.now().astimezone(zone).date()
        seen = (today, [each.history for each in board.practitioners])
        if seen == self._weeks_seen:
            return
        self._weeks_seen = seen
        self._weeks.clear()
        with self._weeks:
            weeks_card(seen[1], today)

    def _draw_pause(self, board: Board) -> None:
        shown = (board.paused_until, board.known_until)
        if shown == self._pause_seen:
            return
        self._pause_seen = shown
        self._paused.clear()
        if board.paused_until is None or board.known_until is not None:
            return
        now = self._site.services.clock.now()
        until = clock_time(board.paused_until, board.practice.timezone, now)
        with self._paused, notice("warn", icon="pause_circle"):
            text(f"The background sync is paused until {until}.", "strong")
            text("Changes wait until then. Phones are answered, and Upload to Google still works.")
            if self._site.may(Action.PAUSE):
                with box("actions"):
                    button("Go on now", self._go_on)

    async def _go_on(self) -> None:
        await self._site.services.pausing.resume()
        await self._draw(await self._site.live.board())

    def _draw_empty(self) -> None:
        self._empty = True
        self._cards.clear()
        self._grid.clear()
        with self._grid, box("card empty"):
            ui.icon("groups").props("aria-hidden=true")
            text("No practitioners yet", tag="h2")
            text(
                "Import an export of your practice software: the practitioners in it are found "
                "by name. Or add one by hand."
            )
            with box("actions"):
                # The first press is that of the steps above, where they are.
                look: Literal["primary", "second"] = "second" if self._first_run else "primary"
                link_button("Import appointments", "/import", icon="upload_file", look=look)
                if self._sets_up:
                    button("Add practitioner", self._add, icon="person_add")

    async def _rebuild(self, board: Board) -> None:
        self._empty = False
        self._grid.clear()
        self._cards.clear()
        set_class(self._grid, "rows--many", on=len(board.practitioners) > MANY)
        with self._grid:
            # Who needs somebody comes first; while the page is open nobody changes places.
            places, may = list(enumerate(board.practitioners)), self._site.rights()
            for number, (place, status) in enumerate(sorted(places, key=_urgency)):
                await _let_others(number)
                identity = status.practitioner.id
                self._cards[identity] = PractitionerCard(
                    self._card(board, status, place, may),
                    on_upload=partial(self._site.live.upload, identity),
                    on_stop=partial(self._site.live.cancel, identity),
                    on_held=partial(open_held_dialog, self._site, identity),
                    on_keep=partial(open_keep_dialog, self._site, identity),
                )
        self._filter()

    def _card(
        self, board: Board, status: PractitionerStatus, place: int, may: May
    ) -> dict[str, object]:
        identity = status.practitioner.id
        shown = card_of(
            status,
            colour=colour_of(status, place),
            now=self._site.services.clock.now(),
            may=may,
            page=f"/practitioner/{identity}",
            calendar=calendar_address(self._site, status),
            paused=board.paused_until is not None,
        )
        return shown if self._sets_up else {**shown, "page": ""}

    def _search(self, event: object) -> None:
        self._wanted = skeleton(getattr(event, "value", "") or "").strip()
        self._filter()

    def _filter(self) -> None:
        for card in self._cards.values():
            shown = card.card
            words = f"{shown['name']} {shown['also']} {shown['badge']}"
            card.set_visibility(self._wanted in skeleton(words))

    def _draw_activity(self, board: Board) -> None:
        seen = (tuple(board.activity), len(board.practitioners), board.known_until)
        if self._activity_seen == seen:
            return
        self._activity_seen = seen
        names = {each.practitioner.id: each.practitioner.name for each in board.practitioners}
        self._activity.clear()
        with self._activity:
            now = self._site.services.clock.now()
            if board.known_until is not None:
                at = clock_time(board.known_until, board.practice.timezone, now)
                text(f"Until {at}; what has happened since is not known.", "soft small")
            activity_list(board.activity, names, now, board.practice.timezone)

    async def _save_activity(self) -> None:
        services = self._site.services
        lines = await services.status.activity(EVERYTHING)
        settings = services.settings.read()
        content = activity_csv(lines, settings.names(), settings.practice.timezone)
        ui.download.content(content, "activity.csv", "text/csv")

    def _add(self) -> None:
        open_add_dialog(self._site)


def _urgency(each: tuple[int, PractitionerStatus]) -> tuple[int, int]:
    """Who needs a person, then who is not kept yet, then the others, as they were added."""
    place, status = each
    if status.state in NEEDS_A_PERSON:
        return 0, place
    return (1 if status.state in {"not connected", "ready"} else 2), place


async def _let_others(place: int) -> None:
    """Two hundred cards take a while: other pages and phones are answered in between."""
    if place % AT_ONCE == AT_ONCE - 1:
        await asyncio.sleep(0)


def _summary(board: Board, now: datetime, *, guided: bool) -> str:
    """``6 practitioners: 4 up to date, 1 needs you.`` `guided`: the first steps are shown below."""
    everyone = board.practitioners
    if not everyone:
        return (
            "Nothing is set up yet: the steps below lead to the first calendar."
            if guided
            else "Start by bringing in the appointment book."
        )
    if board.known_until is not None:
        at = clock_time(board.known_until, board.practice.timezone, now)
        everybody = formatting.counted(len(everyone), "practitioner")
        return f"{everybody}: how they stand has not been known since {at}."
    right = sum(each.state == "up to date" for each in everyone)
    needs = sum(each.state in NEEDS_A_PERSON for each in everyone)
    parts = [f"{formatting.number(right)} up to date"]
    if needs:
        parts.append(f"{formatting.number(needs)} {'needs' if needs == 1 else 'need'} you")
    unconnected = sum(not each.connected for each in everyone)
    if unconnected:
        parts.append(f"{formatting.number(unconnected)} not connected")
    return f"{formatting.counted(len(everyone), 'practitioner')}: {', '.join(parts)}."
