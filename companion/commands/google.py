"""Signing in to Google."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from companion.commands.running import (
    DONE,
    FAILED,
    HELD,
    Json,
    NoBrowser,
    Who,
    named,
    read_input,
    run_command,
)
from companion.console import as_json, err, out

if TYPE_CHECKING:
    from companion.services.assembly import Application

app = typer.Typer()
google = typer.Typer(help="Signing in to Google.", no_args_is_help=True)
app.add_typer(google, name="google")


@google.command("client")
def google_client(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    yes: Annotated[
        bool, typer.Option("--yes", help="Also when everybody has to connect again.")
    ] = False,
    json: Json = False,
) -> None:
    """Keep the practice's OAuth client file (type "installed")."""

    async def work(application: Application) -> int:
        change = await application.connecting.set_client(read_input(file), replace=yes)
        if json:
            as_json({"client": change.name, "change": change.kind, "held": change.held})
        elif not change.held:
            out.print(f"{change.sentence} The file itself is no longer needed.")
        if change.held:
            err.print(
                f"{change.sentence}\nNothing was changed. If this is right, add --yes; then "
                f"connect again: {', '.join(change.signed_in)}."
            )
            return HELD
        return DONE

    run_command(work, json=json)


@google.command("connect")
def google_connect(
    practitioner: Who,
    login: Annotated[str, typer.Option(help="Google Login (e-mail) that must sign in.")] = "",
    calendar: Annotated[str, typer.Option(help="Google Calendar ID to use.")] = "",
    new_calendar: Annotated[
        str | None,
        typer.Option(metavar="[NAME]", help="Create a calendar, the default the first time."),
    ] = None,
    no_browser: NoBrowser = False,
    json: Json = False,
) -> None:
    """Sign in to Google; prints the address to open and waits at most five minutes."""
    if calendar and new_calendar is not None:
        raise typer.BadParameter("Use either --calendar ID or --new-calendar, not both.")
    from companion.adapters.google.loopback import Loopback
    from companion.environment import Environment
    from companion.services.google.consents import CalendarChoice
    from companion.web.launch_pages import LaunchPages

    async def work(application: Application) -> None:
        person = named(application, practitioner)

        choice = None
        if calendar:
            choice = CalendarChoice(kind="existing", calendar_id=calendar)
        elif new_calendar is not None:
            choice = CalendarChoice(kind="new", name=new_calendar)
        async with Loopback() as loopback:
            start = await application.connecting.begin(
                person.id, login=login, calendar=choice, redirect_uri=loopback.redirect_uri
            )
            # With --json, standard output holds the document alone.
            (err if json else out).print(f"Open this address to sign in to Google:\n{start.url}")
            pages = LaunchPages(Environment.of_process().home)
            if not no_browser:
                pages.open(start.url, "Google")
            try:
                address = await loopback.answer(start.state)
            finally:
                pages.remove(start.url)
            connected = await application.connecting.finish(address)
        if json:
            as_json(
                {
                    "practitioner": person.name,
                    "account": connected.account,
                    "calendar_id": connected.calendar_id,
                    "calendar": connected.calendar_name,
                }
            )
        else:
            out.print(
                f"{person.name} is connected as {connected.account or 'an unnamed account'}; "
                f"calendar: {connected.calendar_name or connected.calendar_id}"
            )
        if connected.ends_at is not None:
            err.print(
                f"Google ends this sign-in on {connected.ends_at:%d/%m/%Y}, because the practice's "
                'Google app is in "Testing". In the Google Cloud console open Google Auth Platform '
                "> Audience and press Publish app; then connect once more."
            )

    run_command(work, json=json, who="a sign-in")


@google.command("test")
def google_test(practitioner: Who, json: Json = False) -> None:
    """Test Credentials."""
    _check(practitioner, "test", json=json)


@google.command("check")
def google_check(practitioner: Who, json: Json = False) -> None:
    """Check Calendar is accessible: really writes and removes a probe event."""
    _check(practitioner, "check", json=json)


@google.command("selftest")
def google_selftest(practitioner: Who, json: Json = False) -> None:
    """Prove, in a throw-away calendar, that Google behaves as this program assumes."""

    async def work(application: Application) -> int:
        person = named(application, practitioner)
        report = await application.selftest.run(
            person.id, (lambda _line: None) if json else (lambda line: out.print(str(line)))
        )
        if json:
            as_json(
                {
                    "practitioner": person.name,
                    "passed": report.passed,
                    "lines": [
                        {
                            "id": line.id,
                            "holds": line.holds,
                            "assumed": line.assumed,
                            "came": line.came,
                        }
                        for line in report.lines
                    ],
                }
            )
        else:
            out.print(report.sentence)
        return DONE if report.passed else FAILED

    run_command(work, json=json, who="a self-test")


def _check(practitioner: str, which: str, *, json: bool) -> None:
    async def work(application: Application) -> int:
        person = named(application, practitioner)
        connecting = application.connecting
        check = connecting.test if which == "test" else connecting.check
        result = await check(person.id)
        if json:
            as_json({"practitioner": person.name, **_fields(result)})
        elif result.ok:
            out.print(result.label)
        if not result.ok:
            err.print(result.what)
            for remedy in result.remedies:
                err.print(f"  - {remedy}")
        return DONE if result.ok else FAILED

    run_command(work, json=json)


def _fields(result: Any) -> dict[str, Any]:
    return {
        "ok": result.ok,
        "label": result.label,
        "what": result.what,
        "remedies": list(result.remedies),
    }


@google.command("disconnect")
def google_disconnect(
    practitioner: Who,
    remove_events: Annotated[
        bool, typer.Option("--remove-events", help="Remove our events from Google first.")
    ] = False,
    json: Json = False,
) -> None:
    """Revoke and forget the sign-in."""

    async def work(application: Application) -> None:
        person = named(application, practitioner)
        removed = await application.connecting.disconnect(person.id, remove_events=remove_events)
        if json:
            as_json({"practitioner": person.name, "removed": removed})
        else:
            out.print(f"{person.name} is disconnected; {removed} events removed from Google.")

    run_command(work, json=json)
