"""Serving: the two listeners and the background sync in one process and one event loop.

The sockets are bound here first (a bind that fails inside uvicorn would end the process), the app
on loopback only, the feed listener on its own address. One owner stops everything: SIGINT, SIGTERM
or a listener that ends. A busy feed port is reported on screen and the app goes on. Where the app
of this home runs already, that one is opened instead.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Thread
from typing import IO, TYPE_CHECKING, NoReturn

import companion
from companion.adapters.clock import SystemClock
from companion.adapters.logs import uncaught_logged
from companion.adapters.network.interfaces import note_listener
from companion.adapters.open_files import raise_open_files
from companion.app_commands import commands_of
from companion.background_work import background_work, keep_going
from companion.console import err, out
from companion.desktop.demo import DemoProgram
from companion.desktop.program import LOG, Program, start_detached, until_told
from companion.desktop.this_desktop import may_have_a_tray
from companion.domain.errors import Busy, StoreError
from companion.domain.practice_errors import DatabaseAway, PracticeKeyRenewed, WorkstationCopied
from companion.environment import Environment
from companion.gc_tuning import freeze_gc
from companion.instance import Instance
from companion.main import open_companion
from companion.services.assembly import Application
from companion.services.files import disk_trouble
from companion.services.maintenance.backup import VARIABLE
from companion.stopping import Stopping
from companion.storage.moving import renew_workstation_id
from companion.waiting import WaitingPlace, note_phones, open_when_reachable
from companion.web.app import create_app
from companion.web.app_server import APP_BOUNDS, MOST_TABS, app_server
from companion.web.binding import bind_app, bind_feed
from companion.web.connections import Bounds
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
    background: bool = False
    """Nobody sees what is printed, and it may lie in a file: no address that lets anybody in."""
    told: bool = False
    """End with the standard input, which whoever started this holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Demo:
    """A throw-away home beside a simulated Google and a simulated Cliniko."""

    environment: Environment
    google_url: str
    cliniko_url: str
    rehearsal: Rehearsal

    @property
    def samples(self) -> tuple[SampleFile, ...]:
        exports = self.rehearsal.exports.items()
        return tuple(SampleFile(label=label, path=path) for label, path in exports)

    async def move_in(self, application: Application) -> None:
        from companion.sandbox.demo import fetch_from_cliniko, move_in

        await move_in(application, self.rehearsal, self.google_url)
        await fetch_from_cliniko(application)


def serve(options: ServeOptions) -> None:
    """`serve_until_stopped` on the fastest loop that this platform has: on uvloop phones are
    answered twice as often. Raises CompanionError; KeyboardInterrupt after Ctrl-C."""
    with (
        uncaught_logged(),
        Stopping() as stop,
        asyncio.Runner(loop_factory=_loop_factory()) as runner,
    ):
        try:
            runner.run(serve_until_stopped(options, stop))
        except asyncio.CancelledError:  # a Ctrl-C before our own handlers were set
            raise KeyboardInterrupt from None
        except (WorkstationCopied, PracticeKeyRenewed) as error:
            if not options.background or options.told:
                raise
            _start_again(error, options)
    if stop.signal == signal.SIGINT:
        raise KeyboardInterrupt


