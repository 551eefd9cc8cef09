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
from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from companion.domain.errors import BadInput
from companion.services.imports.cells import CellError, folded, quoted, read_line
from companion.services.imports.layouts import Layout
from companion.services.imports.lengths import LengthUnit, plain_number, read_length
from companion.services.imports.moments import TimeUnit
from companion.services.imports.questions import Choice, Question
from companion.services.imports.reading.asking import BOOKED, CANCELLED, Asking, plain_choices
from companion.services.imports.reading.date_order import OrderProof, own_order, prove_order
from companion.services.imports.reading.headings import squeezed
from companion.services.imports.reading.kinds import SAMPLE
from companion.services.imports.reading.names import person_key, split_at_commas, split_people
from companion.services.imports.reading.sheets import SECTION, Grid
from companion.services.imports.reading.statuses import StatusWord, meaning_of

if TYPE_CHECKING:
    from companion.services.imports.layouts.software import Software
    from companion.services.imports.reading.fields import Column
    from companion.services.imports.reading.reader import Setting

__all__ = ["SECTION", "LengthUnit"]


def lasting_source(headings: Iterable[str]) -> str:
    """A name for files with these columns, where nothing else gives one."""
    used = "\n".join(sorted(squeezed(each) for each in headings))
    return f"import-{blake2b(used.encode(), digest_size=3).hexdigest()}"


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
    asking: Asking,
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
            Choice(value="dmy", label="Day before month"),
            Choice(value="mdy", label="Month before day"),
            Choice(value="ymd", label="Year first"),
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


def with_units(layout: Layout, columns: Sequence[Column], asking: Asking) -> Layout:
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
    numbers = [each for cell in cells if (each := _number(cell)) is not None]
    whole = [int(each) for each in numbers if each.is_integer() and each >= 0]
    if not whole or len(whole) * 2 < len(cells):
        return TimeUnit.CLOCK
    if all(each % 100 < 60 and each < 2_400 for each in whole) and not all(
        each in {0, *range(1, 60)} for each in whole
    ):
        return TimeUnit.CLOCK
    if max(whole) < 1_440:
        return TimeUnit.MINUTES
    return TimeUnit.SECONDS if max(whole) < 86_400 else TimeUnit.CLOCK


def with_asked_length(layout: Layout, rows: int, asking: Asking) -> Layout:
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
    asking: Asking,
    software: Software | None,
) -> tuple[Layout, tuple[StatusWord, ...]]:
    counts: Counter[str] = Counter()
    shown: dict[str, str] = {}
    for at in layout.status_columns:
        for cell, count in columns[at].values.items():
            word = folded(cell)
            counts[word] += count
            shown.setdefault(word, read_line(cell, 60))
    rows = {word: _example(columns, layout, word) for word in counts} if len(counts) < 50 else {}
    found: dict[str, str] = {}
    listed = []
    for word, count in counts.items():
        means, asked = _meaning(word, layout, kept, software)
        question = Question(
            key=f"status:{shown[word]}",
            about=f"the status “{shown[word]}”",
            text=f"Do appointments with the status “{shown[word]}” take place?",
            choices=(
                Choice(value=BOOKED, label="Yes, they are booked"),
                Choice(value=CANCELLED, label="No, they are cancelled"),
            ),
            guess=means,
            count=count,
            example=rows.get(word, ""),
        )
        given = asking.answer(question.key)
        if asked or given is not None:
            means = asking.settle(question) if asked else (given or means).casefold()
            asked = given is None
        found[word] = means
        listed.append(StatusWord(word=shown[word], count=count, means=means, asked=asked))
    return replace(layout, statuses=found), tuple(listed)


def _meaning(
    word: str, layout: Layout, kept: Mapping[str, str], software: Software | None
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
    means, sure = meaning_of(word)
    return means, not sure


def _example(columns: Sequence[Column], layout: Layout, word: str) -> str:
    del columns, layout
    return word


# ── zones ─────────────────────────────────────────────────────────────────────────────────────


def with_zones(layout: Layout, columns: Sequence[Column], asking: Asking, practice: str) -> Layout:
    """A time-zone column is obeyed; a word that names no zone is asked about."""
    answered = asking.answer("timezone")
    if answered is not None:
        answered = _known_zone(answered)
    at = layout.columns.get("timezone")
    if at is None:
        return replace(layout, timezone=answered) if answered else layout
    zones: dict[str, str] = {}
    unknown: dict[str, int] = {}
    for cell, count in columns[at].values.items():
        word = folded(cell)
        zone = zone_of(word)
        if zone:
            zones[word] = zone
        else:
            unknown[word] = count
    if unknown:
        first = next(iter(unknown))
        zone = asking.settle(
            Question(
                key="timezone",
                about=f"the time zone {quoted(first)}",
                text=f"Which time zone does {quoted(first)} mean? Answer as in Australia/Sydney.",
                choices=(),
                guess=practice,
                count=sum(unknown.values()),
                example=first,
            )
        )
        zones |= dict.fromkeys(unknown, _known_zone(zone))
    return replace(layout, zones=zones)


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInput(
            f"“{name[:60]}” is no time zone such as Australia/Sydney.", field="timezone"
        ) from error
    return name


@cache
def _zones() -> Mapping[str, str]:
    """Folded IANA names; cities alone; the names that Windows and Rails give the zones of
    Australia and New Zealand."""
    names = sorted(available_timezones())
    cities: dict[str, str] = {}
    for each in names:
        if each.count("/") == 1 and not each.startswith(("Etc/", "US/", "Canada/", "Brazil/")):
            cities.setdefault(each.rpartition("/")[2].replace("_", " ").casefold(), each)
    return {
        **cities,
        **{each.casefold(): each for each in names},
        "aest": "Australia/Brisbane",
        "acst": "Australia/Darwin",
        "awst": "Australia/Perth",
        "aus eastern standard time": "Australia/Sydney",
        "e. australia standard time": "Australia/Brisbane",
        "w. australia standard time": "Australia/Perth",
        "cen. australia standard time": "Australia/Adelaide",
        "aus central standard time": "Australia/Darwin",
        "tasmania standard time": "Australia/Hobart",
        "new zealand standard time": "Pacific/Auckland",
        "gmt standard time": "Europe/London",
        "canberra": "Australia/Sydney",
        "wellington": "Pacific/Auckland",
        "eastern time (us & canada)": "America/New_York",
        "central time (us & canada)": "America/Chicago",
        "mountain time (us & canada)": "America/Denver",
        "pacific time (us & canada)": "America/Los_Angeles",
        "z": "UTC",
    }


def zone_of(word: str) -> str:
    """The IANA zone a folded word names; empty where it names none, or several."""
    known = _zones()
    return known.get(word) or known.get(word.rpartition(") ")[2]) or ""


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
