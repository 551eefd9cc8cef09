"""WaitingPage: what the app shows while the database of its practice was never reached since the
start: one page, which goes on by itself, and the control path.

It holds nothing of the practice, so a browser need not be known; the rules about hosts and origins
are the guard's. A launch token in the address stays there until the app itself takes it.
"""

from __future__ import annotations

import json
import secrets

from companion.domain.practice_errors import DatabaseAway
from companion.services.workstations import AWAY_GOES_ON, AWAY_RESTS
from companion.web.control import CONTROL, ControlPath
from companion.web.guard import App, GuardedRequest, Receive, Scope, answer, host_names, judge
from companion.web.plain_page import plain_page
from companion.web.security_headers import SecuredSend, Send

AGAIN_SECONDS = 3


def waiting_page(port: int, control: ControlPath) -> App:
    hosts = host_names(port)

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
            word = request.path.removeprefix(CONTROL)
            status, document = await control.answer(request.one("authorization"), word)
            headers = [("content-type", "application/json")]
            await answer(guarded, status, json.dumps(document), headers=headers)
        elif request.path == "/healthz":
            headers = [("content-type", "application/json")]
            await answer(guarded, 200, '{"status":"ok"}', headers=headers)
        elif request.navigation:
            await answer(guarded, 503, _page(request), html=True)
        else:
            await answer(guarded, 503, DatabaseAway.default_what)

    return app


def _page(request: GuardedRequest) -> str:
    here = request.path + (f"?{request.query}" if request.query else "")
    return plain_page(
        DatabaseAway.default_what,
        AWAY_GOES_ON,
        AWAY_RESTS,
        again="/" + here.lstrip("/\\"),
        after_seconds=AGAIN_SECONDS,
    )
