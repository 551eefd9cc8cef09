"""Signing in and out, and the own password: plain forms, because only an HTTP answer sets cookies.

The guard lets a known browser reach these pages. `to` carries the requested page through the
sign-in; it can only be a path of ours.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from companion.assets import typed
from companion.domain.errors import BadInput
from companion.services.accounts.accounts import SHORTEST, Accounts
from companion.web.current_user import cookie_name, cookie_of
from companion.web.plain_form import Field, Link, fields_of, form_page

Handler = Callable[[Request], Awaitable[Response]]

FORGOTTEN = (
    "Forgotten? An administrator can set a new password, under Users. An administrator who has "
    "forgotten theirs runs on this computer: python run.py users reset NAME"
)
PASSWORD_HINT = (
    f"At least {SHORTEST} characters. Three or four words that do not belong together are good."
)


def way_back(wanted: str) -> str:
    """`wanted` if it is a path of ours, else the overview."""
    plain = wanted.startswith("/") and not wanted.startswith(("//", "/sign-", "/welcome"))
    return wanted if plain and wanted.isprintable() and "\\" not in wanted else "/"


class SigningIn:
    def __init__(
        self, accounts: Accounts, *, port: int, demo: bool, practice: Callable[[], str]
    ) -> None:
        """`practice`: its name."""
        self._accounts = accounts
        self._practice = practice
        self._port = port
        self._demo = demo

    def enter(self, to: str, token: str) -> Response:
        """Go on, with the session's cookie."""
        answer = RedirectResponse(to, status_code=303)
        answer.headers["set-cookie"] = cookie_of(self._port, token)
        return answer

    async def show(self, request: Request) -> Response:
        if not self._accounts.users():
            return RedirectResponse("/welcome", status_code=303)
        to, ended = way_back(request.query_params.get("to", "/")), "ended" in request.query_params
        if user_id := request.scope.get("companion.user"):
            return self._somebody_else(user_id) if ended else RedirectResponse(to, status_code=303)
        return self._page(to, ended=ended)

    def _somebody_else(self, user_id: str) -> Response:
        """For a tab of a session that ended when another began in this browser."""
        name = self._accounts.user(user_id).name
        page = form_page(
            "You were signed out",
            f"{name} has signed in in this browser, which ended what was open here before.",
            action="/sign-out",
            submit="Sign in as somebody else",
            links=(Link(to="/", words=f"Go on as {name}"),),
            practice=self._practice(),
        )
        return HTMLResponse(page)

    async def sign_in(self, request: Request) -> Response:
        form = await fields_of(request)
        to, name = way_back(form.get("to", "/")), form.get("name", "")
        try:
            _, token = await self._accounts.sign_in(
                name,
                form.get("password", ""),
                machine=str(request.scope.get("companion.machine", "")),
            )
        except BadInput as error:
            return self._page(to, name=name, error=error)
        await self._accounts.sessions.end(str(request.scope.get("companion.session", "")))
        return self.enter(to, token)

    def _page(
        self, to: str, *, name: str = "", error: BadInput | None = None, ended: bool = False
    ) -> Response:
        lead = ["You were signed out."] if ended and error is None else []
        page = form_page(
            "Sign in",
            *lead,
            action="/sign-in",
            fields=(
                Field(
                    name="name",
                    label="Your name",
                    value=name,
                    complete="username",
                    focus=True,
                ),
                Field(
                    name="password",
                    label="Password",
                    kind="password",
                    complete="current-password",
                ),
            ),
            submit="Sign in",
            hidden={"to": to},
            error=error,
            links=(Link(to=to, words="Go on as the demo's administrator"),) if self._demo else (),
            note=typed(FORGOTTEN),
            practice=self._practice(),
        )
        return HTMLResponse(page, status_code=200 if error is None else 403)

    async def sign_out(self, request: Request) -> Response:
        await self._accounts.sessions.end(str(request.scope.get("companion.session", "")))
        answer = RedirectResponse("/sign-in?ended=1", status_code=303)
        answer.delete_cookie(cookie_name(self._port), path="/")
        return answer

    # ── the own account ───────────────────────────────────────────────────────────────────────

    async def account(self, request: Request) -> Response:
        return self._account_page(request)

    async def change_password(self, request: Request) -> Response:
        user_id = str(request.scope["companion.user"])
        form = await fields_of(request)
        try:
            if form.get("new", "") != form.get("again", ""):
                raise BadInput(
                    "The two new passwords differ.", "Type the new one twice.", field="again"
                )
            token = await self._accounts.change_password(
                user_id,
                present=form.get("present", ""),
                new=form.get("new", ""),
                machine=str(request.scope.get("companion.machine", "")),
            )
        except BadInput as error:
            return self._account_page(request, error=error)
        return self.enter("/", token)

    async def everywhere(self, request: Request) -> Response:
        await self._accounts.sign_out_everywhere(str(request.scope["companion.user"]))
        return RedirectResponse("/sign-in?ended=1", status_code=303)

    def _account_page(self, request: Request, *, error: BadInput | None = None) -> Response:
        user = self._accounts.user(str(request.scope["companion.user"]))
        if not user.password:
            page = form_page(
                "The demo's administrator",
                "You are signed in by itself, because these are invented people. A practice of "
                "your own has users with names, roles and passwords.",
                links=(Link(to="/", words="Back to the overview"),),
                practice=self._practice(),
            )
            return HTMLResponse(page)
        lead = (
            "Your password was set by somebody else. Choose one that only you know."
            if user.must_change
            else "A new password ends what you have open elsewhere."
        )
        password = Field(name="new", label="New password", kind="password", hint=PASSWORD_HINT)
        page = form_page(
            f"Password of {user.name}",
            lead,
            action="/account",
            fields=(
                Field(
                    name="present",
                    label="Present password",
                    kind="password",
                    complete="current-password",
                    focus=True,
                ),
                password,
                Field(name="again", label="The new password again", kind="password"),
            ),
            submit="Change the password",
            error=error,
            links=() if user.must_change else (Link(to="/", words="Back without changing it"),),
            practice=self._practice(),
        )
        return HTMLResponse(page, status_code=200 if error is None else 400)
