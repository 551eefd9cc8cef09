"""The pace that several processes share, in a home's file and in a practice's database alike."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import URL

from companion.adapters.database.shared_pace import PostgresPace
from companion.adapters.pace_file import PaceFile
from companion.domain.practice_errors import DatabaseAway
from companion.services.ports import Refill, Spending
from companion.services.sync.pacing import Pacer
from tests.fakes.clock import FakeClock
from tests.fakes.moving_practice import connected
from tests.fakes.pacing import KeptPace, Log, SamePace, spending, used, write_for


class Place:
    """Where the pace is kept, at moments that the test sets."""

    def __init__(self, make: Callable[[Callable[[], float]], KeptPace]) -> None:
        self._make = make
        self.seconds = 5000.0

    def open(self) -> KeptPace:
        """As another process does."""
        return self._make(lambda: self.seconds)

    def spent(self, units: float, account: str = "anna") -> float:
        """The wait."""
        reserved = self.open().reserve_now(spending(units, account))
        assert reserved.spent
        return reserved.wait


class ServerPlace(Place):
    """Its moments are a row of the database, in place of the server's clock."""

    BEGAN = datetime(2026, 3, 2, tzinfo=UTC).replace(tzinfo=None)

    def __init__(self, url: URL) -> None:
        self._url = url
        self._set = connected(url)
        self._set.autocommit = True
        self._set.execute("CREATE TABLE test_moment (at timestamp)")
        self._set.execute("INSERT INTO test_moment VALUES ('2026-03-02')")
        self._seconds = 0.0
        self._opened: list[PostgresPace] = []
        super().__init__(self._connect)

    @property
    def seconds(self) -> float:
        return self._seconds

    @seconds.setter
    def seconds(self, seconds: float) -> None:
        if seconds != self._seconds:
            self._seconds = seconds
            moment = self.BEGAN + timedelta(seconds=seconds)
            self._set.execute("UPDATE test_moment SET at = %s", (moment,))

    def _connect(self, monotonic: Callable[[], float]) -> PostgresPace:
        moment = "SELECT at FROM test_moment"
        self._opened.append(PostgresPace(self._url, monotonic=monotonic, moment=moment))
        return self._opened[-1]

    def close(self) -> None:
        for each in self._opened:
            each.close()
        self._set.close()


def _end_sessions(url: URL) -> None:
    with connected(url) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'Calendar Companion pace'"
        )


@pytest.fixture(
    name="place", params=["home", pytest.param("practice", marks=pytest.mark.postgresql)]
)
def _place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "home":
        yield Place(lambda monotonic: PaceFile(tmp_path, monotonic=monotonic))
        return
    server = ServerPlace(request.getfixturevalue("practice_url"))
    try:
        yield server
    finally:
        server.close()


def test_another_process_finds_what_one_has_reserved(place: Place) -> None:
    assert place.spent(8) == pytest.approx(8 / 9.72, abs=1e-5)
    assert place.spent(8) == pytest.approx(16 / 9.72, abs=1e-5)


def test_accounts_are_apart_and_the_project_is_not(place: Place) -> None:
    pace = place.open()
    for number in range(300):
        pace.reserve_now(spending(0.5, f"p{number}"))
    reserved = pace.reserve_now(spending(0.5, "late"))
    assert reserved.wait == pytest.approx(301 * 0.5 / 162, abs=1e-3)


def test_who_would_wait_long_reserves_nothing_and_is_told_when_to_ask(place: Place) -> None:
    pace = place.open()
    while (reserved := pace.reserve_now(spending(8))).spent:
        pass
    assert pace.reserve_now(spending(8)) == reserved
    assert 0 < reserved.wait < 1
    place.seconds += reserved.wait + 1e-5
    assert pace.reserve_now(spending(8)).spent


def test_units_beyond_a_full_bucket_are_waited_for_by_the_next(place: Place) -> None:
    place.spent(1)
    place.seconds += 100
    assert place.spent(20) == 0.0
    assert place.spent(1) == pytest.approx((20 + 1 - 8.4) / 9.72, abs=1e-5)


def test_what_is_given_back_may_be_spent_again_but_fills_no_bucket_beyond_its_size(
    place: Place,
) -> None:
    place.spent(1)
    place.seconds += 100
    pace = place.open()
    place.spent(8.4)
    pace.correct_now(spending(-8.4))
    pace.correct_now(spending(-8.4))
    assert place.spent(8.4) == 0.0
    assert place.spent(1) == pytest.approx(1 / 9.72, abs=1e-5)


def test_what_was_spent_beyond_is_waited_for_by_all(place: Place) -> None:
    pace = place.open()
    place.spent(1)
    pace.correct_now(spending(9))
    assert place.spent(3) == pytest.approx(13 / 9.72, abs=1e-5)


