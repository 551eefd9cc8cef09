"""Sources: where appointments come from, and the folders that are watched for their exports.

A source's settings say how its files are read and which folder is watched; `Watching` does the
watching. What was set aside waits here for a person: `look_at` shows what such a file would do,
`release` imports it, `discard` takes it off the list and leaves the file.

A watched folder is for exports alone, because everything dropped there is filed away: one that
already holds other files (Downloads, a desktop) is refused.
"""

from __future__ import annotations

import contextlib
import secrets
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from companion.domain.errors import BadInput, FileRefused, NotFound
from companion.domain.expectations import Expected
from companion.domain.settings import Settings, SourceSettings
from companion.services.access.policy import Action
from companion.services.access.rules import allows
from companion.services.files import make_folder
from companion.services.imports.importing import Importing, ImportPreview, ImportReport
from companion.services.imports.layout_choice import source_name
from companion.services.imports.layouts import FIELDS
from companion.services.imports.mappings import bind_mapping
from companion.services.imports.questions import Answers
from companion.services.ports import SettingsStore
from companion.services.sources.folders import Folder, Seen, apart
from companion.services.sources.notes import SourceNote, SourceNotes, Waiting

MOST_BYTES = 50_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStatus:
    settings: SourceSettings
    note: SourceNote

    @property
    def watched(self) -> bool:
        return bool(self.settings.folder)


class Sources:
    def __init__(
        self, *, settings: SettingsStore, notes: SourceNotes, importing: Importing, spool: Path
    ) -> None:
        """`spool`: a private folder of the home; files are copied there to be read."""
        self._settings = settings
        self._notes = notes
        self._importing = importing
        self._spool = spool

    @allows(Action.IMPORT)
    async def overview(self) -> tuple[SourceStatus, ...]:
        """By name."""
        notes = await self._notes.read()
        known = self._settings.read().sources
        return tuple(
            SourceStatus(settings=known[name], note=notes.get(name, SourceNote()))
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
    ) -> SourceSettings:
        """Watch `folder` for exports of `name`; what is None stays as it was. Raises BadInput."""
        wanted = source_name(name)
        if mapping is not None:
            check_mapping(mapping)
        path = await self._checked(folder, wanted) if folder.strip() else ""

        def edit(settings: Settings) -> Settings:
            before = settings.sources.get(wanted) or SourceSettings(name=wanted)
            return settings.with_source(
                replace(
                    before,
                    folder=path,
                    mapping=before.mapping if mapping is None else mapping,
                    snapshot=before.snapshot if snapshot is None else snapshot,
                    leave_files=before.leave_files if leave_files is None else leave_files,
                    expected=before.expected if expected is None else expected,
                )
            )

        after = await self._settings.change(edit)
        await self._notes.change(wanted, lambda note: replace(note, trouble="", trouble_since=None))
        return after.sources[wanted]

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

        return (await self._settings.change(edit)).sources[source.name]

    @allows(Action.PRACTICE)
    async def stop(self, name: str) -> SourceSettings:
        """Watch its folder no more; how its files are read stays known."""
        source = self.source(name)

        def edit(settings: Settings) -> Settings:
            return settings.with_source(replace(settings.sources[source.name], folder=""))

        return (await self._settings.change(edit)).sources[source.name]

    @allows(Action.PRACTICE)
    async def remove(self, name: str) -> None:
        """Forget the source and how its files are read; its appointments stay in the book."""
        source = self.source(name)

        def edit(settings: Settings) -> Settings:
            rest = {key: each for key, each in settings.sources.items() if key != source.name}
            return replace(settings, sources=rest)

        await self._settings.change(edit)
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
        async with self._copy(source, waiting.place) as (copy, file_name):
            return await self._preview(source, copy, file_name, answers, mapping)

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
        async with self._copy(source, waiting.place) as (copy, file_name):
            preview = await self._preview(source, copy, file_name, answers, mapping)
            report = await self._importing.apply(
                preview, release=True, cause=cause, people_too=people_too
            )
        if not report.held:
            await self._mark_imported(source, waiting.place)
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
                for each in status.note.waiting if status.watched else ():
                    if wanted == Path(status.settings.folder, each.place):
                        return status.settings, each.place
        return None

    @allows(Action.IMPORT)
    async def resolved(self, source: SourceSettings, place: str) -> None:
        """A file that waited has been imported by hand."""
        await self._mark_imported(source, place)

    async def _mark_imported(self, source: SourceSettings, place: str) -> None:
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
        self,
        source: SourceSettings,
        copy: Path,
        file_name: str,
        answers: Answers | None,
        mapping: str | None,
    ) -> ImportPreview:
        return await self._importing.preview(
            copy,
            source=source.name,
            mapping=mapping,
            snapshot=source.snapshot,
            file_name=file_name,
            answers=answers,
        )

    @asynccontextmanager
    async def _copy(self, source: SourceSettings, place: str) -> AsyncIterator[tuple[Path, str]]:
        folder = Folder(Path(source.folder))
        try:
            seen = await apart(lambda: folder.look(place))
            async with spooled(folder, seen, self._spool) as (copy, _digest):
                yield copy, Path(place).name
        except OSError as error:
            raise FileRefused(
                "The file cannot be reached.",
                "Check that its folder is connected and the file still in it.",
                detail=type(error).__name__,
            ) from None

    # ── folders ───────────────────────────────────────────────────────────────────────────────

    async def _checked(self, folder: str, source: str) -> str:
        typed = folder.strip().strip('"')
        if not Path(typed).is_absolute():
            raise BadInput(
                "The folder must be given with its whole path.",
                r"For example C:\Exports or \\server\exports.",
                field="folder",
            )
        try:
            path = await apart(Path(typed).resolve)
            others = await apart(Folder(path).others)
        except OSError as error:
            raise BadInput(
                f"There is no folder {typed[:200]}, or it cannot be read.",
                "Make it first, or check that the drive or network share is connected.",
                field="folder",
                detail=type(error).__name__,
            ) from None
        home = await apart(self._spool.parent.resolve)
        if path in {path.parent, home} or home in path.parents:
            raise BadInput("That folder cannot be watched.", "Make one of its own.", field="folder")
        if others:
            raise BadInput(
                f"That folder holds other files too, such as “{others[0][:60]}”.",
                "Make a folder for these exports alone: whatever is dropped there is filed away.",
                field="folder",
            )
        for each in self._settings.read().sources.values():
            if each.name != source and each.folder and _overlap(Path(each.folder), path):
                raise BadInput(
                    f"That folder is already watched for {each.name}.",
                    "Give each source a folder of its own.",
                    field="folder",
                )
        return str(path)


