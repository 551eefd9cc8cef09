"""Workstations: the computers that share the practice: which of them keeps the calendars, which are
on, and what is to be mended on one. The page follows what happens by itself."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

from nicegui import ui

from companion.services.access.policy import Action
from companion.services.access.rules import Rule
from companion.services.sources.watchers import missed_folders, watched_by
from companion.services.workstations import LONGEST_NAME, PATIENCE, clock_off
from companion.web.ui.components.dialogs import dialog, question
from companion.web.ui.components.fields import errors_at
from companion.web.ui.error_reports import notify_done, notify_of, report_errors
from companion.web.ui.pages import page
from companion.web.ui.site import Site
from companion.web.ui.theme import (
    back_link,
    badge,
    box,
    button,
    card,
    frame,
    link_button,
    notice,
    page_head,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from companion.services.ports import Workstation
    from companion.services.workstations import Keeping, Workstations

PATH = "/practice/workstations"
LOOK_SECONDS = 1.0
KEEP, RENAME, FORGET = "Make this one keep the calendars", "Rename", "Forget this workstation"
MAKE = "python run.py practice create --database postgresql://USER:PASSWORD@SERVER/DATABASE"
WATCH = (
    "On a workstation that sees the folder press “Watch it from here” on the page Import, Sources, "
    "or choose another folder there."
)
NOBODY = (
    "It watches the folder of {}, so nothing arrives from there: watch it from another one "
    "(Import, Sources)."
)
JOIN = "python run.py practice join --database postgresql://USER:PASSWORD@SERVER/DATABASE"


def create(site: Site) -> None:
    @page(site, PATH, Rule(Action.SEE_STATUS))
    async def workstations() -> None:
        shared = site.services.shared_practice
        seen = await shared.workstations() if shared.shared else None
        keeping = await shared.keeping()
        with frame(site, "Workstations", active="/practice"):
            if site.may(Action.PRACTICE):
                back_link("Practice", "/practice")
            else:
                back_link()
            page_head(
                "Workstations",
                "The computers that share this practice. One of them keeps the calendars; if it is "
                "switched off, another takes over by itself."
                if seen is not None
                else "One practice on several computers.",
            )
            if seen is None:
                _alone()
            else:
                _Workstations(site, seen, keeping)


def workstations_card(site: Site) -> None:
    """On the practice's page."""
    with card("Workstations"):
        text(
            "This practice is shared by several computers."
            if site.services.shared_practice.shared
            else "This practice is on this computer alone. Several can share it: a front desk, a "
            "back office, a second site.",
            "card__lead",
        )
        with box("actions"):
            link_button("Workstations", PATH, icon="devices")


def _alone() -> None:
    with card("How a practice is shared"):
        text(
            "Several computers can work on one practice: its book, settings and sign-ins are then "
            "kept in a PostgreSQL database on a server of yours, and each computer runs this "
            "program on it. One of them keeps the calendars; when it is switched off, another one "
            "takes over within seconds. Nothing changes for practitioners, phones and Google."
        )
        text("On this computer, which moves what is here to the database:", "soft small")
        text(MAKE, "address").props("dir=ltr")
        text("Then on each other computer, which asks for the practice key:", "soft small")
        text(JOIN, "address").props("dir=ltr")
        text(
            "How to set up the database stands in README.md, under “Several workstations”.",
            "soft small",
        )


