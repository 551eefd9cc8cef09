"""The book, the ledger, the feed links and the activity list in one SQL database."""

from companion.adapters.database.opening import Database, open_database

__all__ = ["Database", "open_database"]
