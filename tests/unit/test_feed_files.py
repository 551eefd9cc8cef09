"""The last good copies on disk: for the token's holder alone, and harmless when damaged."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from companion.adapters.feed_files import FeedFiles
from companion.domain.errors import StoreError
from companion.services.files import Disk

CONTENT = b"BEGIN:VCALENDAR Marigold Quillfeather"


def listed(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_a_copy_opens_with_its_token_and_name_and_with_nothing_else(tmp_path: Path) -> None:
    files = FeedFiles(tmp_path / "feeds")
    await files.keep("one", "token", CONTENT)
    assert await files.last("one", "token") == CONTENT
    assert await files.last("one", "Token") is None
    (tmp_path / "feeds" / "one.feed").rename(tmp_path / "feeds" / "two.feed")
    assert await files.last("two", "token") is None
    assert await files.last("one", "token") is None


async def test_nothing_readable_and_no_token_lies_on_the_disk(tmp_path: Path) -> None:
    files = FeedFiles(tmp_path)
    await files.keep("one", "a-secret-token", CONTENT)
    (kept,) = listed(tmp_path)
    assert b"Marigold" not in kept.read_bytes()
    assert b"VCALENDAR" not in kept.read_bytes()
    assert b"a-secret-token" not in kept.read_bytes()


async def test_the_same_content_is_sealed_differently_each_time(tmp_path: Path) -> None:
    files = FeedFiles(tmp_path)
    await files.keep("one", "token", CONTENT)
    first = (tmp_path / "one.feed").read_bytes()
    await files.keep("one", "token", CONTENT)
    assert (tmp_path / "one.feed").read_bytes() != first


async def test_damage_anywhere_is_as_good_as_no_copy(tmp_path: Path) -> None:
    files = FeedFiles(tmp_path)
    await files.keep("one", "token", CONTENT)
    path = tmp_path / "one.feed"
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert await files.last("one", "token") is None
        path.write_bytes(whole[:place])
        assert await files.last("one", "token") is None


async def test_a_dropped_copy_is_gone_and_may_be_dropped_again(tmp_path: Path) -> None:
    files = FeedFiles(tmp_path)
    await files.keep("one", "token", CONTENT)
    await files.drop("one")
    await files.drop("one")
    assert listed(tmp_path) == []


async def test_a_full_disk_leaves_the_former_copy(tmp_path: Path) -> None:
    class FullDisk(Disk):
        def write(self, path: Path, content: bytes) -> None:
            raise OSError(errno.ENOSPC, "full")

    await FeedFiles(tmp_path).keep("one", "token", CONTENT)
    with pytest.raises(StoreError):
        await FeedFiles(tmp_path, disk=FullDisk()).keep("one", "token", b"newer")
    assert await FeedFiles(tmp_path).last("one", "token") == CONTENT
