"""The disk of the practice's server is full: it is said, and nothing is kept by half."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import URL

from companion.adapters.database import Database, postgres
from companion.adapters.database.postgres_access import PostgresAccess
from companion.adapters.database.server_facts import PostgresServer
from companion.domain.errors import StoreError
from companion.services.changes import Changes
from companion.services.ports import BookChange
from tests.contract.book_samples import NOW, appointment
from tests.e2e.command_home import CommandHome, open_desk, write_export
from tests.fakes.clock import FakeClock
from tests.fakes.moving_practice import shown
from tests.fakes.practice_database import PracticeServer

pytestmark = pytest.mark.postgresql
FULL = "The disk of the practice's database is full: nothing was changed."
_TRIGGER = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF (SELECT count(*) FROM appointments) >= {kept} THEN
        RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100';
    END IF;
    RETURN NEW;
END $$;
CREATE CONSTRAINT TRIGGER full_disk AFTER INSERT ON appointments {when}
    FOR EACH ROW EXECUTE FUNCTION full_disk();
"""


@contextmanager
def full(
    server: PracticeServer, url: URL, *, kept: int = 0, at_commit: bool = False
) -> Iterator[None]:
    """As the server says it; `kept`: appointments for which there is still room."""
    when = "DEFERRABLE INITIALLY DEFERRED" if at_commit else ""
    server.execute_in(url, _TRIGGER.format(kept=kept, when=when))
    yield
    server.execute_in(url, "DROP FUNCTION full_disk CASCADE")


@pytest.fixture
async def access(practice_url: URL) -> AsyncIterator[PostgresAccess]:
    made = PostgresAccess(postgres.url_of(practice_url), Changes())
    yield made
    made.close()


@pytest.mark.parametrize("at_commit", [False, True])
async def test_a_write_that_has_no_room_is_a_sentence_until_there_is_room_again(
    access: PostgresAccess, practice_server: PracticeServer, practice_url: URL, *, at_commit: bool
) -> None:
    book = Database(access, FakeClock()).book
    change = BookChange(put=[appointment()])
    with full(practice_server, practice_url, at_commit=at_commit):
        with pytest.raises(StoreError) as refused:
            await book.apply(change, NOW)
        assert refused.value.what == FULL
        assert "free some space" in refused.value.remedy
        assert access.disk_full
        assert await book.count() == 0
    await book.apply(change, NOW)
    assert access.disk_full, "for a while: a small write may succeed on a full disk"


async def test_free_space_is_known_of_a_server_on_this_computer_whose_folder_can_be_read(
    practice_server: PracticeServer, practice_url: URL
) -> None:
    facts = await PostgresServer(practice_url).examine()
    assert (facts.size > 1_000_000, facts.free) == (True, None), "an ordinary user may not look"
    folder = Path(str(practice_server.value_in(practice_url, "SHOW data_directory")))
    owner = practice_server.server.owner
    of_owner = practice_url.set(username=owner.username, password=owner.password)
    facts = await PostgresServer(of_owner).examine()
    assert (facts.free is not None) is os.access(folder / "postmaster.pid", os.R_OK)


def test_an_import_that_has_no_room_is_kept_neither_by_half_nor_in_its_list(
    tmp_path: Path, practice_server: PracticeServer, practice_url: URL
) -> None:
    with open_desk(tmp_path, CommandHome) as desk:
        desk.run("import", write_export(tmp_path / "first.csv", 3))
        desk.run("practice", "create", "--database", shown(practice_url), "--name", "Desk")
        before = desk.json("imports", "list")
        with full(practice_server, practice_url, kept=10):
            said = desk.json("import", write_export(tmp_path / "more.csv", 40), code=1)
            assert said["error"]["what"] == FULL
        assert desk.json("imports", "list") == before
        assert practice_server.value_in(practice_url, "SELECT count(*) FROM appointments") == 3
        desk.run("import", tmp_path / "more.csv")
        assert practice_server.value_in(practice_url, "SELECT count(*) FROM appointments") == 40
