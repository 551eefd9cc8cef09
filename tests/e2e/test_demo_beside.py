"""The demo as the welcome page starts it: a process beside this one, which ends with it."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest

from companion.desktop.demo import DemoProgram
from tests.fakes.waiting import until

pytestmark = pytest.mark.timeout(180)


def answers(address: str) -> bool:
    parts = urlsplit(address)
    try:
        with urllib.request.urlopen(f"http://{parts.netloc}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except urllib.error.URLError:
        return False


async def test_the_demo_is_started_once_and_ends_when_it_is_let_go() -> None:
    demo = DemoProgram()
    address = await demo.open()
    try:
        assert "?launch=" in address
        assert await asyncio.to_thread(answers, address)
        assert await demo.open() == address.partition("?")[0]
    finally:
        process = demo._process
        demo.close()
    assert process is not None
    await until(lambda: process.poll() is not None, seconds=30)
    assert not await asyncio.to_thread(answers, address)
