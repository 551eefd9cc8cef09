"""The whole app as it is served, and a browser in front of it that keeps cookies; no network."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from nicegui import app as nicegui_app
from nicegui.testing.general import nicegui_reset_globals

from companion.web.app import create_app
from companion.web.options import AppOptions
from tests.fakes.services import CLIENT_FILE, PASSWORD, FakeApplication, the_sample

PORT = 8080
ORIGIN = f"http://127.0.0.1:{PORT}"
ZOE = the_sample().practitioners[0]


class Browser:
    """Keeps cookies as a browser does, path and all; sends what a navigation sends."""

    def __init__(self, app: object, application: FakeApplication, options: AppOptions) -> None:
        self.application = application
        self.options = options
        self.app = app
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
        self.http = httpx.AsyncClient(transport=transport, base_url=ORIGIN)

    async def be_known(self) -> None:
        answer = await self.http.get(f"/?launch={self.options.launches.issue()}")
        assert answer.status_code == 303

    async def launch(self) -> None:
        """Known, and signed in as the administrator."""
        await self.be_known()
        await self.sign_in("Alex")

    async def post(self, path: str, **form: str) -> httpx.Response:
        return await self.http.post(path, data=form, headers={"origin": ORIGIN})

    async def sign_in(self, name: str, password: str = PASSWORD, to: str = "/") -> httpx.Response:
        return await self.post("/sign-in", name=name, password=password, to=to)

    async def begin(self, query: str = "") -> str:
        """Press Connect to Google; the address at Google."""
        answer = await self.http.get(f"/oauth/start/{ZOE.id}{query}")
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]


@asynccontextmanager
async def serving(
    application: FakeApplication, folder: Path, **more: Any
) -> AsyncIterator[Browser]:
    """`more`: fields of AppOptions."""
    await application.services.connecting.set_client(CLIENT_FILE)
    with nicegui_reset_globals():
        os.environ["NICEGUI_USER_SIMULATION"] = "true"
        try:
            options = AppOptions(port=PORT, home=folder, version="1.2.3", **more)
            app = create_app(application.services, options)
            async with nicegui_app.router.lifespan_context(nicegui_app):
                browser = Browser(app, application, options)
                async with browser.http:
                    yield browser
        finally:
            os.environ.pop("NICEGUI_USER_SIMULATION", None)
