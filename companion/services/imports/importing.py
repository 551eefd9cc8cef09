"""Importing: an export goes into the book, whole or not at all.

`preview` reads the file, recognises its layout (or takes a mapping: given now, or kept from last
time), and works out what would change; `apply` does it in one transaction of the book. Between
the two the book may change, so `apply` works the plan out again from the rows it was shown.
Reading and planning run in a thread: the event loop never waits for 50,000 rows.

A held plan (see `plan`) changes nothing until `yes`. Names nobody answers to become new
practitioners, unless `assignments` says whom they mean; such a name is kept as an alias. A
mapping given once is kept under its source's name when the import is applied.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from companion.domain.appointments import Practitioner, fold_name
from companion.domain.errors import NotFound
from companion.domain.settings import Settings, SourceSettings
from companion.services.access.policy import Action
from companion.services.access.rules import allows
from companion.services.activity import note
from companion.services.imports.cells import read_line
from companion.services.imports.file_reading import read_drafts
from companion.services.imports.layout_choice import UnknownLayout, choose_layout, source_name
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
from companion.services.ports import (
    ActivityKind,
    ActivityLog,
    AppointmentBook,
    Clock,
    ImportRecord,
    SettingsStore,
    TableReader,
)
from companion.services.settings.practitioners import Practitioners

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
        reader: TableReader,
        activity: ActivityLog,
        clock: Clock,
    ) -> None:
        self._book = book
        self._settings = settings
        self._practitioners = practitioners
        self._reader = reader
        self._activity = activity
        self._clock = clock
        self._turn = asyncio.Lock()

    @allows(Action.IMPORT)
    async def history(self, limit: int) -> list[ImportRecord]:
        """The latest imports, newest first."""
        return await self._book.imports(limit)

    @allows(Action.IMPORT)
    async def preview(
        self,
        path: Path,
        *,
        source: str | None = None,
        mapping: str | None = None,
        snapshot: bool | None = None,
        file_name: str = "",
    ) -> ImportPreview:
        """What importing this file would do; changes nothing.

        `source`: None for the layout's own name. `mapping`: TOML text. `snapshot`: None for what
        the mapping or the source's settings say. Raises FileRefused, BadInput."""
        wanted = None if source is None else source_name(source)
        table = await self._reader.read(path)
        settings = self._settings.read()
        met = [each.source for each in await self._book.imports(1_000)]
        layout = choose_layout(table.headers, settings.sources, wanted, mapping, met)
        name = wanted or source_name(layout.source)
        kept = settings.sources.get(name)
        whole = next(
            (each for each in (snapshot, layout.snapshot) if each is not None),
            kept.snapshot if kept else False,
        )
        content = await asyncio.to_thread(read_drafts, table, layout)
        empty = ImportPreview(
            source=name,
            file_name=read_line(file_name or path.name, 200),
            layout=layout.name,
            snapshot=whole,
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
        )
        return await self.reconsider(empty)

    @allows(Action.IMPORT)
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

    @allows(Action.IMPORT)
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
            if plan.held and not yes:
                await self._say(preview, plan, cause, kind=ActivityKind.HELD)
                return _report(preview, plan, held=plan.held)
            created = await self._settle_names(preview, target.people)
            if any(not target.people[draft.name].id for draft in preview.content.drafts):
                target = await self._target(preview, self._settings.read(), {})
                plan = await asyncio.to_thread(plan_import, preview.content, target)
            now = self._clock.now()
            await self._keep_mapping(preview)
            change = await asyncio.to_thread(plan.book_change, target)
            await self._book.apply(replace(change, imported=_record(preview, plan, now)), now)
            await self._say(preview, plan, cause, kind=ActivityKind.IMPORT)
            return _report(preview, plan, created=created)

    # ── sources ───────────────────────────────────────────────────────────────────────────────

    async def _keep_mapping(self, preview: ImportPreview) -> None:
        layout = preview.columns
        kept = self._settings.read().sources.get(preview.source)
        if not layout.mapping or (kept and kept.mapping == layout.mapping):
            return

        def edit(settings: Settings) -> Settings:
            before = settings.sources.get(preview.source) or SourceSettings(name=preview.source)
            snapshot = before.snapshot if layout.snapshot is None else layout.snapshot
            return settings.with_source(replace(before, mapping=layout.mapping, snapshot=snapshot))

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
            hold_share=settings.practice.import_hold_share,
        )

    async def _say(
        self, preview: ImportPreview, plan: ImportPlan, cause: str, *, kind: ActivityKind
    ) -> None:
        counts = (
            f"{len(plan.new)} added, {len(plan.altered)} changed, {len(plan.remove)} removed, "
            f"{plan.unchanged} unchanged, {len(preview.rejected)} rejected"
        )
        if kind is ActivityKind.HELD:
            text = f"Import from {preview.source} waits for a person: {plan.held}"
        else:
            text = f"Import from {preview.source}: {counts}."
        count = len(plan.new) + len(plan.altered) + len(plan.remove)
        await note(self._activity, self._clock, kind, text, cause=cause, count=count)


def _record(preview: ImportPreview, plan: ImportPlan, now: datetime) -> ImportRecord:
    return ImportRecord(
        source=preview.source,
        at=now,
        file_name=preview.file_name,
        added=len(plan.new),
        changed=len(plan.altered),
        removed=len(plan.remove),
        unchanged=plan.unchanged,
        rejected=len(preview.rejected),
    )


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
