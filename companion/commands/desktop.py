"""The app in the background: start, stop, and what runs."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Any

import typer

from companion.adapters.file_locks import FileLock
from companion.commands.running import (
    DONE,
    FAILED,
    Home,
    Json,
    NoBrowser,
    bare_command,
    command,
    run_command,
)
from companion.console import as_json, err, out
from companion.desktop.program import LOG, Program, start_detached, until_told
from companion.domain.errors import Busy, CompanionError
from companion.environment import Environment
from companion.instance import Instance
from companion.services.files import disk_trouble, make_folder
from companion.web.binding import free_app_port
from companion.web.launch_pages import LaunchPages

if TYPE_CHECKING:
    from companion.services.assembly import Application

log = logging.getLogger(__name__)
app = typer.Typer()
START_SECONDS, STOP_SECONDS = 120.0, 30.0
TRAY_SECONDS = 10.0
"""So long a new app's icon waits for that of the app before it to go."""
USUAL_PORT = 8080
_NO_ANSWER = "Calendar Companion is running on this computer, but it does not answer."
_NOTHING_GOES_ON = "Calendars and phones are not kept up to date until the next start."
_LATER = "Wait a moment and try again; otherwise sign out of this computer and in again."


@bare_command(app)
async def start(
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Port of the app; else its last, or the next free."),
    ] = None,
    feed_host: Annotated[str | None, typer.Option(help="As of serve.")] = None,
    feed_port: Annotated[int | None, typer.Option(min=1, max=65535, help="As of serve.")] = None,
    no_browser: NoBrowser = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say and open nothing.")] = False,
    home: Home = "",  # noqa: ARG001 - its callback uses it
    json: Json = False,
) -> int:
    """Start the app in the background; it goes on when this window is closed."""

    async def begin(home: Path) -> int:
        instance = Instance(home)
        before = await _answer(instance)
        if before is None:
            if not (quiet or json):
                err.print("Starting Calendar Companion …")
            chosen = port or free_app_port(instance.port or USUAL_PORT)
            options = ["--port", str(chosen)]
            options += ["--feed-host", feed_host] if feed_host else []
            options += ["--feed-port", str(feed_port)] if feed_port else []
            await _begin(instance, home / LOG, options)
        address = f"http://127.0.0.1:{instance.port}/"
        if json:
            as_json({"running": True, "already": before is not None, "address": address})
        elif not quiet:
            already = "already " if before is not None else ""
            out.print(f"Calendar Companion is {already}running: {address}")
            out.print("This window can be closed. Stop it with: python run.py stop")
        if not (no_browser or quiet) and (url := await instance.launch_address()):
            LaunchPages(home).open(url, "Calendar Companion")
        return DONE

    folder = Environment.of_process().home
    make_folder(folder)
    try:
        return await begin(folder)
    except CompanionError as error:
        if not (no_browser or quiet or json or sys.stderr.isatty()):
            LaunchPages(folder).say(error)  # from the menu: there is no window to read it in
        raise


async def _answer(instance: Instance) -> dict[str, Any] | None:
    """None where no app runs. Raises Busy where one does that does not answer."""
    found = await instance.ask("status")
    if found is None and instance.runs():
        found = await instance.ask("status")  # it had only just begun
        if found is None:
            raise Busy(_NO_ANSWER, _LATER)
    return found


async def start_again(home: Path) -> None:
    """As it last ran, without opening a browser. Raises CompanionError."""
    instance = Instance(home)
    if await _answer(instance) is not None:
        return
    from companion.adapters.network.interfaces import noted_listener

    host, port = noted_listener(home)
    own = free_app_port(instance.port or USUAL_PORT)
    options = ["--port", str(own), "--feed-host", host, "--feed-port", str(port)]
    await _begin(instance, home / LOG, options)


async def _begin(instance: Instance, log: Path, options: list[str]) -> None:
    """Returns when the app answers; raises CompanionError with what it said instead."""
    command = Program.of_process().command("serve", "--background", "--no-browser", *options)
    try:
        process = start_detached(command, log)
    except OSError as error:
        raise disk_trouble(error, log) from error
    until = time.monotonic() + START_SECONDS
    while await instance.ask("status") is None:
        if process.poll():
            raise _said(log)
        if time.monotonic() > until:
            raise CompanionError(
                "Calendar Companion is starting, but does not answer yet.",
                f"Wait, then ask: python run.py status. What it says meanwhile is in {log}.",
            )
        await asyncio.sleep(0.2)
    process.returncode = 0  # it lives on: not ours to wait for


def _said(log: Path) -> CompanionError:
    try:
        lines = log.read_text("utf-8", errors="replace").strip().splitlines()[-4:]
    except OSError:
        lines = []
    what = lines[0] if lines else "Calendar Companion ended right after its start."
    return CompanionError(what, " ".join(lines[1:]) or "Run the doctor: python run.py doctor")


