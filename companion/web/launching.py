"""How a browser becomes known: single-use launch tokens, and the browsers known so far.

The program prints or opens an address with a launch token. The guard takes the token, once, and
gives that browser a cookie whose hash is kept in the home, so that the same browser is still known
tomorrow. A second start finds the app running and is given a token of its own (`web.control`).

The pattern is that of Jupyter Server and Syncthing.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol
from urllib.parse import urlencode

from companion.domain.tokens import token_hash

LAUNCH_LIFE = timedelta(minutes=30)
MACHINE_LIFE = timedelta(days=400)
"""The longest a browser keeps a cookie."""
MOST_MACHINES = 64


def fresh_token() -> str:
    """256 bits, safe in an address and a cookie."""
    return secrets.token_urlsafe(32)


class LaunchTokens:
    """Single-use tokens, in memory only: an unused one ends with the program."""

    def __init__(
        self,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        on_taken: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`on_taken` is told each token that somebody used."""
        self._monotonic = monotonic
        self._on_taken = on_taken
        self._waiting: dict[str, float] = {}

    def issue(self) -> str:
        now = self._monotonic()
        self._waiting = {key: until for key, until in self._waiting.items() if until > now}
        token = fresh_token()
        self._waiting[token_hash(token)] = now + LAUNCH_LIFE.total_seconds()
        return token

    def take(self, token: str) -> bool:
        """True the first time for a token that was issued and has not grown old."""
        until = self._waiting.pop(token_hash(token), None)
        if until is None:
            return False
        self._on_taken(token)
        return until > self._monotonic()


def launch_url(port: int, token: str) -> str:
    return f"http://127.0.0.1:{port}/?{urlencode({'launch': token})}"


class MachineSessions(Protocol):
    """Browsers that were launched once, by the hash of their cookie."""

    def knows(self, hashed: str) -> bool: ...

    async def add(self, hashed: str) -> None: ...


class MachineFile:
    """MachineSessions in a small JSON file of the home: hash → when it was launched.

    A file that cannot be read counts as empty: the worst that follows is one more launch.
    """

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        self._path = path
        self._now = now
        self._known = self._load()

    def knows(self, hashed: str) -> bool:
        since = self._known.get(hashed)
        return since is not None and self._now() - since < MACHINE_LIFE

    async def add(self, hashed: str) -> None:
        """Returns when the file has it; raises OSError when it cannot be written."""
        self._known[hashed] = self._now()
        newest = sorted(self._known.items(), key=lambda item: item[1])[-MOST_MACHINES:]
        self._known = dict(newest)
        text = json.dumps({key: since.isoformat() for key, since in newest}, indent=1)
        await asyncio.to_thread(write_private, self._path, text)

    def _load(self) -> dict[str, datetime]:
        try:
            stored = json.loads(self._path.read_text(encoding="utf-8"))
            known = {str(key): datetime.fromisoformat(since) for key, since in stored.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            return {}
        return {key: since for key, since in known.items() if since.tzinfo is not None}


def write_private(path: Path, text: str) -> None:
    """Whole or not at all, readable by this user only (mkstemp gives mode 0600)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
