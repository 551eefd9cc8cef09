"""Importing: an export goes into the book, whole or not at all.

`preview` reads the file (see `reading`; a mapping, given now or kept from last time, decides), and
works out what would change; `apply` does it in one transaction of the book. Between
the two the book may change, so `apply` works the plan out again from the rows it was shown.
Reading and planning run in a thread: the event loop never waits for 50,000 rows.

What the file leaves open stands in the preview's `questions`; with an open one nothing is applied.
A held plan (see `import_plan`) changes nothing until `yes`. Names nobody answers to become new
practitioners, unless `assignments` says whom they mean; such a name is kept as an alias. A
mapping given once is kept under its source's name when the import is applied.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from companion.domain.appointments import Practitioner, fold_name
from companion.domain.errors import NotFound
from companion.domain.settings import Settings, SourceSettings
from companion.services.imports.cells import read_line
from companion.services.imports.layout_choice import UnknownLayout, Wish, choose, source_name
from companion.services.imports.layouts.software import Software
from companion.services.imports.naming import Naming
from companion.services.imports.plan import ImportPlan, ImportTarget, PreviewRow, plan_import
from companion.services.imports.previews import (
    BY_ID,
    BY_KEY,
    ImportPreview,
    ImportReport,
    NewName,
    RejectedRow,
)
from companion.services.imports.questions import Answers
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
        the mapping or the source's settings say. `answers`: to questions of an earlier preview;
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
        timezone = settings.practice.timezone
        setting = Setting(
            timezone=timezone,
            today=self._clock.now().astimezone(ZoneInfo(timezone)).date(),
            people=tuple(each.practitioner for each in settings.practitioners.values()),
            software=self._own_layouts(),
        )
        met = [each.source for each in await self._book.imports(1_000)]
        chosen = await asyncio.to_thread(choose, workbook, wish, setting, settings, met)
        layout, content = chosen.reading.layout, chosen.reading.content
        kept = settings.sources.get(chosen.source)
        said = (snapshot, layout.snapshot, kept.snapshot if kept else None)
        empty = ImportPreview(
            source=chosen.source,
            file_name=read_line(file_name or path.name, 200),
            layout=layout.name,
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
            columns=layout,
            reading=chosen.reading,
            questions=content.questions,
            answers=chosen.answers,
            notes=tuple(workbook.notes),
        )
        return await self.reconsider(empty)

    async def _workbook(self, path: Path) -> Workbook:
        workbook = await self._reader.read(path)
        document = self._documents.get(workbook.kind)
        if document is None:
            return workbook
        sheets = await asyncio.to_thread(document, workbook.content, self._clock.now())
        return replace(workbook, sheets=sheets, content=b"")

    async def reconsider(
        self, preview: ImportPreview, assignments: Mapping[str, str | None] | None = None
    ) -> ImportPreview:
        """The same file against the book as it now is, with names given to known people."""
        settings = self._settings.read()
        target = await self._target(preview, settings, assignments or {})
        plan = await asyncio.to_thread(plan_import, preview.content, target)
        return replace(
            preview,
            added=len(plan.new),
            changed=len(plan.altered),
            removed=len(plan.remove),
            unchanged=plan.unchanged,
            new_names=_new_names(preview, settings),
            held=plan.held,
            samples=plan.samples,
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
        is missing is created. `yes` releases a held import. Raises NotFound, StoreError, Busy."""
        async with self._turn:
            target = await self._target(preview, self._settings.read(), assignments or {})
            plan = await asyncio.to_thread(plan_import, preview.content, target)
            if preview.open or (plan.held and not yes):
                why = _why_open(len(preview.open)) if preview.open else plan.held
                await self._say(preview, replace(plan, held=why), cause, kind="held")
                return _report(preview, plan, held=why)
            created = await self._settle_names(preview, target.people)
            if any(not target.people[draft.name].id for draft in preview.content.drafts):
                target = await self._target(preview, self._settings.read(), {})
                plan = await asyncio.to_thread(plan_import, preview.content, target)
            now = self._clock.now()
            if not plan.touches_nothing:
                change = await asyncio.to_thread(plan.book_change, target)
                await self._book.apply(change, now)
            await self._keep_mapping(preview)
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
            await self._say(preview, plan, cause, kind="import")
            return _report(preview, plan, created=created)

    # ── sources ───────────────────────────────────────────────────────────────────────────────

    async def _keep_mapping(self, preview: ImportPreview) -> None:
        """With the answers to what the file left open: they are not asked for again."""
        layout = preview.columns
        asked = {each.key: preview.answers[each.key] for each in preview.questions}

        def edit(settings: Settings) -> Settings:
            before = settings.sources.get(preview.source) or SourceSettings(name=preview.source)
            after = replace(
                before,
                mapping=layout.mapping or before.mapping,
                snapshot=before.snapshot if layout.snapshot is None else layout.snapshot,
                answers={**before.answers, **asked},
            )
            return settings.with_source(after)

        kept = self._settings.read().sources.get(preview.source)
        if not (layout.mapping or asked) or (
            kept and kept.mapping == layout.mapping and asked.items() <= kept.answers.items()
        ):
            return

        await self._settings.change(edit)

    # ── names ─────────────────────────────────────────────────────────────────────────────────

    async def _settle_names(
        self, preview: ImportPreview, people: Mapping[str, Practitioner]
    ) -> tuple[Practitioner, ...]:
        """Keep assigned names as aliases, and create those whom accepted rows name anew."""
        wanted = dict.fromkeys(draft.name for draft in preview.content.drafts)
        created: list[Practitioner] = []
        for name in wanted:
            naming = _naming(preview, self._settings.read())
            if naming.find(name) is not None:
                continue
            if people[name].id:
                aliases = (*people[name].aliases, naming.target(name))
                await self._practitioners.edit(people[name].id, aliases=aliases)
            else:
                created.append(await self._practitioners.add(naming.target(name)))
        return tuple(created)

    # ── plan and report ───────────────────────────────────────────────────────────────────────

    async def _target(
        self,
        preview: ImportPreview,
        settings: Settings,
        assignments: Mapping[str, str | None],
    ) -> ImportTarget:
        return ImportTarget(
            source=preview.source,
            snapshot=preview.snapshot,
            known=await self._book.source_rows(preview.source),
            people=_people(preview, settings, assignments),
            everyone={key: each.practitioner for key, each in settings.practitioners.items()},
            timezone=settings.practice.timezone,
            now=self._clock.now(),
        )

    async def _say(
        self, preview: ImportPreview, plan: ImportPlan, cause: str, *, kind: str
    ) -> None:
        counts = (
            f"{len(plan.new)} added, {len(plan.altered)} changed, {len(plan.remove)} removed, "
            f"{plan.unchanged} unchanged, {len(preview.rejected)} rejected"
        )
        if kind == "held":
            text = f"Import from {preview.source} waits for a person: {plan.held}"
        else:
            text = f"Import from {preview.source}: {counts}."
        line = Activity(
            at=self._clock.now(),
            practitioner_id="",
            cause=cause,
            kind=kind,
            text=text,
            count=len(plan.new) + len(plan.altered) + len(plan.remove),
        )
        await self._activity.add([line])


