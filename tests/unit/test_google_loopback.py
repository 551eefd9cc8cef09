"""The command line's listener for Google's answer."""

import asyncio

import pytest

from companion.adapters.google.loopback import Loopback
from companion.domain.errors import SignInTimedOut


async def send(uri: str, request: bytes) -> bytes:
    port = int(uri.split(":")[2].split("/", maxsplit=1)[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    await writer.drain()
    try:
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


async def get(uri: str, target: str) -> bytes:
    return await send(uri, f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())


async def test_the_answer_with_our_state_ends_the_wait() -> None:
    async with Loopback() as loopback:
        waiting = asyncio.ensure_future(loopback.answer("right", within=5))
        page = await get(loopback.redirect_uri, "/oauth/callback?state=right&code=4/0A")
        assert await waiting == f"{loopback.redirect_uri}?state=right&code=4/0A"
    assert page.startswith(b"HTTP/1.1 200 OK")
    assert b"You can close this page" in page


async def test_favicons_probes_and_foreign_answers_are_ignored() -> None:
    async with Loopback() as loopback:
        waiting = asyncio.ensure_future(loopback.answer("right", within=5))
        uri = loopback.redirect_uri
        assert (await get(uri, "/favicon.ico")).startswith(b"HTTP/1.1 404")
        assert (await get(uri, "/oauth/callback")).startswith(b"HTTP/1.1 404")
        assert (await send(uri, b"POST /oauth/callback?state=right&code=1 HTTP/1.1\r\n\r\n"))[
            :12
        ] == b"HTTP/1.1 405"
        await get(uri, "/oauth/callback?state=wrong&code=evil")
        assert not waiting.done()
        await get(uri, "/oauth/callback?state=right&code=good")
        assert (await waiting).endswith("code=good")


async def test_half_a_request_does_not_block_the_answer() -> None:
    async with Loopback() as loopback:
        port = int(loopback.redirect_uri.split(":")[2].split("/")[0])
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /oauth")
        await writer.drain()
        waiting = asyncio.ensure_future(loopback.answer("s", within=5))
        await get(loopback.redirect_uri, "/oauth/callback?state=s&code=c")
        assert await waiting
        writer.close()


async def test_a_refusal_at_google_is_an_answer_too() -> None:
    async with Loopback() as loopback:
        waiting = asyncio.ensure_future(loopback.answer("s", within=5))
        page = await get(loopback.redirect_uri, "/oauth/callback?state=s&error=access_denied")
        assert "error=access_denied" in await waiting
    assert b"Not connected" in page


async def test_an_unanswered_sign_in_ends_with_a_sentence() -> None:
    async with Loopback() as loopback:
        with pytest.raises(SignInTimedOut):
            await loopback.answer("s", within=0.05)


async def test_waiting_can_be_cancelled() -> None:
    async with Loopback() as loopback:
        waiting = asyncio.ensure_future(loopback.answer("s"))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_the_page_repeats_nothing_of_the_request() -> None:
    async with Loopback() as loopback:
        page = await get(
            loopback.redirect_uri, "/oauth/callback?state=<script>alert(1)</script>&code=c"
        )
    assert b"<script>" not in page
    assert b"default-src 'none'" in page


async def test_it_listens_on_this_computer_alone() -> None:
    async with Loopback() as loopback:
        assert loopback.redirect_uri.startswith("http://127.0.0.1:")