class _Workstations:
    """The list; drawn again when what it shows is another."""

    def __init__(self, site: Site, seen: Workstations, keeping: Keeping | None) -> None:
        self._site = site
        self._shared = site.services.shared_practice
        self._changes = site.may(Action.PRACTICE)
        self._taking_over = ""
        """Id of the one that shall keep the calendars, until it does."""
        self._asked_at = 0.0
        self._shown: object = None
        self._note = box().props("role=status")
        with card():
            self._list = box("lines lines--first stations", tag="ul")
        self._draw(seen, keeping)
        ui.timer(LOOK_SECONDS, report_errors(self._look))

    async def _look(self) -> None:
        self._draw(await self._shared.workstations(), await self._shared.keeping())

    def _draw(self, seen: Workstations, keeping: Keeping | None) -> None:
        sources, now = self._site.services.settings.read().sources, self._site.services.clock.now()
        missed = {} if seen.away else missed_folders(sources.values(), seen, now)
        lines = [(each, _facts(each, self._site.short, away=seen.away)) for each in seen.all]
        self._follow(seen)
        shown = (lines, keeping, seen.newest, self._taking_over, seen.known_until, missed)
        if shown == self._shown:
            return
        self._shown = shown
        self._draw_note(seen, keeping)
        self._draw_unwatched(seen, missed)
        self._list.clear()
        with self._list:
            for each, facts in lines:
                troubles = [] if seen.away else _troubles(seen, each)
                troubles += [NOBODY.format(name) for name in missed.get(each.id, ())]
                self._line(seen, each, facts, troubles)

    def _draw_unwatched(self, seen: Workstations, missed: Mapping[str, list[str]]) -> None:
        """Of workstations that are not in the list."""
        listed = {each.id for each in seen.all}
        with self._note:
            for name in (each for key in missed.keys() - listed for each in missed[key]):
                with notice("warn"):
                    text(f"Nobody watches the folder of {name}.", "strong")
                    text(f"Its workstation has left the practice. {WATCH}")
                    self._to_sources()

    def _to_sources(self) -> None:
        if self._site.may(Action.IMPORT):
            with box("actions"):
                link_button("Look at the sources", "/sources", icon="folder_open")

    # ── a take-over, as it happens ────────────────────────────────────────────────────────────

    def _follow(self, seen: Workstations) -> None:
        if not self._taking_over:
            return
        keeper = seen.keeper
        if keeper is not None and keeper.id == self._taking_over:
            self._taking_over = ""
            notify_done(f"{keeper.name} keeps the calendars now.")
        elif not any(each.id == self._taking_over and each.on for each in seen.all) or self._late():
            self._taking_over = ""
            notify_of("It has not taken over. See whether it is on and reaches the server.")

    def _late(self) -> bool:
        waited = self._site.services.clock.monotonic() - self._asked_at
        return waited > PATIENCE.total_seconds()

    def _draw_note(self, seen: Workstations, keeping: Keeping | None) -> None:
        self._note.clear()
        wanted = next((each for each in seen.all if each.id == self._taking_over), None)
        with self._note:
            if wanted is not None:
                with notice("info", icon="sync"):
                    text(f"{wanted.name} is taking over …", "strong")
                    text("It takes some seconds. What was begun is ended in order first.")
            elif seen.known_until is not None:
                with notice("info", icon="cloud_off"):
                    text(
                        f"This is how they were at {self._site.short(seen.known_until)}.", "strong"
                    )
                    text("Which of them are on now is not known until the database answers.")
            elif keeping is not None and not (keeping.by or keeping.away):
                with notice("warn" if keeping.remedy else "info"):
                    text(keeping.sentence, "strong")
                    if keeping.remedy:
                        text(keeping.remedy)

    # ── one of them ───────────────────────────────────────────────────────────────────────────

    def _line(self, seen: Workstations, each: Workstation, facts: str, troubles: list[str]) -> None:
        with box("lines__line", tag="li"):
            with box("lines__words"):
                with box("stations__name"):
                    text(each.name, "strong", tag="h2")
                    if not seen.away:
                        _draw_state(each)
                    if each.id == seen.this_one:
                        badge("This one", "info")
                text(facts, "soft small")
                for trouble in troubles:
                    text(trouble, "stations__trouble small")
            if self._changes and not seen.away:
                with box("actions stations__buttons"):
                    self._buttons(each)

    def _buttons(self, each: Workstation) -> None:
        if each.on and not each.keeps_calendars and each.id != self._taking_over:
            self._button(KEEP, each, self._ask_keep, "swap_horiz")
        self._button(RENAME, each, self._ask_name, "edit")
        if not each.on:
            self._button(FORGET, each, self._ask_forget, "delete")

    def _button(
        self, label: str, each: Workstation, act: Callable[[Workstation], object], icon: str
    ) -> None:
        look: Literal["second", "plain"] = "second" if label == KEEP else "plain"
        pressed = button(label, partial(act, each), icon=icon, look=look)
        pressed.props["aria-label"] = f"{label}: {each.name}"

    def _ask_keep(self, each: Workstation) -> None:
        with dialog(f"Shall {each.name} keep the calendars?") as opened:
            text(
                "It syncs with Google, fetches the sources and makes the backups from then on. "
                "Choose the computer that is on all day. Nothing is lost or written twice."
            )

            async def go() -> None:
                await self._shared.let_keep(each.id)
                opened.close()
                self._taking_over = each.id
                self._asked_at = self._site.services.clock.monotonic()
                await self._look()

            with box("actions"):
                button("Let it keep them", go, look="primary")
                button("Leave it as it is", opened.close, look="plain")

    def _ask_name(self, each: Workstation) -> None:
        with dialog(f"Rename {each.name}") as opened:
            name = ui.input("Name", value=each.name)
            name.classes("field").props(f"outlined maxlength={LONGEST_NAME}")

            async def go() -> None:
                with errors_at({"name": name}):
                    await self._shared.rename(each.id, str(name.value or ""))
                    opened.close()
                    notify_done("Saved.")
                    await self._look()

            with box("actions"):
                button("Save", go, look="primary")
                button("Cancel", opened.close, look="plain")

    def _ask_forget(self, each: Workstation) -> None:
        async def go() -> None:
            await self._shared.forget(each.id)
            notify_done(f"{each.name} was forgotten.")
            await self._look()

        with question(f"Forget {each.name}?", "Forget it", go):
            text(
                "It goes from this list. Do this for a computer that is gone for good: one that is "
                "started again stops and says so, until somebody joins it anew. If somebody else "
                "has it now, make another practice key (python run.py practice key --renew) and "
                "change the database's password too."
            )
            sources = self._site.services.settings.read().sources.values()
            if names := watched_by(each.id, sources):
                with notice("warn"):
                    text(f"It alone watches the folder of {', '.join(names)}.", "strong")
                    text(f"Nothing will arrive from there any more. {WATCH}")


