"""The welcome: three short screens of a home that has no user yet.

    practice (name, time zone) ──> administrator (name, password) ──> where appointments come from

Each screen keeps what it asked for when it is sent, so one may stop in between. With the first
user the first two lead away for good.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from companion.domain.errors import BadInput, CompanionError
from companion.services.accounts.accounts import Accounts
from companion.services.settings.checks import name as checked_name
from companion.services.settings.practitioners import Practitioners
from companion.services.this_computer import ThisComputer
from companion.web.plain_form import Field, Link, fields_of, form_page
from companion.web.sign_in import PASSWORD_HINT, SigningIn


class Welcome:
    def __init__(
        self,
        accounts: Accounts,
        practitioners: Practitioners,
        signing_in: SigningIn,
        this_computer: ThisComputer,
        *,
        zones: Callable[[], Sequence[str]],
        open_demo: Callable[[], Awaitable[str]] | None,
    ) -> None:
        """`open_demo` starts the demo and gives its address; None where there is none."""
        self._open_demo = open_demo
        self._accounts = accounts
        self._practitioners = practitioners
        self._signing_in = signing_in
        self._this_computer = this_computer
        self._zones = zones

    # ── 1 ─────────────────────────────────────────────────────────────────────────────────────

    async def practice(self, _: Request) -> Response:
        return self._over() or self._practice_page(self._practitioners.practice_values())

    async def keep_practice(self, request: Request) -> Response:
        if (over := self._over()) is not None:
            return over
        form = await fields_of(request)
        values = {"name": form.get("name", ""), "timezone": form.get("timezone", "")}
        try:
            checked_name(values["name"])
            await self._practitioners.set_practice(values)
        except BadInput as error:
            return self._practice_page(values, error)
        return RedirectResponse("/welcome/administrator", status_code=303)

    def _practice_page(self, values: dict[str, str], error: BadInput | None = None) -> Response:
        zone = values["timezone"]
        zones = list(self._zones())
        page = form_page(
            "Welcome to Calendar Companion",
            "It keeps each practitioner's Google Calendar and phone equal to your appointment "
            "book. Three short screens, then it is yours.",
            action="/welcome",
            step="1 of 3: the practice",
            fields=(
                Field(name="name", label="Name of the practice", value=values["name"], focus=True),
                Field(
                    name="timezone",
                    label="Time zone",
                    kind="select",
                    value=zone,
                    options=zones if zone in zones else [zone, *zones],
                ),
            ),
            submit="Next",
            error=error,
            links=(
                Link(
                    to="/welcome/demo",
                    words="Just looking? Try the demo",
                    lead="Invented people and a simulated Google, in a window of its own that "
                    "takes a moment to open. Nothing of it stays.",
                    new_window=True,
                ),
            ),
        )
        return HTMLResponse(page, status_code=200 if error is None else 400)

    # ── 2 ─────────────────────────────────────────────────────────────────────────────────────

    async def administrator(self, _: Request) -> Response:
        return self._over() or self._administrator_page()

    async def keep_administrator(self, request: Request) -> Response:
        if (over := self._over()) is not None:
            return over
        form = await fields_of(request)
        name = form.get("name", "")
        try:
            if form.get("new", "") != form.get("again", ""):
                raise BadInput("The two passwords differ.", "Type it twice.", field="again")
            user = await self._accounts.add_first(name, form.get("new", ""))
        except BadInput as error:
            return self._administrator_page(name, error, start=form.get("start", ""))
        if form.get("start"):
            with suppress(CompanionError):  # the next page says whether it does
                await self._this_computer.set_autostart(True)
                await self._this_computer.set_menu(True)
        token = await self._accounts.sessions.begin(user)
        return self._signing_in.enter("/welcome/appointments", token)

    def _administrator_page(
        self, name: str = "", error: BadInput | None = None, *, start: str = "yes"
    ) -> Response:
        page = form_page(
            "Who looks after it?",
            "The administrator may do everything and adds the others: reception sees the book "
            "and imports; practitioners look after their own calendar.",
            action="/welcome/administrator",
            step="2 of 3: the administrator",
            fields=(
                Field(name="name", label="Your name", value=name, complete="username", focus=True),
                Field(
                    name="new",
                    label="Password",
                    kind="password",
                    hint=PASSWORD_HINT,
                    complete="new-password",
                ),
                Field(
                    name="again",
                    label="The password again",
                    kind="password",
                    complete="new-password",
                ),
                Field(
                    name="start",
                    label="Start by itself when I sign in to this computer",
                    kind="checkbox",
                    value=start,
                    hint="Without a window. Calendars are kept while it runs.",
                ),
            ),
            submit="Next",
            error=error,
            links=(Link(to="/welcome", words="Back to the practice"),),
        )
        return HTMLResponse(page, status_code=200 if error is None else 400)

    # ── 3 ─────────────────────────────────────────────────────────────────────────────────────

    async def appointments(self, _: Request) -> Response:
        page = form_page(
            "Where do the appointments come from?",
            "Choose how to begin; all of it can be changed at any time.",
            note=await self._start_in_words(),
            step="3 of 3: the appointments",
            links=(
                Link(
                    to="/import",
                    words="Import an export of the practice software",
                    lead="CSV or Excel. The practitioners in it are found by name.",
                ),
                Link(
                    to="/sources",
                    words="Watch a folder",
                    lead="Every export that is saved there is taken in by itself.",
                ),
                Link(
                    to="/book",
                    words="Write them in the Appointment Book here",
                    lead="For a practice without other software.",
                ),
                Link(to="/", words="Decide later", lead="Go to the overview."),
            ),
        )
        return HTMLResponse(page)

    async def _start_in_words(self) -> str:
        try:
            starts = (await self._this_computer.autostart()).works
        except CompanionError:
            starts = False
        does = "starts" if starts else "does not start"
        return f"Calendar Companion {does} by itself on this computer: see Practice, This computer."

    # ── demo ──────────────────────────────────────────────────────────────────────────────────

    async def demo(self, request: Request) -> Response:
        """Starts it, and leads there; in a window of its own, so the welcome stays open."""
        if (over := self._over()) is not None:
            return over
        if self._open_demo is None or "prefetch" in request.headers.get("sec-purpose", ""):
            return RedirectResponse("/welcome", status_code=303)
        return RedirectResponse(await self._open_demo(), status_code=303)

    def _over(self) -> Response | None:
        return RedirectResponse("/", status_code=303) if self._accounts.users() else None
