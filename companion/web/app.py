"""The app: guard outermost, then FastAPI with the plain routes, then the pages of NiceGUI.

    Guard ─ FastAPI ─┬─ /healthz
                     ├─ /oauth/start/<practitioner>   a plain navigation that leads to Google
                     ├─ /oauth/callback               where Google sends the browser back
                     ├─ /files/incoming               a dropped file, streamed to the home
                     ├─ /sign-in, /sign-out, /account plain forms: only they can set cookies
                     ├─ /welcome…                     while there is no user yet
                     ├─ /static                       styles and icons
                     └─ NiceGUI                       every page

The sign-in at Google comes back without the machine's cookie (SameSite=Strict), so it is tied to
this browser by a short-lived SameSite=Lax cookie for the callback path, to its beginning by the
single-use `state`, and to the user who began it: whose session must not have ended.

Each route stands with its rule (`_routes`); no rule means that it is open before anybody is signed
in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple
from urllib.parse import parse_qs, quote, unquote, urlencode

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.background import BackgroundTask

from companion.assets import static_dir
from companion.domain.errors import (
    Busy,
    CalendarInUse,
    CalendarNotReached,
    CompanionError,
    FileRefused,
    NotAllowed,
    SignedOut,
    SignInDenied,
    SignInError,
)
from companion.domain.tokens import token_hash
from companion.services.access.policy import Action
from companion.services.access.rules import Rule
from companion.services.assembly import Application
from companion.web.control import control_secret
from companion.web.current_user import SignedInUsers
from companion.web.guard import Guard
from companion.web.incoming import Incoming
from companion.web.launching import MachineFile, fresh_token
from companion.web.options import AppOptions
from companion.web.plain_page import plain_page
from companion.web.sign_in import SigningIn
from companion.web.ui.components.fields import zone_names
from companion.web.ui.error_reports import as_companion_error
from companion.web.ui.page_setup import mount_ui
from companion.web.ui.sockets import own_sockets
from companion.web.ways_on import ways_on
from companion.web.welcome import Welcome

CALLBACK_PATH = "/oauth/callback"
SIGN_IN_SECONDS = 300
_MOST_SIGN_INS = 200

Handler = Callable[[Request], Awaitable[Response]]
OPEN: Rule | None = None
"""Before anybody is signed in."""
CONNECTS = Rule(Action.GOOGLE, of="practitioner_id")
OWN_ACCOUNT = Rule(Action.OWN_ACCOUNT)


class _Route(NamedTuple):
    method: str
    path: str
    rule: Rule | None
    handler: Handler


def create_app(services: Application, options: AppOptions) -> Guard:
    """The whole app as ASGI. Raises OSError when the home cannot be written."""
    host = FastAPI(title="Calendar Companion", docs_url=None, redoc_url=None, openapi_url=None)
    incoming = Incoming(options.incoming)
    incoming.sweep()
    for route in _routes(services, options, incoming):
        handler = _in_words(_allowed(route, services), partial(_practice_of, services))
        host.add_api_route(route.path, handler, methods=[route.method])
    host.mount("/static", StaticFiles(directory=static_dir()), name="app-static")
    mount_ui(host, services, options, incoming)
    return Guard(
        own_sockets(host),
        port=options.port,
        launches=options.launches,
        machines=MachineFile(options.machines_file, services.clock.now),
        current_user=SignedInUsers(services.accounts, demo=options.demo),
        control_secret=control_secret(options.control_file),
        commands=options.commands,
    )


def _routes(services: Application, options: AppOptions, incoming: Incoming) -> tuple[_Route, ...]:
    sign_ins = _SignIns(services, options.port)
    practice = partial(_practice_of, services)

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def receive(request: Request) -> Response:
        """A raw body; its name in a header, percent-encoded."""
        name = unquote(request.headers.get("x-file-name", ""))[:200]
        try:
            ticket = await incoming.receive(request.stream(), file_name=name)
        except CompanionError as error:
            status = 413 if isinstance(error, FileRefused) else 507
            return JSONResponse({"what": error.what, "remedy": error.remedy}, status_code=status)
        return JSONResponse({"ticket": ticket})

    signing_in = SigningIn(
        services.accounts,
        port=options.port,
        demo=options.demo,
        practice=practice,
    )
    welcome = Welcome(
        services.accounts,
        services.practitioners,
        signing_in,
        services.this_computer,
        zones=zone_names,
        open_demo=options.open_demo,
    )
    return (
        # /welcome is open while there is no user; afterwards it leads away.
        _Route("GET", "/healthz", OPEN, healthz),
        _Route("HEAD", "/healthz", OPEN, healthz),
        _Route("GET", "/oauth/start/{practitioner_id}", CONNECTS, sign_ins.start),
        _Route("GET", CALLBACK_PATH, OPEN, sign_ins.finish),  # bound to browser and user that began
        _Route("POST", "/files/incoming", Rule(Action.IMPORT, somewhere=True), receive),
        _Route("GET", "/sign-in", OPEN, signing_in.show),
        _Route("POST", "/sign-in", OPEN, signing_in.sign_in),
        _Route("POST", "/sign-out", OPEN, signing_in.sign_out),
        _Route("GET", "/account", OWN_ACCOUNT, signing_in.account),
        _Route("POST", "/account", OWN_ACCOUNT, signing_in.change_password),
        _Route("POST", "/account/everywhere", OWN_ACCOUNT, signing_in.everywhere),
        _Route("GET", "/welcome", OPEN, welcome.practice),
        _Route("POST", "/welcome", OPEN, welcome.keep_practice),
        _Route("GET", "/welcome/administrator", OPEN, welcome.administrator),
        _Route("POST", "/welcome/administrator", OPEN, welcome.keep_administrator),
        _Route("GET", "/welcome/appointments", Rule(Action.USERS), welcome.appointments),
        _Route("GET", "/welcome/demo", OPEN, welcome.demo),
        *(
            [_Route("POST", "/demo/end", OPEN, _ending(options.end_demo))]
            if options.end_demo
            else ()
        ),
    )


def _ending(end: Callable[[], None]) -> Handler:
    async def ended(_: Request) -> Response:
        page = plain_page(
            "The demo has ended",
            "Its practice, its calendars and everything you did there are gone.",
            "Close this window.",
        )
        return HTMLResponse(page, background=BackgroundTask(end))

    return ended


def _allowed(route: _Route, services: Application) -> Handler:
    """The route's handler, behind its rule."""
    rule, handler = route.rule, route.handler
    if rule is None:
        return handler

    async def asks_first(request: Request) -> Response:
        user = services.accounts.sessions.user(request.scope.get("companion.session", ""))
        if user is None:
            raise SignedOut
        wanted = request.path_params.get(rule.of)
        if wanted is not None:  # by id or name, as the handler will take it
            wanted = services.settings.read().practitioner(str(wanted)).practitioner.id
        rule.check(user, () if wanted is None else (wanted,))
        return await handler(request)

    return asks_first


