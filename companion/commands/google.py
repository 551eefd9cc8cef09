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
    command,
    named,
    read_input,
    run_command,
)
from companion.commands.workspace import (
    account_json,
    connect_everybody,
    connected_json,
    in_use_json,
    print_account,
)
from companion.console import as_json, err, out, print_error
from companion.domain.errors import CalendarInUse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rich.console import Console

    from companion.domain.appointments import Practitioner
    from companion.services.assembly import Application
    from companion.services.google.connecting import Connecting
    from companion.services.google.joining import Connected
    from companion.services.google.pending import SignInStart

app = typer.Typer()
google = typer.Typer(help="Signing in to Google.", no_args_is_help=True)
app.add_typer(google, name="google")


@google.command("client")
def google_client(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]")] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Also when everybody has to connect again.")
    ] = False,
    remove_key: Annotated[
        bool, typer.Option("--remove-key", help="Remove the key of the service account.")
    ] = False,
    json: Json = False,
) -> None:
    """Keep the practice's OAuth client file, or the key of a service account that connects
    everybody of a Google Workspace. Without a FILE: show what is kept, and what an administrator
    of Google Workspace has to authorise."""
    if file is not None and remove_key:
        raise typer.BadParameter("Use either a FILE or --remove-key, not both.")

    async def work(application: Application) -> int:
        connecting = application.connecting
        if remove_key:
            await connecting.remove_key()
        if file is None:
            return await _show_client(application, json=json)
        change = await connecting.set_client(read_input(file), replace=yes)
        account = await connecting.service_account() if change.service_account else None
        if json:
            said = {"client": change.name, "change": change.kind, "held": change.held}
            as_json({**said, "service_account": account_json(account)})
        elif not change.held:
            out.print(f"{change.sentence} The file itself is no longer needed.")
            if account is not None and change.kind in {"first", "other"}:
                print_account(account)
        if change.held:
            err.print(
                f"{change.sentence}\nNothing was changed. If this is right, add --yes; then "
                f"connect again: {', '.join(change.signed_in)}."
            )
            return HELD
        return DONE

    run_command(work, json=json)


async def _show_client(application: Application, *, json: bool) -> int:
    name = await application.connecting.client_name()
    account = await application.connecting.service_account()
    if json:
        as_json(
            {
                "client": name,
                "client_id": await application.connecting.client_id(),
                "service_account": account_json(account),
            }
        )
        return DONE
    out.print(f"Google client: {name or 'not added yet'}")
    out.print(f"Service account: {account.email if account else 'not added yet'}")
    if account is not None:
        print_account(account)
    return DONE


@google.command("connect")
def google_connect(  # noqa: C901, PLR0913, PLR0917 - its options
    practitioner: Annotated[str, typer.Argument(metavar="[PRACTITIONER]", help="Name or id.")] = "",
    everybody: Annotated[
        bool, typer.Option("--all", help="Everybody with an e-mail, by the service account.")
    ] = False,
    upload: Annotated[
        bool, typer.Option("--upload", help="With --all: fill and prove the calendars as well.")
    ] = False,
    login: Annotated[str, typer.Option(help="Google Login (e-mail) that must sign in.")] = "",
    calendar: Annotated[str, typer.Option(help="Google Calendar ID to use.")] = "",
    new_calendar: Annotated[
        str | None,
        typer.Option(metavar="[NAME]", help="Create a calendar, the default the first time."),
    ] = None,
    take_over: Annotated[
        bool,
        typer.Option("--take-over", help="Also a calendar that another installation keeps."),
    ] = False,
    shared: Annotated[
        bool, typer.Option("--shared", help="The --calendar is shared with the account.")
    ] = False,
    sign_in: Annotated[
        bool, typer.Option("--sign-in", help="Also where a service account could connect.")
    ] = False,
    no_browser: NoBrowser = False,
    json: Json = False,
) -> None:
    """Sign in to Google; prints the address to open and waits at most five minutes. Where the
    practice has a service account nobody has to sign in."""
    if calendar and new_calendar is not None:
        raise typer.BadParameter("Use either --calendar ID or --new-calendar, not both.")
    if bool(practitioner) == everybody:
        raise typer.BadParameter("Name a PRACTITIONER, or use --all.")
    if everybody and (login or calendar or new_calendar is not None or sign_in):
        raise typer.BadParameter("--all takes everybody's own login and calendar.")
    if shared and not calendar:
        raise typer.BadParameter("--shared says of a --calendar ID that it is shared.")
    if upload and not everybody:
        raise typer.BadParameter("--upload goes with --all; for one: run.py upload PRACTITIONER")
    if everybody:
        run_command(
            lambda application: connect_everybody(
                application, upload=upload, take_over=take_over, json=json
            ),
            json=json,
            who="connecting everybody",
        )

    async def connect(application: Application, person: Practitioner) -> Connected:
        from companion.services.google.consents import CalendarChoice

        choice = None
        if calendar:
            choice = CalendarChoice(
                kind="existing", calendar_id=calendar, take_over=take_over, shared=shared
            )
        elif new_calendar is not None:
            choice = CalendarChoice(kind="new", name=new_calendar, look=False)
        connecting = application.connecting
        if not sign_in and await connecting.delegates():
            return await connecting.delegate(
                person.id, login=login, calendar=choice, take_over=take_over
            )
        return await _sign_in(
            connecting,
            lambda back: connecting.begin(
                person.id, login=login, calendar=choice, take_over=take_over, redirect_uri=back
            ),
            no_browser=no_browser,
            say=err if json else out,  # with --json, standard output holds the document alone
        )

    async def work(application: Application) -> int:
        person = named(application, practitioner)
        try:
            connected = await connect(application, person)
        except CalendarInUse as error:
            if json:
                as_json(in_use_json(person.name, error))
            print_error(error)
            return HELD
        _show_connected(person.name, connected, json=json)
        others = application.connecting.sharing(person.id)
        if others:
            err.print(f"{connected.account} also serves {' and '.join(others)}.")
        if not application.settings.read().record(person.id).google.login:
            err.print(
                f"Is {connected.account} {person.name}'s account? If not: "
                f'python run.py google disconnect "{person.name}"'
            )
        return DONE

    run_command(work, json=json, who="a sign-in")


