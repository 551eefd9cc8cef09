"""Google Workspace: everybody connected at once by the practice's service account, step by step.

Google's steps are those of 2026: console.cloud.google.com for the key, admin.google.com for letting
it in.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from nicegui import ui

from companion.domain.sync_state import SyncState
from companion.services.access.policy import Action
from companion.services.access.rules import Rule
from companion.services.google.consents import APP_CREATED, CALENDAR_LIST, EVENTS, EVENTS_OWNED
from companion.services.google.delegating import login_of
from companion.web.ui import formatting
from companion.web.ui.components.dialogs import question
from companion.web.ui.components.google_client import WORKSPACE, ClientDrop
from companion.web.ui.components.setup_steps import step
from companion.web.ui.components.workspace_run import WorkspaceRunView
from companion.web.ui.error_reports import notify_done
from companion.web.ui.google_guide import CONSOLE
from companion.web.ui.pages import page
from companion.web.ui.site import Site
from companion.web.ui.theme import (
    back_link,
    box,
    button,
    card,
    frame,
    link_button,
    notice,
    page_head,
    text,
)

if TYPE_CHECKING:
    from companion.domain.settings import PractitionerSettings
    from companion.services.google.client import ClientChange, ServiceAccount

KEY_STEPS = (
    "Sign in to Google's console with an account of the practice, and choose or make a project.",
    "Under APIs & Services, Library, open Google Calendar API and press Enable.",
    "Under IAM & Admin, Service Accounts, press Create service account; it needs no role.",
    "Open it, then Keys, Add key, Create new key, JSON. The file that is downloaded is the key.",
)


MEANINGS = {
    APP_CREATED: "calendar.app.created: make calendars, and change events in those alone.",
    CALENDAR_LIST: "calendar.calendarlist.readonly: see the list of calendars, to find ours again.",
    EVENTS_OWNED: "calendar.events.owned: change events in calendars that people own, because some "
    "keep a calendar that they have already.",
    EVENTS: "calendar.events: change events in calendars that are shared with people, because some "
    "keep such a calendar.",
}
"""What each scope lets us do."""


def create(site: Site) -> None:
    @page(site, WORKSPACE, Rule(Action.PRACTICE))
    async def workspace() -> None:
        account = await site.services.connecting.service_account()
        people = [*site.services.settings.read().practitioners.values()]
        with frame(site, "Google Workspace", active="/practice"):
            back_link("Practice", "/practice")
            page_head(
                "Google Workspace: everybody at once",
                "Where everybody has an account in the practice's own Google Workspace, its "
                "administrator connects all of them together. Nobody has to sign in.",
            )
            with step(1, "Make a service account and its key", done=account is not None):
                _key_steps()
            with step(2, "Bring the key here", done=account is not None):
                _key(site, account)
            connected = [each for each in people if each.google.delegated]
            with step(3, "Let it in", done=bool(connected)):
                _authorise(account)
            with step(4, "Connect everybody", done=len(connected) == len(people) > 0):
                _connect(site, account, people)
            states = await site.services.syncing.states()
            waiting = [
                each.practitioner.id
                for each in connected
                if states.get(each.practitioner.id, SyncState()).awaiting_upload
            ]
            with step(5, "Upload to Google", done=bool(connected) and not waiting):
                _upload(site, waiting)


def _key_steps() -> None:
    with box("guide__do", tag="ol"):
        for line in KEY_STEPS:
            text(line, tag="li")
    ui.link(
        "Open the service accounts in Google's console",
        f"{CONSOLE}/iam-admin/serviceaccounts",
        new_tab=True,
    )
    text(
        "If Google says that the organisation does not allow keys, an administrator of the Google "
        "Cloud organisation lifts the policy “Disable service account key creation” for this "
        "project.",
        "soft small",
    )


def _key(site: Site, account: ServiceAccount | None) -> None:
    text(
        "The key opens the calendars of the whole practice: it is kept sealed and not "
        "shown again. Delete the downloaded file afterwards.",
        "card__lead",
    )
    if account is not None:
        with notice("ok"):
            text(account.email, "strong")
            text("A new key of the same service account can be dropped here at any time.")

    def kept(_change: ClientChange) -> None:
        ui.navigate.to(WORKSPACE)

    ClientDrop(site, "Drop the key (.json) here", kept, replaces=account is not None)
    if account is not None:
        with box("actions"):
            button("Remove the key …", partial(_ask_to_remove, site), look="plain")


def _ask_to_remove(site: Site) -> None:
    async def go() -> None:
        await site.services.connecting.remove_key()
        notify_done("The key was removed.")
        ui.navigate.to(WORKSPACE)

    with question("Remove the key?", "Remove it", go):
        text("Without it nobody can be connected by the service account.")


def _authorise(account: ServiceAccount | None) -> None:
    text(
        "A super administrator of Google Workspace does this once, in the Admin console: Security, "
        "Access and data control, API controls, Manage domain-wide delegation, Add new.",
        "card__lead",
    )
    if account is None:
        text("What is to be entered there is shown here once the key is in.", "soft small")
        return
    _to_copy("Client ID", account.client_id)
    _to_copy("OAuth scopes (comma-delimited)", account.scopes_text)
    with box("actions"):
        open_it = link_button("Open the form, filled in", account.admin_address, icon="open_in_new")
        open_it.props("target=_blank rel=noopener")
    for scope in account.scopes:
        text(MEANINGS[scope], "soft small")
    text("Google says it can take up to 24 hours; mostly it is minutes.", "soft small")


def _to_copy(label: str, words: str) -> None:
    text(label, "strong")
    with box("copy-line"):
        text(words, "address", tag="code").props("dir=ltr tabindex=0")

        def copy() -> None:
            ui.clipboard.write(words)
            notify_done("Copied.")

        press = button("Copy", copy, icon="content_copy")
        press.props["aria-label"] = f"Copy: {label}"


def _connect(
    site: Site, account: ServiceAccount | None, people: list[PractitionerSettings]
) -> None:
    connected = sum(bool(each.google.delegated) for each in people)
    signed_in = sum(each.google.connected and not each.google.delegated for each in people)
    count = formatting.counted(len(people), "practitioner")
    text(f"{formatting.number(connected)} of {count} connected by the service account.", "strong")
    text(
        "Everybody with a Google Login gets a calendar of their own. Nothing is written to it "
        "before the upload."
    )
    if signed_in:
        who = formatting.counted(signed_in, "practitioner")
        text(
            f"{who} signed in at Google: calendar and events stay as they are, and the sign-in is "
            "given back."
        )
    nameless = [each.practitioner for each in people if not login_of(each)]
    if nameless:
        with notice("warn"):
            text("Without a Google Login", "strong")
            text("Enter the e-mail address of their account on their page (step 2).")
            with box("quiet-list", tag="ul"):
                for person in nameless:
                    with box(tag="li"):
                        text(person.name, tag="a").props["href"] = f"/practitioner/{person.id}"
    if account is None:
        text("First bring the key here.", "soft small")
        return
    WorkspaceRunView(site, lambda: ui.navigate.to(WORKSPACE))


def _upload(site: Site, waiting: list[str]) -> None:
    """`waiting`: practitioners whose calendar was never filled."""
    text(
        "Fills the new calendars. What goes into them, and for which days, is on each "
        "practitioner's page; the practice's limit is under Practice, Privacy.",
        "card__lead",
    )
    if not waiting:
        text("No calendar waits for its first upload.", "soft small")
        return

    def go() -> None:
        for practitioner_id in waiting:
            site.live.upload(practitioner_id)
        ui.navigate.to("/")

    with box("actions"):
        label = f"Upload {formatting.counted(len(waiting), 'calendar')}"
        button(label, go, icon="cloud_upload", look="primary")


def workspace_card(account: ServiceAccount | None) -> None:
    """On the Practice page: what it is, and the way there."""
    with card("Google Workspace"):
        text(
            f"{account.email} connects everybody of the practice."
            if account
            else "With accounts of the practice's own Google Workspace nobody has to sign in: an "
            "administrator connects everybody at once.",
            "card__lead",
        )
        with box("actions"):
            link_button("Everybody at once", WORKSPACE, icon="group_add")
