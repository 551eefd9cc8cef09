"""Workstations of one practice that have different versions of the program."""

from __future__ import annotations

import pytest
from sqlalchemy import URL

from companion.adapters.database.inspection import inspect_database
from companion.domain.errors import Busy, StoreTooNew
from companion.environment import Environment
from companion.services.settings.documents import VERSION
from tests.fakes.moving_practice import (
    execute,
    kept_in,
    made_of,
    open_practice_of,
    share,
)

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("own_keyring")]


async def test_a_newer_form_waits_for_the_workstations_with_an_older_version(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    before, _made = await share(first, second, practice_url)
    execute(
        practice_url,
        "UPDATE workstations SET version = '0.0.9', started_at = clock_timestamp(),"
        " seen_at = clock_timestamp() WHERE name = 'Front desk'",
    )
    set_settings_version(practice_url, VERSION - 1)
    with pytest.raises(Busy, match=r"an older one is working with them: Front desk \(0\.0\.9\)"):
        await kept_in(second)
    await open_practice_of(second, anyway=True)
    assert await kept_in(second) == before


async def test_an_older_workstation_that_was_switched_off_keeps_nobody_waiting(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    before, _made = await share(first, second, practice_url)
    execute(
        practice_url,
        "UPDATE workstations SET version = '0.0.9',"
        " seen_at = clock_timestamp() - interval '3 minutes', started_at = joined_at",
    )
    set_settings_version(practice_url, VERSION - 1)
    assert await kept_in(second) == before


async def test_an_older_workstation_stops_at_newer_tables(
    first: Environment, practice_url: URL
) -> None:
    await made_of(first, practice_url)
    execute(practice_url, "UPDATE alembic_version SET version_num = '9999'")
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
    execute(
        url,
        "UPDATE documents SET body = replace(body, %s, %s) WHERE name = 'settings/home'",
        f'"version": {VERSION}',
        f'"version": {version}',
    )


async def test_a_practice_is_seen_that_lacks_a_table_of_this_version(
    first: Environment, practice_url: URL
) -> None:
    made = await made_of(first, practice_url)
    execute(practice_url, "DROP TABLE paces")
    found = inspect_database(practice_url)
    assert found.row is not None
    assert found.row.practice_id == made.note.practice_id
