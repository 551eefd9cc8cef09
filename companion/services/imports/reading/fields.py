"""Fields: which column of a grid is taken for which field.

Each column has the meanings of its heading (or of the layout that claims the file) and a profile
of its values; a field takes the column whose heading says it best among those whose values agree.
"Start" beside "Date" is a time; "Appointment Date" with times of day is the start; a range in one
cell needs no end. Two columns that serve a field equally well, and differ, are a question; so is a
field that only the values suggest.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from companion.services.imports.cells import read_line
from companion.services.imports.layouts import FIELDS
from companion.services.imports.layouts.software import Software
from companion.services.imports.questions import AnswerChoice, Question
from companion.services.imports.reading.asking import NONE, AskedQuestions, plain_choices
from companion.services.imports.reading.columns import (
    CLOCK,
    DAY,
    MOMENT,
    OF_LAYOUT,
    Assignment,
    Column,
    meanings_of,
)
from companion.services.imports.reading.grid import SECTION, SHEET
from companion.services.imports.reading.headings import SURE, squeezed
from companion.services.imports.reading.kinds import fits
from companion.services.imports.reading.names import person_key

_NONE_OF_THEM = AnswerChoice(value=NONE, label="None of them")
_PLAIN_FIELDS = (
    "id", "client_id", "client_first_name", "client_last_name", "client_name", "kind", "type",
    "meeting_type", "title", "all_day", "location", "visit_address", "telehealth_link", "show_as",
    "recurring", "reason", "notes", "reminder", "created", "created_by", "updated", "timezone",
    "practitioner_first_name", "practitioner_last_name",
)  # fmt: skip
_NEEDS_KNOWN_WORDS = frozenset(
    {"state", "flag", "result", "outcome", "progress", "recordstatus", "confirmation"}
)


def assign(
    columns: Sequence[Column],
    asking: AskedQuestions,
    *,
    software: Software | None = None,
    people: Collection[str] = (),
    rows: int = 0,
) -> Assignment:
    """`people`: person keys of the known practitioners. Raises BadInput for a wrong answer."""
    for column in columns:
        column.meanings = meanings_of(column, software)
        column.ignored = (
            column.heading.ignored if not column.meanings else "ignore" in column.meanings
        )
    work = _Assigning(columns, asking, people, rows)
    work.times()
    work.statuses()
    for name in _PLAIN_FIELDS:
        work.plain(name)
    work.practitioner()
    work.client()
    return work.found


class _Assigning:
    def __init__(
        self, columns: Sequence[Column], asking: AskedQuestions, people: Collection[str], rows: int
    ) -> None:
        self._columns = columns
        self._asking = asking
        self._people = people
        self._rows = rows
        self.found = Assignment()
        self._refused: set[str] = set()
        self._take_answers()

    def _take_answers(self) -> None:
        """What a person said of a column counts, whatever the values are."""
        by_heading = {squeezed(each.heading.text): each.at for each in reversed(self._columns)}
        for name in FIELDS:
            answer = self._asking.answer(f"column:{name}")
            if answer is None:
                continue
            at = by_heading.get(squeezed(answer))
            if at is None and answer.casefold() != NONE:
                continue  # of an earlier file that had such a column
            self._note(name, answer)
            if at is not None and answer.casefold() != NONE:
                self._take(name, at)
                if name == "cancelled":
                    self.found.cancelling.append(at)
                if name == "status":
                    self.found.status_columns.append(at)
            else:
                self._refused.add(name)

    def _note(self, name: str, answer: str) -> None:
        """An answer that decides is kept with the source like one that was asked for."""
        headings = [each.heading.text for each in self._columns]
        self._asking.settle(
            Question(
                key=f"column:{name}",
                about=name.replace("_", " "),
                text=f"Which column holds the field “{name}”?",
                choices=(*plain_choices(*headings), _NONE_OF_THEM),
                guess=answer,
                count=self._rows,
            )
        )

    # ── choosing ──────────────────────────────────────────────────────────────────────────────

    def _free(self, name: str) -> bool:
        return name not in self.found.columns and name not in self._refused

    def _take(self, name: str, at: int) -> None:
        self.found.columns[name] = at

    def _best(
        self, *names: str, shape: str | None = None, minimum: float = 0.3, fit: str = ""
    ) -> list[tuple[float, Column]]:
        """Columns that may serve, the best first, with their scores."""
        scored = []
        for column in self._columns:
            strength = column.strength(*names)
            if not strength or column.at in self.found.used:
                continue
            if shape is not None and column.shape != shape:
                continue
            score = strength * fits(fit or names[0], column.profile)
            if score >= minimum:
                scored.append((score, column))
        scored.sort(key=lambda entry: -entry[0])
        return scored

    def _settle(self, name: str, scored: list[tuple[float, Column]], what: str) -> Column | None:
        """The best; asked where a second is as good and says something else."""
        if not scored:
            return None
        best = scored[0][1]
        rivals = [
            each
            for score, each in scored[1:]
            if score >= scored[0][0] - 0.06 and _differ(each, best)
        ]
        if not rivals:
            return best
        return self._ask(name, [best, *rivals], best, what)

    def _ask(
        self, name: str, options: Sequence[Column], guess: Column | None, what: str
    ) -> Column | None:
        listed = [AnswerChoice(value=each.heading.text) for each in options]
        question = Question(
            key=f"column:{name}",
            about=what,
            text=f"Which column holds {what}?",
            choices=(*listed, _NONE_OF_THEM),
            guess=guess.heading.text if guess else NONE,
            count=self._rows,
            example="; ".join(f"{each.heading.text}: {_sample(each)}" for each in options[:4]),
        )
        answer = self._asking.settle(question)
        return next((each for each in options if each.heading.text == answer), None)

    # ── times ─────────────────────────────────────────────────────────────────────────────────

    def times(self) -> None:
        taken = self.found.columns
        moments = self._best("start", "date", "time", shape=MOMENT, fit="start")
        days = self._best("date", "start", shape=DAY, fit="date")
        clocks = self._best("time", "start", shape=CLOCK, fit="time")
        if self._free("start") and "date" not in taken:
            whole = moments[0][0] if moments else 0.0
            parts = min(days[0][0], clocks[0][0]) if days and clocks else 0.0
            if whole and whole >= parts - 0.1 and not (whole < 1 <= parts):
                start = self._settle("start", moments, "the start of the appointment")
                if start is not None:
                    self._take("start", start.at)
        if "start" not in taken:
            self._date_and_time(days, clocks, moments)
        self._end()

    def _date_and_time(
        self,
        days: list[tuple[float, Column]],
        clocks: list[tuple[float, Column]],
        moments: list[tuple[float, Column]],
    ) -> None:
        if self._free("date"):
            date = self._settle("date", days or moments, "the date of the appointment")
            date = date or self._suggested("date", {DAY, MOMENT}, "the date of the appointment")
            if date is not None:
                both = date.shape == MOMENT and not clocks
                self._take("start" if both else "date", date.at)
        if "date" in self.found.columns and self._free("time"):
            clocks = [each for each in clocks if each[1].at not in self.found.used]
            time = self._settle("time", clocks, "the time of day")
            if time is None and not self._best("all_day"):
                time = self._suggested("time", {CLOCK}, "the time of day")
            if time is not None:
                self._take("time", time.at)
        if not {"date", "start"} & self.found.columns.keys():
            self._by_heading_alone()

    def _by_heading_alone(self) -> None:
        """Where no value can be read, the headings count: each row then says what is wrong."""
        for name, others in (("start", ()), ("date", ("time",))):
            best = max(self._columns, key=lambda each: each.strength(name), default=None)
            if best is None or best.strength(name) < SURE or not self._free(name):
                continue
            if name == "start" and best.shape == CLOCK and self._dated(best):
                continue
            self._take(name, best.at)
            for other in others:
                second = max(self._columns, key=lambda each: each.strength(other, "start"))
                if second.strength(other, "start") >= SURE and second.at != best.at:
                    self._take(other, second.at)
            return
        self.found.missing = "start"

    def _dated(self, start: Column) -> bool:
        """Does another column give the date of these times of day?"""
        return any(each.strength("date") >= SURE and each is not start for each in self._columns)

    def _suggested(self, name: str, shapes: Collection[str], what: str) -> Column | None:
        """A column that only its values suggest; always asked."""
        unlikely = {"created", "updated", "end", "cancelled", "ignore", "cancel_reason"}
        options = [
            each
            for each in self._columns
            if each.shape in shapes
            and each.at not in self.found.used
            and not each.ignored
            and not unlikely & each.meanings.keys()
        ]
        return self._ask(name, options, options[0], what) if options else None

    def _end(self) -> None:
        names = ("end", "end_date", "end_time")
        ends = [each for each in self._best(*names, fit="end") if not _all_empty(each[1])]
        for name, shape in (("end", MOMENT), ("end_date", DAY), ("end_time", CLOCK)):
            if not self._free(name):
                continue
            fitting = [each for each in ends if each[1].shape == shape]
            fitting = [each for each in fitting if each[1].at not in self.found.used]
            best = self._settle(name, fitting, "the end of the appointment")
            if best is not None:
                self._take(name, best.at)
        taken = self.found.columns
        if "end_date" in taken and not {"end_time", "end"} & taken.keys() and "time" not in taken:
            self._take("end", taken.pop("end_date"))
        if self._free("length"):
            needed = not {"end", "end_time"} & taken.keys()
            lengths = self._best("length", minimum=0.2)
            if needed:
                best = self._settle("length", lengths, "the length of the appointment")
            else:
                best = lengths[0][1] if lengths else None
            if best is not None:
                self._take("length", best.at)
        if not {"end", "end_time", "length"} & taken.keys() and self._free("end"):
            late = [each for each in self._columns if each.strength(*names) >= SURE]
            late = [each for each in late if each.at not in self.found.used]
            last = late[0] if late else self._suggested_end()
            if last is not None:
                self._take("end", last.at)

    def _suggested_end(self) -> Column | None:
        """Where nobody has named the start either: another column of moments may be the end."""
        if not {"column:date", "column:time"} & self._asking.asked.keys():
            return None
        timed = "time" in self.found.columns
        return self._suggested("end", {CLOCK if timed else MOMENT}, "the end of the appointment")

    # ── whether it takes place ────────────────────────────────────────────────────────────────

    def statuses(self) -> None:
        if self._free("status"):
            for _, column in self._best("status", minimum=0.3):
                strength = column.strength("status")
                general = squeezed(column.heading.text) in _NEEDS_KNOWN_WORDS or strength < 1.0
                if general and not column.profile.statuses and strength < OF_LAYOUT:
                    continue
                if _all_empty(column):
                    continue
                self.found.status_columns.append(column.at)
                self.found.columns.setdefault("status", column.at)
        if self._free("cancelled"):
            for _, column in self._best("cancelled", minimum=0.5):
                self.found.cancelling.append(column.at)
                self.found.columns.setdefault("cancelled", column.at)
        if self._free("cancelled") and "status" not in self.found.columns:
            reasons = [
                each for _, each in self._best("cancel_reason", fit="notes") if not _all_empty(each)
            ]
            if reasons:
                self.found.columns.pop("cancelled", None)
                chosen = self._ask(
                    "cancelled", reasons[:1], reasons[0], "what takes an appointment away"
                )
                if chosen is not None:
                    self.found.cancelling.append(chosen.at)
                    self._take("cancelled", chosen.at)

    # ── the rest ──────────────────────────────────────────────────────────────────────────────

    def plain(self, name: str) -> None:
        if not self._free(name):
            return
        names = ("kind", "type") if name == "kind" else (name,)
        scored = self._best(*names, fit=name, minimum=0.35 if name != "kind" else 0.5)
        if name == "kind":
            scored = [each for each in scored if each[1].profile.filled]
        if scored:
            self._take(name, scored[0][1].at)

    def practitioner(self) -> None:
        if not self._free("practitioner"):
            return
        if {"practitioner_first_name", "practitioner_last_name"} <= self.found.columns.keys():
            return
        scored = [
            each
            for each in self._best("practitioner", minimum=0.3 if self._rows else 0.1)
            if not (self._rows and _all_empty(each[1]))
        ]
        best = self._settle("practitioner", scored, "the practitioner")
        if best is None and self._free("practitioner"):
            best = self._added_column() or self._known_names() or self._likely_names()
        if best is not None:
            self._take("practitioner", best.at)

    def client(self) -> None:
        """Names under "Who" are clients where another column has the practitioners."""
        named = {"client_name", "client_first_name", "client_last_name"} & self.found.columns.keys()
        if named or not self._free("client_name") or "practitioner" not in self.found.columns:
            return
        scored = self._best("practitioner", fit="client_name")
        if scored:
            self._take("client_name", scored[0][1].at)

    def _added_column(self) -> Column | None:
        """The name of the section or the sheet, where these are people's names."""
        for column in self._columns:
            found = column.profile
            if column.heading.text in {SECTION, SHEET} and found.share(found.names) >= 0.5:
                return column
        return None

    def _known_names(self) -> Column | None:
        """A column in which most values are practitioners whom we know."""
        for column in self._columns:
            if column.at in self.found.used or not column.profile.looked_at:
                continue
            known = sum(person_key(each) in self._people for each in column.profile.texts)
            if known * 2 > len(column.profile.texts):
                return self._ask("practitioner", [column], column, "the practitioner")
        return None

    def _likely_names(self) -> Column | None:
        options = [
            each
            for each in self._columns
            if each.at not in self.found.used
            and not each.ignored
            and not {"cancel_reason", "ignore"} & each.meanings.keys()
            and each.profile.share(each.profile.names) >= 0.7
            and each.profile.unique <= 0.6
            and each.profile.filled >= 4
        ]
        return (
            self._ask("practitioner", options, options[0], "the practitioner") if options else None
        )


def _all_empty(column: Column) -> bool:
    return not column.profile.filled


def _differ(one: Column, other: Column) -> bool:
    return one.profile.texts != other.profile.texts and bool(one.profile.filled)


def _sample(column: Column) -> str:
    return read_line(next(iter(column.values), ""), 40)
