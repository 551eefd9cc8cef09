"""One source on the page of sources: its state, its schedule in words, what it brought today, what
waits for a person, and what can be done with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from nicegui import ui

from companion.services.access.policy import Action
from companion.services.sources.reports import every_words
from companion.web.ui import formatting
from companion.web.ui.components.dialogs import dialog
from companion.web.ui.error_reports import notify_done, notify_of, report_errors
from companion.web.ui.importing.add_source import how_far
from companion.web.ui.importing.remote_form import ChangeRemote
from companion.web.ui.importing.source_form import SourceForm, open_reading
from companion.web.ui.importing.waiting import say_waiting, since_words
from companion.web.ui.site import Site
from companion.web.ui.theme import badge, box, button, card, facts, menu_item, notice, text

if TYPE_CHECKING:
    from companion.domain.settings import RemoteSettings, SourceSettings
    from companion.services.sources.one_fetch import UnderWay
    from companion.services.sources.sources import SourceStatus
    from companion.services.sources.watchers import Watcher

_HOLDS = {None: "Whole or changes: found out", False: "Changes only", True: "Whole book"}


class SourceCard:
    def __init__(self, site: Site, on_change: Callable[[], Awaitable[None]]) -> None:
        self._site = site
        self._on_change = on_change
        self._may_change = site.may(Action.PRACTICE)
        self._place = box()
        self._shown: object = None
        self._progress: _Progress | None = None

    def draw(self, status: SourceStatus, today: str) -> None:
        """`today`: what it has brought, in words; empty for nothing."""
        if self._shown == (status, today):
            return
        self._shown = (status, today)
        self._progress = None
        self._place.clear()
        with self._place, card(status.settings.name):
            self._head(status)
            if status.failing:
                with notice("warn", alert=True):
                    text(f"{status.failing}{since_words(self._site, status.note)}")
                    if status.next_at:
                        text(f"It is tried again by itself at {self._moment(status)}.", "small")
            if status.watcher is not None and status.watcher.absent:
                self._say_absent(status.watcher)
            self._facts(status, today)
            for waiting in status.note.waiting:
                title = "What was fetched waits for you" if status.settings.remote else ""
                name = status.settings.name
                say_waiting(
                    self._site,
                    name,
                    waiting,
                    self._on_change,
                    title=title,
                    lies_at=status.lies_at,
                )
            if status.settings.remote:
                self._progress = _Progress(self._site, status.settings.name)
            self._actions(status)

    def show_progress(self, going: UnderWay | None) -> None:
        if self._progress is not None:
            self._progress.show(going)

    def _head(self, status: SourceStatus) -> None:
        settings, note = status.settings, status.note
        with box("actions"):
            if not status.automatic:
                badge("Imported by hand", "calm")
            elif status.watcher is not None and status.watcher.absent:
                badge("Not watched", "warn")
            elif note.trouble:
                badge("Not reached", "warn")
            elif note.waiting:
                badge("Waits for you", "warn")
            elif settings.remote and note.fetched.good_at is None:
                badge("Not fetched yet", "calm")
            else:
                badge("Up to date" if settings.remote else "Watched", "ok")
            text(_HOLDS[settings.snapshot], "soft", tag="span")
        if settings.remote:
            kinds = {each.name: each for each in self._site.services.fetched_sources.kinds()}
            kind = kinds.get(settings.remote.kind)
            title = kind.title if kind else settings.remote.kind
            same = title.casefold() in settings.remote.place.casefold()
            text(settings.remote.place if same else f"{title}: {settings.remote.place}", "address")
        elif settings.folder:
            text(settings.folder, "address").props("dir=ltr")
            if status.watcher is not None and not status.watcher.absent:
                who = "this workstation" if status.watcher.here else status.watcher.name
                text(f"Watched by {who}", "soft")

    def _say_absent(self, watcher: Watcher) -> None:
        with notice("warn", alert=True):
            off = watcher.off_since
            seen = f" Last seen: {self._site.short(off)}." if off else ""
            text(f"{watcher.absent}{seen}")
            text(watcher.remedy, "small")

    def _facts(self, status: SourceStatus, today: str) -> None:
        settings, note = status.settings, status.note
        lines: list[tuple[str, str]] = []
        if settings.remote:
            lines.append(("Fetched", self._rhythm(status, settings.remote)))
            if note.fetched.good_at is not None:
                lines.append(("Last fetched", self._site.short(note.fetched.good_at)))
        if note.last_at is not None:
            when = self._site.short(note.last_at)
            lines.append(
                ("Last change", when)
                if settings.remote
                else ("Last file", f"{note.last_file}, {when}")
            )
            lines.append(("Result", note.last_result))
            lines.append(("Today", today or "nothing new"))
        elif settings.folder:
            text("No file has come yet.", "soft")
        if lines:
            facts(lines)

    def _rhythm(self, status: SourceStatus, remote: RemoteSettings) -> str:
        words = every_words(remote.every)
        if status.note.fetched.tried_at is None:
            return f"{words}; for the first time in a moment"
        return words if status.failing else f"{words}, next at {self._moment(status)}"

    def _moment(self, status: SourceStatus) -> str:
        return self._site.short(status.next_at or self._site.services.clock.now())

    def _actions(self, status: SourceStatus) -> None:
        settings = status.settings
        with box("actions"):
            if settings.remote:
                fetch = partial(self._fetch, settings)
                button("Fetch now", fetch, icon="sync", look="primary")
            if not self._may_change:
                return
            if status.watcher is not None and status.watcher.absent:
                here = partial(self._watch_here, settings)
                button("Watch it from here", here, icon="visibility", look="primary")
            button("Change …", partial(self._change, settings), icon="edit")
            more = button("More", icon="more_horiz", look="plain")
            more.props(f'aria-haspopup=menu aria-label="More about {settings.name}"')
            with more, ui.menu().props("auto-close"):
                how = partial(open_reading, self._site, settings, self._on_change)
                menu_item("How its files are read …", how)
                if status.watcher is not None and not status.watcher.here:
                    menu_item("Watch it from here", partial(self._watch_here, settings))
                if status.automatic:
                    stop = "Stop fetching" if settings.remote else "Stop watching"
                    menu_item(stop, partial(self._stop, settings))
                menu_item("Remove its appointments …", partial(self._ask_to_clear, settings))
                menu_item("Forget this source …", partial(self._ask_to_remove, settings))

    def _change(self, settings: SourceSettings) -> None:
        with dialog(f"Change {settings.name}") as opened:

            async def done() -> None:
                opened.close()
                await self._on_change()

            form = ChangeRemote if settings.remote else SourceForm
            form(self._site, settings, report_errors(done))
            button("Cancel", opened.close, look="plain")

    async def _fetch(self, settings: SourceSettings) -> None:
        outcome = await self._site.services.fetched_sources.sync(
            settings.name, by=self._site.who().name
        )
        await self._on_change()
        if outcome.error is not None:
            raise outcome.error
        if outcome.stopped:
            notify_of("Stopped. Nothing was changed.")
            return
        if outcome.held:
            notify_of("Fetched. It waits for you to look at it.")
        else:
            report = outcome.report
            changes = report.added + report.changed + report.removed if report else 0
            new = formatting.counted(changes, "change") if changes else "nothing has changed"
            notify_done(f"Fetched: {new}.")

    async def _watch_here(self, settings: SourceSettings) -> None:
        await self._site.services.sources.watch_here(settings.name)
        notify_done("This workstation watches the folder now.")
        await self._on_change()

    async def _stop(self, settings: SourceSettings) -> None:
        await self._site.services.sources.stop(settings.name)
        gone = "It is fetched no more." if settings.remote else "The folder is watched no more."
        notify_done(gone)
        await self._on_change()

    async def _ask_to_remove(self, settings: SourceSettings) -> None:
        imports = self._site.services.imports
        brought = await imports.brought_by(settings.name)
        with dialog(f"Forget {settings.name}?", asks=False) as opened:
            text(
                "Its folder is watched, or its link fetched, no more, and how its files are read "
                "is forgotten. Its appointments stay in the book, and the files where they are."
            )

            appointments = formatting.counted(brought, "appointment")
            too = ui.checkbox(f"Take its {appointments} out of the book too").classes("field")
            too.set_visibility(brought > 0)

            async def go() -> None:
                opened.close()
                if too.value:
                    await imports.remove_source(settings.name, by=self._site.who().name)
                await self._site.services.sources.remove(settings.name)
                notify_done("Forgotten.")
                await self._on_change()

            with box("actions"):
                button("Forget it", go, look="danger")
                button("Keep it", opened.close, look="primary")

    async def _ask_to_clear(self, settings: SourceSettings) -> None:
        imports = self._site.services.imports
        count = await imports.brought_by(settings.name)
        with dialog(f"Remove the appointments of {settings.name}?") as opened:
            if not count:
                text("The book holds no appointments of this source.")
                button("Close", opened.close, look="primary")
                return
            counted = formatting.counted(count, "appointment")
            text(f"The book holds {counted} of this source. All of them would go.", "strong")
            text(
                "They go from Google and from the phone links too. Appointments of other "
                "sources, and those entered in the book, stay. It can be undone in the list of "
                "imports. How its files are read stays known."
            )

            async def go() -> None:
                gone = await imports.remove_source(settings.name, by=self._site.who().name)
                opened.close()
                notify_done(f"Removed: {formatting.counted(gone, 'appointment')}.")
                await self._on_change()

            with box("actions"):
                button(f"Remove {counted}", go, look="danger")
                button("Keep them", opened.close, look="primary")


class _Progress:
    """How far a fetch has come; nothing while there is none."""

    def __init__(self, site: Site, source: str) -> None:
        self._site = site
        self._source = source
        self._place = box("stack")
        self._place.set_visibility(False)
        with self._place:
            self._said = text("", "strong").props("role=status")
            self._bar = ui.linear_progress(show_value=False, size="8px")
            self._bar.props('indeterminate rounded aria-label="Progress of the fetch"')
            with box("actions"):
                self._button = button("Stop this fetch", self._stop, icon="close")

    def show(self, going: UnderWay | None) -> None:
        self._place.set_visibility(going is not None)
        if going is None:
            return
        words, share = how_far(going)
        if going.importing:
            words, share = "Comparing it with the book", 0.0
        self._said.set_text(f"{words} …")
        self._button.set_visibility(not going.importing)
        if share:
            self._bar.props(remove="indeterminate")
            self._bar.set_value(round(share, 2))
        else:
            self._bar.props("indeterminate")

    def _stop(self) -> None:
        self._site.services.fetched_sources.stop_fetching(self._source)