async def _sign_in(
    connecting: Connecting,
    begin: Callable[[str], Awaitable[SignInStart]],
    *,
    no_browser: bool,
    say: Console,
) -> Connected:
    """`begin` gets the address that Google sends the browser back to."""
    from companion.adapters.google.loopback import Loopback
    from companion.environment import Environment
    from companion.web.launch_pages import LaunchPages

    async with Loopback() as loopback:
        start = await begin(loopback.redirect_uri)
        say.print(f"Open this address to sign in to Google:\n{start.url}")
        pages = LaunchPages(Environment.of_process().home)
        if not no_browser:
            pages.open(start.url, "Google")
        try:
            address = await loopback.answer(start.state)
        finally:
            pages.remove(start.url)
        return await connecting.finish(address)


def _show_connected(name: str, connected: Connected, *, json: bool) -> None:
    if json:
        as_json(connected_json(name, connected))
    else:
        out.print(
            f"{name} is connected as {connected.account or 'an unnamed account'}; "
            f"calendar: {connected.calendar_name or connected.calendar_id}"
        )
    if connected.ends_at is not None:
        err.print(
            f"Google ends this sign-in on {connected.ends_at:%d/%m/%Y}, because the practice's "
            'Google app is in "Testing". In the Google Cloud console open Google Auth Platform '
            "> Audience and press Publish app; then connect once more."
        )


@command(google, "take-over")
async def google_take_over(application: Application, practitioner: Who, json: Json = False) -> None:
    """Keep the calendar from this computer, where two computers write to it; the other stops."""
    person = named(application, practitioner)
    await application.syncing.claim(person.id)
    if json:
        as_json({"practitioner": person.name, "taken_over": True})
    else:
        out.print(f"{person.name}: the next sync keeps the calendar from this computer.")


@google.command("test")
def google_test(practitioner: Who, json: Json = False) -> None:
    """Test Credentials."""
    _check(practitioner, "test", json=json)


@google.command("check")
def google_check(practitioner: Who, json: Json = False) -> None:
    """Check Calendar is accessible: really writes and removes a probe event."""
    _check(practitioner, "check", json=json)


@command(google, "selftest", who="a self-test")
async def google_selftest(application: Application, practitioner: Who, json: Json = False) -> int:
    """Prove, in a throw-away calendar, that Google behaves as this program assumes."""
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


@command(google, "disconnect")
async def google_disconnect(
    application: Application,
    practitioner: Who,
    remove_events: Annotated[
        bool, typer.Option("--remove-events", help="Remove our events from Google first.")
    ] = False,
    json: Json = False,
) -> None:
    """Revoke and forget the sign-in."""
    person = named(application, practitioner)
    removed = await application.connecting.disconnect(person.id, remove_events=remove_events)
    if json:
        as_json({"practitioner": person.name, "removed": removed})
    else:
        out.print(f"{person.name} is disconnected; {removed} events removed from Google.")
