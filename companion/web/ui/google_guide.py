"""The Google client, once for the practice: the steps in Google's console, then the file.

The steps are Google's as of 2026 (console.cloud.google.com, "Google Auth Platform"), the pictures
our own drawings under static/guide: they show what to press, not how it looks this month.
"""

from __future__ import annotations

from dataclasses import dataclass

from nicegui import ui

from companion.services.access.policy import Action
from companion.services.access.rules import Rule
from companion.web.ui.components.google_client import WORKSPACE, GoogleClientCard
from companion.web.ui.components.setup_steps import step
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

CONSOLE = "https://console.cloud.google.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    title: str
    picture: str
    shows: str
    do: tuple[str, ...]
    link: str = ""


PARTS = (
    _Part(
        title="Make a project",
        picture="project",
        shows="Google's console: a new project with the name of the practice, button Create",
        do=(
            (
                "Sign in to Google's console with the practice's own Google account, not a "
                "personal one."
            ),
            "At the top, open the list of projects and press New project.",
            "Type the name of the practice and press Create. It costs nothing.",
        ),
        link=f"{CONSOLE}/projectcreate",
    ),
    _Part(
        title="Switch the calendar on",
        picture="api",
        shows="The page of the Google Calendar API with the button Enable",
        do=(
            "In the menu choose APIs & Services, Library.",
            "Search for Google Calendar API and open it.",
            "Press Enable.",
        ),
        link=f"{CONSOLE}/apis/library/calendar-json.googleapis.com",
    ),
    _Part(
        title="Say who is asking",
        picture="consent",
        shows="Google Auth Platform, Branding: app name and support e-mail",
        do=(
            "In the menu choose Google Auth Platform, and press Get started.",
            "App name: the name of the practice. User support email: yours.",
            (
                "Audience: External. With Google Workspace for the whole practice choose Internal, "
                "and skip the next step."
            ),
            "Contact information: your e-mail. Agree and press Create.",
        ),
        link=f"{CONSOLE}/auth/overview",
    ),
    _Part(
        title="Leave Testing mode",
        picture="publish",
        shows="Audience: the publishing status is Testing, button Publish app",
        do=(
            (
                "Open Audience. Where it says Testing, press Publish app and Confirm, so that it "
                "says In production."
            ),
            (
                "Google does not have to verify anything for a practice's own use. When "
                "connecting, it may say that the app is not verified: press Advanced, then Go to "
                "the app."
            ),
        ),
        link=f"{CONSOLE}/auth/audience",
    ),
    _Part(
        title="Create the client",
        picture="client",
        shows="Create OAuth client ID: the application type is Desktop app",
        do=(
            "Open Clients and press Create client.",
            "Application type: Desktop app. It must not be Web application.",
            "Name: Calendar Companion. Press Create.",
        ),
        link=f"{CONSOLE}/auth/clients",
    ),
    _Part(
        title="Download the file",
        picture="download",
        shows="OAuth client created, button Download JSON",
        do=(
            "Press Download JSON. This is the only time: the secret is not shown again.",
            "The file is called client_secret_….json. Drop it below.",
        ),
    ),
)


def create(site: Site) -> None:
    @page(site, "/practice/google", Rule(Action.PRACTICE))
    async def google() -> None:
        client = await site.services.connecting.client_name()
        with frame(site, "Google client", active="/practice"):
            back_link("Practice", "/practice")
            page_head(
                "The Google client",
                "Done once for the whole practice, in about ten minutes. Afterwards every "
                "practitioner can connect their own calendar.",
            )
            if client:
                with notice("ok"):
                    text(f"It is here already: {client}.", "strong")
            with box("actions"):
                link_button("Everybody in one Google Workspace?", WORKSPACE, icon="group_add")
            for number, part in enumerate(PARTS, 1):
                with step(number, part.title):
                    _show(part)
            with step(len(PARTS) + 1, "Bring the file here", done=bool(client)):
                GoogleClientCard(site, client)


def _show(part: _Part) -> None:
    with box("guide__do", tag="ol"):
        for line in part.do:
            text(line, tag="li")
    if part.picture == "publish":
        with notice("warn"):
            text("Testing mode ends every sign-in after 7 days.", "strong")
            text(
                "If calendars stop after a week, this was left out: press Publish app, then let "
                "everybody connect once more."
            )
    picture = box("guide__picture", tag="img")
    picture.props(f'src="/static/guide/{part.picture}.svg" loading=lazy')
    picture.props["alt"] = part.shows
    if part.link:
        ui.link("Open this page of Google's console", part.link, new_tab=True)


def client_card(site: Site, client: str | None) -> None:
    """The same on the Practice page, with the way to this one."""
    with card("Google client"):
        text(
            "A file from Google's console that lets this practice ask its practitioners for "
            "permission. It is needed once, and kept sealed.",
            "card__lead",
        )
        GoogleClientCard(site, client)
        with box("actions"):
            guide = button("How to get it, step by step", icon="help", look="plain")
            guide.props["href"] = "/practice/google"
