"""Serves an empty home beside a simulated Google; prints one line of JSON.

    python tests/e2e/serve_first_day.py FOLDER

The line names the launch address, the simulated Google's, and two files to drop: the client file
and the practice's export.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path

import uvicorn

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from companion.environment import Environment  # noqa: E402 - after the path
from companion.main import open_companion  # noqa: E402 - after the path
from companion.sandbox.demo import EXPORT, rehearse  # noqa: E402 - as above
from companion.sandbox.server import client_file, serving  # noqa: E402 - as above
from companion.sandbox.simulator_api import SimulatorApi  # noqa: E402 - as above
from companion.web.app import create_app  # noqa: E402 - as above
from companion.web.launching import launch_url  # noqa: E402 - as above
from companion.web.options import AppOptions  # noqa: E402 - as above
from tests.e2e.command_home import faster  # noqa: E402 - as above


async def main(folder: Path) -> None:
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        os.environ[name] = str(folder / name)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    api = SimulatorApi()
    async with serving(api) as google:
        rehearsal = rehearse(api, folder / "exports", datetime.now(UTC))
        client = folder / "client_secret_practice.json"
        client.write_text(json.dumps(client_file(google)), encoding="utf-8")
        environment = Environment(
            home=folder / "home", google_api=google, secrets_key=os.urandom(24).hex()
        )
        quota = api.google.meter.quota
        quota.per_user = quota.per_project = None
        async with open_companion(environment, holder="the test") as application:
            await application.settings.change(faster)
            options = AppOptions(port=port, home=environment.home, version="1.2.3")
            app = create_app(application, options)
            worker = asyncio.create_task(application.worker.run())
            told = {
                "launch": launch_url(port, options.launches.issue()),
                "google": google,
                "client": str(client),
                "export": str(rehearsal.exports[EXPORT]),
            }
            print(json.dumps(told), flush=True)
            config = uvicorn.Config(app, log_level="error", access_log=False)
            await uvicorn.Server(config).serve(sockets=[listening])
            worker.cancel()


asyncio.run(main(Path(sys.argv[1])))
