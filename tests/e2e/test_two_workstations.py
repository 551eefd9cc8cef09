"""Two real apps on one practice: one keeps the calendars, and the other goes on where it ends."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from sqlalchemy import URL

from companion.adapters.database.dedicated_connection import connect_dedicated
from tests.e2e.command_home import CommandHome, open_desk, write_export
from tests.e2e.test_background import processes_of
from tests.e2e.test_contract_commands import document
from tests.fakes import warm
from tests.fakes.free_ports import free_port
from tests.fakes.waiting import wait_until

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM for one process"),
]
LONG = 90.0
"""Seconds after which a test gives up waiting."""


class Workstations:
    def __init__(self, folder: Path, first: CommandHome, url: URL) -> None:
        self.folder, self.url = folder, url
        self.homes = {"first": first, "second": CommandHome(folder / "second", first.google)}
        self.apps: dict[str, warm.Process] = {}
        self.ids: dict[str, str] = {}

    def join(self) -> None:
        address = self.url.render_as_string(hide_password=False)
        first, second = self.homes.values()
        made = first.json("practice", "create", "--database", address)
        self.ids["first"] = made["workstation"]
        joining = second.start(
            "practice", "join", "--database", address, COMPANION_PRACTICE_KEY=made["key"]
        )
        out, err = joining.communicate(timeout=LONG)
        assert joining.returncode == 0, out + err
        with self.connection() as connection:
            rows = connection.execute("SELECT id FROM workstations").fetchall()
        (self.ids["second"],) = {row[0] for row in rows} - {self.ids["first"]}

    def connection(self) -> Any:
        return connect_dedicated(self.url, name="the test")

    def start(self, name: str) -> None:
        if name in self.apps:
            self.apps[name].communicate(timeout=LONG)
        ports = ("--port", str(free_port()), "--feed-host", "127.0.0.1", "--feed-port")
        app = self.homes[name].start("serve", "--no-browser", *ports, str(free_port()))
        self.apps[name] = app
        assert app.stdout is not None
        while "Stop with Ctrl-C" not in app.stdout.readline():
            assert app.poll() is None, app.communicate()

    def keeper(self) -> str:
        """Name of the one that holds the lease; empty for none."""
        with self.connection() as connection:
            row = connection.execute(
                "SELECT workstation_id FROM lease WHERE NOT released"
            ).fetchone()
        return next((name for name, known in self.ids.items() if row and row[0] == known), "")

    def edit(self, name: str, count: int) -> None:
        """The book of `count` appointments, imported by a command at that workstation."""
        export = write_export(self.folder / f"{name}-{count}.csv", count)
        self.homes[name].run("import", export)

    def end(self) -> None:
        for app in self.apps.values():
            with suppress(psutil.NoSuchProcess, ProcessLookupError):
                app.kill()
            app.communicate(timeout=LONG)


@pytest.fixture
def workstations(tmp_path: Path, practice_url: URL) -> Iterator[Workstations]:
    with open_desk(tmp_path, CommandHome) as desk:
        desk.run("import", write_export(tmp_path / "export.csv", 2))
        desk.connect()
        desk.run("upload", "Anna Example")
        made = Workstations(tmp_path, desk, practice_url)
        try:
            made.join()
            made.start("first")
            wait_until(lambda: made.keeper() == "first", LONG)
            made.start("second")
            yield made
        finally:
            made.end()


def shows(workstations: Workstations, count: int) -> Callable[[], bool]:
    home = workstations.homes["first"]
    return lambda: len({event["id"] for event in home.live()}) == len(home.live()) == count


def test_whoever_stops_in_order_hands_the_calendars_over(workstations: Workstations) -> None:
    assert workstations.keeper() == "first"
    workstations.edit("second", 3)  # wherever it is edited, the keeper writes it
    wait_until(shows(workstations, 3), LONG)
    workstations.apps["first"].send_signal(signal.SIGTERM)
    wait_until(lambda: workstations.keeper() == "second", LONG)
    assert workstations.apps["first"].wait() == 0
    workstations.edit("first", 4)  # a command there, though its app is off
    wait_until(shows(workstations, 4), LONG)
    workstations.start("first")
    with workstations.connection() as connection:
        connection.execute("UPDATE lease SET wanted_by = %s", [workstations.ids["first"]])
    wait_until(lambda: workstations.keeper() == "first", LONG)
    workstations.edit("second", 5)
    wait_until(shows(workstations, 5), LONG)
    for app in workstations.apps.values():
        app.send_signal(signal.SIGTERM)
    assert {app.wait() for app in workstations.apps.values()} == {0}
    with workstations.connection() as connection:
        rows = connection.execute("SELECT started_at FROM workstations").fetchall()
    assert rows == [(None,), (None,)]
    assert workstations.keeper() == ""


@pytest.mark.long
def test_one_that_is_killed_or_halted_is_followed(workstations: Workstations) -> None:
    workstations.edit("second", 3)
    wait_until(shows(workstations, 3), LONG)
    workstations.apps["first"].kill()
    workstations.edit("second", 4)
    wait_until(lambda: workstations.keeper() == "second", LONG)
    wait_until(shows(workstations, 4), LONG)
    workstations.start("first")
    workstations.apps["second"].send_signal(signal.SIGSTOP)
    workstations.edit("first", 5)
    wait_until(lambda: workstations.keeper() == "first", LONG)
    wait_until(shows(workstations, 5), LONG)
    workstations.apps["second"].send_signal(signal.SIGCONT)
    workstations.edit("second", 6)
    wait_until(shows(workstations, 6), LONG)
    assert workstations.keeper() == "first"


def ended(app: warm.Process) -> str:
    """What it said as it ended by itself."""
    out, err = app.communicate(timeout=LONG)
    assert app.returncode == 1, out + err
    return err


@pytest.mark.timeout(180)
def test_a_copy_in_the_background_starts_again_as_a_workstation_of_its_own(
    workstations: Workstations,
) -> None:
    first = workstations.homes["first"]
    copy = CommandHome(workstations.folder / "copy", first.google)
    shutil.copytree(first.home, copy.home, ignore=shutil.ignore_patterns("*.lock", "app.*"))
    ports = ["--port", str(free_port()), "--feed-port", str(free_port())]
    try:
        document(copy, "start", "--no-browser", *ports, code=0)
        (before,) = processes_of(copy.home)
        wait_until(lambda: _number_on(workstations) == 3 and before.pid not in _pids(copy), LONG)
        assert copy.json("status")["app"]["address"].endswith(f":{ports[1]}/")
        assert copy.json("practice", "status")["workstation"] not in workstations.ids.values()
        assert copy.json("stop")["stopped"]
    finally:
        for each in processes_of(copy.home):
            each.kill()
    assert workstations.apps["first"].poll() is None


def _number_on(workstations: Workstations) -> int:
    with workstations.connection() as connection:
        rows = connection.execute("SELECT FROM workstations WHERE started_at IS NOT NULL")
        return int(rows.rowcount)


def _pids(home: CommandHome) -> set[int]:
    return {each.pid for each in processes_of(home.home)}


def test_an_app_that_was_forgotten_or_is_a_copy_says_so_and_stops(
    workstations: Workstations,
) -> None:
    first = workstations.homes["first"]
    copy = CommandHome(workstations.folder / "copy", first.google)
    shutil.copytree(first.home, copy.home, ignore=shutil.ignore_patterns("*.lock", "app.*"))
    workstations.homes["copy"] = copy
    workstations.start("copy")
    with workstations.connection() as connection:
        connection.execute("DELETE FROM workstations WHERE id = %s", [workstations.ids["second"]])
    assert "is a copy of that of another workstation" in ended(workstations.apps["copy"])
    told = copy.json("practice", "status")
    assert told["workstation"] not in workstations.ids.values()
    assert "was forgotten" in ended(workstations.apps["second"])
    refused = workstations.homes["second"].json("practice", "status", code=1)
    assert "practice join" in refused["error"]["remedy"]
    assert workstations.keeper() == "first"
    assert workstations.apps["first"].poll() is None
    names = [each["name"] for each in told["workstations"]]
    assert len(names) == len({*names}) == 2


@pytest.mark.timeout(180)
def test_the_one_on_which_the_practice_key_was_renewed_goes_on_and_the_other_asks_for_it(
    workstations: Workstations,
) -> None:
    first, second = workstations.homes.values()
    with workstations.connection() as connection:
        connection.execute("UPDATE lease SET wanted_by = %s", [workstations.ids["second"]])
    wait_until(lambda: workstations.keeper() == "second", LONG)
    renewed = first.json("practice", "key", "--renew", "--yes")
    assert "The practice key was renewed on another workstation" in ended(
        workstations.apps["second"]
    )
    wait_until(lambda: workstations.keeper() == "first", LONG)
    workstations.edit("first", 3)
    wait_until(shows(workstations, 3), LONG)

    port = free_port()
    page = f"http://127.0.0.1:{port}"
    try:
        ports = ["--port", str(port), "--feed-port", str(free_port())]
        document(second, "start", "--no-browser", *ports, code=0)
        assert "New practice key" in httpx.get(page, trust_env=False).text
        typed = {"practice_key": renewed["key"]}
        httpx.post(page, data=typed, headers={"origin": page}, trust_env=False)
        wait_until(lambda: _number_on(workstations) == 2, LONG)
        (before,) = processes_of(second.home)
        again = first.json("practice", "key", "--renew", "--yes")
        wait_until(lambda: before.pid not in _pids(second) and bool(_pids(second)), LONG)
        wait_until(lambda: "New practice key" in _text_of(page), LONG)
        joining = second.start("practice", "join", COMPANION_PRACTICE_KEY=again["key"])
        out, err = joining.communicate(timeout=LONG)
        assert joining.returncode == 0, out + err
        wait_until(lambda: _number_on(workstations) == 2, LONG)
        workstations.apps["first"].send_signal(signal.SIGTERM)
        wait_until(lambda: workstations.keeper() == "second", LONG)
        workstations.edit("second", 4)
        wait_until(shows(workstations, 4), LONG)
    finally:
        for each in processes_of(second.home):
            each.kill()


def _text_of(address: str) -> str:
    """Empty where nobody answers."""
    try:
        return httpx.get(address, trust_env=False).text
    except httpx.HTTPError:
        return ""
