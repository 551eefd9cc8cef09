"""A home becomes a practice, and a home again."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import URL

from companion.domain.errors import BadInput, Busy, CompanionError, StoreError
from companion.domain.practice_key import PracticeKey
from companion.domain.sync_state import SyncState
from companion.environment import Environment
from companion.instance import Instance
from companion.main import open_ports
from companion.storage.creating import create_practice
from companion.storage.membership import place_of
from companion.storage.returning import leave_here, take_everything
from tests.fakes.database_servers import PASSWORD
from tests.fakes.moving_practice import (
    CALENDAR,
    ENTRY,
    NAMES,
    TOKENS,
    at,
    dump_of,
    execute,
    fill,
    filled_practice,
    kept_in,
    made_of,
    share,
    shown,
)
from tests.fakes.practice_database import PracticeServer

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("own_keyring")]


async def test_a_practice_has_all_that_the_home_had(first: Environment, practice_url: URL) -> None:
    before, made = await filled_practice(first, practice_url)
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


async def test_a_database_of_something_else_is_refused(
    first: Environment, practice_server: PracticeServer
) -> None:
    before = await fill(first)
    with practice_server.empty_database() as url:
        execute(url, "CREATE TABLE invoices (id int)")
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


async def test_everything_comes_back_into_one_home_and_the_others_stop(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    before, _made = await share(first, second, practice_url)
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
    before, _made = await share(first, second, practice_url)
    execute(practice_url, "UPDATE workstations SET started_at = clock_timestamp()")
    with pytest.raises(Busy, match="running on other workstations: Front desk"):
        await take_everything(second)
    assert await kept_in(second) == before


async def test_a_practice_can_be_made_again_where_it_was(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    before, made = await share(first, second, practice_url)
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
    _before, made = await filled_practice(first, practice_url)
    dumped = dump_of(practice_url)
    assert b"google/token/anna-example" in dumped, "this is the dump of all of it"
    hidden = [*TOKENS.values(), made.key.text, made.key.text.replace("-", ""), PASSWORD]
    for each in (*(text.encode() for text in hidden), made.key.secret):
        assert each not in dumped
        assert each.hex().encode() not in dumped


async def test_what_one_at_a_time_does_is_kept_apart_on_all_workstations(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    await share(first, second, practice_url)
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


async def test_a_dump_that_was_put_back_goes_on_as_another_writer(
    first: Environment, practice_url: URL
) -> None:
    await made_of(first, practice_url)
    async with open_ports(first, holder="a test") as ports:
        await ports.stores.ledger.edit_state("anna-example", lambda _: SyncState(history="kept"))
        before = ports.settings.read().restored_as
    async with open_ports(first, holder="a test") as ports:
        assert ports.settings.read().restored_as == before, "it is the same database"
        assert not (await ports.stores.ledger.state("anna-example")).claimed

    execute(practice_url, "UPDATE practice SET database = 'another/1'")  # as a dump brings it
    async with open_ports(first, holder="a test") as ports:
        after = ports.settings.read().restored_as
        state = await ports.stores.ledger.state("anna-example")
    assert after not in {"", before}
    assert (state.claimed, state.audit_due, state.history) == (True, True, "kept")
    async with open_ports(first, holder="a test") as ports:
        assert ports.settings.read().restored_as == after
