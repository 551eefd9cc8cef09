"""ImportPlan: what a file's drafts would change in the book, worked out before anything does.

Drafts are placed at their practitioners (`placing`), found in the book (`matching`) and compared
with it by hash; of a whole file, what is missing goes (`removals`). A row whose *updated* is
older than the book's is left alone.

Appointments that the book seems to have already, under another id or from another source, are
asked about: ``skip`` leaves the book's as they are, ``take_over`` makes them this source's from
now on, ``add`` enters the file's beside them. Where nobody has said, the plan skips.

A plan is held for a person when it does more than is likely: removes more than a set share of the
source's upcoming appointments, or all that it has; gives more than that to other practitioners; or
names many known ids with other clients at other times, as another site's file would. Practice
software that answers with nothing once must not empty a calendar (reference: OGCS 1201, 2137,
2215). Nothing on both sides is fine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import Literal, get_args

from companion.domain.appointments import (
    Appointment,
    AppointmentKind,
    Practitioner,
    appointment_id,
    fold_name,
)
from companion.services.imports.drafts import FileContent, Rejection
from companion.services.imports.matching import Match, match_all
from companion.services.imports.placing import place, told_apart
from companion.services.imports.questions import AnswerChoice, Question
from companion.services.imports.removals import Kept, Missing, is_upcoming, missing
from companion.services.imports.target import ImportTarget
from companion.services.ports import BookChange, SourceRow
from companion.services.rows import row_hash

HOLD_CHANGES = 3
"""Fewer appointments that change hands are a day's work."""
MOST_ROWS = 100_000
"""Rows of a preview: a person searches them all."""
SKIP, TAKE_OVER, ADD = "skip", "take_over", "add"
_OWN_BOOK = "book"
RowAction = Literal["remove", "cancel", "move", "change", "add", "kept", "older", "same"]
"""In the order in which a person reads them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewRow:
    """What happens to one appointment, as a person reads it. It names a client: for pages only."""

    row: int
    """In the file; 0 for one that the file does not name."""
    action: RowAction
    """``same``: in the book under another id or source; ``kept``: a removal that is not made."""
    practitioner: str
    client: str
    start: datetime
    """Wall time."""
    end: datetime
    all_day: bool
    kind: AppointmentKind | None
    """None for one that the file does not name: the book's index does not say."""
    what: str
    """Title or appointment type, or empty."""
    why: str = ""
    """Of ``kept`` and ``same``; of ``move``: from where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPlan:
    new: Sequence[Appointment]
    altered: Sequence[Appointment]
    remove: Sequence[SourceRow]
    unchanged: int
    """Those that are left because the book has them from elsewhere included."""
    cancelled: int
    """Of the new and altered ones: those that the file cancels."""
    older: int
    kept: tuple[Kept, ...]
    questions: tuple[Question, ...]
    """``same:SOURCE``, answered or not."""
    rejected: tuple[Rejection, ...]
    """Rows that say again what another row says."""
    held: str
    """Why it waits for a person, as one sentence; empty when it need not."""
    samples: tuple[PreviewRow, ...]

    def book_change(self) -> BookChange:
        return BookChange(
            put=[*self.new, *self.altered],
            remove=[each.appointment_id for each in self.remove],
            expect={each.id: 0 for each in self.new},
        )


def plan_import(content: FileContent, target: ImportTarget) -> ImportPlan:
    return _Planner(content, target).plan()


@dataclass(slots=True)
class _SameElsewhere:
    """Appointments of the file that the book has from one source under other ids."""

    rows: int = 0
    example: str = ""
    differing: int = 0


class _Planner:
    def __init__(self, content: FileContent, target: ImportTarget) -> None:
        self._content = content
        self._target = target
        self._new: list[Appointment] = []
        self._altered: list[Appointment] = []
        self._unchanged = self._cancelled = self._older = 0
        self._seen: set[str] = set()
        self._same: dict[str, _SameElsewhere] = {}
        self._samples: dict[str, list[PreviewRow]] = {action: [] for action in get_args(RowAction)}
        self._known_ids = {row.appointment_id for row in (*target.known.values(), *target.others)}

    def plan(self) -> ImportPlan:
        content, target = self._content, self._target
        placed = place(content.drafts, target.people, target.source)
        placed, repeated = told_apart(placed, target.answers.get("groups", ""))
        matches = match_all(placed, target.known, target.others)
        for each in matches:
            self._decide(each)
        gone = Missing()
        if target.snapshot:
            rejections = (*content.rejections, *repeated)
            gone = missing(placed, rejections, target, self._seen, stale=self._older > 0)
        for row in gone.remove[:MOST_ROWS]:
            self._samples["remove"].append(self._of_row(row, "remove"))
        for why, rows in gone.kept.items():
            for row in rows[:MOST_ROWS]:
                self._samples["kept"].append(self._of_row(row, "kept", why))
        return ImportPlan(
            new=self._new,
            altered=self._altered,
            remove=gone.remove,
            unchanged=self._unchanged,
            cancelled=self._cancelled,
            older=self._older,
            kept=(*gone.summary(), *self._left_as_they_are()),
            questions=tuple(self._question(*pair) for pair in self._same.items()),
            rejected=tuple(repeated),
            held=why_held(content, target, gone.remove, matches),
            samples=tuple(islice(chain.from_iterable(self._samples.values()), MOST_ROWS)),
        )

    # ── one appointment ───────────────────────────────────────────────────────────────────────

    def _decide(self, match: Match) -> None:
        row = match.row
        if match.same and row is not None:
            answer = self._target.answers.get(f"same:{row.source}", SKIP)
            self._note_same(match, row)
            if answer == SKIP:
                self._seen.add(row.source_id if row.source == self._target.source else "")
                self._unchanged += 1
                self._sample(match, match.placed.appointment, "same", row.source)
                return
            if answer == ADD:
                row = None
        if row is None:
            self._add(match)
        else:
            self._compare(match, row)

    def _add(self, match: Match) -> None:
        it, secret = match.placed.appointment, self._target.id_key
        key = appointment_id(it.source, match.source_id, secret)
        while key in self._known_ids:  # once its own, and taken over by another source
            key = appointment_id(it.source, f"{match.source_id}\x1f{key}", secret)
        it = it.changed(id=key, source_id=match.source_id)
        self._new.append(it)
        self._cancelled += it.cancelled
        self._sample(match, it, "cancel" if it.cancelled else "add")

    def _compare(self, match: Match, row: SourceRow) -> None:
        it = match.placed.appointment
        if row.source == it.source:
            self._seen.add(row.source_id)
        if it.updated and row.updated and it.updated < row.updated:
            self._older += 1
            self._sample(match, it, "older")
            return
        it = it.changed(id=row.appointment_id, source_id=match.source_id)
        if row_hash(it) == row.row_hash:
            self._unchanged += 1
            return
        self._altered.append(it)
        action: RowAction = "change"
        if it.cancelled and not row.cancelled:
            action = "cancel"
            self._cancelled += 1
        elif (it.start, it.practitioner_id) != (row.start, row.practitioner_id):
            action = "move"
        self._sample(match, it, action, self._moved_from(it, row) if action == "move" else "")

    def _moved_from(self, it: Appointment, row: SourceRow) -> str:
        before = f"was {row.start:%d.%m.%Y %H:%M}" if it.start != row.start else ""
        former = _name(self._target.everyone.get(row.practitioner_id))
        whose = f"was {former}'s" if it.practitioner_id != row.practitioner_id and former else ""
        return ", ".join(each for each in (before, whose) if each)

    # ── the same elsewhere ────────────────────────────────────────────────────────────────────

    def _note_same(self, match: Match, row: SourceRow) -> None:
        found = self._same.setdefault(row.source, _SameElsewhere())
        it = match.placed.appointment
        found.rows += 1
        if not found.example:
            ids = f", {row.source_id} there" if row.source == it.source else ""
            found.example = f"row {match.placed.draft.row}: {it.start:%d.%m.%Y %H:%M}{ids}"
        found.differing += (it.start, it.end, it.cancelled) != (row.start, row.end, row.cancelled)

    def _question(self, source: str, found: _SameElsewhere) -> Question:
        where = "the Appointment Book screen" if source == _OWN_BOOK else f"“{source}”"
        has, are = ("is", "Is it") if found.rows == 1 else ("are", "Are they")
        other = "under another number" if source == self._target.source else f"from {where}"
        text = (
            f"{counted(found.rows)} of this file {has} in the book already, {other}. "
            f"{are} the same?"
        )
        return Question(
            key=f"same:{source}",
            about=source,
            text=text,
            choices=(
                AnswerChoice(value=SKIP, label="The same: leave those in the book as they are"),
                AnswerChoice(value=TAKE_OVER, label="The same: keep them up to date from here"),
                AnswerChoice(value=ADD, label="Others: add them"),
            ),
            guess=SKIP,
            count=found.rows,
            example=found.example,
        )

    def _left_as_they_are(self) -> Iterable[Kept]:
        for source, found in self._same.items():
            answer = self._target.answers.get(f"same:{source}", SKIP)
            if answer == SKIP and found.differing:
                why = f"In the book from {source}, which says another time or status"
                yield Kept(why=why, count=found.differing)

    # ── samples ───────────────────────────────────────────────────────────────────────────────

    def _sample(self, match: Match, it: Appointment, action: RowAction, why: str = "") -> None:
        if len(self._samples[action]) >= MOST_ROWS:
            return
        self._samples[action].append(
            PreviewRow(
                row=match.placed.draft.row,
                action=action,
                practitioner=match.placed.person.name,
                client=it.client_name,
                start=it.start,
                end=it.end,
                all_day=it.all_day,
                kind=it.kind,
                what=it.title or it.appointment_type,
                why=why,
            )
        )

    def _of_row(self, row: SourceRow, action: RowAction, why: str = "") -> PreviewRow:
        midnights = row.start.time() == row.end.time() == datetime.min.time()
        return PreviewRow(
            row=0,
            action=action,
            practitioner=_name(self._target.everyone.get(row.practitioner_id)),
            client=row.client_name,
            start=row.start,
            end=row.end,
            all_day=midnights,
            kind=None,
            what=row.what,
            why=why,
        )


# ── holding ───────────────────────────────────────────────────────────────────────────────────


def why_held(
    content: FileContent,
    target: ImportTarget,
    remove: Sequence[SourceRow],
    matches: Sequence[Match],
) -> str:
    upcoming = {key for key, row in target.known.items() if is_upcoming(row, target)}
    return (
        _why_removals_are_held(content, target, remove, upcoming)
        or _why_another_site(matches, target)
        or _why_new_hands(matches, target, upcoming)
    )


def _why_removals_are_held(
    content: FileContent, target: ImportTarget, remove: Sequence[SourceRow], upcoming: set[str]
) -> str:
    if not remove:
        return ""
    total = len(target.known)
    if not content.drafts:
        return f"The file has no rows: it would remove all {counted(total)} of {target.source}."
    if len(remove) == total:
        return f"This file would remove all {counted(total)} of {target.source}."
    losing = sum(row.source_id in upcoming for row in remove)
    if losing > target.hold_share * len(upcoming):
        return (
            f"This file would remove {losing} of {len(upcoming)} upcoming appointments of "
            f"{target.source}."
        )
    return ""


def _why_another_site(matches: Sequence[Match], target: ImportTarget) -> str:
    """Known ids that are somebody else's at another time or place."""
    known = [each for each in matches if each.row is not None and not each.same]
    others = sum(_is_another(each) for each in known)
    if others >= HOLD_CHANGES and others > target.hold_share * len(known):
        return (
            f"{others} of {len(known)} appointments that the book knows by number are of other "
            f"clients in this file. If it comes from another site than {target.source}, name that "
            "as a source of its own."
        )
    return ""


