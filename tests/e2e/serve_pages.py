"""Serves the app on a fake application for a browser; the first line printed is the launch address.

    python tests/e2e/serve_pages.py HOME [DAYS]

DAYS: so many days of use have gone by before.

Google takes a hundred events a second, so that an upload can be watched and cancelled, and
Fatima's book has grown since her last upload.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import uvicorn

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from companion.domain.appointments import appointment_id  # noqa: E402 - after the path
from companion.web.app import create_app  # noqa: E402 - as above
from companion.web.launching import launch_url  # noqa: E402 - as above
from companion.web.options import AppOptions  # noqa: E402 - as above
from tests.fakes.services import (  # noqa: E402 - as above
    TUESDAY,
    FakeApplication,
    RunningClock,
    lived_in,
    the_sample,
)
from tests.fakes.weeks import live_on  # noqa: E402 - as above

FATIMA = 3
GROWTH = 300


async def main(home: Path, days: int) -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    clock = RunningClock(begun=TUESDAY - timedelta(days=days))
    application = await lived_in(clock=clock)
    await live_on(application, clock, days)
    await grow(application)
    clock.start()
    options = AppOptions(
        port=port,
        home=home,
        version="1.2.3",
        demo=True,
        demo_google="http://127.0.0.1:9/",
    )
    app = create_app(application.services, options)
    print(launch_url(port, options.launches.issue()), flush=True)
    config = uvicorn.Config(app, log_level="error", access_log=False)
    await uvicorn.Server(config).serve(sockets=[listening])


async def grow(application: FakeApplication) -> None:
    sample = the_sample()
    fatima = sample.practitioners[FATIMA].id
    first = next(each for each in sample.imported if each.practitioner_id == fatima)
    await application.write(
        *(
            replace(
                first,
                id=appointment_id("grown", str(number), bytes(32)),
                source_id=f"grown-{number}",
                start=first.start + timedelta(days=16, minutes=number),
                end=first.end + timedelta(days=16, minutes=number),
            )
            for number in range(GROWTH)
        )
    )


asyncio.run(main(Path(sys.argv[1]), int((*sys.argv, "0")[2])))
