"""A book of an earlier version, whose ids of imported appointments were plain hashes."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

_LATER = (
    "documents",
    "secrets",
    "practice",
    "workstations",
    "lease",
    "turns",
    "commits",
    "paces",
)


def plain_id(source: str, source_id: str) -> str:
    return hashlib.sha256(f"{source}\x1f{source_id}".encode()).hexdigest()[:26]


def age(path: Path) -> None:
    """Take a closed book back to the revision before keys."""
    with closing(sqlite3.connect(path)) as raw, raw:
        for table in ("id_key", *_LATER):
            raw.execute(f"DROP TABLE {table}")
        raw.execute("UPDATE alembic_version SET version_num = '0004'")
