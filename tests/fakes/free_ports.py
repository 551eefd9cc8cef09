"""Ports for programs that tests start: nobody else is given one of them meanwhile.

A port that the system picks (0) may be an outgoing connection's before the program listens on it.
These lie below those that systems pick from, and each worker of a test run has its own thousand.
"""

from __future__ import annotations

import os
import random
import socket

_FIRST, _EACH, _BLOCKS = 11_000, 1_000, 20
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_START = _FIRST + _WORKER % _BLOCKS * _EACH
_given = random.Random(os.getpid()).randrange(_EACH)


def free_port() -> int:
    """On 127.0.0.1, another one at each call."""
    global _given  # noqa: PLW0603 - of this process
    for _ in range(_EACH):
        _given = (_given + 1) % _EACH
        if _is_free(_START + _given):
            return _START + _given
    raise AssertionError(f"no port from {_START} on is free")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
