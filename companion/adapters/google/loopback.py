"""Loopback: the listener that waits for Google's answer to `google connect`.

The browser is sent back to `http://127.0.0.1:<port>/oauth/callback?…`. Whatever else arrives (a
favicon, another program's probe, half a request) is answered and ignored; only an address that
bears our `state` ends the wait. google-auth-oauthlib's own `run_local_server` serves exactly one
request, whichever it is, and waits for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
from collections.abc import AsyncIterator
from typing import Self
from urllib.parse import parse_qs, urlsplit

from companion.domain.errors import SignInTimedOut

PATH = "/oauth/callback"
WAIT_SECONDS = 300.0
_REQUEST_SECONDS = 10.0
_LONGEST_HEAD = 16 * 1024
_PAGE = """<!doctype html>
<html lang="en-AU"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1.125rem/1.6 system-ui, sans-serif; margin: 20vh auto 0; max-width: 34rem;
padding: 0 1.5rem; }}
h1 {{ font-size: 1.5rem; font-weight: 600; }}
</style></head>
<body><main><h1>{title}</h1><p>{text}</p></main></body></html>"""


class Loopback:
    """`async with Loopback() as waiting: …; await waiting.answer(state)`."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._answers: asyncio.Queue[str] = asyncio.Queue(maxsize=8)

    @property
    def redirect_uri(self) -> str:
        if self._server is None:
            raise RuntimeError("the listener is not open")
        port = self._server.sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}{PATH}"

    async def answer(self, state: str, *, within: float = WAIT_SECONDS) -> str:
        """The whole address Google sent the browser to. Raises SignInTimedOut; cancel to stop."""
        try:
            async with asyncio.timeout(within):
                while True:
                    address = await self._answers.get()
                    if parse_qs(urlsplit(address).query).get("state") == [state]:
                        return address
        except TimeoutError as err:
            raise SignInTimedOut from err

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_LONGEST_HEAD)
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with _closing(writer):
            try:
                async with asyncio.timeout(_REQUEST_SECONDS):
                    head = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._reply(head))
                await writer.drain()
            except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                return

    def _reply(self, head: bytes) -> bytes:
        words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        if len(words) != 3 or words[0] != "GET":
            return _response("405 Method Not Allowed", "", "")
        parts = urlsplit(words[1])
        query = parse_qs(parts.query)
        if parts.path != PATH or "state" not in query or not {"code", "error"} & query.keys():
            return _response("404 Not Found", "", "")
        with contextlib.suppress(asyncio.QueueFull):
            self._answers.put_nowait(f"{self.redirect_uri}?{parts.query}")
        if "error" in query:
            return _response(
                "200 OK",
                "Not connected",
                "Google says the sign-in was cancelled. You can close this page.",
            )
        return _response(
            "200 OK",
            "Thank you",
            "Google has answered. You can close this page; the result is shown where you started.",
        )


def _response(status: str, title: str, text: str) -> bytes:
    body = b""
    if title:
        body = _PAGE.format(title=html.escape(title), text=html.escape(text)).encode()
    head = (
        f"HTTP/1.1 {status}\r\n"
        "Content-Type: text/html; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\n"
        "Cache-Control: no-store\r\n"
        "Referrer-Policy: no-referrer\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode("latin-1") + body


@contextlib.asynccontextmanager
async def _closing(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    try:
        yield
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
