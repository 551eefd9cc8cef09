"""A whole Google Workspace by one command: everybody connected, uploaded and proved.

The simulator runs in a process of its own, with Google's quotas and an injected latency; the
command is the real one, on a real home. Prints what it took: on two busy cores and with
80 ms of latency connected in 45 s, uploaded and proved in 190 s; 20,800 calls in 4,750 requests.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from companion.domain.appointments import Practitioner
from companion.domain.settings import PractitionerSettings, Settings
from companion.services.google.consents import DELEGATION
from tests.battery.real import NOW, PASSPHRASE, appointments, book, opened
from tests.benchmarks.bench_sync import ROOT, Simulator, simulator

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1200)]

PRACTITIONERS = 200
EVENTS = 100
COMMAND = "from companion.cli import run; run()"
ROBOT = "sync@clinic.iam.gserviceaccount.com"


async def furnish(home: Path, google: Simulator) -> None:
    """Practitioners with an e-mail address and a book; the key in place and let in."""
    people = [f"p{number}" for number in range(PRACTITIONERS)]
    key = google.ask("service-keys", {"email": ROBOT})
    google.ask(
        "delegate",
        {"client_id": key["client_id"], "domain": "clinic.example", "scopes": DELEGATION},
    )
    for who in people:
        google.ask("accounts", {"email": f"{who}@clinic.example"})

    def move_in(settings: Settings) -> Settings:
        for who in people:
            person = Practitioner(id=who, name=f"{who} Example", email=f"{who}@clinic.example")
            settings = settings.with_practitioner(PractitionerSettings(practitioner=person))
        return settings

    async with opened(home, google.base_url) as application:
        await application.services.settings.change(move_in)
        await application.services.connecting.set_client(json.dumps(key).encode())
        for who in people:
            days = appointments(who, EVENTS)
            await book(application, (replace(each, id=f"{who}-{each.id}") for each in days))


def command(home: Path, google: Simulator, *arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments, "--json"],
        cwd=ROOT,
        env={
            **os.environ,
            "COMPANION_HOME": str(home),
            "COMPANION_GOOGLE_API": google.base_url,
            "COMPANION_SECRETS_KEY": PASSPHRASE,
            "COMPANION_NOW": NOW.isoformat(),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=1000,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return json.loads(done.stdout)


@pytest.mark.parametrize("latency", [80])
def test_200_practitioners_are_connected_and_uploaded_by_one_command(
    tmp_path: Path, latency: int
) -> None:
    home = tmp_path / "home"
    with simulator(latency_ms=latency) as google:
        asyncio.run(furnish(home, google))
        began = time.perf_counter()
        done = command(home, google, "google", "connect", "--all", "--upload")
        seconds = time.perf_counter() - began
        counts = google.counts()
        began = time.perf_counter()
        again = command(home, google, "google", "connect", "--all", "--upload")
        second = time.perf_counter() - began
        more = google.counts()["calls"] - counts["calls"]
    refused = {
        name: count for name, count in counts["answers"].items() if name.split()[1][0] != "2"
    }
    peaks = counts["peak_units_per_minute"]
    most = max(peaks["users"].values())
    print(
        f"\n{PRACTITIONERS} practitioners, {EVENTS} events each, {latency} ms: connected in "
        f"{done['seconds']:.1f} s, all in {seconds:.1f} s; {counts['calls']} calls in "
        f"{counts['requests']} requests {counts['methods']}; peaks {peaks['project']}/min of the "
        f"project, {most}/min of one practitioner; refused {refused}"
        f"\nagain: {second:.1f} s, {more} calls"
    )
    assert (len(done["connected"]), done["refused"]) == (PRACTITIONERS, [])
    results = done["practitioners"]
    assert {(each["inserted"], each["failed"], str(each["error"])) for each in results} == {
        (EVENTS, 0, "None")
    }
    assert len(peaks["users"]) == PRACTITIONERS
    assert ROBOT not in peaks["users"]
    assert most <= 600
    assert peaks["project"] <= 10_000
    assert (again["connected"], len(again["already"])) == ([], PRACTITIONERS)
    assert counts["methods"]["calendars.insert"] == PRACTITIONERS
