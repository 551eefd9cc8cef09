"""Serving: the two listeners and the background sync in one process and one event loop.

The sockets are bound here first (a bind that fails inside uvicorn would end the process), the app
on loopback only, the feed listener on its own address. One owner stops everything: SIGINT, SIGTERM
or a listener that ends. A busy feed port is reported on screen and the app goes on. Where the app
of this home runs already, that one is opened instead.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import companion
from companion.adapters.clock import SystemClock
from companion.adapters.logs import uncaught_logged
from companion.adapters.network.interfaces import note_listener
from companion.adapters.open_files import raise_open_files
from companion.console import err, out
from companion.domain.errors import Busy, Technical
from companion.environment import Environment
from companion.gc_tuning import freeze_gc
from companion.main import open_companion
from companion.services.assembly import Application
from companion.web.app import create_app
from companion.web.app_server import APP_BOUNDS, MOST_TABS, app_server
from companion.web.connections import Bounds
from companion.web.control import ask_running_app, control_secret
from companion.web.feed_listener_service import FeedListenerService
from companion.web.launch_pages import LaunchPages
from companion.web.launching import LaunchTokens, launch_url
from companion.web.options import AppOptions, SampleFile

if TYPE_CHECKING:
    from companion.sandbox.demo import Rehearsal

log = logging.getLogger(__name__)
STOP_SECONDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    port: int = 8080
    feed_host: str = "0.0.0.0"  # noqa: S104 - phones in the clinic's network
    feed_port: int = 8090
    demo: bool = False
    browser: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Demo:
    """A throw-away home beside a simulated Google."""

    environment: Environment
    google_url: str
    rehearsal: Rehearsal

    @property
    def samples(self) -> tuple[SampleFile, ...]:
        exports = self.rehearsal.exports.items()
        return tuple(SampleFile(label=label, path=path) for label, path in exports)

    async def move_in(self, application: Application) -> None:
        from companion.sandbox.demo import move_in

        await move_in(application, self.rehearsal, self.google_url)


def serve(options: ServeOptions) -> None:
    """`serve_until_stopped` on the fastest loop that this platform has: on uvloop phones are
    answered twice as often. Raises CompanionError; KeyboardInterrupt after Ctrl-C."""
    with uncaught_logged(), asyncio.Runner(loop_factory=_loop_factory()) as runner:
        try:
            number = runner.run(serve_until_stopped(options))
        except asyncio.CancelledError:  # a Ctrl-C before our own handlers were set
            raise KeyboardInterrupt from None
    if number == signal.SIGINT:
        raise KeyboardInterrupt


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """None for Python's own: uvloop does not exist on Windows."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


async def serve_until_stopped(options: ServeOptions) -> int | None:
    """Serve until a signal, and say which. Raises CompanionError when the app cannot start."""
    async with AsyncExitStack() as stack:
        if options.demo:
            demo = await stack.enter_async_context(_demo())
            environment = demo.environment
        else:
            demo, environment = None, Environment.of_process()
        await stack.enter_async_context(_only_one(environment, options))
        app_socket = _bind_app(options.port)
        stack.callback(app_socket.close)
        application = await stack.enter_async_context(
            open_companion(
                environment, holder="the app", listener=(options.feed_host, options.feed_port)
            )
        )
        if demo is not None:
            await demo.move_in(application)
        stop = asyncio.Event()
        # Before any listener: a server that is cancelled instead of stopped logs an error.
        with _signals(stop) as caught:
            await _serve(application, environment.home, app_socket, options, demo, stop)
        return caught[0] if caught else None


