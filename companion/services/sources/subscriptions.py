"""Subscriptions: sources whose calendar is fetched from a link, again and again.

    due → one request, "only if it has changed" → the same: noted, nothing else
                                                 → a calendar: private copy → preview → apply
                                                 → anything else: said, tried again later

A calendar that is as it was (by the server's word, else by its content without the moments of its
writing) costs no plan, but for one a day: series are unrolled around the present. What fails, an
empty calendar among it, changes nothing; it is tried again after five minutes, then at ever longer
intervals. Questions, and removals that are held, wait in the source's note like a file that a
folder set aside; who answers them is shown the calendar as it then is.

The link is a secret: it lies sealed, and only its host is ever said.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from companion.domain.errors import BadInput, CompanionError, SecretsError, SourceUnreachable
from companion.domain.settings import SourceSettings
from companion.services.activity import note
from companion.services.files import make_folder
from companion.services.imports.importing import Importing, ImportPreview, ImportReport
from companion.services.imports.questions import Answers, with_guesses
from companion.services.ports import ActivityKind, ActivityLog, Clock, SecretStore, SettingsStore
from companion.services.sources.folders import apart
from companion.services.sources.links import CalendarLinks, LinkAnswer
from companion.services.sources.notes import Fetched, SourceNote, SourceNotes, Waiting
from companion.services.sources.reports import counted

CAUSE = "link"
FIRST_RETRY = timedelta(minutes=5)
LONGEST_RETRY = timedelta(hours=4)
WHOLE_EVERY = timedelta(days=1)
_WRITTEN = re.compile(rb"^DTSTAMP[:;][^\r\n]*", re.MULTILINE | re.IGNORECASE)
"""Many servers write the moment of the answer into every entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchOutcome:
    source: str
    report: ImportReport | None = None
    """None where there was nothing new, or an error."""
    error: CompanionError | None = None

    @property
    def held(self) -> bool:
        return self.report is not None and self.report.held


