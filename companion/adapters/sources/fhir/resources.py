"""What is kept of resources: as much as an import needs, and no address or number of a patient."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

Resource = Mapping[str, Any]
NAMED = ("Patient", "Practitioner", "PractitionerRole", "RelatedPerson", "Location")
"""Types whose names appear in an appointment, and which can be read."""
_APPOINTMENT = (
    "resourceType", "id", "status", "start", "end", "minutesDuration", "appointmentType",
    "serviceType", "description", "comment", "created",
)  # fmt: skip
_NAME = ("use", "text", "given", "family")


def slim_appointment(resource: Resource, base: str) -> dict[str, Any]:
    """`base`: of the server, by which references are told from those to elsewhere."""
    found: dict[str, Any] = {key: resource[key] for key in _APPOINTMENT if key in resource}
    meta = resource.get("meta")
    if isinstance(meta, dict) and "lastUpdated" in meta:
        found["meta"] = {"lastUpdated": meta["lastUpdated"]}
    participants = resource.get("participant")
    found["participant"] = [
        {"status": each.get("status"), "actor": _slim_actor(each["actor"], base)}
        for each in (participants if isinstance(participants, list) else ())
        if isinstance(each, dict) and isinstance(each.get("actor"), dict)
    ]
    contained = resource.get("contained")
    if isinstance(contained, list):
        found["contained"] = [
            slim_named(each, base)
            for each in contained
            if isinstance(each, dict) and each.get("resourceType") in NAMED
        ]
    return found


def slim_named(resource: Resource, base: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        key: resource[key] for key in ("resourceType", "id") if key in resource
    }
    name = resource.get("name")
    if isinstance(name, list):
        found["name"] = [
            {key: each[key] for key in _NAME if key in each}
            for each in name
            if isinstance(each, dict)
        ]
    elif isinstance(name, str):
        found["name"] = name
    role = resource.get("practitioner")
    if isinstance(role, dict):
        found["practitioner"] = _slim_actor(role, base)
    return found


def nameless(appointment: Resource) -> Iterator[str]:
    """References of a slim appointment that do not say whose they are."""
    for each in appointment["participant"]:
        reference = each["actor"].get("reference", "")
        if reference and not each["actor"].get("display") and not reference.startswith("#"):
            yield reference


def reference_of(resource: Resource) -> str:
    return f"{resource.get('resourceType')}/{resource.get('id')}"


def _slim_actor(actor: Resource, base: str) -> dict[str, Any]:
    found: dict[str, Any] = {key: actor[key] for key in ("type", "display") if actor.get(key)}
    reference = str(actor.get("reference") or "")
    here = reference.removeprefix(f"{base}/").partition("/_history/")[0]
    parts = here.split("/")
    if reference.startswith("#") or (len(parts) == 2 and all(parts)):
        found["reference"] = here
    elif len(parts) > 2:  # of another server: its number could be somebody else's here
        found.setdefault("type", parts[-2])
    identifier = actor.get("identifier")
    if isinstance(identifier, dict) and identifier.get("value"):
        found["identifier"] = {"value": identifier["value"]}
    return found


class ResourcesFile(AbstractContextManager["ResourcesFile"]):
    """Resources, one a line, in a private file; its digest does not depend on their order."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError."""
        self.path = folder / "appointments.ndjson"
        self.size = 0
        self._sum = 0
        self.path.unlink(missing_ok=True)
        private = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(private, "w", encoding="utf-8", newline="\n")
        self.add(
            {"resourceType": "Bundle", "type": "searchset"}
        )  # so that an empty one is FHIR too

    def add(self, resource: Resource) -> None:
        line = json.dumps(resource, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
        self._file.write(f"{line}\n")
        self.size += len(line)
        self._sum += int.from_bytes(hashlib.sha256(line.encode()).digest(), "big")

    @property
    def digest(self) -> str:
        return f"{self._sum % (1 << 256):064x}"

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()
