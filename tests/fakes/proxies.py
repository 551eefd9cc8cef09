"""Proxies of a clinic's network, on a port of this computer.

`Proxy` answers CONNECT. Whatever host is asked for, it opens TLS itself with its own certificate,
as a web filter that inspects traffic does, and hands the bytes on to one plain server: so Google's
real addresses can be used and nothing leaves this computer. With `user` it wants a password; with
`page` it answers every request by that page, as a guest network's sign-in does.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.fakes.stream_server import stream_server


@dataclass
class Proxy:
    upstream: int
    """Port of the plain server on this computer."""
    certificate: tuple[Path, Path]
    user: str = ""
    """``user:password``, unescaped."""
    page: bytes = b""
    """A whole HTTP answer."""
    asked: list[str] = field(default_factory=list)
    """Host and port of each CONNECT that was let through."""
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError, ssl.SSLError):
            await self._serve(reader, writer)
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, target, _version = head.split("\r\n")[0].split(" ")
        wanted = f"Basic {base64.b64encode(self.user.encode()).decode()}"
        if self.user and wanted not in head:
            writer.write(
                b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                b"Proxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"
            )
            await writer.drain()
            return
        assert method == "CONNECT"
        self.asked.append(target)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await writer.drain()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*map(str, self.certificate))
        await writer.start_tls(context)
        if self.page:
            request = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", request.lower())
            await reader.readexactly(int(length[1]) if length else 0)
            writer.write(self.page)
            await writer.drain()
            await asyncio.wait_for(reader.read(), 5)  # the client closes first: nothing is torn
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        try:
            host = target.rpartition(":")[0].encode()
            await asyncio.gather(_copy(reader, far_writer, host), _copy(far_reader, writer))
        finally:
            far_writer.close()


async def _copy(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: bytes = b""
) -> None:
    """`host`: the simulated Google answers to this computer's own name only."""
    while content := await reader.read(65_536):
        writer.write(content.replace(b"Host: " + host, b"Host: 127.0.0.1") if host else content)
        await writer.drain()
    with contextlib.suppress(OSError, NotImplementedError):
        writer.close()


@contextmanager
def running(proxy: Proxy) -> Iterator[Proxy]:
    with stream_server(asyncio.new_event_loop(), proxy.serve) as proxy.port:
        yield proxy
