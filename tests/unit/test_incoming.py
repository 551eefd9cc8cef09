"""Files on their way in, in a real folder."""

from __future__ import annotations

import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from companion.domain.errors import FileRefused, StoreError
from companion.web.incoming import KEPT_SECONDS, Incoming


async def stream(*chunks: bytes, fail: bool = False) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
    if fail:
        raise ConnectionResetError


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.exists() else []


async def test_a_file_is_kept_whole_private_and_under_a_name_of_ours(tmp_path: Path) -> None:
    incoming = Incoming(tmp_path / "incoming")
    ticket = await incoming.receive(stream(b"one", b"two"), file_name="../../Jane Citizen.CSV")
    path = incoming.path(ticket)
    assert path.read_bytes() == b"onetwo"
    assert path.parent == tmp_path / "incoming"
    assert path.suffix == ".csv"
    assert "Jane" not in path.name
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_strange_ending_is_not_taken_over(tmp_path: Path) -> None:
    incoming = Incoming(tmp_path)
    ticket = await incoming.receive(stream(b"x"), file_name="run.exe")
    assert incoming.path(ticket).suffix == ".upload"


async def test_a_file_that_grows_too_large_is_stopped_and_deleted(tmp_path: Path) -> None:
    incoming = Incoming(tmp_path, most_bytes=1024 * 1024)
    with pytest.raises(FileRefused, match="larger than 1 MB"):
        await incoming.receive(stream(b"x" * 700_000, b"x" * 700_000), file_name="a.csv")
    assert files(tmp_path) == []


async def test_a_browser_that_goes_away_leaves_nothing(tmp_path: Path) -> None:
    incoming = Incoming(tmp_path / "incoming")
    with pytest.raises(StoreError):
        await incoming.receive(stream(b"half", fail=True), file_name="a.csv")
    assert files(tmp_path / "incoming") == []


async def test_a_folder_that_cannot_be_written_is_told_in_words(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way", encoding="utf-8")
    with pytest.raises(StoreError):
        await Incoming(blocked).receive(stream(b"x"), file_name="a.csv")


async def test_discarding_deletes_and_ends_the_ticket(tmp_path: Path) -> None:
    incoming = Incoming(tmp_path)
    ticket = await incoming.receive(stream(b"x"), file_name="a.csv")
    incoming.discard(ticket)
    incoming.discard(ticket)
    assert files(tmp_path) == []
    with pytest.raises(FileRefused):
        incoming.path(ticket)


async def test_unused_files_are_deleted_after_an_hour(tmp_path: Path) -> None:
    moment = 0.0
    incoming = Incoming(tmp_path, monotonic=lambda: moment)
    ticket = await incoming.receive(stream(b"x"), file_name="a.csv")
    moment = KEPT_SECONDS + 1
    with pytest.raises(FileRefused):
        incoming.path(ticket)
    assert files(tmp_path) == []


async def test_leftovers_of_an_earlier_run_are_swept_at_start(tmp_path: Path) -> None:
    (tmp_path / "left.csv").write_text("old", encoding="utf-8")
    Incoming(tmp_path).sweep()
    assert files(tmp_path) == []


async def test_a_small_file_is_read_and_a_large_one_is_not(tmp_path: Path) -> None:
    incoming = Incoming(tmp_path)
    ticket = await incoming.receive(stream(b"12345"), file_name="a.json")
    assert await incoming.read(ticket, most_bytes=5) == b"12345"
    assert await incoming.read(ticket, most_bytes=4) is None
