"""The practice: what counts for all of it, and the workstations that share it."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from companion.commands.membership_here import HOLDER, kept_address, member_here, open_once
from companion.commands.practice_reports import (
    joined,
    left,
    note_json,
    renewed_json,
    show_key,
    show_renewed,
    unwatched,
    workstation_json,
    workstations_table,
)
from companion.commands.running import DONE, HELD, Json, bare_command, command, pair
from companion.console import as_json, err, out
from companion.domain.errors import BadInput

if TYPE_CHECKING:
    from companion.environment import Environment
    from companion.services.assembly import Application

app = typer.Typer()
practice = typer.Typer(
    help="What counts for the whole practice, and the workstations that share it in PostgreSQL.",
    no_args_is_help=True,
)
app.add_typer(practice, name="practice")

KEY_VARIABLE = "COMPANION_PRACTICE_KEY"
Database = Annotated[
    str,
    typer.Option(
        "--database",
        metavar="URL",
        help="postgresql://USER:PASSWORD@SERVER/DATABASE; else COMPANION_DATABASE_URL, else asked.",
    ),
]
Name = Annotated[str, typer.Option(help="Of this workstation, for people; else the computer's.")]
Yes = Annotated[bool, typer.Option("--yes", help="Without asking.")]


@command(practice, "settings")
async def practice_settings(
    application: Application,
    values: Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE …]")] = None,
    json: Json = False,
) -> None:
    """Show or set what counts for everybody: opening days, stale_days and so on."""
    changes = dict(pair(value) for value in values or [])
    if changes:
        await application.practitioners.set_practice(changes)
    shown = application.practitioners.practice_values()
    if json:
        as_json({"settings": shown})
    else:
        for name, value in shown.items():
            out.print(f"{name}={value}")


@bare_command(practice)
async def create(
    database: Database = "",
    name: Name = "",
    json: Json = False,
) -> None:
    """Move all that this computer keeps into a database, for other workstations to join."""
    from companion.storage.creating import create_practice

    environment = _environment()
    address = _address(database, environment)
    made = await create_practice(environment, address, name=name.strip() or _computer())
    if json:
        as_json(
            {
                **note_json(made.note),
                "key": made.key.text,
                "fingerprint": made.key.fingerprint,
                "rows": made.rows,
                "secrets": made.secrets,
                "kept": str(made.aside),
            }
        )
        return
    rows = made.rows.get("appointments", 0)
    out.print(
        f"The practice is in {made.note.place} now: {rows:,} appointments and {made.secrets} "
        f"sealed secrets, read back and compared. The files as they were lie in {made.aside}."
    )
    show_key(made.key.text, made.key.fingerprint)
    out.print("On each other workstation: python run.py practice join --database URL")


@bare_command(practice)
async def join(database: Database = "", name: Name = "", json: Json = False) -> None:
    """Work with a practice that was made on another workstation. Asks for its key, or takes
    COMPANION_PRACTICE_KEY; where this one has joined already, that is its new key."""
    from companion.adapters.practice_note import practice_note
    from companion.storage.home import sealed_secrets
    from companion.storage.joining import give_practice_key, join_practice_here
    from companion.storage.membership import membership_of

    environment = _environment()
    kept = "" if database.strip() else await kept_address(environment)
    address = kept or _address(database, environment)
    join_it = give_practice_key if kept else join_practice_here
    note = await join_it(environment, address, _typed_key(environment))
    member = await membership_of(note, environment, sealed_secrets(environment, holder=HOLDER))
    await open_once(environment, note, joining=name.strip())
    note = practice_note(environment.home) or note
    if json:
        as_json({**note_json(note), "name": note.name, "fingerprint": member.key.fingerprint})
        return
    out.print(joined(note, name.strip(), member.key.fingerprint))


@bare_command(practice)
async def leave(
    everything: Annotated[
        bool,
        typer.Option("--take-everything", help="Take the whole practice back into this computer."),
    ] = False,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Also as the last one, or while the server is away.")
    ] = False,
    yes: Yes = False,
    json: Json = False,
) -> int:
    """This workstation leaves; the practice goes on without it."""
    from companion.commands.watched_here import watched_here
    from companion.storage.put_aside import folders_put_aside
    from companion.storage.returning import leave_here, take_everything

    environment = _environment()
    if everything:
        if not yes and not _confirmed(
            "Take the practice back into this computer? The other workstations stop."
        ):
            return _held(json=json)
        taken = await take_everything(environment)
        if json:
            as_json({"joined": False, "rows": taken.rows, "secrets": taken.secrets})
        else:
            rows = taken.rows.get("appointments", 0)
            out.print(
                f"This computer keeps everything by itself again: {rows:,} appointments and "
                f"{taken.secrets} sealed secrets, read back and compared. The practice in "
                f"{taken.place} is closed: other workstations say so and stop."
            )
    else:
        watched = await watched_here(environment)
        question = "This computer leaves the practice. Go on?"
        if not yes and _declined(f"{unwatched(watched)} {question}".strip()):
            return _held(json=json)
        note = await leave_here(environment, anyway=anyway)
        kept = await asyncio.to_thread(folders_put_aside, environment)
        if json:
            names = [each.name for each in watched]
            as_json({"joined": False, "kept": list(map(str, kept)), "not_watched": names})
        else:
            out.print(left(note.place, kept, watched))
    if environment.names_a_server:
        err.print(
            f"Take the variables COMPANION_DATABASE_URL and {KEY_VARIABLE} away too: with "
            "them this computer joins again by itself."
        )
    return DONE


@bare_command(practice)
async def status(json: Json = False) -> None:
    """Who belongs to it, who is on, and who keeps the calendars."""
    environment = _environment()
    member = await member_here(environment)
    if member is None:
        if json:
            as_json({"joined": False})
        else:
            out.print("This computer keeps its data by itself: it has joined no practice.")
        return
    from companion.main import open_ports

    async with open_ports(environment, holder=HOLDER) as ports:
        found = await ports.practice.workstations() if ports.practice else ()
        zone = ports.settings.read().practice.timezone
    if json:
        as_json(
            {
                "joined": True,
                **note_json(member.note),
                "fingerprint": member.key.fingerprint,
                "workstations": [workstation_json(each) for each in found],
                "keeper": next((each.name for each in found if each.keeps_calendars), None),
            }
        )
        return
    out.print(f"Practice in {member.note.place}, key fingerprint {member.key.fingerprint}")
    workstations_table(found, member.note.workstation_id, zone)


@bare_command(practice)
async def key(
    renew: Annotated[
        bool, typer.Option("--renew", help="Make another one: the old one opens nothing any more.")
    ] = False,
    yes: Yes = False,
    json: Json = False,
) -> int:
    """Show the practice key, with which another workstation joins, or make another one."""
    if renew:
        return await _renew_key(yes=yes, json=json)
    member = await member_here(_environment())
    if member is None:
        raise BadInput("This computer has joined no practice.", "So there is no key to show.")
    if not yes and not _confirmed(
        "Show the practice key? Whoever reads it, and reaches the database, can open the "
        "Google sign-ins."
    ):
        return _held("The key was not shown. With --yes it is shown", json=json)
    if json:
        as_json({"key": member.key.text, "fingerprint": member.key.fingerprint})
    else:
        show_key(member.key.text, member.key.fingerprint)
    return DONE


@bare_command(practice)
async def update(
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Also while a workstation with an older version is on.")
    ] = False,
    json: Json = False,
) -> None:
    """Bring the practice's data to the form of this version, as its start would."""
    environment = _environment()
    member = await member_here(environment)
    if member is None:
        raise BadInput(
            "This computer has joined no practice.", "Its own data follow by themselves."
        )
    await open_once(environment, member.note, anyway=anyway)
    if json:
        as_json(note_json(member.note))
    else:
        out.print(f"The practice in {member.note.place} has the form of this version.")


