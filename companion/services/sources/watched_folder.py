"""WatchedFolder: one source's folder, from a file that is dropped there to its filing.

    seen twice alike → private copy, hashed → preview → apply → filed away below the folder
                                                 │        └ held, or a question open: set aside
                                                 └ of no use: looked at again, then set aside

It is imported with its source's mapping and mode. Before that the intent is noted, so that after
a crash a file that did go into the book is only filed, never applied over newer changes. What
another program still writes to is left where it is and read again.

Where files stay (by the source's setting, or because we may not move them) they are remembered by
name and hash. One whose bytes are those of the last import was exported anew without a change:
importing it again changes nothing and reports that the book is up to date.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from companion.domain.errors import BadInput, CompanionError
from companion.domain.settings import SourceSettings
from companion.services.activity import note
from companion.services.imports.importing import ImportPreview
from companion.services.imports.layout_choice import UnknownLayout
from companion.services.imports.questions import Question, with_guesses
from companion.services.ports import ActivityKind
from companion.services.sources.filing import Filing, moment_in_words
from companion.services.sources.folders import (
    IMPORTED,
    SET_ASIDE,
    Changed,
    Folder,
    SeenFile,
    apart,
    spooled,
)
from companion.services.sources.notes import Begun, Done, SourceNote, Waiting
from companion.services.sources.reports import FileReport, counted

if TYPE_CHECKING:
    from companion.services.sources.watching import Watching

LOOK_EVERY = 1.0
UNCHANGED_FOR = 0.9
"""Seconds a file must not have changed."""
UNCHANGED_FOR_EMPTY = 10.0
"""The same for one without a byte: its writer has hardly begun."""
SECOND_LOOK = 3.0
"""Seconds after which a file of no use is looked at again before it is set aside."""
ANSWER = 5.0
"""Seconds a folder may take to list its files."""
RETRY = 10.0
LOCKED = 60.0
"""Seconds for which another program may keep a file open before we report it."""
REPEATED = timedelta(minutes=10)
CAUSE = "folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class _FileOutcome:
    """How one file ended."""

    into: str
    """`IMPORTED` or `SET_ASIDE`."""
    result: str
    digest: str
    held: bool = False
    questions: tuple[Question, ...] = ()
    report: str = ""
    in_book: bool = False


@dataclass(slots=True)
class _Candidate:
    """A file that is not dealt with."""

    seen: SeenFile
    since: float
    """Monotonic seconds: first seen just like this."""
    not_before: float = 0.0
    useless: bool = False
    """It was read once and could not be used."""
    trouble: str = ""
    """Why it has to wait, though it is no fault of its own."""


class WatchedFolder:
    """One source's folder; `look` is one look at it."""

    def __init__(self, watching: Watching, name: str, path: Path) -> None:
        self._watching = watching
        self._name = name
        self._folder = Folder(path)
        self._note: SourceNote | None = None
        self._candidates: dict[str, _Candidate] = {}
        self._scanning: asyncio.Task[list[SeenFile]] | None = None
        self._filing = Filing(self._folder, self._watching.clock)

    def close(self) -> None:
        if self._scanning is not None:
            self._scanning.cancel()

    async def look(self) -> None:
        """Raises CompanionError when a store fails: nothing is lost, the next look does it."""
        source = self._watching.settings.read().sources.get(self._name)
        if source is None:
            return
        if self._note is None:
            self._note = (await self._watching.notes.read()).get(self._name, SourceNote())
        try:
            found = await self._scan()
        except OSError:
            await self._say_trouble(
                "The folder cannot be reached. Check that the drive or network share is "
                "connected; it is looked at again by itself."
            )
            return
        for seen in self._ready(found):
            await self._take(source, seen)
        for place in await self._filing.grown():
            await self._change(lambda note, place=place: note.without_waiting(place))  # type: ignore[misc] # mypy: lambda defaults
        await self._say_trouble(self._trouble())
        await self._file_what_stayed(source, found)

    async def _scan(self) -> list[SeenFile]:
        """A share that has gone may not even answer: never two scans at a time."""
        if self._scanning is None:
            self._scanning = asyncio.create_task(apart(self._folder.scan, None))
        done, _ = await asyncio.wait({self._scanning}, timeout=ANSWER)
        if not done:
            raise TimeoutError
        scanned, self._scanning = self._scanning, None
        return scanned.result()

    def _ready(self, found: list[SeenFile]) -> list[SeenFile]:
        """Those that have not changed lately; oldest first."""
        now = self._watching.clock.monotonic()
        before, self._candidates = self._candidates, {}
        ready = []
        for seen in found:
            if self._dealt_with(seen):
                continue
            known = before.get(seen.name)
            if known is None or known.seen != seen:
                known = _Candidate(seen=seen, since=now)
            self._candidates[seen.name] = known
            quiet = UNCHANGED_FOR if seen.size else UNCHANGED_FOR_EMPTY
            if now - known.since >= quiet and now >= known.not_before:
                ready.append(seen)
        return ready

    def _dealt_with(self, seen: SeenFile) -> bool:
        done = self._known.done.get(seen.name)
        return done is not None and (done.size, done.changed) == (seen.size, seen.changed)

    @property
    def _known(self) -> SourceNote:
        return self._note or SourceNote()

    # ── one file ──────────────────────────────────────────────────────────────────────────────

    async def _take(self, source: SourceSettings, seen: SeenFile) -> None:
        """Deal with one file, or leave it for a later look."""
        try:
            outcome = await self._outcome(source, seen)
        except Changed:
            self._candidates.pop(seen.name, None)
        except OSError:  # another program has it open, or the share went away
            self._later(seen, LOOK_EVERY)
        except CompanionError as error:
            self._later(seen, RETRY)
            self._candidates[seen.name].trouble = f"{error.what} {error.unattended}"
        else:
            if outcome is not None:
                await self._finish(source, seen, outcome)

    async def _outcome(self, source: SourceSettings, seen: SeenFile) -> _FileOutcome | None:
        """None for one that is to be looked at again, or was dealt with before."""
        try:
            async with spooled(self._folder, seen, self._watching.spool) as (copy, digest):
                if self._is_old(seen, digest):
                    await self._remember(seen, digest)
                    return None
                return await self._import(source, seen, copy, digest)
        except BadInput as error:
            candidate = self._candidates[seen.name]
            if not candidate.useless:  # its writer may only have paused
                candidate.useless = True
                self._later(seen, SECOND_LOOK)
                return None
            return await self._of_no_use(seen, error)

    def _is_old(self, seen: SeenFile, digest: str) -> bool:
        """Dealt with already, though its time or name is another now."""
        note = self._known
        if not any(each.digest == digest for each in note.done.values()):
            return False
        own = note.done.get(seen.name)
        again = own is not None and own.digest == digest == note.imported_digest
        age = self._watching.clock.now() - note.imported_at if note.imported_at else timedelta(0)
        return not (again and age >= REPEATED)

    async def _import(
        self, source: SourceSettings, seen: SeenFile, copy: Path, digest: str
    ) -> _FileOutcome:
        watching = self._watching
        if await self._was_imported(seen, digest):
            result = "It was imported just before the program ended."
            return _FileOutcome(into=IMPORTED, result=result, digest=digest, in_book=True)
        preview = await watching.importing.preview(
            copy, source=source.name, snapshot=source.snapshot, file_name=seen.name
        )
        if source.guesses:
            guessed = with_guesses(preview.questions, preview.answers)
            preview = await watching.importing.reconsider(preview, answers=guessed)
        used = preview.added + preview.changed + preview.unchanged + preview.older
        if preview.rejected and not (used or preview.open):
            return await self._of_no_use(seen, _no_usable_row(preview), preview, digest)
        begun = Begun(file=seen.name, digest=digest, at=watching.clock.now())
        await self._change(lambda note: replace(note, begun=begun))
        report = await watching.importing.apply(preview, cause=CAUSE)
        if report.held:
            return _FileOutcome(
                into=SET_ASIDE,
                result=report.why_held,
                digest=digest,
                held=True,
                questions=tuple(replace(each, example="") for each in report.questions),
                report=self._report_on(seen).held(report),
            )
        return _FileOutcome(
            into=IMPORTED,
            result=counted(report),
            digest=digest,
            report=self._report_on(seen).rows(report.rejected),
            in_book=True,
        )

    async def _was_imported(self, seen: SeenFile, digest: str) -> bool:
        """A crash came between the import of exactly this file and its filing."""
        begun = self._known.begun
        if begun is None or (begun.file, begun.digest) != (seen.name, digest):
            return False
        records = await self._watching.book.imports(50)
        return any(
            each.source == self._name and each.file_name == seen.name and each.at >= begun.at
            for each in records
        )

    async def _of_no_use(
        self,
        seen: SeenFile,
        error: CompanionError,
        preview: ImportPreview | None = None,
        digest: str = "",
    ) -> _FileOutcome:
        """Note it in the activity list, in words that hold nothing of the file."""
        unknown = isinstance(error, UnknownLayout)  # which names the file's columns
        what = "Its columns are of no layout we know." if unknown else error.what
        text = f"A file for {self._name} could not be used: {what}"
        await note(
            self._watching.activity, self._watching.clock, ActivityKind.ERROR, text, cause=CAUSE
        )
        rejected = preview.rejected if preview is not None else ()
        return _FileOutcome(
            into=SET_ASIDE,
            result=error.what,
            digest=digest,
            report=self._report_on(seen).bad(error, rejected),
        )

    # ── filing ────────────────────────────────────────────────────────────────────────────────

    async def _finish(self, source: SourceSettings, seen: SeenFile, outcome: _FileOutcome) -> None:
        """File it away, or remember it where it has to stay; and keep how it went."""
        place, changed = seen.name, False
        try:
            if not source.leave_files:
                place = await self._filing.away(seen, outcome.into, self._zone, outcome.report)
                self._filing.watch(place, seen)
        except Changed:
            changed = True
        except OSError:  # it stays, and is listed as done
            place = seen.name
        now = self._watching.clock.now()

        def edit(note: SourceNote) -> SourceNote:
            note = replace(
                note, last_file=seen.name, last_at=now, last_result=outcome.result, begun=None
            )
            if outcome.in_book:
                note = replace(note, imported_at=now, imported_digest=outcome.digest)
            if changed:  # another program goes on writing: it is read again
                return note
            if outcome.into == SET_ASIDE:
                waiting = Waiting(
                    place=place,
                    at=now,
                    held=outcome.held,
                    what=outcome.result,
                    questions=outcome.questions,
                )
                rest = note.without_waiting(place).waiting
                note = replace(note, waiting=(*rest, waiting))
            if place == seen.name:
                done = Done(digest=outcome.digest, size=seen.size, changed=seen.changed)
                note = note.with_done(seen.name, done)
            return note

        self._candidates.pop(seen.name, None)
        await self._change(edit)

    async def _file_what_stayed(self, source: SourceSettings, found: list[SeenFile]) -> None:
        """Files that could not be moved when they were dealt with: now and then, again."""
        if source.leave_files or not self._filing.due():
            return
        waiting = {each.place for each in self._known.waiting}
        for seen in found:
            if not self._dealt_with(seen) or seen.name in waiting:
                continue
            with contextlib.suppress(OSError):
                await self._filing.away(seen, IMPORTED, self._zone)
                gone = seen.name
                await self._change(
                    lambda note, gone=gone: replace(  # type: ignore[misc] # mypy: lambda defaults
                        note, done={key: each for key, each in note.done.items() if key != gone}
                    )
                )

    async def _remember(self, seen: SeenFile, digest: str) -> None:
        done = Done(digest=digest, size=seen.size, changed=seen.changed)
        self._candidates.pop(seen.name, None)
        await self._change(lambda note: note.with_done(seen.name, done))

    # ── words and notes ───────────────────────────────────────────────────────────────────────

    def _later(self, seen: SeenFile, seconds: float) -> None:
        candidate = self._candidates.get(seen.name)
        if candidate is not None:
            candidate.not_before = self._watching.clock.monotonic() + seconds

    def _trouble(self) -> str:
        if self._filing.trouble:
            return self._filing.trouble
        for each in self._candidates.values():
            if each.trouble:
                return each.trouble
        now = self._watching.clock.monotonic()
        if any(now - each.since > LOCKED for each in self._candidates.values()):
            return (
                "A file there cannot be read. Close it in other programs, and check that this "
                "user may read it; it is tried again by itself."
            )
        return ""

    async def _say_trouble(self, sentence: str) -> None:
        if sentence == self._known.trouble:
            return
        since = self._known.trouble_since or self._watching.clock.now() if sentence else None
        await self._change(lambda note: replace(note, trouble=sentence, trouble_since=since))

    async def _change(self, edit: Callable[[SourceNote], SourceNote]) -> None:
        def keep(note: SourceNote) -> SourceNote:
            self._note = edit(note)
            return self._note

        await self._watching.notes.change(self._name, keep)

    def _report_on(self, seen: SeenFile) -> FileReport:
        at = moment_in_words(self._watching.clock, self._zone)
        return FileReport(source=self._name, file=seen.name, at=at)

    @property
    def _zone(self) -> str:
        return self._watching.settings.read().practice.timezone


def _no_usable_row(preview: ImportPreview) -> BadInput:
    return BadInput(
        f"None of its {len(preview.rejected)} rows could be used.",
        "The report lists why; export it again, or correct how the columns are read.",
        field="file",
    )
