"""A real home against the simulated Google: what the end-to-end tests and benchmarks stand on.

`populate` writes practitioners, sign-ins and appointments straight into a home, by the real
stores, so that no test has to click through a consent page to get to its point.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from companion.adapters.google.account import Token
from companion.adapters.google.wire import KEY
from companion.domain.appointments import Appointment, Practitioner
from companion.domain.settings import GoogleLink, PractitionerSettings, Settings, SyncChoices
from companion.environment import Environment
from companion.main import open_ports
from companion.sandbox.grants import CLIENT_ID
from companion.sandbox.server import client_file
from companion.services.assembly import Application, build
from companion.services.home_ports import Ports
from companion.services.ports import BookChange
from tests.fakes.appointments import appointment

PASSPHRASE = "a passphrase for tests"
SYDNEY = "Australia/Sydney"
NOW = datetime(2026, 3, 1, 22, 0, tzinfo=UTC)
"""Monday 2 March 2026, 09:00 in Sydney."""
FIRST = datetime(2026, 3, 2, 9, 30)  # noqa: DTZ001 - wall time


class Landlord(Protocol):
    """Whoever holds the simulated Google: in this process, or in another behind its control API."""

    base_url: str

    def let(self, email: str) -> tuple[str, str]:
        """A new account; its calendar's id and a refresh token."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A practitioner with a calendar of their own."""

    id: str
    email: str
    calendar_id: str
    refresh_token: str


def environment(home: Path, base_url: str, *, now: str = "") -> Environment:
    return Environment(home=home, google_api=base_url, secrets_key=PASSPHRASE, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class RealHome:
    ports: Ports
    services: Application


@asynccontextmanager
async def opened(home: Path, base_url: str) -> AsyncIterator[RealHome]:
    async with opened_in(environment(home, base_url, now=NOW.isoformat())) as found:
        yield found


@asynccontextmanager
async def opened_in(environment: Environment) -> AsyncIterator[RealHome]:
    async with open_ports(environment, holder="the test") as ports:
        services = build(ports)
        try:
            yield RealHome(ports=ports, services=services)
        finally:
            await services.feeds.close()


async def populate(
    application: RealHome,
    landlord: Landlord,
    people: Sequence[str],
    *,
    user_rate: float = 10.0,
    project_rate: float = 10_000 / 60,
    days_in_advance: int = 365,
) -> list[Tenant]:
    """Practitioners, connected and switched on."""
    await application.ports.secrets.put("google/client", json.dumps(client_file(landlord.base_url)))
    tenants = []
    for name in people:
        email = f"{name}@example.com"
        calendar_id, refresh_token = landlord.let(email)
        token = Token(
            refresh_token=refresh_token,
            client_id=CLIENT_ID,
            account=email,
            scopes=(),
            consented_at=NOW,
            renewed_at=NOW,
        )
        await application.ports.secrets.put(f"google/token/{name}", token.to_json())
        tenants.append(
            Tenant(id=name, email=email, calendar_id=calendar_id, refresh_token=refresh_token)
        )

    def move_in(settings: Settings) -> Settings:
        practice = replace(settings.practice, user_rate=user_rate, project_rate=project_rate)
        settings = replace(settings, practice=practice)
        for tenant in tenants:
            settings = settings.with_practitioner(
                PractitionerSettings(
                    practitioner=Practitioner(id=tenant.id, name=f"{tenant.id.title()} Example"),
                    google=GoogleLink(
                        account=tenant.email, calendar_id=tenant.calendar_id, connected_at=NOW
                    ),
                    choices=SyncChoices(enabled=True, days_in_advance=days_in_advance),
                )
            )
        return settings

    await application.services.settings.change(move_in)
    return tenants


def appointments(who: str, count: int, **more: Any) -> Iterable[Appointment]:
    """Thirty-two a day from tomorrow on."""
    for number in range(count):
        day, slot = divmod(number, 32)
        start = FIRST + timedelta(days=day + 1, minutes=15 * slot)
        usual = {
            "id": f"{who}-{number}",
            "practitioner_id": who,
            "appointment_type": "Consultation",
            "client_first_name": "Mira",
            "client_last_name": "Sample",
            "location": "Room 1",
        }
        yield appointment(start, timedelta(minutes=15), **{**usual, **more})


async def book(
    application: RealHome, put: Iterable[Appointment], *, remove: Sequence[str] = ()
) -> None:
    await application.services.book.apply(BookChange(put=list(put), remove=remove), NOW)


def keys_of(events: Iterable[dict[str, Any]]) -> Counter[str]:
    """How many live events of ours bear each key."""
    private = (
        event.get("extendedProperties", {}).get("private", {})
        for event in events
        if event.get("status") != "cancelled"
    )
    return Counter(each[KEY] for each in private if KEY in each)
