"""Watching: what arrives for a source goes into the book by itself.

Each folder is looked at once a second (one `scandir`; no notification service reaches every kind
of network share). A file is taken when it has kept its size and time between two looks; what
then becomes of it is `watched_folder`.

A folder that cannot be reached is one sentence in the source's note, and is tried again for ever.

A source that is asked for its appointments is fetched when it is due (`fetching`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from companion.domain.errors import CompanionError
from companion.services.imports.importing import Importing
from companion.services.ports import (
    ActivityLog,
    AppointmentBook,
    Clock,
    SecretStore,
    SettingsStore,
)
from companion.services.sources.fetched_sources import FetchedSources
from companion.services.sources.fetching import Fetching
from companion.services.sources.folders import apart
from companion.services.sources.notes import SourceNotes
from companion.services.sources.remote import RemoteSources
from companion.services.sources.sources import Sources
from companion.services.sources.watched_folder import LOOK_EVERY, RETRY, WatchedFolder
from companion.services.sources.watchers import Watchers
from companion.services.sync.snapshot import NamedLocks
from companion.services.workbooks import WorkbookReader

log = logging.getLogger(__name__)
LOOK_AT_REMOTES = 5.0
"""Seconds between looks at whether a source that is fetched is due."""


class _WatchedPlace(NamedTuple):
    """Where a source's appointments arrive: what is another one is watched anew."""

    name: str
    kind: str
    folder: str
    """Empty where it is fetched."""


@dataclass(eq=False, kw_only=True)
class Watching:
    """One per home: the app that serves it. In a shared practice each workstation has one, for the
    folders that it sees; what is fetched, the one that keeps the calendars."""

    settings: SettingsStore
    notes: SourceNotes
    importing: Importing
    book: AppointmentBook
    activity: ActivityLog
    clock: Clock
    fetching: Fetching
    spool: Path
    """A private folder of the home."""
    watchers: Watchers = field(default_factory=Watchers)

    async def run(self) -> None:
        """Until cancelled; a file under way is taken up again by the next run."""
        with contextlib.suppress(OSError):
            await apart(lambda: _sweep(self.spool))
        running: dict[_WatchedPlace, asyncio.Task[None]] = {}
        try:
            while True:
                wanted = self._wanted()
                for place in running.keys() - wanted:
                    running.pop(place).cancel()
                for place in wanted - running.keys():
                    running[place] = asyncio.create_task(self._watch(place))
                await self.clock.sleep(LOOK_EVERY)
        finally:
            for task in running.values():
                task.cancel()
            if running:
                await asyncio.wait(running.values(), timeout=3.0)

    def _wanted(self) -> set[_WatchedPlace]:
        try:
            known = self.settings.read().sources
        except CompanionError:  # the next reader of the settings reports it
            return set()
        return {
            _WatchedPlace(each.name, each.kind, "" if each.remote else each.folder)
            for each in known.values()
            if each.automatic and self.watchers.is_here(each)
        }

    async def _watch(self, place: _WatchedPlace) -> None:
        if place.folder:
            await self._watch_folder(place.name, place.folder)
        else:
            await self._fetch(place.name)

    async def _fetch(self, name: str) -> None:
        while True:
            try:
                await self.fetching.look(name)
            except Exception as error:  # noqa: BLE001 - one source's error ends no watching
                log.warning("a source was not fetched: %s", type(error).__name__)
            await self.clock.sleep(LOOK_AT_REMOTES)

    async def _watch_folder(self, name: str, folder: str) -> None:
        watched = WatchedFolder(self, name, Path(folder))
        try:
            while True:
                pause = LOOK_EVERY
                try:
                    await watched.look()
                except Exception as error:  # noqa: BLE001 - one folder's error ends no watching
                    log.warning("a watched folder was left out: %s", type(error).__name__)
                    pause = RETRY
                await self.clock.sleep(pause)
        finally:
            watched.close()


def _sweep(spool: Path) -> None:
    """Copies that a crash left."""
    for left in spool.iterdir():
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def sources_of(  # noqa: PLR0913 - one for each part
    *,
    settings: SettingsStore,
    notes: SourceNotes,
    remotes: RemoteSources,
    secrets: SecretStore,
    importing: Importing,
    reader: WorkbookReader,
    book: AppointmentBook,
    activity: ActivityLog,
    clock: Clock,
    spool: Path,
    locks: NamedLocks,
    watchers: Watchers,
) -> tuple[Sources, FetchedSources, Watching]:
    """The sources of one home for people, and what watches them, over one `Fetching`."""
    fetching = Fetching(
        settings=settings,
        notes=notes,
        remotes=remotes,
        secrets=secrets,
        importing=importing,
        activity=activity,
        clock=clock,
        spool=spool,
        locks=locks,
    )
    sources = Sources(
        settings=settings,
        notes=notes,
        importing=importing,
        fetching=fetching,
        spool=spool,
        watchers=watchers,
    )
    fetched = FetchedSources(
        settings=settings,
        notes=notes,
        remotes=remotes,
        fetching=fetching,
        importing=importing,
        reader=reader,
    )
    watching = Watching(
        settings=settings,
        notes=notes,
        importing=importing,
        fetching=fetching,
        book=book,
        activity=activity,
        clock=clock,
        spool=spool,
        watchers=watchers,
    )
    return sources, fetched, watching