def _why_open(number: int) -> str:
    if number == 1:
        return "The file leaves one question open."
    return f"The file leaves {number} questions open."


def _report(
    preview: ImportPreview,
    plan: ImportPlan,
    *,
    held: str = "",
    created: tuple[Practitioner, ...] = (),
) -> ImportReport:
    return ImportReport(
        source=preview.source,
        added=len(plan.new),
        changed=len(plan.altered),
        removed=len(plan.remove),
        unchanged=plan.unchanged,
        rejected=preview.rejected,
        held=bool(held),
        why_held=held,
        created=created,
        matched_by=preview.matched_by,
    )


def _naming(preview: ImportPreview, settings: Settings) -> Naming:
    everyone = (each.practitioner for each in settings.practitioners.values())
    return Naming(everyone, preview.columns.practitioners)


def _people(
    preview: ImportPreview, settings: Settings, assignments: Mapping[str, str | None]
) -> dict[str, Practitioner]:
    """Every name of the file to its person; one without id stands for someone to be created."""
    naming = _naming(preview, settings)
    given = {fold_name(naming.target(name)): each for name, each in assignments.items()}
    names = {draft.name for draft in preview.content.drafts}
    names |= {each.name for each in preview.content.rejections if each.name}
    people: dict[str, Practitioner] = {}
    for name in names:
        assigned = given.get(fold_name(naming.target(name)))
        if assigned is not None and assigned not in settings.practitioners:
            raise NotFound("The practitioner chosen for a name does not exist any more.")
        known = settings.practitioners[assigned].practitioner if assigned else None
        people[name] = (
            naming.find(name)
            or known
            or Practitioner(id="", name=naming.target(name), timezone=settings.practice.timezone)
        )
    return people


def _new_names(preview: ImportPreview, settings: Settings) -> tuple[NewName, ...]:
    """In the order of the file; spellings that differ in case or spaces are one."""
    naming = _naming(preview, settings)
    counts: dict[str, int] = {}
    shown: dict[str, str] = {}
    unknown: dict[str, bool] = {}
    for draft in preview.content.drafts:
        if draft.name not in unknown:
            unknown[draft.name] = naming.find(draft.name) is None
        if unknown[draft.name]:
            key = fold_name(naming.target(draft.name))
            counts[key] = counts.get(key, 0) + 1
            shown.setdefault(key, draft.name)
    found = []
    for key, rows in counts.items():
        close = naming.suggestion(naming.target(shown[key]))
        found.append(
            NewName(
                name=shown[key],
                rows=rows,
                suggestion=close.id if close else None,
                suggestion_name=close.name if close else "",
            )
        )
    return tuple(found)
