"""A machine's network as a test wants it."""

from __future__ import annotations

from dataclasses import dataclass, field

from companion.services.feeds.reachability import Interface


@dataclass
class FakeNetwork:
    """A Network."""

    found: list[Interface] = field(
        default_factory=lambda: [
            Interface(address="127.0.0.1", name="lo"),
            Interface(address="172.17.0.1", name="docker0"),
            Interface(address="192.168.20.7", name="Ethernet"),
        ]
    )
    usual_address: str = "192.168.20.7"
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def interfaces(self) -> list[Interface]:
        return self.found

    def usual(self) -> str:
        return self.usual_address

    async def resolve(self, host: str) -> tuple[str, ...]:
        return self.names.get(host, ())