async def _serve(
    application: Application,
    home: Path,
    app_socket: socket.socket,
    options: ServeOptions,
    demo: _Demo | None,
    stop: asyncio.Event,
) -> None:
    files = raise_open_files()
    phones = FeedListenerService(
        application.feeds,
        settings=application.settings,
        listener_status=application.reachability.listener_status,
        host=options.feed_host,
        bind=partial(_bind_feed, options),
        bounds=Bounds(connections=min(400, files * 3 // 8)),
    )
    phones.open()
    note_listener(home, options.feed_host, options.feed_port)
    pages = LaunchPages(home)
    pages.sweep()
    launches = LaunchTokens(
        on_taken=lambda token: pages.remove(launch_url(options.port, token)),
    )
    app = create_app(
        application,
        AppOptions(
            port=options.port,
            home=home,
            version=companion.__version__,
            launches=launches,
            demo=demo is not None,
            demo_google=demo.google_url if demo else "",
            samples=demo.samples if demo else (),
        ),
    )
    server = app_server(
        app,
        bounds=replace(APP_BOUNDS, connections=min(APP_BOUNDS.connections, files * 3 // 16)),
        most_tabs=min(MOST_TABS, files // 8),
    )
    serving = asyncio.create_task(server.serve(sockets=[app_socket]), name="app")
    working = [
        asyncio.create_task(_keep_going(phones.run, "listener for phones"), name="phones"),
        asyncio.create_task(_keep_going(application.worker.run, "background sync"), name="worker"),
        asyncio.create_task(_keep_going(application.watching.run, "watching"), name="folders"),
    ]
    freeze_gc()
    url = launch_url(options.port, launches.issue())
    _greet(options, url, application)
    if options.browser:
        _open_browser(pages, url)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    for task in working:
        task.cancel()
    server.should_exit = True
    await asyncio.wait([serving, *working], timeout=STOP_SECONDS)
    server.force_exit = True
    pages.sweep()
    out.print("Stopped. Nothing is lost: the next start goes on from here.")


async def _keep_going(run: Callable[[], Awaitable[None]], name: str) -> None:
    """What works in the background; an internal error in it is logged and it starts again."""
    while True:
        try:
            await run()
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - sync must not end over one error
            kind = type(error).__name__
            log.error("the %s failed with an internal error: %s", Technical(name), kind)
        await asyncio.sleep(30)


def _bind(host: str, port: int) -> socket.socket:
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


def _bind_app(port: int) -> socket.socket:
    """Raises Busy. Whoever has the port is not the app of this home, whose lock is ours: nothing is
    sent to it, and it is not opened."""
    try:
        return _bind("127.0.0.1", port)
    except OSError as error:
        raise Busy(
            f"Port {port} of this computer is used by another program, not by this "
            "Calendar Companion.",
            f"Close that program, or choose another port: python run.py --port {port + 1}",
        ) from error


def _bind_feed(options: ServeOptions) -> socket.socket:
    """For the listener for phones."""
    try:
        return _bind(options.feed_host, options.feed_port)
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise Busy(
                f"The listener for phones could not start: {options.feed_host} is no address of "
                "this computer.",
                "Start the app without --feed-host.",
            ) from error
        raise Busy(
            f"The listener for phones could not start: port {options.feed_port} is used by "
            "another program.",
            "Phones keep what they have; close that program, or start with another --feed-port.",
        ) from error


@asynccontextmanager
async def _only_one(environment: Environment, options: ServeOptions) -> AsyncIterator[None]:
    """One app per home, whatever its port, which is noted for a second start. Where the app of this
    home runs already, it is opened, and this start ends the program."""
    from companion.adapters.file_locks import FileLock

    lock = FileLock(environment.home / "app.lock", holder="the app", patience=0.3)
    note = environment.home / "app.port"
    try:
        lock.__enter__()
    except Busy:
        with suppress(OSError, ValueError):
            port = int(note.read_text(encoding="ascii"))
            await _open_running(environment.home, port, options)
        raise Busy(
            "Calendar Companion is already running on this computer, but it does not answer.",
            "Open its window, or stop it first.",
        ) from None
    try:
        note.write_text(str(options.port), encoding="ascii")
        yield
    finally:
        note.unlink(missing_ok=True)
        lock.__exit__(None, None, None)


async def _open_running(home: Path, port: int, options: ServeOptions) -> None:
    """Report it and end the program. Returns where no app on that port proves to be this home's."""
    url = await ask_running_app(port, control_secret(home / "control.secret"))
    if url is not None:
        out.print(f"Calendar Companion is already running. Opening it: {url}")
        if options.browser:
            _open_browser(LaunchPages(home), url)
        raise SystemExit(0)


def _open_browser(pages: LaunchPages, url: str) -> None:
    if not pages.open(url, "Calendar Companion"):
        err.print("The browser was not opened: the data folder cannot be written to.")


@contextmanager
def _signals(stop: asyncio.Event) -> Iterator[list[int]]:
    """SIGINT and SIGTERM (and Ctrl-Break) set `stop`; also where loops have no handlers.
    The list names those that came."""
    caught: list[int] = []

    def catch(number: int, _frame: object) -> None:
        caught.append(number)
        loop.call_soon_threadsafe(stop.set)

    loop = asyncio.get_running_loop()
    names = ("SIGINT", "SIGTERM", "SIGBREAK")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, catch) for number in numbers}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _greet(options: ServeOptions, url: str, application: Application) -> None:
    if options.demo:
        out.print("Demo: invented people and a simulated Google. Nothing leaves this computer.")
    out.print(f"Calendar Companion is running. Open: {url}")
    if problem := application.reachability.listener_status.problem:
        err.print(problem)
    else:
        out.print(f"Phones subscribe at {application.reachability.address()}. Stop with Ctrl-C.")
    sys.stdout.flush()


@asynccontextmanager
async def _demo() -> AsyncIterator[_Demo]:
    """Everything is gone when the demo ends."""
    from companion.sandbox.demo import rehearse
    from companion.sandbox.server import serving
    from companion.sandbox.simulator_api import SimulatorApi

    api = SimulatorApi()
    with tempfile.TemporaryDirectory(
        prefix="companion-demo-", ignore_cleanup_errors=True
    ) as folder:
        async with serving(api) as google_url:
            environment = replace(
                Environment.of_process(),
                home=Path(folder) / "home",
                database_url="",
                google_api=google_url,
                secrets_key=os.urandom(24).hex(),
            )
            now = SystemClock(environment.now).now()
            rehearsal = rehearse(api, Path(folder) / "exports", now)
            yield _Demo(environment=environment, google_url=google_url, rehearsal=rehearsal)
