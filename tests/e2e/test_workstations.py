"""Several workstations, one practice, real processes: whatever is killed, frozen, cut or restarted,
Google has each appointment once and nothing that was acknowledged is lost."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.battery.real import RealHome, Tenant, appointments, book
from tests.battery.workstation_history import WorkstationHistory
from tests.battery.workstations import LOGIN, Site, clinic, until

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows freezes no process by a signal"),
]
SECONDS_AHEAD = [0.0, 95.0, -7_200.0]
"""Their clocks: right, a little fast, two hours slow."""


def play(folder: Path, seed: int, *, workstations: int, operations: int) -> WorkstationHistory:
    """A failure prints its seed and what happened."""
    with clinic(folder, SECONDS_AHEAD[:workstations]) as site:
        history = WorkstationHistory(site, seed)
        try:
            history.play(operations)
            history.converge()
        except AssertionError as error:
            log = "\n".join(history.log)
            raise AssertionError(f"history {seed} failed: {error}\n{log}") from error
        peak = max(each.peak for each in site.google.google.meter.users.values())
        print(f"history {seed}: {history.doings}; cables: {dict(site.injected)}; peak {peak}")
        return history


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("seed", "workstations"), [(1, 2), (2, 3)])
def test_a_history_of_several_workstations_ends_equal_silent_and_proven(
    tmp_path: Path, seed: int, workstations: int
) -> None:
    history = play(tmp_path, seed, workstations=workstations, operations=45)
    assert history.doings.done["doings acknowledged"] > 10


async def forty_each(site: Site, home: RealHome, tenants: Sequence[Tenant]) -> None:
    """The background sync is paused, so that only the uploads that people press write."""
    await home.services.pausing.pause()
    for tenant in tenants:
        await book(home, appointments(tenant.id, 40, source="book"))


@pytest.mark.timeout(300)
def test_an_upload_that_slept_in_a_call_notes_nothing_once_another_took_over(
    tmp_path: Path,
) -> None:
    """It sleeps while Google answers its first batch. Meanwhile another workstation does the rest,
    and one of the appointments in that batch is cancelled: what the sleeper would note is wrong."""
    with clinic(tmp_path, [0.0, 95.0], people=["anna"], quota=600, furnish=forty_each) as site:
        [anna], [sleeper, other] = site.tenants, site.workstations
        site.referee.at_write[sleeper.name] = sleeper.freeze
        upload = sleeper.ask("upload", who="anna")
        until(lambda: sleeper.frozen, "it never writes")
        batch = {each.event for each in site.referee.calls if each.method == "events.insert"}
        until(lambda: other.do("upload", who="anna")["error"] is None, "the turn is never free")
        live = site.referee.live(anna.calendar_id)
        assert len(live) == 40
        key = next(key for key, each in live.items() if each["id"] in batch)
        other.do("cancel", key=key, cancelled=True)
        assert other.do("upload", who="anna")["error"] is None
        assert key not in site.referee.live(anna.calendar_id)
        woken = time.monotonic()
        sleeper.wake()
        assert upload.result()["error"] == "Overtaken"
        # What it sent last may have come late, so Google is looked at once.
        assert other.do("sync", who="anna", release=False)["error"] is None
        for place in site.workstations:
            done = place.do("sync", who="anna", release=False)
            assert (done["error"], done["calls"]) == (None, 0), done
        late = {each.method for each in site.referee.calls if each.at > woken}
        assert late <= {"events.list"}
        site.referee.check()


async def a_hundred_each(site: Site, home: RealHome, tenants: Sequence[Tenant]) -> None:
    for tenant in tenants:
        await book(home, appointments(tenant.id, 100))


@pytest.mark.long
@pytest.mark.timeout(600)
def test_uploads_on_three_workstations_share_what_google_grants_one_login(tmp_path: Path) -> None:
    """Each alone would go as fast as Google allows them all together."""
    with clinic(tmp_path, [0.0] * 3, quota=180, furnish=a_hundred_each) as site:
        began = time.monotonic()
        pairs = zip(site.workstations, site.tenants, strict=True)
        for answer in [each.ask("upload", who=tenant.id) for each, tenant in pairs]:
            assert answer.result(300)["error"] is None
        seconds = time.monotonic() - began
        meter = site.google.google.meter
        print(f"300 events in {seconds:.0f} s, peak {meter.users[LOGIN].peak} units a minute")
        assert {each.status for each in site.referee.calls} == {200}, "Google refused some"
        site.referee.check()


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(100, 140))
def test_long_histories_of_several_workstations_end_so(tmp_path: Path, seed: int) -> None:
    play(tmp_path, seed, workstations=2 + seed % 2, operations=200)
