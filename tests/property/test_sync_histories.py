"""A thousand random histories of a clinic, each from one seed (tests/battery/histories.py).

A failure prints its seed and what happened. To play one again:

    python -c "from tests.battery.histories import play; play(SEED)"
"""

from __future__ import annotations

import pytest

from tests.battery.histories import play

BOUNDED = 1_000
SHARE = 50
LONG = 50_000


@pytest.mark.parametrize("first", range(0, BOUNDED, SHARE))
def test_every_history_ends_equal_silent_and_proven(first: int) -> None:
    for seed in range(first, first + SHARE):
        play(seed)


@pytest.mark.parametrize("rate", [0.03, 0.1, 0.3])
def test_a_long_history_ends_so_at_every_rate_of_faults(rate: float) -> None:
    for seed in range(8):
        play(seed, 80, rate=rate)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("first", range(1_000_000, 1_000_000 + LONG, 1_000))
def test_fifty_thousand_histories_end_equal_silent_and_proven(first: int) -> None:
    for seed in range(first, first + 1_000):
        play(seed, 14 + seed % 30)
