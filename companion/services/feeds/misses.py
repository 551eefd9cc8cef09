"""Misses: how often one address may ask for what does not exist.

A token has 256 bits, so guessing cannot find one; this keeps a scanner from using up the machine.
Each address has a token bucket of tries. Only misses are counted: a link that exists is answered
however many clients share its address (a router, a proxy).
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Misses:
    monotonic: Callable[[], float]
    burst: int = 30
    per_second: float = 0.5
    addresses: int = 10_000
    """At most so many are remembered; the one that missed longest ago is forgotten first."""
    _left: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict, init=False)

    def allow(self, address: str) -> bool:
        """Count one miss; False when this address has had too many recently."""
        who = network_of(address)
        now = self.monotonic()
        left, since = self._left.pop(who, (float(self.burst), now))
        left = min(float(self.burst), left + (now - since) * self.per_second)
        allowed = left >= 1
        self._left[who] = (left - 1 if allowed else left, now)
        if len(self._left) > self.addresses:
            self._left.popitem(last=False)
        return allowed


def network_of(address: str) -> str:
    """An IPv4 address; of IPv6 the /64 that one household or machine owns."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((parsed, 64), strict=False))
