"""What to do when Google shows another page than the one that asks for permission."""

from __future__ import annotations

from nicegui import ui

from companion.web.ui.error_reports import report_errors
from companion.web.ui.site import Site
from companion.web.ui.theme import box, text

PAGES = {
    "“Google hasn't verified this app”": (
        "This is the practice's own app, so it may be trusted: press Continue, or Advanced and "
        "then “Go to … (unsafe)”."
    ),
    "“Access blocked: your institution's admin needs to review …”": (
        "The account belongs to an organisation. Its Google Workspace administrator trusts the "
        "client ID below, under Security > API controls > App access control."
    ),
    "“Access blocked: … can only be used within its organization” (org_internal)": (
        "The practice's Google app is for its own organisation only. Sign in with an account of "
        "the practice, or set the audience to External in the Google Cloud console."
    ),
    "“Access blocked: … has not completed the Google verification process” (access_denied)": (
        "The practice's Google app is in Testing. In the Google Cloud console open Google Auth "
        "Platform > Audience and press Publish app, or add this account under Test users."
    ),
}
"""Google's heading, and the cure."""


def add_other_pages(site: Site) -> None:
    with ui.expansion("Google shows something else?").classes("more"), box("stack"):
        for heading, cure in PAGES.items():
            with box():
                text(heading, "strong")
                text(cure)
        trusted = box("stack")

    async def show() -> None:
        client_id = await site.services.connecting.client_id()
        if client_id:
            with trusted:
                text("Client ID", "strong")
                text(client_id, "address", tag="code").props("dir=ltr")

    ui.timer(0.05, report_errors(show), once=True)
