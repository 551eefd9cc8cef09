"""What a fetch leaves in its source's note: where and when the next one goes on, what waits."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta

from companion.domain.settings import RemoteSettings, SourceSettings
from companion.services.imports.importing import ImportReport
from companion.services.sources.notes import Fetched, SourceNote, Waiting
from companion.services.sources.remote import FetchAnswer
from companion.services.sources.reports import counted

FIRST_RETRY = timedelta(minutes=5)
LONGEST_RETRY = timedelta(hours=4)
SHARE = 10
"""At most this part of the time goes into fetching one source."""


def lock_of(source: str) -> str:
    """The name of its lock among all processes; a source's own may be of any characters."""
    return f"fetch-{hashlib.blake2b(source.encode(), digest_size=8).hexdigest()}"


def next_fetch(remote: RemoteSettings, fetched: Fetched) -> datetime | None:
    """When it is asked again: as often as somebody said, more and more rarely while it fails; None
    for at once."""
    if fetched.tried_at is None:
        return None
    pause = max(remote.every, timedelta(seconds=fetched.took * SHARE))
    if fetched.failures:
        first = min(FIRST_RETRY, remote.every)
        longest = max(LONGEST_RETRY, remote.every)
        pause = min(first * 2 ** min(fetched.failures - 1, 20), longest)
        pause = max(pause, timedelta(seconds=max(fetched.wait, fetched.took * SHARE)))
    return fetched.tried_at + pause


def in_the_book(before: Fetched, answer: FetchAnswer, now: datetime) -> Fetched:
    """Its file, if any, is in the book."""
    compared = answer.file is not None and answer.whole
    return replace(
        before,
        tried_at=now,
        good_at=now,
        current_at=now,
        failures=0,
        wait=0.0,
        cursor=answer.cursor,
        digest=answer.digest if answer.file is not None else before.digest,
        held="",
        whole_at=now if compared else before.whole_at,
    )


def with_report(
    note: SourceNote, source: SourceSettings, now: datetime, report: ImportReport
) -> SourceNote:
    place = source.remote.place if source.remote else ""
    result = report.why_held if report.held else counted(report)
    note = replace(note, last_file=place, last_at=now, last_result=result)
    if not report.held:
        return replace(note, imported_at=now, waiting=())
    waiting = Waiting(
        place=place,
        at=now,
        held=True,
        what=result,
        questions=tuple(replace(each, example="") for each in report.questions),
    )
    return replace(note, waiting=(waiting,))
