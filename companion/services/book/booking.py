"""Booking: the edits of the Appointment Book screen.

Every edit names the revision of the appointment it was decided on; where the book holds another by
then, nothing is written and the person is told (ChangedMeanwhile). An edit answers an `Edit`, which
knows how things were before: `undo` puts that back in the same way, so that it cannot overwrite a
later edit. Imported appointments are read-only here: the next import would undo the change.

An occurrence is named by its key: the appointment's id, and for a series its original start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from companion.domain.appointments import (
    Appointment,
    AppointmentKind,
    AppointmentStatus,
    Occurrence,
    occurrences,
)
from companion.domain.errors import BadInput, ChangedMeanwhile
from companion.domain.repetition import starts
from companion.services.access.policy import Action
from companion.services.access.rules import allows
from companion.services.book.drafts import AppointmentDraft, appointment_of, checked, draft_of
from companion.services.book.occurrences import find, key_of, no_such, owner_of, split_key
from companion.services.book.series import (
    Scope,
    cancel_occurrence,
    edit_occurrence,
    restore_occurrence,
)
from companion.services.ports import AppointmentBook, BookChange, Clock, SettingsStore

OWN = "book"
"""The source of what was entered here."""
MOST_COPIES = 100
_LOOKED_AT = 12
"""Occurrences of a series looked at for conflicts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """One occurrence as the dialog shows it."""

    key: str
    occurrence: Occurrence
    draft: AppointmentDraft
    revision: int
    """To be named by an edit."""
    cancelled: bool

    @property
    def appointment(self) -> Appointment:
        return self.occurrence.appointment

    @property
    def imported(self) -> bool:
        return self.appointment.source != OWN

    @property
    def in_series(self) -> bool:
        return self.appointment.recurrence is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Something that was done, and can be undone."""

    what: str
    """For the undo button: ``Move``, ``New appointment`` …; no client's name."""
    key: str
    """Of the occurrence to show afterwards; empty when it is gone."""
    before: Mapping[str, Appointment | None]
    """By id; None for what was not there."""
    after: Mapping[str, int]
    """By id, the revision the edit led to; 0 for what is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Another appointment of the same practitioner at the same time: shown, never forbidden."""

    start: datetime
    end: datetime
    all_day: bool
    what: str
    """Client or title, as the book shows it."""


