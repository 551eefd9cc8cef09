"""The secrets of a practice: what their rows give away, and what their sealing notices."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, update

from companion.adapters import crypto
from companion.adapters.database.access import DatabaseAccess
from companion.adapters.database.opening import open_database
from companion.adapters.database.practice_row import (
    PracticeRow,
    create_practice_row,
    practice_in,
    secrets_key_of,
)
from companion.adapters.database.schema import secrets
from companion.adapters.database.secrets import SharedSecrets
from companion.domain.errors import BadInput, SecretsDamaged
from companion.domain.practice_key import PracticeKey
from tests.fakes.clock import FakeClock

KEY = PracticeKey(bytes(range(20)))


@pytest.fixture
async def access(tmp_path: Path) -> AsyncIterator[DatabaseAccess]:
    database = open_database(tmp_path / "book.db", FakeClock())
    yield database.access
    await database.close()


async def founded(access: DatabaseAccess, practice_id: str = "p1") -> bytes:
    def found(connection: Connection) -> bytes:
        at = FakeClock().now()
        return create_practice_row(connection, practice_id, KEY, at=at, random=os.urandom)

    return await access.write(found)


async def row_of(access: DatabaseAccess) -> PracticeRow:
    found = await access.read(practice_in)
    assert found is not None
    return found


def store(access: DatabaseAccess, key: bytes, home: Path, practice_id: str = "p1") -> SharedSecrets:
    return SharedSecrets(access, practice_id=practice_id, key=key, home=home)


async def test_the_practice_key_opens_what_another_workstation_sealed(
    access: DatabaseAccess, tmp_path: Path
) -> None:
    assert await access.read(practice_in) is None
    await store(access, await founded(access), tmp_path).put("google/client", "{}")
    row = await row_of(access)
    assert (row.practice_id, row.moved_to) == ("p1", "")
    assert await store(access, secrets_key_of(row, KEY), tmp_path).get("google/client") == "{}"


async def test_another_practice_s_key_is_refused_by_its_fingerprint(access: DatabaseAccess) -> None:
    await founded(access)
    other = PracticeKey(bytes(20))
    with pytest.raises(BadInput) as refused:
        secrets_key_of(await row_of(access), other)
    assert refused.value.field == "practice_key"
    assert other.fingerprint in refused.value.what
    assert other.text not in str(refused.value)


async def test_the_key_of_one_practice_does_not_open_the_row_of_another(
    access: DatabaseAccess,
) -> None:
    await founded(access)
    moved = (await row_of(access))._replace(practice_id="p2")
    with pytest.raises(BadInput):
        secrets_key_of(moved, KEY)


@pytest.mark.parametrize(
    "change", [{"name": "feed/9"}, {"generation": 2}, {"nonce": bytes(12)}, {"sealed": b"x" * 40}]
)
async def test_a_row_that_was_changed_or_renamed_does_not_open(
    change: dict[str, object], access: DatabaseAccess, tmp_path: Path
) -> None:
    kept = store(access, bytes(32), tmp_path)
    await kept.put("feed/1", "token")
    await access.write(lambda connection: connection.execute(update(secrets).values(change)))
    with pytest.raises(SecretsDamaged):
        await kept.get(str(change.get("name", "feed/1")))
    with pytest.raises(SecretsDamaged):
        await kept.check()


async def test_rows_of_two_practices_do_not_pass_for_each_other(
    access: DatabaseAccess, tmp_path: Path
) -> None:
    await store(access, bytes(32), tmp_path, "p1").put("feed/1", "token")
    with pytest.raises(SecretsDamaged):
        await store(access, bytes(32), tmp_path, "p2").get("feed/1")


async def test_a_text_is_never_sealed_twice_with_one_nonce(
    access: DatabaseAccess, tmp_path: Path
) -> None:
    kept, seen = store(access, bytes(32), tmp_path), []
    for _ in range(5):
        await kept.put("feed/1", "token")
        row = await access.read(lambda connection: connection.execute(secrets.select()).one())
        seen.append((row.generation, row.nonce))
    assert [generation for generation, _nonce in seen] == [1, 2, 3, 4, 5]
    assert len({nonce for _generation, nonce in seen}) == 5


async def test_no_secret_and_no_key_is_in_the_file_of_the_database(
    access: DatabaseAccess, tmp_path: Path
) -> None:
    key = await founded(access)
    hidden = ["1//a-refresh-token", "a-feed-token", "the client secret", "the mail password"]
    for number, each in enumerate(hidden):
        await store(access, key, tmp_path).put(f"kept/{number}", each)
    await access.backup_to(tmp_path / "copy.db")
    content = (tmp_path / "copy.db").read_bytes()
    assert b"kept/3" in content, "the names of the secrets are not hidden"
    for secret in (key, KEY.secret, KEY.text.encode(), *(each.encode() for each in hidden)):
        assert secret not in content
        assert secret.hex().encode() not in content
        assert crypto.to_text(secret).encode() not in content