def _overlap(one: Path, other: Path) -> bool:
    return one == other or one in other.parents or other in one.parents


def check_mapping(text: str) -> None:
    """Is it a mapping, whatever the file's columns? Raises BadInput."""
    try:
        columns = tomllib.loads(text.removeprefix("\ufeff")).get("columns", {})
    except (tomllib.TOMLDecodeError, RecursionError):
        columns = {}
    if not isinstance(columns, dict):
        columns = {}
    headers = [str(value) if key in FIELDS else key for key, value in columns.items()]
    try:
        bind_mapping(text, headers)
    except BadInput as error:
        raise BadInput(error.what, error.remedy, field="mapping") from error


@asynccontextmanager
async def spooled(folder: Folder, seen: Seen, spool: Path) -> AsyncIterator[tuple[Path, str]]:
    """A private copy of a file, while it is needed, and its digest. Raises OSError, FileRefused,
    StoreError."""
    if seen.size > MOST_BYTES:
        raise FileRefused(
            f"The file is too large: {seen.size / 1e6:,.0f} MB; at most "
            f"{MOST_BYTES // 1_000_000} MB are read.",
            "Export fewer days at a time.",
        )
    make_folder(spool)
    copy = spool / f"{secrets.token_hex(12)}{Path(seen.name).suffix[:8]}"
    try:
        yield copy, await apart(lambda: folder.fetch(seen, copy))
    finally:
        with contextlib.suppress(OSError):
            copy.unlink(missing_ok=True)
