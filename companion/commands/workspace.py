"""Everybody of a Google Workspace at once, and what its administrator has to authorise."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from companion.commands.running import DONE, FAILED, HELD
from companion.commands.sync_reports import code_of, pass_json, pass_words
from companion.commands.syncing import upload_everybody
from companion.console import as_json, err, error_json, out, print_error, progress_bar
from companion.domain.errors import CalendarInUse

if TYPE_CHECKING:
    from companion.services.assembly import Application
    from companion.services.google.client import ServiceAccount
    from companion.services.google.joining import Connected
    from companion.services.google.workspace import WorkspaceRun


async def connect_everybody(
    application: Application, *, upload: bool, take_over: bool, json: bool
) -> int:
    """The exit code."""
    began = time.monotonic()
    with progress_bar("Connect to Google", quiet=json) as bar:
        run = await application.workspace.connect_all(
            lambda run: bar(run.done, run.total, "practitioners"), take_over=take_over
        )
    seconds = time.monotonic() - began
    if not json:
        _print(run, application, seconds)
    records = application.settings.read().practitioners.values()
    people = [each.practitioner for each in records if upload and each.syncs]
    results = await upload_everybody(application, people, quiet=json)
    if json:
        uploads = [pass_json(each.written) for each in results]
        as_json(run_json(run, application, seconds) | {"practitioners": uploads})
    for each in results:
        if not json:
            out.print(pass_words(each.written))
        if each.written.error:
            print_error(each.written.error)
    undecided = [each for each in run.refused if isinstance(each.error, CalendarInUse)]
    if run.stopped_by or len(undecided) < len(run.refused):
        return FAILED
    return code_of([each.written for each in results]) or (HELD if undecided else DONE)


def _print(run: WorkspaceRun, application: Application, seconds: float) -> None:
    out.print(
        f"{len(run.connected)} connected in {seconds:.1f} s; {len(run.already)} were connected "
        "already."
    )
    names = application.settings.read().names()
    for each in run.connected:
        out.print(f"  {names[each.practitioner_id]}: {each.account}, {each.calendar_name}")
    if run.without_login:
        err.print(
            f"Without a Google Login: {', '.join(run.without_login)}.\nEnter each e-mail address "
            'on the practitioner\'s page, or: python run.py google connect "NAME" --login EMAIL'
        )
    for error, people in run.reasons():
        who = ", ".join(f"{each.name} ({each.login})" for each in people)
        err.print(f"Not connected: {who}.\n{error.what}\n{error.remedy}")
    if run.not_tried:
        err.print(f"Not tried: {', '.join(run.not_tried)}. Run the command again.")


def run_json(run: WorkspaceRun, application: Application, seconds: float) -> dict[str, Any]:
    names = application.settings.read().names()
    return {
        "connected": [connected_json(names[each.practitioner_id], each) for each in run.connected],
        "already": list(run.already),
        "without_login": list(run.without_login),
        "refused": [
            {"practitioner": each.name, "login": each.login, **(error_json(each.error) or {})}
            for each in run.refused
        ],
        "not_tried": list(run.not_tried),
        "seconds": round(seconds, 3),
    }


def connected_json(name: str, connected: Connected) -> dict[str, str]:
    return {
        "practitioner": name,
        "account": connected.account,
        "calendar_id": connected.calendar_id,
        "calendar": connected.calendar_name,
    }


def in_use_json(name: str, error: CalendarInUse) -> dict[str, Any]:
    return {
        "practitioner": name,
        "held": True,
        "calendars": [
            {
                "calendar_id": each.calendar_id,
                "calendar": each.name,
                "events": each.events,
                "last_write": each.last_write.isoformat() if each.last_write else None,
            }
            for each in error.offers
        ],
        "error": error_json(error),
    }


def account_json(account: ServiceAccount | None) -> dict[str, Any] | None:
    if account is None:
        return None
    return {
        "email": account.email,
        "client_id": account.client_id,
        "scopes": list(account.scopes),
        "address": account.admin_address,
    }


def print_account(account: ServiceAccount) -> None:
    """What the administrator of Google Workspace enters, to be copied."""
    out.print(
        "A super administrator of Google Workspace authorises it once, in the Admin console under "
        "Security > Access and data control > API controls > Manage domain-wide delegation > Add "
        f"new:\n  Client ID: {account.client_id}\n  OAuth scopes: {account.scopes_text}\n"
        f"The same form, filled in:\n  {account.admin_address}\n"
        "Then connect everybody: python run.py google connect --all"
    )