class Subscriptions:
    """One per process, for the background and for people alike."""

    def __init__(
        self,
        *,
        settings: SettingsStore,
        notes: SourceNotes,
        links: CalendarLinks,
        secrets: SecretStore,
        importing: Importing,
        activity: ActivityLog,
        clock: Clock,
        spool: Path,
    ) -> None:
        """`spool`: a private folder of the home."""
        self._settings = settings
        self._notes = notes
        self._links = links
        self._secrets = secrets
        self._importing = importing
        self._activity = activity
        self._clock = clock
        self._spool = spool
        self._turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def keep(self, source: str, link: str) -> None:
        """`link`: checked. Raises SecretsError."""
        await self._secrets.put(_secret(source), link)

    async def forget(self, source: str) -> None:
        await self._secrets.remove(_secret(source))

    async def look(self, name: str) -> None:
        """Fetch it if it is time. Raises CompanionError when a store fails."""
        source = self._settings.read().sources.get(name)
        if source is None:
            return
        fetched = (await self._note(name)).fetched
        now = self._clock.now()
        if fetched.tried_at is None or not fetched.tried_at <= now < _due(source, fetched):
            await self.fetch(name)

    async def fetch(
        self, name: str, answers: Answers | None = None, *, yes: bool = False, asked: bool = False
    ) -> FetchOutcome:
        """Now. `answers`: to what it left open; `yes`: take the guesses, and release what is held;
        `asked`: by a person, who is told once more what waits. Raises StoreError, Busy."""
        async with self._turns[name]:
            source = self._settings.read().sources.get(name)
            if source is None or not source.link_host:  # removed or stopped in between
                return FetchOutcome(source=name)
            known = await self._note(name)
            anew = bool(answers) or yes or (asked and bool(known.waiting))
            try:
                report = await self._take(source, known, answers, yes=yes, anew=anew)
            except (BadInput, SourceUnreachable, SecretsError) as error:
                await self._failed(source, known, error)
                return FetchOutcome(source=name, error=error)
            return FetchOutcome(source=name, report=report)

    @asynccontextmanager
    async def copy(self, source: SourceSettings) -> AsyncIterator[Path]:
        """The calendar as it is now, for a person to look at. Raises SourceUnreachable."""
        answer = await self._links.fetch(await self._link(source))
        async with self.spooled(answer) as path:
            yield path

    @asynccontextmanager
    async def spooled(self, answer: LinkAnswer) -> AsyncIterator[Path]:
        make_folder(self._spool)
        path = self._spool / f"{secrets.token_hex(12)}.ics"
        content = answer.content or b""
        try:
            await apart(lambda: _write(path, content))
            yield path
        finally:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    async def fetched(self, link: str) -> LinkAnswer:
        """Of a link that is no source yet. Raises SourceUnreachable."""
        return await self._links.fetch(link)

    async def taken(self, source: SourceSettings, report: ImportReport) -> None:
        """A person has taken it in: nothing waits any more."""
        await self._change(source.name, lambda before: _with(before, source, self._now(), report))

    # ── one fetch ─────────────────────────────────────────────────────────────────────────────

    async def _take(
        self,
        source: SourceSettings,
        known: SourceNote,
        answers: Answers | None,
        *,
        yes: bool,
        anew: bool,
    ) -> ImportReport | None:
        before, now = known.fetched, self._now()
        anew = anew or before.whole_at is None or now - before.whole_at >= WHOLE_EVERY
        answer = await self._links.fetch(
            await self._link(source),
            entity="" if anew else before.entity,
            modified="" if anew else before.modified,
        )
        content = answer.content
        digest = before.digest if content is None else _digest(content)
        good = Fetched(
            tried_at=now,
            good_at=now,
            entity=answer.entity or (before.entity if content is None else ""),
            modified=answer.modified or (before.modified if content is None else ""),
            digest=digest,
            whole_at=now if anew or digest != before.digest else before.whole_at,
        )
        report = None
        if content is not None and (anew or digest != before.digest):
            report = await self._import(source, known, answer, answers, yes=yes)
        await self._change(
            source.name,
            lambda note: replace(
                note if report is None else _with(note, source, now, report),
                fetched=good,
                trouble="",
                trouble_since=None,
            ),
        )
        return report

    async def _import(
        self,
        source: SourceSettings,
        known: SourceNote,
        answer: LinkAnswer,
        answers: Answers | None,
        *,
        yes: bool,
    ) -> ImportReport | None:
        """None where nothing would change. Raises BadInput, SourceUnreachable."""
        async with self.spooled(answer) as path:
            preview = await self._importing.preview(
                path,
                source=source.name,
                snapshot=source.snapshot,
                file_name=source.link_host,
                answers=answers,
            )
            check_filled(preview, source.link_host)
            if yes or source.guesses:
                guessed = with_guesses(preview.questions, preview.answers)
                preview = await self._importing.reconsider(preview, answers=guessed)
            changes = preview.added + preview.changed + preview.removed
            if known.imported_at and not (changes or preview.open or known.waiting):
                return None
            return await self._importing.apply(preview, yes=yes, cause=CAUSE)

    async def _failed(
        self, source: SourceSettings, known: SourceNote, error: CompanionError
    ) -> None:
        now, sentence = self._now(), f"{error.what} {error.remedy}"
        wait = error.wait if isinstance(error, SourceUnreachable) else 0.0
        await self._change(
            source.name,
            lambda note: replace(
                note,
                trouble=sentence,
                trouble_since=note.trouble_since if note.trouble else now,
                fetched=replace(
                    note.fetched, tried_at=now, failures=note.fetched.failures + 1, wait=wait
                ),
            ),
        )
        if not known.trouble:
            text = f"{source.name} could not be fetched from {source.link_host}."
            await note(self._activity, self._clock, ActivityKind.ERROR, text, cause=CAUSE)

    async def _link(self, source: SourceSettings) -> str:
        link = await self._secrets.get(_secret(source.name))
        if link is None:
            raise SourceUnreachable(
                f"The link of {source.name} is not on this computer.", "Give the link again."
            )
        return link

    async def _note(self, name: str) -> SourceNote:
        return (await self._notes.read()).get(name, SourceNote())

    async def _change(self, name: str, edit: Callable[[SourceNote], SourceNote]) -> None:
        await self._notes.change(name, edit)

    def _now(self) -> datetime:
        return self._clock.now()


def check_filled(preview: ImportPreview, host: str) -> None:
    """Raises SourceUnreachable for a calendar without one usable entry, which is never taken for
    the news that all were removed."""
    if not preview.content.drafts:
        unusable = len(preview.content.rejections)
        raise SourceUnreachable(
            f"None of the {unusable} entries at {host} could be used."
            if unusable
            else f"The calendar at {host} is empty, so nothing was changed.",
            "Look at it in the practice software: has it been turned off, or its days limited?",
        )


def _with(
    note: SourceNote, source: SourceSettings, now: datetime, report: ImportReport
) -> SourceNote:
    result = report.why_held if report.held else counted(report)
    note = replace(note, last_file=source.link_host, last_at=now, last_result=result)
    if not report.held:
        return replace(note, imported_at=now, waiting=())
    waiting = Waiting(
        place=source.link_host,
        at=now,
        held=True,
        what=result,
        questions=tuple(replace(each, example="") for each in report.questions),
    )
    return replace(note, waiting=(waiting,))


def _due(source: SourceSettings, fetched: Fetched) -> datetime:
    """When to ask again. `fetched`: tried before."""
    pause = source.every
    if fetched.failures:
        first = min(FIRST_RETRY, source.every)
        longest = max(LONGEST_RETRY, source.every)
        pause = min(first * 2 ** min(fetched.failures - 1, 20), longest)
        pause = max(pause, timedelta(seconds=fetched.wait))
    assert fetched.tried_at is not None  # noqa: S101 - as said above
    return fetched.tried_at + pause


def _secret(source: str) -> str:
    return f"source/{source}"


def _digest(content: bytes) -> str:
    return hashlib.sha256(_WRITTEN.sub(b"", content)).hexdigest()


def _write(path: Path, content: bytes) -> None:
    path.touch(0o600, exist_ok=False)
    path.write_bytes(content)