def _start_again(error: WorkstationCopied | PracticeKeyRenewed, options: ServeOptions) -> None:
    """In the background nobody reads what to do: as a workstation of its own nothing is to be
    decided, and for the new key a page asks. Raises `error` where it does not start."""
    log.warning("it starts again after: %s", type(error).__name__)
    command = Program.of_process().command(
        *("serve", "--background", "--no-browser", "--port", str(options.port)),
        *("--feed-host", options.feed_host, "--feed-port", str(options.feed_port)),
    )
    try:
        start_detached(command, Environment.of_process().home / LOG)
    except OSError:
        raise error from None
    out.print(f"{error.what} It starts again by itself.")


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """None for Python's own: uvloop does not exist on Windows."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


async def serve_until_stopped(options: ServeOptions, stop: Stopping) -> None:
    """Raises CompanionError when the app cannot start."""
    async with AsyncExitStack() as stack:
        if options.demo:
            demo = await stack.enter_async_context(_demo())
            environment = demo.environment
        else:
            demo, environment = None, Environment.of_process()
        instance = Instance(environment.home)
        try:
            stack.enter_context(instance.hold(options.port))
        except Busy:
            await _open_running(instance, LaunchPages(environment.home), options)
        app_socket = bind_app(options.port)
        stack.callback(app_socket.close)
        pages = LaunchPages(environment.home)
        pages.sweep()
        launches = LaunchTokens(
            on_taken=lambda token: pages.remove(launch_url(options.port, token)),
        )
        place = WaitingPlace(
            home=environment.home,
            port=options.port,
            app_socket=app_socket,
            feed_host=options.feed_host,
            feed_port=options.feed_port,
            launches=launches,
            take_key=partial(_take_key, environment),
        )
        # Before any listener: a server that is cancelled instead of stopped logs an error.
        with stop.signals():
            if options.told:
                Thread(target=until_told, args=(stop.ask,), daemon=True).start()
            waited = False

            def wait(error: DatabaseAway | PracticeKeyRenewed) -> None:
                nonlocal waited
                waited = True
                _say_that_it_waits(error, options, place, pages)

            application = await open_when_reachable(
                lambda: stack.enter_async_context(
                    open_companion(
                        environment,
                        holder="the app",
                        listener=(options.feed_host, options.feed_port),
                        restore_apart=(None if demo else partial(_restore_apart, environment.home)),
                    )
                ),
                place,
                stop,
                on_wait=wait,
            )
            if application is None:
                return
            if demo is not None:
                await demo.move_in(application)
            if waited:
                options = replace(options, browser=False)  # the page that waits goes on by itself
            await _serve(application, place, options, demo, stop, pages)


async def _take_key(environment: Environment, typed: str) -> None:
    from companion.storage.joining import type_practice_key

    await type_practice_key(environment, typed)


def _say_that_it_waits(
    error: DatabaseAway | PracticeKeyRenewed,
    options: ServeOptions,
    place: WaitingPlace,
    pages: LaunchPages,
) -> None:
    url = launch_url(options.port, place.launches.issue())
    if not options.background:
        err.print(f"{error.what} {error.unattended}")
        err.print(f"Phones get the last good calendar meanwhile. The app opens here: {url}")
    if options.browser:
        _open_browser(pages, url)


async def _serve(
    application: Application,
    place: WaitingPlace,
    options: ServeOptions,
    demo: _Demo | None,
    stop: Stopping,
    pages: LaunchPages,
) -> None:
    home, launches = place.home, place.launches
    files = raise_open_files()
    phones = FeedListenerService(
        application.feeds,
        settings=application.settings,
        listener_status=application.reachability.listener_status,
        host=options.feed_host,
        bind=partial(bind_feed, options.feed_host, options.feed_port),
        bounds=Bounds(connections=min(400, files * 3 // 8)),
    )
    phones.open()
    note_listener(home, options.feed_host, options.feed_port)
    if application.shared_practice.shared:
        note_phones(application, home)
    shown = DemoProgram()
    app = create_app(
        application,
        AppOptions(
            port=options.port,
            home=home,
            version=companion.__version__,
            launches=launches,
            demo=demo is not None,
            demo_google=demo.google_url if demo else "",
            demo_cliniko=demo.cliniko_url if demo else "",
            samples=demo.samples if demo else (),
            commands=commands_of(application, stop),
            open_demo=None if demo else shown.open,
            end_demo=stop.ask if demo else None,
        ),
    )
    server = app_server(
        app,
        bounds=replace(APP_BOUNDS, connections=min(APP_BOUNDS.connections, files * 3 // 16)),
        most_tabs=min(MOST_TABS, files // 8),
    )
    serving = asyncio.create_task(server.serve(sockets=[place.app_socket]), name="app")
    refused: list[StoreError] = []

    def must_stop(error: StoreError) -> None:
        refused.append(error)
        stop.ask()

    phoning = keep_going(phones.run, "listener for phones")
    working = [
        asyncio.create_task(phoning(), name="phones"),
        *background_work(application, demo=demo is not None, must_stop=must_stop),
    ]
    freeze_gc()
    url = launch_url(options.port, launches.issue())
    if not options.background:
        _greet(options, url, application)
    if options.browser:
        _open_browser(pages, url)
    tray = _start_tray(home) if options.background and may_have_a_tray() else None
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if tray is not None:
        tray.close()
    pages.sweep()
    shown.close()
    for task in working:
        task.cancel()
    server.should_exit = True
    await asyncio.wait([serving, *working], timeout=STOP_SECONDS)
    server.force_exit = True
    if refused:
        if isinstance(refused[0], WorkstationCopied):
            renew_workstation_id(home)
        raise refused[0]
    out.print("Stopped. Nothing is lost: the next start goes on from here.")


async def _open_running(instance: Instance, pages: LaunchPages, options: ServeOptions) -> NoReturn:
    """Report it and end the program. Raises Busy where no app proves to be this home's."""
    url = await instance.launch_address()
    if url is None:
        raise Busy(
            "Calendar Companion is already running on this computer, but it does not answer.",
            "Open its window, or stop it first: python run.py stop",
        )
    if not options.background:
        out.print(f"Calendar Companion is already running. Opening it: {url}")
    if options.browser:
        _open_browser(pages, url)
    raise SystemExit(0)


