"""A home becomes a practice, others join it and leave it, and it becomes a home again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import URL

from companion.adapters.clock import SystemClock
from companion.adapters.practice_note import practice_note
from companion.domain.errors import BadInput, Busy, CompanionError, StoreError, StoreTooNew
from companion.domain.practice_key import PracticeKey
from companion.environment import Environment
from companion.instance import Instance
from companion.main import open_ports
from companion.services.changes import Changes
from companion.services.settings.documents import VERSION
from companion.storage.creating import create_practice
from companion.storage.home import sealed_secrets
from companion.storage.joining import join_practice_here
from companion.storage.membership import membership_of, place_of
from companion.storage.practice import open_practice
from companion.storage.returning import leave_here, take_everything
from tests.fakes.database_servers import PASSWORD
from tests.fakes.moving_practice import (
    CALENDAR,
    ENTRY,
    NAMES,
    TOKENS,
    a_keyring,
    at,
    connected,
    fill,
    join,
    kept_in,
    made_of,
    shown,
)
from tests.fakes.practice_database import PracticeServer

pytestmark = pytest.mark.postgresql


@pytest.fixture(autouse=True)
def _keyring() -> Iterator[None]:
    with a_keyring():
        yield


@pytest.fixture
def first(tmp_path: Path) -> Environment:
    return at(tmp_path / "first")


@pytest.fixture
def second(tmp_path: Path) -> Environment:
    return at(tmp_path / "second")


async def test_a_practice_has_all_that_the_home_had(first: Environment, practice_url: URL) -> None:
    before = await fill(first)
    made = await made_of(first, practice_url)
    assert await kept_in(first) == before
    assert (before.appointments, set(before.names), before.secrets) == (3, {*NAMES}, TOKENS)
    assert made.rows["appointments"] == 3
    assert made.rows["ledger"] == 1
    assert not first.book.exists()
    assert not (first.home / "settings.json").exists()
    assert (made.aside / "companion.db").is_file()
    assert "no longer used" in (made.aside / "MOVED.txt").read_text("utf-8")


async def test_a_database_without_any_table_gets_them(
    first: Environment, practice_server: PracticeServer
) -> None:
    before = await fill(first)
    with practice_server.empty_database() as url:
        await made_of(first, url)
        assert await kept_in(first) == before


async def test_who_joins_works_with_the_same(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    before = await fill(first)
    await join(second, practice_url, await made_of(first, practice_url))
    assert await kept_in(second) == before
    async with open_ports(second, holder="a test") as ports:
        await ports.secrets.put("feed/9", "made there")
    assert (await kept_in(first)).secrets == {**TOKENS, "feed/9": "made there"}


async def test_joining_twice_changes_nothing(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    made = await made_of(first, practice_url)
    await join(second, practice_url, made)
    before = practice_note(second.home)
    await join(second, practice_url, made)
    assert practice_note(second.home) == before


async def test_joining_again_takes_the_new_address_of_the_same_practice(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    made = await made_of(first, practice_url)
    await join(second, practice_url, made)
    elsewhere = practice_url.set(host="localhost")  # as a server that was renamed
    note = await join_practice_here(second, shown(elsewhere), made.key.text)
    assert note.place == place_of(elsewhere)
    assert practice_note(second.home) == note
    member = await membership_of(note, second, sealed_secrets(second, holder="a test"))
    assert member.url.host == "localhost"
    assert await kept_in(second) == await kept_in(first)


async def test_a_wrong_key_is_refused_before_anything_is_written(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    await made_of(first, practice_url)
    for typed in (PracticeKey(bytes(20)).text, "nonsense"):
        with pytest.raises(BadInput) as refused:
            await join_practice_here(second, shown(practice_url), typed)
        assert refused.value.field == "practice_key"
    assert practice_note(second.home) is None
    assert {each.name for each in second.home.iterdir() if ".lock" not in each.name} == set()


async def test_a_home_with_data_of_its_own_does_not_join(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    made = await made_of(first, practice_url)
    before = await fill(second)
    with pytest.raises(BadInput, match="appointments and practitioners and sign-ins"):
        await join(second, practice_url, made)
    assert await kept_in(second) == before


async def test_a_home_that_was_only_opened_joins(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    before = await fill(first)
    made = await made_of(first, practice_url)
    assert (await kept_in(second)).appointments == 0
    await join(second, practice_url, made)
    assert await kept_in(second) == before


async def test_an_old_copy_of_the_home_says_where_its_data_are_and_may_join(
    first: Environment, practice_url: URL
) -> None:
    before = await fill(first)
    made = await made_of(first, practice_url)
    copy = at(made.aside)
    with pytest.raises(StoreError, match="were moved: they are kept in the practice in"):
        await kept_in(copy)
    with pytest.raises(StoreError, match="were moved"):
        await made_of(copy, practice_url)
    await join(copy, practice_url, made)
    assert await kept_in(copy) == before


async def test_nothing_of_the_address_is_shown_but_where_it_is(
    first: Environment, practice_url: URL
) -> None:
    made = await made_of(first, practice_url)
    place = place_of(practice_url)
    assert PASSWORD not in place
    assert made.note.place == place == f"127.0.0.1:{practice_url.port}/{practice_url.database}"
    texts = [each.read_bytes() for each in first.home.rglob("*") if each.is_file()]
    assert not [each for each in texts if PASSWORD.encode() in each]
    assert not [each for each in texts if made.key.text.encode() in each]


async def test_the_variables_alone_are_enough_for_a_computer_without_a_password_store(
    first: Environment, tmp_path: Path, practice_url: URL
) -> None:
    before = await fill(first)
    made = await made_of(first, practice_url)
    third = Environment(
        home=tmp_path / "third", database_url=shown(practice_url), practice_key=made.key.text
    )
    assert await kept_in(third) == before
    assert practice_note(third.home) is not None


async def test_a_server_in_the_variable_and_nothing_joined_is_a_sentence(
    tmp_path: Path, practice_url: URL
) -> None:
    lone = at(tmp_path / "lone", database_url=shown(practice_url))
    with pytest.raises(BadInput, match="has joined no practice"):
        await kept_in(lone)


async def test_a_database_of_something_else_is_refused(
    first: Environment, practice_server: PracticeServer
) -> None:
    before = await fill(first)
    with practice_server.empty_database() as url:
        with connected(url) as connection:
            connection.execute("CREATE TABLE invoices (id int)")
        with pytest.raises(BadInput, match="holds tables of something else"):
            await made_of(first, url)
    assert await kept_in(first) == before


async def test_another_practice_is_not_written_over(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    before = await fill(first)
    await made_of(second, practice_url)
    with pytest.raises(BadInput, match="is a practice in the database"):
        await made_of(first, practice_url)
    await take_everything(second)
    with pytest.raises(BadInput, match="held another practice"):
        await made_of(first, practice_url)
    assert await kept_in(first) == before


async def test_nothing_moves_while_the_app_runs(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    before = await fill(first)
    with Instance(first.home).hold(8080), pytest.raises(Busy, match="running on this computer"):
        await made_of(first, practice_url)
    assert await kept_in(first) == before


async def test_nothing_moves_while_another_process_has_the_book_open(
    first: Environment, practice_url: URL
) -> None:
    before = await fill(first)
    async with open_ports(first, holder="another command"):
        with pytest.raises(Busy, match="using the book"):
            await made_of(first, practice_url)
    assert await kept_in(first) == before


async def test_who_leaves_keeps_nothing_and_the_practice_goes_on(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    before = await fill(first)
    await join(second, practice_url, await made_of(first, practice_url))
    await kept_in(second)
    await leave_here(second)
    assert practice_note(second.home) is None
    alone = await kept_in(second)
    assert (alone.names, alone.secrets) == (frozenset(), {})
    assert alone.install_id != before.install_id
    assert await kept_in(first) == before


async def test_the_last_one_does_not_leave_without_saying_so(
    first: Environment, practice_url: URL
) -> None:
    before = await fill(first)
    await made_of(first, practice_url)
    with pytest.raises(BadInput, match="last workstation"):
        await leave_here(first)
    assert await kept_in(first) == before
    await leave_here(first, anyway=True)
    assert (await kept_in(first)).names == frozenset()


async def test_one_may_leave_a_server_that_is_gone_for_good(
    first: Environment, practice_server: PracticeServer
) -> None:
    with practice_server.new_database() as url:
        await made_of(first, url)
    with pytest.raises(CompanionError, match="leave --anyway"):
        await leave_here(first)
    assert practice_note(first.home) is not None
    await leave_here(first, anyway=True)
    assert practice_note(first.home) is None
    assert (await kept_in(first)).names == frozenset()


async def test_everything_comes_back_into_one_home_and_the_others_stop(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    before = await fill(first)
    await join(second, practice_url, await made_of(first, practice_url))
    async with open_ports(first, holder="asleep meanwhile") as asleep:
        taken = await take_everything(second)
        with pytest.raises(CompanionError):
            await asleep.secrets.put("feed/9", "too late")
        with pytest.raises(CompanionError):
            await asleep.settings.change(lambda each: each.without_practitioner("ben-muster"))
    assert (taken.rows["appointments"], taken.secrets) == (3, 2)
    assert await kept_in(second) == before
    assert second.book.is_file()
    with pytest.raises(StoreError, match="moved away from this database: to the computer"):
        await kept_in(first)
    await leave_here(first)
    assert (await kept_in(first)).names == frozenset()


async def test_nothing_is_taken_while_another_workstation_is_on(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    before = await fill(first)
    await join(second, practice_url, await made_of(first, practice_url))
    with connected(practice_url) as connection:
        connection.execute("UPDATE workstations SET started_at = clock_timestamp()")
    with pytest.raises(Busy, match="running on other workstations: Front desk"):
        await take_everything(second)
    assert await kept_in(second) == before


async def test_a_practice_can_be_made_again_where_it_was(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    before = await fill(first)
    made = await made_of(first, practice_url)
    await join(second, practice_url, made)
    await take_everything(first)
    again = await made_of(first, practice_url)
    assert again.key != made.key
    assert await kept_in(first) == before
    with pytest.raises(StoreError, match="another practice"):
        await kept_in(second)


async def test_a_home_whose_book_lies_elsewhere_moves_there_and_back(
    tmp_path: Path, practice_url: URL
) -> None:
    elsewhere = tmp_path / "disk" / "book.db"
    home = at(tmp_path / "home", database_url=f"sqlite:///{elsewhere}")
    before = await fill(home)
    await made_of(home, practice_url)
    assert not elsewhere.exists()
    assert await kept_in(home) == before
    await take_everything(home)
    assert elsewhere.is_file()
    assert await kept_in(home) == before


async def test_the_given_practice_key_is_taken(first: Environment, practice_url: URL) -> None:
    key = PracticeKey(bytes(range(20)))
    given = at(first.home, practice_key=key.text.lower())
    made = await create_practice(given, shown(practice_url), name="Front desk")
    assert made.key == key


async def test_the_whole_database_gives_no_secret_away(
    first: Environment, practice_url: URL
) -> None:
    await fill(first)
    made = await made_of(first, practice_url)
    dumped = b""
    with connected(practice_url) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace"
        ).fetchall()
        for (table,) in tables:
            with connection.cursor().copy(f"COPY {table} TO STDOUT".encode()) as rows:
                dumped += b"".join(bytes(each) for each in rows)
    assert b"google/token/anna-example" in dumped, "this is the dump of all of it"
    hidden = [*TOKENS.values(), made.key.text, made.key.text.replace("-", ""), PASSWORD]
    for each in (*(text.encode() for text in hidden), made.key.secret):
        assert each not in dumped
        assert each.hex().encode() not in dumped


async def test_what_one_at_a_time_does_is_kept_apart_on_all_workstations(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    await fill(first)
    await join(second, practice_url, await made_of(first, practice_url))
    async with (
        open_ports(first, holder="a test") as here,
        open_ports(second, holder="a test") as there,
    ):
        assert not here.lease.held  # the app seeks it, a command never does
        turn = f"sync-{CALENDAR.practitioner_id}"
        async with here.sync_locks.hold(turn):
            await here.stores.ledger.write(CALENDAR, put=[ENTRY])
            with pytest.raises(Busy):
                async with there.sync_locks.hold(turn, patience=0.1):
                    pytest.fail("both have it")
            assert here.practice is not None
            assert await there.sync_locks.holder(turn) == here.practice.this_one
        with pytest.raises(Busy):
            await here.stores.ledger.write(CALENDAR, put=[ENTRY])


async def open_anyway(environment: Environment) -> None:
    note = practice_note(environment.home)
    assert note is not None
    clock = SystemClock("")
    async with AsyncExitStack() as stack:
        await open_practice(
            environment,
            note,
            stack,
            holder="a test",
            clock=clock,
            changes=Changes(),
            anyway=True,
        )


async def test_a_newer_form_waits_for_the_workstations_with_an_older_version(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    before = await fill(first)
    await join(second, practice_url, await made_of(first, practice_url))
    with connected(practice_url) as connection:
        connection.execute(
            "UPDATE workstations SET version = '0.0.9', started_at = clock_timestamp(),"
            " seen_at = clock_timestamp() WHERE name = 'Front desk'"
        )
    set_settings_version(practice_url, VERSION - 1)
    with pytest.raises(Busy, match=r"an older one is working with them: Front desk \(0\.0\.9\)"):
        await kept_in(second)
    await open_anyway(second)
    assert await kept_in(second) == before


async def test_an_older_workstation_that_was_switched_off_keeps_nobody_waiting(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    before = await fill(first)
    await join(second, practice_url, await made_of(first, practice_url))
    with connected(practice_url) as connection:
        connection.execute(
            "UPDATE workstations SET version = '0.0.9',"
            " seen_at = clock_timestamp() - interval '3 minutes', started_at = joined_at"
        )
    set_settings_version(practice_url, VERSION - 1)
    assert await kept_in(second) == before


async def test_an_older_workstation_stops_at_newer_tables(
    first: Environment, practice_url: URL
) -> None:
    await made_of(first, practice_url)
    with connected(practice_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreTooNew, match="Update this workstation"):
        await kept_in(first)


async def test_an_older_workstation_stops_at_newer_settings(
    first: Environment, practice_url: URL
) -> None:
    await made_of(first, practice_url)
    set_settings_version(practice_url, 999)
    with pytest.raises(StoreTooNew):
        await kept_in(first)


def set_settings_version(url: URL, version: int) -> None:
    with connected(url) as connection:
        connection.execute(
            "UPDATE documents SET body = replace(body, %s, %s) WHERE name = 'settings/home'",
            [f'"version": {VERSION}', f'"version": {version}'],
        )
