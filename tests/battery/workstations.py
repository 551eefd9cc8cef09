"""A clinic of several workstations: processes of the real app on one PostgreSQL, at one Google.

Each has cables of its own to both, which tests cut and pull out; a clock of its own, which may be
wrong; and can be killed, frozen (SIGSTOP) and started again. The server of the database can be
stopped. `Referee` sees every request to Google and checks at each what must never be.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from companion.domain.practice_key import SECRET_BYTES, PracticeKey
from companion.domain.settings import Settings
from companion.environment import Environment
from companion.sandbox.server import SimulatedHandle, start_simulated_google
from companion.storage.creating import create_practice
from tests.battery.real import NOW, RealHome, Tenant, opened_in, populate
from tests.battery.referee import Referee
from tests.battery.workstation import Json, new_spans, spans_of
from tests.battery.workstation_answers import SOON, Answer
from tests.fakes import warm
from tests.fakes.cables import Cable, cable_to
from tests.fakes.database_servers import Server, postgresql, shown
from tests.fakes.free_ports import free_port

ALONE = "alone"
"""A copy of the home as it was before the practice was made of it."""
LOGIN = "practice@example.com"
PROGRAM = "from tests.battery.workstation import main; main()"


class Workstation:
    def __init__(self, site: Site, name: str, *, database: Cable, google: Cable, now: str) -> None:
        self.name = name
        self.site = site
        self.database, self.google = database, google
        self.home = site.folder / name
        self.spans = new_spans(site.folder / f"{name}.lease")
        self.now = now
        self.process: warm.Process | None = None
        self.frozen = False
        self.here = threading.Event()
        """It is on, and listens to people."""
        self._ports = [free_port(), free_port()]
        self._line: socket.socket | None = None
        self._waiting: dict[int, Answer] = {}
        self._lock = threading.Lock()
        self._numbers = 0

    @property
    def environment(self) -> dict[str, str]:
        shared = {
            "COMPANION_DATABASE_URL": self.site.url_through(self.database),
            "COMPANION_PRACTICE_KEY": self.site.practice_key,
        }
        return {
            **os.environ,
            **({} if self.name == ALONE else shared),
            "COMPANION_HOME": str(self.home),
            "COMPANION_GOOGLE_API": f"http://127.0.0.1:{self.google.port}",
            "COMPANION_SECRETS_KEY": "the passphrase of the clinic",
            "COMPANION_NOW": self.now,
            # Its entries are not those of whoever runs the tests.
            **{f"XDG_{each}_HOME": str(self.home / each) for each in ("DATA", "CONFIG", "CACHE")},
        }

    # ── what becomes of the process ───────────────────────────────────────────────────────────

    def start(self) -> None:
        assert not self.runs, "it is on"
        if self.process is not None:
            self.process.communicate()
        asked = {
            "name": self.name,
            "line": self.site.port,
            "port": self._ports[0],
            "feed_port": self._ports[1],
            "spans": str(self.spans),
            "pace": self.site.pace,
        }
        self.here.clear()
        self.frozen = False
        command = ("-c", PROGRAM, json.dumps(asked))
        self.process = warm.start(*command, env=self.environment, errors=True)

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def listens(self) -> None:
        """Wait until people can work at it."""
        assert self.process is not None
        until = time.monotonic() + SOON
        while not self.here.wait(0.05):
            ended = self.process.poll()
            assert ended is None, f"{self.name} ended with {ended}: {self.process.communicate()}"
            assert time.monotonic() < until, f"{self.name} does not start"

    def freeze(self) -> None:
        """As a computer that sleeps."""
        assert self.process is not None
        self.frozen = True
        self.process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        assert self.process is not None
        self.frozen = False
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.communicate(timeout=SOON)

    def stop(self) -> None:
        """In order, as Ctrl-C does."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=SOON)

    def close(self) -> None:
        if self.process is not None:
            self.kill()

    # ── what people do at it ──────────────────────────────────────────────────────────────────

    def ask(self, act: str, **named: Any) -> Answer:
        answer = Answer()
        with self._lock:
            if self._line is None:
                answer.settle(None)
                return answer
            self._numbers += 1
            self._waiting[self._numbers] = answer
            request = {"id": self._numbers, "act": act, "with": named}
            with contextlib.suppress(OSError):  # the reader settles it
                self._line.sendall(json.dumps(request).encode() + b"\n")
        return answer

    def do(self, act: str, **named: Any) -> Json:
        return self.ask(act, **named).result()

    def attach(self, line: socket.socket) -> None:
        """Read what it says, until it ends."""
        with self._lock:
            self._line = line
        self.here.set()
        with line, line.makefile("rb") as said, contextlib.suppress(OSError):
            for each in said:
                document = json.loads(each)
                with self._lock:
                    answer = self._waiting.pop(document["id"], None)
                if answer is not None:
                    answer.settle(document)
        with self._lock:
            self._line = None
            self.here.clear()
            lost, self._waiting = self._waiting, {}
        for waiting in lost.values():
            waiting.settle(None)


Furnish = Callable[["Site", RealHome, Sequence[Tenant]], Awaitable[None]]
"""What lies in the home before the practice is made of it."""


