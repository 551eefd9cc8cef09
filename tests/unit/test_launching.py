"""Known browsers and the control secret, on a real folder and a real port."""

from __future__ import annotations

import asyncio
import json
import stat
import sys
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from companion.domain.tokens import token_hash
from companion.web.launching import (
    MACHINE_LIFE,
    MOST_MACHINES,
    LaunchTokens,
    MachineFile,
    ask_running_app,
    control_secret,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_the_same_browser_is_known_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "browsers.json"
    hashed = token_hash("cookie")
    asyncio.run(MachineFile(path, lambda: NOW).add(hashed))
    assert MachineFile(path, lambda: NOW).knows(hashed)
    assert "cookie" not in path.read_text(encoding="utf-8")


def test_a_browser_is_forgotten_when_its_cookie_has_died(tmp_path: Path) -> None:
    path = tmp_path / "browsers.json"
    asyncio.run(MachineFile(path, lambda: NOW).add("a"))
    assert not MachineFile(path, lambda: NOW + MACHINE_LIFE + timedelta(days=1)).knows("a")


def test_the_oldest_browsers_are_dropped(tmp_path: Path) -> None:
    moment = NOW
    machines = MachineFile(tmp_path / "browsers.json", lambda: moment)
    for number in range(MOST_MACHINES + 1):
        moment = NOW + timedelta(minutes=number)
        asyncio.run(machines.add(f"browser {number}"))
    assert not machines.knows("browser 0")
    assert machines.knows(f"browser {MOST_MACHINES}")


def test_a_damaged_list_only_costs_another_launch(tmp_path: Path) -> None:
    path = tmp_path / "browsers.json"
    for damage in ("", "{", "[1]", '{"a": 1}', '{"a": "2026-01-01T00:00:00"}'):
        path.write_text(damage, encoding="utf-8")
        assert not MachineFile(path, lambda: NOW).knows("a")


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


def test_launch_tokens_differ() -> None:
    launches = LaunchTokens()
    assert len({launches.issue() for _ in range(100)}) == 100


def test_a_running_app_is_asked_for_an_address() -> None:
    asked: list[tuple[str, str | None]] = []

    class Running(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append((self.path, self.headers["Authorization"]))
            body = json.dumps({"url": "http://127.0.0.1:1/?launch=x"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            pass

    server = HTTPServer(("127.0.0.1", 0), Running)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    try:
        url = ask_running_app(server.server_port, "secret")
    finally:
        thread.join(5)
        server.server_close()
    assert url == "http://127.0.0.1:1/?launch=x"
    assert asked == [("/control/launch", "Bearer secret")]
    assert ask_running_app(server.server_port, "secret", seconds=0.5) is None
