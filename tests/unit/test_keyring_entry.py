"""The platform's password store: only one that proves itself is used."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest
from keyring.backends import fail, null

from companion.adapters.file_locks import FileLock
from companion.adapters.keyring_entry import Backend, KeyringEntry
from companion.adapters.secrets import SealedSecrets
from companion.domain.errors import SecretsUnavailable
from tests.fakes.keyrings import (
    AskingKeyring,
    BrokenKeyring,
    ForgetfulKeyring,
    GoodKeyring,
    KeyringLocked,
    PretendingKeyring,
)


def keyring_of(module: str) -> GoodKeyring:
    """One that works, but whose class lies in `module`."""
    kind = types.new_class("Keyring", (GoodKeyring,))
    kind.__module__ = module
    made: GoodKeyring = kind()
    return made


class Chained(GoodKeyring):
    """As keyring's chainer: the first of several takes what is stored."""

    def __init__(self, *backends: GoodKeyring) -> None:
        super().__init__()
        self.backends = backends


USELESS = {
    "fail": fail.Keyring(),  # type: ignore[no-untyped-call]  # keyring's own
    "null": null.Keyring(),  # type: ignore[no-untyped-call]  # keyring's own
    "pretending": PretendingKeyring(),
    "forgetful": ForgetfulKeyring(),
    "locked": BrokenKeyring(KeyringLocked("secret-text")),
    "raising": BrokenKeyring(OSError(5, "secret-text")),
    "exotic": BrokenKeyring(ZeroDivisionError()),
    "plaintext": keyring_of("keyrings.alt.file"),
    "cryptfile": keyring_of("keyrings.cryptfile.cryptfile"),
    "chained plaintext": Chained(keyring_of("keyrings.alt.file"), GoodKeyring()),
}


@pytest.mark.parametrize("backend", USELESS.values(), ids=USELESS.keys())
async def test_a_useless_backend_is_refused_and_nothing_is_written(
    tmp_path: Path, backend: Backend
) -> None:
    store = secrets_with(tmp_path, KeyringEntry(tmp_path, backend=lambda: backend))
    with pytest.raises(SecretsUnavailable) as put:
        await store.put("google/client", "the secret")
    with pytest.raises(SecretsUnavailable):
        await store.check()
    assert put.value.remedy
    assert "secret-text" not in f"{put.value}{put.value.detail}"
    assert not (tmp_path / "secrets.json").exists()


@pytest.mark.parametrize("backend", USELESS.values(), ids=USELESS.keys())
async def test_where_no_backend_works_a_passphrase_does(tmp_path: Path, backend: Backend) -> None:
    vault = KeyringEntry(tmp_path, backend=lambda: backend)
    store = secrets_with(tmp_path, vault, passphrase="correct horse battery staple")
    await store.put("google/client", "the secret")
    assert await store.get("google/client") == "the secret"
    assert "passphrase" in await store.check()
    assert b"the secret" not in (tmp_path / "secrets.json").read_bytes()


async def test_reading_on_a_machine_without_a_backend_finds_nothing_and_asks_nothing(
    tmp_path: Path,
) -> None:
    store = secrets_with(tmp_path, KeyringEntry(tmp_path, backend=fail.Keyring))
    assert await store.get("google/client") is None
    await store.remove("google/client")


def test_a_locked_store_is_said_to_be_locked(tmp_path: Path) -> None:
    locked = BrokenKeyring(KeyringLocked())
    with pytest.raises(SecretsUnavailable, match="locked"):
        KeyringEntry(tmp_path, backend=lambda: locked).get()


def test_a_store_that_waits_for_an_answer_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    asking = AskingKeyring()
    vault = KeyringEntry(tmp_path, backend=lambda: asking, seconds=0.1)
    with pytest.raises(SecretsUnavailable, match="does not answer"):
        vault.get()
    with pytest.raises(SecretsUnavailable, match="does not answer"):
        vault.set("x")
    assert asking.asked == 1, "the second call need not wait at all"
    asking.answered.set()
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            assert vault.get() is None
            break
        except SecretsUnavailable:
            time.sleep(0.01)
    else:
        pytest.fail("an answered store is used again")


def test_the_check_leaves_no_probe_behind(tmp_path: Path) -> None:
    keyring = GoodKeyring()
    assert KeyringEntry(tmp_path, backend=lambda: keyring).check() == "good keyring"
    assert keyring.kept == {}


async def test_the_store_holds_one_entry_of_44_characters_whatever_is_sealed(
    tmp_path: Path,
) -> None:
    keyring = GoodKeyring()
    store = secrets_with(tmp_path, KeyringEntry(tmp_path, backend=lambda: keyring))
    for number in range(5):
        await store.put(f"feed/{number}", "x" * 4000)
    assert [len(each) for each in keyring.kept.values()] == [44]


def test_two_homes_have_an_entry_each(tmp_path: Path) -> None:
    services = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        services.add(KeyringEntry(tmp_path / name, backend=GoodKeyring).service)
    assert len(services) == 2
    assert all(each.startswith("Calendar Companion ") for each in services)


async def test_the_store_is_asked_once_per_process(tmp_path: Path) -> None:
    keyring = GoodKeyring()
    await secrets_with(tmp_path, KeyringEntry(tmp_path, backend=lambda: keyring)).put(
        "feed/1", "one"
    )
    keyring.calls = 0
    store = secrets_with(tmp_path, KeyringEntry(tmp_path, backend=lambda: keyring))
    for _again in range(10):
        assert await store.get("feed/1") == "one"
    assert keyring.calls == 1


ASK_KEYRING = """
from pathlib import Path
from companion.adapters.keyring_entry import KeyringEntry
from companion.domain.errors import SecretsUnavailable
try:
    print(KeyringEntry(Path(".")).check())
except SecretsUnavailable as error:
    print("unavailable:", error)
"""


@pytest.mark.parametrize(
    ("named", "answer"),
    [
        ("keyring.backends.null.Keyring", "keeps nothing"),
        ("keyring.backends.fail.Keyring", "no working password store"),
        ("no.such.Keyring", "PYTHON_KEYRING_BACKEND"),
        ("keyring.backends.null.NoSuchClass", "PYTHON_KEYRING_BACKEND"),
        ("nonsense", "PYTHON_KEYRING_BACKEND"),
        ("tests.fakes.keyrings_of_keyring.Kept", "kept by a test"),
    ],
)
def test_keyring_s_own_variable_chooses_the_backend(named: str, answer: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ASK_KEYRING],
        env={**os.environ, "PYTHON_KEYRING_BACKEND": named},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert answer in done.stdout
    assert "Traceback" not in done.stderr


def secrets_with(folder: Path, vault: KeyringEntry, passphrase: str = "") -> SealedSecrets:
    lock = FileLock(folder / "secrets.lock", holder="a test")
    return SealedSecrets(folder, vault=vault, lock=lock, passphrase=passphrase)
