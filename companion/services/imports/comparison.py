"""ImportComparison: a file's rows against the book as it now is, with the answers given so far.

Whoever applies an import compares anew, because the book may have changed since it was shown; a
comparison whose basis still holds is used again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from companion.domain.settings import Settings
from companion.services.imports.people import FilePractitioners, PeopleOfFile
from companion.services.imports.plan import ImportPlan, plan_import
from companion.services.imports.previews import ImportPreview
from companion.services.imports.questions import Answers, Question, folded_key
from companion.services.imports.target import ImportTarget
from companion.services.pools import IMPORTS
from companion.services.ports import AppointmentBook, ChangeSign, Clock, SettingsStore, SourceRow

FRESH = timedelta(minutes=1)
"""What is upcoming moves with the clock."""
AROUND = timedelta(days=32)
"""Before and after a file's days: where other sources are looked at for the same appointments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What a comparison was made of, besides the file."""

    source: str
    snapshot: bool
    answers: Mapping[str, str]
    sign: ChangeSign
    settings: Settings
    at: datetime

    def still_holds(self, now: Basis) -> bool:
        return replace(now, at=self.at) == self and abs(now.at - self.at) < FRESH


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportComparison:
    basis: Basis
    people: FilePractitioners
    target: ImportTarget
    plan: ImportPlan
    questions: tuple[Question, ...]


class BookComparison:
    def __init__(self, *, book: AppointmentBook, settings: SettingsStore, clock: Clock) -> None:
        self._book = book
        self._settings = settings
        self._clock = clock

    async def compare(
        self, preview: ImportPreview, answers: Answers, *, known: ImportComparison | None = None
    ) -> ImportComparison:
        """`known`: an earlier comparison of this file, which is given back while nothing that it
        was made of has changed: planning 50,000 rows takes seconds."""
        settings, now = self._settings.read(), self._clock.now()
        sign = await self._book.change_sign()
        basis = Basis(
            source=preview.source,
            snapshot=preview.snapshot,
            answers=dict(answers),
            sign=sign,
            settings=settings,
            at=now,
        )
        if known is not None and known.basis.still_holds(basis):
            return known
        rows = await self._book.source_rows(preview.source)
        people = await IMPORTS.run(_people, preview, settings, answers, rows)
        target = ImportTarget(
            source=preview.source,
            snapshot=preview.snapshot,
            known=rows,
            id_key=await self._book.id_key(),
            others=await self._elsewhere(preview, people, settings),
            people=people.by_name,
            answered=people.answered,
            everyone={key: each.practitioner for key, each in settings.practitioners.items()},
            timezone=settings.practice.timezone,
            now=now,
            answers=answers,
            hold_share=settings.practice.import_hold_share,
        )
        plan = await IMPORTS.run(plan_import, preview.content, target)
        asked = (*preview.content.questions, *preview.shape, *people.questions, *plan.questions)
        questions = tuple({folded_key(each.key): each for each in asked}.values())
        return ImportComparison(
            basis=basis, people=people, target=target, plan=plan, questions=questions
        )

    async def _elsewhere(
        self, preview: ImportPreview, people: FilePractitioners, settings: Settings
    ) -> list[SourceRow]:
        """The book's of other sources, about the file's days and people."""
        ids = {each.id for each in people.by_name.values()} & settings.practitioners.keys()
        starts = [draft.appointment.start for draft in preview.content.drafts]
        if not ids or not starts:
            return []
        first, last = min(starts) - AROUND, max(starts) + AROUND
        return await self._book.rows_elsewhere(preview.source, sorted(ids), first, last)


def _people(
    preview: ImportPreview,
    settings: Settings,
    answers: Answers,
    known: Mapping[str, SourceRow],
) -> FilePractitioners:
    rows: Counter[str] = Counter()
    taken_over: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for draft in preview.content.drafts:
        rows[draft.name] += 1
        row = known.get(draft.appointment.source_id)
        if row is not None:
            taken_over[draft.name][row.practitioner_id] += 1
    people = PeopleOfFile(
        (each.practitioner for each in settings.practitioners.values()),
        meant=preview.columns.practitioners,
        answers=answers,
        timezone=settings.practice.timezone,
    )
    others = [each.name for each in preview.content.rejections if each.name]
    return people.resolve(rows, taken_over, others)
