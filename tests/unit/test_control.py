"""A second start and the running app: each proves itself to the other, on real ports."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import stat
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Barrier

import pytest
import uvicorn

from companion.domain.errors import StoreError
from companion.instance import Instance
from companion.web.control import (
    Command,
    ControlPath,
    ask_running_app,
    command_running_app,
    control_secret,
    proof_of,
)
from companion.web.guard import Guard
from companion.web.launching import LaunchTokens
from tests.fakes.guard import SECRET, FakeCurrentUser, Inside, Machines

NONCE = "a" * 43
Answering = Callable[[bytes], Awaitable[bytes]]


@asynccontextmanager
async def running(
    launches: LaunchTokens, secret: str = SECRET, **commands: Command
) -> AsyncIterator[int]:
    """The guard of an app of that home, on a real port."""
    bound = socket.create_server(("127.0.0.1", 0))
    port = int(bound.getsockname()[1])
    guard = Guard(
        Inside(),
        port=port,
        launches=launches,
        machines=Machines(),
        current_user=FakeCurrentUser(),
        control_secret=secret,
        commands=commands,
    )
    config = uvicorn.Config(guard, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve(sockets=[bound]))
    try:
        yield port
    finally:
        server.should_exit = True
        await serving


@asynccontextmanager
async def stranger(answer: Answering) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Another program on a port: what it heard, and what it makes of each request."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                heard.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(await answer(heard[-1]))
                await writer.drain()
        except (EOFError, OSError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], heard


def said(document: object, status: str = "200 OK") -> bytes:
    body = json.dumps(document).encode()
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


async def test_the_running_app_of_this_home_gives_a_launch_address() -> None:
    launches = LaunchTokens()
    async with running(launches) as port:
        url = await ask_running_app(port, SECRET)
    assert url is not None
    found = re.fullmatch(rf"http://127\.0\.0\.1:{port}/\?launch=([\w-]+)", url)
    assert found
    assert launches.take(found[1])


async def test_an_app_of_another_home_is_not_opened() -> None:
    async with running(LaunchTokens(), secret="b" * 43) as port:
        assert await ask_running_app(port, SECRET) is None


@pytest.mark.parametrize(
    "document",
    [
        {"url": "http://127.0.0.1:1/?launch=x"},
        {"token": "x", "nonce": NONCE, "proof": "0" * 64},
        {"nonce": NONCE},
        {"nonce": "\ud800", "proof": "\ud800"},
        ["nonce", "proof"],
        None,
    ],
)
async def test_a_stranger_on_the_port_hears_no_secret_and_is_not_opened(document: object) -> None:
    async def answer(_: bytes) -> bytes:
        return said(document)

    async with stranger(answer) as (port, heard):
        assert await ask_running_app(port, SECRET) is None
    assert len(heard) == 1
    assert SECRET.encode() not in heard[0]
    (header,) = re.findall(rb"(?i)authorization: (.*)\r\n", heard[0])
    assert re.fullmatch(rb"Companion [\w-]{43}", header), "a fresh random number and nothing else"


@pytest.mark.parametrize(
    "answered",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + b"[" * 9999,
        b"x" * 100_000,
    ],
)
async def test_whatever_another_program_says_it_is_only_not_ours(answered: bytes) -> None:
    async def answer(_: bytes) -> bytes:
        return answered

    async with stranger(answer) as (port, _heard):
        assert await ask_running_app(port, SECRET, seconds=0.3) is None


async def test_a_stranger_who_begins_to_answer_and_never_ends_holds_nobody() -> None:
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        await reader.read()  # until the start has had enough
        writer.close()
        over.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await ask_running_app(port, SECRET, seconds=0.2) is None
        await over.wait()


async def test_a_stranger_that_passes_everything_on_to_the_app_is_not_opened() -> None:
    """It holds the port that a start asks; the app of this home runs on another one."""
    launches = LaunchTokens()
    async with running(launches) as real:

        async def pass_on(request: bytes) -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", real)
            writer.write(re.sub(rb"Host: .*\r\n", b"Host: 127.0.0.1:%d\r\n" % real, request))
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            assert length
            body = await reader.readexactly(int(length[1]))
            writer.close()
            return head + body

        async with stranger(pass_on) as (port, heard):
            assert await ask_running_app(port, SECRET) is None
    assert len(heard) == 1, "it never gets as far as a proof"


async def test_the_running_app_does_what_its_home_asks_for() -> None:
    asked = []

    async def stop() -> dict[str, bool]:
        asked.append("stop")
        return {"stopping": True}

    async with running(LaunchTokens(), stop=stop) as port:
        assert await command_running_app(port, SECRET, "stop") == {"stopping": True}
        assert await command_running_app(port, "b" * 43, "stop") is None
        assert await command_running_app(port, SECRET, "format-disk") is None
    assert asked == ["stop"]


async def test_a_proof_for_one_command_is_none_for_another() -> None:
    async def stop() -> dict[str, bool]:
        raise AssertionError

    control = ControlPath(SECRET, 8080, LaunchTokens(), {"stop": stop})
    proof = proof_of("start", SECRET, 8080, NONCE, await challenge(control))
    assert await control.answer(f"Companion {NONCE} {proof}", "stop") == (403, {})


async def test_nobody_listening_is_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert await ask_running_app(port, SECRET, seconds=2) is None


# ── the app's end ─────────────────────────────────────────────────────────────────────────────


async def challenge(control: ControlPath, nonce: str = NONCE) -> str:
    status, document = await control.answer(f"Companion {nonce}")
    assert status == 401
    assert document["proof"] == proof_of("app", SECRET, 8080, nonce, document["nonce"])
    return str(document["nonce"])


async def test_a_proof_counts_once_and_for_this_run_only() -> None:
    launches = LaunchTokens()
    control = ControlPath(SECRET, 8080, launches)
    proof = proof_of("start", SECRET, 8080, NONCE, await challenge(control))
    status, document = await control.answer(f"Companion {NONCE} {proof}")
    assert status == 200
    assert launches.take(document["token"])
    assert await control.answer(f"Companion {NONCE} {proof}") == (403, {})
    assert await ControlPath(SECRET, 8080, launches).answer(f"Companion {NONCE} {proof}") == (
        403,
        {},
    )


async def test_what_the_app_proves_is_no_proof_of_a_start() -> None:
    control = ControlPath(SECRET, 8080, LaunchTokens())
    _, document = await control.answer(f"Companion {NONCE}")
    assert await control.answer(f"Companion {NONCE} {document['proof']}") == (403, {})


async def test_every_start_is_asked_something_else() -> None:
    control = ControlPath(SECRET, 8080, LaunchTokens())
    assert len({await challenge(control, letter * 43) for letter in "abcdef"}) == 6


@pytest.mark.parametrize(
    ("secret", "port", "nonce"),
    [("b" * 43, 8080, NONCE), (SECRET, 8081, NONCE), (SECRET, 8080, "b" * 43)],
)
async def test_a_proof_of_another_home_port_or_question_is_refused(
    secret: str, port: int, nonce: str
) -> None:
    control = ControlPath(SECRET, 8080, LaunchTokens())
    proof = proof_of("start", secret, port, nonce, await challenge(control))
    assert await control.answer(f"Companion {NONCE} {proof}") == (403, {})


@pytest.mark.parametrize(
    "given",
    [
        *("", "Companion", "Companion short", f"Bearer {SECRET}", SECRET, f"Basic {NONCE}"),
        *(f"Companion {NONCE} wrong", f"Companion {NONCE} é", f"Companion {'é' * 43}"),
    ],
)
async def test_the_control_path_refuses_whatever_is_no_proof(given: str) -> None:
    assert await ControlPath(SECRET, 8080, LaunchTokens()).answer(given) == (403, {})


def test_the_control_secret_stays_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "home" / "control.secret"
    made = control_secret(path)
    assert len(made) >= 43
    assert control_secret(path) == made
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_cut_off_control_secret_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "control.secret"
    path.write_text("short", encoding="utf-8")
    assert len(control_secret(path)) >= 43


def test_a_control_secret_that_cannot_be_kept_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "control.secret").mkdir()
    with pytest.raises(StoreError, match="could not be read or written"):
        control_secret(tmp_path / "control.secret")


def test_a_port_that_cannot_be_noted_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "app.port").mkdir()
    instance = Instance(tmp_path)
    with pytest.raises(StoreError, match="could not be read or written"), instance.hold(8080):
        pass
    assert not instance.runs()


def test_all_that_ask_for_the_secret_at_once_get_the_same(tmp_path: Path) -> None:
    """The app and the command that starts it: each with its own, they would never agree."""
    for number in range(30):
        path, together = tmp_path / f"secret-{number}", Barrier(4)

        def ask(path: Path = path, together: Barrier = together) -> str:
            together.wait(20)
            return control_secret(path)

        with ThreadPoolExecutor(4) as threads:
            asked = [threads.submit(ask) for _ in range(4)]
            found = {each.result() for each in asked}
        assert found == {path.read_text("utf-8")}
