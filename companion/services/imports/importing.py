"""Importing: an export goes into the book, whole or not at all.

`preview` reads the file (see `reading`; a mapping, given now or kept from last time, decides), and
works out what would change; `apply` does it in one transaction of the book, with a
record of what it replaced. Between the two the book may change, so `apply` works the plan out
again from the rows it was shown. Reading and planning run in a thread: the event loop never waits
for 50,000 rows.

With open questions (see `questions`) nothing is applied, and a held plan (see `plan`) changes
nothing until `yes`, which also takes the program's guess for each question. Names nobody answers
to become new practitioners, unless an answer says whom they mean; such a name is kept as an
alias. Mapping, answers and headings are kept under the source's name when the import is applied.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

from companion.domain.settings import Settings
from companion.services.access.policy import Action
from companion.services.access.rules import allows
from companion.services.activity import note
from companion.services.imports.cells import read_line
from companion.services.imports.comparison import BookComparison
from companion.services.imports.layout_choice import (
    Chosen,
    UnknownLayout,
    Wish,
    choose,
    source_name,
)
from companion.services.imports.layouts.software import Software
from companion.services.imports.memory import SourceMemory, answers_to_keep
from companion.services.imports.people import FilePractitioners, settles_people
from companion.services.imports.plan import ImportPlan, PreviewRow
from companion.services.imports.previews import (
    BY_ID,
    BY_KEY,
    WHOLE_WITHOUT_IDS,
    ImportPreview,
    ImportReport,
    NewName,
    RejectedRow,
    headings_of,
    rejected_rows,
)
from companion.services.imports.questions import Answers, open_questions, with_guesses
from companion.services.imports.reading.asking import NEW
from companion.services.imports.reading.results import Setting
from companion.services.imports.reports import FOR_AN_ADMINISTRATOR, report_of, why_waiting
from companion.services.imports.shape import shape_questions
from companion.services.pools import IMPORTS
from companion.services.ports import (
    ActivityKind,
    ActivityLog,
    AppointmentBook,
    Clock,
    ImportRecord,
    SettingsStore,
)
from companion.services.settings.practitioners import Practitioners
from companion.services.workbooks import Workbook, WorkbookReader

__all__ = [
    "BY_ID",
    "BY_KEY",
    "ImportPreview",
    "ImportReport",
    "Importing",
    "NewName",
    "PreviewRow",
    "RejectedRow",
    "UnknownLayout",
]


class Importing:
    def __init__(
        self,
        *,
        book: AppointmentBook,
        settings: SettingsStore,
        practitioners: Practitioners,
        reader: WorkbookReader,
        activity: ActivityLog,
        clock: Clock,
        own_layouts: Callable[[], Sequence[Software]] = tuple,
    ) -> None:
        """`own_layouts`: of the practice, read anew for each file."""
        self._book = book
        self._settings = settings
        self._memory = SourceMemory(settings=settings, practitioners=practitioners)
        self._reader = reader
        self._activity = activity
        self._clock = clock
        self._own_layouts = own_layouts
        self._comparing = BookComparison(book=book, settings=settings, clock=clock)
        self._turn = asyncio.Lock()

    @allows(Action.IMPORT)
    async def preview(
        self,
        path: Path,
        *,
        source: str | None = None,
        mapping: str | None = None,
        snapshot: bool | None = None,
        file_name: str = "",
        answers: Answers | None = None,
        on_stage: Callable[[str, float], None] | None = None,
    ) -> ImportPreview:
        """What importing this file would do; changes nothing. `on_stage`: told in a few
        words what is being done, and the share of the file read so far (0 to 1).

        `source`: None for the layout's own name. `mapping`: TOML text. `snapshot`: None for what
        the mapping or the source's settings say. `answers`: to questions, beside those kept with
        the source. Raises FileRefused, BadInput (UnknownLayout among it)."""
        wish = Wish(
            source=None if source is None else source_name(source),
            mapping=mapping,
            answers=answers or {},
        )
        say = on_stage or (lambda _words, _share: None)
        say("Opening the file", 0.0)
        workbook = await self._reader.read(
            path, progress=lambda share: say("Opening the file", share)
        )
        settings = self._settings.read()
        say("Reading its rows", 1.0)
        chosen = await self._chosen(workbook, wish, settings)
        notes = (*workbook.notes, *chosen.reading.notes)
        del workbook  # 50,000 rows that nobody needs any more
        layout, content = chosen.reading.layout, chosen.reading.content
        kept = settings.sources.get(chosen.source)
        said = (snapshot, layout.snapshot, kept.snapshot if kept else None)
        whole = next((each for each in said if each is not None), None)
        nameless = bool(content.drafts) and not content.has_ids
        before = kept.columns if kept and content.drafts and not layout.mapping else {}
        headings = chosen.reading.headings
        preview = ImportPreview(
            source=chosen.source,
            file_name=read_line(file_name or path.name, 200),
            layout=layout.name,
            snapshot=nameless if whole is None else whole,
            matched_by=BY_KEY if nameless else BY_ID,
            content=content,
            columns=layout,
            reading=chosen.reading,
            notes=notes,
            answers=chosen.answers,
            why_whole=WHOLE_WITHOUT_IDS if whole is None and nameless else "",
            shape=shape_questions(before, headings_of(layout), headings, len(content.drafts)),
        )
        say("Comparing it with the book", 1.0)
        return await self.reconsider(preview)

    async def _chosen(self, workbook: Workbook, wish: Wish, settings: Settings) -> Chosen:
        timezone = settings.practice.timezone
        setting = Setting(
            timezone=timezone,
            today=self._clock.now().astimezone(ZoneInfo(timezone)).date(),
            people=tuple(each.practitioner for each in settings.practitioners.values()),
            software=self._own_layouts(),
        )
        met = [each.source for each in await self._book.imports(1_000)]
        return await IMPORTS.run(choose, workbook, wish, setting, settings, met)

    @allows(Action.IMPORT)
    async def reconsider(
        self,
        preview: ImportPreview,
        assignments: Mapping[str, str | None] | None = None,
        answers: Answers | None = None,
    ) -> ImportPreview:
        """The same file against the book as it now is, with more answers about people and
        appointments: what the rows themselves leave open needs a new preview."""
        given = {**preview.answers, **_as_answers(assignments), **(answers or {})}
        found = await self._comparing.compare(preview, given)
        plan = found.plan
        return replace(
            preview,
            added=len(plan.new),
            changed=len(plan.altered),
            removed=len(plan.remove),
            unchanged=plan.unchanged,
            cancelled=plan.cancelled,
            older=plan.older,
            kept=plan.kept,
            rejected=rejected_rows(preview.content, plan),
            new_names=_new_names(found.people, self._settings.read()),
            creates=tuple(each.person.name for each in found.people.new),
            settles_people=settles_people(found.people),
            held=plan.held,
            samples=plan.samples,
            questions=found.questions,
            answers=given,
            comparison=found,
        )

    @allows(Action.IMPORT, further={"people_too": Action.PRACTITIONERS})
    async def apply(
        self,
        preview: ImportPreview,
        *,
        assignments: Mapping[str, str | None] | None = None,
        answers: Answers | None = None,
        yes: bool = False,
        release: bool = False,
        cause: str = "import",
        people_too: bool = True,
    ) -> ImportReport:
        """`assignments`: new name to a known practitioner's id, or None to create. `release` lets
        a held import go; `yes` does so too, and takes the guess for every open question. Without
        `people_too` an import that would add practitioners or aliases waits, and its answers are
        kept with the source. Raises NotFound, BadInput, StoreError, Busy, ChangedMeanwhile."""
        given = {**preview.answers, **_as_answers(assignments), **(answers or {})}
        async with self._turn:
            found = await self._comparing.compare(preview, given, known=preview.comparison)
            guessed = with_guesses(found.questions, given) if yes else given
            if guessed != given:
                given = guessed
                found = await self._comparing.compare(preview, given)
            waiting = open_questions(found.questions, given)
            why = why_waiting(waiting) or ("" if yes or release else found.plan.held)
            if not why and not people_too and settles_people(found.people):
                await self._memory.keep_answers(preview, answers_to_keep(found.questions, given))
                why = FOR_AN_ADMINISTRATOR
            if why:
                await self._say(preview, found.plan, cause, held=why)
                return report_of(preview, found.plan, held=why, questions=waiting)
            created = await self._memory.create(found.people)
            now = self._clock.now()
            memory = await self._memory.remember(
                preview, found.people, answers_to_keep(found.questions, given), created
            )
            plan = found.plan
            record = ImportRecord(
                source=preview.source,
                at=now,
                by=cause,
                file_name=preview.file_name,
                added=len(plan.new),
                changed=len(plan.altered),
                removed=len(plan.remove),
                unchanged=plan.unchanged,
                rejected=len(preview.content.rejections) + len(plan.rejected),
                cancelled=plan.cancelled,
                older=plan.older,
                kept=sum(each.count for each in plan.kept),
                memory=memory,
            )
            await self._book.apply(replace(plan.book_change(), imported=record), now)
            await self._say(preview, plan, cause)
            return report_of(preview, plan, created=created)

    # ── words ─────────────────────────────────────────────────────────────────────────────────

    async def _say(
        self, preview: ImportPreview, plan: ImportPlan, cause: str, *, held: str = ""
    ) -> None:
        rejected = len(preview.content.rejections) + len(plan.rejected)
        added, changed, removed = map(len, (plan.new, plan.altered, plan.remove))
        counts = [f"{added} added, {changed} changed, {removed} removed"]
        counts[0] += f", {plan.unchanged} unchanged, {rejected} rejected"
        if plan.older:
            counts.append(f"{plan.older} older than the book's left alone")
        counts += [f"{each.count} not removed ({each.why})" for each in plan.kept]
        text = f"Import from {preview.source}: {'; '.join(counts)}."
        if held:
            text = f"Import from {preview.source} waits for a person: {held}"
        kind = ActivityKind.HELD if held else ActivityKind.IMPORT
        count = added + changed + removed
        await note(self._activity, self._clock, kind, text, cause=cause, count=count)


def _as_answers(assignments: Mapping[str, str | None] | None) -> dict[str, str]:
    return {f"practitioner:{name}": each or NEW for name, each in (assignments or {}).items()}


def _new_names(people: FilePractitioners, settings: Settings) -> tuple[NewName, ...]:
    found = []
    for each in people.unknown:
        near = next((it for it in each.near if it.id in settings.practitioners), None)
        found.append(
            NewName(
                name=each.name,
                rows=each.rows,
                suggestion=near.id if near else None,
                suggestion_name=near.name if near else "",
            )
        )
    return tuple(found)
