"""One way out: sign-in, renewal, Calendar, revocation and doctor behind a clinic's proxy.

The real adapters with Google's real addresses; the proxy opens TLS with a root of its own and
leads to the simulated Google, so nothing leaves this computer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from companion.adapters.google.service import GoogleGateway
from companion.adapters.network.route import proxy_for, read_proxy, trust_name
from companion.adapters.probes import MachineProbes
from companion.domain.errors import BadInput, CompanionError, Offline
from companion.sandbox.server import SimulatedHandle, client_file
from companion.services.google.consents import APP_CREATED
from tests.contract.google_world import BACK, PersonAtPage
from tests.fakes.certificates import write_certificate
from tests.fakes.clock import FakeClock
from tests.fakes.proxies import Proxy, running
from tests.fakes.secrets import FakeSecrets
from tests.fakes.simulator import SYDNEY, ZOE, simulated_google

HOSTS = ("www.googleapis.com", "oauth2.googleapis.com", "accounts.google.com")
PASSWORD = "practice:p@ss/w:rd é"
SCOPES = ("openid", "email", APP_CREATED)
PAGE = b"<html><title>Clinic Guest Wi-Fi</title>Please sign in</html>"


@dataclass
class Clinic:
    """A workstation whose only way out is the proxy."""

    proxy: Proxy
    handle: SimulatedHandle
    secrets: FakeSecrets
    gateway: GoogleGateway

    def captive(self, status: int) -> None:
        self.proxy.page = (
            b"HTTP/1.1 %d Filtered\r\nContent-Type: text/html\r\nConnection: close\r\n"
            b"Content-Length: %d\r\n\r\n" % (status, len(PAGE))
        ) + PAGE


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clinic]:
    certificate = write_certificate(tmp_path, hosts=HOSTS)
    secrets = FakeSecrets()
    with simulated_google() as handle:
        upstream = urlsplit(handle.base_url).port or 0
        with running(Proxy(upstream, certificate, user=PASSWORD)) as proxy:
            pair = ":".join(quote(each, safe="") for each in PASSWORD.split(":", 1))
            monkeypatch.setenv("HTTPS_PROXY", f"http://{pair}@127.0.0.1:{proxy.port}")
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
            installed = client_file(handle.base_url)["installed"]
            installed |= {
                "auth_uri": "https://accounts.google.com/o/oauth2/auth",
                "token_uri": "https://oauth2.googleapis.com/token",
            }
            secrets.kept["google/client"] = json.dumps({"installed": installed})
            made = Clinic(
                proxy=proxy, handle=handle, secrets=secrets, gateway=gateway_of(secrets, handle)
            )
            try:
                yield made
            finally:
                made.gateway.close()


def gateway_of(secrets: FakeSecrets, handle: SimulatedHandle) -> GoogleGateway:
    return GoogleGateway(
        secrets=secrets,
        clock=FakeClock(handle.api.clock(), auto=False),
        threads=2,
        timeout=5.0,
    )


async def sign_in(clinic: Clinic) -> None:
    request = await clinic.gateway.begin_sign_in(redirect_uri=BACK, scopes=SCOPES, login="")
    here = request.url.replace("https://accounts.google.com", clinic.handle.base_url)
    answer = PersonAtPage(clinic.handle.base_url).consents(here, ZOE)
    signed_in = await clinic.gateway.finish_sign_in(request, answer)
    await clinic.secrets.put("google/token/zoe", signed_in.token)


async def test_everything_goes_through_the_proxy_and_trusts_its_root(clinic: Clinic) -> None:
    await sign_in(clinic)
    info = await clinic.gateway.create_calendar("zoe", "Appointments", SYDNEY, "m")
    calendar = await clinic.gateway.calendar("zoe", info.id)
    assert (await calendar.info()).name == "Appointments"
    with clinic.handle.lock:
        clinic.handle.api.grants.expire_access(ZOE)
    assert (await calendar.info()).name == "Appointments"  # renewed through the proxy
    await clinic.gateway.revoke("zoe")
    assert set(clinic.proxy.asked) == {"www.googleapis.com:443", "oauth2.googleapis.com:443"}


async def test_a_service_account_goes_the_same_way(clinic: Clinic) -> None:
    key = clinic.handle.api.delegation.new_key("sync@x.example", clinic.handle.base_url)
    clinic.handle.api.delegation.authorise(key["client_id"], "example.com", [APP_CREATED])
    key["token_uri"] = "https://oauth2.googleapis.com/token"
    clinic.secrets.kept["google/service-account"] = json.dumps(key)
    granted = await clinic.gateway.delegate("zoe", login=ZOE, scopes=[APP_CREATED])
    await clinic.secrets.put("google/token/zoe", granted.token)
    await clinic.gateway.create_calendar("zoe", "Appointments", SYDNEY, "m")
    assert set(clinic.proxy.asked) == {"www.googleapis.com:443", "oauth2.googleapis.com:443"}
    clinic.gateway.close()
    clinic.gateway = gateway_of(clinic.secrets, clinic.handle)  # with no connection open
    clinic.captive(403)
    with pytest.raises(Offline, match="in Google's place"):
        await clinic.gateway.delegate("zoe", login=ZOE, scopes=[APP_CREATED])


async def test_a_proxy_that_refuses_the_password_has_its_own_sentence(clinic: Clinic) -> None:
    clinic.proxy.user = "somebody:else"
    with pytest.raises(Offline, match="proxy of this network asks"):
        await sign_in(clinic)
    with pytest.raises(Offline, match="proxy of this network asks"):
        await MachineProbes().network_path()


async def test_a_root_that_is_not_trusted_is_said_and_nothing_is_sent(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")  # the system does not know the proxy's root
    before = clinic.handle.google.counts.requests
    with pytest.raises(Offline, match="could not be verified"):
        await sign_in(clinic)
    assert clinic.handle.google.counts.requests == before


@pytest.mark.parametrize("status", [200, 400, 403, 404, 410])
async def test_a_page_in_googles_place_never_means_deleted(clinic: Clinic, status: int) -> None:
    await sign_in(clinic)
    info = await clinic.gateway.create_calendar("zoe", "Appointments", SYDNEY, "m")
    clinic.gateway.close()
    clinic.gateway = gateway_of(clinic.secrets, clinic.handle)  # with no connection open
    calendar = await clinic.gateway.calendar("zoe", info.id)
    clinic.captive(status)
    for work in (calendar.info(), calendar.list_ours(None, None)):
        with pytest.raises(Offline, match="in Google's place"):
            await work
    with clinic.handle.lock:
        clinic.handle.api.grants.expire_access(ZOE)
    token = json.loads(clinic.secrets.kept["google/token/zoe"])
    clinic.secrets.kept["google/token/zoe"] = json.dumps(token | {"access_token": ""})
    await clinic.gateway.forget("zoe")
    with pytest.raises(CompanionError, match="in Google's place"):  # the token endpoint's turn
        await (await clinic.gateway.calendar("zoe", info.id)).info()


async def test_the_doctor_names_proxy_trust_and_issuer(clinic: Clinic) -> None:
    path = await MachineProbes().network_path()
    assert path.proxy == f"http://127.0.0.1:{clinic.proxy.port}"
    assert "p@ss" not in path.proxy
    assert path.trust == "SSL_CERT_FILE"
    assert path.issuer == "cal.example.org"


# ── the route itself ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("address", "shown", "pair"),
    [
        ("http://proxy.clinic.example:8080", "http://proxy.clinic.example:8080", ""),
        ("proxy.clinic.example:8080", "http://proxy.clinic.example:8080", ""),
        ("http://jo%40clinic:p%3Aw%2F@proxy:3128", "http://proxy:3128", "jo@clinic:p:w/"),
        ("https://proxy.clinic.example", "https://proxy.clinic.example:443", ""),
        ("http://[2001:db8::1]:8080", "http://[2001:db8::1]:8080", ""),
    ],
)
def test_a_proxys_address_is_read_with_its_escaped_password(
    address: str, shown: str, pair: str
) -> None:
    import base64

    proxy = read_proxy(address)
    assert proxy.address == shown
    assert base64.b64decode(proxy.authorization.removeprefix("Basic ")).decode() == pair


@pytest.mark.parametrize("address", ["socks5://proxy:1080", "http://:80", "http://proxy:port"])
def test_a_proxy_that_cannot_be_used_is_named(address: str) -> None:
    with pytest.raises(BadInput, match="proxy"):
        read_proxy(address)


def test_no_proxy_and_this_computer_go_straight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:8080")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy:8080")
    monkeypatch.setenv("NO_PROXY", "clinic.example,.internal")
    assert proxy_for("https://www.googleapis.com/") is not None
    for straight in (
        "https://pms.clinic.example/x",
        "https://clinic.example",
        "https://db.internal:8443",
        "http://127.0.0.1:9/",
        "http://localhost:9/",
        "http://[::1]:9/",
    ):
        assert proxy_for(straight) is None, straight


def test_the_variable_of_trust_is_named() -> None:
    assert trust_name({}) == ""
    assert trust_name({"SSL_CERT_FILE": "a", "REQUESTS_CA_BUNDLE": "b"}) == "SSL_CERT_FILE"
    assert trust_name({"REQUESTS_CA_BUNDLE": "b"}) == "REQUESTS_CA_BUNDLE"