class Booking:
    def __init__(
        self,
        *,
        book: AppointmentBook,
        settings: SettingsStore,
        clock: Clock,
        identity: Callable[[], str],
    ) -> None:
        """`identity` makes ids for new appointments."""
        self._book = book
        self._settings = settings
        self._clock = clock
        self._identity = identity

    # ── looking ───────────────────────────────────────────────────────────────────────────────

    async def _owner(self, key: str) -> str | None:
        return await owner_of(self._book, key)

    @allows(Action.SEE_BOOK, of="key", owner=_owner)
    async def open(self, key: str) -> Opened:
        """Raises NotFound for what is not in the book any more."""
        appointment_id, original = split_key(key)
        appointment = await self._book.appointment(appointment_id)
        if appointment is None:
            raise no_such()
        found = find(appointment, original)
        return Opened(
            key=found.occurrence.key,
            occurrence=found.occurrence,
            draft=draft_of(found.occurrence, cancelled=found.cancelled),
            revision=appointment.revision,
            cancelled=found.cancelled,
        )

    @allows(Action.EDIT_BOOK)
    async def conflicts(
        self, draft: AppointmentDraft, *, apart_from: str = ""
    ) -> tuple[Conflict, ...]:
        """Booked appointments that overlap the draft, soonest first; of a series its next dozen
        occurrences are looked at. `apart_from` is the id of the appointment being edited."""
        length = draft.end - draft.start
        if (
            length <= timedelta(0)
            or draft.practitioner_id not in self._settings.read().practitioners
        ):
            return ()
        spans = [(draft.start, draft.end)]
        if draft.rule:
            begins = islice(starts(draft.rule, draft.start), _LOOKED_AT)
            spans = [(each, each + length) for each in begins] or spans
        theirs = await self._book.appointments(draft.practitioner_id, spans[0][0], spans[-1][1])
        found = {
            (occurrence.start, occurrence.key): occurrence
            for appointment in theirs
            if appointment.id != apart_from
            for first, last in spans
            for occurrence in occurrences(appointment, first, last)
        }
        return tuple(_conflict(each) for _, each in sorted(found.items()))

    # ── editing ───────────────────────────────────────────────────────────────────────────────

    @allows(Action.EDIT_BOOK)
    async def create(self, draft: AppointmentDraft, *, user: str, also: Sequence[str] = ()) -> Edit:
        """A meeting may be for other practitioners `also`: each gets an appointment of their own,
        all of them or none. Raises BadInput naming the field of Draft."""
        if also and draft.kind is not AppointmentKind.MEETING:
            raise BadInput("Only a meeting is for several.", "Choose Meeting.", field="kind")
        settings = self._settings.read()
        everyone = dict.fromkeys([draft.practitioner_id, *also])
        made = [
            self._made(checked(replace(draft, practitioner_id=each), settings), user)
            for each in everyone
        ]
        return await self._write("New appointment", key_of(made[0]), made, ())

    @allows(Action.EDIT_BOOK)
    async def edit(
        self, key: str, draft: AppointmentDraft, *, seen: int, scope: Scope = Scope.THIS
    ) -> Edit:
        """Make the occurrence, or with `scope` its series, what `draft` says."""
        return await self._edit(await self._editable(key, seen), draft, scope)

    async def _edit(self, opened: Opened, draft: AppointmentDraft, scope: Scope) -> Edit:
        settings = self._settings.read()
        was = opened.appointment
        if was.recurrence is None:
            tidy = checked(draft, settings)
            edited = appointment_of(tidy, settings, like=was, identity=self._identity)
            return await self._write("Change", key_of(edited), [edited], (was,))
        same_rule = scope is Scope.THIS or draft.rule == was.recurrence.rule
        # Checked without its rule: the occurrence stays on its own day.
        tidy = checked(replace(draft, rule="") if same_rule else draft, settings)
        edited = appointment_of(tidy, settings, like=was, identity=self._identity)
        if same_rule:
            edited = replace(edited, recurrence=was.recurrence)
        made = edit_occurrence(opened.occurrence, edited, scope, self._identity)
        if scope is Scope.THIS and made.beside is None:
            shows = opened.key
        else:
            shows = key_of(made.beside or made.series)
        put = [made.series, *([made.beside] if made.beside else [])]
        return await self._write("Change", shows, put, (was,))

    @allows(Action.EDIT_BOOK)
    async def move(
        self,
        key: str,
        *,
        start: datetime,
        end: datetime,
        practitioner_id: str,
        all_day: bool | None = None,
        seen: int,
        scope: Scope = Scope.THIS,
    ) -> Edit:
        """Another time, another length or another practitioner."""
        opened = await self._editable(key, seen)
        draft = opened.draft
        moved = replace(
            draft,
            start=start,
            end=end,
            practitioner_id=practitioner_id,
            all_day=draft.all_day if all_day is None else all_day,
        )
        edit = await self._edit(opened, moved, scope)
        same_place = (practitioner_id, start) == (draft.practitioner_id, draft.start)
        return replace(edit, what="Change of length" if same_place else "Move")

    @allows(Action.EDIT_BOOK)
    async def cancel(self, key: str, *, seen: int, scope: Scope = Scope.THIS) -> Edit:
        """It stays in the book, struck through; it is removed from Google and feeds."""
        opened = await self._editable(key, seen)
        if opened.in_series:
            gone = cancel_occurrence(opened.occurrence, scope)
        else:
            gone = replace(opened.appointment, status=AppointmentStatus.CANCELLED)
        return await self._write("Cancel", opened.key, [gone], (opened.appointment,))

    @allows(Action.EDIT_BOOK)
    async def restore(self, key: str, *, seen: int) -> Edit:
        """Take a cancellation back."""
        opened = await self._editable(key, seen)
        was = opened.appointment
        if opened.in_series and not was.cancelled:
            back = restore_occurrence(opened.occurrence)
        else:
            back = replace(was, status=AppointmentStatus.BOOKED)
        return await self._write("Restore", opened.key, [back], (was,))

    @allows(Action.EDIT_BOOK)
    async def copy(
        self, key: str, *, to: Sequence[datetime], practitioner_id: str = "", user: str
    ) -> Edit:
        """Independent appointments of our own book, one at each start of `to`; of imported ones
        too. They may double-book."""
        if not 1 <= len(to) <= MOST_COPIES:
            raise BadInput(f"Make 1 to {MOST_COPIES} copies.", field="copies")
        opened = await self.open(key)
        length = opened.draft.end - opened.draft.start
        settings = self._settings.read()
        plain = replace(
            opened.draft,
            rule="",
            cancelled=False,
            practitioner_id=practitioner_id or opened.draft.practitioner_id,
        )
        made = [
            self._made(checked(replace(plain, start=each, end=each + length), settings), user)
            for each in to
        ]
        return await self._write("Copy", key_of(made[0]), made, ())

    @allows(Action.EDIT_BOOK)
    async def undo(self, edit: Edit) -> Edit:
        """Put back what was before; raises ChangedMeanwhile where any of it was edited since."""
        present = {key: await self._book.appointment(key) for key in edit.before}
        put = [each for each in edit.before.values() if each is not None]
        gone = [key for key, each in edit.before.items() if each is None]
        try:
            change = BookChange(put=put, remove=gone, expect=edit.after)
            await self._book.apply(change, self._clock.now())
        except ChangedMeanwhile as error:
            raise ChangedMeanwhile(
                "This cannot be undone any more: it has been changed since.",
                "Change it by hand if it is still wrong.",
            ) from error
        shows = key_of(put[0]) if put else ""
        after = await self._revisions(edit.before)
        return Edit(what=f"Undo: {edit.what}", key=shows, before=present, after=after)

    # ── writing ───────────────────────────────────────────────────────────────────────────────

    def _made(self, draft: AppointmentDraft, user: str) -> Appointment:
        made = appointment_of(draft, self._settings.read(), like=None, identity=self._identity)
        return replace(made, source=OWN, created=self._clock.now(), created_by=user)

    async def _editable(self, key: str, seen: int) -> Opened:
        opened = await self.open(key)
        if opened.imported:
            raise read_only(opened.appointment)
        if opened.revision != seen:
            raise ChangedMeanwhile
        return opened

    async def _write(
        self,
        what: str,
        key: str,
        put: Sequence[Appointment],
        was: Sequence[Appointment],
    ) -> Edit:
        """`was`: those among `put` that are in the book already, as they were seen."""
        seen = {each.id: each for each in was}
        before = {each.id: seen.get(each.id) for each in put}
        expect = {key: each.revision if each else 0 for key, each in before.items()}
        await self._book.apply(BookChange(put=put, expect=expect), self._clock.now())
        # Not read again: a later edit may be there by then, and undo would overwrite it.
        after = {key: revision + 1 for key, revision in expect.items()}
        return Edit(what=what, key=key, before=before, after=after)

    async def _revisions(self, ids: Iterable[str]) -> dict[str, int]:
        found = {key: await self._book.appointment(key) for key in ids}
        return {key: each.revision if each else 0 for key, each in found.items()}


def read_only(appointment: Appointment) -> BadInput:
    """Why an imported appointment cannot be edited here, and where it can."""
    return BadInput(
        f'This appointment was imported from "{appointment.source}"; the next import would undo a '
        "change made here.",
        "Change it in the practice software and import again. A copy of it can be edited here.",
    )


def _conflict(occurrence: Occurrence) -> Conflict:
    each = occurrence.appointment
    return Conflict(
        start=occurrence.start,
        end=occurrence.end,
        all_day=each.all_day,
        what=each.client_name
        or occurrence.title
        or each.appointment_type
        or each.kind.capitalize(),
    )
