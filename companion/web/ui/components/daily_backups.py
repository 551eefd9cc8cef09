"""Daily backups: switching them on, how they stand, one more now."""

from __future__ import annotations

from datetime import time
from functools import partial
from typing import TYPE_CHECKING

from nicegui import ui

from companion.domain.backup_plan import KEPT_DAYS, USUAL_TIME
from companion.domain.errors import BadInput
from companion.services.maintenance.daily_backups import SameDisk
from companion.web.ui import formatting
from companion.web.ui.components.dialogs import dialog, question
from companion.web.ui.components.fields import errors_at, secret_field
from companion.web.ui.components.typed_fields import TimeField
from companion.web.ui.error_reports import notify_done
from companion.web.ui.site import Site
from companion.web.ui.theme import badge, box, button, card, link_button, notice, text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from companion.domain.backup_plan import BackupPlan
    from companion.services.maintenance.backup_places import BackupStanding


class DailyBackupsCard:
    def __init__(self, site: Site, on_made: Callable[[], Awaitable[None]]) -> None:
        """`on_made` is called when there is another one."""
        self._site = site
        self._on_made = on_made
        with card("Daily backups"):
            self._place = box("stack stack--loose")

    async def draw(self) -> None:
        standing = await self._site.services.daily_backups.standing()
        self._place.clear()
        with self._place:
            if standing.on:
                self._draw_standing(standing)
            else:
                text(
                    "One each day by itself, to another disk or a share of your network. Each is "
                    f"opened and read after it is written; the last one of {KEPT_DAYS} days is "
                    "kept.",
                    "card__lead",
                )
                _Form(self, standing.plan, anew=True)

    def _draw_standing(self, standing: BackupStanding) -> None:
        plan, last = standing.plan, standing.last
        now = self._site.services.clock.now()
        if standing.what:
            with notice("bad"):
                text(f"The last try failed: {standing.what}", "strong")
                text(f"{standing.remedy} It is tried again by itself.")
        elif standing.old and last is not None:
            with notice("warn"):
                text("No backup has been made lately.", "strong")
                text("Leave this computer on at the time below, or make one now.")
        with box("facts", tag="dl"):
            with _fact("Last good backup"):
                if (lost := standing.out_of_reach) is not None:
                    ago = formatting.ago(lost.made_at, now)
                    text(f"None within reach; the newest, {ago}, is on {standing.where(lost)}")
                elif last is None:
                    text("None yet", tag="span")
                else:
                    when = self._site.short(last.made_at)
                    size = formatting.size(last.size)
                    count = formatting.counted(last.appointments, "appointment")
                    place = standing.where(last)
                    place = f", on {place}" if place else ""
                    text(f"{when}{place}, {count}, {size} ", tag="span")
                    badge("opened and read", "ok")
            with _fact("Where"):
                text(plan.folder, "wraps", tag="span").props("dir=ltr")
            with _fact("When"):
                later = "or when this computer is on again"
                if standing.this_one:
                    later = "on the workstation that keeps the calendars then"
                text(f"Every day at {plan.at:%H:%M}, {later}", tag="span")
            with _fact("Kept"):
                text(_kept(standing), tag="span")
        if not plan.other_disk:
            with notice("warn"):
                text(
                    "This folder is on the same disk as the appointment book: if that disk fails, "
                    "the backups are lost with it."
                )
        with box("actions"):
            button("Back up now", self._make, look="primary")
            button("Change …", self._open_change)
            button("Switch off …", self._open_off, look="plain")

    async def _make(self) -> None:
        try:
            made = await self._site.services.daily_backups.make()
        finally:
            await self.draw()
        await self._on_made()
        notify_done(
            f"A backup of {formatting.counted(made.manifest.appointments, 'appointment')} was "
            "made, opened and read."
        )

    async def switch_on(
        self, folder: str, passphrase: str, at: time, *, sign_ins: bool, same_disk: bool
    ) -> None:
        await self._site.services.daily_backups.switch_on(
            folder, passphrase, at=at, sign_ins=sign_ins, same_disk=same_disk
        )
        await self._make()

    def _open_change(self) -> None:
        plan = self._site.services.settings.read().backups
        with dialog("Daily backups", "form") as opened:
            _Form(self, plan, anew=False, done=opened.close)

    def _open_off(self) -> None:
        async def go() -> None:
            await self._site.services.daily_backups.switch_off()
            await self.draw()

        with question("Switch daily backups off?", "Switch off", go, no="Keep them"):
            text("None is made by itself any more. Those that were made stay where they are.")


