"""What a start does not read: the time it takes is in tests/benchmarks/bench_start.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from companion.environment import Environment
from companion.main import open_ports

ROOT = Path(__file__).parents[2]
STATUS = """
import atexit, sys
from companion.cli import run
sys.argv = ["companion", "status", "--json"]
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
run()
"""
PAGES = """
import json, sys
import companion.web.app
before = set(sys.modules)
import requests
print(json.dumps({"read": sorted(before), "works": requests.Session is not None}))
"""


def fresh(code: str, home: Path) -> subprocess.CompletedProcess[str]:
    variables = {key: each for key, each in os.environ.items() if key != "PYTEST_CURRENT_TEST"}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**variables, "COMPANION_HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )


async def test_a_command_reads_neither_pages_nor_googles_library_nor_migrations(
    tmp_path: Path,
) -> None:
    async with open_ports(Environment(home=tmp_path), holder="a test"):
        pass  # the database is made, and as this program wants it
    done = fresh(STATUS, tmp_path)
    assert json.loads(done.stdout)["practitioners"] == []
    read = set(done.stderr.split())
    assert "sqlalchemy" in read
    unwanted = {"nicegui", "fastapi", "googleapiclient", "alembic", "icalendar", "python_calamine"}
    assert read & unwanted == set()


def test_the_pages_are_read_without_http_clients_which_can_be_read_later(tmp_path: Path) -> None:
    pytest.importorskip("requests")
    found = json.loads(fresh(PAGES, tmp_path).stdout)
    assert {"socketio", "nicegui"} <= set(found["read"])
    assert {"aiohttp", "requests"} & set(found["read"]) == set()
    assert found["works"]
