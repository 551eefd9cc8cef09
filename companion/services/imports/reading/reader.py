"""The reader: a workbook into drafts, with everything that a person may want to know of how.

1. Sheets and header rows (`sheets`), the values of each column (`kinds`).
2. The layout: a person's mapping, else software whose headings *and* rows fit, else headings and
   values alone (`fields`).
3. What holds for the whole file: date order (`date_order`), units of lengths and times, status
   words (`statuses`), zones, cells that name several people (`values`).
4. The rows (`file_reading`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import itemgetter

from companion.domain.appointments import Practitioner
from companion.domain.errors import BadInput
from companion.services.imports.cells import is_blank, read_line
from companion.services.imports.drafts import FileContent
from companion.services.imports.file_reading import Table, read_drafts
from companion.services.imports.layouts import Layout, Words
from companion.services.imports.layouts.software import Software, candidates
from companion.services.imports.lengths import LengthUnit
from companion.services.imports.mappings import bind_mapping, mapping_of
from companion.services.imports.reading import values
from companion.services.imports.reading.asking import EVERYBODY, AskedQuestions, whose_question
from companion.services.imports.reading.columns import Assignment, Column
from companion.services.imports.reading.fields import assign
from companion.services.imports.reading.grid import SECTION, SHEET, Grid
from companion.services.imports.reading.grid_choice import choose_grid
from companion.services.imports.reading.half_days import with_half_days
from companion.services.imports.reading.headings import lasting_source, read_heading, squeezed
from companion.services.imports.reading.kinds import profile_of
from companion.services.imports.reading.names import person_key
from companion.services.imports.reading.results import (
    ColumnUse,
    FileColumn,
    Reading,
    Setting,
    UnknownLayout,
)
from companion.services.imports.reading.sections import separate_footers
from companion.services.imports.reading.sheets import is_value
from companion.services.imports.reading.title_parts import with_title_parts
from companion.services.imports.reading.zones import with_zones
from companion.services.workbooks import Workbook


def read_workbook(workbook: Workbook, setting: Setting) -> Reading:
    """Raises BadInput: no table, a wrong answer, a mapping that does not fit, spoilt ids."""
    asking = AskedQuestions(setting.answers)
    grid = choose_grid(workbook, setting, asking)
    if grid is None:
        return _nothing(workbook)
    columns = _columns(grid)
    layout, software = _bound(grid, columns, AskedQuestions(setting.answers), setting)
    starts = [layout.columns[each] for each in ("start", "date") if each in layout.columns]
    if separate_footers(grid, starts):
        columns = _columns(grid)
    # Once more without totals among the values: they hide what the columns hold.
    layout, software = _bound(grid, columns, asking, setting)
    layout = with_title_parts(grid, replace(layout, epoch=workbook.epoch), asking.answer("titles"))
    columns = _columns(grid)
    values.refuse_spoilt_ids(layout, columns)
    layout, proof = values.with_date_order(layout, grid, columns, setting, asking, software)
    layout = values.with_units(layout, columns, asking)
    layout, statuses = values.with_statuses(layout, columns, setting.statuses, asking, software)
    with_half_days(layout, grid, asking)
    layout = with_zones(layout, columns, asking, setting.timezone)
    layout = values.with_people(layout, columns, setting.keys)
    layout = _with_one_person(layout, grid, asking, setting, software)
    layout = _with_length(layout, grid, asking)
    table = Table(
        headers=tuple(grid.headings),
        rows=[(row.number, row.cells) for row in grid.rows],
        damaged=grid.damaged,
    )
    content = replace(read_drafts(table, layout), questions=tuple(asking.asked.values()))
    return Reading(
        layout=layout,
        content=content,
        headings=tuple(grid.headings),
        file_columns=_file_columns(columns),
        sheets=tuple(grid.sheets),
        columns=_column_uses(layout, columns),
        ignored=tuple(
            each.heading.text
            for each in columns
            if each.heading.text not in {"", SECTION, SHEET}
            and each.at not in _used(layout)
            and each.profile.filled
        ),
        order=proof,
        statuses=statuses,
        practitioners=_practitioners(layout, columns),
        footers=grid.footers,
        notes=tuple(grid.notes),
        mapping=layout.mapping or mapping_of(layout, grid.headings),
        one_person=software.one_person if software else False,
    )


def _nothing(workbook: Workbook) -> Reading:
    """A file without any table: empty, or not of rows at all."""
    rows = sum(len(each.rows) for each in workbook.sheets)
    damaged = any(each.damaged for each in workbook.sheets)
    if rows or damaged:
        first = next((each.rows[0] for each in workbook.sheets if each.rows), None)
        if first is not None and any(is_value(each) for each in first.cells if each is not None):
            raise BadInput(
                "The first row of this file holds data, not the names of its columns.",
                "Export it again with a header row.",
                field="file",
            )
        raise BadInput(
            "No table of appointments was found in this file.",
            "Export it again with a row of column names, or say which row that is.",
            field="file",
        )
    empty = Layout(name="empty file", source="", columns={}, titles={})
    return Reading(layout=empty, content=FileContent(drafts=(), rejections=(), has_ids=False))


def _columns(grid: Grid) -> list[Column]:
    columns = []
    rows = [row.cells for row in grid.rows]
    for at, text in enumerate(grid.headings):
        rows = [each for each in rows if len(each) > at]
        counts = Counter(map(itemgetter(at), rows))
        counts.pop(None, None)
        found: Mapping[object, int] = {
            each: count for each, count in counts.items() if not is_blank(each)
        }
        columns.append(
            Column(at=at, heading=read_heading(text), profile=profile_of(found), values=found)
        )
    return columns


# ── the layout ────────────────────────────────────────────────────────────────────────────────


def _bound(
    grid: Grid, columns: Sequence[Column], asking: AskedQuestions, setting: Setting
) -> tuple[Layout, Software | None]:
    if setting.mapping is not None:
        return bind_mapping(setting.mapping, grid.headings), None
    software, found = _assigned(columns, asking, setting, len(grid.rows))
    if found.missing:
        raise _unknown_layout(grid.headings, columns)
    return _layout(columns, software, found), software


def _assigned(
    columns: Sequence[Column], asking: AskedQuestions, setting: Setting, rows: int
) -> tuple[Software | None, Assignment]:
    """By the surest software whose rows fit, else by headings and values alone."""
    for software in candidates([each.heading.text for each in columns], setting.software):
        trial = AskedQuestions(asking.given)
        found = assign(columns, trial, software=software, people=setting.keys, rows=rows)
        if not found.missing and _fits(software, columns, found):
            asking.asked.update(trial.asked)
            return software, found
    return None, assign(columns, asking, people=setting.keys, rows=rows)


def _fits(software: Software, columns: Sequence[Column], found: Assignment) -> bool:
    """Do the rows agree with what this software's headings would mean?"""
    telling = 0
    for column in columns:
        shape = squeezed(column.heading.text)
        fields = [name for name, listed in software.columns.items() if shape in listed]
        if not fields:
            telling += shape in software.any_of and shape in software.ignored
            continue
        taken = [name for name, at in found.columns.items() if at == column.at]
        if column.at in {*found.cancelling, *found.status_columns}:
            taken += fields
        needed = {"start", "date", "time", "end", "practitioner"} & {*fields}
        if needed and column.profile.filled and not taken:
            rival = any(
                squeezed(columns[found.columns[name]].heading.text) in software.columns[name]
                for name in needed & found.columns.keys()
            )
            if not rival:
                return False
        right = bool(set(taken) & {*fields, "start", "end"})
        telling += shape in software.any_of and (right or not column.profile.filled)
    if software.any_of and not telling:
        return False
    return "practitioner" in found.columns or software.one_person or not columns


