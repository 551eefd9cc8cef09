"""A guard around an app that counts how often it was reached."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import httpx

from companion.domain.tokens import token_hash
from companion.web.current_user import SessionUser
from companion.web.guard import Guard
from companion.web.launching import LaunchTokens

PORT = 8080


HOST = f"127.0.0.1:{PORT}"


ORIGIN = f"http://{HOST}"


SECRET = "a-control-secret-of-sufficient-length-0123456789"


Scope = MutableMapping[str, Any]


class Machines:
    def __init__(self) -> None:
        self.known: set[str] = set()
        self.trouble: OSError | None = None

    def knows(self, hashed: str) -> bool:
        return hashed in self.known

    async def add(self, hashed: str) -> None:
        self.known.add(hashed)
        if self.trouble:
            raise self.trouble


class FakeCurrentUser:
    """Robin is signed in."""

    def __init__(self) -> None:
        robin = SessionUser(user_id="robin", session=token_hash("robins-session"))
        self.session_users = {robin.session: robin}
        self.seen_often: list[str] = []
        self.empty = False
        self.token = ""

    def session_user(self, hashed: str) -> SessionUser | None:
        return self.session_users.get(hashed)

    def seen(self, hashed: str) -> None:
        self.seen_often.append(hashed)

    def has_no_users(self) -> bool:
        return self.empty

    async def automatic_session(self) -> str | None:
        return self.token or None


class Inside:
    """The guarded app: remembers who came and answers with what it was told to."""

    def __init__(self) -> None:
        self.reached: list[Scope] = []
        self.body = b"<html><script>let a</script><script type='module'>let b</script></html>"
        self.headers: list[tuple[bytes, bytes]] = [(b"content-type", b"text/html; charset=utf-8")]

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        self.reached.append(scope)
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            return
        headers = [*self.headers, (b"content-length", str(len(self.body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        middle = len(self.body) // 2
        await send({"type": "http.response.body", "body": self.body[:middle], "more_body": True})
        await send({"type": "http.response.body", "body": self.body[middle:]})


class Application:
    def __init__(self) -> None:
        self.inside = Inside()
        self.machines = Machines()
        self.current_user = FakeCurrentUser()
        self.launches = LaunchTokens()
        self.guard = Guard(
            self.inside,
            port=PORT,
            launches=self.launches,
            machines=self.machines,
            current_user=self.current_user,
            control_secret=SECRET,
        )
        self.machines.known.add(token_hash("known-browser"))
        self.machine_cookie = f"{self.guard.cookie}=known-browser"
        self.user_cookie = f"{self.guard.user_cookie}=robins-session"
        self.cookie = {"cookie": f"{self.machine_cookie}; {self.user_cookie}"}

    async def ask(
        self,
        path: str = "/",
        *,
        method: str = "GET",
        known: bool = True,
        also: dict[str, str] | None = None,
        **headers: str,
    ) -> httpx.Response:
        """One request; `sec_fetch_site="…"` becomes that header."""
        sent = {"host": HOST} | {
            name.replace("_", "-"): value for name, value in {**(also or {}), **headers}.items()
        }
        if known:
            sent |= self.cookie
        transport = httpx.ASGITransport(self.guard)
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            return await client.request(method, path, headers=sent)

    async def raw(
        self,
        headers: list[tuple[bytes, bytes]],
        *,
        kind: str = "http",
        path: str = "/",
        query: str = "",
    ) -> list[MutableMapping[str, Any]]:
        """What the guard sends for exactly these headers."""
        scope: Scope = {
            "type": kind,
            "method": "GET",
            "path": path,
            "query_string": query.encode(),
            "headers": headers,
        }
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "websocket.connect" if kind == "websocket" else "http.request"}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        await self.guard(scope, receive, send)
        return sent

    async def connect(self, *extra: tuple[bytes, bytes], known: bool = True) -> str:
        """Open a websocket with these headers; the type of the first answer."""
        headers = [*extra]
        if known:
            headers.append((b"cookie", self.cookie["cookie"].encode()))
        return str((await self.raw(headers, kind="websocket", path="/_nicegui_ws/"))[0]["type"])
