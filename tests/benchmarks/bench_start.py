"""How long after `python run.py` the first page is there, beside a bare NiceGUI hello-world; and
what `run.py status` takes. A fresh process each time; the best of several."""

from __future__ import annotations

import http.cookiejar
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.fakes.free_ports import free_port

ROOT = Path(__file__).parents[2]
ROUNDS = 5
HELLO = """
from nicegui import ui
@ui.page("/")
def hello():
    ui.label("Hello")
ui.run(host="127.0.0.1", port={port}, show=False, reload=False)
"""

pytestmark = pytest.mark.benchmark


def variables(home: Path | None = None) -> dict[str, str]:
    """Without the one by which NiceGUI would take itself to be under test."""
    found = {key: value for key, value in os.environ.items() if key != "PYTEST_CURRENT_TEST"}
    if home is not None:
        found["COMPANION_HOME"] = str(home)
        found["COMPANION_SECRETS_KEY"] = "a passphrase made up for this benchmark"
    return found


def fetch(url: str) -> bytes:
    """With the cookies of a browser that begins at `url`."""
    jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    with urllib.request.build_opener(jar).open(url, timeout=10) as answer:
        content: bytes = answer.read()
        return content


@dataclass(frozen=True, order=True)
class Start:
    processor: float
    """Seconds of it that the process has used: others' work on the machine counts less."""
    wall: float


def so_far(process: subprocess.Popen[str], began: float) -> Start:
    wall = time.perf_counter() - began
    used = psutil.Process(process.pid).cpu_times()
    return Start(used.user + used.system, wall)


@contextmanager
def started(*arguments: str, home: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=variables(home),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def first_page_of_hello() -> Start:
    port, began = free_port(), time.perf_counter()
    with started("-c", HELLO.format(port=port)) as process:
        while process.poll() is None:
            try:
                assert b"Hello" in fetch(f"http://127.0.0.1:{port}/")
            except urllib.error.URLError:
                time.sleep(0.02)
            else:
                return so_far(process, began)
    raise AssertionError("the bare NiceGUI did not start")


def first_page_of_ours(home: Path) -> Start:
    ports = ("--port", str(free_port()), "--feed-port", str(free_port()))
    began = time.perf_counter()
    with started("run.py", "--no-browser", *ports, home=home) as process:
        assert process.stdout is not None
        line = next(line for line in process.stdout if "Open: " in line)
        assert b"Calendar Companion" in fetch(line.rpartition("Open: ")[2].strip())
        return so_far(process, began)


def status(home: Path) -> Start:
    began = time.perf_counter()
    with started("run.py", "status", "--json", home=home) as process:
        assert process.stdout is not None
        json.load(process.stdout)
        return so_far(process, began)


@pytest.mark.timeout(300)
def test_the_first_page_is_there_soon_after_the_start(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first_page_of_ours(home)  # makes the home, and compiles what is not compiled yet
    rounds = [
        (first_page_of_hello(), first_page_of_ours(home), status(home)) for _ in range(ROUNDS)
    ]
    hello, ours, command = (min(each) for each in zip(*rounds, strict=True))
    print(f"\nfirst page: {ours.wall:.2f} s, {ours.processor:.2f} s of processor")
    print(f"bare NiceGUI: {hello.wall:.2f} s, {hello.processor:.2f} s of processor")
    print(f"run.py status: {command.wall:.2f} s, {command.processor:.2f} s of processor")
    print(f"ours to bare: {ours.processor / hello.processor:.2f}")
    assert ours.processor <= 1.8 * hello.processor
    assert command.processor <= 0.8 * ours.processor
