"""Sources: where appointments come from, the folders that are watched and the places asked.

A source's settings say how its files are read and which folder is watched, or where it is fetched
from (see `fetched_sources`); `Watching` does both. What was set aside waits here for a person:
`look_at` shows what such a file would do, `release` imports it, `discard` takes it off the list and
leaves the file.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from companion.domain.errors import BadInput, FileRefused, NotFound
from companion.domain.expectations import Expected
from companion.domain.settings import Settings, SourceSettings
from companion.services.access.policy import Action
from companion.services.access.rules import allows
from companion.services.imports.importing import Importing, ImportPreview, ImportReport
from companion.services.imports.layout_choice import source_name
from companion.services.imports.mappings import check_mapping
from companion.services.imports.questions import Answers
from companion.services.ports import SettingsStore
from companion.services.sources.fetch_notes import next_fetch
from companion.services.sources.fetching import Fetching, is_whole
from companion.services.sources.folder_choice import checked_folder
from companion.services.sources.folders import Folder, apart, spooled
from companion.services.sources.notes import Fetched, SourceNote, SourceNotes, Waiting
from companion.services.sources.remote import FetchAnswer
from companion.services.sources.watchers import NETWORK_PATH, Watcher, Watchers


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStatus:
    settings: SourceSettings
    note: SourceNote
    watcher: Watcher | None = None
    """Who watches its folder, in a shared practice; None in a home, and where it is not known."""

    @property
    def automatic(self) -> bool:
        return self.settings.automatic

    @property
    def next_at(self) -> datetime | None:
        """When it is asked again; None for at once, and for a source that is not fetched."""
        remote = self.settings.remote
        return next_fetch(remote, self.note.fetched) if remote else None

    @property
    def failing(self) -> str:
        """Why nothing arrives at present; empty while it does."""
        return self.note.trouble if self.automatic else ""

    @property
    def lies_at(self) -> str:
        """Name of the other workstation in whose folder its waiting files lie; empty where they can
        be looked at here."""
        watcher = self.watcher
        if watcher is None or watcher.here or self.settings.folder.startswith(NETWORK_PATH):
            return ""
        return watcher.name


class Sources:
    def __init__(
        self,
        *,
        settings: SettingsStore,
        notes: SourceNotes,
        importing: Importing,
        fetching: Fetching,
        spool: Path,
        watchers: Watchers | None = None,
    ) -> None:
        """`spool`: a private folder of the home; files are copied there to be read."""
        self._watchers = watchers or Watchers()
        self._fetching = fetching
        self._settings = settings
        self._notes = notes
        self._importing = importing
        self._spool = spool

    @allows(Action.IMPORT)
    async def overview(self) -> tuple[SourceStatus, ...]:
        """By name."""
        notes = await self._notes.read()
        known = self._settings.read().sources
        watchers = await self._watchers.of([*known.values()])
        return tuple(
            SourceStatus(
                settings=known[name],
                note=notes.get(name, SourceNote()),
                watcher=watchers.get(name),
            )
            for name in sorted(known, key=str.casefold)
        )

    @allows(Action.IMPORT)
    def source(self, name: str) -> SourceSettings:
        """Raises NotFound."""
        known = self._settings.read().sources
        found = [each for each in known.values() if each.name.casefold() == name.strip().casefold()]
        if not found:
            listed = ", ".join(sorted(known)) or "none yet"
            raise NotFound(f'There is no source "{name[:60]}".', f"Known: {listed}.")
        return known.get(name, found[0])

    @allows(Action.PRACTICE)
    async def add(
        self,
        name: str,
        folder: str,
        *,
        mapping: str | None = None,
        snapshot: bool | None = None,
        leave_files: bool | None = None,
        expected: Expected | None = None,
        answers: Answers | None = None,
        guesses: bool | None = None,
    ) -> SourceSettings:
        """Watch `folder` for exports of `name`, instead of fetching; what is None stays as it was.
        In a shared practice this workstation watches it, unless another does already. Raises
        BadInput."""
        wanted = source_name(name)
        if mapping is not None:
            check_mapping(mapping)
        path = ""
        workstation = self._watchers.this_one
        known = self._settings.read().sources
        kept = known.get(wanted)
        if kept and kept.folder == folder.strip() and self._watchers.is_elsewhere(kept):
            path, workstation = kept.folder, kept.workstation
        elif folder.strip():
            path = await self._checked(wanted, folder)

        def edit(settings: Settings) -> Settings:
            before = settings.sources.get(wanted) or SourceSettings(name=wanted)
            return settings.with_source(
                replace(
                    with_wishes(before, mapping, answers, guesses),
                    folder=path,
                    workstation=workstation if path else "",
                    remote=None if path else before.remote,
                    snapshot=before.snapshot if snapshot is None else snapshot,
                    leave_files=before.leave_files if leave_files is None else leave_files,
                    expected=before.expected if expected is None else expected,
                )
            )

        after = await self._settings.change(edit)
        if path:
            await self._fetching.forget(wanted)
        await self._notes.change(wanted, read_anew)
        return after.sources[wanted]

    @allows(Action.IMPORT)
    def is_elsewhere(self, source: SourceSettings) -> bool:
        """Whether another workstation watches its folder, which may be a different one here."""
        return self._watchers.is_elsewhere(source)

    async def _checked(self, name: str, folder: str) -> str:
        """Its whole path on this workstation. Raises BadInput."""
        known = self._settings.read().sources.values()
        here = [each for each in known if not self._watchers.is_elsewhere(each)]
        others = [each for each in here if each.name != name]
        return await checked_folder(folder, others, self._spool.parent)

    @allows(Action.PRACTICE)
    async def watch_here(self, name: str) -> SourceSettings:
        """This workstation watches its folder from now on, instead of another one of the practice.
        Raises NotFound, BadInput where the folder is not seen from here."""
        source = self.source(name)
        if not source.folder:
            raise BadInput(f"No folder is watched for {source.name}.", field="folder")
        path = await self._checked(source.name, source.folder)

        def edit(settings: Settings) -> Settings:
            before = settings.sources[source.name]
            now = replace(before, folder=path, workstation=self._watchers.this_one, remote=None)
            return settings.with_source(now)

        after = await self._settings.change(edit)
        await self._notes.change(
            source.name, lambda note: replace(note, trouble="", trouble_since=None)
        )
        return after.sources[source.name]

    @allows(Action.PRACTICE)
    async def change_reading(
        self, name: str, *, mapping: str | None = None, forget_answers: bool = False
    ) -> SourceSettings:
        """How its next files are read: another `mapping` (empty for none), or its questions asked
        anew. Raises NotFound, BadInput."""
        source = self.source(name)
        if mapping:
            check_mapping(mapping)

        def edit(settings: Settings) -> Settings:
            before = settings.sources[source.name]
            kept = before if not forget_answers else replace(before, answers={}, statuses={})
            now = kept if mapping is None else replace(kept, mapping=mapping)
            return settings.with_source(now)

        after = await self._settings.change(edit)
        await self._notes.change(source.name, read_anew)
        return after.sources[source.name]

    @allows(Action.PRACTICE)
    async def stop(self, name: str) -> SourceSettings:
        """Watch its folder, or fetch it, no more; how its files are read stays known."""
        source = self.source(name)

        def edit(settings: Settings) -> Settings:
            before = settings.sources[source.name]
            return settings.with_source(replace(before, folder="", workstation="", remote=None))

        after = await self._settings.change(edit)
        await self._fetching.forget(source.name)
        return after.sources[source.name]

    @allows(Action.PRACTICE)
    async def remove(self, name: str) -> None:
        """Forget the source and how its files are read; its appointments stay in the book."""
        source = self.source(name)

        def edit(settings: Settings) -> Settings:
            rest = {key: each for key, each in settings.sources.items() if key != source.name}
            return replace(settings, sources=rest)

        await self._settings.change(edit)
        await self._fetching.forget(source.name)
        await self._notes.change(source.name, lambda _note: None)

    # ── what was set aside ────────────────────────────────────────────────────────────────────

    @allows(Action.IMPORT)
    async def look_at(
        self,
        name: str,
        place: str,
        *,
        answers: Answers | None = None,
        mapping: str | None = None,
    ) -> ImportPreview:
        """What a file that waits would do. Raises FileRefused, BadInput, NotFound."""
        source, waiting = await self._waiting(name, place)
        async with self._copy(source, waiting.place) as copy:
            return await self._preview(copy, answers, mapping)

    @allows(Action.IMPORT, further={"people_too": Action.PRACTITIONERS})
    async def release(
        self,
        name: str,
        place: str,
        *,
        answers: Answers | None = None,
        mapping: str | None = None,
        cause: str = "import",
        people_too: bool = True,
    ) -> ImportReport:
        """Import a file that waits, whatever it removes. With a question that is still open it
        goes on waiting: the report names it. `people_too`: as `Importing.apply` takes it."""
        source, waiting = await self._waiting(name, place)
        async with self._copy(source, waiting.place) as copy:
            preview = await self._preview(copy, answers, mapping)
            report = await self._importing.apply(
                preview, release=True, cause=cause, people_too=people_too
            )
            if not report.held:
                if copy.answer is not None:
                    await self._fetching.taken(source, report, copy.answer)
                else:
                    await self.resolved(source, waiting.place)
        return report

    @allows(Action.IMPORT)
    async def discard(self, name: str, place: str) -> None:
        """Take it off the list of waiting files. The file itself stays where it is."""
        await self._notes.change(self.source(name).name, lambda note: note.without_waiting(place))

    @allows(Action.IMPORT)
    async def owner(self, file: Path) -> tuple[SourceSettings, str] | None:
        """Whose file that waits this is, and its place; for a person who imports it by hand."""
        with contextlib.suppress(OSError):
            wanted = await apart(file.resolve)
            for status in await self.overview():
                folder = status.settings.folder
                elsewhere = self._watchers.is_elsewhere(status.settings)
                for each in status.note.waiting if folder and not elsewhere else ():
                    if wanted == Path(status.settings.folder, each.place):
                        return status.settings, each.place
        return None

    @allows(Action.IMPORT)
    async def resolved(self, source: SourceSettings, place: str) -> None:
        """A file that waited has been imported by hand."""
        if "/" in place:  # else it was never moved, and is listed as done
            with contextlib.suppress(OSError):
                await apart(lambda: Folder(Path(source.folder)).mark_imported(place))
        await self._notes.change(source.name, lambda note: note.without_waiting(place))

    async def _waiting(self, name: str, place: str) -> tuple[SourceSettings, Waiting]:
        source = self.source(name)
        note = (await self._notes.read()).get(source.name, SourceNote())
        for each in note.waiting:
            if each.place == place:
                return source, each
        raise NotFound("That file does not wait any more.", "Reload the page.")

    async def _preview(
        self, copy: _Copy, answers: Answers | None, mapping: str | None
    ) -> ImportPreview:
        return await self._importing.preview(
            copy.path,
            source=copy.source.name,
            mapping=mapping,
            snapshot=copy.snapshot,
            file_name=copy.name,
            answers=answers,
        )

    @asynccontextmanager
    async def _copy(self, source: SourceSettings, place: str) -> AsyncIterator[_Copy]:
        if source.remote is not None:
            async with self._fetching.copy(source) as answer:
                assert answer.file is not None  # noqa: S101 - `copy` says so
                yield _Copy(
                    source=source,
                    path=answer.file,
                    name=source.remote.place,
                    snapshot=is_whole(source, answer),
                    answer=answer,
                )
            return
        if self._watchers.is_elsewhere(source):
            watcher = (await self._watchers.of([source])).get(source.name)
            name = watcher.name if watcher and watcher.name else "another workstation"
            raise FileRefused(
                f"The file lies in a folder of {name}, which cannot be looked into from here.",
                f"Open Calendar Companion on {name}: what waits can be looked at there.",
            )
        folder = Folder(Path(source.folder))
        try:
            seen = await apart(lambda: folder.look(place))
            async with spooled(folder, seen, self._spool) as (path, _digest):
                yield _Copy(
                    source=source, path=path, name=Path(place).name, snapshot=source.snapshot
                )
        except OSError as error:
            raise FileRefused(
                "The file cannot be reached.",
                "Check that its folder is connected and the file still in it.",
                detail=type(error).__name__,
            ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copy:
    """What waits, to be read."""

    source: SourceSettings
    path: Path
    name: str
    """As people know it."""
    snapshot: bool | None
    answer: FetchAnswer | None = None
    """Of a source that is fetched."""


def with_wishes(
    before: SourceSettings, mapping: str | None, answers: Answers | None, guesses: bool | None
) -> SourceSettings:
    return replace(
        before,
        mapping=before.mapping if mapping is None else mapping,
        answers={**before.answers, **(answers or {})},
        guesses=before.guesses if guesses is None else guesses,
    )


def read_anew(note: SourceNote) -> SourceNote:
    """It is read another way from now on, so what was read before is no measure."""
    fetched = Fetched(current_at=note.fetched.current_at)
    return replace(note, trouble="", trouble_since=None, fetched=fetched)
