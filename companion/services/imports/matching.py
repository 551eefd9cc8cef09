"""Matching: which appointment of the book each appointment of a file is.

1. By id. Rows that share an id are parts of it (``ID#`` and twelve hex digits), told apart by
   practitioner, start and client; parts of a joint session are found again when it moves, because
   each practitioner has one.
2. By practitioner, start and client, where the source's files had no ids so far, or have none now:
   the id of such an appointment is made of just these.
3. The same appointment under another id, of this source or of another one: practitioner, start
   and client agree (or the title of the one names the client of the other); or practitioner,
   client and the id, apart from zeros before it. That is asked about (``same:SOURCE``), because
   two appointments may look like one.

An appointment that takes place is never taken for a cancelled one, except by id: somebody may
have booked the free time again. Each appointment of the book is matched once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from companion.domain.appointments import Appointment, fold_name
from companion.services.imports.placing import Placed, client_key, digest, plain_what, what_of
from companion.services.ports import SourceRow

KEY = "key-"
"""What natural keys begin with (see `drafts.natural_key`)."""
_PART = re.compile(r"(.*)#[0-9a-f]{12}", re.DOTALL)


@dataclass(slots=True)
class Match:
    placed: Placed
    row: SourceRow | None = None
    """What the book has of it; None for a new appointment."""
    source_id: str = ""
    """Under which it is to be kept."""
    same: bool = False
    """Found under another id: nobody has said yet that it is the same."""


def match_all(
    placed: Iterable[Placed], known: Mapping[str, SourceRow], others: Sequence[SourceRow]
) -> list[Match]:
    """In the order of `placed`. `known`: all of this source, by source id; `others`: of other
    sources, about these days."""
    return _Matcher(known, others).matches([Match(placed=each) for each in placed])


def base_of(source_id: str) -> str:
    """The file's own id of a part."""
    found = _PART.fullmatch(source_id)
    return found[1] if found else source_id


class _Matcher:
    def __init__(self, known: Mapping[str, SourceRow], others: Sequence[SourceRow]) -> None:
        self._known = known
        self._free = dict(known)
        """Not matched yet."""
        self._others = others
        self._parts: dict[str, list[SourceRow]] = {}
        for key, row in known.items():
            if "#" in key and (base := base_of(key)) != key:
                self._parts.setdefault(base, []).append(row)

    def matches(self, found: list[Match]) -> list[Match]:
        by_id: dict[str, list[Match]] = {}
        for each in found:
            by_id.setdefault(_own_id(each), []).append(each)
        for own, several in by_id.items():
            if len(several) == 1 and own not in self._parts:
                several[0].source_id = own
                self._take(several[0], self._free.get(own))
            else:
                self._match_parts(own, several)
        left = [each for each in found if each.row is None]
        if left:
            self._match_by_place(left)
        return found

    def _take(self, match: Match, row: SourceRow | None) -> None:
        if row is not None:
            match.row = row
            match.source_id = row.source_id
            self._free.pop(row.source_id, None)

    # ── parts of one id ───────────────────────────────────────────────────────────────────────

    def _match_parts(self, own: str, several: list[Match]) -> None:
        rows = [*self._parts.get(own, ())]
        rows += [self._known[own]] if own in self._known else []
        everybody = (
            [each.placed.person.id for each in several],
            [row.practitioner_id for row in rows],
        )
        joint = all(len(ids) == len(set(ids)) for ids in everybody)
        rules = [_same_place_and_client, _same_place, *([_same_person] if joint else [])]
        for exact in rules:
            for each in several:
                if each.row is None:
                    free = (row for row in rows if row.source_id in self._free)
                    self._take(each, next((row for row in free if exact(each, row)), None))
        taken = {each.source_id for each in several if each.row is not None}
        for each in several:
            if each.row is None:
                each.source_id = self._new_part(own, each, taken, alone=len(several) == 1)
                taken.add(each.source_id)

    def _new_part(self, own: str, match: Match, taken: set[str], *, alone: bool) -> str:
        if alone and not self._parts.get(own) and own not in self._known:
            return own
        it = match.placed.appointment
        parts = (match.placed.person.id, it.start.isoformat(), client_key(it))
        number, wanted = 1, f"{own}#{digest(*parts)}"
        while wanted in taken or wanted in self._known:
            number += 1
            wanted = f"{own}#{digest(*parts, str(number))}"
        return wanted

    # ── under another id ──────────────────────────────────────────────────────────────────────

    def _match_by_place(self, left: list[Match]) -> None:
        places: dict[tuple[str, datetime], list[SourceRow]] = {}
        for row in (*self._free.values(), *self._others):
            places.setdefault((row.practitioner_id, row.start), []).append(row)
        used: set[str] = set()
        for each in left:
            it = each.placed.appointment
            there = [
                row
                for row in places.get((it.practitioner_id, it.start), ())
                if row.appointment_id not in used and agree(it, row)
            ]
            if there:
                self._found(each, min(there, key=lambda row: _distance(it, row)), used)
        ids: dict[str, list[SourceRow]] = {}
        for row in (*self._free.values(), *self._others):
            if row.source_id and not row.source_id.startswith(KEY):
                ids.setdefault(_squeezed(row.source_id), []).append(row)
        for each in left:
            it = each.placed.appointment
            if each.row is None and it.source_id and it.source_id == each.source_id:
                rows = ids.get(_squeezed(it.source_id), ())
                moved = (
                    row
                    for row in rows
                    if row.appointment_id not in used
                    and row.practitioner_id == it.practitioner_id
                    and _comes_next(it, row)
                    and _same_client(it, row)
                )
                for row in moved:
                    self._found(each, row, used)
                    break

    def _found(self, match: Match, row: SourceRow, used: set[str]) -> None:
        used.add(row.appointment_id)
        match.row = row
        if row.source_id not in self._free or row.source != match.placed.appointment.source:
            match.same = True
            return
        del self._free[row.source_id]
        nameless = not match.placed.appointment.source_id
        if row.source_id.startswith(KEY):
            match.source_id = row.source_id if nameless else match.source_id
        else:
            match.same = True