@bare_command(app)
async def stop(json: Json = False) -> None:
    """Stop the app, wherever it was started; nothing is lost."""
    stopped = await _stop(Environment.of_process().home)
    if json:
        as_json({"running": False, "stopped": stopped is not None})
    elif stopped is not None:
        out.print(f"Stopped. {stopped.get('goes_on') or _NOTHING_GOES_ON} Nothing is lost.")
    else:
        out.print("Calendar Companion is not running.")


async def stop_app(home: Path) -> bool:
    """Whether it ran; returns when it has ended. Raises Busy where it does not."""
    return await _stop(home) is not None


async def _stop(home: Path) -> Mapping[str, Any] | None:
    """What it said, once it has ended; None where it did not run. Raises Busy."""
    instance = Instance(home)
    if await _answer(instance) is None:
        return None
    said = await instance.ask("stop")
    until = time.monotonic() + STOP_SECONDS
    while instance.runs():
        if time.monotonic() > until:
            raise Busy("Calendar Companion has not stopped yet.", _LATER)
        await asyncio.sleep(0.1)
    return said or {}


@app.command(hidden=True)
def tray(
    told: Annotated[bool, typer.Option("--told", help="End with the standard input.")] = False,
    home: Home = "",  # noqa: ARG001 - its callback uses it
) -> None:
    """The icon in the desktop's tray; the app in the background starts it."""
    from companion.adapters.logs import log_to

    folder = Environment.of_process().home
    instance = Instance(folder)

    def ask(word: str) -> dict[str, Any] | None:
        return asyncio.run(instance.ask(word))

    def open_app() -> None:
        if url := asyncio.run(instance.launch_address()):
            LaunchPages(folder).open(url, "Calendar Companion")

    with (
        log_to(folder),
        suppress(Busy),
        FileLock(folder / "tray.lock", holder="tray", patience=TRAY_SECONDS),
    ):
        try:
            from companion.desktop.tray import Tray

            icon = Tray(ask, open_app)
            if told:
                Thread(target=until_told, args=(icon.app_ended,), daemon=True).start()
            icon.run()
        except Exception as error:  # noqa: BLE001 - without a tray everything else works
            log.info("this desktop shows no tray icon: %s", type(error).__name__)


class Switch(StrEnum):
    ON = "on"
    OFF = "off"
    STATUS = "status"


Wanted = Annotated[Switch, typer.Argument(metavar="on|off|status")]


@app.command()
def autostart(wanted: Wanted, json: Json = False) -> None:
    """Whether the app starts by itself, without a window, when you sign in to this computer."""
    _entry(wanted, json=json, works="Starts by itself at sign-in", menu=False)


@app.command()
def menu(wanted: Wanted, json: Json = False) -> None:
    """Whether Calendar Companion has an entry in this computer's menu."""
    _entry(wanted, json=json, works="Has an entry in the menu", menu=True)


def _entry(wanted: Switch, *, json: bool, works: str, menu: bool) -> None:
    async def work(application: Application) -> int:
        station = application.this_computer
        if wanted is Switch.STATUS:
            state = await (station.menu() if menu else station.autostart())
        else:
            change = station.set_menu if menu else station.set_autostart
            state = await change(wanted is Switch.ON)
        if json:
            as_json({"on": state.works, **asdict(state)})
        else:
            out.print(f"{works}: {'yes' if state.works else 'no'} ({state.place})")
            if state.what:
                out.print(state.what)
        return FAILED if state.fault else DONE

    run_command(work, json=json)


@command(app)
async def pause(
    application: Application,
    hours: Annotated[float, typer.Argument(min=0.1, max=72, help="For how long.")] = 1.0,
    json: Json = False,
) -> None:
    """Let the background sync rest; it goes on by itself."""
    until = await application.pausing.pause(timedelta(hours=hours))
    if json:
        as_json({"paused_until": until})
    else:
        zone = application.settings.read().practice.timezone
        from companion.services.sync.auditing import clock_time

        at = clock_time(until, zone, application.clock.now())
        out.print(f"The background sync is paused until {at}. End it: python run.py resume")


@command(app)
async def resume(application: Application, json: Json = False) -> None:
    """End a pause of the background sync."""
    await application.pausing.resume()
    if json:
        as_json({"paused_until": None})
    else:
        out.print("The background sync goes on.")


async def app_json() -> dict[str, Any]:
    """Of `status`: whether the app runs, since when, which version, and where."""
    instance = Instance(Environment.of_process().home)
    answered = await instance.ask("status")
    if answered is None:
        return {"running": instance.runs(), "since": None, "version": None, "address": None}
    return {
        "running": True,
        "since": answered.get("since"),
        "version": answered.get("program"),
        "address": f"http://127.0.0.1:{instance.port}/",
        "phones": answered.get("phones"),
        "mood": answered.get("mood"),
        "sentence": answered.get("sentence"),
    }
