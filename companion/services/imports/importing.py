"""Importing: an export goes into the book, whole or not at all.

`preview` reads the file (see `reading`), and works out what would change; `apply` does it in one
transaction of the book. Between the two the book may change, so `apply` works the plan out again
from the rows it was shown. Reading and planning run in a thread: the event loop never waits for
50,000 rows.

What the file leaves open stands in the preview's `questions`; with an open one nothing is applied.
The answers are given to `preview`, and kept with the source when the import is applied: they are
not asked for again. A held plan (see `plan`) changes nothing until `yes`. Names of practitioners
nobody answers to become new ones, unless an answer or `assignments` says whom they mean; such a
name is kept as an alias. A mapping given once is kept under its source's name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from companion.domain.appointments import Practitioner
from companion.domain.settings import Settings, SourceSettings
from companion.services.imports.cells import read_line
from companion.services.imports.layout_choice import (
    UnknownLayout,
    Wish,
    choose,
    source_name,
)
from companion.services.imports.layouts.software import Software
from companion.services.imports.naming import Naming
from companion.services.imports.people import NewName, People, people_of
from companion.services.imports.plan import ImportPlan, ImportTarget, PreviewRow, plan_import
from companion.services.imports.previews import (
    BY_ID,
    BY_KEY,
    ImportPreview,
    ImportReport,
    RejectedRow,
)
from companion.services.imports.questions import Answers, Question, open_questions, with_guesses
from companion.services.imports.reading.asking import NEW, Asking
from companion.services.imports.reading.reader import Setting
from companion.services.ports import (
    Activity,
    ActivityLog,
    AppointmentBook,
    Clock,
    ImportRecord,
    SettingsStore,
)
from companion.services.settings.practitioners import Practitioners
from companion.services.workbooks import Sheet, Workbook, WorkbookReader

__all__ = [
    "BY_ID",
    "BY_KEY",
    "DocumentReader",
    "ImportPreview",
    "ImportReport",
    "Importing",
    "NewName",
    "PreviewRow",
    "RejectedRow",
    "UnknownLayout",
]

DocumentReader = Callable[[bytes, datetime], Sequence[Sheet]]
"""A file that holds no table (a calendar, FHIR) as sheets, given its bytes and the present
moment. Runs in a thread. Raises FileRefused."""


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
        documents: Mapping[str, DocumentReader] | None = None,
        own_layouts: Callable[[], Sequence[Software]] = tuple,
    ) -> None:
        """`documents`: by the kind of `Workbook` that has no tables. `own_layouts`: of the
        practice, read anew for each file."""
        self._book = book
        self._settings = settings
        self._practitioners = practitioners
        self._reader = reader
        self._activity = activity
        self._clock = clock
        self._documents = documents or {}
        self._own_layouts = own_layouts
        self._turn = asyncio.Lock()

    async def preview(
        self,
        path: Path,
        *,
        source: str | None = None,
        mapping: str | None = None,
        snapshot: bool | None = None,
        file_name: str = "",
        answers: Answers | None = None,
        guesses: bool = False,
    ) -> ImportPreview:
        """What importing this file would do; changes nothing.

        `source`: None for the layout's own name. `mapping`: TOML text. `snapshot`: None for what
        the mapping or the source's settings say. `answers` to questions of an earlier preview;
        those kept with the source count too. `guesses`: take the program's own guess for every
        other question. Raises FileRefused, BadInput (UnknownLayout among it)."""
        wish = Wish(
            source=None if source is None else source_name(source),
            mapping=mapping,
            answers=answers or {},
            guesses=guesses,
        )
        workbook = await self._workbook(path)
        settings = self._settings.read()
        now = self._clock.now()
        people = tuple(each.practitioner for each in settings.practitioners.values())
        setting = Setting(
            timezone=settings.practice.timezone,
            today=now.astimezone(ZoneInfo(settings.practice.timezone)).date(),
            people=people,
            software=self._own_layouts(),
        )
        met = [each.source for each in await self._book.imports(1_000)]
        chosen = await asyncio.to_thread(choose, workbook, wish, setting, settings, met)
        reading, content = chosen.reading, chosen.reading.content
        kept = settings.sources.get(chosen.source)
        said = (snapshot, reading.layout.snapshot, kept.snapshot if kept else None)
        empty = ImportPreview(
            source=chosen.source,
            file_name=read_line(file_name or path.name, 200),
            layout=reading.layout.name,
            snapshot=next((each for each in said if each is not None), False),
            added=0,
            changed=0,
            removed=0,
            unchanged=0,
            rejected=tuple(
                RejectedRow(row=each.row, reason=each.reason) for each in content.rejections
            ),
            new_names=(),
            held="",
            samples=(),
            matched_by=BY_ID if content.has_ids or not content.drafts else BY_KEY,
            content=content,
            columns=reading.layout,
            reading=reading,
            answers=chosen.answers,
            guesses=guesses,
            notes=tuple(workbook.notes),
        )
        return await self.reconsider(empty)

    async def reconsider(
        self, preview: ImportPreview, assignments: Mapping[str, str | None] | None = None
    ) -> ImportPreview:
        """The same file against the book as it now is, with names given to known people."""
        settings = self._settings.read()
        answers = _with_assignments(preview, assignments)
        people, asking = _people(preview, settings, answers)
        if preview.guesses:
            answers = with_guesses(asking.asked.values(), answers)
            people, asking = _people(preview, settings, answers)
        target = await self._target(preview, settings, people)
        plan = await asyncio.to_thread(plan_import, preview.content, target)
        return replace(
            preview,
            added=len(plan.new),
            changed=len(plan.altered),
            removed=len(plan.remove),
            unchanged=plan.unchanged,
            new_names=people.new_names,
            held=plan.held,
            samples=plan.samples,
            answers=answers,
            questions=(*preview.reading.questions, *asking.asked.values()),
        )

    async def apply(
        self,
        preview: ImportPreview,
        *,
        assignments: Mapping[str, str | None] | None = None,
        yes: bool = False,
        cause: str = "import",
    ) -> ImportReport:
        """`assignments`: new name to a known practitioner's id, or None to create; a name that
        is missing is created, unless it is near a known one: then it must be answered. `yes`
        releases a held import, not its open questions. Raises NotFound, StoreError, Busy."""
        async with self._turn:
            settings = self._settings.read()
            answers = _with_assignments(preview, assignments)
            people, asking = _people(preview, settings, answers)
            target = await self._target(preview, settings, people)
            plan = await asyncio.to_thread(plan_import, preview.content, target)
            asked = (*preview.reading.questions, *asking.asked.values())
            unanswered = open_questions(asked, answers)
            if unanswered or (plan.held and not yes):
                why = _why_open(len(unanswered)) if unanswered else plan.held
                await self._say(preview, plan, cause, why_held=why)
                return _report(preview, plan, held=why, questions=unanswered)
            created = await self._settle_names(preview, people)
            if created:
                people, _ = _people(preview, self._settings.read(), answers)
                target = await self._target(preview, self._settings.read(), people)
                plan = await asyncio.to_thread(plan_import, preview.content, target)
            now = self._clock.now()
            if not plan.touches_nothing:
                change = await asyncio.to_thread(plan.book_change, target)
                await self._book.apply(change, now)
            await self._keep(preview, {each.key: answers[each.key] for each in asked})
            await self._book.record_import(
                ImportRecord(
                    source=preview.source,
                    at=now,
                    file_name=preview.file_name,
                    added=len(plan.new),
                    changed=len(plan.altered),
                    removed=len(plan.remove),
                    unchanged=plan.unchanged,
                    rejected=len(preview.rejected),
                )
            )
            await self._say(preview, plan, cause)
            return _report(preview, plan, created=created)

    async def _workbook(self, path: Path) -> Workbook:
        workbook = await self._reader.read(path)
        document = self._documents.get(workbook.kind)
        if document is None:
            return workbook
        sheets = await asyncio.to_thread(document, workbook.content, self._clock.now())
        return replace(workbook, sheets=sheets, content=b"")

    # ── sources ───────────────────────────────────────────────────────────────────────────────

    async def _keep(self, preview: ImportPreview, answers: Answers) -> None:
        """The mapping and the answers, with the source they are for."""
        layout, reading = preview.columns, preview.reading
        kept = self._settings.read().sources.get(preview.source)
        before = kept or SourceSettings(name=preview.source)
        after = replace(
            before,
            mapping=layout.mapping or before.mapping,
            snapshot=before.snapshot if layout.snapshot is None else layout.snapshot,
            answers={**before.answers, **answers},
            columns={each.field: each.heading for each in reading.columns} or before.columns,
            statuses={**before.statuses, **{each.word: each.means for each in reading.statuses}},
        )
        if after == before:
            return

        def edit(settings: Settings) -> Settings:
            now = settings.sources.get(preview.source) or SourceSettings(name=preview.source)
            return settings.with_source(
                replace(after, folder=now.folder, leave_files=now.leave_files)
            )

        await self._settings.change(edit)

    # ── names ─────────────────────────────────────────────────────────────────────────────────

    async def _settle_names(
        self, preview: ImportPreview, people: People
    ) -> tuple[Practitioner, ...]:
        """Create those whom accepted rows name anew, and keep other spellings as aliases."""
        created: dict[str, Practitioner] = {}
        for name in dict.fromkeys(draft.name for draft in preview.content.drafts):
            naming = _naming(preview, self._settings.read())
            if naming.find(name) is not None:
                continue
            person = people.by_name[name]
            if not person.id and person.name not in created:
                created[person.name] = await self._practitioners.add(person.name)
            known = person if person.id else created[person.name]
            if _naming(preview, self._settings.read()).find(name) is None:
                record = self._settings.read().practitioners[known.id].practitioner
                aliases = (*record.aliases, naming.target(name))
                await self._practitioners.edit(known.id, aliases=aliases)
        return tuple(created.values())

    # ── plan and report ───────────────────────────────────────────────────────────────────────

    async def _target(
        self, preview: ImportPreview, settings: Settings, people: People
    ) -> ImportTarget:
        return ImportTarget(
            source=preview.source,
            snapshot=preview.snapshot,
            known=await self._book.source_rows(preview.source),
            people=people.by_name,
            everyone={key: each.practitioner for key, each in settings.practitioners.items()},
            timezone=settings.practice.timezone,
            now=self._clock.now(),
        )

    async def _say(
        self, preview: ImportPreview, plan: ImportPlan, cause: str, *, why_held: str = ""
    ) -> None:
        counts = (
            f"{len(plan.new)} added, {len(plan.altered)} changed, {len(plan.remove)} removed, "
            f"{plan.unchanged} unchanged, {len(preview.rejected)} rejected"
        )
        text = f"Import from {preview.source}: {counts}."
        if why_held:
            text = f"Import from {preview.source} waits for a person: {why_held}"
        line = Activity(
            at=self._clock.now(),
            practitioner_id="",
            cause=cause,
            kind="held" if why_held else "import",
            text=text,
            count=len(plan.new) + len(plan.altered) + len(plan.remove),
        )
        await self._activity.add([line])


def _why_open(number: int) -> str:
    return (
        "The file leaves one question open."
        if number == 1
        else f"The file leaves {number} questions open."
    )


def _report(
    preview: ImportPreview,
    plan: ImportPlan,
    *,
    held: str = "",
    created: tuple[Practitioner, ...] = (),
    questions: tuple[Question, ...] = (),
) -> ImportReport:
    return ImportReport(
        source=preview.source,
        added=len(plan.new),
        changed=len(plan.altered),
        removed=len(plan.remove),
        unchanged=plan.unchanged,
        cancelled=sum(each.appointment.cancelled for each in preview.content.drafts),
        rejected=preview.rejected,
        held=bool(held),
        why_held=held,
        created=created,
        matched_by=preview.matched_by,
        questions=questions,
    )


def _naming(preview: ImportPreview, settings: Settings) -> Naming:
    everyone = (each.practitioner for each in settings.practitioners.values())
    return Naming(everyone, preview.columns.practitioners)


def _with_assignments(
    preview: ImportPreview, assignments: Mapping[str, str | None] | None
) -> Answers:
    """The preview's answers, and whom a person chose for a name (None: somebody new)."""
    chosen = {f"practitioner:{name}": each or NEW for name, each in (assignments or {}).items()}
    return {**preview.answers, **chosen}


def _people(
    preview: ImportPreview, settings: Settings, answers: Answers
) -> tuple[People, Asking]:
    counts: dict[str, int] = {}
    for draft in preview.content.drafts:
        counts[draft.name] = counts.get(draft.name, 0) + 1
    for each in preview.content.rejections:
        if each.name:
            counts.setdefault(each.name, 0)
    asking = Asking(answers)
    return people_of(counts, _naming(preview, settings), settings, asking), asking
