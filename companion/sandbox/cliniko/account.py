"""SimulatedClinikoAccount: one Cliniko account, with its people, places and bookings.

A booking is an individual appointment, a group appointment or an unavailable block; the three share
one series of ids and one list, `/bookings`. A group's clients are attendees, which change without
their booking. Nothing is ever changed without `updated_at`, and `version` counts changes.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

INDIVIDUAL, GROUP, BLOCK = "individual_appointments", "group_appointments", "unavailable_blocks"
FIRST_ID = 1_390_053_863_100_000_000
"""Ids are as long as Cliniko's: no floating-point number holds them."""


@dataclass(slots=True, kw_only=True)
class ClinikoRecord:
    id: int
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None = None
    deleted_at: datetime | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    """Whatever else this kind of record has; ids of others are numbers."""

    @property
    def is_gone(self) -> bool:
        return self.archived_at is not None or self.deleted_at is not None

    def value(self, name: str) -> Any:
        if name in _OWN:
            return getattr(self, name)
        return self.fields.get(name)


_OWN = frozenset({"id", "created_at", "updated_at", "archived_at", "deleted_at"})
Table = dict[int, ClinikoRecord]


class SimulatedClinikoAccount:
    def __init__(
        self, *, now: Callable[[], datetime], name: str = "Banksia Allied Health", seed: int = 0
    ) -> None:
        self.now = now
        self.name = name
        self.time_zone = "Sydney"
        """A label such as Ruby on Rails has."""
        self.practitioners: Table = {}
        self.businesses: Table = {}
        self.appointment_types: Table = {}
        self.unavailable_block_types: Table = {}
        self.patients: Table = {}
        self.bookings: Table = {}
        self.attendees: Table = {}
        self.version = 0
        self.deletes_apart = False
        """As Cliniko's documents were until 2022: what is deleted stands in `/…/deleted` alone.
        Else deleting is archiving, as they say now."""
        self._chance = random.Random(seed)  # noqa: S311 - the same account every time
        self._last_id = FIRST_ID

    # ── people and places ─────────────────────────────────────────────────────────────────────

    def add_practitioner(self, first: str, last: str, *, active: bool = True) -> int:
        return self._add(
            self.practitioners,
            first_name=first,
            last_name=last,
            title="",
            designation="Physiotherapist",
            active=active,
            user_id=self._next_id(),
        )

    def add_business(self, name: str, zone: str | None = None) -> int:
        """`zone`: IANA; None where the account has not turned on time zones of its places."""
        return self._add(self.businesses, business_name=name, time_zone_identifier=zone)

    def add_type(self, name: str, *, minutes: int = 45, most: int = 1) -> int:
        return self._add(
            self.appointment_types, name=name, duration_in_minutes=minutes, max_attendees=most
        )

    def add_block_type(self, name: str) -> int:
        return self._add(self.unavailable_block_types, name=name)

    def add_patient(self, first: str, last: str) -> int:
        return self._add(self.patients, first_name=first, last_name=last)

    # ── bookings ──────────────────────────────────────────────────────────────────────────────

    def book(
        self,
        practitioner: int,
        patient: int,
        starts_at: datetime,
        *,
        kind_of: int,
        business: int,
        minutes: int = 45,
        notes: str | None = None,
    ) -> int:
        """An individual appointment."""
        booking = self._add(
            self.bookings,
            kind=INDIVIDUAL,
            practitioner_id=practitioner,
            business_id=business,
            appointment_type_id=kind_of,
            patient_id=patient,
            patient_ids=(patient,),
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=minutes),
            notes=notes,
            cancelled_at=None,
            did_not_arrive=False,
            patient_arrived=False,
        )
        self.attend(booking, patient)
        return booking

    def add_group(
        self,
        practitioner: int,
        starts_at: datetime,
        *,
        kind_of: int,
        business: int,
        minutes: int = 60,
        most: int = 8,
        notes: str | None = None,
    ) -> int:
        return self._add(
            self.bookings,
            kind=GROUP,
            practitioner_id=practitioner,
            business_id=business,
            appointment_type_id=kind_of,
            patient_ids=(),
            max_attendees=most,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=minutes),
            notes=notes,
        )

    def block(
        self,
        practitioner: int,
        starts_at: datetime,
        *,
        business: int,
        minutes: int = 30,
        notes: str | None = None,
        kind_of: int | None = None,
    ) -> int:
        return self._add(
            self.bookings,
            kind=BLOCK,
            practitioner_id=practitioner,
            business_id=business,
            unavailable_block_type_id=kind_of,
            patient_ids=(),
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=minutes),
            notes=notes,
        )

    def attend(self, booking: int, patient: int) -> int:
        """Of a group the booking itself is not touched: whether Cliniko does so is not documented,
        and this is the harder case."""
        record = self.bookings[booking]
        record.fields["patient_ids"] = (*record.fields["patient_ids"], patient)
        return self._add(
            self.attendees,
            booking_id=booking,
            patient_id=patient,
            arrived=None,
            cancelled_at=None,
        )

    # ── what becomes of them ──────────────────────────────────────────────────────────────────

    def move(self, booking: int, starts_at: datetime) -> None:
        record = self.bookings[booking]
        length = record.fields["ends_at"] - record.fields["starts_at"]
        self.edit(self.bookings, booking, starts_at=starts_at, ends_at=starts_at + length)

    def cancel(self, booking: int) -> None:
        """An individual appointment."""
        self.edit(self.bookings, booking, cancelled_at=self.now(), cancellation_reason=50)
        for attendee in self.attendees_of(booking):
            self.cancel_attendee(attendee.id)

    def cancel_attendee(self, attendee: int) -> None:
        self.edit(self.attendees, attendee, cancelled_at=self.now(), cancellation_reason=50)

    def delete(self, table: Table, number: int) -> None:
        record = table[number]
        if self.deletes_apart:
            record.deleted_at = self.now()
        else:
            record.archived_at = self.now()
        self._touch(record)

    def forget(self, booking: int) -> None:
        """As if it had never been: it stands in no list any more."""
        del self.bookings[booking]
        for attendee in self.attendees_of(booking):
            del self.attendees[attendee.id]
        self.version += 1

    def edit(self, table: Table, number: int, **fields: Any) -> None:
        record = table[number]
        record.fields.update(fields)
        self._touch(record)

    def attendees_of(self, booking: int) -> list[ClinikoRecord]:
        return [each for each in self.attendees.values() if each.fields["booking_id"] == booking]

    def patient_name(self, patient: int) -> str:
        record = self.patients[patient]
        return f"{record.fields['first_name']} {record.fields['last_name']}"

    # ── inside ────────────────────────────────────────────────────────────────────────────────

    def _add(self, table: Table, **fields: Any) -> int:
        now = self.now()
        number = self._next_id()
        table[number] = ClinikoRecord(id=number, created_at=now, updated_at=now, fields=fields)
        self.version += 1
        return number

    def _touch(self, record: ClinikoRecord) -> None:
        record.updated_at = self.now()
        self.version += 1

    def _next_id(self) -> int:
        self._last_id += self._chance.randrange(1, 10_000_000)
        return self._last_id
