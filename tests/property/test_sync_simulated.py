"""Random histories over the real Google adapter and the simulated Google, on real sockets."""

from __future__ import annotations

import pytest

from companion.sandbox.server import start_simulated_google
from tests.battery.simulated import SimulatedHistory


def play(first: int, count: int, operations: int) -> None:
    with start_simulated_google() as handle:
        quota = handle.google.meter.quota
        quota.per_user = quota.per_project = None
        for seed in range(first, first + count):
            history = SimulatedHistory(seed, handle)
            try:
                history.play_whole(operations)
            except AssertionError as error:
                told = "\n".join(history.log)
                raise AssertionError(f"history {seed} failed: {error}\n{told}") from error


@pytest.mark.parametrize("first", [0, 20, 40])
def test_every_history_on_real_sockets_ends_equal_silent_and_proven(first: int) -> None:
    play(first, 20, 20)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("first", range(1_000, 4_000, 100))
def test_three_thousand_histories_on_real_sockets_end_so(first: int) -> None:
    play(first, 100, 30)
