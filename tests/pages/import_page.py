"""Files to drop on the page for imports."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from tests.pages.conftest import Visit
from tests.pages.driving import button, drop, press

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


async def bring(visit: Visit, content: str, name: str = "export.csv") -> None:
    """To the page, opened for it."""
    await visit.user.open("/import")
    await drop(visit, content, name)


async def apply(visit: Visit) -> None:
    press(button(visit, "Apply"))
    await visit.user.should_see("The book is up to date with the file.")


def left_behind(visit: Visit) -> list[Path]:
    folder = visit.site.options.incoming
    return list(folder.iterdir()) if folder.exists() else []
