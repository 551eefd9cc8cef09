"""Several workstations, one practice, real processes: whatever is killed, frozen, cut or restarted,
Google has each appointment once and nothing that was acknowledged is lost."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.battery.workstation_history import WorkstationHistory
from tests.battery.workstations import clinic

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
        print(f"history {seed}: {history.doings}; cables: {dict(site.injected)}")
        return history


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("seed", "workstations"), [(1, 2), (2, 3)])
def test_a_history_of_several_workstations_ends_equal_silent_and_proven(
    tmp_path: Path, seed: int, workstations: int
) -> None:
    history = play(tmp_path, seed, workstations=workstations, operations=60)
    assert history.doings.done["doings acknowledged"] > 10


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(100, 140))
def test_long_histories_of_several_workstations_end_so(tmp_path: Path, seed: int) -> None:
    play(tmp_path, seed, workstations=2 + seed % 2, operations=200)
