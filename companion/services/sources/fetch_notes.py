"""What a fetch leaves in its source's note: where the next one goes on, and what waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from companion.domain.settings import SourceSettings
from companion.services.imports.importing import ImportReport
from companion.services.sources.notes import Fetched, SourceNote, Waiting
from companion.services.sources.remote import FetchAnswer
from companion.services.sources.reports import counted


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
