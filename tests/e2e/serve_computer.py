"""Serves a practice's home for a browser, on one of two computers at one simulated Google; prints
one line of JSON.

    python tests/e2e/serve_computer.py FOLDER

The first in FOLDER is the old computer: it brings Google along, and the first practitioner's
calendar is connected and filled. The second is the new one: no backup, but the same export.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from companion.environment import Environment  # noqa: E402 - after the path
from companion.main import open_companion  # noqa: E402 - as above
from companion.sandbox.demo import move_in, rehearse  # noqa: E402 - as above
from companion.sandbox.server import serving  # noqa: E402 - as above
from companion.sandbox.simulator_api import SimulatorApi  # noqa: E402 - as above
from companion.services.assembly import Application  # noqa: E402 - as above
from companion.web.app import create_app  # noqa: E402 - as above
from companion.web.launching import launch_url  # noqa: E402 - as above
from companion.web.options import AppOptions  # noqa: E402 - as above
from tests.contract.google_world import PersonAtPage  # noqa: E402 - as above
from tests.e2e.command_home import faster  # noqa: E402 - as above

BACK = "http://127.0.0.1:54321/oauth/callback"


async def connect(application: Application, google: str, practitioner_id: str, email: str) -> int:
    """As somebody did at the old computer; how many events were written."""
    start = await application.connecting.begin(practitioner_id, login=email, redirect_uri=BACK)
    person = PersonAtPage(google)
    await application.connecting.finish(await asyncio.to_thread(person.consents, start.url, email))
    done = await application.uploads.run(practitioner_id)
    assert done.written.error is None
    return done.written.inserted


async def main(folder: Path) -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    known = folder / "google.txt"
    async with AsyncExitStack() as stack:
        api = SimulatorApi()
        first = not known.exists()
        google = await stack.enter_async_context(serving(api)) if first else known.read_text()
        quota = api.google.meter.quota
        quota.per_user = quota.per_project = None
        rehearsal = rehearse(api, folder / "exports", datetime.now(UTC))
        home = folder / ("old" if first else "new")
        environment = Environment(home=home, google_api=google, secrets_key=os.urandom(24).hex())
        application = await stack.enter_async_context(
            open_companion(environment, holder="the test")
        )
        await application.settings.change(faster)
        await move_in(application, rehearsal, google)
        person = rehearsal.practice.practitioners[0]
        told: dict[str, Any] = {"practitioner": person.id, "name": person.name}
        told |= {"email": person.email, "google": google}
        if first:
            told["events"] = await connect(application, google, person.id, person.email)
            known.write_text(google)
        options = AppOptions(
            port=port, home=home, version="1.2.3", demo=True, demo_google=f"{google}/"
        )
        app = create_app(application, options)
        worker = asyncio.create_task(application.worker.run())
        print(json.dumps(told | {"launch": launch_url(port, options.launches.issue())}), flush=True)
        config = uvicorn.Config(app, log_level="error", access_log=False)
        await uvicorn.Server(config).serve(sockets=[listening])
        worker.cancel()


asyncio.run(main(Path(sys.argv[1])))
