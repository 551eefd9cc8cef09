"""The security headers of every answer of the app, and a fresh nonce on each script tag of HTML."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

_SCRIPT_TAG = re.compile(rb"<script(?=[\s>])")


class SecuredSend:
    """`send` that adds the security headers, and the nonce to the script tags of HTML."""

    def __init__(self, send: Send, nonce: str, host: str) -> None:
        self._send = send
        self._nonce = nonce
        self._host = host
        self._start: Message | None = None
        self._html = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif message["type"] == "http.response.body" and self._start is not None:
            await self._body(message)
        else:
            await self._send(message)

    async def _begin(self, message: Message) -> None:
        headers = [
            (name.lower(), value)
            for name, value in message.get("headers", [])
            if name.lower() not in {b"server", b"content-security-policy"}
        ]
        kind = next((value for name, value in headers if name == b"content-type"), b"")
        is_html = kind.lower().startswith(b"text/html")
        present = {name for name, _ in headers}
        headers += [pair for pair in self._security(is_html) if pair[0] not in present]
        secured = {**message, "headers": headers}
        encoded = b"content-encoding" in present
        if is_html and not encoded:
            self._start = secured  # its length changes with the nonces
        else:
            await self._send(secured)

    async def _body(self, message: Message) -> None:
        self._html += message.get("body", b"")
        if message.get("more_body"):
            return
        start, self._start = self._start, None
        if start is None:
            return
        tag = f'<script nonce="{self._nonce}"'.encode()
        body = _SCRIPT_TAG.sub(tag, bytes(self._html))
        rest = [pair for pair in start["headers"] if pair[0] != b"content-length"]
        length = (b"content-length", str(len(body)).encode())
        await self._send({**start, "headers": [*rest, length]})
        await self._send({**message, "body": body})

    def _security(self, is_html: bool) -> list[tuple[bytes, bytes]]:
        # Vue compiles templates in the browser: 'unsafe-eval'. Its styles are inline.
        policy = (
            "default-src 'none'; "
            f"script-src 'self' 'nonce-{self._nonce}' 'unsafe-eval'; "
            "style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
            f"connect-src 'self'{f' ws://{self._host}' if self._host else ''}; "
            "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        )
        headers = {
            "content-security-policy": policy,
            "x-content-type-options": "nosniff",
            "referrer-policy": "same-origin",
            "x-frame-options": "DENY",
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
            "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()",
        }
        if is_html:
            headers["cache-control"] = "no-store"
        return [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
