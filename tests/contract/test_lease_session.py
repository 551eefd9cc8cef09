"""What a session asks of the lease: the one in memory, and the one of a server."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from companion.adapters.database.dedicated_connection import connect_dedicated
from companion.adapters.database.lease_session import (
    LeaseRenewal,
    LeaseSession,
    LeaseTaken,
    PostgresLeaseSession,
)
from companion.domain.practice_errors import DatabaseAway
from tests.fakes.lease import LeaseServer
from tests.fakes.practice_database import practice_server
from tests.fakes.waiting import wait_until

KINDS = ("memory", pytest.param("postgresql", marks=pytest.mark.postgresql))


class Server:
    def __init__(
        self,
        session: Callable[[str], LeaseSession],
        want: Callable[[str], object],
        end_all: Callable[[], object],
    ) -> None:
        self.session, self.want, self.end_all = session, want, end_all


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    opened: list[LeaseSession] = []

    def keeping(open_session: Callable[[str], LeaseSession]) -> Callable[[str], LeaseSession]:
        def session(name: str) -> LeaseSession:
            opened.append(open_session(name))
            return opened[-1]

        return session

    if request.param == "memory":
        memory = LeaseServer()

        def want(name: str) -> None:
            memory.wanted = name

        def end_all() -> None:
            for each in memory.sessions:
                memory.kill(each)

        yield Server(keeping(memory.session), want, end_all)
        return
    with practice_server().new_database() as url, connect_dedicated(url, name="test") as connection:
        connection.execute(
            "INSERT INTO workstations SELECT name, name, '1', now(), now(), now(), '', 0 "
            "FROM unnest(ARRAY['desk', 'office']) AS w(name)"
        )
        yield Server(
            keeping(lambda name: PostgresLeaseSession(url, name)),
            lambda name: connection.execute("UPDATE lease SET wanted_by = %s", [name]),
            lambda: connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name LIKE '%lease'"
            ),
        )
        for each in opened:
            each.close()


def test_one_gets_it_and_the_other_once_it_was_given_up(server: Server) -> None:
    desk, office = server.session("desk"), server.session("office")
    assert desk.seek()
    assert not office.seek()
    assert desk.take() == LeaseTaken(1, in_order=True)
    assert desk.renew(1) == LeaseRenewal(held=True)
    assert not office.seek()
    desk.release(1)
    assert desk.renew(1) == LeaseRenewal(held=False)
    assert office.seek()
    assert office.take() == LeaseTaken(2, in_order=True)


def test_whoever_follows_a_session_that_ended_knows_that_nothing_was_given_up(
    server: Server,
) -> None:
    desk, office = server.session("desk"), server.session("office")
    assert desk.seek()
    desk.take()
    desk.close()
    wait_until(office.seek, 30)  # the server learns of it a moment later
    assert office.take() == LeaseTaken(2, in_order=False)


def test_a_session_that_was_ended_says_so_with_the_next_question(server: Server) -> None:
    desk = server.session("desk")
    assert desk.seek()
    desk.take()
    server.end_all()
    with pytest.raises(DatabaseAway):
        desk.renew(1)
    desk.close()


def test_a_wish_is_told_to_the_holder_and_kept_for_whom_it_is(server: Server) -> None:
    desk, office = server.session("desk"), server.session("office")
    assert desk.seek()
    desk.take()
    server.want("office")
    assert desk.renew(1) == LeaseRenewal(held=True, wanted=True)
    desk.release(1)
    assert not desk.seek()
    assert office.seek()
    assert office.take() == LeaseTaken(2, in_order=True)
    assert office.renew(2) == LeaseRenewal(held=True)