def _is_another(match: Match) -> bool:
    it, row = match.placed.appointment, match.row
    if row is None or not (it.client_name and row.client_name):
        return False
    other_client = fold_name(it.client_name) != fold_name(row.client_name) and not (
        it.client_id and it.client_id == row.client_id
    )
    other_place = (it.practitioner_id, it.start) != (row.practitioner_id, row.start)
    return other_client and other_place


def _why_new_hands(matches: Sequence[Match], target: ImportTarget, upcoming: set[str]) -> str:
    moved = [
        each
        for each in matches
        if each.row is not None
        and not each.same
        and each.row.source_id in upcoming
        and each.row.practitioner_id != each.placed.person.id
        and each.placed.draft.name not in target.answered
    ]
    if len(moved) < HOLD_CHANGES or len(moved) <= target.hold_share * len(upcoming):
        return ""
    row, person = moved[0].row, moved[0].placed.person
    before = _name(target.everyone.get(row.practitioner_id)) if row else ""
    return (
        f"This file would give {len(moved)} of {len(upcoming)} upcoming appointments of "
        f"{target.source} to other practitioners, such as from {before or 'somebody'} to "
        f"{person.name}."
    )


def counted(number: int) -> str:
    return "1 appointment" if number == 1 else f"{number} appointments"


def _name(person: Practitioner | None) -> str:
    return person.name if person else ""
