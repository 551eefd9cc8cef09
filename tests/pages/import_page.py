"""Files to drop on the page for imports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

from companion.web.ui.components.file_drop import FileDrop
from tests.pages.conftest import Visit
from tests.pages.driving import press

HEADERS = (
    "Appointment ID,Type,Client ID,Client First Name,Client Last Name,Consultation Type,"
    "Start,End,All Day,Practitioner,Location,Status,Cancelled,Recurring,Notes"
)
BASE = datetime(2026, 11, 30, 9)  # noqa: DTZ001 - wall time


def row(number: int, practitioner: str = "Dr Ada Example", start: str = "") -> str:
    begins = BASE + timedelta(days=number)
    start = start or f"{begins:%d/%m/%Y %H:%M}"
    end = f"{begins + timedelta(minutes=30):%d/%m/%Y %H:%M}"
    return (
        f"{number},Client,{4000 + number},Robin,Sample,Physio,{start},{end},No,{practitioner},"
        "Room 1,Busy,No,No,"
    )


async def chunks(content: str) -> AsyncIterator[bytes]:
    yield content.encode()


async def drop(visit: Visit, content: str, name: str = "export.csv") -> None:
    """A file as the browser sends it: streamed first, then announced to the page."""
    ticket = await visit.site.incoming.receive(chunks(content), file_name=name)
    press(visit.elements(FileDrop)[0], "received", {"ticket": ticket, "name": name})


def left_behind(visit: Visit) -> list[Path]:
    folder = visit.site.options.incoming
    return list(folder.iterdir()) if folder.exists() else []
