"""ColumnChoices: what a person says each column holds, to and from a mapping's text.

The page shows a line for each column of the file; a mapping (see `services.imports.mappings`) has
a line for each field. What the page has no place for is kept as it stands in the mapping.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from companion.domain.errors import BadInput, CompanionError
from companion.services.imports.layouts import FIELDS
from companion.services.imports.reading.headings import read_heading, squeezed

NONE = ""
FIELD_LABELS: Mapping[str, str] = {
    "practitioner": "Practitioner",
    "practitioner_first_name": "Practitioner, first name",
    "practitioner_last_name": "Practitioner, last name",
    "start": "Start: date and time",
    "date": "Date",
    "time": "Start time",
    "end": "End: date and time",
    "end_date": "End date",
    "end_time": "End time",
    "length": "Length",
    "all_day": "All day",
    "client_name": "Client, whole name",
    "client_first_name": "Client, first name",
    "client_last_name": "Client, last name",
    "client_id": "Client number",
    "type": "Appointment type",
    "kind": "Client, casual or meeting",
    "title": "Title of a meeting",
    "meeting_type": "Type of a meeting",
    "location": "Location",
    "visit_address": "Address of a home visit",
    "telehealth_link": "Telehealth link",
    "status": "Status",
    "cancelled": "Cancelled (yes, a moment or a reason)",
    "show_as": "Busy, free or tentative",
    "recurring": "Recurring",
    "notes": "Notes",
    "reason": "Reason",
    "id": "Appointment number",
    "updated": "Last changed",
    "created": "Entered on",
    "created_by": "Entered by",
    "reminder": "Reminder",
    "timezone": "Time zone",
}
SEVERAL = frozenset({"status", "cancelled"})
"""Fields that several columns may hold."""
_KEYS: Mapping[str, str] = {
    "date_order": "Dates are written",
    "length_unit": "Lengths are in",
    "timezone": "Times are of the zone",
    "defaults.length": "Minutes of every appointment",
    "defaults.practitioner": "Whose appointments",
    "defaults.kind": "The appointments are",
    "values.cancelled": "Words that mean cancelled",
    "values.booked": "Words that mean booked",
    "source": "The source",
}
_COMPLAINT = re.compile(r"In the mapping, ([\w.]+): (.*)\.", re.DOTALL)


@dataclass(slots=True, kw_only=True)
class ColumnChoices:
    holds: dict[str, str]
    """Heading → field, or NONE; in the file's order."""
    rest: dict[str, Any] = field(default_factory=dict)
    """The mapping but for its columns."""

    def section(self, name: str) -> dict[str, Any]:
        found = self.rest.get(name)
        return found if isinstance(found, dict) else {}

    def put(self, key: str, value: object) -> None:
        """``defaults.length``; an empty value takes the line out."""
        section, _, name = key.rpartition(".")
        table = self.section(section) if section else self.rest
        if value in (None, "", []):
            table.pop(name, None)
        else:
            table[name] = value
        if section:
            self.rest[section] = table
            if not table:
                del self.rest[section]

    def get(self, key: str) -> Any:
        section, _, name = key.rpartition(".")
        return (self.section(section) if section else self.rest).get(name)

    def check(self) -> None:
        """Raises BadInput in the words of the page."""
        by_field: dict[str, list[str]] = {}
        for heading, name in self.holds.items():
            if name:
                by_field.setdefault(name, []).append(heading)
        for name, headings in by_field.items():
            if len(headings) > 1 and name not in SEVERAL:
                listed = " and ".join(f"“{each}”" for each in headings[:3])
                raise BadInput(
                    f"{listed} are both said to hold “{FIELD_LABELS[name]}”.",
                    "Choose one of them, and “Not used” for the other.",
                )
        if not {"start", "date"} & by_field.keys():
            raise BadInput(
                "No column is said to hold when appointments begin.",
                "Choose “Start: date and time” for one, or “Date” and “Start time” for two.",
            )
        if "start" not in by_field and not {"time", "all_day"} & by_field.keys():
            raise BadInput(
                "No column is said to hold the time of day.",
                "Choose “Start time” for the column of the times.",
            )
        names = {"practitioner", "practitioner_last_name"} & by_field.keys()
        if not names and not self.get("defaults.practitioner"):
            raise BadInput(
                "No column is said to hold the practitioner.",
                "Choose “Practitioner” for one, or say below whose appointments they all are.",
            )
        ends = {"end", "end_time", "length"} & by_field.keys()
        if not ends and not self.get("defaults.length"):
            raise BadInput(
                "No column is said to hold how long appointments are.",
                "Choose “End” or “Length” for one, or say below how many minutes all of them take.",
            )

    def mapping(self) -> str:
        columns: dict[str, Any] = {}
        for heading, name in self.holds.items():
            if name in SEVERAL and name in columns:
                columns[name] = [*_listed(columns[name]), heading]
            elif name:
                columns[name] = heading
        return to_toml({**self.rest, "columns": columns})


