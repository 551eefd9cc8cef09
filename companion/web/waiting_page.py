"""WaitingPage: what the app shows while the practice was never opened since the start: one page,
which goes on by itself, and the control path. Its database is away; or its key was renewed, and
the page asks for the new one.

It holds nothing of the practice, so a browser need not be known: of keys it takes the right one
alone, and once, however often the button is pressed. The rules about hosts and origins are the
guard's. A launch token in the address stays there until the app itself takes it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl

from companion.domain.errors import BadInput, CompanionError
from companion.domain.practice_errors import DatabaseAway, PracticeKeyRenewed
from companion.services.workstations import AWAY_GOES_ON, AWAY_RESTS
from companion.web.control import CONTROL, ControlPath
from companion.web.guard import (
    App,
    GuardedRequest,
    Receive,
    Scope,
    answer,
    answer_control,
    answer_json,
    host_names,
    judge,
)
from companion.web.plain_form import Field, form_page
from companion.web.plain_page import again_script, plain_page
from companion.web.security_headers import SecuredSend, Send

AGAIN_SECONDS = 3
KEY = "practice_key"
_MOST_BYTES = 2000
_RIGHT = "The key is right. The practice is being opened …"

TakeKey = Callable[[str], Awaitable[None]]
"""Keeps a typed practice key; raises CompanionError where it does not fit."""


@dataclass(slots=True)
class WaitedFor:
    """What the app waits for, as last found out, by a thread of its own."""

    error: DatabaseAway | PracticeKeyRenewed
    problem: BadInput | None = None
    """With the key that was typed last."""
    taken: bool = False
    """The right key was typed: it is tried in a moment."""

    @property
    def asks_for_key(self) -> bool:
        return isinstance(self.error, PracticeKeyRenewed)

    @property
    def sentence(self) -> str:
        return self.error.default_what


def waiting_page(port: int, control: ControlPath, waited_for: WaitedFor, take_key: TakeKey) -> App:
    hosts = host_names(port)
    one_key_at_a_time = asyncio.Lock()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1013})
        if scope["type"] != "http":
            return
        request = GuardedRequest(scope)
        host = request.one("host").lower()
        guarded = SecuredSend(send, secrets.token_urlsafe(18), host if host in hosts else "")
        if refusal := judge(request, hosts):
            await answer(guarded, refusal.status, refusal.reason)
        elif request.path.startswith(CONTROL) and request.method == "POST":
            await answer_control(guarded, control, request)
        elif request.path == "/healthz":
            await answer_json(guarded, 200, {"status": "ok"})
        elif request.method == "POST" and waited_for.asks_for_key:
            typed = await _typed(receive)
            async with one_key_at_a_time:
                if not waited_for.taken:
                    await _take(typed, waited_for, take_key)
            await answer(guarded, 303, "", headers=[("location", request.address)])
        elif request.navigation:
            await answer(guarded, 503, _page(request, waited_for), html=True)
        else:
            await answer(guarded, 503, waited_for.sentence)

    return app


async def _typed(receive: Receive) -> str:
    """Empty for anything that is no small form."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] != "http.request" or len(body) > _MOST_BYTES:
            return ""
        if not message.get("more_body"):
            return dict(parse_qsl(body.decode("ascii", "replace"))).get(KEY, "")


async def _take(typed: str, waited_for: WaitedFor, take_key: TakeKey) -> None:
    try:
        await take_key(typed)
        waited_for.problem, waited_for.taken = None, True
    except CompanionError as error:
        waited_for.problem = BadInput(error.what, error.remedy, field=KEY)


def _page(request: GuardedRequest, waited_for: WaitedFor) -> str:
    here = request.address  # with its launch token, which the app takes once it is open
    if waited_for.asks_for_key and not waited_for.taken:
        return _key_page(here, waited_for.problem)
    title = _RIGHT if waited_for.asks_for_key else waited_for.sentence
    paragraphs = () if waited_for.asks_for_key else (AWAY_GOES_ON, AWAY_RESTS)
    return plain_page(title, *paragraphs, again=here, after_seconds=AGAIN_SECONDS)


def _key_page(here: str, problem: BadInput | None) -> str:
    """It is not loaded anew while somebody types, and left once the app is open."""
    page = form_page(
        "The practice key was renewed on another workstation",
        "This workstation goes on when the new key is typed here, once. Until then phones get the "
        "last good calendar, workstations that have it keep the calendars, and nothing is lost.",
        action=here,
        fields=[
            Field(
                name=KEY,
                label="New practice key",
                hint="Nine groups of four characters. On a workstation that has it: python run.py "
                "practice key",
                focus=True,
            )
        ],
        submit="Go on with this key",
        error=problem,
    )
    return page.replace("</main>", f"{again_script(AGAIN_SECONDS)}</main>")
