"""The app: guard outermost, then FastAPI with the plain routes, then the pages of NiceGUI.

    Guard ─ FastAPI ─┬─ /healthz
                     ├─ /oauth/start/<practitioner>   a plain navigation that leads to Google
                     ├─ /oauth/callback               where Google sends the browser back
                     ├─ /files/incoming               a dropped file, streamed to the home
                     ├─ /static                       styles and icons
                     └─ NiceGUI                       every page

The sign-in comes back without the machine's cookie (SameSite=Strict), so it is tied to this
browser by a short-lived SameSite=Lax cookie for the callback path, and to its beginning by the
single-use `state`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles

from companion.assets import static_dir
from companion.domain.errors import CompanionError, FileRefused, SignInDenied, SignInError
from companion.services.house import Services
from companion.web.guard import OWNER, Guard
from companion.web.incoming import Incoming
from companion.web.launching import MachineFile, MachineSessions, control_secret, fresh_token
from companion.web.options import AppOptions
from companion.web.plain_page import plain_page
from companion.web.ui.mounting import mount_ui
from companion.web.ui.troubles import as_companion_error

if TYPE_CHECKING:
    from companion.services.connecting import CalendarChoice

CALLBACK_PATH = "/oauth/callback"
SIGN_IN_SECONDS = 300
_MOST_SIGN_INS = 200

Handler = Callable[[Request], Awaitable[Response]]


def create_app(
    services: Services, options: AppOptions, *, machines: MachineSessions | None = None
) -> Guard:
    """The whole app as ASGI. Raises OSError when the home cannot be written."""
    host = FastAPI(title="Calendar Companion", docs_url=None, redoc_url=None, openapi_url=None)
    incoming = Incoming(options.incoming)
    incoming.sweep()
    _add_routes(host, services, options, incoming)
    host.mount("/static", StaticFiles(directory=static_dir()), name="app-static")
    mount_ui(host, services, options, incoming)
    return Guard(
        host,
        port=options.port,
        launches=options.launches,
        machines=machines or MachineFile(options.machines_file, services.clock.now),
        control_secret=control_secret(options.control_file),
    )


def _add_routes(host: FastAPI, services: Services, options: AppOptions, incoming: Incoming) -> None:
    sign_ins = _SignIns(services, options.port)

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

    host.add_api_route("/healthz", healthz, methods=["GET", "HEAD"])
    host.add_api_route("/oauth/start/{practitioner_id}", _in_words(sign_ins.start), methods=["GET"])
    host.add_api_route(CALLBACK_PATH, _in_words(sign_ins.finish), methods=["GET"])
    host.add_api_route("/files/incoming", _in_words(receive), methods=["POST"])


def _in_words(handler: Handler) -> Handler:
    """What a plain route raises becomes a plain page."""

    async def wrapped(request: Request) -> Response:
        try:
            return await handler(request)
        except Exception as error:  # noqa: BLE001 - the edge of the program: every failure is said
            trouble = as_companion_error(error)
            page = plain_page(trouble.what, trouble.remedy, link=("/", "Back to the overview"))
            return HTMLResponse(page, status_code=400)

    return wrapped


class _SignIns:
    """Both ends of *Connect to Google* in the browser."""

    def __init__(self, services: Services, port: int) -> None:
        self._services = services
        self._cookie = f"companion-sign-in-{port}"
        self._under_way: dict[str, tuple[str, str]] = {}
        """state → (hash of the browser's cookie, practitioner id)."""

    async def start(self, request: Request) -> Response:
        wanted = str(request.path_params["practitioner_id"])
        record = self._services.settings.read().practitioner(wanted)
        query = request.query_params
        # The very host the browser uses: the cookie belongs to it.
        redirect_uri = f"http://{request.headers['host'].lower()}{CALLBACK_PATH}"
        sign_in = await self._services.connecting.begin(
            record.practitioner.id,
            login=query.get("login", record.google.login or record.practitioner.email),
            calendar=_choice(query.get("calendar", ""), query.get("name", "")),
            redirect_uri=redirect_uri,
            user=request.scope.get("companion.user", OWNER),
        )
        browser = fresh_token()
        while len(self._under_way) >= _MOST_SIGN_INS:
            self._under_way.pop(next(iter(self._under_way)))
        self._under_way[sign_in.state] = (_digest(browser), record.practitioner.id)
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
        kept, practitioner_id = self._under_way.pop(state, ("", ""))
        back = f"/practitioner/{practitioner_id}" if practitioner_id else "/"
        if not kept or _digest(browser) != kept:
            trouble: CompanionError = SignInError(
                "This sign-in was not started in this browser, or it is already finished.",
                "Go back and press Connect to Google again.",
            )
            return self._sorry(trouble, back)
        try:
            connected = await self._services.connecting.finish(str(request.url), user=OWNER)
        except SignInDenied as error:
            return self._sorry(error, back, status=200)
        except Exception as error:  # noqa: BLE001 - the edge of the program
            return self._sorry(as_companion_error(error), back)
        page = plain_page(
            "Connected to Google",
            f"{connected.account} is signed in; the calendar is “{connected.calendar_name}”.",
            "Taking you back …",
            link=(back, "Back to the practitioner"),
            go_to=f"{back}?connected=1",
        )
        answer = HTMLResponse(page)
        answer.delete_cookie(self._cookie, path=CALLBACK_PATH)
        return answer

    def _sorry(self, error: CompanionError, back: str, *, status: int = 400) -> Response:
        page = plain_page(error.what, error.remedy, link=(back, "Back to the practitioner"))
        answer = HTMLResponse(page, status_code=status)
        answer.delete_cookie(self._cookie, path=CALLBACK_PATH)
        return answer


def _choice(calendar: str, name: str) -> CalendarChoice | None:
    """``new`` with a name, or the id of a calendar there is; None keeps the present one."""
    from companion.services.connecting import CalendarChoice

    if not calendar:
        return None
    if calendar == "new":
        return CalendarChoice(kind="new", name=name)
    return CalendarChoice(kind="existing", calendar_id=calendar)


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
