"""ClinikoNames: who and what the ids in Cliniko's bookings mean, asked for once and kept.

Practitioners (also those who have left), places, kinds of appointments and of unavailable time are
fetched whole when the first booking is written, and anew with each whole fetch. An id that is not
among them is asked for by itself, once. Clients' names are kept for one fetch only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from zoneinfo import ZoneInfo

from companion.adapters.sources.cliniko_api import ClinikoApi, Json, linked, text
from companion.domain.errors import SourceTrouble, SourceUnreachable

PRACTITIONERS, TYPES, PLACES = "practitioners", "appointment_types", "businesses"
BLOCK_TYPES = "unavailable_block_types"
ARCHIVED_TOO = "archived_at:*"


def _person(record: Json) -> str:
    name = f"{text(record, 'first_name')} {text(record, 'last_name')}".strip()
    return text(record, "label").strip() or name


def _place(record: Json) -> str:
    return text(record, "label") or text(record, "display_name") or text(record, "business_name")


_NAMED: Mapping[str, Callable[[Json], str]] = {
    PRACTITIONERS: _person,
    TYPES: lambda record: text(record, "name"),
    PLACES: _place,
    BLOCK_TYPES: lambda record: text(record, "name"),
}


class ClinikoNames:
    """Of one key; several threads may use it."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[str, str]] = {}
        self._zones: dict[str, str] = {}

    def of(self, api: ClinikoApi, table: str, record: Json, link: str) -> str:
        """The name of what `record` links to; empty for nothing. Raises SourceUnreachable."""
        number = linked(record, link)
        if not number:
            return ""
        known = self._tables.get(table)
        if known is None:
            known = self._tables[table] = self._fetched(api, table)
        if number not in known:
            alone = api.one(f"{table}/{number}")
            known[number] = _NAMED[table](alone) if alone else ""
        return known[number]

    def zone(self, api: ClinikoApi, record: Json, usual: str) -> ZoneInfo:
        """Of the place where `record` is; the IANA zone `usual` where the account keeps none."""
        self.of(api, PLACES, record, "business")
        try:
            return ZoneInfo(self._zones.get(linked(record, "business")) or usual)
        except (KeyError, ValueError):  # newer than what this computer knows of zones
            return ZoneInfo(usual)

    def forget(self) -> None:
        self._tables = {}

    def _fetched(self, api: ClinikoApi, table: str) -> dict[str, str]:
        if table == PRACTITIONERS:
            return _told_apart([*api.rows(table), *api.rows(table, path="practitioners/inactive")])
        if table == PLACES:
            rows = [*api.rows(table)]
            self._zones = {text(each, "id"): text(each, "time_zone_identifier") for each in rows}
        elif table == BLOCK_TYPES:
            rows = _optional(api, table, ())
        else:
            rows = [*api.rows(table, [ARCHIVED_TOO])]
        return {text(each, "id"): _NAMED[table](each) for each in rows}


def patient_names(api: ClinikoApi, numbers: Sequence[str]) -> Mapping[str, tuple[str, str]]:
    """First and last name by id; nobody where the key's user may not see clients."""
    rows = _optional(api, "patients", numbers)
    return {text(each, "id"): (text(each, "first_name"), text(each, "last_name")) for each in rows}


def _optional(api: ClinikoApi, table: str, numbers: Sequence[str]) -> list[Json]:
    """Without it everything else is as good. `numbers`: only these, where there are any."""
    try:
        if numbers:
            return [*api.rows_of(table, "id", numbers, [ARCHIVED_TOO])]
        return [*api.rows(table, [ARCHIVED_TOO])]
    except SourceUnreachable as error:
        if error.detail.startswith("HTTP 4") and error.reason is not SourceTrouble.RATE_LIMITED:
            return []
        raise


def _told_apart(people: Sequence[Json]) -> dict[str, str]:
    """Two of one name have the end of their number behind it."""
    names = {text(each, "id"): _person(each) for each in people}
    often = Counter(names.values())
    return {
        number: name if often[name] == 1 else f"{name} {number[-4:]}"
        for number, name in names.items()
    }
