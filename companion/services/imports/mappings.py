"""Mappings: a layout that a person wrote down, as TOML.

    source = "nookal"                  # name of the import source; may be left out
    date_order = "dmy"                 # dmy (default), mdy or ymd; year-first dates always work
    timezone = "Australia/Brisbane"    # of the file's times; default: each practitioner's own
    snapshot = true                    # files are whole: what is missing was removed
    length_unit = "hours"              # of plain numbers: minutes (default), hours, seconds
    all_day_end = "exclusive"          # the end of a whole day is the day after, or "inclusive"
    titles = "{client_name} - {type}"  # what the column of titles is made of, or several such

    [columns]                          # field = "Header of the column"
    id = "Appt No"
    start = "Begins"                   # or date + time (or all_day), with end, end_time or length
    end = "Finishes"
    practitioner = "Provider"
    cancelled = ["Cancelled at", "DNA"]  # one column, or several

    [values]                           # words of the file, without regard to case
    cancelled = ["DNA", "Cancelled"]
    booked = ["Rescheduled"]
    all_day = ["Whole day"]
    recurring = ["Series"]
    kind.client = ["Consult"]
    kind.meeting = ["Team"]
    show_as.tentative = ["Pencilled in"]

    [defaults]                         # where the column is missing or its cell empty
    kind = "client"
    length = 30
    location = "Main street"
    practitioner = "Dr Ada Example"

    [practitioners]                    # name in the file = practitioner's name or id
    "A. Example" = "Dr Ada Example"

The fields are `layouts.FIELDS`. Every complaint names the key it is about. ``[columns]`` may also
be written the other way round, "Header" = "field".
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, NoReturn, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from companion.domain.appointments import AppointmentKind, ShowAs, fold_name
from companion.domain.errors import BadInput
from companion.services.imports.cells import CellError, folded, read_line
from companion.services.imports.layouts import (
    FIELDS,
    KIND_WORDS,
    SHOW_AS_WORDS,
    Fallbacks,
    Layout,
    Words,
)
from companion.services.imports.lengths import LengthUnit, read_length
from companion.services.imports.moments import DateOrder
from companion.services.imports.reading.headings import lasting_source, read_heading, squeezed
from companion.services.imports.reading.title_parts import checked_titles

SIZE_LIMIT = 200_000
_TOP = {
    "source", "date_order", "timezone", "snapshot", "columns", "values", "defaults",
    "practitioners", "length_unit", "all_day_end", "titles",
}  # fmt: skip
_SEVERAL = ("cancelled", "status")
"""Fields that several columns may hold."""
_Word = TypeVar("_Word", bound=StrEnum)


def bind_mapping(text: str, headers: Sequence[str]) -> Layout:
    """The mapping applied to a file with these headers. Raises BadInput, its `field` the key."""
    document = _parsed(text)
    _known_keys(document, _TOP, "")
    columns, more = _columns(_table(document, "columns"), headers)
    fallbacks = _fallbacks(_table(document, "defaults"))
    _check_complete(columns, fallbacks)
    named = lasting_source(headers[at] for at in columns.values())
    order = _text(document, "date_order", "")
    unit = _text(document, "length_unit", "") or "minutes"
    all_day_end = _text(document, "all_day_end", "")
    if all_day_end not in {"", "inclusive", "exclusive"}:
        _refuse("all_day_end", "this must be inclusive or exclusive")
    return Layout(
        name="your mapping",
        source=_text(document, "source", "") or named,
        columns=columns,
        titles={name: read_line(headers[at], 40) for name, at in columns.items()},
        date_order=_one_of(DateOrder, order or "dmy", "date_order"),
        order_given=bool(order),
        timezone=_timezone(_text(document, "timezone", "")),
        words=_words(_table(document, "values")),
        fallbacks=fallbacks,
        practitioners=_practitioners(_table(document, "practitioners")),
        snapshot=_snapshot(document),
        mapping=text,
        cancelling=more["cancelled"],
        status_columns=more["status"],
        length_unit=_one_of(LengthUnit, unit, "length_unit"),
        all_day_end=all_day_end,
        titles_are=_titles(document),
        in_utc=frozenset(name for name, at in columns.items() if read_heading(headers[at]).utc),
    )


def check_mapping(text: str) -> None:
    """Is it a mapping, whatever the file's columns? Raises BadInput."""
    try:
        columns = tomllib.loads(text.removeprefix("\ufeff")).get("columns", {})
    except (tomllib.TOMLDecodeError, RecursionError):
        columns = {}
    if not isinstance(columns, dict):
        columns = {}
    headers = [str(value) if key in FIELDS else key for key, value in columns.items()]
    try:
        bind_mapping(text, headers)
    except BadInput as error:
        raise BadInput(error.what, error.remedy, field="mapping") from error


