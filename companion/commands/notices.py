"""Notices: who is told of troubles, how that stands, and a test."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from companion.commands.running import DONE, FAILED, Json, command
from companion.console import as_json, err, error_json, out, print_error
from companion.domain.errors import BadInput, CompanionError
from companion.services.notices.telling import Way

if TYPE_CHECKING:
    from companion.services.assembly import Application

app = typer.Typer()
_NAMES = {Way.DESKTOP: "Desktop", Way.MAIL: "E-mail", Way.WEBHOOK: "Webhook"}


@command(app)
async def notices(
    application: Application,
    test: Annotated[
        bool, typer.Option("--test", help="Send a test in every way that is set up.")
    ] = False,
    password: Annotated[
        bool,
        typer.Option("--password", help="Keep the mail server's password (asked, or on input)."),
    ] = False,
    webhook: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS|off", help="Call this address; prints what signs the calls."),
    ] = None,
    json: Json = False,
) -> int:
    """Who is told of troubles, and how that stands. Set it with: practice settings notice_…"""
    told = application.notices
    document: dict[str, Any] = {}
    if password:
        await told.set_password(_asked())
        err.print("The password is kept, sealed.")
    if webhook is not None:
        key = await told.set_webhook("" if webhook.strip().casefold() == "off" else webhook)
        document["webhook_secret"] = key
        if not json:
            _say_key(key)
    if test:
        document["tests"] = await _tests(application, quiet=json)
    document |= await _standing(application)
    if json:
        as_json(document)
    elif not test:
        _print(document)
    failed = any(not each["sent"] for each in document.get("tests", ()))
    return FAILED if failed else DONE


def _asked() -> str:
    if sys.stdin is not None and sys.stdin.isatty():
        return str(typer.prompt("Password of the mail server", hide_input=True, err=True))
    typed = sys.stdin.readline().rstrip("\r\n") if sys.stdin is not None else ""
    if not typed:
        raise BadInput("No password was given.", "Type it, or give it on input.", field="usage")
    return typed


def _say_key(key: str) -> None:
    if not key:
        out.print("The webhook is off, and its address forgotten.")
        return
    err.print("Each call is signed with this secret, which is shown only now:")
    out.print(key)


def _ways(application: Application) -> Sequence[tuple[Way, bool]]:
    """With whether each is on."""
    choices = application.settings.read().practice.notices
    return (
        (Way.DESKTOP, choices.desktop),
        (Way.MAIL, choices.mail),
        (Way.WEBHOOK, bool(choices.webhook)),
    )


async def _tests(application: Application, *, quiet: bool) -> list[dict[str, Any]]:
    done = []
    for way, on in _ways(application):
        if not on:
            continue
        try:
            said = await application.notices.test(way)
        except CompanionError as error:
            done.append({"way": way.value, "sent": False, "error": error_json(error)})
            if not quiet:
                print_error(error)
        else:
            done.append({"way": way.value, "sent": True, "error": None})
            if not quiet:
                out.print(f"{_NAMES[way]}: {said}")
    if not done and not quiet:
        out.print("No way is switched on: practice settings notice_desktop=true")
    return done


async def _standing(application: Application) -> dict[str, Any]:
    standing = await application.notices.standing()
    return {
        "ways": [
            {
                "way": way.value,
                "on": on,
                "failing": f"{failing.what} {failing.remedy}" if failing else None,
                "failing_since": failing.since if failing else None,
            }
            for way, on in _ways(application)
            for failing in [standing.failing.get(way)]
        ],
        "password_kept": standing.password,
        "troubles": [
            {
                "kind": each.kind.value,
                "practitioner": each.practitioner_id or None,
                "since": each.since,
                "what": f"{each.subject}: {each.what}" if each.subject else each.what,
                "remedy": each.remedy,
            }
            for each in standing.troubles
        ],
        "lately": [{"at": e.at, "what": e.text} for e in await application.notices.lately()],
    }


def _print(document: dict[str, Any]) -> None:
    for each in document["ways"]:
        out.print(f"{_NAMES[each['way']]}: {'on' if each['on'] else 'off'}")
        if each["failing"]:
            out.print(f"  fails: {each['failing']}")
    if not document["troubles"]:
        out.print("Nothing needs anybody, as the app last saw it.")
    for each in document["troubles"]:
        out.print(f"- {each['what']} {each['remedy']}")
