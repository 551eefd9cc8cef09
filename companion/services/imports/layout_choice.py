"""Which way a file is read, and which source it belongs to.

A mapping given now decides; else the one kept for the source; else software whose headings and
rows fit; else the one kept mapping whose columns the file has; else the source that was last read
with these headings; else a source named after them. Software gives its source a name, but a file
without most of the headings that were met there is another source's until somebody says that it is
not. Answers that were given to earlier files of
the source count, unless they are given anew. An empty file has no columns: its source is what was
said, or the only one there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from companion.domain.errors import BadInput
from companion.domain.settings import Settings, SourceSettings
from companion.services.imports.cells import folded, read_line
from companion.services.imports.layouts import Layout
from companion.services.imports.mappings import fits
from companion.services.imports.questions import Answers
from companion.services.imports.reading.headings import lasting_source, squeezed
from companion.services.imports.reading.reader import columns_of, read_workbook
from companion.services.imports.reading.results import NotRead, Reading, Setting, UnknownLayout
from companion.services.imports.shape import mostly_gone, without_stale
from companion.services.workbooks import Workbook

_OWN = "book"
"""Source of the Appointment Book screen: no file may pose as it."""
_ALIKE = 0.8
"""Share of a source's headings that a file must have to be of that source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody said of a file they import."""

    source: str | None = None
    mapping: str | None = None
    answers: Answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    reading: Reading
    source: str
    answers: Answers
    """All that counted: kept with the source, and given now."""


def choose(
    workbook: Workbook, wish: Wish, setting: Setting, settings: Settings, met: Iterable[str]
) -> Chosen:
    """`setting` without answers and mapping; `met`: sources imported from before. Raises
    BadInput, UnknownLayout among it."""
    sources = settings.sources
    kept = sources.get(wish.source) if wish.source else None
    mapping = wish.mapping or (kept.mapping if kept and kept.mapping else None)
    try:
        chosen = _read(workbook, wish, setting, kept, mapping)
    except UnknownLayout as error:
        fitting = _fitting(sources, error.headers) if mapping is None else []
        if len(fitting) != 1:
            raise
        kept, mapping = fitting[0], fitting[0].mapping
        chosen = _read(workbook, wish, setting, kept, mapping)
        return replace(chosen, source=wish.source or kept.name)
    name = wish.source
    if chosen.reading.layout.name == NOTHING:
        name = name or _source_of_nothing({*met, *sources})
    elif name is None:
        name, kept = _source_of(chosen.reading, sources, mapping)
        if kept is not None:
            if mapping is None and not chosen.reading.layout.software:
                mapping = kept.mapping or None
            # What the source remembers may answer questions, or say more than the file does.
            if mapping or kept.answers or chosen.reading.content.questions:
                chosen = _read(workbook, wish, setting, kept, mapping)
    return _noted(replace(chosen, source=source_name(name)), wish, sources)


def _noted(chosen: Chosen, wish: Wish, sources: Mapping[str, SourceSettings]) -> Chosen:
    """Says why a file is of no source that is known, though its software is."""
    reading, usual = chosen.reading, chosen.reading.layout.source
    if wish.source or not reading.layout.software or chosen.source in {usual, *sources}:
        return chosen
    said = (
        f"Most columns of “{usual}” are not in this file, so it is read as another source. "
        f"If it is of “{usual}”, choose that source."
    )
    return replace(chosen, reading=replace(reading, notes=(*reading.notes, said)))


NOTHING = "empty file"
"""Name of the layout of a file without rows."""


_PLACES = ("header_row", "sheets")


def _read(
    workbook: Workbook,
    wish: Wish,
    setting: Setting,
    kept: SourceSettings | None,
    mapping: str | None,
) -> Chosen:
    answers = {**(kept.answers if kept else {}), **wish.answers}
    statuses = {folded(word): means for word, means in kept.statuses.items()} if kept else {}
    setting = replace(setting, mapping=mapping, statuses=statuses, answers=answers)
    try:
        reading = read_workbook(workbook, setting)
    except BadInput as error:
        if kept and any(key in kept.answers and key not in wish.answers for key in _PLACES):
            # What the source remembers is of a file whose table was elsewhere.
            rest = {key: each for key, each in kept.answers.items() if key not in _PLACES}
            return _read(workbook, wish, setting, replace(kept, answers=rest), mapping)
        if isinstance(error, NotRead):
            raise
        columns = columns_of(workbook, setting)
        if not columns:
            raise
        raise NotRead(error.what, error.remedy, columns, field=error.field) from error
    return Chosen(
        reading=reading,
        source=reading.layout.source,
        answers=without_stale(answers, reading.headings),
    )


def _source_of(
    reading: Reading, sources: Mapping[str, SourceSettings], mapping: str | None
) -> tuple[str, SourceSettings | None]:
    layout = reading.layout
    if mapping is None and not layout.software:
        fitting = _fitting(sources, reading.headings)
        alike = fitting or [each for each in sources.values() if _was_read_so(each, layout)]
        if len(alike) == 1:
            return alike[0].name, alike[0]
    name = source_name(layout.source)
    kept = sources.get(name)
    if kept is not None and mapping is None and _of_another_shape(kept, reading):
        name = lasting_source(layout.titles.values())
        kept = sources.get(name)
    return name, kept


def _fitting(
    sources: Mapping[str, SourceSettings], headings: Sequence[str]
) -> list[SourceSettings]:
    """Sources with a mapping all of whose columns the file has."""
    return [each for each in sources.values() if each.mapping and fits(each.mapping, headings)]


def _was_read_so(source: SourceSettings, layout: Layout) -> bool:
    """Were the columns of its last file called as those of this one?"""
    before = {squeezed(each) for each in source.columns.values()}
    now = {squeezed(each) for each in layout.titles.values()}
    return bool(before) and len(before & now) >= _ALIKE * max(len(before), len(now))


def _of_another_shape(source: SourceSettings, reading: Reading) -> bool:
    """Are most of the headings that were met there missing here?"""
    return bool(reading.content.drafts) and mostly_gone(source.columns, reading.headings)


class EmptyFile(BadInput):
    """Nothing in it tells whose it is."""


def _source_of_nothing(known: set[str]) -> str:
    if len(known) > 1:
        raise EmptyFile(
            "The file is empty, so nothing tells which source it belongs to.",
            f"Name the source; known are {', '.join(sorted(known))}.",
            field="source",
        )
    return next(iter(known), "empty")


def source_name(source: str) -> str:
    name = read_line(source, 60)
    if not name or name.casefold() == _OWN:
        raise BadInput(
            f"“{name}” cannot be the name of a source.",
            "Choose a short name, such as that of the practice software.",
            field="source",
        )
    return name


__all__ = ["Chosen", "EmptyFile", "UnknownLayout", "Wish", "choose", "source_name"]
