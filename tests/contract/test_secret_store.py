"""What every SecretStore keeps to: a file sealed by a keyring or a passphrase, rows, the fake."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from companion.adapters.database.opening import open_database
from companion.adapters.database.opening_practice import open_practice_database
from companion.adapters.file_locks import FileLock
from companion.adapters.keyring_entry import KeyringEntry
from companion.adapters.secrets import SealedSecrets
from companion.services.ports import SecretStore
from tests.fakes.clock import FakeClock
from tests.fakes.keyrings import GoodKeyring
from tests.fakes.secrets import FakeSecrets
from tests.fakes.shared_secrets import shared_secrets


@pytest.fixture(
    params=[
        "keyring",
        "passphrase",
        "rows",
        pytest.param("rows on a server", marks=pytest.mark.postgresql),
        "fake",
    ]
)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SecretStore]:
    if request.param == "fake":
        yield FakeSecrets()
    elif request.param.startswith("rows"):
        if request.param == "rows":
            database = open_database(tmp_path / "book.db", FakeClock())
        else:
            url = request.getfixturevalue("practice_url")
            database = open_practice_database(url, FakeClock())
        yield shared_secrets(database.access, bytes(range(32)), tmp_path)
        await database.close()
    else:
        keyring = GoodKeyring()
        yield SealedSecrets(
            tmp_path,
            vault=KeyringEntry(tmp_path, backend=lambda: keyring),
            lock=FileLock(tmp_path / "secrets.lock", holder="a test"),
            passphrase="a long passphrase" if request.param == "passphrase" else "",
        )


async def test_what_was_put_is_given_back(store: SecretStore) -> None:
    await store.put("google/token/anna", '{"refresh_token": "1//é\n"}')
    assert await store.get("google/token/anna") == '{"refresh_token": "1//é\n"}'


async def test_what_was_never_put_is_none(store: SecretStore) -> None:
    assert await store.get("google/client") is None
    await store.put("google/client", "{}")
    assert await store.get("google/token/anna") is None


async def test_a_second_put_replaces_the_first(store: SecretStore) -> None:
    await store.put("feed/1", "old")
    await store.put("feed/1", "new")
    assert await store.get("feed/1") == "new"


async def test_what_was_removed_is_gone_and_the_rest_stays(store: SecretStore) -> None:
    await store.put("feed/1", "one")
    await store.put("feed/2", "")
    await store.remove("feed/1")
    assert await store.get("feed/1") is None
    assert await store.get("feed/2") == ""


async def test_removing_what_is_not_there_is_done_already(store: SecretStore) -> None:
    await store.remove("feed/1")
    await store.put("feed/2", "two")
    await store.remove("feed/1")
    assert await store.get("feed/2") == "two"


async def test_a_long_secret_fits_although_a_keyring_s_entry_is_small(store: SecretStore) -> None:
    await store.put("google/client", "x" * 10_000)
    assert await store.get("google/client") == "x" * 10_000


async def test_twenty_puts_at_once_all_count(store: SecretStore) -> None:
    await asyncio.gather(*(store.put(f"feed/{each}", str(each)) for each in range(20)))
    assert [await store.get(f"feed/{each}") for each in range(20)] == [str(n) for n in range(20)]


async def test_a_secret_put_twice_at_once_is_one_of_the_two(store: SecretStore) -> None:
    await asyncio.gather(*(store.put("feed/1", str(each)) for each in range(8)))
    assert await store.get("feed/1") in {str(each) for each in range(8)}
    assert await store.names() == ("feed/1",)


async def test_an_exchange_is_made_only_where_the_expected_is_kept(store: SecretStore) -> None:
    assert not await store.exchange("google/token/anna", "old", "new")
    assert await store.exchange("google/token/anna", None, None)
    assert await store.names() == ()
    assert await store.exchange("google/token/anna", None, "old")
    assert not await store.exchange("google/token/anna", None, "new")
    assert await store.exchange("google/token/anna", "old", "new")
    assert await store.get("google/token/anna") == "new"
    assert not await store.exchange("google/token/anna", "old", None)
    assert await store.exchange("google/token/anna", "new", None)
    assert await store.get("google/token/anna") is None


async def test_of_several_exchanges_at_once_one_is_made(store: SecretStore) -> None:
    for expected in (None, "old"):
        made = await asyncio.gather(
            *(store.exchange("feed/1", expected, f"new {number}") for number in range(8))
        )
        assert made.count(True) == 1
        assert await store.get("feed/1") == f"new {made.index(True)}"
        await store.put("feed/1", "old")


async def test_the_check_names_where_the_key_is_kept(store: SecretStore) -> None:
    assert await store.check()
    await store.put("feed/1", "one")
    assert await store.check()


async def test_what_is_set_aside_leaves_an_empty_store(store: SecretStore, tmp_path: Path) -> None:
    await store.put("feed/1", "one")
    aside = await store.set_aside()
    assert await store.names() == ()
    assert await store.get("feed/1") is None
    await store.put("feed/1", "two")
    assert await store.get("feed/1") == "two"
    if not isinstance(store, FakeSecrets):
        assert aside is not None
        assert aside.parent == tmp_path
        assert aside.is_file()
