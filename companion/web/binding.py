"""Ports: bound for us alone, or a sentence for people why not."""

from __future__ import annotations

import errno
import socket
import sys
from contextlib import suppress

from companion.domain.errors import Busy

LOOPBACK = "127.0.0.1"
TRIED = 20


def bind(host: str, port: int) -> socket.socket:
    """Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            # Otherwise Windows lets two programs share a port.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(2048)
        bound.setblocking(False)
    except OSError:
        bound.close()
        raise
    return bound


def bind_app(port: int) -> socket.socket:
    """Raises Busy. Whoever has the port is not the app of this home, whose lock is ours: nothing is
    sent to it, and it is not opened."""
    try:
        return bind(LOOPBACK, port)
    except OSError as error:
        raise Busy(
            f"Port {port} of this computer is used by another program, not by this "
            "Calendar Companion.",
            f"Close that program, or choose another port: python run.py --port {port + 1}",
        ) from error


def free_app_port(wanted: int) -> int:
    """That one or the next free one: on a computer with several users each has an app of theirs,
    and nobody sees the message of one that starts by itself."""
    for port in range(wanted, min(wanted + TRIED, 65536)):
        with suppress(OSError), bind(LOOPBACK, port):
            return port
    return wanted


def bind_feed(host: str, port: int) -> socket.socket:
    """For the listener for phones; raises Busy."""
    try:
        return bind(host, port)
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise Busy(
                f"The listener for phones could not start: {host} is no address of this computer.",
                "Start the app without --feed-host.",
            ) from error
        raise Busy(
            f"The listener for phones could not start: port {port} is used by another program.",
            "Phones keep what they have; close that program, or start with another --feed-port.",
        ) from error
