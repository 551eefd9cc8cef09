"""The commands joined: `run` is the entry point of `run.py` and of the `companion` script.

Commands are thin: each opens the application, calls a service and prints what it answered.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

import companion
from companion.commands import (
    backups,
    desktop,
    feeds,
    google,
    import_history,
    imports,
    maintenance,
    notices,
    people,
    practice,
    sources,
    syncing,
    updating,
)
from companion.commands.running import (
    FAILED,
    INTERRUPTED,
    Home,
    NoBrowser,
    internal_error,
    interrupted,
)
from companion.console import as_json, print_error
from companion.domain.errors import CompanionError

if TYPE_CHECKING:
    from companion.serving import ServeOptions

app = typer.Typer(
    name="companion",
    help="Keeps each practitioner's Google Calendar and phone feed equal to the appointment book.",
    no_args_is_help=False,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Port = Annotated[int, typer.Option(min=1, max=65535, help="Port of the app on this computer.")]
FeedHost = Annotated[str, typer.Option(help="Address the listener for phones uses.")]
FeedPort = Annotated[int, typer.Option(min=1, max=65535, help="Port of the listener for phones.")]


def run() -> None:
    """Entry point of `run.py` and of the `companion` script; without a command it serves."""
    gc.disable()  # until everything is imported: a tenth of the start would go into searches
    arguments = sys.argv[1:]
    alone = not arguments or (
        arguments[0].startswith("-") and arguments[0] not in {"--help", "--version"}
    )
    for stream in (sys.stdout, sys.stderr):  # names in any script, also on a cp1252 console
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        app(args=["serve", *arguments] if alone else _optional_name(arguments))
    except KeyboardInterrupt:
        sys.exit(interrupted())
    except SystemExit as end:
        # Typer ends wrong usage itself, having told people but not scripts, and an early Ctrl-C.
        cause = end.__context__
        if "--json" in arguments and isinstance(cause, typer.TyperException):
            _usage_document(str(cause))
        if cause is not None and isinstance(cause.__cause__, KeyboardInterrupt):
            interrupted()
        raise


def _usage_document(what: str) -> None:
    remedy = "The same command with --help shows what it takes."
    as_json({"error": {"kind": "WrongUsage", "what": what, "remedy": remedy}})


def _optional_name(arguments: Sequence[str]) -> list[str]:
    """``--new-calendar [NAME]``: Typer has no options with an optional value."""
    completed: list[str] = []
    for index, argument in enumerate(arguments):
        completed.append(argument)
        following = arguments[index + 1 : index + 2]
        if argument == "--new-calendar" and (not following or following[0].startswith("-")):
            completed.append("")
    return completed


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        sys.stdout.write(f"Calendar Companion {companion.__version__}\n")
        raise typer.Exit


@app.command()
def serve(
    port: Port = 8080,
    feed_host: FeedHost = "0.0.0.0",  # noqa: S104 - phones in the clinic's network
    feed_port: FeedPort = 8090,
    no_browser: NoBrowser = False,
    background: Annotated[bool, typer.Option("--background", hidden=True)] = False,
    home: Home = "",  # noqa: ARG001 - its callback uses it
) -> None:
    """Start the app, the listener for phones and the background sync."""
    from companion.serving import ServeOptions

    _serve(
        ServeOptions(
            port=port,
            feed_host=feed_host,
            feed_port=feed_port,
            browser=not no_browser,
            background=background,
        )
    )


@app.command()
def demo(
    port: Port = 8080,
    feed_host: FeedHost = "127.0.0.1",
    feed_port: FeedPort = 8090,
    no_browser: NoBrowser = False,
    told: Annotated[bool, typer.Option("--told", hidden=True)] = False,
) -> None:
    """The same with a sample practice, simulated Google and Cliniko, on a throw-away home."""
    from companion.serving import ServeOptions

    _serve(
        ServeOptions(
            port=port,
            feed_host=feed_host,
            feed_port=feed_port,
            demo=True,
            browser=not no_browser,
            told=told,
        )
    )


def _serve(options: ServeOptions) -> None:
    from companion.serving import serve as serve_for_long

    try:
        serve_for_long(options)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except CompanionError as error:
        print_error(error)
        raise typer.Exit(FAILED) from None
    except Exception as error:  # noqa: BLE001 - no traceback reaches a person
        raise typer.Exit(internal_error(error)) from None


_GROUPS = (
    imports, sources, import_history, people, google, syncing, feeds, maintenance, backups,
    desktop, notices, practice, updating,
)  # fmt: skip
for group in _GROUPS:
    app.add_typer(group.app)
