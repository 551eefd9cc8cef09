"""Reachability: how phones get to the listener, and whether they do, in plain words.

The address in a link is the proxy's or tunnel's (`feed_base_url`), else the practice's own choice
(`feed_host`), else the best of this machine's addresses: the one it speaks to others from, then
those of the kinds that clinics have, and virtual networks last.

What this computer can prove by itself, it tries: that the address answers, that a name leads
here, that a certificate is accepted. What it cannot see is a firewall on the way; for that there
is the evidence of links that were fetched, and an address to open on a phone.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import urlsplit

from companion.domain.errors import CompanionError
from companion.services.access.policy import Action
from companion.services.access.rules import allows
from companion.services.feeds.links import base_address
from companion.services.ports import Clock, FeedStore, SettingsStore

LOOPBACK = "127.0.0.1"
ANYWHERE = "0.0.0.0"  # noqa: S104 - phones in the clinic's network
FEED_PORT = 8090
CERTIFICATE_SOON = timedelta(days=14)
_VIRTUAL = re.compile(
    r"docker|veth|virbr|br-|vmnet|vmware|virtualbox|vbox|hyper-v|vethernet|wsl|loopback|"
    r"\btun|\btap|utun|wg\d|wireguard|vpn|tailscale|zerotier|bluetooth",
    re.IGNORECASE,
)
_CLINICS = tuple(map(ipaddress.ip_network, ("192.168.0.0/16", "10.0.0.0/8", "172.16.0.0/12")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    address: str
    name: str
    """As the system calls the adapter."""


class Network(Protocol):
    def interfaces(self) -> Sequence[Interface]: ...

    def usual(self) -> str:
        """The address this machine speaks to others from, or empty."""
        ...

    async def resolve(self, host: str) -> Sequence[str]:
        """Addresses; empty for a name that does not resolve."""
        ...


class ListenerProbes(Protocol):
    """What only this machine can find out about a listener."""

    async def listener_answers(self, base_url: str) -> bool: ...

    async def certificate_end(self, host: str, port: int) -> datetime:
        """Of a certificate that this machine trusts; raises CompanionError with the reason."""
        ...


@dataclass(slots=True, kw_only=True)
class ListenerStatus:
    """State of the listener for phones, written by that listener only."""

    host: str = ""
    """The bound address; ``0.0.0.0`` for every one. Empty while nothing is bound."""
    problem: str = ""
    """Why phones cannot fetch, or soon cannot, in one sentence with what to do."""

    @property
    def is_open(self) -> bool:
        return bool(self.host)

    @property
    def only_here(self) -> bool:
        return self.host in {LOOPBACK, "::1", "localhost"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachabilityFinding:
    """One thing that was tried."""

    ok: bool
    what: str
    remedy: str = ""


class Reachability:
    def __init__(
        self,
        *,
        settings: SettingsStore,
        feeds: FeedStore,
        network: Network,
        probes: ListenerProbes,
        clock: Clock,
        bound: str = ANYWHERE,
        port: int,
        listener_status: ListenerStatus | None = None,
    ) -> None:
        """`bound` and `port`: where the listener is, or was when the app last ran."""
        self._settings = settings
        self._feeds = feeds
        self._network = network
        self._probes = probes
        self._clock = clock
        self._bound = bound
        self._port = port
        self._listener_status = listener_status or ListenerStatus()

    @property
    @allows(Action.PRACTICE)
    def port(self) -> int:
        """Of the listener for phones."""
        return self._port

    @property
    @allows(Action.PHONE, somewhere=True)
    def listener_status(self) -> ListenerStatus:
        """How the listener for phones stands."""
        return self._listener_status

    @allows(Action.PHONE, somewhere=True)
    def addresses(self) -> list[Interface]:
        """Of this machine in its networks, the right one first."""
        return ranked(self._network.interfaces(), self._network.usual())

    @allows(Action.PHONE, somewhere=True)
    def listener(self) -> tuple[str, int]:
        """Address and port for links, where the practice names none."""
        return self.host(), self._port

    @allows(Action.PHONE, somewhere=True)
    def host(self) -> str:
        """The address that the listener was told to use, else the best of this machine; loopback
        when it is in no network."""
        if self._bound not in {"", ANYWHERE, "::"}:
            return self._bound
        usual = self._network.usual()
        found = ranked(self._network.interfaces(), usual)
        return found[0].address if found else usual or LOOPBACK

    @allows(Action.PHONE, somewhere=True)
    def address(self) -> str:
        """What every link begins with."""
        return base_address(self._settings.read().practice, self.host(), self._port)

    @allows(Action.PHONE, somewhere=True)
    def from_outside(self) -> bool:
        """Do links lead to an address that is meant for the whole internet?"""
        host = urlsplit(self.address()).hostname or ""
        return not _is_local(host)

    @allows(Action.PHONE, somewhere=True)
    def sentence(self) -> str:
        """Where phones reach their calendars, in plain words."""
        if self.from_outside():
            return (
                "Phones reach their calendars in the clinic and outside of it, as long as the "
                "proxy, tunnel or router in between leads here."
            )
        return (
            "Phones reach their calendars in the clinic's own Wi-Fi only. Elsewhere they show what "
            "they fetched last, and catch up when they are back."
        )

    @allows(Action.PHONE, somewhere=True)
    async def check(self, *, here: bool = True) -> list[ReachabilityFinding]:
        """Try what can be tried from this computer. `here`: the listener is this process's, so
        its own status counts."""
        practice = self._settings.read().practice
        if not practice.feeds_allowed:
            what = "The practice has switched phone links off."
            return [ReachabilityFinding(ok=False, what=what, remedy="Switch them on first.")]
        address = self.address()
        parts = urlsplit(address)
        host = parts.hostname or ""
        found = [self._listening()] if here else []
        found += await self._name(host) if not practice.feed_base_url else []
        answers = await self._probes.listener_answers(address)
        found.append(self._answering(address, answers=answers))
        if parts.scheme == "https":
            found.append(await self._certificate(host, parts.port or 443))
        elif self.from_outside():
            found.append(
                ReachabilityFinding(
                    ok=False,
                    what="Links are not encrypted, yet lead over the internet.",
                    remedy="Use https: give a certificate here, or let the proxy do it.",
                )
            )
        found.append(await self._evidence())
        return found

    def _listening(self) -> ReachabilityFinding:
        if not self._listener_status.is_open:
            problem = self._listener_status.problem or "The listener for phones is not running."
            return ReachabilityFinding(
                ok=False, what=problem, remedy="Phones keep what they have meanwhile."
            )
        if self._listener_status.only_here and not self._settings.read().practice.feed_base_url:
            return ReachabilityFinding(
                ok=False,
                what="The listener answers this computer alone.",
                remedy="Start the app without --feed-host, or with --feed-host 0.0.0.0.",
            )
        if self._listener_status.problem:
            return ReachabilityFinding(ok=False, what=self._listener_status.problem)
        return ReachabilityFinding(
            ok=True, what=f"The listener for phones runs on port {self._port}."
        )

    async def _name(self, host: str) -> list[ReachabilityFinding]:
        try:
            ipaddress.ip_address(host)
        except ValueError:
            addresses = await self._network.resolve(host)
        else:
            addresses = (host,)
        here = {each.address for each in self._network.interfaces()}
        if not addresses:
            return [
                ReachabilityFinding(
                    ok=False,
                    what=f"Nobody here knows the name {host}.",
                    remedy="Have it entered in the router or the name server, or use an address.",
                )
            ]
        if here.isdisjoint(addresses):
            return [
                ReachabilityFinding(
                    ok=not _is_local(addresses[0]),
                    what=f"{host} is not an address of this computer ({', '.join(addresses)}).",
                    remedy="That is right behind a router that forwards the port; otherwise choose "
                    "an address of this computer.",
                )
            ]
        return []

    def _answering(self, address: str, *, answers: bool) -> ReachabilityFinding:
        if answers:
            return ReachabilityFinding(ok=True, what=f"{address} answers this computer.")
        if self._settings.read().practice.feed_base_url:
            remedy = f"The proxy or tunnel must lead to port {self._port} of this computer."
        else:
            remedy = (
                f"Allow incoming connections to port {self._port} in this computer's firewall, and "
                "check the address."
            )
        return ReachabilityFinding(
            ok=False, what=f"{address} does not answer this computer.", remedy=remedy
        )

    async def _certificate(self, host: str, port: int) -> ReachabilityFinding:
        try:
            end = await self._probes.certificate_end(host, port)
        except CompanionError as error:
            return ReachabilityFinding(ok=False, what=error.what, remedy=error.remedy)
        left = end - self._clock.now()
        return ReachabilityFinding(
            ok=left > CERTIFICATE_SOON,
            what=f"The certificate is accepted and good for another {max(0, left.days)} days.",
            remedy="" if left > CERTIFICATE_SOON else "Renew it; the app takes the new one itself.",
        )

    async def _evidence(self) -> ReachabilityFinding:
        """What was really fetched recently, which no probe of ours could prove."""
        lately = self._clock.now() - timedelta(days=2)
        networks = {
            each.last_network
            for each in await self._feeds.links()
            if each.last_fetched_at is not None and each.last_fetched_at > lately
        }
        places = [
            words
            for word, words in (("inside", "in this network"), ("outside", "outside of it"))
            if word in networks
        ]
        if places:
            what = f"In the last two days phones fetched {' and '.join(places)}."
            return ReachabilityFinding(ok=True, what=what)
        return ReachabilityFinding(
            ok=True,
            what="No phone has fetched in the last two days, so none has proved the way yet.",
            remedy=f"Open {self.address()}/healthz in a phone's browser: it must show "
            '{"status":"ok"}.',
        )


def ranked(interfaces: Sequence[Interface], usual: str) -> list[Interface]:
    """Those that a phone could use, the likeliest first; each address once."""
    by_address = {each.address: each for each in interfaces if _usable(each.address)}
    return sorted(
        by_address.values(),
        key=lambda each: (
            bool(_VIRTUAL.search(each.name)),
            each.address != usual,
            _kind(each.address),
            ipaddress.ip_address(each.address).packed,
        ),
    )


def _usable(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    return not (parsed.is_loopback or parsed.is_link_local or parsed.is_unspecified)


def _kind(address: str) -> int:
    parsed = ipaddress.ip_address(address)
    return next((n for n, network in enumerate(_CLINICS) if parsed in network), len(_CLINICS))


def _is_local(host: str) -> bool:
    """An address or name that means something in one network only."""
    try:
        parsed = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith((".local", ".lan", ".home.arpa", ".internal"))
    return not parsed.is_global