def _layout(columns: Sequence[Column], software: Software | None, found: Assignment) -> Layout:
    words = Words()
    if software is not None:
        shown = {**words.show_as, **software.show_as}
        words = replace(words, booked=software.booked, show_as=shown)
    titles = {name: columns[at].heading.text[:40] for name, at in found.columns.items()}
    return Layout(
        name=software.name if software else "read by headings and values",
        software=software.name if software else "",
        source=software.source if software else lasting_source(titles.values()),
        columns=found.columns,
        titles=titles,
        words=words,
        cancelling=tuple(found.cancelling),
        status_columns=tuple(found.status_columns),
        all_day_end=software.all_day_end if software else "",
        length_unit=_unit(columns, software, found),
        in_utc=frozenset(name for name, at in found.columns.items() if columns[at].heading.utc),
    )


def _unit(columns: Sequence[Column], software: Software | None, found: Assignment) -> LengthUnit:
    at = found.columns.get("length")
    named = columns[at].heading.unit if at is not None else None
    return named or (software and software.length_unit) or LengthUnit.MINUTES


def _with_one_person(
    layout: Layout, grid: Grid, asking: AskedQuestions, setting: Setting, software: Software | None
) -> Layout:
    """Whose appointments these are, where the file names nobody or somebody says whose: the name
    `EVERYBODY`, about which the practice is asked, or the person whom the file is called after."""
    named = {"practitioner", "practitioner_last_name"} & layout.columns.keys()
    given = asking.answer(EVERYBODY)
    if given is None and (named or layout.fallbacks.practitioner):
        return layout
    only = setting.people[0] if len(setting.people) == 1 else None
    likely = _in_the_title(grid, setting)
    if given is None and software is not None and software.one_person and (likely or only):
        name = (likely or only or setting.people[0]).name
    else:
        guess = likely or only
        about, rows = "the practitioner", len(grid.rows)
        question = whose_question(setting.people, about, guess.id if guess else "", rows)
        answer = asking.settle(question)
        name = next((each.name for each in setting.people if each.id == answer), answer)
    columns = {key: at for key, at in layout.columns.items() if not key.startswith("practitioner")}
    return replace(
        layout,
        columns=columns,
        fallbacks=replace(layout.fallbacks, practitioner=name or EVERYBODY),
        several={},
    )


