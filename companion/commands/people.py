"""The people whose calendars are kept: practitioners, their settings, and who may sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from companion.commands.running import (
    Json,
    Who,
    named,
    names_of,
    pair,
    run_command,
)
from companion.console import as_json, out, table

if TYPE_CHECKING:
    from companion.services.assembly import Application

app = typer.Typer()
people = typer.Typer(help="The people whose calendars are kept.", no_args_is_help=True)
app.add_typer(people, name="practitioners")
users = typer.Typer(help="Who may sign in to the app on this computer.", no_args_is_help=True)
app.add_typer(users, name="users")


@people.command("list")
def practitioners_list(json: Json = False) -> None:
    """Everybody, in display order."""

    async def work(application: Application) -> None:
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

    run_command(work, json=json)


@people.command("add")
def practitioners_add(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    email: Annotated[str, typer.Option(help="E-mail address.")] = "",
    timezone: Annotated[str, typer.Option(help="IANA zone; the practice's by default.")] = "",
    id: Annotated[str, typer.Option(help="Permanent id; made from the name.")] = "",  # noqa: A002
    json: Json = False,
) -> None:
    """Add one person."""

    async def work(application: Application) -> None:
        added = await application.practitioners.add(name, email=email, timezone=timezone, id=id)
        if json:
            as_json({"id": added.id, "name": added.name, "timezone": added.timezone})
        else:
            out.print(f'Added {added.name} (id "{added.id}", {added.timezone}).')

    run_command(work, json=json)


@app.command()
def settings(
    practitioner: Who,
    values: Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE …]")] = None,
    json: Json = False,
) -> None:
    """Show or set one practitioner's settings."""

    async def work(application: Application) -> None:
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

    run_command(work, json=json)


@users.command("list")
def users_list(json: Json = False) -> None:
    """Everybody who may sign in."""

    async def work(application: Application) -> None:
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

    run_command(work, json=json)


@users.command("reset")
def users_reset(name: Annotated[str, typer.Argument(metavar="NAME")], json: Json = False) -> None:
    """A new password to hand over; also for an administrator who has forgotten theirs."""

    async def work(application: Application) -> None:
        accounts = application.accounts
        user = accounts.named(name)
        password = await accounts.reset_password(user.id)
        if json:
            as_json({"id": user.id, "name": user.name, "password": password})
        else:
            out.print(f"The new password of {user.name} is {password}")
            out.print("It has to be changed at the next sign-in.")

    run_command(work, json=json)
