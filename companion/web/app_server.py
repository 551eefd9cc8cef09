"""The server that carries the app on loopback, with bounds for everything that is no browser of
the practice: any program of this computer can connect, before it has shown any cookie.

Websockets count apart, for each is one open tab of somebody signed in.
"""

from __future__ import annotations

from typing import ClassVar

import uvicorn

from companion.web.connections import BoundedProtocol, Bounds, OpenConnections, QuietServer
from companion.web.guard import App

APP_BOUNDS = Bounds(connections=128, for_body=300.0, for_answer=600.0)
"""A browser opens six connections; a person may take their time to say where a file goes."""
MOST_TABS = 100
MOST_MESSAGE = 1 << 20
"""Bytes of a websocket's message; NiceGUI's pages send no more."""
STOP_SECONDS = 1


class AppProtocol(BoundedProtocol):
    most_tabs: ClassVar[int] = MOST_TABS
    body_received: int = 0
    """Bytes of the body now coming in. It has no bound here: each route has its own."""

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        super().data_received(data)
        around = self.received - self.body_received
        if around > max(self.open_connections.bounds.head_size, self.body_received):
            self.drop()

    def on_body(self, body: bytes) -> None:
        self.body_received += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.body_received = 0
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        members = self.open_connections.members
        if len(self.connections) - len(members) >= self.most_tabs:
            self.drop()
            return
        self.open_connections.leave(self)
        self.received = 0
        super().handle_websocket_upgrade()


def app_server(app: App, *, bounds: Bounds = APP_BOUNDS, most_tabs: int = MOST_TABS) -> QuietServer:
    """A server ready for ``await server.serve(sockets=[listening socket])``."""
    protocol = type(
        "AppProtocol",
        (AppProtocol,),
        {"open_connections": OpenConnections(bounds), "most_tabs": most_tabs},
    )
    return QuietServer(
        uvicorn.Config(
            app,
            http=protocol,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=bounds.idle,
            timeout_graceful_shutdown=STOP_SECONDS,
            ws_max_size=MOST_MESSAGE,
            ws_ping_interval=20.0,
        )
    )