def _in_the_title(grid: Grid, setting: Setting) -> Practitioner | None:
    """The one known practitioner whose whole name the sheet (or calendar) is called by."""
    words = {part for use in grid.sheets for part in person_key(use.name).split()}
    found = [each for each in setting.people if words >= {*person_key(each.name).split()}]
    return found[0] if len(found) == 1 else None


def _with_length(layout: Layout, grid: Grid, asking: AskedQuestions) -> Layout:
    """A file that gives neither end nor length, and no range: somebody must say how long."""
    if {"end", "end_time", "length"} & layout.columns.keys() or layout.fallbacks.length:
        return layout
    at = layout.columns.get("time", layout.columns.get("start"))
    column = Counter(row.cells[at] for row in grid.rows if at is not None and at < len(row.cells))
    if profile_of({each: n for each, n in column.items() if each is not None}).ranges:
        return layout
    if "all_day" in layout.columns and not {"time", "start"} & layout.columns.keys():
        return layout
    return values.with_asked_length(layout, len(grid.rows), asking)


def _practitioners(layout: Layout, columns: Sequence[Column]) -> Mapping[str, int]:
    at = layout.columns.get("practitioner")
    if at is None:
        return {}
    counts: Counter[str] = Counter()
    for cell, count in columns[at].values.items():
        name = read_line(cell, 200)
        for each in layout.several.get(name, (name,)):
            counts[each] += count
    return counts


def _used(layout: Layout) -> set[int]:
    return {*layout.columns.values(), *layout.cancelling, *layout.status_columns}


def _column_uses(layout: Layout, columns: Sequence[Column]) -> tuple[ColumnUse, ...]:
    places = [(name, at) for name, at in layout.columns.items()]
    places += [
        ("cancelled", at) for at in layout.cancelling if at != layout.columns.get("cancelled")
    ]
    places += [("status", at) for at in layout.status_columns if at != layout.columns.get("status")]
    return tuple(
        ColumnUse(
            field=name,
            heading=columns[at].heading.text,
            samples=tuple(read_line(each, 60) for each in list(columns[at].values)[:3]),
        )
        for name, at in places
    )


def _unknown_layout(headings: Sequence[str], columns: Sequence[Column]) -> UnknownLayout:
    listed = [each for each in headings if each]
    shown = ", ".join(f"“{read_line(each, 40)}”" for each in listed[:30])
    more = f" and {len(listed) - 30} more" if len(listed) > 30 else ""
    return UnknownLayout(
        f"No column of this file holds the date of an appointment. They are: {shown}{more}.",
        "Export it with a row of column names, or say what they mean: in a mapping file given "
        "with --mapping, or on the import page.",
        _file_columns(columns),
    )


def columns_of(workbook: Workbook, setting: Setting) -> tuple[FileColumn, ...]:
    """What a person chooses from when the file cannot be read; empty where there is no table."""
    try:
        grid = choose_grid(workbook, setting, AskedQuestions(setting.answers))
    except BadInput:
        grid = None
    return _file_columns(_columns(grid)) if grid else ()


def _file_columns(columns: Sequence[Column]) -> tuple[FileColumn, ...]:
    return tuple(
        FileColumn(
            heading=each.heading.text,
            samples=tuple(read_line(value, 40) for value in list(each.values)[:3]),
        )
        for each in columns
    )
