"""A FHIR server to ask, and the source that asks it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from companion.adapters.sources.fhir.source import FhirSource
from companion.domain.errors import SourceUnreachable
from companion.sandbox.fhir.service import BASE, FhirService
from companion.sandbox.fhir.store import FhirStore, appointment
from companion.sandbox.sockets import ServerThread
from companion.services.sources.remote import FetchAnswer, FetchRequest
from tests.samples.reading import read

NOW = datetime(2026, 12, 1, 1, 0, tzinfo=UTC)
START = datetime(2026, 12, 7, 9, 0, tzinfo=UTC)


class Server:
    """One on this computer, whose clock a test pushes."""

    def __init__(self) -> None:
        self.now = NOW
        self.store = FhirStore(lambda: self.now)
        self.service = FhirService(self.store)
        self.thread = ServerThread(self.service, "simulated-fhir")
        self.fields: dict[str, str] = {"address": self.thread.base_url + BASE}
        self.source = FhirSource(now=lambda: self.now)
        self.asked: list[str] = []
        self.service.observers.append(
            lambda request: self.asked.append(f"{request.path}?{request.query}")
        )
        for kind, key, name in (
            ("Practitioner", "jo", "Jo Smith"),
            ("Patient", "kim", "Kim Ng"),
            ("Patient", "ash", "Ash Reed"),
        ):
            given, _, family = name.partition(" ")
            self.named(kind, key, {"given": [given], "family": family})
        self.store.put({"resourceType": "Location", "id": "l", "name": "Banksia House"})

    def named(self, kind: str, key: str, *names: Mapping[str, object]) -> None:
        self.store.put({"resourceType": kind, "id": key, "name": [*names]})

    def book(self, key: str, patient: str = "Patient/kim", **more: Any) -> None:
        booked = appointment(
            key, START, patient=patient, practitioner="Practitioner/jo", location="Location/l"
        )
        self.store.put({**booked, **more})

    def fetch(
        self, folder: Path, *, secret: str = "", cursor: str = "", most: int | None = None
    ) -> FetchAnswer:
        request = FetchRequest(
            fields=self.fields,
            secret=secret,
            cursor=cursor,
            folder=folder,
            now=self.now,
            timezone="Australia/Sydney",
            most=most,
        )
        return self.source.fetch(request)

    def refused(self, folder: Path, **more: Any) -> SourceUnreachable:
        with pytest.raises(SourceUnreachable) as found:
            self.fetch(folder, **more)
        said = f"{found.value} {found.value.detail}"
        assert "Kim" not in said
        return found.value


def people(answer: FetchAnswer) -> list[tuple[str, str, str, str]]:
    """Practitioner, client, place and status of each row, as the import reads them."""
    assert answer.file is not None
    found = read(answer.file.read_bytes())
    assert found.content.rejections == []
    return sorted(
        (
            each.name,
            f"{each.appointment.client_first_name} {each.appointment.client_last_name}",
            each.appointment.location,
            each.appointment.status.value,
        )
        for each in found.content.drafts
    )