def headings_of_mapping(text: str) -> frozenset[str]:
    """The headings that a mapping names, squeezed. Raises BadInput."""
    named = _table(_parsed(text), "columns").items()
    return frozenset(
        squeezed(str(each))
        for key, value in named
        for each in (value if isinstance(value, list) else [value] if key in FIELDS else [key])
    )


def fits(text: str, headers: Sequence[str]) -> bool:
    """Does a file with these headers have every column this mapping names?"""
    try:
        bind_mapping(text, headers)
    except BadInput:
        return False
    return True


def _refuse(key: str, complaint: str, remedy: str = "Correct the mapping file.") -> NoReturn:
    raise BadInput(f"In the mapping, {key}: {complaint}.", remedy, field=key)


def _parsed(text: str) -> dict[str, Any]:
    if len(text) > SIZE_LIMIT:
        raise BadInput("The mapping file is too large to be one.", field="mapping")
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        where = read_line(str(error), 200) if isinstance(error, ValueError) else "too deep"
        raise BadInput(
            f"The mapping is not valid TOML: {where}.",
            'Each line reads  name = "value"  under a heading such as [columns].',
            field="mapping",
        ) from error


def _known_keys(table: Mapping[str, Any], known: set[str], prefix: str) -> None:
    for key in table:
        if key not in known:
            hint = _did_you_mean(key, known) or f"; known are {', '.join(sorted(known))}"
            _refuse(f"{prefix}{read_line(key, 40)}", f"this is not a key of a mapping{hint}")


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word, known, 1)
    return f"; did you mean “{read_line(near[0], 40)}”?" if near else ""


def _table(document: Mapping[str, Any], key: str) -> dict[str, Any]:
    table = document.get(key, {})
    if not isinstance(table, dict):
        _refuse(key, f"this must be a table, written as [{key}]")
    return table


def _text(table: Mapping[str, Any], key: str, prefix: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        _refuse(f"{prefix}{key}", "this must be a text in quotation marks")
    return read_line(value)


def _snapshot(document: Mapping[str, Any]) -> bool | None:
    value = document.get("snapshot")
    if value is not None and not isinstance(value, bool):
        _refuse("snapshot", "this must be true or false")
    return value


def _titles(document: Mapping[str, Any]) -> tuple[str, ...]:
    value = document.get("titles", [])
    listed = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str) for each in listed):
        _refuse("titles", 'this must be a text such as "{client_name} - {type}", or several')
    checked_titles(listed)
    return tuple(listed)


def _one_of(words: type[_Word], value: str, key: str) -> _Word:
    try:
        return words(value.casefold().replace("_", " "))
    except ValueError:
        known = ", ".join(words)
        return _refuse(key, f"“{read_line(value, 40)}” is none of {known}")


def _timezone(name: str) -> str:
    if name:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            _refuse("timezone", "this is no time zone such as Australia/Sydney")
    return name


def _columns(
    table: Mapping[str, Any], headers: Sequence[str]
) -> tuple[dict[str, int], dict[str, tuple[int, ...]]]:
    """Each field's column, and all columns of the fields that may have several."""
    exact: dict[str, int] = {}
    loose: dict[str, int] = {}
    for position, header in enumerate(headers):
        exact.setdefault(folded(header), position)
        loose.setdefault(squeezed(header), position)
    columns: dict[str, int] = {}
    more: dict[str, list[int]] = {name: [] for name in _SEVERAL}
    for key in table:
        named = table[key] if key in _SEVERAL and isinstance(table[key], list) else [table[key]]
        for each in named:
            value = _text({key: each}, key, "columns.")
            field_name, header = (key, value) if key in FIELDS else (value, key)
            if field_name not in FIELDS:
                hint = _did_you_mean(key, FIELDS) or f"; known are {', '.join(sorted(FIELDS))}"
                _refuse(f"columns.{read_line(key, 40)}", f"this is not a field{hint}")
            at = exact.get(folded(header), loose.get(squeezed(header)))
            if at is None or not header:
                what = f"the file has no column “{read_line(header, 40)}”"
                _refuse(f"columns.{field_name}", what + _did_you_mean(header, headers))
            columns.setdefault(field_name, at)
            if field_name in more:
                more[field_name].append(at)
    return columns, {name: tuple(listed) for name, listed in more.items()}


