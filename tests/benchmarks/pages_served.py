"""The app's pages in a process of their own, and the person who clicks through them."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import uvicorn

from companion.gc_tuning import freeze_gc
from companion.services.assembly import Application
from companion.web.app import create_app
from companion.web.launching import launch_url
from companion.web.options import AppOptions


def app_server(services: Application, home: Path) -> tuple[str, Coroutine[None, None, None]]:
    """As `serving` does: the launch address, and what serves the pages."""
    listening = socket.create_server(("127.0.0.1", 0))
    options = AppOptions(port=listening.getsockname()[1], home=home, version="1", demo=True)
    app = create_app(services, options)
    freeze_gc()
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False))
    launch = launch_url(options.port, options.launches.issue())
    return launch, server.serve(sockets=[listening])


async def started(module: str, *arguments: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", f"tests.benchmarks.{module}", *arguments)
    return await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)


@asynccontextmanager
async def visitor(launch: str) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that came by the launch address."""
    base = launch.partition("/?")[0]
    async with httpx.AsyncClient(base_url=base, follow_redirects=True, timeout=60) as client:
        assert (await client.get(launch)).status_code == 200
        yield client