def _draw_state(each: Workstation) -> None:
    if each.keeps_calendars:
        badge("Keeps the calendars", "ok")
    elif not each.on:
        badge("Off", "calm")


def _facts(each: Workstation, short: Callable[[datetime], str], *, away: bool) -> str:
    """``On since 08:00 · version 1.2.3 · phones reach it at 192.168.1.20:8090``; what is known
    while the server is `away`."""
    parts = []
    if away:
        did = "kept the calendars" if each.keeps_calendars else "was on" if each.on else "was off"
        parts.append(did.capitalize())
    elif each.keeps_calendars and each.since is not None:
        parts.append(f"Keeps them since {short(each.since)}")
    elif each.on:
        since = f" since {short(each.since)}" if each.since else ""
        parts.append(f"On{since}")
    else:
        parts.append(f"Last seen {short(each.seen_at)}")
    parts.append(f"version {each.version}")
    if each.feed_address and each.on and not away:
        parts.append(f"phones reach it at {each.feed_address}")
    return " · ".join(parts)


def _troubles(seen: Workstations, each: Workstation) -> list[str]:
    said = []
    if seen.outdated(each):
        said.append(f"Update {each.name}: another workstation has version {seen.newest}.")
    if off := clock_off(each):
        said.append(f"Its clock is {off} the server's: let the system set it by itself.")
    return said
