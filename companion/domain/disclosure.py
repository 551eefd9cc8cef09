"""Disclosure: what one destination may see of an appointment, and the practice's cap on it.

Deciding here, in plain values, keeps every preview, feed, export and Google write the same.
A client's name with a clinic appointment is health information, so the defaults are initials,
no notes. The words a person sees are made in `companion.domain.events`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from companion.domain.appointments import Appointment, AppointmentKind, fold_name


class ClientName(StrEnum):
    """How a client is named, from least to most."""

    NONE = "none"
    ID = "id"
    INITIALS = "initials"
    FIRST = "first"
    FULL = "full"

    @property
    def openness(self) -> int:
        return list(ClientName).index(self)


class DisclosureItem(StrEnum):
    """Items to include."""

    TYPE = "type"
    LOCATION = "location"
    NOTES = "notes"
    STATUS = "status"
    """Show-as in words: Tentative, Out of office."""
    PRACTITIONER = "practitioner"
    REMINDER = "reminder"
    """A pop-up in Google as set in the book; timed events only."""
    ADDRESS = "address"
    """Of a home visit, as the place of the event."""
    TELEHEALTH = "telehealth"
    """The link of a video call: whoever has it may join."""


class KindChoice(StrEnum):
    """Which appointments go. A meeting of a series goes with RECURRING, not with MEETING."""

    CLIENT = "client"
    CASUAL = "casual"
    MEETING = "meeting"
    RECURRING = "recurring"


_CHOICES = {kind: KindChoice(kind.value) for kind in AppointmentKind}


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure:
    kinds: frozenset[KindChoice] = frozenset(KindChoice)
    items: frozenset[DisclosureItem] = frozenset({DisclosureItem.TYPE, DisclosureItem.LOCATION})
    client_name: ClientName = ClientName.INITIALS
    masked_types: frozenset[str] = frozenset()
    """Appointment types, in any spelling, that appear as "Busy" and nothing else."""
    left_out_types: frozenset[str] = frozenset()
    """Appointment types, folded, that do not go at all."""
    busy_only: bool = False
    """Everything appears as "Busy"."""

    def admits(self, appointment: Appointment) -> bool:
        """Does this appointment go at all?"""
        left_out = self.left_out_types
        if left_out and fold_name(appointment.appointment_type) in left_out:
            return False
        if appointment.in_series:
            return KindChoice.RECURRING in self.kinds
        return _CHOICES[appointment.kind] in self.kinds

    def masks(self, appointment: Appointment) -> bool:
        return self.busy_only or (
            bool(self.masked_types)
            and fold_name(appointment.appointment_type) in map(fold_name, self.masked_types)
        )

    def capped(self, cap: DisclosureCap) -> Disclosure:
        """The most open disclosure that neither this one nor the practice's cap forbids."""
        return replace(
            self,
            items=self.items & cap.items,
            client_name=min(self.client_name, cap.client_name, key=lambda mode: mode.openness),
            masked_types=self.masked_types | cap.masked_types,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosureCap:
    """What the practice allows at most, whatever a practitioner chose."""

    items: frozenset[DisclosureItem] = frozenset(DisclosureItem) - {
        DisclosureItem.ADDRESS,
        DisclosureItem.TELEHEALTH,
    }
    client_name: ClientName = ClientName.FULL
    masked_types: frozenset[str] = frozenset()
