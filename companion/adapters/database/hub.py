"""Hub: tells the other workstations what this process commits, and this process what they commit.

A thread with a connection of its own listens. What it hears of another process is published to
this process's `Changes` on the event loop; own notices are left out. A notice is only a hint: after
each connecting and every ten seconds the thread asks for all facts (`announcing`) in one query and
publishes whatever differs from what it knew, so that a lost notice costs seconds. That query is
also the proof that the connection lives: one without an answer in time is given up.

So the event loop never waits for the server, and a minute in which nothing happens costs six
queries.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from typing import Any

from psycopg import Connection as Raw
from psycopg import Notify
from sqlalchemy import Connection

from companion.adapters.database import announcing
from companion.adapters.database.documents import Document
from companion.domain.errors import CompanionError, Technical
from companion.services.changes import Change, Changes, Publisher

LOOK_SECONDS = 10.0
_PAUSES = 0.25, 5.0
"""Seconds between tries to connect: at first, and at most."""
_SOON = 1.0
"""Seconds for its thread to end."""
_ON_THE_WAY = 0.2
"""Seconds that a notice may take after its commit."""
_UNSENT = 100
"""Notices that wait to be sent; older ones are dropped."""
_SETTINGS = "SELECT name, version, body FROM documents WHERE starts_with(name, 'settings/')"

Fields = Mapping[str, Any]
Renew = Callable[[Callable[[], Mapping[str, Document]]], object]

log = logging.getLogger(__name__)


class Hub:
    def __init__(
        self,
        connect: Callable[[], Raw[Any]],
        changes: Changes,
        *,
        look_seconds: float = LOOK_SECONDS,
        chance: random.Random | None = None,
    ) -> None:
        """`connect` gives a connection in autocommit of which every statement ends in time; it
        blocks, and raises CompanionError or an error of psycopg."""
        self.origin = secrets.token_hex(8)
        """Names this process in its notices."""
        self.others = 0
        """Rises with what another process has committed. What was committed before it rose is in
        what is read after it."""
        self.reachable = True
        """False once the server was asked for in vain, until it answers."""
        self.listening = False
        self.answered_at = time.monotonic()
        """When the server answered a look at everything."""
        self._connect = connect
        self._changes = changes
        self._look_seconds = look_seconds
        self._chance = chance or random.Random()  # noqa: S311 - only pauses
        self._renew: Renew = lambda _read: None
        self._topics: dict[str, Publisher[Fields]] = {}
        self._known: dict[str, str | None] | None = None
        """The facts as last heard or read; None before the first look."""
        self._inbox: deque[str] = deque()
        self._unsent: deque[str] = deque(maxlen=_UNSENT)
        self._look_now = self._somebody_reads = False
        self._closing = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._begun, self._ended = asyncio.Event(), asyncio.Event()
        self._bell: _WakeUp | None = None

    # ── on the event loop ─────────────────────────────────────────────────────────────────────

    async def start(self, renew: Renew | None = None) -> None:
        """Returns once it listens, or once it was tried in vain; then it goes on trying. `renew`
        reads the documents of the settings by what it is given, in the hub's thread, before
        others' changes to them are published, and once at the beginning."""
        if renew is not None:
            self._renew = renew
        self._loop, self._bell = asyncio.get_running_loop(), _WakeUp()
        threading.Thread(
            target=self._run, args=[self._bell], name="database-hub", daemon=True
        ).start()
        await self._begun.wait()

    async def close(self) -> None:
        """Nothing is published after it. May be called again, and without `start`."""
        self._closing.set()
        if self._bell is not None:
            self._bell.ring()
            with suppress(TimeoutError):  # its thread waits for a server that does not answer
                await asyncio.wait_for(self._ended.wait(), _SOON)

    def subscribe(self, topic: str, listener: Callable[[Fields], object]) -> Callable[[], None]:
        """Call `listener` with what other processes send on `topic`, until the function returned
        is called."""
        return self._topics.setdefault(topic, Publisher()).subscribe(listener)

    @property
    def silent_for(self) -> float:
        """Seconds since the server answered a look."""
        return time.monotonic() - self.answered_at

    # ── of any thread ─────────────────────────────────────────────────────────────────────────

    def announce(self, connection: Connection, change: Change) -> None:
        """Tell the others of a change, in the transaction that has written it."""
        announcing.announce(connection, self.origin, change)

    def send(self, topic: str, fields: Fields) -> None:
        """Send on `topic` soon, maybe never: where the server is away, only the newest are kept.
        Raises ValueError for too much."""
        self._unsent.append(announcing.payload_of(self.origin, topic, fields))
        if self._bell is not None:
            self._bell.ring()

    # ── in its thread ─────────────────────────────────────────────────────────────────────────

    def _run(self, bell: _WakeUp) -> None:
        failed = 0
        while not self._closing.is_set():
            try:
                with closing(self._connect()) as connection:
                    self._listen(connection)
                    self._attend(connection, bell)
            except Exception as error:  # noqa: BLE001 - whatever it was, it begins anew
                self._lost(error)
            listened, self.listening = self.listening, False
            failed = 1 if listened else failed + 1
            self._closing.wait(self._pause(failed))
        bell.close()
        self._on_loop(self._ended.set)

    def _pause(self, failed: int) -> float:
        shortest, longest = _PAUSES
        pause: float = min(shortest * 2.0 ** min(failed - 1, 10), longest)
        return pause * self._chance.uniform(0.5, 1)

    def _listen(self, connection: Raw[Any]) -> None:
        self._inbox.clear()
        connection.add_notify_handler(self._take_in)
        connection.execute(f"LISTEN {announcing.CHANNEL}".encode())
        self._look(connection)
        self.listening = True
        self._reached(reachable=True)

    def _lost(self, error: Exception) -> None:
        if self._closing.is_set():
            return
        kind = getattr(error, "sqlstate", None) or type(error).__name__
        if isinstance(error, CompanionError):
            kind = error.detail or kind
        if self.listening:
            log.warning("the practice's database is connected to anew: %s", Technical(kind))
        elif self.reachable:
            log.warning("the practice's database does not answer: %s", Technical(kind))
        self._reached(reachable=self.listening)  # it may be back at once: see at the next try

    def _reached(self, *, reachable: bool) -> None:
        self._somebody_reads = True
        if reachable != self.reachable:
            self.reachable = reachable
            if reachable:
                log.info("the practice's database answers again")
        self._on_loop(self._begun.set)

    def _attend(self, connection: Raw[Any], bell: _WakeUp) -> None:
        """Until it closes, or the connection fails."""
        look_at = time.monotonic() + self._look_seconds
        with selectors.DefaultSelector() as selector:
            selector.register(connection.fileno(), selectors.EVENT_READ)
            selector.register(bell, selectors.EVENT_READ)
            while not self._closing.is_set():
                self._read_inbox(connection)
                while self._unsent:
                    connection.execute(announcing.SEND, [self._unsent.popleft()])
                wait = look_at - time.monotonic()
                if self._look_now or wait <= 0:
                    self._look(connection)
                    look_at = time.monotonic() + self._look_seconds
                elif not self._inbox:
                    selector.select(wait)
                    bell.silence()
                self._hear(connection)

    def _take_in(self, notice: Notify) -> None:
        """One that came with the answer to a statement."""
        self._inbox.append(notice.payload)

    def _read_inbox(self, connection: Raw[Any]) -> None:
        while self._inbox:
            heard = announcing.parse_notice(self._inbox.popleft())
            if heard is None:
                self._look_now = True  # of a later version, maybe: look at everything
            elif heard.origin == self.origin:
                if self._known is not None:
                    self._known.update(heard.facts)
            elif heard.topic:
                self._on_loop(self._pass_on, heard.topic, heard.fields)
            else:
                known = self._known or {}
                names = announcing.differing(known, heard.facts, everything=False)
                self._take(connection, names, heard.facts)

    def _hear(self, connection: Raw[Any]) -> None:
        """What has come, without waiting."""
        connection.pgconn.consume_input()
        while (notice := connection.pgconn.notifies()) is not None:
            self._inbox.append(notice.extra.decode())

    def _look(self, connection: Raw[Any]) -> None:
        """At all facts. What differs is looked at twice: its notice may be on the way."""
        self._look_now = False
        found = _facts_in(connection)
        names = announcing.differing(self._known or {}, found, everything=True)
        if names and self.listening:
            self._closing.wait(_ON_THE_WAY)
            self._hear(connection)
            self._read_inbox(connection)
            found = _facts_in(connection)
            names &= announcing.differing(self._known or {}, found, everything=True)
        self._take(connection, names, found)
        self.answered_at = time.monotonic()

    def _take(self, connection: Raw[Any], names: set[str], found: Mapping[str, str | None]) -> None:
        """Publish what differs from what was known; but not the first time, unless `start` had to
        return before it. What of `names` is not `found` has gone."""
        if not names:
            return
        if any(name.startswith(announcing.SETTINGS_FACTS) for name in names):
            self._renew(lambda: _settings_in(connection))
        kept = {name: value for name, value in (self._known or {}).items() if name not in names}
        self._known = {**kept, **{name: found[name] for name in names if name in found}}
        self.others += 1
        if self._somebody_reads:
            self._on_loop(self._publish, announcing.changes_of(names))

    # ── from its thread to the event loop ─────────────────────────────────────────────────────

    def _on_loop(self, call: Callable[..., object], *what: object) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has been closed: nobody listens any more
                self._loop.call_soon_threadsafe(call, *what)

    def _publish(self, changes: Sequence[Change]) -> None:
        if not self._closing.is_set():
            for each in changes:
                self._changes.publish(each)

    def _pass_on(self, topic: str, fields: Fields) -> None:
        if topic in self._topics and not self._closing.is_set():
            self._topics[topic].publish(fields)


def _facts_in(connection: Raw[Any]) -> dict[str, str | None]:
    row = connection.execute(announcing.ALL_FACTS.encode()).fetchone()
    return dict(row[0]) if row else {}


def _settings_in(connection: Raw[Any]) -> dict[str, Document]:
    rows = connection.execute(_SETTINGS.encode()).fetchall()
    return {name: Document(version, body) for name, version, body in rows}


class _WakeUp:
    """Ends a `select` of another thread."""

    def __init__(self) -> None:
        self._inside, self._outside = socket.socketpair()
        self._inside.setblocking(False)
        self._outside.setblocking(False)

    def fileno(self) -> int:
        return self._inside.fileno()

    def ring(self) -> None:
        with suppress(OSError):  # full, so it rings already; or closed
            self._outside.send(b"!")

    def silence(self) -> None:
        with suppress(BlockingIOError):
            while self._inside.recv(4096):
                pass

    def close(self) -> None:
        self._inside.close()
        self._outside.close()
