"""A Google to sign in at: the fake gateway, or the real one against the simulated Google."""

import http.client
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qs, urlencode, urlsplit

from companion.adapters.google.account import Token
from companion.adapters.google.service import GoogleGateway
from companion.sandbox.server import SimulatedHandle, client_file
from companion.services.google.consents import APP_CREATED, IDENTITY
from companion.services.ports import Google, RemoteCalendar, SignedIn
from tests.fakes.clock import FakeClock
from tests.fakes.google import FakeGoogle
from tests.fakes.secrets import FakeSecrets
from tests.fakes.simulator import SYDNEY, ZOE, simulated_google

BACK = "http://127.0.0.1:54321/oauth/callback"
NARROW = (*IDENTITY, APP_CREATED)


class Person(Protocol):
    """Somebody at Google's consent page; answers where the browser is sent."""

    def consents(self, url: str, account: str, untick: str = "") -> str: ...
    def cancels(self, url: str) -> str: ...


@dataclass
class PersonAtFake:
    google: FakeGoogle

    def consents(self, url: str, account: str, untick: str = "") -> str:
        return self.google.consent(url, account, untick=[untick])

    def cancels(self, url: str) -> str:
        return self.google.refuse(url)


@dataclass
class PersonAtPage:
    """Posts the consent page's form."""

    base_url: str

    def consents(self, url: str, account: str, untick: str = "") -> str:
        asked = urlsplit(url).query
        scopes = parse_qs(asked)["scope"][0].split()
        ticked = [each.rpartition("/")[2] for each in scopes if each != untick]
        form = [("request", asked), ("account", account), ("decision", "allow")]
        return self._post([*form, *(("scope", each) for each in ticked)])

    def cancels(self, url: str) -> str:
        return self._post([("request", urlsplit(url).query), ("decision", "cancel")])

    def _post(self, form: list[tuple[str, str]]) -> str:
        parts = urlsplit(self.base_url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=5)
        try:
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", "/o/oauth2/v2/auth", urlencode(form), headers)
            response = connection.getresponse()
            response.read()
            assert response.status == 303, response.status
            return response.getheader("Location") or ""
        finally:
            connection.close()


@dataclass
class World:
    google: Google
    person: Person
    secrets: FakeSecrets

    async def sign_in(
        self, account: str = ZOE, scopes: tuple[str, ...] = NARROW, name: str = "zoe"
    ) -> SignedIn:
        request = await self.google.begin_sign_in(redirect_uri=BACK, scopes=scopes, login="")
        answer = self.person.consents(request.url, account)
        signed_in = await self.google.finish_sign_in(request, answer)
        await self.secrets.put(f"google/token/{name}", signed_in.token)
        return signed_in

    async def signed_in_calendar(self) -> RemoteCalendar:
        await self.sign_in()
        info = await self.google.create_calendar("zoe", "Appointments", SYDNEY, "m")
        return await self.google.calendar("zoe", info.id)


@dataclass
class SimulatedWorld(World):
    handle: SimulatedHandle
    clock: FakeClock
    gateway: GoogleGateway

    @property
    def token(self) -> Token:
        return Token.from_json(self.secrets.kept["google/token/zoe"])

    def refreshes(self) -> int:
        return len(self.handle.api.grants.access)


@asynccontextmanager
async def simulated() -> AsyncIterator[SimulatedWorld]:
    secrets = FakeSecrets()
    with simulated_google() as handle:
        clock = FakeClock(handle.api.clock(), auto=False)
        await secrets.put("google/client", json.dumps(client_file(handle.base_url)))
        google = GoogleGateway(
            secrets=secrets,
            clock=clock,
            api_root=handle.base_url,
            threads=4,
            timeout=3.0,
        )
        try:
            yield SimulatedWorld(
                google=google,
                gateway=google,
                person=PersonAtPage(handle.base_url),
                secrets=secrets,
                handle=handle,
                clock=clock,
            )
        finally:
            google.close()
