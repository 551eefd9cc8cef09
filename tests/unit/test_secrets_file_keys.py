"""Which key opens the sealed file, and what faults, kills and several processes do to it."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from companion.adapters.keyring_entry import KeyringEntry
from companion.adapters.secrets import SealedSecrets, argon2id
from companion.domain.errors import (
    CompanionError,
    SecretsDamaged,
    SecretsUnavailable,
    StoreError,
)
from tests.fakes import warm
from tests.fakes.disk import FailingDisk
from tests.fakes.sealed_home import SECRET, Home, filled

PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


# ── which key ─────────────────────────────────────────────────────────────────────────────────


async def test_a_new_file_takes_the_passphrase_where_one_is_set(home: Home) -> None:
    await filled(home, PASSPHRASE)
    assert home.keyring.kept == {}
    assert await home.open(PASSPHRASE).get("google/token/anna") == SECRET


async def test_an_existing_file_keeps_the_kind_of_key_it_was_made_with(home: Home) -> None:
    await filled(home)
    with_passphrase = home.open(PASSPHRASE)
    assert await with_passphrase.get("google/token/anna") == SECRET
    await with_passphrase.put("feed/1", "x")
    assert await home.open().get("feed/1") == "x"
    assert await with_passphrase.check() == "good keyring"


@pytest.mark.parametrize(
    ("passphrase", "error"),
    [("", SecretsUnavailable), ("   ", SecretsUnavailable), ("wrong", SecretsDamaged)],
)
async def test_a_missing_or_wrong_passphrase_is_said_and_nothing_overwritten(
    home: Home, passphrase: str, error: type[CompanionError]
) -> None:
    await filled(home, PASSPHRASE)
    before = home.path.read_bytes()
    store = home.open(passphrase)
    for attempt in (store.get("google/token/anna"), store.put("feed/1", "x"), store.check()):
        with pytest.raises(error, match="COMPANION_SECRETS_KEY"):
            await attempt
    assert home.path.read_bytes() == before


async def test_a_key_that_is_gone_from_the_password_store_is_never_replaced(home: Home) -> None:
    await filled(home)
    before = home.path.read_bytes()
    home.keyring.kept.clear()
    for attempt in (home.open().get("google/token/anna"), home.open().put("feed/1", "x")):
        with pytest.raises(SecretsDamaged, match="not in this user's password store"):
            await attempt
    assert home.keyring.kept == {}
    assert home.path.read_bytes() == before


async def test_another_key_in_the_password_store_opens_nothing(home: Home) -> None:
    await filled(home)
    [(entry, right)] = home.keyring.kept.items()
    home.keyring.kept[entry] = "A" * 43 + "="
    store = home.open()
    with pytest.raises(SecretsDamaged):
        await store.get("google/token/anna")
    home.keyring.kept[entry] = right
    assert await store.get("google/token/anna") == SECRET


async def test_what_does_not_open_can_be_set_aside_for_a_new_start(home: Home) -> None:
    await filled(home)
    before = home.path.read_bytes()
    home.keyring.kept.clear()
    store = home.open()
    aside = await store.set_aside()
    assert aside is not None
    assert aside.read_bytes() == before
    await store.put("google/token/anna", "new")
    assert await home.open().get("google/token/anna") == "new"
    assert await home.open().set_aside() != aside
    assert await home.open().set_aside() is None


async def test_the_passphrase_is_worked_on_once_per_process(home: Home) -> None:
    worked: list[str] = []

    def counted(passphrase: str, key_head: Mapping[str, Any]) -> bytes:
        worked.append(passphrase)
        return argon2id(passphrase, key_head)

    await filled(home, PASSPHRASE)
    store = home.open(PASSPHRASE, stretch=counted)
    await asyncio.gather(*(store.get("google/token/anna") for _each in range(10)))
    await store.put("feed/1", "x")
    assert worked == [PASSPHRASE]


# ── faults, kills, processes ──────────────────────────────────────────────────────────────────

STEPS_OF_A_PUT = 4 if sys.platform != "win32" else 3
"""Write, fsync, replace, and an fsync of the folder where there is one."""


async def test_a_put_takes_the_steps_that_the_next_test_makes_fail(home: Home) -> None:
    disk = FailingDisk()
    await home.open(disk=disk).put("feed/1", "x")
    assert disk.steps == STEPS_OF_A_PUT


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("step", range(1, STEPS_OF_A_PUT + 1))
async def test_a_fault_at_any_step_leaves_old_or_new_secrets_whole(
    home: Home, step: int, code: int
) -> None:
    await filled(home)
    with pytest.raises(StoreError):
        await home.open(disk=FailingDisk(step, code)).put("google/token/anna", "new")
    last_step = step == STEPS_OF_A_PUT and sys.platform != "win32"
    assert await home.open().get("google/token/anna") == ("new" if last_step else SECRET)
    assert await home.open().get("google/token/ben") == "token-of-ben"


@pytest.mark.parametrize("step", range(1, 4))
async def test_a_crash_between_key_and_file_leaves_a_usable_home(home: Home, step: int) -> None:
    with pytest.raises(StoreError):
        await home.open(disk=FailingDisk(step)).put("google/token/anna", SECRET)
    assert len(home.keyring.kept) == 1
    assert not home.path.exists()
    assert await home.open().get("google/token/anna") is None
    key = dict(home.keyring.kept)
    await home.open().put("google/token/anna", SECRET)
    assert home.keyring.kept == key
    assert await home.open().get("google/token/anna") == SECRET


async def test_rubbish_under_our_name_in_the_password_store_does_no_harm(home: Home) -> None:
    home.keyring.kept[KeyringEntry(home.folder).service, "key"] = "rubbish"
    await home.open().put("google/token/anna", SECRET)
    assert await home.open().get("google/token/anna") == SECRET


COUNT_UP = """
import asyncio, sys
from pathlib import Path
from companion.adapters.secrets import SealedSecrets, argon2id
from companion.adapters.file_locks import FileLock
from companion.adapters.keyring_entry import KeyringEntry