def _check_complete(columns: Mapping[str, int], fallbacks: Fallbacks) -> None:
    has = columns.keys()
    if not {"practitioner", "practitioner_last_name"} & has and not fallbacks.practitioner:
        _refuse("columns.practitioner", "say which column names the practitioner")
    if "start" not in has and not ("date" in has and ({"time", "all_day"} & has)):
        _refuse("columns.start", "say which column holds the start, or name date and time")
    if not {"end", "end_time", "length"} & has and fallbacks.length is None:
        _refuse("columns.end", "say which column holds the end, end_time or length")


def _words(table: Mapping[str, Any]) -> Words:
    known = {"cancelled", "booked", "all_day", "recurring", "kind", "show_as"}
    _known_keys(table, known, "values.")
    return Words(
        cancelled=_word_list(table, "cancelled"),
        booked=_word_list(table, "booked") or frozenset(),
        all_day=_word_list(table, "all_day"),
        recurring=_word_list(table, "recurring"),
        kinds=_meanings(table, "kind", AppointmentKind, KIND_WORDS),
        show_as=_meanings(table, "show_as", ShowAs, SHOW_AS_WORDS),
    )


def _word_list(
    table: Mapping[str, Any], key: str, prefix: str = "values."
) -> frozenset[str] | None:
    if key not in table:
        return None
    value = table[key]
    listed = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str | int) for each in listed):
        _refuse(f"{prefix}{key}", 'this must be a list of texts, such as ["DNA", "Cancelled"]')
    return frozenset(folded(each) for each in listed)


def _meanings(
    table: Mapping[str, Any], key: str, words: type[_Word], usual: Mapping[str, _Word]
) -> dict[str, _Word]:
    """The usual words, and the mapping's own over them."""
    own = table.get(key, {})
    if not isinstance(own, dict):
        _refuse(f"values.{key}", f"write it as {key}.{next(iter(words)).value} = [...]")
    meanings = dict(usual)
    for name in own:
        meaning = _one_of(words, name, f"values.{key}.{read_line(name, 40)}")
        meanings.update(
            dict.fromkeys(_word_list(own, name, f"values.{key}.") or frozenset(), meaning)
        )
    return meanings


def _fallbacks(table: Mapping[str, Any]) -> Fallbacks:
    _known_keys(table, {"kind", "practitioner", "location", "length"}, "defaults.")
    kind = _text(table, "kind", "defaults.")
    length = None
    if "length" in table:
        try:
            length = read_length(table["length"])
        except CellError as error:
            _refuse("defaults.length", str(error))
    return Fallbacks(
        kind=_one_of(AppointmentKind, kind, "defaults.kind") if kind else None,
        practitioner=_text(table, "practitioner", "defaults."),
        location=_text(table, "location", "defaults."),
        length=length,
    )


def _practitioners(table: Mapping[str, Any]) -> dict[str, str]:
    meant = {fold_name(read_line(name)): _text(table, name, "practitioners.") for name in table}
    for name, target in meant.items():
        if not target:
            _refuse(f"practitioners.{name}", "say which practitioner is meant")
    return meant


# ── writing ───────────────────────────────────────────────────────────────────────────────────


def mapping_of(layout: Layout, headings: Sequence[str]) -> str:
    """A mapping that reads the next file as `layout` read this one."""
    lines = [f"source = {_quoted(layout.source)}", f'date_order = "{layout.date_order.value}"']
    if layout.timezone:
        lines.append(f"timezone = {_quoted(layout.timezone)}")
    if layout.length_unit is not LengthUnit.MINUTES:
        lines.append(f'length_unit = "{layout.length_unit.value}"')
    if layout.all_day_end:
        lines.append(f'all_day_end = "{layout.all_day_end}"')
    if layout.titles_are:
        lines.append(f"titles = [{', '.join(map(_quoted, layout.titles_are))}]")
    lines += ["", "[columns]"]
    several = {"cancelled": layout.cancelling, "status": layout.status_columns}
    for name, at in layout.columns.items():
        places = several.get(name) or (at,)
        named = [_quoted(headings[each]) for each in places]
        lines.append(f"{name} = {named[0] if len(named) == 1 else '[' + ', '.join(named) + ']'}")
    for meaning in ("cancelled", "booked"):
        words = [word for word, means in layout.statuses.items() if means == meaning and word]
        if words:
            lines += [] if "[values]" in lines else ["", "[values]"]
            lines.append(f"{meaning} = [{', '.join(map(_quoted, words))}]")
    if layout.fallbacks.length:
        minutes = round(layout.fallbacks.length.total_seconds() / 60)
        lines += ["", "[defaults]", f"length = {minutes}"]
    return "\n".join(lines) + "\n"


def _quoted(words: str) -> str:
    """A TOML basic string: JSON's, unescaped beyond ASCII, and DEL escaped."""
    return json.dumps(words, ensure_ascii=False).replace("\x7f", "\\u007f")
