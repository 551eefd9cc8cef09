"""A home, a simulated Google beside it, and the commands, each a process of its own."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

from typer.testing import CliRunner

from companion.adapters.file_locks import FileLock
from companion.adapters.settings import SettingsFile
from companion.cli import app
from companion.domain.settings import Settings
from companion.sandbox.server import SimulatedHandle, client_file, start_simulated_google
from tests.fakes import warm

D = TypeVar("D", bound="CommandHome")
COMMAND = "from companion.cli import run; run()"
LOGIN = "anna@clinic.example"
HEADER = (
    "Appointment ID,Type,Client ID,Client First Name,Client Last Name,Consultation Type,"
    "Start,End,All Day,Practitioner,Location,Status,Cancelled,Notes"
)
TODAY = date(2026, 3, 2)


@dataclass
class CommandHome:
    """A home, the simulated Google, and the commands."""

    home: Path
    google: SimulatedHandle
    cliniko: str = ""
    """A simulated one's address."""
    more: dict[str, str] = field(default_factory=dict)
    """Variables that are set on this computer alone."""

    @property
    def environment(self) -> dict[str, str]:
        """Of a command that is a process of its own."""
        return {**os.environ, **self.settings}

    @property
    def settings(self) -> dict[str, str]:
        return {
            "COMPANION_HOME": str(self.home),
            "COMPANION_GOOGLE_API": self.google.base_url,
            "COMPANION_CLINIKO_API": self.cliniko,
            "COMPANION_SECRETS_KEY": "a passphrase for tests",
            "COMPANION_NOW": f"{TODAY}T09:00+11:00",
            **self.more,
        }

    def start(self, *arguments: str | Path, **variables: str) -> warm.Process:
        environment = {**self.environment, **variables}
        return warm.start("-c", COMMAND, *arguments, env=environment, errors=True)

    def cold_start(self, *arguments: str) -> warm.Process:
        """With everything still to be read."""
        environment = self.environment
        return warm.start("-c", COMMAND, *arguments, env=environment, errors=True, cold=True)

    def run(self, *arguments: str | Path, code: int = 0, typed: str = "") -> str:
        """In this process, as Typer's runner does it. `typed`: into its standard input."""
        settings = self.settings
        result = CliRunner().invoke(app, list(map(str, arguments)), env=settings, input=typed)
        said = f"{arguments}: {result.exit_code}\n{result.output}"
        assert result.exit_code == code, f"{said}\n{result.exception}"
        assert "Traceback" not in result.output
        return result.stdout

    def json(self, *arguments: str | Path, code: int = 0) -> Any:
        return json.loads(self.run(*arguments, "--json", code=code))

    def one(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        (result,) = self.json(*arguments, code=code)["practitioners"]
        return dict(result)

    def connect(self, *more: str, login: str = LOGIN, code: int = 0) -> str:
        """Sign in and consent in Google's page like a person who says yes."""
        process = self.start(
            "google", "connect", "Anna Example", "--login", login, "--no-browser", *more
        )
        asks = process.stderr if "--json" in more else process.stdout
        assert asks is not None
        while not (found := re.search(r"http://\S+", asks.readline())):
            assert process.poll() is None, process.communicate()
        consent(found[0])
        out, err = process.communicate(timeout=30)
        assert process.returncode == code, out + err
        return out if code == 0 or "--json" in more else err

    def upload(self, count: int) -> None:
        """So many appointments, imported and in Google."""
        self.run("import", write_export(self.home.parent / "first.csv", count))
        self.connect()
        self.run("upload", "Anna Example")

    def content(self) -> bytes:
        """Of all its files, one after the other."""
        return b"".join(each.read_bytes() for each in self.home.rglob("*") if each.is_file())

    def elsewhere(self, folder: Path) -> Self:
        """Another computer at the same Google: a home without a backup."""
        made = type(self)(home=folder, google=self.google, more=self.more)
        client = folder.parent / "client_secret.json"
        client.write_text(json.dumps(client_file(self.google.base_url)), encoding="utf-8")
        made.run("practitioners", "add", "Anna Example")
        made.run("google", "client", client)
        hurry(made)
        return made

    @property
    def writes(self) -> int:
        """Changes of events that Google was asked for."""
        with self.google.lock:
            methods = self.google.google.counts.methods
            return sum(methods[f"events.{each}"] for each in ("insert", "patch", "delete"))

    def live(self) -> list[dict[str, Any]]:
        """Our events as Google holds them, tombstones apart."""
        with self.google.lock:
            return [
                event
                for calendar in self.google.google.calendars.values()
                for event in (calendar.render(event, calendar.zone) for event in calendar.live())
                if event.get("status") != "cancelled"
                and "companionKey" in event.get("extendedProperties", {}).get("private", {})
            ]


def consent(url: str) -> None:
    """Open the address as a browser would; the simulator consents by itself (`auto_consent`)."""
    for _ in range(3):
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=10)
        connection.request("GET", f"{parts.path}?{parts.query}")
        answer = connection.getresponse()
        answer.read()
        connection.close()
        if answer.status not in {302, 303}:
            return
        url = str(answer.headers["Location"])


@contextmanager
def open_desk(folder: Path, kind: type[D]) -> Iterator[D]:
    """With Anna Example in the book and the practice's Google client; nobody is connected."""
    with start_simulated_google() as google:
        with google.lock:
            google.google.add_account(LOGIN, name="Anna Example", timezone="Australia/Sydney")
            google.api.auto_consent = LOGIN
        made = kind(home=folder / "home", google=google)
        client = folder / "client_secret.json"
        client.write_text(json.dumps(client_file(google.base_url)), encoding="utf-8")
        made.run("practitioners", "add", "Anna Example")
        made.run("google", "client", client)
        hurry(made)
        yield made


def hurry(commands: CommandHome) -> None:
    """From here on Google takes, and we send, forty changes a second instead of ten: most of such
    a test would be waiting. How they are paced has tests of its own."""
    quota = commands.google.google.meter.quota
    quota.per_user = quota.per_project = None
    asyncio.run(settings_of(commands.home).change(faster))


def settings_of(home: Path) -> SettingsFile:
    lock = FileLock(home / "settings.lock", holder="the test", patience=10)
    return SettingsFile(home, lock=lock)


def faster(settings: Settings) -> Settings:
    return replace(settings, practice=replace(settings.practice, user_rate=40))


def write_export(path: Path, count: int, changes: dict[int, dict[str, str]] | None = None) -> Path:
    """`count` half-hour appointments from yesterday on, sixteen a day; `changes` by number."""
    rows = [HEADER]
    for number in range(count):
        if (changes or {}).get(number, {}).get("gone"):
            continue
        day = TODAY + timedelta(days=number // 16 - 1)
        hour, half = divmod(number % 16, 2)
        cell = {
            "start": f"{day:%d/%m/%Y} {9 + hour:02}:{30 * half:02}",
            "end": f"{day:%d/%m/%Y} {9 + hour:02}:{30 * half + 29:02}",
            "location": "Room 1",
            "cancelled": "No",
            **(changes or {}).get(number, {}),
        }
        rows.append(
            f"{number},Client,C{number},Mira,Sample{number},Standard,{cell['start']},{cell['end']},"
            f"No,Anna Example,{cell['location']},Busy,{cell['cancelled']},private words"
        )
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path