def agree(appointment: Appointment, row: SourceRow) -> bool:
    """Of one practitioner and start: may it be the same appointment?"""
    if not _comes_next(appointment, row):
        return False
    named, known = (each.client_id or each.client_name for each in (appointment, row))
    if named and known:
        return _same_client(appointment, row)
    if appointment.end != row.end:
        return False
    what = plain_what(row.what)
    if named or known:  # a calendar has the client in its title
        name, title = (
            (appointment.client_name, what) if named else (row.client_name, what_of(appointment))
        )
        return bool(name) and set(_words(name)) <= set(_words(title))
    return what_of(appointment) == what


def _comes_next(appointment: Appointment, row: SourceRow) -> bool:
    return appointment.cancelled or not row.cancelled


def _same_client(appointment: Appointment, row: SourceRow) -> bool:
    """Ids are one source's own: between sources names count more."""
    ids = bool(appointment.client_id) and appointment.client_id == row.client_id
    if ids and appointment.source == row.source:
        return True
    if appointment.client_name and row.client_name:
        return _words(appointment.client_name) == _words(row.client_name)
    return ids


def _words(name: str) -> list[str]:
    return sorted(re.findall(r"\w+", fold_name(name)))


def _distance(appointment: Appointment, row: SourceRow) -> tuple[object, ...]:
    return (
        row.source != appointment.source,
        row.cancelled != appointment.cancelled,
        row.end != appointment.end,
        plain_what(row.what) != what_of(appointment),
        row.source_id,
    )


def _own_id(match: Match) -> str:
    return match.placed.appointment.source_id or match.placed.key


def _squeezed(own: str) -> str:
    """An id without the zeros before it, which a spreadsheet takes away."""
    return own.lstrip("0") if own.isdecimal() else own


def _same_place_and_client(match: Match, row: SourceRow) -> bool:
    return _same_place(match, row) and _same_client(match.placed.appointment, row)


def _same_place(match: Match, row: SourceRow) -> bool:
    return _same_person(match, row) and row.start == match.placed.appointment.start


def _same_person(match: Match, row: SourceRow) -> bool:
    return row.practitioner_id == match.placed.person.id
