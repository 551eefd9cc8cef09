"""Sheets: which rows of a workbook are the table, and where its headings stand.

The header row is the one among the first rows whose cells are headings that we know, or else
plain words above rows of values; title rows, filters and blank rows before it count for nothing.
A row of group headings above it ("Client" over "First name", "Last name") becomes part of the
headings. Rows that repeat the header, totals and other footers are no appointments. A sheet
without such a table is a cover sheet.

All visible sheets with a table become one `Grid`: cells of later sheets are put into the columns
of the first by heading. Where no column names a practitioner, the name of the sheet, or of the
section of rows under a heading of its own, stands in a column added for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from companion.services.imports.cells import read_line
from companion.services.imports.reading.grid import SHEET, Grid, GridRow, SheetUse
from companion.services.imports.reading.headings import read_heading, squeezed
from companion.services.imports.reading.kinds import EMPTY_WORDS, kind_of
from companion.services.imports.reading.printed_lists import day_of_title, lone_day
from companion.services.imports.reading.sections import named_in_title
from companion.services.workbooks import Cell, MergedRange, Sheet, SheetRow

LOOK_AT = 60
"""Rows from the top among which the header is looked for."""
_AS_LIKELY = 0.6
"""Share of the best row's score from which another row may be the header as well."""
_GENERAL = frozenset({"name", "id", "firstname", "lastname", "number", "first", "last", "surname"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _SheetTable:
    sheet: Sheet
    at: int
    """Place of the header among the sheet's rows."""
    headings: tuple[str, ...]
    score: float

    @property
    def header_row(self) -> int:
        return self.sheet.rows[self.at].number


def grid_of(
    sheets: Sequence[Sheet],
    *,
    header_row: int | None = None,
    only: Sequence[str] = (),
    expected: Collection[str] = (),
) -> Grid | None:
    """`header_row`, unless its cells hold dates in this file, and `only` (names of sheets) as a
    person said them; `expected`: headings of a mapping, squeezed. None: no table at all."""
    wanted = set(only)
    tables: list[_SheetTable] = []
    uses: list[SheetUse] = []
    for sheet in sheets:
        found = None
        if not sheet.hidden and (not wanted or sheet.name in wanted):
            found = find_header(sheet, header_row, expected)
        if found is not None:
            tables.append(found)
        uses.append(
            SheetUse(
                name=sheet.name,
                header_row=found.header_row if found else 0,
                rows=len(sheet.rows),
                used=False,
            )
        )
    if not tables:
        return None
    best = max(
        tables, key=lambda each: (each.score > 2, len(each.sheet.rows) > each.at + 1, each.score)
    )
    fitting = [each for each in tables if each is best or _same_table(each, best)]
    grid = Grid(
        headings=list(best.headings),
        rows=[],
        sheets=uses,
        header_rows=_doubtful_headers(best) if header_row is None else {},
        rival_sheets=_alike([each for each in tables if each not in fitting and _dated(each)]),
    )
    for table in fitting:
        use = next(each for each in uses if each.name == table.sheet.name and not each.used)
        before = len(grid.rows)
        _add(grid, table, best)
        use.used, use.rows = True, len(grid.rows) - before
        grid.damaged += table.sheet.damaged
    _add_sheet_names(grid, fitting)
    return grid


# ── the header row ────────────────────────────────────────────────────────────────────────────


def find_header(
    sheet: Sheet, wanted: int | None = None, expected: Collection[str] = ()
) -> _SheetTable | None:
    best: _SheetTable | None = None
    rows = sheet.rows
    for at, row in enumerate(rows[:LOOK_AT]):
        if wanted is not None and (row.number != wanted or any(map(_has_day, row.cells))):
            continue
        for headings in _ways_to_read(sheet, at):
            score = _header_score(row, headings, rows[at + 1 : at + 6], forced=wanted is not None)
            score += sum(squeezed(each) in expected for each in headings if each)
            if score > 0 and (best is None or score > best.score + 1e-9):
                best = _SheetTable(sheet=sheet, at=at, headings=headings, score=score)
    return best


def _doubtful_headers(best: _SheetTable) -> dict[int, str]:
    """The rows that could be the header as well as the best one, which has no heading we know."""
    if best.score >= 2:
        return {}
    rows, found = best.sheet.rows, {best.header_row: best.headings}
    for at, row in enumerate(rows[:LOOK_AT]):
        plain = tuple(map(_heading, row.cells))
        score = _header_score(row, plain, rows[at + 1 : at + 6], forced=False)
        if score >= best.score * _AS_LIKELY:
            found.setdefault(row.number, plain)
    if len(found) == 1:
        return {}
    return {number: ", ".join(filter(None, words)) for number, words in found.items()}


def _alike(tables: Sequence[_SheetTable]) -> list[str]:
    """Names of sheets, those of one table together: ``July, August``."""
    groups: list[list[_SheetTable]] = []
    for each in tables:
        group = next((known for known in groups if _same_table(each, known[0])), None)
        if group is None:
            groups.append([each])
        else:
            group.append(each)
    return [", ".join(each.sheet.name for each in group) for group in groups]


def _dated(table: _SheetTable) -> bool:
    """Do its headings and rows speak of moments, as those of appointments do?"""
    meanings = {name for each in table.headings for name in read_heading(each).meanings}
    below = [cell for row in table.sheet.rows[table.at + 1 : table.at + 6] for cell in row.cells]
    return table.score > 2 and bool(meanings & {"start", "date"}) and any(map(_has_day, below))


def _has_day(cell: Cell) -> bool:
    stamp = kind_of(cell).stamp if isinstance(cell, str) else None
    return isinstance(cell, date) or (stamp is not None and stamp.day is not None)


def _ways_to_read(sheet: Sheet, at: int) -> Iterator[tuple[str, ...]]:
    row = sheet.rows[at]
    plain = tuple(_heading(each) for each in row.cells)
    if at == 0:
        yield plain
        return
    above = sheet.rows[at - 1]
    groups = _groups(above, sheet.merged, len(plain))
    if len({each for each in groups if each}) >= 2 and all(
        isinstance(each, str) for each in above.cells if each is not None
    ):
        yield tuple(
            f"{group} {name}".strip() if not _means(name) or _is_general(name) else name
            for group, name in zip(groups, plain, strict=True)
        )
    yield plain
    # A heading of two rows without a merge: "First" over "name".
    if row.number == above.number + 1 and len(above.cells) >= len(plain) - 1:
        upper = [*map(_heading, above.cells), *[""] * len(plain)][: len(plain)]
        if sum(map(bool, upper)) >= len(plain) / 2:
            yield tuple(f"{one} {two}".strip() for one, two in zip(upper, plain, strict=True))


def _heading(cell: Cell) -> str:
    return (
        read_line(cell, 120) if isinstance(cell, str) else "" if cell is None else read_line(cell)
    )


def _groups(row: SheetRow, merged: Sequence[MergedRange], width: int) -> list[str]:
    groups = [""] * width
    ranges = [each for each in merged if each.first_row <= row.number <= each.last_row]
    for at, cell in enumerate(row.cells[:width]):
        if cell is None:
            continue
        end = next((each.last_column for each in ranges if each.first_column == at), None)
        if end is None and not merged:  # without merges a group reaches to the next one
            end = at
            while end + 1 < width and (end + 1 >= len(row.cells) or row.cells[end + 1] is None):
                end += 1
        for place in range(at, min(width, (at if end is None else end) + 1)):
            groups[place] = _heading(cell)
    return groups


def _means(name: str) -> bool:
    return bool(read_heading(name).meanings)


def _is_general(name: str) -> bool:
    """A heading that means something else under a group: "Name", "ID", "Date"."""
    return squeezed(name) in _GENERAL


def _header_score(
    row: SheetRow, headings: Sequence[str], below: Sequence[SheetRow], *, forced: bool
) -> float:
    """How much this row looks like headings: one for each heading that we know."""
    filled = [(at, each) for at, each in enumerate(row.cells) if each is not None]
    if sum(map(bool, headings)) < 2:
        return 0.0
    texts = [each for _, each in filled if isinstance(each, str)]
    if not forced and any(is_value(each) for _, each in filled):
        return 0.0
    named = [read_heading(each) for each in headings]
    fields = {
        max(each.meanings, key=lambda name: each.meanings[name]) for each in named if each.meanings
    }
    known = sum(bool(each.meanings) for each in named)
    distinct = len({each.casefold() for each in texts}) == len(texts)
    score = known * 0.5 + len(fields) + (0.3 if distinct else 0)
    if not fields:
        score = 0.1 + 0.01 * len(filled) if len(texts) == len(filled) else 0.0
    if below and not any(_has_value(each) for each in below):
        score *= 0.5
    return score or (0.01 if forced else 0.0)


def is_value(cell: Cell) -> bool:
    """A date, a time or a number: what stands in rows, not above them."""
    if not isinstance(cell, str):
        return True
    kind = kind_of(cell)
    return _has_day(cell) or kind.number is not None or kind.contact


def _has_value(row: SheetRow) -> bool:
    return any(is_value(each) for each in row.cells if each is not None)


def _same_table(table: _SheetTable, best: _SheetTable) -> bool:
    """Do most of its headings stand in the best table too?"""
    mine = {squeezed(each) for each in table.headings if each}
    theirs = {squeezed(each) for each in best.headings if each}
    return len(mine & theirs) >= 0.6 * min(len(mine), len(theirs)) and table.score > 2


# ── rows ──────────────────────────────────────────────────────────────────────────────────────


def _add(grid: Grid, table: _SheetTable, best: _SheetTable) -> None:
    places = _places(table.headings, grid.headings)
    header = tuple(each.casefold() for each in table.headings if each)
    before = table.sheet.rows[: table.at]
    title = named_in_title(before)
    day = lone_day(before[-1].cells) if before else None
    if day is None:
        day = day_of_title(before)
    alone = [each for each in before[-1].cells if each is not None] if before else []
    if len(alone) == 1:
        grid.above[table.sheet.name] = _heading(alone[0])
    merged = _merged_down(table)
    straight = table is best and places == list(range(len(places)))
    width = len(table.headings)
    for row in table.sheet.rows[table.at + 1 :]:
        cells = merged.get(row.number, row.cells)
        if not EMPTY_WORDS.isdisjoint(cells):
            cells = tuple([None if each in EMPTY_WORDS else each for each in cells])
        if not any(each is not None for each in cells):
            continue
        if _repeats(cells, header):
            grid.footers += 1
            continue
        if not straight:
            placed: list[Cell] = [None] * len(grid.headings)
            for at, cell in enumerate(cells[:width]):
                placed[places[at]] = cell
            cells = (*placed, *cells[width:])
        grid.rows.append(
            GridRow(number=row.number, cells=cells, sheet=table.sheet.name, section=title, day=day)
        )


def _merged_down(table: _SheetTable) -> dict[int, tuple[Cell, ...]]:
    """Rows below the headings, by number, with the cells that they share with rows above them. A
    merge across the whole row is a line of its own."""
    rows = {each.number: each for each in table.sheet.rows[table.at + 1 :]}
    found: dict[int, tuple[Cell, ...]] = {}
    for each in table.sheet.merged:
        first = rows.get(each.first_row)
        if first is None or each.first_row == each.last_row:
            continue
        if each.first_column != each.last_column or each.first_column >= len(first.cells):
            continue
        for number in range(each.first_row + 1, each.last_row + 1):
            row = rows.get(number)
            if row is not None:
                cells = [*found.get(number, row.cells)]
                cells += [None] * (each.first_column + 1 - len(cells))
                cells[each.first_column] = first.cells[each.first_column]
                found[number] = tuple(cells)
    return found


def _places(mine: Sequence[str], headings: list[str]) -> list[int]:
    """Where each of a table's columns stands in the grid; new headings are added to it."""
    free: dict[str, list[int]] = {}
    for at, each in enumerate(headings):
        free.setdefault(squeezed(each), []).append(at)
    places = []
    for each in mine:
        left = free.get(squeezed(each), [])
        if left:
            places.append(left.pop(0))
        else:
            headings.append(each)
            places.append(len(headings) - 1)
    return places


def _repeats(cells: Sequence[Cell], header: tuple[str, ...]) -> bool:
    """The header once more, as reports print it on each page."""
    first = next(each for each in cells if each is not None)
    if not isinstance(first, str) or not header or read_line(first).casefold() != header[0]:
        return False
    return tuple(read_line(each).casefold() for each in cells if each is not None) == header


def _add_sheet_names(grid: Grid, tables: Sequence[_SheetTable]) -> None:
    if len(tables) < 2:
        return
    at = len(grid.headings)
    grid.headings.append(SHEET)
    grid.rows = [row.extended(at, row.sheet) for row in grid.rows]