async def _renew_key(*, yes: bool, json: bool) -> int:
    from companion.storage.renewing_key import renew_practice_key

    if not yes and not _confirmed(
        "Make another practice key? The old one opens nothing any more, and every other "
        "workstation stops until the new one is typed there."
    ):
        return _held(json=json)
    environment = _environment()
    try:
        renewed = await renew_practice_key(environment)
    except asyncio.CancelledError:  # Ctrl-C
        err.print("Which practice key counts now: python run.py practice key")
        raise
    if json:
        as_json(renewed_json(renewed))
    else:
        show_renewed(renewed)
    if environment.practice_key.strip():
        err.print(f"Set {KEY_VARIABLE} to the new key, or take it away, wherever it is set.")
    return DONE


def _environment() -> Environment:
    from companion.environment import Environment

    return Environment.of_process()


def _computer() -> str:
    import socket

    return socket.gethostname()


def _address(given: str, environment: Environment) -> str:
    if given.strip():
        return given.strip()
    if environment.names_a_server:
        return environment.database_url
    if not sys.stdin.isatty():
        raise BadInput(
            "The address of the database is missing.",
            "Give it: --database postgresql://USER:PASSWORD@SERVER/DATABASE, or set "
            "COMPANION_DATABASE_URL.",
            field="usage",
        )
    import getpass

    return getpass.getpass("Address, postgresql://USER:PASSWORD@SERVER/DATABASE (not shown): ")


def _typed_key(environment: Environment) -> str:
    if environment.practice_key.strip():
        return environment.practice_key
    if not sys.stdin.isatty():
        raise BadInput(
            "Joining needs the practice key, and there is nobody to type one.",
            f"Set {KEY_VARIABLE} to it.",
            field="practice_key",
        )
    import getpass

    return getpass.getpass("Practice key: ")


def _declined(question: str) -> bool:
    """By a person at a terminal; a script is taken at its word."""
    return sys.stdin.isatty() and not _confirmed(question)


def _confirmed(question: str) -> bool:
    if not sys.stdin.isatty():
        return False
    return typer.confirm(question, err=True)


def _held(words: str = "Nothing was done. With --yes it is done", *, json: bool) -> int:
    if json:
        as_json({"held": True})
    else:
        err.print(f"{words} without asking.")
    return HELD
