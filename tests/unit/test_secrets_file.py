"""The sealed file: tampering, swapped records, wrong keys, faults, kills, several processes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from companion.domain.errors import (
    CompanionError,
    SecretsDamaged,
    StoreTooNew,
)
from companion.services.files import Disk
from tests.fakes.sealed_home import SECRET, Home, filled

PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


# ── nothing in clear ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
async def test_neither_secret_nor_key_nor_passphrase_lies_in_the_folder(
    home: Home, passphrase: str
) -> None:
    await filled(home, passphrase)
    hidden = [SECRET, "token-of-ben", PASSPHRASE, *home.keyring.kept.values()]
    for path in files_in(home.folder):
        content = path.read_bytes()
        assert not any(each.encode() in content for each in hidden)
    assert sys.platform == "win32" or home.path.stat().st_mode & 0o077 == 0


async def test_the_same_secret_sealed_twice_looks_different(home: Home) -> None:
    store = home.open()
    await store.put("feed/1", SECRET)
    await store.put("feed/2", SECRET)
    records = json.loads(home.path.read_bytes())["records"]
    assert records["feed/1"]["sealed"] != records["feed/2"]["sealed"]
    nonces = {each["nonce"] for each in records.values()}
    assert len(nonces) == 2


async def test_a_file_is_read_once_and_again_when_anybody_changed_it(home: Home) -> None:
    read: list[Path] = []

    class Watched(Disk):
        def read(self, path: Path) -> bytes:
            read.append(path)
            return super().read(path)

    await filled(home)
    store, other = home.open(disk=Watched()), home.open()
    for _ in range(3):
        assert await store.get("google/token/anna") == SECRET
        assert await store.get("google/token/ben") == "token-of-ben"
    assert len(read) == 1
    await other.put("google/token/anna", "the next one")
    assert await store.get("google/token/anna") == "the next one"
    await store.put("google/token/ben", "by itself")
    assert await store.get("google/token/ben") == "by itself"
    home.edit(lambda each: each["records"].pop("google/token/ben"))
    with pytest.raises(SecretsDamaged):
        await store.get("google/token/anna")
    home.path.unlink()
    assert await store.get("google/token/anna") is None


# ── tampering ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
async def test_no_flipped_bit_anywhere_gives_another_secret(home: Home, passphrase: str) -> None:
    """Every region of the file: a flip is refused, or it did not matter (white space)."""
    await home.open(passphrase).put("google/token/anna", SECRET)
    whole = home.path.read_bytes()
    store = home.open(passphrase)
    assert await store.get("google/token/anna") == SECRET
    refused = 0
    given: set[str | None] = set()
    said: list[str] = []
    # A passphrase's own head costs a key derivation each: a sample of it is enough.
    step = 1 if not passphrase else 7
    for place in range(0, len(whole), step):
        home.path.write_bytes(bytes_with_flip(whole, place))
        try:
            given.add(await store.get("google/token/anna"))
        except CompanionError as error:
            refused += 1
            said.append(f"{error}{error.detail}")
    # None: the file then is as good as one that never held this name.
    assert given <= {SECRET, None}
    assert SECRET not in "".join(said)
    assert refused > len(whole) / step * 0.6


def bytes_with_flip(whole: bytes, place: int) -> bytes:
    return whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]


def swap(document: Any) -> None:
    records = document["records"]
    one, other = "google/token/anna", "google/token/ben"
    records[one], records[other] = records[other], records[one]


def rename(document: Any) -> None:
    document["records"]["google/token/carl"] = document["records"].pop("google/token/ben")


def drop(document: Any) -> None:
    del document["records"]["google/token/ben"]


def raise_generation(document: Any) -> None:
    document["records"]["google/token/anna"]["generation"] += 1


def cut_the_seal(document: Any) -> None:
    document["seal"]["sealed"] = ""


def change_the_kind(document: Any) -> None:
    document["key"] = {"kind": "none"}


def add_a_claim(document: Any) -> None:
    document["key"]["hint"] = "x"


@pytest.mark.parametrize(
    "tamper",
    [swap, rename, drop, raise_generation, cut_the_seal, change_the_kind, add_a_claim],
)
async def test_a_tampered_file_is_refused_and_left_as_it_is(
    home: Home, tamper: Callable[[Any], None]
) -> None:
    await filled(home)
    tampered = home.edit(tamper)
    store = home.open()
    with pytest.raises(SecretsDamaged):
        await store.get("google/token/anna")
    with pytest.raises(SecretsDamaged):
        await store.put("google/token/anna", "new")
    with pytest.raises(SecretsDamaged):
        await store.check()
    assert home.path.read_bytes() == tampered


async def test_a_single_record_cannot_be_rolled_back(home: Home) -> None:
    await filled(home)
    old = json.loads(home.path.read_bytes())["records"]["google/token/anna"]
    await home.open().put("google/token/anna", "newer")
    home.edit(lambda document: document["records"].update({"google/token/anna": old}))
    with pytest.raises(SecretsDamaged):
        await home.open().get("google/token/anna")


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"null", b"\x00" * 100, b"[" * 100_000])
async def test_a_file_that_is_none_is_refused_and_left_as_it_is(home: Home, content: bytes) -> None:
    home.path.write_bytes(content)
    store = home.open(PASSPHRASE)
    with pytest.raises(SecretsDamaged):
        await store.get("feed/1")
    with pytest.raises(SecretsDamaged):
        await store.put("feed/1", "x")
    assert home.path.read_bytes() == content


@pytest.mark.parametrize(
    ("cost", "value"), [("memory_kib", 1 << 30), ("time", 10**9), ("lanes", 0)]
)
async def test_a_cost_that_would_stall_the_machine_is_refused(
    home: Home, cost: str, value: int
) -> None:
    await filled(home, PASSPHRASE)
    home.edit(lambda document: document["key"].update({cost: value}))
    with pytest.raises(SecretsDamaged):
        await home.open(PASSPHRASE).get("google/token/anna")


async def test_a_file_of_a_newer_version_is_left_untouched(home: Home) -> None:
    await filled(home)
    newer = home.edit(lambda document: document.update({"version": 2}))
    with pytest.raises(StoreTooNew):
        await home.open().get("google/token/anna")
    with pytest.raises(StoreTooNew):
        await home.open().put("google/token/anna", "x")
    assert home.path.read_bytes() == newer


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
