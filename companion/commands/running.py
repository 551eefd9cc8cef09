"""Running one command: open the application, do the work, leave with its exit code.

0 done · 1 something failed (what and what to do, on standard error) · 2 wrong usage ·
3 held for a person's confirmation · 130 interrupted, nothing lost.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, ParamSpec

import typer

from companion.console import as_json, err, error_json, print_error
from companion.domain.errors import BadInput, CompanionError
from companion.gc_tuning import freeze_gc

if TYPE_CHECKING:
    from companion.domain.appointments import Practitioner
    from companion.services.assembly import Application

P = ParamSpec("P")
log = logging.getLogger(__name__)
DONE, FAILED, USAGE, HELD, INTERRUPTED = 0, 1, 2, 3, 130

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Who = Annotated[str, typer.Argument(metavar="PRACTITIONER", help="Name or id.")]


def _use_home(folder: str) -> str:
    """What the system starts at sign-in has none of the variables that this program was given."""
    if folder:
        os.environ["COMPANION_HOME"] = folder
    return folder


Home = Annotated[str, typer.Option("--home", hidden=True, callback=_use_home)]
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")]


def interrupted() -> int:
    err.print("Interrupted. Nothing is lost: the next run goes on from here.")
    return INTERRUPTED


def run_command(
    work: Callable[[Application], Awaitable[int | None]], *, json: bool = False, who: str = ""
) -> None:
    """Open the application, do the work, leave with its exit code; errors become sentences."""
    from companion.environment import Environment
    from companion.main import open_companion

    async def inside() -> int | None:
        async with open_companion(
            Environment.of_process(), holder=who or "a command"
        ) as application:
            if application.recovered:
                err.print(application.recovered)
            return await work(application)

    guarded(inside, json=json)


def command(
    group: typer.Typer, name: str | None = None, *, who: str = ""
) -> Callable[[Callable[Concatenate[Application, P], Awaitable[int | None]]], Callable[P, None]]:
    """Makes a command of `group`, whose options are read from the parameters, of work that gets the
    opened application before them."""

    def make(
        work: Callable[Concatenate[Application, P], Awaitable[int | None]],
    ) -> Callable[P, None]:
        @wraps(work)
        def run(*args: P.args, **options: P.kwargs) -> None:
            run_command(
                lambda application: work(application, *args, **options),
                json=bool(options["json"]),
                who=who,
            )

        read = signature(work, locals={"Application": object}, eval_str=True)
        seen = [each for each in read.parameters.values() if each.name != "application"]
        vars(run)["__signature__"] = read.replace(parameters=seen)
        run.__annotations__ = {}  # they name what is imported for type checkers alone
        return group.command(name)(run)

    return make


def bare_command(
    group: typer.Typer, name: str | None = None
) -> Callable[[Callable[P, Coroutine[Any, Any, int | None]]], Callable[P, None]]:
    """The same of work that opens the application itself, or must not."""

    def make(work: Callable[P, Coroutine[Any, Any, int | None]]) -> Callable[P, None]:
        @wraps(work)
        def run(*args: P.args, **options: P.kwargs) -> None:
            guarded(lambda: work(*args, **options), json=bool(options.get("json")))

        return group.command(name)(run)

    return make


def guarded(work: Callable[[], Coroutine[Any, Any, int | None]], *, json: bool) -> None:
    """The same for work that opens the application itself, or must not."""
    if not gc.isenabled():  # as `cli.run` left it until everything is imported
        freeze_gc()
    try:
        code = asyncio.run(work()) or DONE
    except (KeyboardInterrupt, EOFError, typer.Abort):  # Ctrl-C, or Ctrl-D at a question
        code = interrupted()
    except CompanionError as error:
        if json:
            as_json({"error": error_json(error)})
        print_error(error)
        code = USAGE if isinstance(error, BadInput) and error.field == "usage" else FAILED
    except Exception as error:  # noqa: BLE001 - no traceback reaches a person
        code = internal_error(error, json=json)
    raise typer.Exit(code)


def internal_error(error: Exception, *, json: bool = False) -> int:
    """An error in the program itself: a sentence here, the traceback in the log."""
    from companion.adapters.logs import FILE_NAME, log_to
    from companion.environment import Environment

    home = Environment.of_process().home
    if home.is_dir():
        with log_to(home):
            log.error("an internal error", exc_info=error)
    shown = CompanionError(
        "Calendar Companion met an internal error; nothing is lost.",
        f"Try again. If it happens again, send the file {FILE_NAME} of the data folder to "
        "whoever looks after your computers: it holds no client names.",
    )
    if json:
        as_json({"error": error_json(shown)})
    print_error(shown)
    return FAILED


def named(application: Application, wanted: str) -> Practitioner:
    """By id or name; raises NotFound."""
    return application.settings.read().practitioner(wanted).practitioner


def names_of(application: Application) -> dict[str, str]:
    """By practitioner id."""
    return application.settings.read().names()


def read_input(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BadInput(
            f"The file {file.name} cannot be read.", "Check its name and place.", field="file"
        ) from error


def pair(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not sign or not key.strip():
        raise BadInput(
            f'"{text[:60]}" is not KEY=VALUE.', "For example: days_in_advance=90", field="usage"
        )
    return key.strip(), value.strip()
