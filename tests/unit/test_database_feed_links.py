"""Links made before they had a kind of their own and intervals are still there afterwards."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from sqlite3 import connect

from alembic import command
from sqlalchemy import create_engine

from companion.adapters.database import open_database
from companion.adapters.database.upgrading import configuration
from tests.fakes.clock import FakeClock


def made_at(revision: str, path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


async def test_links_of_an_older_database_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    made_at("0001", path)
    with closing(connect(path)) as older:
        older.execute(
            "INSERT INTO feed_links VALUES ('f1', 'anna', 'Phone', 'busy', ?, "
            "'2026-03-02 09:00:00', 7, 60, NULL, NULL, '2026-03-02 10:00:00', 'iOS/18.1', 3)",
            (b"h" * 32,),
        )
        older.commit()
    database = open_database(path, FakeClock())
    (kept,) = await database.feeds.links()
    await database.close()
    assert (kept.id, kept.label, kept.detail, kept.fetches) == ("f1", "Phone", "busy", 3)
    assert (kept.custom, kept.last_status, kept.last_network, kept.intervals) == (None, 0, "", ())
