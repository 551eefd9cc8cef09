"""ClinikoRows: bookings as rows for the layout of Cliniko, in the wall time of their place.

A group has a row for each client who ever stood in it, so that one who left is known to have, and
one without a client: it takes place while nobody comes, for Cliniko keeps it in the calendar. Rows
of a group carry no moment of change: its clients change by themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time
from zoneinfo import ZoneInfo

from companion.adapters.sources.cliniko_api import ClinikoApi, Json, linked, text
from companion.adapters.sources.cliniko_names import (
    ARCHIVED_TOO,
    BLOCK_TYPES,
    PLACES,
    PRACTITIONERS,
    TYPES,
    ClinikoNames,
    patient_names,
)
from companion.services.sources.rows_file import RowsFile

HEADINGS = (
    "id", "kind", "starts_at", "ends_at", "all_day", "practitioner", "patient_id",
    "patient_first_name", "patient_last_name", "patient_name", "appointment_type", "business",
    "did_not_arrive", "cancelled_at", "deleted_at", "archived_at", "notes", "created_at",
    "updated_at",
)  # fmt: skip
_COPIED = (
    "id", "cancelled_at", "deleted_at", "archived_at", "notes", "created_at", "updated_at",
)  # fmt: skip
_UNAVAILABLE = "Unavailable"
_MOST_NAMES = 20_000

Row = dict[str, object]


def is_group(booking: Json) -> bool:
    return booking.get("max_attendees") is not None and not linked(booking, "patient")


class ClinikoRows:
    """Of one fetch."""

    def __init__(self, file: RowsFile, api: ClinikoApi, names: ClinikoNames, timezone: str) -> None:
        """`timezone`: IANA, of the practice."""
        self._file = file
        self._api = api
        self._names = names
        self._timezone = timezone
        self._patients: dict[str, tuple[str, str]] = {}
        self.groups: set[str] = set()
        """Ids of those written."""

    def add(self, bookings: Iterable[Json]) -> None:
        """A page at most, for groups are held until their clients are known. Raises
        SourceUnreachable, Stopped."""
        groups: dict[str, Json] = {}
        for each in bookings:
            if is_group(each):
                groups[text(each, "id")] = each
            elif linked(each, "patient") or text(each, "patient_name"):
                self._file.add(self._individual(each))
            else:
                self._file.add(self._block(each))
        if groups:
            self._add_groups(groups)

    def _individual(self, booking: Json) -> Row:
        return self._common(booking) | {
            "kind": "client",
            "patient_id": linked(booking, "patient"),
            "patient_name": text(booking, "patient_name"),
            "appointment_type": self._named(TYPES, booking, "appointment_type"),
            "did_not_arrive": "true" if booking.get("did_not_arrive") is True else "",
        }

    def _block(self, booking: Json) -> Row:
        row = self._common(booking) | {
            "kind": "casual",
            "appointment_type": self._named(BLOCK_TYPES, booking, "unavailable_block_type")
            or _UNAVAILABLE,
        }
        days = _whole_days(row["starts_at"], row["ends_at"])
        return row if days is None else row | {"all_day": "true", **days}

    def _common(self, booking: Json) -> Row:
        row: Row = {name: booking.get(name) for name in _COPIED}
        zone = self._names.zone(self._api, booking, self._timezone)
        return row | {
            "starts_at": _on_the_clock(text(booking, "starts_at"), zone),
            "ends_at": _on_the_clock(text(booking, "ends_at"), zone),
            "practitioner": self._named(PRACTITIONERS, booking, "practitioner"),
            "business": self._named(PLACES, booking, "business"),
        }

    def _named(self, table: str, booking: Json, link: str) -> str:
        return self._names.of(self._api, table, booking, link)

    # ── groups ────────────────────────────────────────────────────────────────────────────────

    def _add_groups(self, groups: Mapping[str, Json]) -> None:
        attendees: dict[str, list[Json]] = {number: [] for number in groups}
        both = [ARCHIVED_TOO, "cancelled_at:*"]
        for each in self._api.rows_of("attendees", "booking_id", [*groups], both):
            attendees.setdefault(linked(each, "booking"), []).append(each)
        patients = {linked(each, "patient") for several in attendees.values() for each in several}
        self._learn(sorted(patients - {""}))
        for number, group in groups.items():
            self.groups.add(number)
            for row in self._group(group, attendees[number]):
                self._file.add(row)

    def _group(self, group: Json, attendees: Sequence[Json]) -> Iterable[Row]:
        whole = self._common(group) | {
            "kind": "client",
            "appointment_type": self._named(TYPES, group, "appointment_type"),
            "updated_at": "",
        }
        clients: dict[str, Row] = {}
        for each in attendees:
            patient = linked(each, "patient")
            first, last = self._patients.get(patient, ("", ""))
            row = whole | {
                "patient_id": patient,
                "patient_first_name": first,
                "patient_last_name": last,
                **{
                    name: group.get(name) or each.get(name)
                    for name in ("cancelled_at", "deleted_at", "archived_at")
                },
            }
            if patient and (patient not in clients or not _is_gone(row)):
                clients[patient] = row
        yield from clients.values()
        coming = not all(map(_is_gone, clients.values()))
        if coming:
            whole["cancelled_at"] = whole["cancelled_at"] or group.get("created_at") or "yes"
        yield whole

    def _learn(self, patients: Sequence[str]) -> None:
        unknown = [each for each in patients if each not in self._patients]
        if unknown:
            if len(self._patients) > _MOST_NAMES:
                self._patients.clear()
                unknown = [*patients]
            self._patients |= dict.fromkeys(unknown, ("", ""))
            self._patients |= patient_names(self._api, unknown)


def _is_gone(row: Row) -> bool:
    return bool(row["cancelled_at"] or row["deleted_at"] or row["archived_at"])


def _on_the_clock(moment: str, zone: ZoneInfo) -> object:
    """As the clocks of the place show it, with their offset; what is no moment stays as it is, to
    be read or refused with the row."""
    try:
        return datetime.fromisoformat(moment).astimezone(zone)
    except ValueError:
        return moment


def _whole_days(start: object, end: object) -> Row | None:
    """The days of a time that begins and ends at midnight, the last one exclusive."""
    if not (isinstance(start, datetime) and isinstance(end, datetime)) or start >= end:
        return None
    if start.time() != time() or end.time() != time():
        return None
    return {"starts_at": start.date(), "ends_at": end.date()}