@dataclass
class Site:
    """The clinic: what its workstations share."""

    folder: Path
    server: Server
    google: SimulatedHandle
    referee: Referee
    pace: float
    """How many times faster lease and turns go than in earnest."""
    one_login: bool = True
    """Of all practitioners. Google lets one have a hundred sign-ins."""
    practice_key: str = PracticeKey(bytes(range(SECRET_BYTES))).text
    workstations: list[Workstation] = field(default_factory=list)
    tenants: list[Tenant] = field(default_factory=list)
    base_url: str = ""
    port: int = 0

    @property
    def lease_seconds(self) -> float:
        return 15.0 / self.pace

    @property
    def injected(self) -> Counter[str]:
        """By the cables."""
        cables = (cable for each in self.workstations for cable in (each.database, each.google))
        return sum((each.injected for each in cables), Counter[str]())

    def let(self, email: str) -> tuple[str, str]:
        """A calendar for each practitioner, under one login where they are to share its quota."""
        login = LOGIN if self.one_login else email
        with self.google.lock:
            google = self.google.google
            account = google.accounts.get(login) or google.add_account(
                login, name="Practice", timezone="Australia/Sydney"
            )
            made = google.add_calendar(login, "Appointments")
            tokens = self.google.api.grants.issue(account, frozenset({"calendar"}))
        return made.id, str(tokens["refresh_token"])

    def move_in(
        self, people: Sequence[str], furnish: Furnish | None = None, *, rate: float
    ) -> None:
        """The home of the first workstation, which then makes the practice of it."""
        first = self.workstations[0]
        here = Environment(
            home=first.home,
            google_api=self.base_url,
            secrets_key=first.environment["COMPANION_SECRETS_KEY"],
            practice_key=self.practice_key,
            now=NOW.isoformat(),
        )

        async def work() -> list[Tenant]:
            async with opened_in(here) as application:
                tenants = await populate(application, self, people, user_rate=rate)
                if self.one_login:
                    await application.services.settings.change(_under_one_login)
                if furnish is not None:
                    await furnish(self, application, tenants)
            await asyncio.to_thread(shutil.copytree, first.home, self.folder / ALONE)
            await create_practice(here, self.url, name=first.name)
            return tenants

        self.tenants = asyncio.run(work())

    def url_through(self, cable: Cable) -> str:
        url = self.server.owner.set(drivername="postgresql+psycopg", port=cable.port)
        return shown(url)

    @property
    def url(self) -> str:
        return shown(self.server.owner.set(drivername="postgresql+psycopg"))

    @property
    def on(self) -> list[Workstation]:
        """Those at which people can work."""
        return [each for each in self.workstations if each.here.is_set() and not each.frozen]

    def holders(self) -> list[tuple[str, float, float]]:
        """Who was sure of the lease, from when to when."""
        return sorted(
            ((each.name, *span) for each in self.workstations for span in spans_of(each.spans)),
            key=lambda one: one[1],
        )

    def check_one_holder(self) -> None:
        before: tuple[str, float, float] | None = None
        for each in self.holders():
            if before is not None:
                assert each[1] > before[2], f"two held the lease at once: {before}, {each}"
            before = each

    @contextmanager
    def listening(self) -> Iterator[None]:
        """To what workstations say."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
            threading.Thread(target=self._take, args=(listener,), daemon=True).start()
            yield

    def _take(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = listener.accept()
                threading.Thread(target=self._greet, args=(line,), daemon=True).start()

    def _greet(self, line: socket.socket) -> None:
        name = b""
        with contextlib.suppress(OSError):
            while not name.endswith(b"\n"):
                piece = line.recv(1)
                if not piece:
                    return
                name += piece
            known = {each.name: each for each in self.workstations}
            known[json.loads(name)["name"]].attach(line)


def _under_one_login(settings: Settings) -> Settings:
    for record in settings.practitioners.values():
        link = replace(record.google, account=LOGIN)
        settings = settings.with_practitioner(replace(record, google=link))
    return settings


@contextmanager
def clinic(
    folder: Path,
    clocks: Sequence[float],
    *,
    people: Sequence[str] = ("anna", "boris", "clara"),
    pace: float = 3.0,
    quota: int | None = 240,
    furnish: Furnish | None = None,
) -> Iterator[Site]:
    """One workstation for each of `clocks`, seconds by which its own is ahead; all are on. `quota`:
    units a minute that Google grants the practice's one login."""
    ago = datetime.now(UTC) - NOW
    with ExitStack() as stack:
        google = stack.enter_context(start_simulated_google())
        google.google.meter.quota.per_user = quota
        google.api.latency = 0.05
        referee = stack.enter_context(Referee(google))
        server = stack.enter_context(postgresql())
        assert server.owner.port is not None
        site = Site(
            folder=folder,
            server=server,
            google=google,
            referee=referee,
            pace=pace,
            one_login=len(people) <= 50,
        )
        site.base_url = google.base_url
        stack.enter_context(site.listening())
        for number, ahead in enumerate(clocks):
            now = f"-{int(ago.total_seconds() - ahead)}s"
            database = stack.enter_context(cable_to(server.owner.port))
            to_google = stack.enter_context(cable_to(urlsplit(google.base_url).port or 0))
            made = Workstation(site, f"desk{number}", database=database, google=to_google, now=now)
            referee.by_port[str(to_google.port)] = made.name
            site.workstations.append(made)
            stack.callback(made.close)
        site.move_in(people, furnish, rate=(quota or 60_000) / 60)
        for each in site.workstations:
            each.start()
        for each in site.workstations:
            each.listens()
        yield site


def until(holds: Callable[[], Any], what: str, seconds: float = SOON) -> float:
    """Seconds until it holds; fails when that takes longer than `seconds`."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, what
        time.sleep(0.02)
    return time.monotonic() - began
