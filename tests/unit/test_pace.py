"""How fast one key is used: at once for a few requests, evenly after that, not at all when told."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from companion.adapters.sources.cliniko import BURST, RATE
from companion.adapters.sources.pace import Pace

PER_MINUTE = 200
"""What Cliniko takes of one user."""


class Time:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.floats(0, 90), max_size=400))
def test_no_minute_holds_more_requests_than_are_allowed(pauses: list[float]) -> None:
    time = Time()
    pace = Pace(RATE, BURST, monotonic=time)
    sent = []
    for pause in [0.0] * 250 + pauses:  # as fast as one can, then as it comes
        time.now += pause
        sent.append(time.now + pace.take())
    sent.sort()
    for first in range(len(sent) - PER_MINUTE):
        assert sent[first + PER_MINUTE] - sent[first] >= 60


def test_a_few_requests_go_at_once_and_the_others_evenly() -> None:
    time = Time()
    pace = Pace(2.0, 3, monotonic=time)
    assert [pace.take() for _ in range(5)] == [0, 0, 0, 0.5, 1.0]
    time.now += 1.0
    assert pace.take() == 0.5


def test_a_pause_that_the_server_asks_for_holds_everybody_up() -> None:
    time = Time()
    pace = Pace(2.0, 3, monotonic=time)
    pace.hold(30)
    assert pace.take() == 30
    time.now += 30
    assert pace.take() == 0