def choices_of(mapping: str, headings: Sequence[str] = ()) -> ColumnChoices:
    """`mapping`: TOML, or empty for what the headings say by themselves. `headings`: of the file;
    empty for those that the mapping names."""
    try:
        document = tomllib.loads(mapping)
    except tomllib.TOMLDecodeError:
        document = {}
    columns = document.pop("columns", {})
    written: dict[str, str] = {}
    for key, value in columns.items() if isinstance(columns, dict) else ():
        for each in map(str, _listed(value)):
            heading, name = (each, key) if key in FIELDS else (key, each)
            written[heading] = name
    if not headings:
        holds = written
    elif written:
        named = {squeezed(heading): name for heading, name in written.items()}
        holds = {each: named.get(squeezed(each), NONE) for each in headings if each}
    else:
        holds = _guessed(headings)
    return ColumnChoices(holds=holds, rest=document)


def _guessed(headings: Sequence[str]) -> dict[str, str]:
    """Each field to the heading that says it most plainly."""
    meanings = [
        (strength, -at, name, heading)
        for at, heading in enumerate(headings)
        for name, strength in read_heading(heading).meanings.items()
        if name in FIELDS
    ]
    holds = {each: NONE for each in headings if each}
    taken: set[str] = set()
    for _strength, _at, name, heading in sorted(meanings, reverse=True):
        if holds.get(heading, name) == NONE and name not in taken:
            holds[heading] = name
            taken.add(name)
    if {"date", "start"} <= taken:  # beside a date, a start is a time
        other = NONE if "time" in taken else "time"
        holds = {each: other if name == "start" else name for each, name in holds.items()}
    return holds


def in_page_words(error: CompanionError) -> CompanionError:
    """The page has columns and fields, no mapping file."""
    found = _COMPLAINT.fullmatch(error.what)
    if found is None:
        return error
    key, complaint = found.groups()
    section, _, name = key.partition(".")
    label = FIELD_LABELS.get(name) if section == "columns" else _KEYS.get(key)
    said = complaint if label is None else f"“{label}”: {complaint}"
    return CompanionError(
        f"{said[:1].upper()}{said[1:]}.",
        "Change it under “How the columns are read”.",
        detail=error.detail,
    )


# ── writing ───────────────────────────────────────────────────────────────────────────────────


def to_toml(document: Mapping[str, Any], prefix: str = "") -> str:
    """Texts, numbers, yes and no, lists of texts, and tables of these."""
    plain = {key: value for key, value in document.items() if not isinstance(value, dict)}
    tables = {key: value for key, value in document.items() if isinstance(value, dict)}
    lines = [f"{_key(key)} = {_value(value)}" for key, value in plain.items()]
    text = "".join(f"{line}\n" for line in lines)
    for key, table in tables.items():
        name = f"{prefix}{_key(key)}"
        text += f"\n[{name}]\n{to_toml(table, f'{name}.')}"
    return text


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _quoted(key)


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else _quoted(str(value))


def _quoted(words: str) -> str:
    """A TOML basic string: JSON's, unescaped beyond ASCII, and DEL escaped."""
    return json.dumps(words, ensure_ascii=False).replace("\x7f", "\\u007f")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
