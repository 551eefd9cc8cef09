"""Serves a practice on three workstations for a browser; the first line printed is the launch
address.

    python tests/e2e/serve_workstations.py HOME

While a file ``away`` is in HOME, the practice's server is; whoever is chosen to keep the calendars
takes over within a second.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import uvicorn

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from companion.web.app import create_app  # noqa: E402 - after the path
from companion.web.launching import launch_url  # noqa: E402 - as above
from companion.web.options import AppOptions  # noqa: E402 - as above
from tests.fakes.practice import FakePractice, FakeServer  # noqa: E402 - as above
from tests.fakes.services import RunningClock, lived_in  # noqa: E402 - as above


@dataclass
class ServerByFile(FakeServer):
    away: Path = Path("away")

    def __getattribute__(self, name: str) -> object:
        if name == "reachable":
            return not self.away.exists()
        return super().__getattribute__(name)


class QuickPractice(FakePractice):
    async def let_keep(self, workstation_id: str) -> None:
        await super().let_keep(workstation_id)
        asyncio.get_running_loop().call_later(1, self.take_over)


async def main(home: Path) -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    clock = RunningClock()
    practice = QuickPractice(server=ServerByFile(away=home / "away"), now=clock.now)
    practice.change("second-site", version="1.1.0", seen_at=clock.now() - timedelta(hours=15))
    practice.change("back-office", clock_ahead=timedelta(seconds=48))
    application = await lived_in(clock=clock, shared=practice)
    clock.start()
    options = AppOptions(
        port=port, home=home, version="1.2.3", demo=True, demo_google="http://127.0.0.1:9/"
    )
    app = create_app(application.services, options)
    print(launch_url(port, options.launches.issue()), flush=True)
    config = uvicorn.Config(app, log_level="error", access_log=False)
    await uvicorn.Server(config).serve(sockets=[listening])


asyncio.run(main(Path(sys.argv[1])))
