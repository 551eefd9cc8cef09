"""The people of the practice: practitioners, their settings, and who may sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from companion.commands.running import (
    DONE,
    HELD,
    Json,
    Who,
    command,
    named,
    names_of,
    pair,
)
from companion.console import as_json, err, out, table

if TYPE_CHECKING:
    from companion.services.assembly import Application

app = typer.Typer()
people = typer.Typer(help="The people whose calendars are kept.", no_args_is_help=True)
app.add_typer(people, name="practitioners")
users = typer.Typer(help="Who may sign in to the app on this computer.", no_args_is_help=True)
app.add_typer(users, name="users")


@command(people, "list")
async def practitioners_list(application: Application, json: Json = False) -> None:
    """Everybody, in display order."""
    records = application.settings.read().practitioners.values()
    if json:
        as_json(
            {
                "practitioners": [
                    {
                        "id": each.practitioner.id,
                        "name": each.practitioner.name,
                        "email": each.practitioner.email,
                        "timezone": each.practitioner.timezone,
                        "connected": each.google.connected,
                        "enabled": each.choices.enabled,
                    }
                    for each in records
                ]
            }
        )
    elif not records:
        out.print("No practitioners yet. Add one: practitioners add NAME")
    else:
        table(
            ("Name", "Id", "E-mail", "Time zone", "Google"),
            [
                (
                    each.practitioner.name,
                    each.practitioner.id,
                    each.practitioner.email,
                    each.practitioner.timezone,
                    each.google.account or "not connected",
                )
                for each in records
            ],
        )


@command(people, "add")
async def practitioners_add(
    application: Application,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    email: Annotated[str, typer.Option(help="E-mail address.")] = "",
    timezone: Annotated[str, typer.Option(help="IANA zone; the practice's by default.")] = "",
    id: Annotated[str, typer.Option(help="Permanent id; made from the name.")] = "",  # noqa: A002
    json: Json = False,
) -> None:
    """Add one person."""
    added = await application.practitioners.add(name, email=email, timezone=timezone, id=id)
    if json:
        as_json({"id": added.id, "name": added.name, "timezone": added.timezone})
    else:
        out.print(f'Added {added.name} (id "{added.id}", {added.timezone}).')


Yes = Annotated[bool, typer.Option("--yes", help="Do it; without, only say what would go.")]


@command(people, "merge")
async def practitioners_merge(
    application: Application,
    practitioner: Who,
    into: Annotated[str, typer.Argument(metavar="INTO", help="Whose the appointments become.")],
    yes: Yes = False,
    json: Json = False,
) -> int:
    """Make one person of two names: appointments move, both names are known."""
    left, kept = named(application, practitioner), named(application, into)
    count = await application.practitioners.appointments_of(left.id)
    if yes:
        await application.practitioners.merge(left.id, kept.id)
    if json:
        as_json({"from": left.id, "into": kept.id, "appointments": count, "done": yes})
    elif yes:
        out.print(f"Merged {left.name} into {kept.name}: {_counted(count)} moved.")
    if not yes:
        err.print(
            f"{_counted(count)} of {left.name} would move to {kept.name}, and {left.name}'s "
            "settings and phone links would be removed.\nNothing was changed. If this is "
            "right, add --yes."
        )
    return DONE if yes else HELD


@command(people, "remove")
async def practitioners_remove(
    application: Application, practitioner: Who, yes: Yes = False, json: Json = False
) -> int:
    """Remove a person with their settings, phone links and appointments in the book."""
    person = named(application, practitioner)
    count = await application.practitioners.appointments_of(person.id)
    if yes:
        await application.practitioners.remove(person.id)
    if json:
        as_json({"practitioner": person.id, "appointments": count, "done": yes})
    elif yes:
        out.print(f"Removed {person.name} and {_counted(count)}.")
    if not yes:
        err.print(
            f"{person.name}'s settings, phone links and {_counted(count)} in the book would be "
            "removed.\nNothing was changed. If this is right, add --yes."
        )
    return DONE if yes else HELD


def _counted(count: int) -> str:
    return "1 appointment" if count == 1 else f"{count} appointments"


@command(app)
async def settings(
    application: Application,
    practitioner: Who,
    values: Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE …]")] = None,
    json: Json = False,
) -> None:
    """Show or set one practitioner's settings."""
    person = named(application, practitioner)
    changes = dict(pair(value) for value in values or [])
    if changes:
        await application.practitioners.set_values(person.id, changes)
    shown = application.practitioners.values(person.id)
    if json:
        as_json({"practitioner": person.name, "settings": shown})
    else:
        for key, value in shown.items():
            out.print(f"{key}={value}")


@command(users, "list")
async def users_list(application: Application, json: Json = False) -> None:
    """Everybody who may sign in."""
    found = application.accounts.users()
    names = names_of(application)
    rows = [
        {
            "id": each.id,
            "name": each.name,
            "role": each.role.value,
            "practitioner": each.practitioner_id,
        }
        for each in found
    ]
    if json:
        as_json({"users": rows})
    elif not rows:
        out.print("No users yet: the app's first page makes the administrator.")
    else:
        table(
            ("Name", "Role", "Practitioner"),
            [(e["name"], e["role"], names.get(e["practitioner"], "")) for e in rows],
        )


@command(users, "reset")
async def users_reset(
    application: Application,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    json: Json = False,
) -> None:
    """A new password to hand over; also for an administrator who has forgotten theirs."""
    accounts = application.accounts
    user = accounts.named(name)
    password = await accounts.reset_password(user.id)
    if json:
        as_json({"id": user.id, "name": user.name, "password": password})
    else:
        out.print(f"The new password of {user.name} is {password}")
        out.print("It has to be changed at the next sign-in.")
