"""Which address goes into a link, and what trying it tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from companion.domain.errors import CompanionError
from companion.domain.settings import PracticeSettings
from companion.services.feeds.reachability import Interface, ListenerStatus, Reachability, ranked
from companion.services.ports import Fetch
from tests.fakes.feeds import NOON, FeedApplication
from tests.fakes.network import FakeNetwork


@dataclass
class Tried:
    """Probes that answer as told."""

    answering: bool = True
    certificate: datetime | CompanionError = NOON + timedelta(days=60)
    asked: list[str] = field(default_factory=list)

    async def listener_answers(self, base_url: str) -> bool:
        self.asked.append(base_url)
        return self.answering

    async def certificate_end(self, host: str, port: int) -> datetime:
        self.asked.append(f"{host}:{port}")
        if isinstance(self.certificate, CompanionError):
            raise self.certificate
        return self.certificate


@dataclass
class Clinic:
    application: FeedApplication = field(default_factory=FeedApplication)
    network: FakeNetwork = field(default_factory=FakeNetwork)
    probes: Tried = field(default_factory=Tried)
    listener_status: ListenerStatus = field(default_factory=lambda: ListenerStatus(host="0.0.0.0"))  # noqa: S104 - a word
    bound: str = "0.0.0.0"  # noqa: S104 - a word

    @property
    def reach(self) -> Reachability:
        return Reachability(
            settings=self.application.settings,
            feeds=self.application.store,
            network=self.network,
            probes=self.probes,
            clock=self.application.clock,
            bound=self.bound,
            port=8090,
            listener_status=self.listener_status,
        )

    async def practice(self, **changes: object) -> None:
        def edit(practice: PracticeSettings) -> PracticeSettings:
            return replace(practice, **changes)  # type: ignore[arg-type] # as the test says

        await self.application.settings.change(lambda s: replace(s, practice=edit(s.practice)))

    async def troubles(self) -> list[str]:
        return [f"{each.what} {each.remedy}" for each in await self.reach.check() if not each.ok]


def on(*pairs: tuple[str, str]) -> list[Interface]:
    return [Interface(address=address, name=name) for address, name in pairs]


@pytest.mark.parametrize(
    ("interfaces", "usual", "expected"),
    [
        (on(("10.8.0.2", "tun0"), ("192.168.1.9", "eth0")), "10.8.0.2", "192.168.1.9"),
        (on(("192.168.56.1", "VirtualBox Host-Only"), ("10.1.2.3", "Wi-Fi")), "", "10.1.2.3"),
        (on(("172.28.0.1", "vEthernet (WSL)"), ("172.20.1.5", "Ethernet")), "", "172.20.1.5"),
        (on(("192.168.1.9", "eth1"), ("10.1.2.3", "eth0")), "10.1.2.3", "10.1.2.3"),
        (on(("203.0.113.9", "eth1"), ("10.1.2.3", "eth0")), "", "10.1.2.3"),
        (on(("169.254.3.3", "eth1"), ("127.0.0.1", "lo"), ("10.1.2.3", "eth0")), "", "10.1.2.3"),
        (on(("10.0.0.10", "eth0"), ("10.0.0.9", "eth1")), "", "10.0.0.9"),
        (on(("172.17.0.1", "docker0")), "", "172.17.0.1"),
    ],
)
def test_the_address_a_phone_can_use_comes_first(
    interfaces: list[Interface], usual: str, expected: str
) -> None:
    assert ranked(interfaces, usual)[0].address == expected
    assert ranked(interfaces[::-1], usual)[0].address == expected


def test_without_any_network_a_link_leads_to_this_computer() -> None:
    clinic = Clinic(network=FakeNetwork(found=on(("127.0.0.1", "lo")), usual_address=""))
    assert clinic.reach.address() == "http://127.0.0.1:8090"


def test_an_address_that_the_listener_was_told_to_use_is_the_one_in_links() -> None:
    assert Clinic(bound="127.0.0.1").reach.address() == "http://127.0.0.1:8090"
    assert Clinic(bound="10.3.3.3").reach.listener() == ("10.3.3.3", 8090)


@pytest.mark.parametrize(
    ("settings", "address", "outside"),
    [
        ({}, "http://192.168.20.7:8090", False),
        ({"feed_host": "clinic.local"}, "http://clinic.local:8090", False),
        ({"feed_host": "workstation"}, "http://workstation:8090", False),
        ({"feed_certificate": "/c.pem"}, "https://192.168.20.7:8090", False),
        (
            {"feed_certificate": "/c.pem", "feed_host": "cal.example.org"},
            "https://cal.example.org:8090",
            True,
        ),
        ({"feed_base_url": "https://cal.example.org/x"}, "https://cal.example.org/x", True),
    ],
)
async def test_links_say_where_they_reach(
    settings: dict[str, str], address: str, outside: bool
) -> None:
    clinic = Clinic()
    await clinic.practice(**settings)
    assert clinic.reach.address() == address
    assert clinic.reach.from_outside() is outside
    assert ("Wi-Fi only" in clinic.reach.sentence()) is not outside


async def test_when_all_is_well_nothing_is_wrong() -> None:
    clinic = Clinic()
    assert await clinic.troubles() == []
    assert clinic.probes.asked == ["http://192.168.20.7:8090"]


async def closed(clinic: Clinic) -> None:
    clinic.listener_status = ListenerStatus(problem="Port 8090 is used by another program.")


async def only_here(clinic: Clinic) -> None:
    clinic.listener_status = ListenerStatus(host="127.0.0.1")


async def silent(clinic: Clinic) -> None:
    clinic.probes.answering = False


async def silent_proxy(clinic: Clinic) -> None:
    clinic.probes.answering = False
    await clinic.practice(feed_base_url="https://cal.example.org")


async def unknown_name(clinic: Clinic) -> None:
    await clinic.practice(feed_host="nowhere.local")


async def another_machine(clinic: Clinic) -> None:
    clinic.network.names["server.local"] = ("192.168.20.99",)
    await clinic.practice(feed_host="server.local")


async def refused_certificate(clinic: Clinic) -> None:
    clinic.probes.certificate = CompanionError("The certificate is not accepted.", "Renew it.")
    await clinic.practice(feed_base_url="https://cal.example.org")


async def ending_certificate(clinic: Clinic) -> None:
    clinic.probes.certificate = NOON + timedelta(days=5)
    await clinic.practice(feed_base_url="https://cal.example.org")


async def in_clear(clinic: Clinic) -> None:
    await clinic.practice(feed_base_url="http://cal.example.org")


async def switched_off(clinic: Clinic) -> None:
    await clinic.practice(feeds_allowed=False)


async def half_renewed(clinic: Clinic) -> None:
    clinic.listener_status = ListenerStatus(
        host="0.0.0.0",  # noqa: S104 - a word
        problem="The renewed certificate is not used yet.",
    )


@pytest.mark.parametrize(
    ("happen", "words"),
    [
        (closed, "used by another program"),
        (only_here, "answers this computer alone"),
        (silent, "firewall"),
        (silent_proxy, "must lead to port 8090"),
        (unknown_name, "Nobody here knows the name nowhere.local"),
        (another_machine, "is not an address of this computer (192.168.20.99)"),
        (refused_certificate, "not accepted"),
        (ending_certificate, "another 5 days"),
        (in_clear, "not encrypted"),
        (switched_off, "switched phone links off"),
        (half_renewed, "not used yet"),
    ],
)
async def test_what_is_wrong_is_said_with_what_to_do(
    happen: Callable[[Clinic], object], words: str
) -> None:
    clinic = Clinic()
    await happen(clinic)  # type: ignore[misc] # each is a coroutine function
    troubles = await clinic.troubles()
    assert any(words in each for each in troubles), troubles


async def test_a_router_that_forwards_is_no_trouble() -> None:
    clinic = Clinic()
    clinic.network.names["cal.example.org"] = ("8.8.8.8",)
    await clinic.practice(feed_host="cal.example.org", feed_certificate="/c.pem")
    assert await clinic.troubles() == []


async def test_real_fetches_are_the_proof() -> None:
    clinic = Clinic()
    first, _url = await clinic.application.feeds.add("avery", label="Phone")
    assert "none has proved" in (await clinic.reach.check())[-1].what
    fetch = Fetch(at=NOON, client="iOS/18", status=200, network="outside")
    await clinic.application.store.fetched(first.id, fetch)
    assert (await clinic.reach.check())[-1].what == (
        "In the last two days phones fetched outside of it."
    )
    await clinic.application.store.fetched(first.id, replace(fetch, at=NOON - timedelta(days=3)))
    assert "none has proved" in (await clinic.reach.check())[-1].what
