"""FHIR R4 Appointments as a sheet: a Bundle, a single resource, or one resource a line (NDJSON).

Names of practitioners, patients and places come from `participant.actor`: its `display`, else the
resource of that reference in the appointment itself (`contained`) or in the same file, by its type
and id or by the address that its bundle gives it. A participant who declined takes no part. An
entry that says DELETE, or an appointment without a start, has no moment and is left to its status:
a waitlisted or cancelled one without a start is no row.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from companion.adapters.tabular.refusals import RefusedFile
from companion.adapters.tabular.stream import SheetWriter

HEADINGS = (
    "Appointment.id", "Appointment.status", "Appointment.start", "Appointment.end",
    "Appointment.minutesDuration", "Practitioner", "Patient", "Patient id",
    "Appointment.appointmentType", "Location", "Appointment.description", "Appointment.comment",
    "Appointment.created", "Appointment.meta.lastUpdated",
)  # fmt: skip
_ROLES = ("Practitioner", "PractitionerRole")

Resource = Mapping[str, Any]


def read_fhir(content: bytes, writer: SheetWriter) -> None:
    """Raises RefusedFile where the file holds no FHIR resource."""
    entries = list(_resources(content))
    resources = [each for _, each in entries]
    known = {url: each for url, each in entries if url}
    known |= {f"{each.get('resourceType')}/{each.get('id')}": each for each in resources}
    writer.sheet("")
    writer.row(1, HEADINGS)
    number = 1
    for each in resources:
        if each.get("resourceType") != "Appointment":
            continue
        number += 1
        if each.get("start") is None and each.get("status") in {
            "proposed", "cancelled", "waitlist", "entered-in-error",
        }:  # fmt: skip
            continue
        try:
            inside = {f"#{part.get('id')}": part for part in each.get("contained") or ()}
            writer.row(number, _cells(each, {**known, **inside} if inside else known))
        except (TypeError, AttributeError, KeyError):
            writer.damaged(number, "The appointment is not as FHIR R4 describes it.")
    if number == 1 and not any("resourceType" in each for each in resources):
        raise RefusedFile("no fhir")


def _resources(content: bytes) -> Iterator[tuple[str, Resource]]:
    """Every resource of the file, bundles and those inside of them, with its address in its bundle
    (``urn:uuid:…``)."""
    text = content.decode("utf-8-sig", "replace")
    try:
        documents = [json.loads(text)]
    except (ValueError, RecursionError):
        documents = _lines(text)
    for document in documents:
        yield from _inside(document)


def _lines(text: str) -> list[Any]:
    found = []
    for line in text.splitlines():
        if line.strip():
            try:
                found.append(json.loads(line))
            except (ValueError, RecursionError):
                raise RefusedFile("json") from None
    return found


def _inside(document: object) -> Iterator[tuple[str, Resource]]:
    if isinstance(document, list):
        for each in document:
            yield from _inside(each)
    elif isinstance(document, dict) and document.get("resourceType") == "Bundle":
        yield "", document
        for entry in document.get("entry") or ():
            resource = entry.get("resource") if isinstance(entry, dict) else None
            if isinstance(resource, dict):
                found = _as_removed(resource) if _is_deletion(entry) else resource
                yield str(entry.get("fullUrl") or ""), found
    elif isinstance(document, dict):
        yield "", document


def _is_deletion(entry: Mapping[str, Any]) -> bool:
    request = entry.get("request")
    return isinstance(request, dict) and request.get("method") == "DELETE"


def _as_removed(resource: Resource) -> Resource:
    return {**resource, "status": "entered-in-error"}


def _cells(each: Resource, known: Mapping[str, Resource]) -> tuple[str | int | None, ...]:
    actors = [
        each_actor["actor"]
        for each_actor in each.get("participant") or ()
        if each_actor.get("actor") and each_actor.get("status") != "declined"
    ]
    kinds = [(_kind(actor, known), actor) for actor in actors]
    clients = [actor for kind, actor in kinds if kind in {"Patient", "RelatedPerson"}]
    patient = clients[0] if clients else None
    practitioners = [_name(actor, known) for kind, actor in kinds if kind in _ROLES]
    places = [_name(actor, known) for kind, actor in kinds if kind == "Location"]
    created, meta = each.get("created"), each.get("meta") or {}
    return (
        _text(each.get("id")),
        _text(each.get("status")),
        _text(each.get("start")),
        _text(each.get("end")),
        each.get("minutesDuration"),
        "; ".join(dict.fromkeys(filter(None, practitioners))) or None,
        _name(patient, known) if patient else None,
        _id(patient, known) if patient else None,
        _concept(each.get("appointmentType")) or _concept((each.get("serviceType") or [None])[0]),
        ", ".join(filter(None, places)) or None,
        _text(each.get("description")),
        _text(each.get("comment")),
        _text(created),
        _text(meta.get("lastUpdated")),
    )


def _text(value: object) -> str | None:
    return str(value).strip() or None if value is not None else None


def _reference(actor: Resource) -> str:
    """As in `known`: ``Patient/12``, ``#p1``, ``urn:uuid:…``; without one ``Patient/``."""
    reference = str(actor.get("reference") or "").partition("/_history/")[0]
    parts = reference.split("/")
    if reference.startswith(("#", "urn:")):
        return reference
    return "/".join(parts[-2:]) if len(parts) >= 2 else str(actor.get("type") or "") + "/"


def _kind(actor: Resource, known: Mapping[str, Resource]) -> str:
    reference = _reference(actor)
    resource = known.get(reference, {})
    return str(actor.get("type") or resource.get("resourceType") or reference.partition("/")[0])


def _id(actor: Resource, known: Mapping[str, Resource]) -> str | None:
    reference = _reference(actor)
    if reference.startswith("#"):
        return None  # of this appointment alone
    if reference.startswith("urn:"):
        return _text(known.get(reference, {}).get("id"))
    return reference.rpartition("/")[2] or None


def _name(actor: Resource, known: Mapping[str, Resource]) -> str | None:
    """The display of a reference, else the name of what it refers to."""
    if actor.get("display"):
        return str(actor["display"])
    resource = known.get(_reference(actor), {})
    practitioner = resource.get("practitioner")
    if isinstance(practitioner, dict):  # of a PractitionerRole
        return _name(practitioner, known)
    name = resource.get("name")
    if isinstance(name, str):
        return name
    if isinstance(name, list) and name:
        best = min(name, key=lambda each: _USES.get(str(each.get("use")), 2))
        given = " ".join(best.get("given") or ())
        family = best.get("family") or ""
        family = family if isinstance(family, str) else " ".join(family)  # as before FHIR R4
        return best.get("text") or f"{given} {family}".strip() or None
    return _text((actor.get("identifier") or {}).get("value"))


_USES = {"official": 0, "usual": 1, "nickname": 3, "maiden": 4, "old": 5}
"""Which name of a person counts; the others come between."""


def _concept(concept: object) -> str | None:
    if not isinstance(concept, dict):
        return None
    coding = (concept.get("coding") or [{}])[0]
    return _text(concept.get("text")) or _text(coding.get("display")) or _text(coding.get("code"))
