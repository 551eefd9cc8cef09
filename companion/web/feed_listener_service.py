"""FeedListenerService: opens the listener for phones, keeps it open, and follows the settings.

The listener has a certificate when the settings name one. A renewed file is taken within seconds
and without closing: new connections get the new certificate, those that are open go on. A file
that does not fit (a renewal is two files, written one after the other) changes nothing until it
does. Switching between http and https closes the listener for a moment.

Where the port is busy or the certificate cannot be used, nothing is served: a link that says
https must not be answered in clear. It is tried again every few seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from companion.domain.errors import CompanionError
from companion.domain.settings import Settings
from companion.services.feeds.reachability import ListenerStatus
from companion.web.connections import Bounds
from companion.web.feed import FeedApp, FeedSource
from companion.web.feed_listener import FeedServer, feed_server

log = logging.getLogger(__name__)
LOOK_SECONDS = 2.0
RETRY_SECONDS = 10.0


class ReadSettings(Protocol):
    def read(self) -> Settings: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """The two files of a certificate, which may be one."""

    certificate: Path
    key: Path

    @classmethod
    def of(cls, settings: ReadSettings) -> Certificate | None:
        practice = settings.read().practice
        if not practice.feed_certificate:
            return None
        certificate = Path(practice.feed_certificate)
        key = Path(practice.feed_key) if practice.feed_key else certificate
        return cls(certificate=certificate, key=key)

    def stamp(self) -> object:
        """Differs once a file was written."""
        stamps = []
        for path in (self.certificate, self.key):
            with contextlib.suppress(OSError):
                found = path.stat()
                stamps.append((found.st_mtime_ns, found.st_size, found.st_ino))
        return tuple(stamps)

    def load_into(self, context: ssl.SSLContext) -> None:
        """Raises CompanionError, with the context as it was."""
        self._load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))  # half loaded, it could serve no client
        self._load(context)

    def _load(self, context: ssl.SSLContext) -> None:
        try:
            # A password, so that an encrypted key is refused instead of asked for on a terminal.
            context.load_cert_chain(self.certificate, self.key, password="")
        except FileNotFoundError as error:
            raise CompanionError(
                "The certificate's file or its key is not there.",
                "Correct the paths under Phone links.",
                detail="certificate missing",
            ) from error
        except ssl.SSLError as error:
            raise CompanionError(
                "The certificate and the key do not fit together."
                if error.reason == "KEY_VALUES_MISMATCH"
                else "The certificate or its key cannot be used.",
                "Give the certificate with its chain and its key, both as PEM, without a password.",
                detail=f"certificate: {error.reason}",
            ) from error
        except OSError as error:
            raise CompanionError(
                "The certificate's file or its key cannot be opened.",
                "Let the app's user read both files.",
                detail=f"certificate: {type(error).__name__}",
            ) from error


class FeedListenerService:
    def __init__(
        self,
        feeds: FeedSource,
        *,
        settings: ReadSettings,
        listener_status: ListenerStatus,
        host: str,
        bind: Callable[[], socket.socket],
        bounds: Bounds | None = None,
        look_seconds: float = LOOK_SECONDS,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        """`bind` gives a listening socket on `host`; raises CompanionError."""
        self._app = FeedApp(feeds, proxy=lambda: settings.read().practice.feed_proxy)
        self._settings = settings
        self._listener_status = listener_status
        self._host = host
        self._bind = bind
        self._bounds = bounds
        self._look_seconds = look_seconds
        self._retry_seconds = retry_seconds
        self._wanted: Certificate | None = None
        self._stamp: object = None
        self._context: ssl.SSLContext | None = None
        self._opened: tuple[FeedServer, socket.socket] | None = None

    def open(self) -> None:
        """Once, to know at the start whether it works; `run` goes on from there."""
        self._wanted = Certificate.of(self._settings)
        self._context = None
        try:
            if self._wanted is not None:
                self._stamp = self._wanted.stamp()
                self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                self._wanted.load_into(self._context)
            listening = self._bind()
        except CompanionError as error:
            if self._listener_status.problem != _sentence(error):
                log.warning(
                    "The listener for phones is closed: %s", error.detail or type(error).__name__
                )
            self._listener_status.host, self._listener_status.problem = "", _sentence(error)
            return
        server = feed_server(self._app, bounds=self._bounds, secure=self._context)
        self._opened = (server, listening)
        self._listener_status.host, self._listener_status.problem = self._host, ""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            if self._opened is None:
                await asyncio.sleep(self._retry_seconds)
                self.open()
                continue
            server, listening = self._opened
            serving = asyncio.create_task(server.serve(sockets=[listening]), name="feeds")
            try:
                await self._watch(serving)
            finally:
                self._opened = None
                self._listener_status.host = ""
                server.should_exit = True
                await asyncio.wait([serving], timeout=5)
                server.force_exit = True
                listening.close()
            self.open()

    async def _watch(self, serving: asyncio.Task[None]) -> None:
        """Until it ends, or another certificate is wanted, or none."""
        while not serving.done():
            await asyncio.wait([serving], timeout=self._look_seconds)
            if Certificate.of(self._settings) != self._wanted:
                return
            if self._wanted is not None and self._context is not None:
                self._renew(self._wanted, self._context)

    def _renew(self, wanted: Certificate, context: ssl.SSLContext) -> None:
        stamp = wanted.stamp()
        if stamp == self._stamp:
            return
        try:
            wanted.load_into(context)
        except CompanionError as error:
            self._listener_status.problem = (
                f"The renewed certificate is not used yet. {_sentence(error)}"
            )
            return
        self._stamp = stamp
        self._listener_status.problem = ""
        log.info("The listener for phones uses the renewed certificate.")


def _sentence(error: CompanionError) -> str:
    return f"{error.what} {error.remedy}".strip()
