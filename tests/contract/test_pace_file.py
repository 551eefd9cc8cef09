"""The pace file of a home: kept among processes, and of no harm when it is lost, old or torn."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from companion.adapters.pace_file import NAME, PaceFile
from companion.domain.errors import StoreError
from companion.services.ports import Refill, Spending
from tests.fakes.pacing import spending


class Uptime:
    """A monotonic clock, which a restart of the computer begins anew."""

    def __init__(self) -> None:
        self.seconds = 5000.0

    def __call__(self) -> float:
        return self.seconds


def spent(pace: PaceFile, units: float) -> float:
    reserved = pace.reserve_now(spending(units))
    assert reserved.spent
    return reserved.wait


@pytest.mark.parametrize("uptime_then", [3.0, 4990.0, 100_000.0])
def test_a_restart_of_the_computer_neither_waits_nor_gives_a_burst(
    tmp_path: Path, uptime_then: float
) -> None:
    uptime = Uptime()
    pace = PaceFile(tmp_path, monotonic=uptime)
    for _ in range(4):
        spent(pace, 8)
    uptime.seconds = uptime_then
    begun = PaceFile(tmp_path, monotonic=uptime)
    waited, units = 0.0, 0
    while units < 30:
        reserved = begun.reserve_now(spending(3))
        units += 3 if reserved.spent else 0
        if reserved.wait:
            uptime.seconds += reserved.wait
            waited += reserved.wait
    assert (30 - 8.4) / 9.72 - 0.01 <= waited <= 30 / 9.72 + 20


def test_a_file_that_is_lost_cut_short_or_torn_counts_as_empty(tmp_path: Path) -> None:
    uptime = Uptime()
    pace = PaceFile(tmp_path, monotonic=uptime)
    spent(pace, 3)
    uptime.seconds += 1000
    file = tmp_path / NAME
    whole = file.read_bytes()
    for damage in (None, b"", whole[:20], whole[:43], b"\xff" * len(whole), bytes(200)):
        for each in (pace, PaceFile(tmp_path, monotonic=uptime)):
            file.unlink() if damage is None else file.write_bytes(damage)
            assert spent(each, 3) == pytest.approx(3 / 9.72)  # not at once, as from an idle one
            uptime.seconds += 100
    assert b"anna" not in file.read_bytes()


def test_without_the_right_to_write_it_an_error_says_so(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    with pytest.raises(StoreError):
        PaceFile(tmp_path).reserve_now(spending(3))


def test_two_processes_at_once_lose_no_unit(tmp_path: Path) -> None:
    """Each reserves a thousandth of a unit, again and again; one is killed in between."""
    program = """
import sys
from pathlib import Path
from companion.adapters.pace_file import PaceFile
from companion.services.ports import Refill, Spending
pace = PaceFile(Path(sys.argv[1]), monotonic=lambda: 5000.0)
all_of_it = Refill(1.0, 0.0)
one = Spending(account="anna", units=.001, project_units=.001,
               of_account=all_of_it, of_project=all_of_it)
for n in range(int(sys.argv[2])):
    pace.reserve_now(one)
    if n == 100:
        print("going", flush=True)
"""
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen([*command, "10000000"], stdout=subprocess.PIPE) as killed:
        assert killed.stdout is not None
        killed.stdout.readline()
        killed.kill()
    before = _debt(tmp_path)
    running = [subprocess.Popen([*command, "1000"], stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [each.wait(60) for each in running] == [0, 0]
    assert _debt(tmp_path) - before == pytest.approx(2.0, abs=1e-6)


def _debt(home: Path) -> float:
    all_of_it = Refill(1.0, 0.0)
    nothing = Spending(
        account="anna",
        units=0.0,
        project_units=0.0,
        of_account=all_of_it,
        of_project=all_of_it,
    )
    return PaceFile(home, monotonic=lambda: 5000.0).reserve_now(nothing).wait
