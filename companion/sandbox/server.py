"""The simulated Google on a socket: its requests sorted to API, sign-in, control and pages.

with start_simulated_google() as handle:      # tests: a daemon thread
    handle.api.google.add_account(…)
    client = client_file(handle.base_url)

async with serving(api, port=0) as base_url:  # `run.py demo`: in the running event loop
"""

import threading
from contextlib import AbstractAsyncContextManager
from typing import Self

from companion.sandbox import control, oauth, people
from companion.sandbox.google import SimulatedGoogle
from companion.sandbox.grants import CLIENT_ID, CLIENT_SECRET
from companion.sandbox.refusals import Json
from companion.sandbox.simulator_api import SimulatorApi
from companion.sandbox.sockets import ServerThread, serving_simulator
from companion.sandbox.wire import ApiRequest, Reply

_NAME = "simulated-google"


def client_file(base_url: str) -> Json:
    """The content of a `client_secret.json` whose sign-in leads to this server."""
    return {
        "installed": {
            "client_id": CLIENT_ID,
            "project_id": "simulated-google",
            "auth_uri": base_url + oauth.AUTH_PATH,
            "token_uri": base_url + oauth.TOKEN_PATH,
            "auth_provider_x509_cert_url": f"{base_url}/oauth2/v1/certs",
            "client_secret": CLIENT_SECRET,
            "redirect_uris": ["http://localhost"],
        }
    }


class SimulatedSite:
    """Everything of the simulated Google: the API, the sign-in, the control API and the pages."""

    def __init__(self, api: SimulatorApi) -> None:
        self.api = api

    def reply(self, request: ApiRequest) -> Reply:
        if self.api.answers(request.path):
            return self.api.answer(request)
        if request.path.startswith(control.PREFIX):
            reply = control.answer(self.api, request)
        elif oauth.answers(request.path):
            reply = oauth.answer(self.api, request)
        else:
            reply = people.answer(self.api, request)
        reply.headers.append(("Date", self.api.date()))
        return reply


class SimulatedHandle:
    """A simulated Google that runs in a thread of its own; a context manager."""

    def __init__(self, api: SimulatorApi, port: int) -> None:
        self.api = api
        self.server = ServerThread(SimulatedSite(api), _NAME, port)
        self.base_url = self.server.base_url

    @property
    def google(self) -> SimulatedGoogle:
        """The model; hold `lock` while reading or changing it under a running client."""
        return self.api.google

    @property
    def lock(self) -> "threading.RLock":
        return self.api.lock

    def stop(self, *, wait: bool = True) -> None:
        """Without *wait* the port closes a moment later: fit for the end of a test."""
        self.server.stop(wait=wait)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()


def start_simulated_google(port: int = 0, *, api: SimulatorApi | None = None) -> SimulatedHandle:
    """A running server; the socket accepts connections from the moment this returns."""
    return SimulatedHandle(api or SimulatorApi(), port)


def serving(api: SimulatorApi, port: int = 0) -> AbstractAsyncContextManager[str]:
    """The server inside the running event loop; gives its base URL."""
    return serving_simulator(SimulatedSite(api), _NAME, port)
