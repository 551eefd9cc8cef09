"""Values: what holds for a whole file, told from all its rows.

Each function takes the layout as far as it is known, and gives it back with one thing more: the
order of dates, the units of lengths and times, what status words mean, zones, cells that name
several people. What stays open is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from companion.domain.errors import BadInput
from companion.services.imports.cells import CellError, folded, read_line
from companion.services.imports.clock_times import TimeUnit
from companion.services.imports.layouts import Layout
from companion.services.imports.lengths import LengthUnit, plain_number, read_length
from companion.services.imports.questions import AnswerChoice, Question
from companion.services.imports.reading.asking import (
    BOOKED,
    CANCELLED,
    AskedQuestions,
    plain_choices,
)
from companion.services.imports.reading.date_order import OrderProof, own_order, prove_order
from companion.services.imports.reading.grid import SHEET, Grid
from companion.services.imports.reading.kinds import SAMPLE
from companion.services.imports.reading.names import person_key, split_at_commas, split_people
from companion.services.imports.reading.statuses import StatusWord, meaning_of

if TYPE_CHECKING:
    from companion.services.imports.layouts.software import Software
    from companion.services.imports.reading.columns import Column
    from companion.services.imports.reading.results import Setting


# ── ids ───────────────────────────────────────────────────────────────────────────────────────


def refuse_spoilt_ids(layout: Layout, columns: Sequence[Column]) -> None:
    """Ids that a spreadsheet has rounded to 2.02611E+13 mean several appointments each."""
    at = layout.columns.get("id")
    if at is None or not columns[at].profile.scientific:
        return
    example = next((each for each in columns[at].values if "E+" in str(each).upper()), "")
    raise BadInput(
        f"The appointment ids in “{columns[at].heading.text}” were shortened by a spreadsheet"
        + (f", such as {read_line(example, 20)}" if example else "")
        + ": they no longer tell appointments apart.",
        "Export the file again and import it without opening and saving it in a spreadsheet.",
        field="id",
    )


# ── dates ─────────────────────────────────────────────────────────────────────────────────────

_OF_START = ("start", "date", "end", "end_date")
_OTHERS = ("created", "updated")


def with_date_order(
    layout: Layout,
    grid: Grid,
    columns: Sequence[Column],
    setting: Setting,
    asking: AskedQuestions,
    software: Software | None,
) -> tuple[Layout, OrderProof]:
    given = asking.answer("date_order")
    if layout.order_given and given is None:
        return layout, OrderProof(order=layout.date_order, proved_by="the mapping says so")
    own = own_order(setting.timezone)
    proof = prove_order(
        _date_cells(layout, columns, grid),
        own,
        setting.today,
        software.date_order if software else None,
    )
    if proof.order is None:
        return replace(layout, date_order=own), proof
    question = Question(
        key="date_order",
        about=f"dates such as {proof.example or 'those of this file'}",
        text="Are the dates of this file written day first or month first?",
        choices=(
            AnswerChoice(value="dmy", label="Day before month"),
            AnswerChoice(value="mdy", label="Month before day"),
            AnswerChoice(value="ymd", label="Year first"),
        ),
        guess=proof.order.value,
        count=proof.count,
        example=proof.example,
    )
    if proof.asked or given is not None:
        chosen = asking.settle(question) if proof.asked else given or proof.order.value
        order = type(own)(chosen.casefold())
        proof = replace(proof, order=order, asked=proof.asked and given is None)
        if given is not None:
            proof = replace(proof, proved_by="the answer says so")
    return replace(layout, date_order=proof.order or own), proof


def _date_cells(
    layout: Layout, columns: Sequence[Column], grid: Grid
) -> Iterable[tuple[int, object, bool]]:
    """Every different cell of a date, once; with its row where it is needed for the proof."""
    for name in (*_OF_START, *_OTHERS):
        at = layout.columns.get(name)
        if at is None:
            continue
        rows: dict[object, int] = {}
        for row in grid.rows:
            if at < len(row.cells):
                cell = row.cells[at]
                if cell.__class__ is str:
                    rows.setdefault(cell, row.number)
        yield from ((number, cell, name in _OF_START) for cell, number in rows.items())
    for at in layout.cancelling:
        yield from ((0, cell, False) for cell in columns[at].values)


# ── units ─────────────────────────────────────────────────────────────────────────────────────

SHORTEST, LONGEST = 5, 600
"""Minutes between which most appointments last."""


def with_units(layout: Layout, columns: Sequence[Column], asking: AskedQuestions) -> Layout:
    at = layout.columns.get("time")
    if at is not None:
        layout = replace(layout, time_unit=_time_unit(columns[at].values))
    at = layout.columns.get("length")
    if at is None or {"end", "end_time"} & layout.columns.keys():
        return layout
    numbers = {
        each: count for each, count in columns[at].values.items() if _number(each) is not None
    }
    given = asking.answer("length_unit")
    if given is not None:
        return replace(layout, length_unit=LengthUnit(given.casefold()))
    seconds = layout.time_unit is TimeUnit.SECONDS
    unit = layout.length_unit
    if not numbers or not _implausible(numbers, unit, seconds=seconds):
        return layout
    guess = next(
        (each for each in LengthUnit if not _implausible(numbers, each, seconds=False)), unit
    )
    example = read_line(next(iter(numbers)), 20)
    chosen = asking.settle(
        Question(
            key="length_unit",
            about=f"lengths such as {example}",
            text=f"Are the lengths under “{columns[at].heading.text}” minutes, hours or seconds?",
            choices=plain_choices(*LengthUnit),
            guess=guess.value,
            count=sum(numbers.values()),
            example=example,
        )
    )
    return replace(layout, length_unit=LengthUnit(chosen))


def _number(cell: object) -> float | None:
    if isinstance(cell, bool):
        return None
    if isinstance(cell, int | float):
        return float(cell)
    return plain_number(read_line(cell)) if isinstance(cell, str) else None


def _implausible(numbers: Mapping[object, int], unit: LengthUnit, *, seconds: bool) -> bool:
    """Would most rows last under five minutes, or over ten hours?"""
    odd = 0
    for cell, count in numbers.items():
        try:
            minutes = read_length(cell, unit=unit, seconds=seconds) / timedelta(minutes=1)
        except CellError:
            minutes = 0
        odd += count * (not SHORTEST <= minutes <= LONGEST)
    return odd * 2 > sum(numbers.values())


def _time_unit(cells: Mapping[object, int]) -> TimeUnit:
    """What whole numbers mean in a column of times of day."""
    whole = [number for cell in cells if (number := _whole(cell)) is not None]
    if len(whole) * 2 <= len(cells) or all(_is_clock(each) for each in whole):
        return TimeUnit.CLOCK
    if 240 <= max(whole) < 1_440:
        return TimeUnit.MINUTES
    return TimeUnit.SECONDS if max(whole) < 86_400 else TimeUnit.CLOCK


def _whole(cell: object) -> int | None:
    """A whole number; "09.00" is a time of day, not nine."""
    if isinstance(cell, str):
        plain = read_line(cell)
        return int(plain) if plain.isdecimal() and len(plain) < 10 else None
    number = _number(cell)
    return int(number) if number is not None and number.is_integer() and number >= 0 else None


def _is_clock(number: int) -> bool:
    """Can it be hours and minutes, as in 930?"""
    return number % 100 < 60 and number < 2_400


def with_asked_length(layout: Layout, rows: int, asking: AskedQuestions) -> Layout:
    answer = asking.settle(
        Question(
            key="length",
            about="appointments without end or length",
            text="The file says neither when appointments end nor how long they take. "
            "How many minutes does one take?",
            choices=(),
            guess="30",
            count=rows,
        )
    )
    try:
        length = read_length(answer)
    except CellError as error:
        raise BadInput(
            f"“{answer}” is no length in minutes.", "Answer with a number.", field="length"
        ) from error
    return replace(layout, fallbacks=replace(layout.fallbacks, length=length))


# ── status words ──────────────────────────────────────────────────────────────────────────────


def with_statuses(
    layout: Layout,
    columns: Sequence[Column],
    kept: Mapping[str, str],
    asking: AskedQuestions,
    software: Software | None,
) -> tuple[Layout, tuple[StatusWord, ...]]:
    counts: Counter[str] = Counter()
    shown: dict[str, str] = {}
    under: dict[str, str] = {}
    said = layout.status_columns
    layout, found, listed = _cancelled_sheets(layout, columns)
    for at in said:
        for cell, count in columns[at].values.items():
            word = folded(cell)
            counts[word] += count
            shown.setdefault(word, read_line(cell, 60))
            under.setdefault(word, columns[at].heading.text)
    for word, count in counts.items():
        means, asked = _meaning(word, layout, kept, software, under[word])
        name = f"the status “{shown[word]}”"
        if word in _YES | _NO:
            name = f"“{shown[word]}” under “{under[word]}”"
        question = Question(
            key=f"status:{shown[word]}",
            about=name,
            text=f"Do appointments with {name} take place?",
            choices=(
                AnswerChoice(value=BOOKED, label="Yes, they are booked"),
                AnswerChoice(value=CANCELLED, label="No, they are cancelled"),
            ),
            guess=means,
            count=count,
            example=shown[word],
        )
        given = asking.answer(question.key)
        if asked or given is not None:
            means = asking.settle(question) if asked else (given or means).casefold()
            asked = given is None
        found[word] = means
        listed.append(StatusWord(word=shown[word], count=count, means=means, asked=asked))
    return replace(layout, statuses=found), tuple(listed)


_YES = frozenset({"yes", "y", "true"})
_NO = frozenset({"no", "n", "false"})


def _meaning(
    word: str, layout: Layout, kept: Mapping[str, str], software: Software | None, heading: str
) -> tuple[str, bool]:
    """What it means, and whether to ask: a person's word counts before the software's own."""
    if layout.words.cancelled is not None and word in layout.words.cancelled:
        return CANCELLED, False
    if word in layout.words.booked or word in layout.words.show_as:
        return BOOKED, False
    if software is not None and word in software.cancelled:
        return CANCELLED, False
    if word in kept:
        return kept[word], False
    if word in _YES:
        return BOOKED, False
    if word in _NO:  # not yet arrived, or not confirmed, is no cancellation
        return CANCELLED if "active" in heading.casefold() else BOOKED, True
    means, sure = meaning_of(word)
    return means, not sure


def _cancelled_sheets(
    layout: Layout, columns: Sequence[Column]
) -> tuple[Layout, dict[str, str], list[StatusWord]]:
    """Rows of a sheet that is called "Cancelled" are."""
    found: dict[str, str] = {}
    listed = []
    for column in columns:
        if column.heading.text != SHEET:
            continue
        for cell, count in column.values.items():
            means, sure = meaning_of(folded(cell))
            if means == CANCELLED and sure:
                found[folded(cell)] = means
                word = read_line(cell, 60)
                listed.append(StatusWord(word=word, count=count, means=means, asked=False))
        if found:
            layout = replace(layout, status_columns=(*layout.status_columns, column.at))
    return layout, found, listed


# ── people ────────────────────────────────────────────────────────────────────────────────────


def with_people(layout: Layout, columns: Sequence[Column], known: Collection[str]) -> Layout:
    """Cells that name several practitioners."""
    at = layout.columns.get("practitioner")
    if at is None or len(columns[at].values) > 40 * SAMPLE:
        return layout
    cells = [read_line(each, 200) for each in columns[at].values]
    parts = {each: split_people(each) for each in cells}
    met = {
        *known,
        *(person_key(name) for names in parts.values() for name in names if "," not in name),
    }
    several = {}
    for cell, names in parts.items():
        each = tuple(part for name in names for part in split_at_commas(name, met))
        if len(each) > 1:
            several[cell] = tuple(dict.fromkeys(each))
    return replace(layout, several=several)
