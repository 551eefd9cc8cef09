"""MachineNetwork: this machine's addresses, and what a host name means here. Sends nothing but
name look-ups. And the note of where the app last answered phones, in `LISTENER_NOTE`."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from pathlib import Path

import ifaddr

from companion.services.feeds.reachability import ANYWHERE, FEED_PORT, Interface

LISTENER_NOTE = "phones.listener"


class MachineNetwork:
    """Implements `Network` of companion.services.feeds.reachability."""

    def interfaces(self) -> list[Interface]:
        """IPv4 only: people copy these by hand, and every clinic's network has them."""
        return [
            Interface(address=str(each.ip), name=adapter.nice_name)
            for adapter in ifaddr.get_adapters()
            for each in adapter.ips
            if each.is_IPv4
        ]

    def usual(self) -> str:
        """The address from which this machine speaks to others; empty when it has none."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(("192.0.2.1", 9))  # TEST-NET: only asks the routing table
            except OSError:
                return ""
            return str(probe.getsockname()[0])

    async def resolve(self, host: str) -> tuple[str, ...]:
        """Its addresses; empty for a name that does not resolve."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(5):
                found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, TimeoutError, UnicodeError):
            return ()
        return tuple(dict.fromkeys(str(each[4][0]) for each in found))


def noted_listener(home: Path) -> tuple[str, int]:
    """Where the app last answered phones, so that a command makes the right links."""
    try:
        host, port = (home / LISTENER_NOTE).read_text(encoding="ascii").split()
        return host, int(port)
    except (OSError, ValueError):
        return ANYWHERE, FEED_PORT


def note_listener(home: Path, host: str, port: int) -> None:
    """A note that cannot be written costs a wrong port in a link that a command prints."""
    with suppress(OSError, ValueError):
        (home / LISTENER_NOTE).write_text(f"{host} {port}", encoding="ascii")