def _restore_apart(home: Path, file: Path, passphrase: str, sign_ins: bool) -> None:
    """Raises StoreError."""
    more = ["--sign-ins" if sign_ins else "--no-sign-ins", "--home", str(home.resolve())]
    command = Program.of_process().command("restore", str(file), "--restart", *more)
    log_file = home / "restore.log"
    try:
        start_detached(command, log_file, variables={VARIABLE: passphrase})
    except OSError as error:
        raise disk_trouble(error, log_file) from error


def _start_tray(home: Path) -> IO[bytes] | None:
    """The icon goes when this stream is closed, or with this process, however it ends."""
    command = Program.of_process().command("tray", "--told", "--home", str(home.resolve()))
    with suppress(OSError):  # without it everything works
        return start_detached(command, told=True).stdin
    return None


def _open_browser(pages: LaunchPages, url: str) -> None:
    if not pages.open(url, "Calendar Companion"):
        err.print("The browser was not opened: the data folder cannot be written to.")


def _greet(options: ServeOptions, url: str, application: Application) -> None:
    if options.demo:
        out.print(
            "Demo: invented people, a simulated Google and a simulated Cliniko. Nothing leaves "
            "this computer."
        )
    out.print(f"Calendar Companion is running. Open: {url}")
    if problem := application.reachability.listener_status.problem:
        err.print(problem)
    else:
        out.print(f"Phones subscribe at {application.reachability.address()}. Stop with Ctrl-C.")
    sys.stdout.flush()


@asynccontextmanager
async def _demo() -> AsyncIterator[_Demo]:
    """Everything is gone when the demo ends."""
    from companion.sandbox.demo import cliniko_of, rehearse
    from companion.sandbox.server import serving
    from companion.sandbox.simulator_api import SimulatorApi
    from companion.sandbox.sockets import serving_simulator

    api, clock = SimulatorApi(), SystemClock(Environment.of_process().now)
    with tempfile.TemporaryDirectory(
        prefix="companion-demo-", ignore_cleanup_errors=True
    ) as folder:
        rehearsal = rehearse(api, Path(folder) / "exports", clock.now())
        cliniko = serving_simulator(cliniko_of(rehearsal, clock.now), "simulated-cliniko")
        async with serving(api) as google_url, cliniko as cliniko_url:
            environment = replace(
                Environment.of_process(),
                home=Path(folder) / "home",
                database_url="",
                google_api=google_url,
                cliniko_api=cliniko_url,
                secrets_key=os.urandom(24).hex(),
            )
            yield _Demo(
                environment=environment,
                google_url=google_url,
                cliniko_url=cliniko_url,
                rehearsal=rehearsal,
            )
