"""Title parts: what the titles of a calendar are made of, as ``{client_name} - {type}``.

The parts become columns of their own, so names are treated as names from then on. Patterns are
tried in order; a title that fits none stays a title. White space and dashes of any kind are alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from companion.domain.errors import BadInput
from companion.services.imports.cells import read_line
from companion.services.imports.layouts import Layout
from companion.services.imports.reading.grid import Grid

PARTS = (
    "client_name", "client_first_name", "client_last_name", "client_id", "type", "title",
    "location", "practitioner", "notes", "ignore",
)  # fmt: skip
_PART = re.compile(r"\{(\w+)\}")
_DASH = "[-\u2010-\u2015\u2212]"
_LONGEST = 300
"""Characters of a title that are looked at."""


def checked_titles(patterns: Sequence[str]) -> tuple[re.Pattern[str], ...]:
    """Raises BadInput, its `field` ``titles``."""
    listed = [each.strip() for each in patterns]
    whole = next((each for each in listed[:-1] if _PART.fullmatch(each)), "")
    if whole:
        raise BadInput(
            f"“{whole}” alone fits every title, so nothing behind it would be used.",
            r"Name it last. In an answer write \| for a | that stands in the titles themselves.",
            field="titles",
        )
    return tuple(map(_compiled, listed))


def parts_of(pattern: str, title: str) -> Mapping[str, str] | None:
    """What one of the patterns, with ``|`` between them, finds in a title; None where it stays a
    title. Raises BadInput."""
    return _found(checked_titles(_listed(pattern)), title)


def _listed(answer: str) -> list[str]:
    said = re.split(r"(?<!\\)\|", answer)
    return [each.replace(r"\|", "|") for each in said]


def with_title_parts(grid: Grid, layout: Layout, answer: str | None) -> Layout:
    """The grid gets a column for each part, of which the layout knows then. `answer`: patterns
    with ``|`` between them (``\\|`` is the sign itself), instead of the layout's own."""
    listed = _listed(answer) if answer else layout.titles_are
    at = layout.columns.get("title")
    if not listed or at is None:
        return layout
    patterns = checked_titles(listed)
    names = [
        name
        for name in dict.fromkeys(name for each in patterns for name in each.groupindex)
        if name not in {"title", "ignore"}
    ]
    heading, first = grid.headings[at], len(grid.headings)
    grid.headings += [f"{heading} {{{name}}}" for name in names]
    for place, row in enumerate(grid.rows):
        found = _found(patterns, row.cell(at))
        made = row if found is None else row.changed(at, found.get("title"))
        for column, name in enumerate(names, first):
            own = layout.columns.get(name, len(row.cells))
            made = made.extended(column, row.cell(own) if found is None else found.get(name))
        grid.rows[place] = made
    places = {name: column for column, name in enumerate(names, first)}
    return replace(layout, columns={**layout.columns, **places})


def _found(patterns: Sequence[re.Pattern[str]], cell: object) -> Mapping[str, str] | None:
    title = read_line(cell, _LONGEST)
    for each in patterns:
        match = each.fullmatch(title)
        if match is not None:
            return {name: value.strip() for name, value in match.groupdict().items() if value}
    return None


def _compiled(pattern: str) -> re.Pattern[str]:
    names = _PART.findall(pattern)
    wrong = set(names).difference(PARTS) or re.search(r"[{}]", _PART.sub("", pattern))
    if not names or wrong or len(set(names)) < len(names) or len(names) > 5:
        known = ", ".join(f"{{{each}}}" for each in PARTS)
        raise BadInput(
            f"“{read_line(pattern, 60)}” does not say what a title is made of.",
            f"Write it as {{client_name}} - {{type}}, each part once; known are {known}.",
            field="titles",
        )
    pieces = []
    split = _PART.split(pattern)
    for place, piece in enumerate(split):
        if place % 2:
            # With a space alone behind it a name has all words that it can: none is to be shown.
            most = piece == "client_name" and not split[place + 1].strip()
            pieces.append(f"(?P<{piece}>.+{'' if most else '?'})")
        else:
            plain = re.sub(r"\\?\s+", r"\\s+", re.escape(piece))
            pieces.append(re.sub(rf"\\-|{_DASH}", _DASH, plain))
    return re.compile("".join(pieces), re.IGNORECASE)