def _in_words(handler: Handler, practice: Callable[[], str]) -> Handler:
    """What a plain route raises becomes a plain page."""

    async def wrapped(request: Request) -> Response:
        try:
            return await handler(request)
        except Exception as error:  # noqa: BLE001 - the edge of the program: every failure is reported
            shown = as_companion_error(error)
            here = request.url.path if request.method == "GET" else ""
            page = plain_page(
                shown.what, shown.remedy, links=ways_on(shown, here=here), practice=practice()
            )
            refused = isinstance(shown, (NotAllowed, SignedOut))
            return HTMLResponse(page, status_code=403 if refused else 400)

    return wrapped


@dataclass(frozen=True, slots=True, kw_only=True)
class _GoogleSignIn:
    """A sign-in at Google under way."""

    browser: str
    """Hash of the browser's cookie for it."""
    practitioner_id: str
    user_id: str
    session: str


def _practice_of(services: Application) -> str:
    """Its name, for pages that must open also when the settings do not."""
    try:
        return services.settings.read().practice.name
    except CompanionError:
        return ""


class _SignIns:
    """Both ends of *Connect to Google* in the browser."""

    def __init__(self, services: Application, port: int) -> None:
        self._services = services
        self._cookie = f"companion-sign-in-{port}"
        self._under_way: dict[str, _GoogleSignIn] = {}
        """By state."""

    async def start(self, request: Request) -> Response:
        from companion.services.google.consents import CalendarChoice

        wanted = str(request.path_params["practitioner_id"])
        record = self._services.settings.read().practitioner(wanted)
        query = request.query_params
        if not query and await self._services.connecting.delegates():
            # From a card: step 3 has both ways to connect.
            place = f"/practitioner/{quote(record.practitioner.id)}#step-3"
            return RedirectResponse(place, status_code=303)
        # The very host the browser uses: the cookie belongs to it.
        redirect_uri = f"http://{request.headers['host'].lower()}{CALLBACK_PATH}"
        sign_in = await self._services.connecting.begin(
            record.practitioner.id,
            login=query.get("login", record.google.login or record.practitioner.email),
            calendar=CalendarChoice.of(
                query.get("calendar", ""),
                query.get("name", ""),
                take_over=query.get("take_over") == "1",
                shared=query.get("shared") == "1",
            ),
            redirect_uri=redirect_uri,
            user=request.scope["companion.user"],
        )
        browser = fresh_token()
        while len(self._under_way) >= _MOST_SIGN_INS:
            self._under_way.pop(next(iter(self._under_way)))
        self._under_way[sign_in.state] = _GoogleSignIn(
            browser=token_hash(browser),
            practitioner_id=record.practitioner.id,
            user_id=request.scope["companion.user"],
            session=request.scope["companion.session"],
        )
        answer = RedirectResponse(sign_in.url, status_code=303)
        answer.set_cookie(
            self._cookie,
            browser,
            max_age=SIGN_IN_SECONDS,
            path=CALLBACK_PATH,
            httponly=True,
            samesite="lax",
        )
        return answer

    async def finish(self, request: Request) -> Response:
        state = parse_qs(request.url.query).get("state", [""])[0]
        browser = request.cookies.get(self._cookie, "")
        begun = self._under_way.pop(state, None)
        back = f"/practitioner/{begun.practitioner_id}" if begun else "/"
        if begun is None or token_hash(browser) != begun.browser:
            shown: CompanionError = SignInError(
                "This sign-in was not started in this browser, or it is already finished.",
                "Go back and press Connect to Google again.",
            )
            return self._sorry(shown, back)
        try:
            user = self._services.accounts.sessions.user(begun.session)
            if user is None:
                raise SignedOut("You were signed out here while Google was asked.")
            CONNECTS.check(user, (begun.practitioner_id,))
            connected = await self._services.connecting.finish(
                str(request.url), user=begun.user_id, upload_by_hand=True
            )
        except SignInDenied as error:
            return self._sorry(error, back, status=200)
        except CalendarInUse as error:
            return self._done(
                "One question before the calendar is used", error.what, back, f"{back}#calendar"
            )
        except Busy as error:  # Google's answer is as good in a moment
            self._under_way[state] = begun
            return self._page(error, [("", "Try again"), (back, "Back to the practitioner")])
        except Exception as error:  # noqa: BLE001 - the edge of the program
            return self._sorry(as_companion_error(error), back)
        calendar = (
            f"the calendar is “{connected.calendar_name}”."
            if connected.calendar_id
            else "now choose the calendar."
        )
        said = f"{connected.account} is signed in; {calendar}"
        return self._done("Connected to Google", said, back, back)

    def _done(self, heading: str, said: str, back: str, go_to: str) -> Response:
        page = plain_page(
            heading,
            said,
            "Taking you back …",
            links=((back, "Back to the practitioner"),),
            go_to=go_to,
            practice=_practice_of(self._services),
        )
        answer = HTMLResponse(page)
        answer.delete_cookie(self._cookie, path=CALLBACK_PATH)
        return answer

    def _sorry(self, error: CompanionError, back: str, *, status: int = 400) -> Response:
        ways = ways_on(error, practitioner="" if back == "/" else back)
        if isinstance(error, CalendarNotReached) and error.maybe_shared:
            place = back.replace("/practitioner/", "/oauth/start/")
            shared = urlencode({"calendar": error.calendar_id, "shared": "1"})
            ways.insert(0, (f"{place}?{shared}", "It is shared with me: continue at Google"))
        answer = self._page(error, ways, status=status)
        answer.delete_cookie(self._cookie, path=CALLBACK_PATH)
        return answer

    def _page(
        self, error: CompanionError, links: Sequence[tuple[str, str]], *, status: int = 400
    ) -> Response:
        page = plain_page(
            error.what, error.remedy, links=links, practice=_practice_of(self._services)
        )
        return HTMLResponse(page, status_code=status)
