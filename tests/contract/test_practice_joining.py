"""Other computers join a practice, and leave it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL

from companion.adapters.practice_note import practice_note
from companion.domain.errors import BadInput, CompanionError, StoreError
from companion.domain.practice_errors import WorkstationForgotten
from companion.domain.practice_key import PracticeKey
from companion.environment import Environment
from companion.main import open_ports
from companion.storage.creating import create_practice
from companion.storage.home import sealed_secrets
from companion.storage.joining import join_practice_here
from companion.storage.membership import membership_of, place_of
from companion.storage.moving import renew_workstation_id
from companion.storage.put_aside import folders_put_aside
from companion.storage.returning import leave_here, take_everything
from tests.fakes.database_servers import PASSWORD
from tests.fakes.moving_practice import (
    TOKENS,
    at,
    connected,
    execute,
    fill,
    filled_practice,
    join,
    kept_in,
    made_of,
    open_practice_of,
    share,
    shown,
)
from tests.fakes.practice_database import PracticeServer

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("own_keyring")]


async def test_who_joins_works_with_the_same(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    before, _made = await share(first, second, practice_url)
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
    before, made = await filled_practice(first, practice_url)
    assert (await kept_in(second)).appointments == 0
    await join(second, practice_url, made)
    assert await kept_in(second) == before


async def test_an_old_copy_of_the_home_says_where_its_data_are_and_may_join(
    first: Environment, practice_url: URL
) -> None:
    before, made = await filled_practice(first, practice_url)
    copy = at(made.aside)
    with pytest.raises(StoreError, match="were moved: they are kept in the practice in"):
        await kept_in(copy)
    with pytest.raises(StoreError, match="were moved"):
        await made_of(copy, practice_url)
    await join(copy, practice_url, made)
    assert await kept_in(copy) == before


async def test_the_variables_alone_are_enough_for_a_computer_without_a_password_store(
    first: Environment, tmp_path: Path, practice_url: URL
) -> None:
    before, made = await filled_practice(first, practice_url)
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


async def test_who_leaves_keeps_nothing_and_the_practice_goes_on(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    before, _made = await share(first, second, practice_url)
    await kept_in(second)
    await leave_here(second)
    assert practice_note(second.home) is None
    alone = await kept_in(second)
    assert (alone.names, alone.secrets) == (frozenset(), {})
    assert alone.install_id != before.install_id
    assert await kept_in(first) == before


async def test_who_leaves_is_told_of_the_book_of_before_the_practice(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    _before, made = await share(first, second, practice_url)
    (first.home / "before-update-1.0").mkdir()
    for each in (first, second):
        await leave_here(each, anyway=True)
    assert folders_put_aside(first) == [made.aside, first.home / "before-update-1.0"]
    assert folders_put_aside(second) == []


async def test_the_last_one_does_not_leave_without_saying_so(
    first: Environment, practice_url: URL
) -> None:
    before, _made = await filled_practice(first, practice_url)
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


async def opened_as(environment: Environment, name: str) -> str:
    """What the practice calls it, once it has joined under `name`."""
    await open_practice_of(environment, joining=name)
    note = practice_note(environment.home)
    assert note is not None
    return note.name


async def test_a_forgotten_workstation_stops_until_it_is_joined_again_under_its_old_name(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    made = await made_of(first, practice_url)
    await join(second, practice_url, made)
    assert await opened_as(second, "Back office") == "Back office"
    execute(practice_url, "DELETE FROM workstations WHERE name = 'Back office'")
    with pytest.raises(WorkstationForgotten):
        await kept_in(second)
    assert names_in(practice_url) == {"Front desk"}
    await join(second, practice_url, made)
    assert await opened_as(second, "") == "Back office"
    await kept_in(second)
    assert names_in(practice_url) == {"Front desk", "Back office"}


async def test_a_forgotten_workstation_that_has_both_variables_joins_by_itself(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    made = await made_of(first, practice_url)
    unattended = at(second.home, database_url=shown(practice_url), practice_key=made.key.text)
    await kept_in(unattended)
    before = practice_note(second.home)
    execute(practice_url, "DELETE FROM workstations WHERE name <> 'Front desk'")
    await kept_in(unattended)
    assert practice_note(second.home) == before
    assert len(names_in(practice_url)) == 2


async def test_two_workstations_never_have_one_name(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    made = await made_of(first, practice_url)
    await join(second, practice_url, made)
    assert await opened_as(second, "front DESK") == "front DESK 2"


async def test_a_copy_of_a_data_folder_becomes_a_workstation_of_its_own(
    first: Environment, practice_url: URL
) -> None:
    before, _made = await filled_practice(first, practice_url)
    copy = at(first.home.with_name("copy"))
    shutil.copytree(first.home, copy.home)
    renew_workstation_id(copy.home)
    notes = [practice_note(each.home) for each in (first, copy)]
    assert notes[0] is not None
    assert notes[1] is not None
    assert notes[0].workstation_id != notes[1].workstation_id
    assert notes[0].practice_id == notes[1].practice_id
    assert await kept_in(first) == before


async def test_a_copy_that_leaves_takes_no_other_out_of_the_practice(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    await join(second, practice_url, await made_of(first, practice_url))
    await kept_in(second)
    execute(
        practice_url,
        "UPDATE workstations SET started_at = timezone('UTC', clock_timestamp()),"
        " seen_at = timezone('UTC', clock_timestamp()) WHERE name = 'Front desk'",
    )
    await leave_here(first)
    assert "Front desk" in names_in(practice_url)


def names_in(url: URL) -> set[str]:
    with connected(url) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM workstations")}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"port": 1}, "127.0.0.1:1 refuses the connection"),
        ({"host": "no.such.invalid"}, "no.such.invalid"),
        ({"query": {"sslmode": "bogus"}}, "setting that PostgreSQL does not take"),
        ({"query": {"ssl": "1"}}, "setting that PostgreSQL does not take"),
        ({"host": "half-a-password@127.0.0.1"}, "in the password @ is written %40"),
        ({"drivername": "mysql"}, "Write it like postgresql://USER"),
    ],
)
async def test_a_wrong_address_is_said_to_be_so(
    second: Environment, practice_url: URL, change: dict[str, Any], said: str
) -> None:
    address = practice_url.set(**change).render_as_string(hide_password=False)
    address = address.replace("half-a-password%40", "half-a-password@")
    key = PracticeKey(bytes(20)).text
    for attempt in (
        join_practice_here(second, address, key),
        create_practice(second, address, name="Desk"),
    ):
        with pytest.raises(CompanionError) as refused:
            await attempt
        assert said in f"{refused.value.what} {refused.value.remedy}"
        assert PASSWORD not in str(refused.value)
        assert "half-a-password" not in str(refused.value)
    assert practice_note(second.home) is None


async def test_who_never_belonged_to_a_practice_that_moved_away_is_told_how_it_is_shared_again(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    made = await made_of(first, practice_url)
    await take_everything(first)
    with pytest.raises(BadInput, match="moved away") as refused:
        await join(second, practice_url, made)
    assert "practice create" in refused.value.remedy