folder, who, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
lock = FileLock(folder / "secrets.lock", holder="the counter", patience=60)
store = SealedSecrets(folder, vault=KeyringEntry(folder), lock=lock)
print("ready", flush=True)
for number in range(rounds):
    asyncio.run(store.put(f"{who}/{number}", f"{number}" * 500))
    print(number, flush=True)
"""


def counter(folder: Path, who: str, rounds: int) -> warm.Process:
    environment = {
        **os.environ,
        "PYTHON_KEYRING_BACKEND": "tests.fakes.keyrings_of_keyring.Kept",
        "TEST_KEYRING_FILE": str(folder / "keyring of the test"),
    }
    return warm.start("-c", COUNT_UP, folder, who, str(rounds), env=environment)


async def kept_in(home: Home) -> SealedSecrets:
    """The folder as a new process finds it."""
    entries = home.folder / "keyring of the test"
    if entries.exists():
        for name, key in json.loads(entries.read_text()).items():
            service, user = name.split("/")
            home.keyring.kept[service, user] = key
    return home.open()


@pytest.mark.parametrize(
    "kills", [20, pytest.param(200, marks=[pytest.mark.long, pytest.mark.timeout(600)])]
)
async def test_killing_the_writer_at_any_moment_loses_nothing_that_was_told_done(
    home: Home, kills: int
) -> None:
    """The first rounds are killed around the making of key and file, later ones within puts."""
    done: dict[str, str] = {}
    for round_number in range(kills):
        with counter(home.folder, f"r{round_number}", 1000) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            await asyncio.sleep(0.02 * (round_number % 20))
            process.kill()
            for line in process.stdout.read().split():
                done[f"r{round_number}/{line}"] = line * 500
        store = await kept_in(home)
        for name, value in done.items():
            assert await store.get(name) == value
    assert done


async def test_two_processes_putting_at_once_lose_nothing_and_share_one_key(home: Home) -> None:
    running = [counter(home.folder, who, 15) for who in ("one", "two")]
    for each in running:
        each.communicate(timeout=60)
        assert each.returncode == 0
    store = await kept_in(home)
    for who in ("one", "two"):
        for number in range(15):
            assert await store.get(f"{who}/{number}") == f"{number}" * 500


async def test_another_process_s_put_is_seen_at_the_next_get(home: Home) -> None:
    mine, theirs = home.open(), home.open()
    for number in range(10):
        await theirs.put("feed/1", str(number))
        assert await mine.get("feed/1") == str(number)


def test_two_first_puts_at_once_in_threads_share_one_key(home: Home) -> None:
    stores = [home.open() for _each in range(4)]
    threads = [
        threading.Thread(target=store._put, args=(f"feed/{number}", "x"))
        for number, store in enumerate(stores)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join(timeout=30)
    assert len(home.keyring.kept) == 1
    fresh = home.open()
    assert [fresh._get(f"feed/{number}") for number in range(4)] == ["x"] * 4
