"""The book, the ledger, the feed links and the activity list in one SQL database."""

from companion.adapters.database.database import Database
from companion.adapters.database.opening import open_database

__all__ = ["Database", "open_database"]
