"""Every role × every page, route and service method, as one table that was frozen.

`tests/role_table.txt` is what somebody in each role really gets when they ask: each cell is a call
through the gate, no look at the rules. A changed line is a changed right and wants a reason.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import wraps
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from nicegui import Client
from nicegui.testing.general import nicegui_reset_globals
from starlette.requests import Request
from starlette.responses import Response

from companion.domain.errors import NotAllowed, SignedOut
from companion.domain.tokens import token_hash
from companion.domain.users import Role, User
from companion.services.access.gate import gated
from companion.services.settings.reading import SettingsReader
from companion.web import app
from companion.web.access import PageServices
from companion.web.incoming import Incoming
from companion.web.options import AppOptions
from companion.web.ui.page_setup import create_site
from companion.web.ui.pages import _admit
from companion.web.ui.upload_board import UploadBoard
from tests.fakes.services import FakeApplication, fake_application, the_sample

TABLE = Path(__file__).resolve().parents[1] / "role_table.txt"
OWN, OTHER = (each.id for each in the_sample().practitioners[:2])
USERS = {
    "administrator": User(id="robin", name="Robin", role=Role.ADMINISTRATOR),
    "reception": User(id="kim", name="Kim", role=Role.RECEPTION),
    "practitioner": User(id="anna", name="Anna", role=Role.PRACTITIONER, practitioner_id=OWN),
    "nobody": None,
}
HEAD = """\
Who may do what, as tests/unit/test_role_table.py asks for it. The three letters of a role: what is
their own practitioner's, what is another's, and what names nobody (everybody's); y allowed,
n refused, - cannot be asked. What is not listed is refused to every role.

"""


async def _house() -> tuple[FakeApplication, dict[str, dict[str, object]]]:
    """And what stands for whom in an argument: by its name, then by practitioner."""
    sample = the_sample()
    application = fake_application(sample)
    await application.write(*sample.appointments)
    settings = application.settings.read()
    for user in USERS.values():
        settings = settings if user is None else settings.with_user(user)
    await application.settings.change(lambda _: settings)
    arguments: dict[str, dict[str, object]] = {}
    for whose in (OWN, OTHER):
        key = next(each.id for each in sample.appointments if each.practitioner_id == whose)
        feed, _ = await application.services.feeds.add(whose, label="Phone")
        arguments[whose] = {
            "practitioner_id": whose,
            "practitioner_ids": [whose],
            "appointment_id": key,
            "key": key,
            "feed_id": feed.id,
        }
    return application, arguments


def _without_effect(service: Any) -> Any:
    """The same service, whose public methods do nothing when they are reached."""

    def idle(original: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(original):

            @wraps(original)
            async def reached_async(*args: Any, **kwargs: Any) -> None: ...

            return reached_async

        @wraps(original)
        def reached(*args: Any, **kwargs: Any) -> None: ...

        return reached

    kind = type(service)
    idles = {
        name: idle(value)
        for name, value in inspect.getmembers(kind, callable)
        if not name.startswith("_")
    }
    made: Any = object.__new__(type(kind.__name__, (kind,), idles))
    made.__dict__ = service.__dict__
    return made


def _who(user: User | None) -> Callable[[], User]:
    def who() -> User:
        if user is None:
            raise SignedOut
        return user

    return who


async def _answer(ask: Callable[[], Any]) -> str:
    try:
        result = ask()
        if inspect.isawaitable(result):
            await result
    except (NotAllowed, SignedOut):
        return "n"
    return "y"


async def _cells(
    ask: Callable[[User | None, dict[str, Any]], Any],
    names: set[str],
    arguments: dict[str, dict[str, object]],
    *,
    needed: bool,
) -> str:
    """`names` are the arguments that say whose it is; `needed`: it cannot be left open."""
    cells = []
    for role, user in USERS.items():
        letters = ""
        for whose in (OWN, OTHER):
            given = {key: value for key, value in arguments[whose].items() if key in names}
            letters += await _answer(lambda user=user, given=given: ask(user, given))  # type: ignore[misc]
        letters += "-" if needed else await _answer(lambda user=user: ask(user, {}))  # type: ignore[misc]
        cells.append(f"{role} {letters}")
    return "  ".join(cells)


# ── how the product is asked ──────────────────────────────────────────────────────────────────


def _services(application: FakeApplication) -> Iterator[tuple[str, Any]]:
    """What pages get, by its name there; without the gate."""
    for each in fields(PageServices):
        if each.name != "clock":
            yield each.name, getattr(application.services, each.name)
    yield "live", UploadBoard(application.services)


async def _methods(
    application: FakeApplication, arguments: dict[str, dict[str, object]]
) -> Iterator[str]:
    lines = []
    for part, service in _services(application):
        idle = _without_effect(SettingsReader(service) if part == "settings" else service)
        for name, member in inspect.getmembers_static(type(idle)):
            if name.startswith("_"):
                continue
            parameters = inspect.signature(member).parameters if callable(member) else {}
            names = arguments[OWN].keys() & parameters.keys()
            needed = any(parameters[each].default is inspect.Parameter.empty for each in names)

            def ask(
                user: User | None,
                given: dict[str, Any],
                name: str = name,
                idle: Any = idle,
                method: bool = callable(member),
            ) -> Any:
                found = getattr(gated(idle, _who(user)), name)
                return found(**given) if method else None

            cells = await _cells(ask, names, arguments, needed=needed)
            lines.append((f"{part}.{name}", cells))
    allowed = (each for each in sorted(lines) if any("y" in cell for cell in each[1].split()[1::2]))
    return (f"method  {full:34} {cells}" for full, cells in allowed)


async def _pages(
    application: FakeApplication, folder: Path, arguments: dict[str, dict[str, object]]
) -> Iterator[str]:
    options = AppOptions(port=8080, home=folder, version="1")
    with nicegui_reset_globals():
        pages = create_site(application.services, options, Incoming(folder)).pages
        assert pages.keys() == set(Client.page_routes.values())
    lines = []
    for path in sorted(pages):
        names = {"practitioner_id"} if "{" in path else set()

        def ask(user: User | None, given: dict[str, Any], path: str = path) -> Any:
            site = SimpleNamespace(who=_who(user), services=application.services, pages=pages)
            answer = _admit(cast(Any, site), path, given)
            if answer is not None and "sign-in" in answer.headers["location"]:
                raise SignedOut

        lines.append((path, await _cells(ask, names, arguments, needed=bool(names))))
    return (f"page    {path:34} {cells}" for path, cells in lines)


async def _routes(
    application: FakeApplication, folder: Path, arguments: dict[str, dict[str, object]]
) -> Iterator[str]:
    sessions = application.services.accounts.sessions
    tokens = {user: await sessions.begin(user) for user in USERS.values() if user is not None}

    async def handler(_: Request) -> Response:
        return Response()

    lines = []
    options = AppOptions(port=8080, home=folder, version="1")
    routes = app._routes(application.services, options, Incoming(folder))
    for path, route in {each.path: each for each in routes}.items():
        names = {"practitioner_id"} if "{" in path else set()

        def ask(user: User | None, given: dict[str, Any], route: Any = route) -> Any:
            session = "" if user is None else token_hash(tokens[user])
            scope = {"type": "http", "path_params": given, "companion.session": session}
            return app._allowed(route._replace(handler=handler), application.services)(
                Request(scope)
            )

        lines.append((path, await _cells(ask, names, arguments, needed=bool(names))))
    return (f"route   {path:34} {cells}" for path, cells in sorted(lines))


async def test_every_role_may_do_what_was_frozen_and_nothing_else(tmp_path: Path) -> None:
    application, arguments = await _house()
    lines = [
        *await _pages(application, tmp_path, arguments),
        *await _routes(application, tmp_path, arguments),
        *await _methods(application, arguments),
    ]
    got = HEAD + "\n".join(lines) + "\n"
    (tmp_path / TABLE.name).write_text(got, encoding="utf-8")
    assert got == TABLE.read_text("utf-8")
