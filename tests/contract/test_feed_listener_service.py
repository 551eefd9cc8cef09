"""The listener's lock: its own certificate, renewed ones, and what cannot be opened."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx

from companion.domain.errors import Busy
from companion.services.feeds.reachability import ListenerStatus
from companion.web.connections import Bounds
from companion.web.feed_listener_service import FeedListenerService
from tests.fakes.certificates import serial_of, serial_seen, trusting, write_certificate
from tests.fakes.feeds import FeedApplication
from tests.fakes.waiting import until


@dataclass
class Bench:
    """A listener on a port of its own that looks a hundred times a second."""

    application: FeedApplication = field(default_factory=FeedApplication)
    said: ListenerStatus = field(default_factory=ListenerStatus)
    busy: bool = False
    bounds: Bounds | None = None
    port: int = 0
    service: FeedListenerService = field(init=False)

    def __post_init__(self) -> None:
        self.service = FeedListenerService(
            self.application.feeds,
            settings=self.application.settings,
            listener_status=self.said,
            host="127.0.0.1",
            bind=self.bind,
            bounds=self.bounds,
            look_seconds=0.01,
            retry_seconds=0.02,
        )

    def bind(self) -> socket.socket:
        if self.busy:
            raise Busy("The port is used by another program.", "Close it.")
        listening = socket.create_server(("127.0.0.1", self.port))
        self.port = listening.getsockname()[1]
        listening.setblocking(False)
        return listening

    async def choose(self, certificate: Path | str, key: Path | str = "") -> None:
        await self.application.settings.change(
            lambda settings: replace(
                settings,
                practice=replace(
                    settings.practice, feed_certificate=str(certificate), feed_key=str(key)
                ),
            )
        )

    async def health(self, trusted: ssl.SSLContext | None = None) -> int:
        """The status, or 0 where nobody answers."""
        scheme = "https" if trusted else "http"
        with suppress(httpx.HTTPError):
            async with httpx.AsyncClient(verify=trusted or False, trust_env=False) as client:
                url = f"{scheme}://127.0.0.1:{self.port}/healthz"
                return (await client.get(url, timeout=5)).status_code
        return 0


@asynccontextmanager
async def running(bench: Bench) -> AsyncIterator[None]:
    bench.service.open()
    task = asyncio.create_task(bench.service.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=10)


async def becomes(bench: Bench, status: int, trusted: ssl.SSLContext | None = None) -> None:
    async def answers() -> bool:
        return await bench.health(trusted) == status

    await until(answers)


@asynccontextmanager
async def secured(bench: Bench, folder: Path) -> AsyncIterator[tuple[Path, Path]]:
    """It answers https, by a certificate and its key that lie there."""
    certificate, key = write_certificate(folder)
    await bench.choose(certificate, key)
    async with running(bench):
        await becomes(bench, 200, trusting(certificate))
        yield certificate, key


async def test_with_a_certificate_it_answers_https_and_nothing_in_clear(tmp_path: Path) -> None:
    bench = Bench()
    async with secured(bench, tmp_path) as (certificate, _key):
        assert await bench.health() == 0
        token = await bench.application.token()
        async with httpx.AsyncClient(verify=trusting(certificate), trust_env=False) as client:
            url = f"https://127.0.0.1:{bench.port}/feeds/{token}.ics"
            answers = [await client.get(url) for _time in range(3)]
        assert [each.status_code for each in answers] == [200] * 3
        assert answers[2].content == answers[0].content
        assert (bench.said.is_open, bench.said.problem) == (True, "")


async def test_the_key_may_be_in_the_certificates_file(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path)
    certificate.write_bytes(certificate.read_bytes() + key.read_bytes())
    bench = Bench()
    await bench.choose(certificate)
    async with running(bench):
        await becomes(bench, 200, trusting(certificate))


async def test_a_renewed_certificate_is_taken_while_connections_stay_open(tmp_path: Path) -> None:
    bench = Bench()
    async with secured(bench, tmp_path) as (certificate, _key):
        old = serial_of(certificate)
        assert await asyncio.to_thread(serial_seen, bench.port) == old
        async with httpx.AsyncClient(verify=trusting(certificate), trust_env=False) as client:
            url = f"https://127.0.0.1:{bench.port}/healthz"
            assert (await client.get(url)).status_code == 200
            write_certificate(tmp_path)
            fresh = serial_of(certificate)
            for _look in range(200):
                if await asyncio.to_thread(serial_seen, bench.port) == fresh:
                    break
                await asyncio.sleep(0.02)
            assert await asyncio.to_thread(serial_seen, bench.port) == fresh != old
            assert (await client.get(url)).status_code == 200, "on the connection from before"


async def test_half_a_renewal_changes_nothing_until_the_other_half_is_there(
    tmp_path: Path,
) -> None:
    bench = Bench()
    async with secured(bench, tmp_path) as (certificate, key):
        old = serial_of(certificate)
        newer, newer_key = write_certificate(tmp_path, "newer")
        certificate.write_bytes(newer.read_bytes())
        await until(lambda: "not used yet" in bench.said.problem)
        assert "do not fit together" in bench.said.problem
        assert await asyncio.to_thread(serial_seen, bench.port) == old
        key.write_bytes(newer_key.read_bytes())
        await until(lambda: bench.said.problem == "")
        assert await asyncio.to_thread(serial_seen, bench.port) == serial_of(newer)


async def test_a_certificate_chosen_or_given_up_counts_without_a_restart(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path)
    bench = Bench()
    async with running(bench):
        await becomes(bench, 200)
        await bench.choose(certificate, key)
        await becomes(bench, 200, trusting(certificate))
        await bench.choose("")
        await becomes(bench, 200)


async def test_an_unusable_certificate_closes_the_listener_with_a_reason(
    tmp_path: Path,
) -> None:
    certificate, key = write_certificate(tmp_path)
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("no certificate")
    locked, locked_key = write_certificate(tmp_path, "locked", password=b"secret")
    _other, other_key = write_certificate(tmp_path, "other")
    bench = Bench()
    async with running(bench):
        await becomes(bench, 200)
        for paths, words in (
            ((tmp_path / "gone.pem", key), "is not there"),
            ((nonsense, key), "cannot be used"),
            ((locked, locked_key), "without a password"),
            ((certificate, other_key), "do not fit together"),
            ((tmp_path, tmp_path), "cannot be"),
        ):
            await bench.choose(*paths)
            await until(lambda words=words: words in bench.said.problem)  # type: ignore[misc]
            assert not bench.said.is_open
            assert await bench.health() == 0, "never in clear what a link calls https"
        await bench.choose(certificate, key)
        await becomes(bench, 200, trusting(certificate))
        assert bench.said.problem == ""


async def test_a_busy_port_is_reported_and_tried_again() -> None:
    bench = Bench(busy=True)
    async with running(bench):
        assert bench.said.problem == "The port is used by another program. Close it."
        assert not bench.said.is_open
        bench.busy = False
        await until(lambda: bench.said.is_open)
        await becomes(bench, 200)
    assert not bench.said.is_open


async def test_a_client_without_tls_does_no_harm(tmp_path: Path) -> None:
    bench = Bench()
    async with secured(bench, tmp_path) as (certificate, _key):
        for said in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"x" * 5000, b""):
            reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
            writer.write(said)
            with suppress(ConnectionError, TimeoutError):
                await asyncio.wait_for(reader.read(), 0.3)
            writer.close()
        assert await bench.health(trusting(certificate)) == 200


async def test_a_crowd_that_never_shakes_hands_is_sent_away(tmp_path: Path) -> None:
    bench = Bench(bounds=Bounds(for_handshake=0.5))
    async with secured(bench, tmp_path) as (certificate, _key):
        crowd = [await asyncio.open_connection("127.0.0.1", bench.port) for _each in range(300)]
        assert await bench.health(trusting(certificate)) == 200
        for reader, writer in crowd:
            with suppress(ConnectionError):
                assert await asyncio.wait_for(reader.read(), 10) == b""
            writer.close()
        assert await bench.health(trusting(certificate)) == 200


async def test_a_crowd_that_never_shakes_hands_counts_and_keeps_no_phone_out(
    tmp_path: Path,
) -> None:
    bench = Bench(bounds=Bounds(connections=5))
    async with secured(bench, tmp_path) as (certificate, _key):
        crowd = [await asyncio.open_connection("127.0.0.1", bench.port) for _each in range(60)]
        assert await bench.health(trusting(certificate)) == 200
        sent_away = [asyncio.create_task(reader.read(1)) for reader, _writer in crowd]
        await until(lambda: sum(each.done() for each in sent_away) >= 55)
        assert await bench.health(trusting(certificate)) == 200
        for each in sent_away:
            each.cancel()
        for _reader, writer in crowd:
            writer.close()
