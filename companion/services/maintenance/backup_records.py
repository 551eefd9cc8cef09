"""BackupRecord as a small document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from companion.domain.backup_plan import BackupRecord, GoodBackup


def text_of(record: BackupRecord) -> str:
    return json.dumps(asdict(record), default=datetime.isoformat)


def record_in(text: str | bytes) -> BackupRecord:
    """Nothing known for what is damaged: then nothing is deleted."""
    try:
        return _record_of(json.loads(text))
    except (ValueError, KeyError, TypeError):
        return BackupRecord()


def _record_of(document: Mapping[str, Any]) -> BackupRecord:
    """Raises ValueError, KeyError, TypeError."""
    return BackupRecord(
        good=tuple(
            GoodBackup(
                path=str(each["path"]),
                made_at=_moment(each["made_at"]),
                size=int(each["size"]),
                appointments=int(each["appointments"]),
            )
            for each in document["good"]
        ),
        making=str(document["making"]),
        failed_at=None if document["failed_at"] is None else _moment(document["failed_at"]),
        what=str(document["what"]),
        remedy=str(document["remedy"]),
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError
    return moment
