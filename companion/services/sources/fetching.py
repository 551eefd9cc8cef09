"""Fetching: sources that are asked for their appointments, again and again.

    due ─▶ fetch in a thread ─▶ nothing new: noted, no plan
                             ─▶ a private file ─▶ preview ─▶ apply ─▶ the cursor is kept
                             ─▶ anything else: said, tried again later

What a source of a kind gives, and since when (its cursor), is its `RemoteSource`'s. Once a day all
of it is fetched and compared with the book, for what no change tells. A file that means what the
last one did costs no plan. What fails, an empty answer among it, changes nothing; it is tried again
after five minutes, then at ever longer intervals; a source that takes long is asked less often.
Questions, and removals that are held, wait in the source's note like a file that a folder set
aside: until somebody answers, the cursor stays, so what waits comes again with what is new.

The secret of a source lies sealed under its name. A fetch that the program's end broke off left no
trace but private files, which `Watching` sweeps.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from companion.domain.errors import (
    BadInput,
    Busy,
    CompanionError,
    SecretsError,
    SourceTrouble,
    SourceUnreachable,
)
from companion.domain.practice_errors import Overtaken
from companion.domain.settings import SourceSettings
from companion.services.activity import note
from companion.services.imports.importing import Importing, ImportPreview, ImportReport
from companion.services.imports.questions import Answers, with_guesses
from companion.services.ports import ActivityKind, ActivityLog, Clock, SecretStore, SettingsStore
from companion.services.sources.fetch_notes import in_the_book, lock_of, next_fetch, with_report
from companion.services.sources.notes import Fetched, SourceNote, SourceNotes
from companion.services.sources.one_fetch import UnderWay, fetched
from companion.services.sources.remote import (
    FetchAnswer,
    RemoteSource,
    RemoteSources,
    SourcePlace,
    Stopped,
)
from companion.services.sync.snapshot import NamedLocks

CAUSE = "link"
REFUSED_RETRY = timedelta(hours=1)
"""A password that is tried too often may lock its user out."""
WHOLE_EVERY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchOutcome:
    source: str
    report: ImportReport | None = None
    """None where there was nothing new, or an error."""
    error: CompanionError | None = None
    stopped: bool = False
    """By a person."""

    @property
    def held(self) -> bool:
        return self.report is not None and self.report.held


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    answers: Answers | None
    yes: bool
    anew: bool
    """Work it out even if it means the same as last time."""
    cause: str
    """Who or what it is for."""


class Fetching:
    """One per process, for the background and for people alike."""

    def __init__(  # noqa: PLR0913 - one for each part
        self,
        *,
        settings: SettingsStore,
        notes: SourceNotes,
        remotes: RemoteSources,
        secrets: SecretStore,
        importing: Importing,
        activity: ActivityLog,
        clock: Clock,
        spool: Path,
        locks: NamedLocks,
    ) -> None:
        """`spool`: a private folder of the home; `locks`: among all processes."""
        self._locks = locks
        self._settings = settings
        self._notes = notes
        self._change = notes.change
        self._remotes = remotes
        self._secrets = secrets
        self._importing = importing
        self._activity = activity
        self._clock = clock
        self._spool = spool
        self._own_locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._under_way: dict[str, UnderWay] = {}

    @property
    def under_way(self) -> Mapping[str, UnderWay]:
        """By source."""
        return self._under_way

    async def keep(self, source: str, secret: str) -> None:
        """Raises SecretsError."""
        await self._secrets.put(_secret(source), secret)

    async def forget(self, source: str) -> None:
        """A fetch under way ends, and brings nothing any more."""
        self.stop(source)
        await self._secrets.remove(_secret(source))

    async def secret_of(self, source: SourceSettings) -> str:
        """Raises SourceUnreachable, SecretsError."""
        secret = await self._secrets.get(_secret(source.name))
        if secret is None:
            raise SourceUnreachable(
                f"What {source.name} is signed in to with is not on this computer.",
                "Give its link, key or password again.",
                reason=SourceTrouble.CREDENTIALS,
            )
        return secret

    async def look(self, name: str) -> None:
        """Fetch it if it is time. Raises CompanionError when a store fails."""
        source = self._settings.read().sources.get(name)
        if source is not None and await self._is_due(source):
            with contextlib.suppress(Busy, Overtaken):  # another process fetches it
                await self._fetch_in_turn(name, None, yes=False, asked_by="")

    async def _is_due(self, source: SourceSettings) -> bool:
        if source.remote is None:
            return False
        known = (await self._note(source.name)).fetched
        due = next_fetch(source.remote, known)
        if due is None or known.tried_at is None:
            return True
        return not known.tried_at <= self._clock.now() < due

    async def fetch(
        self, name: str, answers: Answers | None = None, *, yes: bool = False, asked_by: str = ""
    ) -> FetchOutcome:
        """Now. `answers`: to what it left open; `yes`: take the guesses, and release what is held;
        `asked_by`: a person, who is told once more what waits. Raises StoreError, Busy."""
        try:
            return await self._fetch_in_turn(name, answers, yes=yes, asked_by=asked_by)
        except (Busy, Overtaken) as error:
            raise Busy(
                f"{name} is being fetched just now, from another window or computer.",
                "Look again in a moment: what it brings is shown by itself.",
                detail=error.detail,
            ) from error

    async def _fetch_in_turn(
        self, name: str, answers: Answers | None, *, yes: bool, asked_by: str
    ) -> FetchOutcome:
        async with self._own_locks[name], self._locks.hold(lock_of(name)):
            source = self._settings.read().sources.get(name)
            if source is None or source.remote is None:  # removed or stopped in between
                return FetchOutcome(source=name)
            if not (asked_by or answers or yes or await self._is_due(source)):
                return FetchOutcome(source=name)  # another process has just fetched it
            known = await self._note(name)
            going = self._under_way[name] = UnderWay(since=self._clock.now())
            began = self._clock.monotonic()
            try:
                anew = bool(answers) or yes or bool(asked_by and known.waiting)
                wish = _Wish(answers=answers, yes=yes, anew=anew, cause=asked_by or CAUSE)
                report = await self._take(source, known, wish, going)
            except Stopped:
                if self._settings.read().sources.get(name) == source:
                    await self._tried(name)
                return FetchOutcome(source=name, stopped=True)
            except (BadInput, SourceUnreachable, SecretsError) as error:
                await self._failed(source, known, error, self._clock.monotonic() - began)
                return FetchOutcome(source=name, error=error)
            finally:
                del self._under_way[name]
            return FetchOutcome(source=name, report=report)

    def stop(self, name: str) -> None:
        """Break off the fetch under way, if any; the next is due as usual."""
        if (going := self._under_way.get(name)) and not going.importing:
            going.stop.ask()

    @asynccontextmanager
    async def copy(self, source: SourceSettings) -> AsyncIterator[FetchAnswer]:
        """What waits, as it is now, for a person to look at. Raises SourceUnreachable."""
        known = (await self._note(source.name)).fetched
        cursor = "" if self._whole_due(known) else known.cursor
        remote, place = await self._place_of(source)
        async with self.asked(remote, place, cursor=cursor) as answer:
            if answer.file is None:
                raise SourceUnreachable(
                    f"{place.place} has nothing new any more.",
                    "Press “Fetch now”: nothing waits then.",
                    reason=SourceTrouble.EMPTY,
                )
            yield answer

    def asked(
        self,
        remote: RemoteSource,
        place: SourcePlace,
        *,
        cursor: str = "",
        most: int | None = None,
        going: UnderWay | None = None,
    ) -> AbstractAsyncContextManager[FetchAnswer]:
        """As `fetched`."""
        now = self._clock.now()
        return fetched(
            remote,
            place,
            spool=self._spool,
            timezone=self._settings.read().practice.timezone,
            going=going or UnderWay(since=now),
            now=now,
            cursor=cursor,
            most=most,
        )

    async def taken(
        self, source: SourceSettings, report: ImportReport, answer: FetchAnswer | None
    ) -> None:
        """A person has taken it in, so nothing waits any more. `answer`: what they took; None
        where it cannot be gone on from."""
        now = self._clock.now()

        def edit(before: SourceNote) -> SourceNote:
            after = with_report(before, source, now, report)
            if answer is None:
                return after
            good = in_the_book(before.fetched, answer, now)
            return replace(after, fetched=good, trouble="", trouble_since=None)

        await self._change(source.name, edit)

    # ── one fetch ─────────────────────────────────────────────────────────────────────────────

    async def _take(
        self,
        source: SourceSettings,
        known: SourceNote,
        wish: _Wish,
        going: UnderWay,
    ) -> ImportReport | None:
        before, began = known.fetched, self._clock.monotonic()
        whole = self._whole_due(before) or (bool(wish.answers) and not known.waiting)
        remote, place = await self._place_of(source)
        report = None
        cursor = "" if whole else before.cursor
        async with self.asked(remote, place, cursor=cursor, going=going) as answer:
            now, took = self._clock.now(), self._clock.monotonic() - began
            held = not wish.anew and answer.digest == before.held and not _put_off(known, now)
            same = answer.digest == before.digest and not (whole or wish.anew)
            held = held and answer.file is not None
            if self._settings.read().sources.get(source.name) != source:
                raise Stopped  # somebody has removed or changed it meanwhile
            if answer.file is not None and not (held or same):
                going.importing = True
                report = await self._import(source, known, answer, wish)
                held = report is not None and report.held
        after = (
            in_the_book(before, answer, now) if not held else replace(before, held=answer.digest)
        )
        if whole and answer.cursor:  # from here on only what changes is asked for
            took = 0.0
        after = replace(after, tried_at=now, good_at=now, failures=0, wait=0.0, took=took)

        def edit(note: SourceNote) -> SourceNote:
            if report is not None:
                note = with_report(note, source, now, report)
            elif not held:
                note = replace(note, waiting=())
            return replace(note, fetched=after, trouble="", trouble_since=None)

        await self._change(source.name, edit)
        return report

    async def _import(
        self,
        source: SourceSettings,
        known: SourceNote,
        answer: FetchAnswer,
        wish: _Wish,
    ) -> ImportReport | None:
        """None where nothing would change. Raises BadInput, SourceUnreachable."""
        assert source.remote is not None and answer.file is not None  # noqa: S101, PT018 - as called
        place = source.remote.place
        preview = await self._importing.preview(
            answer.file,
            source=source.name,
            snapshot=is_whole(source, answer),
            file_name=place,
            answers=wish.answers,
        )
        if answer.whole:
            check_filled(preview, place)
        if wish.yes or source.guesses:
            guessed = with_guesses(preview.questions, preview.answers)
            preview = await self._importing.reconsider(preview, answers=guessed)
        news = preview.added + preview.changed + preview.removed
        left_out = 0 if answer.whole else len(preview.rejected)
        if known.imported_at and not (news or left_out or preview.open or known.waiting):
            return None
        await self._locks.ensure()  # another's newer answer may be in the book by now
        return await self._importing.apply(preview, yes=wish.yes, cause=wish.cause)

    async def _failed(
        self, source: SourceSettings, known: SourceNote, error: CompanionError, took: float
    ) -> None:
        now, sentence = self._clock.now(), f"{error.what} {error.unattended}"
        wait = error.wait if isinstance(error, SourceUnreachable) else 0.0
        if isinstance(error, SourceUnreachable) and error.reason is SourceTrouble.CREDENTIALS:
            wait = max(wait, REFUSED_RETRY.total_seconds())

        def edit(note: SourceNote) -> SourceNote:
            failures = note.fetched.failures + 1
            return replace(
                note,
                trouble=sentence,
                trouble_since=note.trouble_since if note.trouble else now,
                fetched=replace(
                    note.fetched, tried_at=now, failures=failures, wait=wait, took=took
                ),
            )

        await self._change(source.name, edit)
        if not known.trouble and source.remote:
            text = f"{source.name} could not be fetched from {source.remote.place}."
            await note(self._activity, self._clock, ActivityKind.ERROR, text, cause=CAUSE)

    async def _tried(self, name: str) -> None:
        now = self._clock.now()
        await self._change(
            name, lambda note: replace(note, fetched=replace(note.fetched, tried_at=now))
        )

    async def _place_of(self, source: SourceSettings) -> tuple[RemoteSource, SourcePlace]:
        assert source.remote is not None  # noqa: S101 - as called
        kind, place = source.remote.kind, source.remote.place
        if kind not in self._remotes:
            raise SourceUnreachable(
                f"This version does not know how {source.name} is fetched ({kind}).",
                "Install the version that it was added with, or a newer one.",
            )
        secret = await self.secret_of(source)
        fields = source.remote.fields
        return self._remotes[kind], SourcePlace(place=place, secret=secret, fields=fields)

    def _whole_due(self, fetched: Fetched) -> bool:
        return fetched.whole_at is None or self._clock.now() - fetched.whole_at >= WHOLE_EVERY

    async def _note(self, name: str) -> SourceNote:
        return (await self._notes.read()).get(name, SourceNote())


def is_whole(source: SourceSettings, answer: FetchAnswer) -> bool:
    """Does what the file leaves out count as removed? Somebody may have said that it does not."""
    return answer.whole and source.snapshot is not False


def _put_off(note: SourceNote, now: datetime) -> bool:
    """Somebody took what was held off the list a day ago: it is time to say so again."""
    return not note.waiting and note.last_at is not None and now - note.last_at >= WHOLE_EVERY


def check_filled(preview: ImportPreview, place: str) -> None:
    """Raises SourceUnreachable for an answer without one usable entry, which is never taken for
    the news that all were removed."""
    if not preview.content.drafts:
        unusable = len(preview.content.rejections)
        raise SourceUnreachable(
            f"None of the {unusable} entries at {place} could be used."
            if unusable
            else f"The calendar at {place} is empty, so nothing was changed.",
            "Look at it in the practice software: has it been turned off, or its days limited?",
            reason=SourceTrouble.EMPTY,
        )


def _secret(source: str) -> str:
    return f"source/{source}"
