"""HttpClient: the one place from which a request leaves this computer. Blocking; of one thread.

Nothing is sent twice (a lost answer is an error, not a reason to send again), no redirect is
followed (a token must not travel), and a kept connection that the server has closed meanwhile is
noticed before it is used. Errors are urllib3's; whoever calls translates them.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
import weakref
import zlib
from collections.abc import Callable, Mapping

import urllib3
import urllib3.connection
import urllib3.connectionpool

from companion.adapters.network.answer import HttpAnswer
from companion.adapters.network.route import Proxy, proxy_for, trust_context

USER_AGENT = "calendar-companion (gzip)"


class TooMuch(urllib3.exceptions.HTTPError):
    """An answer larger, or slower, than it may be."""


class HttpClient:
    def __init__(
        self,
        *,
        timeout: float,
        route: Callable[[str], Proxy | None] = proxy_for,
        trust: Callable[[], ssl.SSLContext] = trust_context,
    ) -> None:
        """`timeout`: seconds for connecting, and for each pause of an answer."""
        self._timeout = urllib3.Timeout(connect=timeout, read=timeout)
        self._route = route
        self._trust = trust
        self._managers: dict[Proxy | None, urllib3.PoolManager] = {}
        self._context: ssl.SSLContext | None = None
        self._connections: weakref.WeakSet[urllib3.connection.HTTPConnection] = weakref.WeakSet()

    def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        most: int = 0,
        seconds: float = 0.0,
    ) -> HttpAnswer:
        """`most`: bytes, packed and unpacked, and `seconds` that an answer may take; 0 for any.
        Raises urllib3.exceptions.HTTPError, and BadInput for an unusable proxy or trust."""
        ends = time.monotonic() + seconds
        manager = self._manager(self._route(url))
        answer = manager.request(
            method,
            url,
            body=body,
            headers={"user-agent": USER_AGENT, "accept-encoding": "gzip", **(headers or {})},
            redirect=False,
            retries=False,
            preload_content=not most,
        )
        given = {name.lower(): value for name, value in answer.headers.items()}
        content = answer.data if not most else _bounded(answer, given, most, ends)
        return HttpAnswer(status=answer.status, headers=given, content=content)

    def interrupt(self) -> None:
        """From any thread: a request under way ends with an error."""
        for connection in list(self._connections):
            sock = connection.sock  # its own thread may be closing it this very moment
            if sock is not None:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        for manager in self._managers.values():
            manager.clear()

    def open_ports(self) -> set[int]:
        """Local ports of the connections that are open."""
        socks = [each.sock for each in list(self._connections)]
        return {sock.getsockname()[1] for sock in socks if sock is not None}

    def certificate_issuer(self) -> str:
        """Who signed the certificate of the last server; empty where none was shown."""
        for connection in list(self._connections):
            if isinstance(connection.sock, ssl.SSLSocket):
                shown = connection.sock.getpeercert(binary_form=True)
                if shown:
                    return _issuer(shown)
        return ""

    def _manager(self, proxy: Proxy | None) -> urllib3.PoolManager:
        manager = self._managers.get(proxy)
        if manager is None:
            manager = self._managers[proxy] = self._make(proxy)
        return manager

    def _make(self, proxy: Proxy | None) -> urllib3.PoolManager:
        if self._context is None:
            self._context = self._trust()
        manager: urllib3.PoolManager
        if proxy is None:
            manager = urllib3.PoolManager(
                num_pools=4, maxsize=1, timeout=self._timeout, ssl_context=self._context
            )
        else:
            given = {"proxy-authorization": proxy.authorization} if proxy.authorization else {}
            manager = urllib3.ProxyManager(
                proxy.address,
                num_pools=4,
                maxsize=1,
                timeout=self._timeout,
                ssl_context=self._context,
                proxy_ssl_context=self._context,
                proxy_headers=given,
            )
        manager.pool_classes_by_scheme = _pools(self._connections)
        return manager


def _bounded(
    answer: urllib3.BaseHTTPResponse, headers: Mapping[str, str], most: int, ends: float
) -> bytes:
    """Unpacked here, for a small answer may be a bomb. Raises TooMuch, urllib3's HTTPError."""
    packed = headers.get("content-encoding", "").lower() in {"gzip", "x-gzip"}
    unpacking = zlib.decompressobj(31) if packed else None
    parts, received, size = [], 0, 0
    try:
        for chunk in answer.stream(1 << 16, decode_content=False):
            part = unpacking.decompress(chunk, most + 1 - size) if unpacking else chunk
            received, size = received + len(chunk), size + len(part)
            if received > most or size > most or time.monotonic() > ends:
                raise TooMuch("large" if max(received, size) > most else "slow")
            parts.append(part)
    except zlib.error as error:
        raise urllib3.exceptions.DecodeError from error
    finally:
        answer.close()
    return b"".join(parts)


def _pools(
    opened: weakref.WeakSet[urllib3.connection.HTTPConnection],
) -> dict[str, type[urllib3.connectionpool.HTTPConnectionPool]]:
    """urllib3's pools, whose connections are entered in `opened` for `interrupt`."""

    class Plain(urllib3.connection.HTTPConnection):
        def connect(self) -> None:
            opened.add(self)
            super().connect()

    class Secure(urllib3.connection.HTTPSConnection):
        def connect(self) -> None:
            opened.add(self)
            super().connect()

    class PlainPool(urllib3.connectionpool.HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(urllib3.connectionpool.HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def _issuer(certificate: bytes) -> str:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    names = x509.load_der_x509_certificate(certificate).issuer
    for kind in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
        found = names.get_attributes_for_oid(kind)
        if found:
            return str(found[0].value)[:100]
    return ""
