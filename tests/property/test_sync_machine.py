"""The engine as a hypothesis state machine: the same operations, chosen and shortened by it.

Where tests/battery/histories.py draws a whole history from a seed, hypothesis chooses each
happening here and, on a failure, shortens the history to the few that matter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.battery.database_history import DatabaseHistory, RealDatabase
from tests.battery.histories import History
from tests.battery.world import ANNA
from tests.fakes.practice_database import practice_server


class SyncMachine(RuleBasedStateMachine):
    """Each rule is one operation; the end of every history is `History.converge`."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()

    @initialize(seed=st.integers(0, 2**16), rate=st.sampled_from([0.0, 0.03, 0.1, 0.3]))
    def begin(self, seed: int, rate: float) -> None:
        self.history = self._history(seed, rate)
        self._do(self.history.books)

    def _history(self, seed: int, rate: float) -> History:
        return History(seed, rate=rate)

    def _do(self, action: Callable[[], Awaitable[None]]) -> None:
        self.loop.run_until_complete(self.history.perform(action))

    @rule()
    def the_book_grows(self) -> None:
        self._do(self.history.books)

    @rule()
    def the_book_is_edited(self) -> None:
        self._do(self.history.edits)

    @rule()
    def the_last_edits_are_taken_back(self) -> None:
        self._do(self.history.undoes)

    @rule()
    def appointments_are_cancelled_or_restored(self) -> None:
        self._do(self.history.cancels)

    @rule()
    def appointments_are_removed(self) -> None:
        self._do(self.history.removes)

    @rule()
    def a_file_is_imported(self) -> None:
        self._do(self.history.imports)

    @rule()
    def the_notices_of_changes_get_lost(self) -> None:
        self._do(self.history.notices_get_lost)

    @rule()
    def settings_change(self) -> None:
        self._do(self.history.settings)

    @rule()
    def the_zone_changes(self) -> None:
        self._do(self.history.zone)

    @rule()
    def time_passes(self) -> None:
        self._do(self.history.time_passes)

    @rule()
    def midnight_comes(self) -> None:
        self._do(self.history.to_midnight)

    @rule()
    def another_calendar_is_chosen(self) -> None:
        self._do(self.history.another_calendar)

    @rule()
    def a_person_decides_about_held_removals(self) -> None:
        self._do(self.history.decides)

    @rule()
    def a_person_edits_in_google(self) -> None:
        self._do(self.history.people_edit_google)

    @rule()
    def the_disk_is_backed_up(self) -> None:
        self._do(self.history.backs_up)

    @rule()
    def the_disk_is_lost_or_restored(self) -> None:
        self._do(self.history.restores)

    @rule()
    def a_pass_with_faults(self) -> None:
        self._do(self.history.passes)

    @rule()
    def passes_of_all_with_faults(self) -> None:
        self._do(self.history.both_pass)

    @rule(step=st.integers(1, 120), audit=st.booleans())
    def the_process_dies_at_one_step_of_a_pass(self, step: int, audit: bool) -> None:
        world = self.history.world

        async def work() -> None:
            await world.crash_at(step, lambda: world.syncing.run(ANNA, cause="test", audit=audit))

        self._do(work)

    def teardown(self) -> None:
        try:
            if hasattr(self, "history"):
                self.loop.run_until_complete(self.history.converge())
        finally:
            self._close()
            self.loop.close()

    def _close(self) -> None:
        """What the history stands on."""


LONG = settings.get_current_profile_name() == "long"
SyncMachine.TestCase.settings = settings(
    max_examples=1_500 if LONG else 60,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestTheEngine = SyncMachine.TestCase


class PostgresSyncMachine(SyncMachine):
    """The same over a practice's database."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()

    def _history(self, seed: int, rate: float) -> History:
        url = self.stack.enter_context(practice_server().new_database())
        place = RealDatabase(url, shared=True)
        self.stack.callback(place.close)
        self.made = DatabaseHistory(seed, place, rate=rate)
        return self.made

    def _close(self) -> None:
        if hasattr(self, "made"):
            self.loop.run_until_complete(self.made.housed.close())
        self.stack.close()


PostgresSyncMachine.TestCase.settings = settings(
    max_examples=300 if LONG else 5,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.mark.postgresql
class TestTheEngineOnPostgresql(PostgresSyncMachine.TestCase):  # type: ignore[misc, valid-type] # made by hypothesis
    pass
