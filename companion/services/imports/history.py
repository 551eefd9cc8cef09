"""History: the imports so far, undoing one, and removing all that a source brought.

Each import keeps how it found the appointments that it wrote (see `AppointmentBook.replaced`).
Undoing puts them back in one change of the book: what was added goes, what was changed or removed
is as it was. An appointment that somebody has changed since stays as it is now and is counted.
With the newest import of a source go its answers, so that they are asked anew, and so do new
practitioners whom nobody has begun to use. Removing a source's appointments is kept as an import
of nothing, so it can be undone likewise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from companion.domain.appointments import Appointment
from companion.domain.errors import BadInput, NotFound
from companion.domain.settings import Settings
from companion.services.access.policy import Action
from companion.services.access.rules import allows
from companion.services.activity import note
from companion.services.imports.plan import counted
from companion.services.ports import (
    ActivityKind,
    ActivityLog,
    AppointmentBook,
    BookChange,
    Clock,
    FeedStore,
    ImportRecord,
    Replaced,
    SettingsStore,
    Undoing,
)
from companion.services.settings.practitioners import Practitioners

MOST = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoPreview:
    """What undoing an import would do, or has done."""

    record: ImportRecord
    takes_out: int
    """Added appointments that go."""
    puts_back: int
    """Changed ones that are as they were."""
    restores: int
    """Removed ones that come back."""
    left: int
    """Changed by somebody since, or of a practitioner who is gone: they stay as they are."""
    later: tuple[Appointment | None, ...] = ()
    """Of those left: how this import found them; None for ones it added."""

    @property
    def sentence(self) -> str:
        """What it does, in one sentence; no names."""
        parts = [
            f"takes out {counted(self.takes_out)}" if self.takes_out else "",
            f"puts back {counted(self.puts_back)} as before" if self.puts_back else "",
            f"brings back {counted(self.restores)}" if self.restores else "",
        ]
        done = ", ".join(each for each in parts if each) or "changes nothing"
        left = f"; {counted(self.left)} changed since stay as they are" if self.left else ""
        return f"Undoing it {done}{left}."


class ImportHistory:
    def __init__(
        self,
        *,
        book: AppointmentBook,
        settings: SettingsStore,
        practitioners: Practitioners,
        feeds: FeedStore,
        activity: ActivityLog,
        clock: Clock,
    ) -> None:
        self._book = book
        self._settings = settings
        self._practitioners = practitioners
        self._feeds = feeds
        self._activity = activity
        self._clock = clock

    @allows(Action.IMPORT)
    async def recent(self, limit: int = 20, source: str = "") -> list[ImportRecord]:
        """Newest first; of one source, or of all."""
        found = await self._book.imports(MOST if source else limit)
        return [each for each in found if source in {"", each.source}][:limit]

    @allows(Action.IMPORT)
    async def look_at(self, import_id: int) -> UndoPreview:
        """What undoing would do. Raises NotFound, and BadInput where it cannot be undone."""
        return (await self._undoing(import_id))[0]

    @allows(Action.IMPORT, further={"people_too": Action.PRACTITIONERS})
    async def undo(self, import_id: int, *, by: str, people_too: bool = True) -> UndoPreview:
        """Without `people_too` practitioners and aliases that it brought stay. Raises NotFound,
        BadInput, ChangedMeanwhile, StoreError, Busy."""
        preview, change = await self._undoing(import_id)
        now = self._clock.now()
        undoing = Undoing(import_id=import_id, by=by)
        await self._book.apply(replace(change, undoes=undoing), now)
        await self._forget(preview.record, people_too=people_too)
        await self._say(by, preview)
        return preview

    @allows(Action.IMPORT)
    async def brought_by(self, source: str) -> int:
        """How many appointments of this source the book holds."""
        return len(await self._book.source_rows(source))

    @allows(Action.PRACTICE)
    async def remove_source(self, source: str, *, by: str) -> int:
        """Take every appointment of this source out of the book; how many went."""
        rows = await self._book.source_rows(source)
        if not rows:
            return 0
        now = self._clock.now()
        record = ImportRecord(source=source, at=now, by=by, file_name="", removed=len(rows))
        remove = [each.appointment_id for each in rows.values()]
        await self._book.apply(BookChange(remove=remove, imported=record), now)
        text = f"All {counted(len(rows))} of {source} were removed from the book."
        kind = ActivityKind.IMPORT
        await note(self._activity, self._clock, kind, text, cause=by, count=len(rows))
        return len(rows)

    # ── undoing ───────────────────────────────────────────────────────────────────────────────

    async def _undoing(self, import_id: int) -> tuple[UndoPreview, BookChange]:
        record = await self._record(import_id)
        replaced = await self._book.replaced(import_id)
        taken = await self._numbers_taken(replaced)
        people = self._settings.read().practitioners
        back: list[Replaced] = []
        left: list[Replaced] = []
        for each in replaced:
            gone = each.before is not None and each.before.practitioner_id not in people
            stays = each.now != each.revision or gone or _number(each) in taken
            (left if stays else back).append(each)
        change = BookChange(
            put=[each.before for each in back if each.before is not None],
            remove=[each.appointment_id for each in back if each.before is None],
            expect={each.appointment_id: each.revision for each in back},
        )
        restores = sum(each.before is not None and each.revision == 0 for each in back)
        preview = UndoPreview(
            record=record,
            takes_out=len(change.remove),
            puts_back=len(change.put) - restores,
            restores=restores,
            left=len(left),
            later=tuple(each.before for each in left),
        )
        return preview, change

    async def _record(self, import_id: int) -> ImportRecord:
        for each in await self._book.imports(MOST):
            if each.id == import_id:
                break
        else:
            raise NotFound("There is no such import.", "Look at the list of imports again.")
        if each.undone_at is not None:
            raise BadInput(
                "This import has been undone already.",
                "Import its file again, where its appointments are wanted after all.",
                field="import",
            )
        if not each.can_undo:
            raise BadInput(
                "This import changed nothing, or is too long ago to be undone.",
                "Import a newer file, or remove the source's appointments.",
                field="import",
            )
        return each

    async def _numbers_taken(self, replaced: Sequence[Replaced]) -> set[tuple[str, str]]:
        """Source and number of what another appointment is by now."""
        ours = {each.appointment_id for each in replaced}
        sources = {each.before.source for each in replaced if each.before is not None}
        return {
            (source, number)
            for source in sources
            for number, row in (await self._book.source_rows(source)).items()
            if number and row.appointment_id not in ours
        }

    async def _forget(self, record: ImportRecord, *, people_too: bool) -> None:
        """Answers, headings, aliases and people that this import brought."""
        newest = (await self.recent(1, record.source))[0].id == record.id
        memory = record.memory

        def edit(settings: Settings) -> Settings:
            source = settings.sources.get(record.source)
            if source is None or not newest:
                return settings
            answers = {k: each for k, each in source.answers.items() if k not in memory.answers}
            return settings.with_source(
                replace(source, answers=answers, columns=dict(memory.columns))
            )

        await self._settings.change(edit)
        if not people_too:
            return
        for key, names in memory.aliases.items():
            known = self._settings.read().practitioners.get(key)
            if known is not None:
                rest = [each for each in known.practitioner.aliases if each not in names]
                await self._practitioners.edit(key, aliases=rest)
        for key in memory.created:
            if await self._is_unused(key):
                await self._practitioners.remove(key)

    async def _is_unused(self, practitioner_id: str) -> bool:
        known = self._settings.read().practitioners.get(practitioner_id)
        if known is None or known.google.connected or known.google.login:
            return False
        if known.choices.enabled or known.setup or known.practitioner.email:
            return False
        if await self._feeds.links(practitioner_id):
            return False
        return await self._book.count(practitioner_id) == 0

    async def _say(self, by: str, preview: UndoPreview) -> None:
        counts = (
            f"{preview.takes_out} taken out, {preview.puts_back} as before, "
            f"{preview.restores} brought back, {preview.left} left because they were changed since"
        )
        count = preview.takes_out + preview.puts_back + preview.restores
        text = f"Import from {preview.record.source} undone: {counts}."
        kind = ActivityKind.UNDO
        await note(self._activity, self._clock, kind, text, cause=by, count=count)


def _number(replaced: Replaced) -> tuple[str, str] | None:
    it = replaced.before
    return (it.source, it.source_id) if it is not None else None