class _Form:
    def __init__(
        self,
        owner: DailyBackupsCard,
        plan: BackupPlan,
        *,
        anew: bool,
        done: Callable[[], object] = lambda: None,
    ) -> None:
        self._owner = owner
        self._anew = anew
        self._done = done
        self._folder = ui.input("Folder", value=plan.folder)
        hint = "Such as E:\\Backups, or \\\\server\\share\\Companion"
        self._folder.classes("field").props("outlined maxlength=1000 dir=ltr").props["hint"] = hint
        self._at = TimeField("Time", plan.at if plan.folder else USUAL_TIME, field="time")
        self._first = secret_field("Passphrase" if anew else "Another passphrase")
        self._second = secret_field("The same once more")
        text(
            "It is asked for once and kept sealed. Write it down where the "
            "practice keeps its keys: on another computer nobody can open a backup without it."
            if anew
            else "Leave both empty to keep the one there is. Older backups open with theirs.",
            "soft small",
        )
        self._sign_ins = ui.checkbox(
            "With the Google sign-ins, so that nobody has to connect again", value=plan.sign_ins
        )
        with box("actions"):
            label = "Switch on daily backups" if anew else "Save"
            button(label, partial(self._save, same_disk=False), look="primary")
            if not anew:
                button("Cancel", done, look="plain")

    async def _save(self, *, same_disk: bool) -> None:
        fields = {
            "folder": self._folder,
            "time": self._at,
            "passphrase": self._first,
            "again": self._second,
        }
        with errors_at(fields):
            if (self._first.value or "") != (self._second.value or ""):
                raise BadInput("The two are not the same.", "Type them again.", field="again")
            try:
                await self._owner.switch_on(
                    (self._folder.value or "").strip(),
                    self._first.value or "",
                    self._at.clock(),
                    sign_ins=bool(self._sign_ins.value),
                    same_disk=same_disk,
                )
            except SameDisk as error:
                self._ask(error)
            else:
                self._done()

    def _ask(self, error: SameDisk) -> None:
        with dialog("On the same disk?") as opened:
            text(error.what)
            text(error.remedy)

            async def go() -> None:
                opened.close()
                await self._save(same_disk=True)

            with box("actions"):
                button("Choose another folder", opened.close, look="primary")
                button("Use it all the same", go)


class BackupTrouble:
    """On the overview, for whoever can do something: the daily backups fail or are too old."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._place = box()
        self._shown = ("", "")

    def set_visibility(self, visible: bool) -> None:
        self._place.set_visibility(visible)

    async def draw(self) -> None:
        standing = await self._site.services.daily_backups.standing()
        told = ("", "")
        if standing.what:
            told = (f"The daily backup fails: {standing.what}", standing.remedy)
        elif (lost := standing.out_of_reach) is not None and standing.on:
            told = (
                f"No backup is within reach: the newest is on {standing.where(lost)}.",
                "Make one now, to a folder that the workstations reach.",
            )
        elif standing.old and standing.last is not None:
            now = self._site.services.clock.now()
            ago = formatting.ago(standing.last.made_at, now)
            told = (
                f"The last good backup was made {ago}.",
                "Leave this computer on at the time set, or make one now.",
            )
        if told == self._shown:
            return
        self._shown = told
        self._place.clear()
        if told[0]:
            with self._place, notice("warn", icon="archive"):
                text(told[0], "strong")
                text(told[1])
                with box("actions"):
                    link_button("Look at the backups", "/backup")


def _kept(standing: BackupStanding) -> str:
    counted, counts = formatting.counted(len(standing.good), "backup"), standing.counts()
    where = ", ".join(f"{count} on {name}" for name, count in counts.items())
    return f"{counted}: {where}" if where else counted


def _fact(label: str) -> ui.element:
    text(label, tag="dt")
    return box(tag="dd")
