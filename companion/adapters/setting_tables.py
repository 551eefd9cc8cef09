"""What both stores of the settings share: Settings as the tables of a TinyDB."""

from __future__ import annotations

from tinydb import TinyDB
from tinydb.storages import Storage

from companion.domain.errors import BadInput, StoreError, StoreTooNew
from companion.domain.settings import Settings
from companion.services.settings.documents import checked, from_tables


def settings_in(storage: Storage, *, place: str) -> Settings:
    """`place` names the storage at the start of a sentence. Raises StoreTooNew, StoreError for a
    value that cannot be used, and what `storage.read` raises."""
    with TinyDB(storage=lambda: storage) as database:
        tables = {
            name: [dict(row) for row in database.table(name).all()] for name in database.tables()
        }
    try:
        return from_tables(tables)
    except StoreTooNew:
        raise
    except BadInput as error:
        raise StoreError(
            f'{place} has a value that cannot be used, "{error.field}".',
            f"{error.remedy} Nothing was changed.",
            detail="a value",
        ) from error


def fill(storage: Storage, settings: Settings, *, proven: Settings | None = None) -> None:
    """All tables of `settings` into the storage; raises BadInput for what cannot be kept. `proven`:
    what was read before."""
    with TinyDB(storage=lambda: storage) as database:
        for name, rows in checked(settings, proven).items():
            table = database.table(name)
            table.truncate()
            table.insert_multiple(rows)