def test_who_shares_an_account_is_told_so_and_forgets_it_after_a_minute(place: Place) -> None:
    here, there = place.open(), place.open()
    here.reserve_now(spending(3))
    assert not here.reserve_now(spending(3)).account_shared
    assert there.reserve_now(spending(3)).account_shared
    after = here.reserve_now(spending(3, "boris"))
    assert (after.account_shared, after.project_shared) == (False, True)
    place.seconds += 61
    assert not here.reserve_now(spending(3)).project_shared


@pytest.mark.parametrize("back", [20.0, 3600.0, 1e8])
def test_a_clock_that_is_set_back_makes_nobody_wait_for_long(place: Place, back: float) -> None:
    place.seconds = 2e8
    place.open().slow_down_now("anna", project=False)
    place.seconds -= back
    set_back = place.seconds
    pace = place.open()
    while not (reserved := pace.reserve_now(spending(3))).spent:
        place.seconds += reserved.wait + 1e-3
    assert place.seconds + reserved.wait - set_back <= 20 + 3 / 9.72 / 0.67 + 1


def test_a_clock_that_jumps_ahead_gives_no_more_than_a_full_bucket(place: Place) -> None:
    place.spent(8)
    place.seconds += 1e7
    assert place.spent(8.4) == 0.0
    assert place.spent(1) == pytest.approx(1 / 9.72, abs=1e-5)


def test_rate_errors_slow_it_for_all_and_pass(place: Place) -> None:
    place.open().slow_down_now("anna", project=True)
    assert place.spent(4) == pytest.approx(4 / 9.72 / 0.67, abs=1e-4)
    place.seconds += 15 * 60
    place.spent(8.4)
    assert place.spent(4) == pytest.approx(4 / 9.72, abs=1e-5)


async def test_two_processes_use_95_percent_of_an_account_s_figure_and_never_more(
    place: Place,
) -> None:
    clock = FakeClock()
    log = Log(clock)

    class OnTime(SamePace):
        async def _answer(self) -> None:
            await super()._answer()
            place.seconds = 5000 + clock.monotonic()

    pacers = [
        Pacer(clock, user_rate=10, project_rate=166, shared=OnTime(place.open(), clock, 0.003))
        for _ in range(2)
    ]
    await asyncio.gather(*(write_for(each, clock, log, "anna", until=130) for each in pacers))
    assert 9.5 <= used(log, 130) <= 9.9
    assert log.peak() <= 600


# ── a server ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.postgresql
def test_the_server_s_own_clock_counts_and_no_row_shows_an_address(practice_url: URL) -> None:
    pace = PostgresPace(practice_url)
    try:
        waits = [pace.reserve_now(spending(3, "anna@example.com")).wait for _ in range(3)]
    finally:
        pace.close()
    assert 6 / 9.72 < waits[2] <= 9 / 9.72
    with connected(practice_url) as connection:
        rows = connection.execute(
            "SELECT name, free_at - clock_timestamp() AT TIME ZONE 'UTC' FROM paces ORDER BY name"
        ).fetchall()
    assert [name for name, _ in rows] == [rows[0][0], "project"]
    assert "anna" not in rows[0][0]
    assert timedelta(0) < rows[0][1] < timedelta(seconds=1)


@pytest.mark.postgresql
def test_workstations_at_once_lose_no_unit(practice_url: URL) -> None:
    slow = Refill(1.0, 0.0)
    one = Spending(
        account="anna", units=0.001, project_units=0.001, of_account=slow, of_project=slow
    )
    paces = [PostgresPace(practice_url, moment="timestamp '2026-03-02'") for _ in range(4)]
    threads = [
        threading.Thread(target=lambda pace=pace: [pace.reserve_now(one) for _ in range(100)])
        for pace in paces
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert paces[0].reserve_now(one).wait == pytest.approx(0.4)
    for pace in paces:
        pace.close()


@pytest.mark.postgresql
def test_a_session_that_the_server_ends_is_opened_anew_and_an_absent_server_is_an_error(
    practice_url: URL,
) -> None:
    pace = PostgresPace(practice_url, patience=0.0)
    pace.reserve_now(spending(1))
    _end_sessions(practice_url)
    with pytest.raises(DatabaseAway):
        pace.reserve_now(spending(1))
    assert pace.reserve_now(spending(1)).spent
    pace.close()
    patient = PostgresPace(practice_url)
    patient.reserve_now(spending(1))
    _end_sessions(practice_url)
    assert patient.reserve_now(spending(1)).spent
    patient.close()
    gone = PostgresPace(practice_url.set(port=1), patience=0.0)
    with pytest.raises(DatabaseAway):
        gone.reserve_now(spending(1))
    gone.close()
