"""Waiting: the app of a workstation that was started while the database of its practice is away, or
after the practice key was renewed elsewhere.

Until it answers, or until somebody has typed the new key, one page says so and goes on by itself,
phones get the last good calendar, and the app can be asked and stopped like any other. Both
listeners run in a thread of their own: opening the practice may block.

What the phones' listener needs of the settings is noted beside it while the practice is open.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, TypeVar

import companion
from companion.adapters.clock import SystemClock
from companion.adapters.feed_files import FeedFiles
from companion.domain.practice_errors import DatabaseAway, PracticeKeyRenewed
from companion.domain.settings import PracticeSettings, Settings
from companion.services.feeds.kept_answers import KeptAnswers
from companion.services.feeds.reachability import ListenerStatus
from companion.services.files import write_file
from companion.services.workstations import OTHERS_LATER
from companion.stopping import Stopping
from companion.web.app_server import app_server
from companion.web.binding import bind_feed
from companion.web.control import ControlPath, control_secret
from companion.web.feed_listener_service import FeedListenerService
from companion.web.launching import LaunchTokens
from companion.web.waiting_page import TakeKey, WaitedFor, waiting_page

if TYPE_CHECKING:
    from companion.services.assembly import Application

Opened = TypeVar("Opened")
NOTE = "phones.settings"
TRY_SECONDS = 3.0
END_SECONDS = 5.0
WAITED_FOR = (DatabaseAway, PracticeKeyRenewed)


async def _no_key_is_taken(_typed: str) -> None:
    raise PracticeKeyRenewed


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneSettings:
    """Of the practice's settings; implements what FeedListenerService reads."""

    feed_certificate: str = ""
    feed_key: str = ""
    feed_proxy: str = ""

    @classmethod
    def of(cls, practice: PracticeSettings) -> PhoneSettings:
        return cls(
            feed_certificate=practice.feed_certificate,
            feed_key=practice.feed_key,
            feed_proxy=practice.feed_proxy,
        )

    @classmethod
    def noted(cls, home: Path) -> PhoneSettings:
        """As last noted; nothing, where that cannot be read."""
        try:
            return cls(**json.loads((home / NOTE).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return cls()

    def note(self, home: Path) -> None:
        with suppress(Exception):  # at worst phones wait for the server, too
            write_file(home / NOTE, json.dumps(asdict(self)).encode())

    def read(self) -> Settings:
        return Settings(install_id="", practice=PracticeSettings(**asdict(self)))


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingPlace:
    """Where the app will be."""

    home: Path
    port: int
    app_socket: socket.socket
    feed_host: str
    feed_port: int
    launches: LaunchTokens
    take_key: TakeKey = _no_key_is_taken


@contextmanager
def waiting(place: WaitingPlace, stop: Stopping, waited_for: WaitedFor) -> Iterator[None]:
    """Both listeners, until the end of the block."""
    over = Event()
    thread = Thread(
        target=lambda: asyncio.run(_serve(place, stop, over, waited_for)),
        name="waiting",
        daemon=True,
    )
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(END_SECONDS)


async def open_when_reachable(
    attempt: Callable[[], Awaitable[Opened]],
    place: WaitingPlace,
    stop: Stopping,
    *,
    on_wait: Callable[[DatabaseAway | PracticeKeyRenewed], None],
    try_seconds: float = TRY_SECONDS,
) -> Opened | None:
    """What `attempt` opens, as soon as the database answers and the key fits; None where the app
    was stopped before. `on_wait` is told once that it does not. Raises what else `attempt` raises.
    """
    try:
        return await attempt()
    except WAITED_FOR as error:
        on_wait(error)
        waited_for = WaitedFor(error)
    with waiting(place, stop, waited_for):
        stopping = asyncio.create_task(stop.wait())
        try:
            while not (await asyncio.wait([stopping], timeout=try_seconds))[0]:
                given = waited_for.taken
                try:
                    return await attempt()
                except WAITED_FOR as error:
                    waited_for.error = error
                    waited_for.taken &= not given  # or it was renewed once more
        finally:
            stopping.cancel()
    return None


def note_phones(application: Application, home: Path) -> None:
    """What phones' listener needs where the practice does not open at a start; kept up to date."""
    noted = PhoneSettings.noted(home)

    def note(_change: object = None) -> None:
        nonlocal noted
        now = PhoneSettings.of(application.settings.read().practice)
        if now != noted:
            noted = now
            now.note(home)

    note()
    application.changes.subscribe(note)


async def _serve(place: WaitingPlace, stop: Stopping, over: Event, waited_for: WaitedFor) -> None:
    clock = SystemClock("")
    secret = control_secret(place.home / "control.secret")
    control = ControlPath(secret, place.port, place.launches, _commands(clock, stop, waited_for))
    server = app_server(waiting_page(place.port, control, waited_for, place.take_key))
    phones = FeedListenerService(
        KeptAnswers(FeedFiles(place.home / "feeds"), clock),
        settings=PhoneSettings.noted(place.home),
        listener_status=ListenerStatus(),
        host=place.feed_host,
        bind=lambda: bind_feed(place.feed_host, place.feed_port),
    )
    phones.open()
    # A second handle of the same socket: who connects in between waits, nobody is turned away.
    serving = asyncio.create_task(server.serve(sockets=[place.app_socket.dup()]))
    listening = asyncio.create_task(phones.run())
    try:
        await asyncio.to_thread(over.wait)
    finally:
        server.should_exit = True
        listening.cancel()
        await asyncio.wait([serving, listening], timeout=END_SECONDS)


def _commands(
    clock: SystemClock, stop: Stopping, waited_for: WaitedFor
) -> Mapping[str, Callable[[], Any]]:
    began = clock.now()

    async def status() -> Mapping[str, Any]:
        return {
            "program": companion.__version__,
            "since": began.isoformat(),
            "phones": "",
            "mood": "waiting",
            "sentence": waited_for.sentence,
            "shared": True,
        }

    async def stopping() -> Mapping[str, Any]:
        stop.ask()
        return {"stopping": True, "goes_on": OTHERS_LATER}

    return {"status": status, "stop": stopping}
