"""FhirStore: resources by type and id, when each last changed, and which were deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Resource = dict[str, Any]
STATUSES = frozenset({
    "proposed", "pending", "booked", "arrived", "fulfilled", "cancelled", "noshow",
    "entered-in-error", "checked-in", "waitlist",
})  # fmt: skip


class Invalid(Exception):
    """The resource is not as FHIR R4 describes it."""


@dataclass(slots=True)
class FhirStore:
    now: Callable[[], datetime]
    """Aware UTC."""
    resources: dict[str, dict[str, Resource]] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    """References."""
    version: int = 0

    def put(self, resource: Mapping[str, Any]) -> str:
        """Its reference. Raises Invalid."""
        if resource["resourceType"] == "Appointment":
            _check(resource)
        self.version += 1
        kept = dict(resource)
        moment = self.now().astimezone(UTC)
        kept["meta"] = {
            "versionId": str(self.version),
            "lastUpdated": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}+00:00",
        }
        table = self.resources.setdefault(kept["resourceType"], {})
        table[kept["id"]] = kept
        reference = f"{kept['resourceType']}/{kept['id']}"
        self.deleted.discard(reference)
        return reference

    def delete(self, reference: str) -> None:
        kind, _slash, number = reference.partition("/")
        self.resources[kind].pop(number)
        self.deleted.add(reference)
        self.version += 1

    def find(self, reference: str) -> Resource | None:
        kind, _slash, number = reference.partition("/")
        return self.resources.get(kind, {}).get(number)

    def all(self, kind: str) -> Iterator[Resource]:
        yield from self.resources.get(kind, {}).values()


def _check(appointment: Mapping[str, Any]) -> None:
    """The rules app-1 to app-4 and what is compulsory."""
    status, participants = appointment.get("status"), appointment.get("participant")
    start, end = appointment.get("start"), appointment.get("end")
    if status not in STATUSES:
        raise Invalid("status")
    if not participants or not all(each.get("status") for each in participants):
        raise Invalid("participant")
    if not all(each.get("type") or each.get("actor") for each in participants):
        raise Invalid("app-1")
    if bool(start) != bool(end):
        raise Invalid("app-2")
    if not start and status not in {"proposed", "cancelled", "waitlist"}:
        raise Invalid("app-3")
    for each in filter(None, (start, end)):
        if datetime.fromisoformat(each).tzinfo is None:
            raise Invalid("an instant needs its offset")


def fill(store: FhirStore, count: int, *, first: datetime, practitioners: int = 5) -> None:
    """A book of `count` appointments, 16 a day for each practitioner; clients come every two
    weeks or so. `first`: aware, the start of the first day's first one."""
    store.put({"resourceType": "Location", "id": "l1", "name": "Banksia House"})
    for number in range(practitioners):
        name = {"family": f"Example{number}", "given": ["Jo"], "prefix": ["Dr"]}
        store.put({"resourceType": "Practitioner", "id": f"d{number}", "name": [name]})
    clients = max(count // 4, 1)
    for number in range(clients):
        name = {"use": "official", "family": f"Sample{number}", "given": ["Kim"]}
        store.put(
            {
                "resourceType": "Patient",
                "id": f"p{number}",
                "name": [name],
                "telecom": [{"system": "phone", "value": "0491 570 156"}],
            }
        )
    for number in range(count):
        day, place = divmod(number, 16 * practitioners)
        slot, practitioner = divmod(place, practitioners)
        start = first + timedelta(days=day, minutes=30 * slot)
        store.put(
            appointment(
                f"a{number}",
                start,
                patient=f"Patient/p{number % clients}",
                practitioner=f"Practitioner/d{practitioner}",
                location="Location/l1",
            )
        )


def appointment(
    key: str,
    start: datetime,
    *,
    minutes: int = 30,
    status: str = "booked",
    **actors: str,
) -> Resource:
    """`actors`: references, whatever they are called."""
    return {
        "resourceType": "Appointment",
        "id": key,
        "status": status,
        "appointmentType": {"text": "Standard consultation"},
        "start": start.isoformat(timespec="seconds"),
        "end": (start + timedelta(minutes=minutes)).isoformat(timespec="seconds"),
        "minutesDuration": minutes,
        "participant": [
            {"actor": {"reference": each}, "status": "accepted"} for each in actors.values()
        ],
    }
