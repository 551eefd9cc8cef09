"""Serves the app on a real, large book for a browser; the first line printed is the launch address.

    python tests/e2e/serve_book.py HOME PRACTITIONERS A_DAY IN_ALL

Today has A_DAY appointments of PRACTITIONERS people; further days fill the book up to IN_ALL.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import uvicorn

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from companion.domain.appointments import (  # noqa: E402 - after the path
    Appointment,
    AppointmentKind,
    Practitioner,
)
from companion.domain.settings import PractitionerSettings, Settings  # noqa: E402 - as above
from companion.environment import Environment  # noqa: E402 - as above
from companion.main import open_companion  # noqa: E402 - as above
from companion.services.ports import BookChange  # noqa: E402 - as above
from companion.web.app import create_app  # noqa: E402 - as above
from companion.web.launching import launch_url  # noqa: E402 - as above
from companion.web.options import AppOptions  # noqa: E402 - as above

ZONE = "Australia/Sydney"
QUARTER = timedelta(minutes=15)


async def main(home: Path, people: int, a_day: int, in_all: int) -> None:
    environment = Environment(home=home, secrets_key="a passphrase made up for this benchmark")
    async with open_companion(environment, holder="the benchmark") as application:
        today = application.clock.now().astimezone(ZoneInfo(ZONE)).replace(tzinfo=None)
        morning = today.replace(hour=7, minute=0, second=0, microsecond=0)

        def settle(settings: Settings) -> Settings:
            for number in range(people):
                person = Practitioner(
                    id=f"p{number}", name=f"Practitioner {number:02}", timezone=ZONE
                )
                settings = settings.with_practitioner(PractitionerSettings(practitioner=person))
            return replace(settings, practice=replace(settings.practice, name="Large"))

        await application.settings.change(settle)
        book = [appointment(n, people, a_day, morning) for n in range(in_all)]
        await application.book.apply(BookChange(put=book), application.clock.now())
        listening = socket.create_server(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        options = AppOptions(port=port, home=home, version="1.2.3", demo=True)
        app = create_app(application, options)
        print(launch_url(port, options.launches.issue()), flush=True)
        config = uvicorn.Config(app, log_level="error", access_log=False)
        await uvicorn.Server(config).serve(sockets=[listening])


def appointment(number: int, people: int, a_day: int, morning: datetime) -> Appointment:
    day, place = divmod(number, a_day)
    slot, person = divmod(place, people)
    # Backwards and forwards in turn, so that today lies in the middle of the book.
    away = (day + 1) // 2 * (1 if day % 2 else -1)
    start = morning + timedelta(days=away) + slot * 2 * QUARTER
    return Appointment(
        id=f"own-{number}",
        practitioner_id=f"p{person}",
        kind=AppointmentKind.CLIENT,
        start=start,
        end=start + 2 * QUARTER,
        timezone=ZONE,
        client_first_name="Client",
        client_last_name=f"Number {number}",
        appointment_type="Standard consultation",
        location="Room 1",
    )


asyncio.run(main(Path(sys.argv[1]), *map(int, sys.argv[2:5])))
