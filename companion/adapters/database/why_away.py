"""Why a database server cannot be used: its name is asked for, its door knocked at, its
certificate looked at.

The driver's own words come in the language of the computer, and quote what must not be shown.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath

from sqlalchemy import URL

from companion.adapters.database.why_unproven import why_unproven
from companion.domain.practice_errors import DatabaseAway, ServerUnproven, Unreached

KNOCK_SECONDS = 3.0
_PORT = 5432


@contextmanager
def explaining(url: URL, *, seconds: float = KNOCK_SECONDS) -> Iterator[None]:
    """A DatabaseAway of the block gets place and reason, a ServerUnproven its reason. Blocks for a
    few times `seconds` at most, besides the look-up of the name."""
    try:
        yield
    except ServerUnproven as error:
        reason = why_unproven(url, *_door(url), seconds)
        raise ServerUnproven(reason=reason, detail=error.detail) from None
    except DatabaseAway as error:
        if error.place or not (place := place_of(url)):
            raise
        unreached = _reason(url, seconds)
        raise DatabaseAway(place=place, reason=unreached, detail=error.detail) from None


def place_of(url: URL) -> str:
    """Host and port, or the folder of a socket; the first, where there are several. Empty where the
    driver decides."""
    host, port = _door(url)
    if _is_folder(host):
        return host
    named = f"[{host}]" if ":" in host else host
    return f"{named}:{port}" if host else ""


def _reason(url: URL, seconds: float) -> Unreached | None:
    host, port = _door(url)
    if _is_folder(host):
        return None
    try:
        socket.create_connection((host, port), seconds).close()
    except (socket.gaierror, UnicodeError):
        return Unreached.NAME_UNKNOWN
    except ConnectionRefusedError:
        return Unreached.REFUSED
    except TimeoutError:
        return Unreached.NO_ANSWER
    except OSError:
        return Unreached.NO_WAY
    return Unreached.MUTE


def _door(url: URL) -> tuple[str, int]:
    host = _first(url.query.get("hostaddr")) or url.host or _first(url.query.get("host"))
    host, _, beside = host.partition(":") if host.count(":") == 1 else (host, "", "")
    port = beside or _first(url.query.get("port"))
    return host, url.port or (int(port) if port.isdigit() else _PORT)


def _first(given: str | tuple[str, ...] | None) -> str:
    one = given[0] if isinstance(given, tuple) else given or ""
    return one.partition(",")[0]


def _is_folder(host: str) -> bool:
    return PurePosixPath(host).is_absolute() or host.startswith("@")
